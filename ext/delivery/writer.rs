//! With a spool: the thread that takes what was recorded to disk, within milliseconds, and the one that syncs it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::chunk::MOST_SPANS;
use super::sender::Shared;
use super::spool::{Spool, SpoolSettings};
use super::thread;
use crate::ext::log::log;

/// How often it looks while there is something to write.
const BEAT: Duration = Duration::from_millis(1);
/// After so many beats with nothing to write, it sleeps until it is woken.
const BEATS: u32 = 50;
/// How long the disk is left alone after it failed.
const REST: Duration = Duration::from_secs(1);
/// The longest pause before a directory that could not be opened is tried again.
const LONGEST_REST: Duration = Duration::from_secs(60);
/// A disk that works only now and then is told of once in so long.
const AGAIN: Duration = Duration::from_secs(60);
/// How long what was written waits to be synced: half of what a power loss may cost.
const SYNC: Duration = Duration::from_millis(50);

/// The spool, once it is open, as the threads share it.
pub(super) struct Disk {
    settings: SpoolSettings,
    spool: OnceLock<Spool>,
    /// Why it can't be used now: until it can, spans are delivered from memory.
    problem: Mutex<Option<String>>,
    /// As `problem`, to be asked without the lock.
    failing: AtomicBool,
    /// The writer has written its last.
    done: AtomicBool,
    unsynced: Mutex<bool>,
    written: Condvar,
}

impl Disk {
    pub fn new(settings: SpoolSettings) -> Self {
        Disk {
            settings,
            spool: OnceLock::new(),
            problem: Mutex::new(None),
            failing: AtomicBool::new(false),
            done: AtomicBool::new(false),
            unsynced: Mutex::new(false),
            written: Condvar::new(),
        }
    }

    pub fn spool(&self) -> Option<&Spool> {
        self.spool.get()
    }

    /// As `spool`, a moment after the start too: a process that ends while it is opened leaves half of a folder.
    pub fn once_open(&self, patience: Duration) -> Option<&Spool> {
        let start = Instant::now();
        while self.spool.get().is_none() && !self.is_failing() && start.elapsed() < patience {
            std::thread::sleep(BEAT / 4);
        }
        self.spool()
    }

    /// Whether what is in memory is to be delivered from there.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Acquire)
    }

    /// Whether it was never opened, and can't be now.
    pub fn is_unusable(&self) -> bool {
        self.spool.get().is_none() && self.is_failing()
    }

    /// Why spans are in memory only at the moment.
    pub fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_problem(&self, problem: Option<String>) {
        let failing = problem.is_some();
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
        self.failing.store(failing, Ordering::Release);
    }

    pub fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// Opens the spool directory, unless that was done.
    fn open(&self, shared: &Shared) -> Result<&Spool, String> {
        // After a panic, the thread that writes goes on with the spool that it has.
        if let Some(spool) = self.spool.get() {
            return Ok(spool);
        }
        let key = shared.settings.key()?;
        let opened = Spool::open(self.settings.clone(), &key).map_err(|error| {
            format!("the spool directory {} can't be used: {error}", self.settings.dir.display())
        })?;
        self.set_problem(None);
        Ok(self.spool.get_or_init(|| opened))
    }

    fn to_sync(&self) {
        *self.unsynced.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.written.notify_one();
    }
}

/// Starts the thread that writes. It ends when the queue is closed and everything is written.
pub(super) fn start(shared: Arc<Shared>, disk: Arc<Disk>) -> std::io::Result<()> {
    let run = move || {
        thread::run_to_end("writer", &shared.reports, || write(&shared, &disk));
        disk.done.store(true, Ordering::Release);
        disk.to_sync();
        shared.queue.wake().sender();
    };
    std::thread::Builder::new().name("paid-writer".into()).spawn(run).map(drop)
}

/// Starts the thread that syncs. It ends after the one that writes.
pub(super) fn start_syncer(shared: Arc<Shared>, disk: Arc<Disk>) -> std::io::Result<()> {
    let run = move || thread::run_to_end("sync", &shared.reports, || sync(&shared, &disk));
    std::thread::Builder::new().name("paid-sync".into()).spawn(run).map(drop)
}

/// What the writer knows of the disk's failures.
#[derive(Default)]
struct Failures {
    last: Option<Instant>,
    /// In a row.
    count: u32,
    logged: Option<Instant>,
}

impl Failures {
    /// Whether the disk is left alone for now.
    fn pauses(&self, longest: Duration) -> bool {
        let pause = REST.saturating_mul(2_u32.saturating_pow(self.count.saturating_sub(1))).min(longest);
        self.last.is_some_and(|last| last.elapsed() < pause)
    }

    fn add(&mut self, disk: &Disk, problem: String) {
        self.last = Some(Instant::now());
        self.count = self.count.saturating_add(1);
        if self.logged.is_none_or(|logged| logged.elapsed() >= AGAIN) {
            self.logged = self.last;
            log(
                || tracing::error!(target: "paid", "spans are kept in memory only, until the spool can be written again: {problem}"),
            );
        }
        disk.set_problem(Some(format!("spans are in memory only: {problem}")));
    }

    fn clear(&mut self, disk: &Disk) {
        if self.last.take().is_some() {
            disk.set_problem(None);
        }
        self.count = 0;
    }
}

fn write(shared: &Shared, disk: &Disk) {
    let queue = &shared.queue;
    queue.wake().i_am_writer();
    let (mut idle, mut failures) = (0, Failures::default());
    loop {
        // Before it is asked whether there is more: what comes before the end is written.
        let open = queue.is_open();
        let spool = match disk.spool() {
            Some(spool) => Some(spool).filter(|_| !failures.pauses(REST)),
            None if failures.pauses(LONGEST_REST) => None,
            None => match disk.open(shared) {
                Ok(spool) => {
                    failures.clear(disk);
                    // What an ended process left may go now.
                    queue.wake().sender();
                    Some(spool)
                }
                Err(problem) => {
                    failures.add(disk, problem);
                    queue.wake().sender();
                    None
                }
            },
        };
        // What is in memory since a failure goes first.
        let kept = spool.and_then(|_| queue.take_kept());
        match kept.or_else(|| queue.take(idle >= BEATS)) {
            Some(chunk) => {
                idle = 0;
                let Some(spool) = spool else {
                    queue.keep_in_memory(chunk);
                    continue;
                };
                match spool.append(chunk.first, &chunk.records) {
                    Ok(()) => {
                        failures.clear(disk);
                        disk.to_sync();
                        queue.written(chunk, spool.unread() >= u64::from(MOST_SPANS));
                    }
                    Err(error) => {
                        failures.count = 0;
                        failures.add(disk, error.to_string());
                        queue.keep_in_memory(chunk);
                    }
                }
            }
            None if !open => return,
            None if idle == 0 => {
                idle = 1;
                queue.prepare();
            }
            None if idle >= BEATS => std::thread::park_timeout(REST),
            None => {
                idle += 1;
                std::thread::sleep(BEAT);
            }
        }
    }
}

fn sync(shared: &Shared, disk: &Disk) {
    let mut reported = false;
    loop {
        {
            let mut unsynced = disk.unsynced.lock().unwrap_or_else(PoisonError::into_inner);
            while !std::mem::take(&mut *unsynced) {
                if disk.is_done() {
                    return;
                }
                unsynced = disk.written.wait(unsynced).unwrap_or_else(PoisonError::into_inner);
            }
        }
        if shared.queue.is_open() {
            std::thread::sleep(SYNC);
        }
        if let Some(Err(error)) = disk.spool().map(Spool::sync)
            && !std::mem::replace(&mut reported, true)
        {
            log(
                || tracing::error!(target: "paid", "the spool can't be synced, and a power loss may cost more: {error}"),
            );
        }
    }
}
