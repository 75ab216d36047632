//! The sender thread: what goes out when, and what each answer means for it.

mod attempt;
mod batch;
mod client;
mod gzip;
mod pace;
mod source;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Settings;
use super::loss::{Loss, LossCause};
use super::queue::Queue;
use super::records::PartialSuccess;
use super::report::{DeadLetter, Reports};
use super::stats::Settled;
use super::writer::Disk;
use super::{fingerprint, thread};
use crate::ext::log::without_host_layers;
use attempt::{Cause, Verdict, attempt};
use batch::{Batch, Origin};
use gzip::Packer;
use pace::Pace;
use source::Source;

/// What is read from disk to be tried again stays in memory; beyond so many bytes, nothing new is read.
const MOST_HELD_BYTES: usize = 4 * 1024 * 1024;
/// The same of single spans that failed while others were taken.
const MOST_SUSPECT_BYTES: usize = 16 * 1024 * 1024;
/// A batch that failed so often, while others were taken, is split: it may be one span that the collector can't bear.
const TRIES: u32 = 6;
/// How long it sleeps at most where it has to look after the disk.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How often it looks while it has no event queue to be woken through.
const LOOK: Duration = Duration::from_millis(50);

/// What the sender shares with the pipeline.
pub(super) struct Shared {
    pub settings: Settings,
    pub queue: Queue,
    pub reports: Reports,
    /// Whether the last attempt had an answer that settled its spans; true before the first.
    pub answering: AtomicBool,
    /// Whether the collector has acknowledged spans in this process: what refuses and never did may be no collector.
    pub acknowledged: AtomicBool,
}

/// A request on its way.
struct UnderWay {
    number: u64,
    batch: Batch,
    started: Instant,
    task: JoinHandle<()>,
}

type Results = (mpsc::UnboundedSender<(u64, Verdict)>, mpsc::UnboundedReceiver<(u64, Verdict)>);

struct Sender {
    shared: Arc<Shared>,
    source: Source,
    /// What it sends with, once the system has it to give.
    runtime: Option<Runtime>,
    client: Option<reqwest::Client>,
    pace: Pace,
    held: Vec<Batch>,
    under_way: Vec<UnderWay>,
    /// What became of requests, by number.
    results: Results,
    /// How many requests there were, and how many of them were taken.
    requests: u64,
    taken: u64,
    /// Single spans were refused, and nothing has been acknowledged: it may be no collector.
    doubts: bool,
    /// None: requests go uncompressed.
    packer: Option<Packer>,
    flushes: u64,
}

/// Starts the thread. It ends when the queue is closed.
///
/// What it needs is set up there: reading the system's certificates is nothing for the caller to wait for.
pub(super) fn start(shared: Arc<Shared>, disk: Option<Arc<Disk>>) -> std::io::Result<()> {
    let run = move || {
        if let Ok(key) = shared.settings.key() {
            shared.reports.set_account(&fingerprint(&key));
        }
        let mut sender = Sender::new(shared.clone(), Source::new(disk));
        thread::run_to_end("exporter", &shared.reports, || while sender.step() {});
        thread::run_to_end("exporter", &shared.reports, || sender.end());
    };
    std::thread::Builder::new().name("paid-delivery".into()).spawn(run).map(drop)
}

impl Sender {
    fn new(shared: Arc<Shared>, source: Source) -> Self {
        let packer = shared.settings.compression.then(Packer::default);
        Sender {
            shared,
            source,
            runtime: None,
            client: None,
            pace: Pace::default(),
            held: Vec::new(),
            under_way: Vec::new(),
            results: mpsc::unbounded_channel(),
            requests: 0,
            taken: 0,
            doubts: false,
            packer,
            flushes: 0,
        }
    }

    /// One round, and the sleep after it; whether there is another. Only the sleep is inside of the runtime: the key's
    /// function and the callbacks may use one of their own.
    fn step(&mut self) -> bool {
        self.take_results();
        let (flushes, flushing) = self.shared.queue.flushes();
        if flushes != std::mem::replace(&mut self.flushes, flushes) {
            self.pace.hurry();
            let waits = |batch: &&mut Batch| batch.asked.is_none();
            self.held.iter_mut().filter(waits).for_each(|batch| batch.not_before = None);
        }
        self.source.look_after(&self.shared, (flushes, flushing));
        self.give_back();
        self.shared.queue.prepare();
        self.report_losses(false);
        let sleep = match self.shared.queue.is_open() {
            true => self.start_attempts(),
            false if self.source.is_final() => return false,
            false => {
                self.give_up();
                LONGEST_SLEEP
            }
        };
        self.sleep(sleep.min(self.source.longest_sleep()));
        true
    }

    /// Until it is woken, or so long. Requests go on meanwhile.
    fn sleep(&self, most: Duration) {
        match &self.runtime {
            Some(runtime) => without_host_layers(|| {
                runtime.block_on(self.shared.queue.wake().sender_sleeps(most));
            }),
            None => std::thread::sleep(most.min(LOOK)),
        }
    }

    /// Has what it sends with. What the system refuses now (no file handle, no certificates) it may give later.
    fn set_up(&mut self) -> Result<(), String> {
        if self.runtime.is_none() {
            let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
            self.runtime =
                Some(built.map_err(|error| format!("the exporter has no event queue yet: {error}"))?);
        }
        if self.client.is_none() {
            let built = without_host_layers(|| client::build(&self.shared.settings));
            let problem = |reason| {
                let does =
                    format!("can't be reached: TLS can't be set up: {reason}: install CA certificates");
                self.shared.settings.about_collector(&does)
            };
            self.client = Some(built.map_err(problem)?);
        }
        Ok(())
    }

    /// Where the disk works again, nothing is held in memory alone.
    fn give_back(&mut self) {
        if self.source.writes() && self.held.iter().any(|batch| batch.origin.is_memory()) {
            let batches = self.held.extract_if(.., |batch| batch.origin.is_memory());
            self.shared.queue.give_back(batches.filter_map(|batch| batch.to_chunk()));
        }
    }

    fn take_results(&mut self) {
        let finished = self.under_way.iter().filter(|one| one.task.is_finished());
        let finished: Vec<u64> = finished.map(|one| one.number).collect();
        while let Ok((number, verdict)) = self.results.1.try_recv() {
            self.take_result(number, verdict);
        }
        for number in finished {
            // Only a panic in a library ends a request without a result.
            self.take_result(number, Verdict::later("the request ended without a result".into()));
        }
    }

    fn take_result(&mut self, number: u64, verdict: Verdict) {
        if let Some(at) = self.under_way.iter().position(|one| one.number == number) {
            let UnderWay { batch, started, .. } = self.under_way.swap_remove(at);
            self.judge(batch, started, verdict);
        }
    }

    /// Starts what may go now; how long there is nothing more to start.
    fn start_attempts(&mut self) -> Duration {
        loop {
            let now = Instant::now();
            if self.under_way.len() >= self.pace.width(now) {
                let wait = self.pace.not_before(now).map(|then| then.saturating_duration_since(now));
                return wait.unwrap_or(Duration::MAX);
            }
            if let Err(problem) = self.set_up() {
                self.shared.answering.store(false, Ordering::Relaxed);
                self.shared.reports.holding(&problem);
                self.pace.failed(now, now, None, fastrand::f64());
                continue;
            }
            match self.next(now) {
                Ok(batch) => self.start(batch),
                Err(wait) => return wait,
            }
        }
    }

    /// What goes next: what was tried before, or something new; else how long to wait for it.
    fn next(&mut self, now: Instant) -> Result<Batch, Duration> {
        let again = self.held.iter().position(|batch| batch.not_before.is_none_or(|then| then <= now));
        // After failures the new ones go first: what failed may be what makes the collector fail.
        let new_ones = again.is_none() || self.pace.is_failing();
        let mut wait = Duration::MAX;
        if new_ones && self.has_room() {
            match self.source.next(&self.shared) {
                Ok(batch) => return Ok(batch),
                Err(longest) => wait = longest,
            }
        }
        match again {
            Some(at) => Ok(self.held.remove(at)),
            None => {
                let soonest = self.held.iter().filter_map(|batch| batch.not_before).min();
                Err(soonest.map_or(wait, |then| wait.min(then.saturating_duration_since(now))))
            }
        }
    }

    fn has_room(&self) -> bool {
        let (mut bytes, mut suspect) = (0, 0);
        for batch in self.held.iter().filter(|batch| !batch.origin.is_memory()) {
            // A span that failed while others were taken doesn't hold up what comes after it.
            let others_go = batch.taken_before.is_some_and(|before| before < self.taken);
            let counted = if batch.spans == 1 && others_go { &mut suspect } else { &mut bytes };
            *counted += batch.records().len();
        }
        bytes < MOST_HELD_BYTES && suspect < MOST_SUSPECT_BYTES
    }

    fn start(&mut self, mut batch: Batch) {
        let started = Instant::now();
        let key = match self.shared.settings.key() {
            Ok(key) => key,
            Err(problem) => return self.later(batch, started, &problem, None),
        };
        let (Some(runtime), Some(client)) = (&self.runtime, self.client.clone()) else {
            return self.held.push(batch);
        };
        self.source.use_key(&key);
        self.shared.reports.set_account(&fingerprint(&key));
        let body = batch.body(&key, self.shared.settings.scope, self.packer.as_mut());
        batch.taken_before.get_or_insert(self.taken);
        let (shared, finished) = (self.shared.clone(), self.results.0.clone());
        let acknowledged = self.shared.acknowledged.load(Ordering::Relaxed);
        self.requests += 1;
        let number = self.requests;
        let task = runtime.spawn(async move {
            let verdict = attempt(client, &shared.settings, body, acknowledged).await;
            // The receiver lives as long as the thread.
            let _ = finished.send((number, verdict));
            shared.queue.wake().sender();
        });
        self.under_way.push(UnderWay { number, batch, started, task });
    }

    fn judge(&mut self, mut batch: Batch, started: Instant, verdict: Verdict) {
        let acknowledged = self.shared.acknowledged.load(Ordering::Relaxed);
        let answered = match verdict {
            Verdict::Taken(_) => true,
            Verdict::Refused { .. } => acknowledged,
            Verdict::Later { .. } => false,
        };
        self.shared.answering.store(answered, Ordering::Relaxed);
        match verdict {
            Verdict::Taken(partly) => {
                self.taken += 1;
                self.doubts = false;
                self.shared.acknowledged.store(true, Ordering::Relaxed);
                self.recovered();
                self.shared.reports.delivering();
                // It took as it is what it refused compressed. Of a part, only the whole was.
                self.packer = self.packer.take().filter(|_| !batch.plain || batch.is_part);
                self.taken(batch, &partly);
            }
            Verdict::Refused { status, reason } if acknowledged => {
                self.pace.refused(Instant::now());
                self.refused(batch, status, &reason);
            }
            Verdict::Refused { status, .. } => self.refused_by_a_stranger(batch, started, status),
            Verdict::Later { problem, wait, cause } => {
                if cause == Cause::Unreadable {
                    // One after the other, so that what follows tells whether it was about the compression.
                    batch.plain = batch.is_compressed();
                }
                // Smaller requests may pass what is before the collector; nothing is given up by trying.
                if cause == Cause::TooLarge && acknowledged && batch.spans > 1 {
                    self.shared.reports.holding(&problem);
                    self.pace.refused(Instant::now());
                    self.split(batch);
                    return;
                }
                if cause == Cause::Tls {
                    // The certificates that the system trusts may have been mended.
                    self.client = None;
                    self.pace.failed_lastingly(started, Instant::now(), fastrand::f64());
                    return self.hold(batch, &problem, wait);
                }
                self.later(batch, started, &problem, wait);
            }
        }
    }

    /// Refused by what has never acknowledged. A collector that refuses one bad span acknowledges the others once they
    /// are apart, within a few halves; what refuses single spans too may be no collector, or one that is set up wrongly,
    /// and nothing is given up for it.
    fn refused_by_a_stranger(&mut self, mut batch: Batch, started: Instant, status: u16) {
        let now = Instant::now();
        let goes_plain = batch.is_compressed() && status != 413;
        let splits = batch.spans > 1 && (!self.doubts || batch.attempts >= TRIES);
        self.doubts |= batch.spans == 1 && !goes_plain;
        match self.doubts {
            true => self.pace.failed(started, now, None, fastrand::f64()),
            false => self.pace.refused(now),
        }
        if goes_plain {
            batch.plain = true;
            self.held.insert(0, batch);
            return;
        }
        let whole = if splits { self.split(batch) } else { Some(batch) };
        if let Some(mut batch) = whole {
            batch.plain = false;
            let does = format!(
                "has acknowledged nothing so far, and answered {status}: check its URL and the API key"
            );
            let problem = self.shared.settings.about_collector(&does);
            self.hold(batch, &problem, None);
        }
    }

    /// The collector takes again: what failed no more often than everything did need not wait any longer.
    fn recovered(&mut self) {
        let failures = self.pace.succeeded();
        let innocent = |batch: &&mut Batch| batch.asked.is_none() && batch.attempts <= failures;
        self.held.iter_mut().filter(innocent).for_each(|batch| batch.not_before = None);
    }

    fn taken(&mut self, batch: Batch, partly: &PartialSuccess) {
        let rejected = u32::try_from(partly.rejected).unwrap_or(u32::MAX).min(batch.spans);
        let taken = batch.spans - rejected;
        if rejected > 0 {
            self.bury(&batch, u64::from(rejected), 200, &partly.message);
        }
        // Which of them were rejected is not known: the books take the last ones.
        let bytes = batch.records().len();
        self.settle(&batch.origin, 0, taken, bytes, Settled::Acknowledged);
        self.settle(&batch.origin, taken, rejected, 0, Settled::DeadLettered);
        self.recycle(batch);
    }

    fn refused(&mut self, mut batch: Batch, status: u16, reason: &str) {
        if batch.is_compressed() && status != 413 {
            batch.plain = true;
            self.held.insert(0, batch);
            return;
        }
        if let Some(alone) = self.split(batch) {
            self.bury(&alone, 1, status, reason);
            let bytes = alone.records().len();
            self.settle(&alone.origin, 0, alone.spans, bytes, Settled::DeadLettered);
            self.recycle(alone);
        }
    }

    /// Both halves go next. What can't be split comes back.
    fn split(&mut self, batch: Batch) -> Option<Batch> {
        let (first, second) = batch.split();
        let Some(second) = second else { return Some(first) };
        self.held.insert(0, second);
        self.held.insert(0, first);
        None
    }

    fn later(&mut self, batch: Batch, started: Instant, problem: &str, wait: Option<Duration>) {
        self.pace.failed(started, Instant::now(), wait, fastrand::f64());
        self.hold(batch, problem, wait);
    }

    /// Keeps a batch for a later attempt.
    fn hold(&mut self, mut batch: Batch, problem: &str, wait: Option<Duration>) {
        let now = Instant::now();
        self.shared.reports.holding(problem);
        batch.asked = pace::sensible(wait).and_then(|wait| now.checked_add(wait));
        batch.not_before = batch.asked;
        let others_go = batch.taken_before.is_some_and(|before| before < self.taken);
        if others_go && batch.attempts >= TRIES && batch.spans > 1 {
            let (first, second) = batch.split();
            self.held.extend(std::iter::once(first).chain(second));
            return;
        }
        let pause = now.checked_add(pace::pause(batch.attempts, fastrand::f64()));
        batch.not_before = pause.max(batch.asked);
        batch.attempts = batch.attempts.saturating_add(1);
        batch.forget_body();
        self.held.push(batch);
    }

    /// Keeps what was refused, before it is counted as settled.
    fn bury(&mut self, batch: &Batch, refused: u64, status: u16, reason: &str) {
        let records = batch.records();
        let file = self.source.bury(records, status, reason, refused);
        let why = (status, reason.to_string(), refused);
        let scope = self.shared.settings.scope;
        self.shared.reports.dead(&DeadLetter::new(scope, records, batch.spans.into(), why, file));
    }

    fn settle(&mut self, origin: &Origin, skip: u32, spans: u32, bytes: usize, how: Settled) {
        if spans == 0 && bytes == 0 {
            return;
        }
        let queue = &self.shared.queue;
        let (_, flushing) = queue.flushes();
        match origin.part(skip, spans) {
            Origin::Memory { first } => queue.settle_in_memory(first..first + u64::from(spans), bytes, how),
            Origin::Disk { place, first } => {
                self.source.settled(&place, flushing);
                match first {
                    Some(first) => queue.settle_on_disk(first..first + u64::from(spans), how),
                    None => queue.settle_adopted(u64::from(spans), how),
                }
            }
        }
    }

    fn recycle(&self, batch: Batch) {
        if batch.origin.is_memory()
            && let Some(memory) = batch.into_memory()
        {
            self.shared.queue.recycle(memory);
        }
    }

    fn report_losses(&self, last: bool) {
        for (cause, spans) in self.shared.queue.losses(Instant::now(), last) {
            self.shared.reports.lost(&Loss { cause, spans });
        }
    }

    /// At the end, what is on disk stays there, and what is only in memory is lost.
    fn give_up(&mut self) {
        let mut lost = 0;
        let under_way = std::mem::take(&mut self.under_way).into_iter().map(|one| {
            // It may be taken yet, but nobody will know.
            one.task.abort();
            one.batch
        });
        let held = under_way.chain(std::mem::take(&mut self.held));
        for batch in held.chain(self.source.rest(&self.shared)).collect::<Vec<_>>() {
            if batch.origin.is_memory() {
                lost += u64::from(batch.spans);
                self.settle(&batch.origin, 0, batch.spans, batch.records().len(), Settled::Dropped);
            }
        }
        if lost > 0 {
            self.shared.queue.lose(LossCause::ShutDown, lost);
        }
    }

    fn end(&mut self) {
        self.give_up();
        self.source.end();
        self.report_losses(true);
        if let Some(runtime) = self.runtime.take() {
            // A name that is still looked up is nothing to wait for.
            without_host_layers(|| runtime.shutdown_background());
        }
    }
}
