//! The queue between the caller and what takes from it: bounded in bytes, drop newest, never waiting on the caller's
//! side. It also keeps the books: what was taken, what became of it, and who waits for that.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::chunk::{Chunk, MOST_SPANS};
use super::loss::{LossCause, Losses};
use super::ranges::Ranges;
use super::stats::{DeliveryStats, Settled};
use super::wake::Wake;

/// How often the sender looks while there is something that may still grow.
const LOOK: Duration = Duration::from_millis(20);
/// How much memory is kept for chunks to come.
const SPARES: usize = 8;
/// How much of it is made beforehand.
const READY: usize = 4;
/// With so many spans waiting, a sender that looks by itself before long is woken all the same.
const MANY: u32 = 4 * MOST_SPANS;
const NEVER: u32 = u32::MAX;

/// Why a span was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Closed,
    /// It would not fit into an empty queue.
    TooLarge {
        bytes: usize,
        bound: usize,
    },
}

pub(super) struct Queue {
    state: Mutex<State>,
    /// Something for those who wait: spans were written or settled.
    progress: Condvar,
    wake: Wake,
    max_bytes: usize,
    /// As `State::closed`, to be asked without the lock.
    closed: AtomicBool,
}

/// What there is to take.
#[derive(Debug)]
pub(super) enum Taken {
    Chunk(Chunk),
    /// Nothing that is to go yet; something will be then.
    NotBefore(Instant),
    Nothing,
}

/// Whether the first chunk is to go.
enum Ripeness {
    Ripe,
    NotBefore(Instant),
    Nothing,
}

#[derive(Default)]
struct State {
    /// The last one is being filled.
    chunks: VecDeque<Chunk>,
    /// Chunks that could not be written to disk, and are delivered from memory.
    unwritten: VecDeque<Chunk>,
    spares: Vec<Vec<u8>>,
    /// Of the spans in `chunks`.
    waiting: u32,
    /// Of everything that is in memory, on its way included.
    bytes: usize,
    /// Spans are numbered as they are taken.
    taken: u64,
    settled: Ranges,
    /// What a crash of the process can't lose: on disk, or settled.
    safe: Ranges,
    stats: DeliveryStats,
    losses: Losses,
    /// So many waiting spans are worth waking the one who takes.
    wake_at: u32,
    /// How many wait for a flush, and how many ever did.
    flushing: u32,
    flushes: u64,
    /// The newest flush for which the spool directory was looked through, and whether nothing of this account waits there.
    looked_for: u64,
    is_clear: bool,
    /// Of the held spans, those of ended processes.
    adopted: u64,
    closed: bool,
}

impl Queue {
    pub fn new(max_bytes: usize, wake: Wake) -> Self {
        let state = State { wake_at: 1, ..State::default() };
        Queue {
            state: Mutex::new(state),
            progress: Condvar::new(),
            wake,
            max_bytes,
            closed: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn wake(&self) -> &Wake {
        &self.wake
    }

    pub fn offer(&self, record: &[u8]) -> Result<(), Refused> {
        let mut state = self.state();
        let refused = match (state.closed, state.bytes + record.len() > self.max_bytes) {
            (true, _) => Some((Refused::Closed, LossCause::ShutDown)),
            (false, true) => Some(match record.len() > self.max_bytes {
                true => {
                    (Refused::TooLarge { bytes: record.len(), bound: self.max_bytes }, LossCause::TooLarge)
                }
                false => (Refused::Full, LossCause::QueueFull),
            }),
            (false, false) => None,
        };
        if let Some((refused, cause)) = refused {
            state.stats.refuse(1);
            let news = state.losses.add(cause, 1);
            drop(state);
            if news {
                self.wake.sender();
            }
            return Err(refused);
        }
        let needs_spares = state.push(record);
        let wake = needs_spares || state.waiting >= state.wake_at;
        if state.waiting >= state.wake_at {
            state.wake_at = NEVER;
        }
        drop(state);
        if wake {
            self.wake.taker();
        }
        Ok(())
    }

    /// For the sender: the next chunk, once it is full, its first span is `linger` old, or someone waits for it.
    pub fn take_ripe(&self, linger: Duration) -> Taken {
        let mut state = self.state();
        match state.ripeness(state.chunks.front(), state.chunks.len(), linger) {
            Ripeness::Ripe => state.take().map_or(Taken::Nothing, Taken::Chunk),
            Ripeness::NotBefore(then) => {
                state.wake_at = MANY;
                // It looks again soon: a wake for every request would cost the caller more than that costs the sender.
                Taken::NotBefore(then.min(Instant::now() + LOOK))
            }
            Ripeness::Nothing => {
                state.wake_at = 1;
                Taken::Nothing
            }
        }
    }

    /// For the writer: the next chunk as it is. While there is none and `wake` is not set, new spans don't wake it.
    pub fn take(&self, wake: bool) -> Option<Chunk> {
        let mut state = self.state();
        let chunk = state.take();
        state.wake_at = if chunk.is_none() && wake { 1 } else { NEVER };
        chunk
    }

    /// A chunk that could not be written to disk, for the sender. Few spans are put to the ones before.
    pub fn keep_in_memory(&self, chunk: Chunk) {
        let mut state = self.state();
        match state.unwritten.back_mut() {
            Some(last) if last.takes(&chunk) => {
                last.append(&chunk);
                state.keep_spare(chunk.into_spare());
            }
            _ => state.unwritten.push_back(chunk),
        }
        drop(state);
        self.wake.sender();
    }

    /// What the sender does not need to hold in memory: for the writer.
    pub fn give_back(&self, chunks: impl Iterator<Item = Chunk>) {
        self.state().unwritten.extend(chunks);
        self.wake.taker();
    }

    /// For the sender: as [`take_ripe`](Self::take_ripe), of what could not be written to disk.
    pub fn take_unwritten(&self, linger: Duration) -> Taken {
        let mut state = self.state();
        match state.ripeness(state.unwritten.front(), state.unwritten.len(), linger) {
            Ripeness::Ripe => state.unwritten.pop_front().map_or(Taken::Nothing, Taken::Chunk),
            Ripeness::NotBefore(then) => Taken::NotBefore(then),
            Ripeness::Nothing => Taken::Nothing,
        }
    }

    /// For the writer, when the disk may work again: the next chunk that the sender has not taken from memory yet.
    pub fn take_kept(&self) -> Option<Chunk> {
        self.state().unwritten.pop_front()
    }

    /// A chunk is on disk, and out of memory; `enough` says that there is a whole request.
    pub fn written(&self, chunk: Chunk, enough: bool) {
        let mut state = self.state();
        state.bytes = state.bytes.saturating_sub(chunk.records.len());
        state.safe.add(chunk.numbers());
        state.keep_spare(chunk.into_spare());
        let hurry = enough || state.flushing > 0;
        drop(state);
        self.progress.notify_all();
        match hurry {
            true => self.wake.sender(),
            false => self.wake.idle_sender(),
        }
    }

    /// What became of spans that were delivered from memory, where they took so many bytes.
    pub fn settle_in_memory(&self, numbers: Range<u64>, bytes: usize, how: Settled) {
        let mut state = self.state();
        state.bytes = state.bytes.saturating_sub(bytes);
        state.safe.add(numbers.clone());
        state.settle(numbers, how);
        drop(state);
        self.progress.notify_all();
    }

    /// What became of spans that were on disk.
    pub fn settle_on_disk(&self, numbers: Range<u64>, how: Settled) {
        self.state().settle(numbers, how);
        self.progress.notify_all();
    }

    /// Spans of an ended process, which are held from now on.
    pub fn adopt(&self, count: u64) {
        let mut state = self.state();
        state.stats.hold(count);
        state.adopted += count;
    }

    /// What the exporter saw of the spool directory, for those who wait for a flush.
    pub fn looked(&self, flushes: u64, is_clear: bool) {
        let mut state = self.state();
        (state.looked_for, state.is_clear) = (flushes, is_clear);
        drop(state);
        self.progress.notify_all();
    }

    pub fn settle_adopted(&self, count: u64, how: Settled) {
        let mut state = self.state();
        state.stats.settle(count, how);
        state.adopted = state.adopted.saturating_sub(count);
        drop(state);
        self.progress.notify_all();
    }

    /// Waits until nothing is held, spans of ended processes included.
    pub fn drain(&self, deadline: Instant) -> bool {
        let mut state = self.state();
        while state.stats.held > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.progress.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Makes memory for chunks to come, off the caller's path.
    pub fn prepare(&self) {
        while self.state().spares.len() < READY {
            let spare = Chunk::spare();
            self.state().keep_spare(Some(spare));
        }
    }

    /// Memory of a chunk that is done with.
    pub fn recycle(&self, spare: Vec<u8>) {
        let chunk = Chunk::new(0, Some(spare));
        self.state().keep_spare(chunk.into_spare());
    }

    /// Waits until the spans taken so far are settled, and with a spool, those that ended processes left in it.
    pub fn flush(&self, deadline: Instant) -> bool {
        let has_spool = self.wake.has_writer();
        self.wait(deadline, |state, goal, flush| {
            let left_is_settled = state.looked_for >= flush && state.is_clear && state.adopted == 0;
            state.settled.floor() >= goal && (!has_spool || state.closed || left_is_settled)
        })
    }

    /// Waits until the spans taken so far are on disk or settled.
    pub fn flush_to_disk(&self, deadline: Instant) -> bool {
        self.wait(deadline, |state, goal, _| state.safe.floor() >= goal)
    }

    fn wait(&self, deadline: Instant, is_done: impl Fn(&State, u64, u64) -> bool) -> bool {
        let mut state = self.state();
        let goal = state.taken;
        state.flushing += 1;
        state.flushes += 1;
        let flush = state.flushes;
        self.wake.both();
        let mut done = is_done(&state, goal, flush);
        while !done {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.progress.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            done = is_done(&state, goal, flush);
        }
        state.flushing -= 1;
        done
    }

    /// How many flushes there were, and whether one waits now.
    pub fn flushes(&self) -> (u64, bool) {
        let state = self.state();
        (state.flushes, state.flushing > 0)
    }

    /// Takes no more. What waits stays to be taken.
    pub fn close(&self) {
        self.state().closed = true;
        self.closed.store(true, Ordering::Release);
        self.wake.both();
    }

    pub fn is_open(&self) -> bool {
        !self.closed.load(Ordering::Acquire)
    }

    pub fn stats(&self) -> DeliveryStats {
        self.state().stats
    }

    pub fn lose(&self, cause: LossCause, count: u64) {
        self.state().losses.add(cause, count);
    }

    /// The losses that are to be reported now.
    pub fn losses(&self, now: Instant, last: bool) -> Vec<(LossCause, u64)> {
        self.state().losses.due(now, last)
    }
}

impl State {
    /// Whether it took the last of the memory that was made beforehand.
    fn push(&mut self, record: &[u8]) -> bool {
        let fits = self.chunks.back().is_some_and(|chunk| chunk.has_room(record.len()));
        let last = !fits && self.spares.len() == 1;
        if !fits {
            let spare = self.spares.pop();
            self.chunks.push_back(Chunk::new(self.taken, spare));
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.push(record);
        }
        self.bytes += record.len();
        self.taken += 1;
        self.waiting += 1;
        self.stats.hold(1);
        last
    }

    fn ripeness(&self, first: Option<&Chunk>, chunks: usize, linger: Duration) -> Ripeness {
        let Some(first) = first else { return Ripeness::Nothing };
        let ripe = first.since + linger;
        let now = chunks > 1
            || first.spans >= MOST_SPANS
            || self.flushing > 0
            || self.closed
            || ripe <= Instant::now();
        if now { Ripeness::Ripe } else { Ripeness::NotBefore(ripe) }
    }

    fn take(&mut self) -> Option<Chunk> {
        let chunk = self.chunks.pop_front()?;
        self.waiting = self.waiting.saturating_sub(chunk.spans);
        Some(chunk)
    }

    fn settle(&mut self, numbers: Range<u64>, how: Settled) {
        self.stats.settle(numbers.end.saturating_sub(numbers.start), how);
        self.settled.add(numbers);
    }

    fn keep_spare(&mut self, spare: Option<Vec<u8>>) {
        if self.spares.len() < SPARES {
            self.spares.extend(spare);
        }
    }
}
