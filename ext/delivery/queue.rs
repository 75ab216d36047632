//! The queue between the caller and the sender: bounded in bytes, drop newest, never waiting on the caller's side.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::span::Span;
use super::stats::DeliveryStats;

/// The least time between two attempts.
const BREATH: Duration = Duration::from_millis(100);

/// Why a span was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Closed,
}

pub(crate) struct Queue {
    state: Mutex<State>,
    /// Something for the sender: a span, a flush, the end.
    work: Condvar,
    /// Something for those who flush: spans were settled.
    settled: Condvar,
    max_bytes: usize,
    /// As `State::closed`, to be asked without the lock.
    closed: AtomicBool,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    Acknowledged,
    DeadLettered,
    Dropped,
}

#[derive(Default)]
struct State {
    spans: VecDeque<Span>,
    /// Of the spans waiting and of those under way.
    bytes: usize,
    /// Numbers of spans taken and settled since the start; settled follows taken, in order.
    taken: u64,
    settled: u64,
    stats: DeliveryStats,
    /// Someone waits: don't wait for a full batch, or for the end of a pause.
    flush_to: u64,
    flushes: u64,
    closed: bool,
}

impl Queue {
    pub fn new(max_bytes: usize) -> Self {
        Queue {
            state: Mutex::default(),
            work: Condvar::new(),
            settled: Condvar::new(),
            max_bytes,
            closed: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn offer(&self, span: Span) -> Result<(), Refused> {
        let size = span.size();
        let mut state = self.state();
        let refused = match (state.closed, state.bytes + size > self.max_bytes) {
            (true, _) => Some(Refused::Closed),
            (false, true) => Some(Refused::Full),
            (false, false) => None,
        };
        state.stats.emitted += 1;
        if let Some(refused) = refused {
            state.stats.dropped += 1;
            return Err(refused);
        }
        state.stats.held += 1;
        state.bytes += size;
        state.taken += 1;
        state.spans.push_back(span);
        // The sender looks again by itself while it gathers a batch; only an idle one needs to be woken.
        let wake = state.spans.len() == 1;
        drop(state);
        if wake {
            self.work.notify_one();
        }
        Ok(())
    }

    /// The next batch: up to `most` spans, after the first one is `linger` old or someone flushes; none at the end.
    pub fn batch(&self, most: usize, linger: Duration) -> Option<Vec<Span>> {
        let mut state = self.state();
        while state.spans.is_empty() {
            if state.closed {
                return None;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let until = Instant::now() + linger;
        while state.spans.len() < most && !state.hurried() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.work.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let count = state.spans.len().min(most);
        Some(state.spans.drain(..count).collect())
    }

    /// What became of a batch.
    pub fn settle(&self, spans: &[Span], how: Settled) {
        let size: usize = spans.iter().map(Span::size).sum();
        let count = spans.len() as u64;
        let mut state = self.state();
        state.bytes = state.bytes.saturating_sub(size);
        state.count(count, how);
        drop(state);
        self.settled.notify_all();
    }

    /// Waits until the spans taken so far are settled.
    pub fn flush(&self, deadline: Instant) -> bool {
        let mut state = self.state();
        let goal = state.taken;
        state.flush_to = state.flush_to.max(goal);
        state.flushes += 1;
        self.work.notify_all();
        while state.settled < goal {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.settled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Waits before another attempt, cut short when someone starts to flush or the queue is closed. However often
    /// someone flushes, attempts stay `BREATH` apart.
    pub fn pause(&self, wait: Duration) {
        let start = Instant::now();
        let mut state = self.state();
        let seen = state.flushes;
        while !state.closed {
            let until = start + if state.flushes == seen { wait } else { wait.min(BREATH) };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.work.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes no more; what waits is dropped.
    pub fn close(&self) {
        let mut state = self.state();
        if state.closed {
            return;
        }
        state.closed = true;
        self.closed.store(true, Ordering::Release);
        let dropped = state.spans.len() as u64;
        state.spans.clear();
        state.count(dropped, Settled::Dropped);
        drop(state);
        self.work.notify_all();
        self.settled.notify_all();
    }

    pub fn is_open(&self) -> bool {
        !self.closed.load(Ordering::Acquire)
    }

    pub fn stats(&self) -> DeliveryStats {
        self.state().stats
    }
}

impl State {
    fn count(&mut self, count: u64, how: Settled) {
        self.settled += count;
        self.stats.held = self.stats.held.saturating_sub(count);
        match how {
            Settled::Acknowledged => self.stats.acknowledged += count,
            Settled::DeadLettered => self.stats.dead_lettered += count,
            Settled::Dropped => self.stats.dropped += count,
        }
    }

    fn hurried(&self) -> bool {
        self.closed || self.settled < self.flush_to
    }
}
