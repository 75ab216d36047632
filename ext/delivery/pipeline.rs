//! One account's pipeline: its threads, and what the caller can do with it.
//!
//! A fork copies memory, but no threads, and locks as they were. So a pipeline belongs to the process that started it;
//! in a child, another one with the same settings takes its place, and the parent's is never touched.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::Settings;
use super::encode;
use super::queue::{Queue, Refused};
use super::report::Reports;
use super::sender::{self, Shared};
use super::span::Span;
use super::spool::Spool;
use super::stats::DeliveryStats;
use super::thread::Threads;
use super::wake::Wake;
use super::writer::{self, Disk};
use crate::ext::process;

/// Where one account's spans go.
pub(crate) struct Pipeline {
    /// Tells the pipelines of a process apart.
    id: u64,
    forks: u64,
    shared: Arc<Shared>,
    disk: Option<Arc<Disk>>,
    threads: Threads,
    /// That of a child process.
    child: OnceLock<Box<Pipeline>>,
}

/// How long the start, and the end, of tracing wait for the spool to be opened.
const OPENING: Duration = Duration::from_millis(20);
const LEAVING: Duration = Duration::from_millis(200);

thread_local! {
    /// Where a span is encoded, before it is copied into the queue.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}
/// A scratch that grew beyond this is given back.
const MOST_SCRATCH: usize = 64 * 1024;

impl Pipeline {
    /// A pipeline whose threads have not been started.
    pub fn new(settings: Settings) -> Pipeline {
        let disk = settings.spool.clone().map(|spool| Arc::new(Disk::new(spool)));
        let shared = Arc::new(Shared {
            queue: Queue::new(settings.max_queue_bytes, Wake::new(disk.is_some())),
            reports: Reports::new(settings.callbacks.clone()),
            settings,
            answering: AtomicBool::new(true),
            acknowledged: AtomicBool::new(false),
        });
        let threads = Threads::default();
        Pipeline {
            id: fastrand::u64(1..),
            forks: process::forks(),
            shared,
            disk,
            threads,
            child: OnceLock::new(),
        }
    }

    /// Starts the threads. If the system has none to give now, spans wait in memory, and it is tried again. The caller
    /// holds no lock: a failure is logged.
    pub fn start(&self) {
        self.start_threads();
        if let Some(disk) = self.disk.as_ref().filter(|_| self.threads.are_complete()) {
            // As a rule a millisecond: from its first span on, what is recorded is on disk at once.
            disk.once_open(OPENING);
        }
    }

    #[cold]
    fn start_threads(&self) {
        let (shared, disk) = (&self.shared, &self.disk);
        let mut exporter = || sender::start(shared.clone(), disk.clone());
        let mut writer = || disk.as_ref().map_or(Ok(()), |disk| writer::start(shared.clone(), disk.clone()));
        let mut syncer =
            || disk.as_ref().map_or(Ok(()), |disk| writer::start_syncer(shared.clone(), disk.clone()));
        let started = self.threads.start(Instant::now(), &mut [&mut exporter, &mut writer, &mut syncer]);
        if let Err(error) = started {
            shared.reports.holding(&format!("the system has no thread for delivery yet: {error}"));
        }
    }

    /// Waits until the threads run, which they do from the start unless the system had none to give.
    fn wait_for_threads(&self, deadline: Instant) {
        while !self.threads.are_complete() && Instant::now() < deadline {
            self.start_threads();
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// That of this process, started if this is a child that has not used it yet.
    fn here(&self) -> &Pipeline {
        if self.forks == process::forks() {
            return self;
        }
        let child = self.child.get_or_init(|| {
            let child = Pipeline::new(self.shared.settings.clone());
            match self.shared.queue.is_open() {
                true => child.start(),
                false => child.shared.queue.close(),
            }
            Box::new(child)
        });
        child.here()
    }

    /// That of this process, if it has been used.
    fn used(&self) -> Option<&Pipeline> {
        if self.forks == process::forks() { Some(self) } else { self.child.get()?.used() }
    }

    fn spool(&self) -> Option<&Spool> {
        self.disk.as_ref().and_then(|disk| disk.spool())
    }

    /// Hands over a finished span. It never waits.
    ///
    /// # Errors
    ///
    /// The queue is full or closed; the span is counted as dropped.
    pub fn offer(&self, span: &Span<'_>) -> Result<(), Refused> {
        let here = self.here();
        if !here.threads.are_complete() {
            here.start_threads();
        }
        let queue = &here.shared.queue;
        let offered = SCRATCH.try_with(|scratch| {
            let mut scratch = scratch.try_borrow_mut().ok()?;
            scratch.clear();
            encode::record(&mut scratch, span);
            let offered = queue.offer(&scratch);
            if scratch.capacity() > MOST_SCRATCH {
                *scratch = Vec::new();
            }
            Some(offered)
        });
        // At the end of a thread its scratch may be gone.
        let offered = offered.ok().flatten().unwrap_or_else(|| {
            let mut record = Vec::new();
            encode::record(&mut record, span);
            queue.offer(&record)
        });
        #[cfg(feature = "mirror")]
        if let Some(mirror) = &here.shared.settings.mirror {
            mirror.copy(span);
        }
        offered
    }

    /// Waits until what was handed over so far is acknowledged or given up; whether it was in time.
    pub fn flush(&self, timeout: Duration) -> bool {
        let deadline = deadline(timeout);
        self.used().is_none_or(|here| {
            here.wait_for_threads(deadline);
            here.shared.queue.flush(deadline)
        })
    }

    /// Waits until nothing is under way, spans of ended processes included; whether it was in time.
    pub fn drain(&self, timeout: Duration) -> bool {
        self.used().is_none_or(|here| here.shared.queue.drain(deadline(timeout)))
    }

    /// Waits until what was handed over so far is out of this process; whether it was in time.
    pub fn flush_to_disk(&self, timeout: Duration) -> bool {
        let deadline = deadline(timeout);
        self.used().is_none_or(|here| {
            here.wait_for_threads(deadline);
            here.shared.queue.flush_to_disk(deadline)
        })
    }

    /// Waits until what was handed over so far survives a power loss; whether it does.
    pub fn sync(&self, timeout: Duration) -> bool {
        let written = self.flush_to_disk(timeout);
        // What is settled needs no disk.
        written && self.used().and_then(Pipeline::spool).is_none_or(|spool| spool.sync().is_ok())
    }

    /// Flushes, then takes no more spans. What is not on disk by then counts as dropped.
    pub fn shutdown(&self, timeout: Duration) -> bool {
        const LAST_WRITE: Duration = Duration::from_secs(1);
        const LAST_COUNT: Duration = Duration::from_millis(100);
        let end = deadline(timeout);
        let done = self.flush(timeout);
        if self.has_spool() {
            self.flush_to_disk(end.saturating_duration_since(Instant::now()).max(LAST_WRITE));
        }
        let queue = &self.here().shared.queue;
        queue.close();
        self.end_mirror(end.saturating_duration_since(Instant::now()));
        // What is lost is counted at once, but for what is on its way.
        queue.flush(Instant::now() + if done || self.has_spool() { Duration::ZERO } else { LAST_COUNT });
        done
    }

    /// At the end of the process: leaves nothing behind on disk if there is nothing left to deliver.
    pub fn leave(&self) {
        self.end_mirror(Duration::from_secs(1));
        if let Some(spool) = self.used().and_then(|here| here.disk.as_ref()?.once_open(LEAVING)) {
            spool.close();
        }
    }

    /// The user's own backend gets what it has not got yet. In a child, the processor is the parent's.
    fn end_mirror(&self, timeout: Duration) {
        #[cfg(feature = "mirror")]
        if self.forks == process::forks()
            && let Some(mirror) = &self.shared.settings.mirror
        {
            mirror.end(timeout);
        }
        #[cfg(not(feature = "mirror"))]
        let _ = timeout;
    }

    /// Whether spans go to disk: there is a spool directory, and it can be used as far as is known.
    pub fn has_spool(&self) -> bool {
        self.used().and_then(|here| here.disk.as_ref()).is_some_and(|disk| !disk.is_unusable())
    }

    /// Whether the pipeline still takes spans.
    pub fn is_open(&self) -> bool {
        self.used().unwrap_or(self).shared.queue.is_open()
    }

    /// Whether the collector took something lately or nothing was sent yet; else waiting for it is in vain.
    pub fn is_answering(&self) -> bool {
        self.used().is_none_or(|here| here.shared.answering.load(Ordering::Relaxed))
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    /// The collector's URL.
    pub fn endpoint(&self) -> &str {
        self.shared.settings.endpoint.as_str()
    }

    /// Whether a second signal that joins the costs of a trace is refused.
    pub fn is_strict_about_costs(&self) -> bool {
        self.shared.settings.strict_cost_tracing
    }

    pub fn stats(&self) -> DeliveryStats {
        let Some(here) = self.used() else { return DeliveryStats::default() };
        let orphaned = here.spool().map(Spool::orphaned).unwrap_or_default();
        DeliveryStats {
            orphaned_bytes: orphaned.own_bytes,
            other_keys_bytes: orphaned.other_bytes,
            ..here.shared.queue.stats()
        }
    }

    /// The account, as the fingerprint of its key; none before the key is known.
    pub fn account(&self) -> Option<String> {
        self.used().and_then(|here| here.shared.reports.account())
    }

    /// Why nothing goes out at the moment.
    pub fn problem(&self) -> Option<String> {
        let here = self.used()?;
        here.shared.reports.problem().or_else(|| here.disk.as_ref()?.problem())
    }

    /// Whether what is recorded now survives the end of the process: the spool is open and can be written. It waits for
    /// the spool to be opened, for a moment at most.
    pub fn is_durable(&self) -> bool {
        self.wait_for_spool(LEAVING).is_ok()
    }

    /// Waits until the spool is open.
    ///
    /// # Errors
    ///
    /// Why it can't be used.
    pub fn wait_for_spool(&self, timeout: Duration) -> Result<(), String> {
        let Some(disk) = &self.here().disk else { return Err("there is no spool directory".into()) };
        let open = disk.once_open(timeout).is_some();
        match disk.problem() {
            Some(problem) => Err(problem),
            None if open => Ok(()),
            None => Err("the spool directory could not be opened in time".into()),
        }
    }

    /// Takes no more spans.
    pub fn close(&self) {
        self.here().shared.queue.close();
    }
}

/// A timeout that is meant to be endless is too much for an instant.
fn deadline(timeout: Duration) -> Instant {
    const ENDLESS: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    Instant::now() + timeout.min(ENDLESS)
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        if self.forks == process::forks() {
            self.shared.queue.close();
        }
    }
}
