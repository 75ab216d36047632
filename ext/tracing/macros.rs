//! What `#[paid_tracing]` expands to. Not for use by hand: it changes with the macro.

use std::fmt::{Debug, Display};
use std::future::Future;

pub use super::outcome::Outcome;
use super::scope::{PaidTracing, Traced};

/// Runs a function body in a scope.
pub fn run<R>(tracing: PaidTracing, work: impl FnOnce() -> R, judge: impl FnOnce(&R) -> Outcome) -> R {
    tracing.run_judged(work, judge)
}

/// Runs the body of an async function in a scope.
pub fn run_async<F: Future>(tracing: PaidTracing, work: F, judge: fn(&F::Output) -> Outcome) -> Traced<F> {
    tracing.run_async_judged(work, judge)
}

/// A value of which the outcome is asked: `(&&&Probe(&value)).outcome()`.
///
/// Method lookup tries the most specific first: a `Result` whose error prints, one whose error has only `Debug`, and
/// then anything, which counts as done.
pub struct Probe<'a, T>(pub &'a T);

/// See [`Probe`].
pub trait ByDisplay {
    /// How the value ended.
    fn outcome(&self) -> Outcome;
}

impl<T, E: Display> ByDisplay for &&Probe<'_, Result<T, E>> {
    fn outcome(&self) -> Outcome {
        Outcome::of_result(self.0)
    }
}

/// See [`Probe`].
pub trait ByDebug {
    /// How the value ended.
    fn outcome(&self) -> Outcome;
}

impl<T, E: Debug> ByDebug for &Probe<'_, Result<T, E>> {
    fn outcome(&self) -> Outcome {
        match self.0 {
            Ok(_) => Outcome::DONE,
            Err(error) => Outcome::of_debug(error),
        }
    }
}

/// See [`Probe`].
pub trait ByDefault {
    /// How the value ended.
    fn outcome(&self) -> Outcome;
}

impl<T> ByDefault for Probe<'_, T> {
    fn outcome(&self) -> Outcome {
        Outcome::DONE
    }
}
