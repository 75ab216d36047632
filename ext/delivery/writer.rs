//! With a spool: the thread that takes what was recorded to disk, within milliseconds, and the one that syncs it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::chunk::MOST_SPANS;
use super::sender::Shared;
use super::spool::{AppendError, Spool, SpoolSettings};
use super::thread;
use crate::ext::log::log;

/// How often it looks while there is something to write.
const BEAT: Duration = Duration::from_millis(1);
/// After so many beats with nothing to write, it sleeps until it is woken.
const BEATS: u32 = 50;
/// How long the disk is left alone after it failed.
const REST: Duration = Duration::from_secs(1);
/// A disk that works only now and then is told of once in so long.
const AGAIN: Duration = Duration::from_secs(60);
/// How long what was written waits to be synced: half of what a power loss may cost.
const SYNC: Duration = Duration::from_millis(50);

/// The spool, once it is open, as the threads share it.
pub(super) struct Disk {
    settings: SpoolSettings,
    /// None inside: it can't be used, and delivery goes on in memory.
    spool: OnceLock<Option<Spool>>,
    /// It could not be written lately: what comes is delivered from memory.
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
            failing: AtomicBool::new(false),
            done: AtomicBool::new(false),
            unsynced: Mutex::new(false),
            written: Condvar::new(),
        }
    }

    pub fn spool(&self) -> Option<&Spool> {
        self.spool.get()?.as_ref()
    }

    /// As `spool`, a moment after the start too: a process that ends while it is opened leaves half of a folder.
    pub fn once_open(&self, patience: Duration) -> Option<&Spool> {
        let start = Instant::now();
        while self.spool.get().is_none() && start.elapsed() < patience {
            std::thread::sleep(BEAT / 4);
        }
        self.spool()
    }

    /// Whether what is in memory is to be delivered from there.
    pub fn is_failing(&self) -> bool {
        self.is_unusable() || self.failing.load(Ordering::Acquire)
    }

    pub fn is_unusable(&self) -> bool {
        self.spool.get().is_some_and(Option::is_none)
    }

    pub fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    fn open(&self, key: &str) -> Option<&Spool> {
        // After a panic, the thread that writes goes on with the spool that it has.
        if let Some(spool) = self.spool.get() {
            return spool.as_ref();
        }
        let opened = Spool::open(self.settings.clone(), key);
        if let Err(error) = &opened {
            log(|| {
                tracing::error!(
                    target: "paid",
                    "the spool directory {} can't be used, and spans are kept in memory only: {error}",
                    self.settings.dir.display()
                )
            });
        }
        self.spool.get_or_init(|| opened.ok()).as_ref()
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

fn write(shared: &Shared, disk: &Disk) {
    let queue = &shared.queue;
    queue.wake().i_am_writer();
    let spool = match shared.settings.key() {
        Ok(key) => disk.open(&key),
        Err(problem) => {
            log(|| tracing::error!(target: "paid", "spans are kept in memory only: {problem}"));
            disk.spool.get_or_init(|| None).as_ref()
        }
    };
    // What an ended process left may go now.
    queue.wake().sender();
    let (mut idle, mut failed, mut told) = (0, None::<Instant>, None::<Instant>);
    loop {
        // Before it is asked whether there is more: what comes before the end is written.
        let open = queue.is_open();
        let rests = failed.is_some_and(|failed| failed.elapsed() < REST);
        // What is in memory since a failure goes first.
        let kept = if spool.is_some() && !rests { queue.take_kept() } else { None };
        match kept.or_else(|| queue.take(idle >= BEATS)) {
            Some(chunk) => {
                idle = 0;
                let Some(spool) = spool.filter(|_| !rests) else {
                    queue.keep_in_memory(chunk);
                    continue;
                };
                match spool.append(chunk.first, &chunk.records) {
                    Ok(()) => {
                        failed = None;
                        disk.failing.store(false, Ordering::Release);
                        disk.to_sync();
                        queue.written(chunk, spool.unread() >= u64::from(MOST_SPANS));
                    }
                    Err(error) => {
                        failed = Some(Instant::now());
                        disk.failing.store(true, Ordering::Release);
                        if told.is_none_or(|told| told.elapsed() >= AGAIN) {
                            told = failed;
                            report(&error);
                        }
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

fn report(error: &AppendError) {
    log(
        || tracing::error!(target: "paid", "spans are kept in memory only, until the spool can be written again: {error}"),
    );
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
