//! Random ids. Two generators per thread, seeded by the system and again after a fork, so that no two processes repeat
//! each other's.

use std::cell::RefCell;

use fastrand::Rng;
use opentelemetry::trace::{SpanId, TraceId};

use crate::ext::process;

struct Generator {
    /// The process that seeded it, as a count of forks.
    forks: u64,
    /// Each half of a trace id has a generator of its own: one has only 64 bits of state.
    high: Rng,
    low: Rng,
}

impl Generator {
    fn seeded(forks: u64) -> Self {
        let mut seed = [0; 16];
        let (high, low) = match getrandom::fill(&mut seed) {
            Ok(()) => {
                let seed = u128::from_ne_bytes(seed);
                ((seed >> 64) as u64, seed as u64)
            }
            // Without a system source, ids that are only likely to be unique are better than none.
            Err(_) => (fastrand::u64(..), fastrand::u64(..)),
        };
        Generator { forks, high: Rng::with_seed(high), low: Rng::with_seed(low) }
    }
}

thread_local! {
    static GENERATOR: RefCell<Option<Generator>> = const { RefCell::new(None) };
}

fn with<R>(draw: impl FnOnce(&mut Generator) -> R) -> R {
    let forks = process::forks();
    GENERATOR.with_borrow_mut(|slot| {
        let stale = slot.as_ref().is_none_or(|generator| generator.forks != forks);
        if stale {
            *slot = None;
        }
        draw(slot.get_or_insert_with(|| Generator::seeded(forks)))
    })
}

/// A trace id that is not zero.
pub(crate) fn trace_id() -> TraceId {
    with(|generator| {
        let high = generator.high.u64(1..);
        TraceId::from(u128::from(high) << 64 | u128::from(generator.low.u64(..)))
    })
}

/// A span id that is not zero.
pub(crate) fn span_id() -> SpanId {
    with(|generator| SpanId::from(generator.low.u64(1..)))
}
