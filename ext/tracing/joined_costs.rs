//! The traces whose costs a signal of this process has joined, so that a second signal is noticed.
//!
//! A table of fixed size without a lock: a trace takes the slot of an older one, so a second signal after thousands of
//! other traces may pass unnoticed. No trace is ever taken for another: a slot holds the half of the id that its place
//! doesn't show.

use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::trace::TraceId;

const SLOTS: usize = 4096;
static TRACES: [AtomicU64; SLOTS] = [const { AtomicU64::new(0) }; SLOTS];

/// The slot of a trace, and the value there that stands for it; never zero.
fn slot(account: u64, trace_id: TraceId) -> Option<(&'static AtomicU64, u64)> {
    // Two accounts may share a trace; each has costs of its own.
    let id = u128::from_be_bytes(trace_id.to_bytes()) ^ (u128::from(account) << 64 | u128::from(account));
    let (high, low) = ((id >> 64) as u64, id as u64);
    // The high half of a trace id from elsewhere may be zero; a token of Python has 128 random bits.
    let (place, value) = if high == 0 { (0, low) } else { (low, high) };
    Some((TRACES.get(place as usize % SLOTS)?, value))
}

/// Notes that a signal joins the costs of a trace; whether it is the first.
pub(super) fn join(account: u64, trace_id: TraceId) -> bool {
    slot(account, trace_id).is_none_or(|(slot, value)| slot.swap(value, Ordering::Relaxed) != value)
}

/// The signal was not recorded after all.
pub(super) fn undo(account: u64, trace_id: TraceId) {
    if let Some((slot, value)) = slot(account, trace_id) {
        let _ = slot.compare_exchange(value, 0, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_noticed_the_second_time_and_never_taken_for_another() {
        let low = 7_u128;
        let ids = [low, low | 1 << 64, low | 2 << 64, 8];
        for id in ids {
            let id = TraceId::from(id);
            assert!(join(0, id), "{id}");
            assert!(!join(0, id), "{id}");
        }
        let id = TraceId::from(9 | 9 << 64);
        assert!(join(0, id));
        assert!(join(77, id), "another account");
        undo(0, id);
        assert!(join(0, id));
    }
}
