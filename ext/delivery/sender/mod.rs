//! The sender thread: what goes out when, and what each answer means for it.

mod attempt;
mod batch;
mod gzip;
mod pace;
mod source;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Settings;
use super::loss::{Loss, LossCause};
use super::queue::Queue;
use super::records::PartialSuccess;
use super::report::{DeadLetter, Reports};
use super::stats::Settled;
use super::writer::Disk;
use crate::transport;
use attempt::{Verdict, attempt};
use batch::{Batch, Origin};
use gzip::Packer;
use pace::Pace;
use source::Source;

/// What is read from disk to be tried again stays in memory; beyond so many bytes, nothing new is read.
const MOST_HELD_BYTES: usize = 4 * 1024 * 1024;
/// A batch that failed so often, while others were taken, is split: it may be one span that the collector can't bear.
const TRIES: u32 = 6;
/// How long it sleeps at most where it has to look after the disk.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// What the sender shares with the pipeline.
pub(super) struct Shared {
    pub settings: Settings,
    pub queue: Queue,
    pub reports: Reports,
    /// Whether the last attempt had an answer that settled its spans; true before the first.
    pub answering: AtomicBool,
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
    client: reqwest::Client,
    pace: Pace,
    held: Vec<Batch>,
    under_way: Vec<UnderWay>,
    /// What became of requests, by number.
    results: Results,
    /// How many requests there were, and how many of them were taken.
    requests: u64,
    taken: u64,
    /// None: requests go uncompressed.
    packer: Option<Packer>,
    flushes: u64,
}

/// Starts the thread. It ends when the queue is closed.
///
/// What it needs is set up there: reading the system's certificates is nothing for the caller to wait for.
pub(super) fn start(shared: Arc<Shared>, disk: Option<Arc<Disk>>) -> std::io::Result<()> {
    let source = Source::new(disk);
    let run = move || match set_up() {
        Ok((runtime, client)) => runtime.block_on(Sender::new(shared, source, client).run()),
        Err(problem) => {
            tracing::error!(target: "paid", "tracing is off: the sender could not start: {problem}");
            shared.queue.close();
        }
    };
    std::thread::Builder::new().name("paid-delivery".into()).spawn(run).map(drop)
}

fn set_up() -> Result<(tokio::runtime::Runtime, reqwest::Client), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no event queue: {error}"))?;
    // A redirect is never followed: the body holds the key.
    let client = transport::http_client(false).map_err(|error| error.to_string())?;
    Ok((runtime, client))
}

impl Sender {
    fn new(shared: Arc<Shared>, source: Source, client: reqwest::Client) -> Self {
        let packer = shared.settings.compression.then(Packer::default);
        Sender {
            shared,
            source,
            client,
            pace: Pace::default(),
            held: Vec::new(),
            under_way: Vec::new(),
            results: mpsc::unbounded_channel(),
            requests: 0,
            taken: 0,
            packer,
            flushes: 0,
        }
    }

    async fn run(mut self) {
        loop {
            self.take_results();
            let (flushes, flushing) = self.shared.queue.flushes();
            if flushes != std::mem::replace(&mut self.flushes, flushes) {
                self.pace.hurry();
                let waits = |batch: &&mut Batch| batch.asked.is_none();
                self.held.iter_mut().filter(waits).for_each(|batch| batch.not_before = None);
            }
            self.source.look_after(&self.shared, flushing);
            self.give_back();
            self.shared.queue.prepare();
            self.report_losses(false);
            let sleep = match self.shared.queue.is_open() {
                true => self.start_attempts(),
                false if self.source.is_final() => break,
                false => {
                    self.give_up();
                    LONGEST_SLEEP
                }
            };
            let sleep = sleep.min(self.source.longest_sleep());
            self.shared.queue.wake().sender_sleeps(sleep).await;
        }
        self.end();
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
            let problem = "the request ended without a result".to_string();
            self.take_result(number, Verdict::Later { problem, wait: None });
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
        let on_disk = self.held.iter().filter(|batch| !batch.origin.is_memory());
        on_disk.map(|batch| batch.records().len()).sum::<usize>() < MOST_HELD_BYTES
    }

    fn start(&mut self, mut batch: Batch) {
        let started = Instant::now();
        let key = match self.shared.settings.key() {
            Ok(key) => key,
            Err(problem) => return self.later(batch, started, &problem, None),
        };
        self.source.use_key(&key);
        let body = batch.body(&key, self.shared.settings.scope, self.packer.as_mut());
        batch.taken_before.get_or_insert(self.taken);
        let (client, endpoint) = (self.client.clone(), self.shared.settings.endpoint.clone());
        let (shared, finished) = (self.shared.clone(), self.results.0.clone());
        self.requests += 1;
        let number = self.requests;
        let task = tokio::spawn(async move {
            let verdict = attempt(client, endpoint, body).await;
            // The receiver lives as long as the thread.
            let _ = finished.send((number, verdict));
            shared.queue.wake().sender();
        });
        self.under_way.push(UnderWay { number, batch, started, task });
    }

    fn judge(&mut self, batch: Batch, started: Instant, verdict: Verdict) {
        let answered = !matches!(verdict, Verdict::Later { .. });
        self.shared.answering.store(answered, Ordering::Relaxed);
        match verdict {
            Verdict::Taken(partly) => {
                self.taken += 1;
                self.recovered();
                self.shared.reports.delivering();
                // It took as it is what it refused compressed. Of a part, only the whole was.
                self.packer = self.packer.take().filter(|_| !batch.plain || batch.is_part);
                self.taken(batch, &partly);
            }
            Verdict::Refused { status, reason } => {
                self.pace.refused(Instant::now());
                self.shared.reports.delivering();
                self.refused(batch, status, &reason);
            }
            Verdict::Later { problem, wait } => self.later(batch, started, &problem, wait),
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
        match batch.split() {
            (first, Some(second)) => {
                self.held.insert(0, second);
                self.held.insert(0, first);
            }
            (alone, None) => {
                self.bury(&alone, 1, status, reason);
                let bytes = alone.records().len();
                self.settle(&alone.origin, 0, alone.spans, bytes, Settled::DeadLettered);
                self.recycle(alone);
            }
        }
    }

    fn later(&mut self, mut batch: Batch, started: Instant, problem: &str, wait: Option<Duration>) {
        let now = Instant::now();
        self.shared.reports.holding(problem);
        self.pace.failed(started, now, wait, fastrand::f64());
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

    fn end(mut self) {
        self.give_up();
        self.source.end();
        self.report_losses(true);
    }
}
