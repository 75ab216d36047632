//! What `#[paid_tracing]` expands to. Not for use by hand: it changes with the macro.

use std::fmt::{self, Debug, Display};
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;

use super::futures::Traced;
pub use super::outcome::Outcome;
use super::scope::PaidTracing;

/// Runs a function body in a scope.
pub fn run<R>(tracing: PaidTracing, work: impl FnOnce() -> R, judge: impl FnOnce(&R) -> Outcome) -> R {
    tracing.run_judged(work, judge)
}

/// Runs the body of an async function in a scope.
pub fn run_async<F: Future>(tracing: PaidTracing, work: F, judge: fn(&F::Output) -> Outcome) -> Traced<F> {
    tracing.run_async_judged(work, judge)
}

/// Runs the body of an async function that never returns.
pub fn run_endless<F: Future<Output = Never>>(tracing: PaidTracing, work: F) -> Traced<F> {
    tracing.run_async(work)
}

/// Runs a body that makes a future.
pub fn call<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// A future in a box, as functions return it.
pub fn boxed<F: Future>(work: F) -> Pin<Box<F>> {
    Box::pin(work)
}

/// The type `!`, which has no name outside of a signature.
pub type Never = <fn() -> ! as Returns>::Output;

/// See [`Never`].
pub trait Returns {
    /// What the function returns.
    type Output;
}

impl<R> Returns for fn() -> R {
    type Output = R;
}

/// A value of which the outcome is asked: `probe(&value).paid_outcome()`.
///
/// Method lookup takes the first that fits, from the outside in: a `Result` whose error prints, one whose error has
/// only `Debug`, one whose error has neither, and then anything, which counts as done. They are methods of the types,
/// not of traits: nothing has to be imported where the macro is used.
pub fn probe<T>(value: &T) -> ByDisplay<'_, T> {
    ByDisplay(ByDebug(ByVariant(ByDefault(value))))
}

/// See [`probe`].
pub struct ByDisplay<'a, T>(ByDebug<'a, T>);

impl<T, E: Display> ByDisplay<'_, Result<T, E>> {
    /// How the value ended.
    pub fn paid_outcome(&self) -> Outcome {
        Outcome::of_result(self.value())
    }
}

impl<'a, T> Deref for ByDisplay<'a, T> {
    type Target = ByDebug<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// See [`probe`].
pub struct ByDebug<'a, T>(ByVariant<'a, T>);

impl<T, E: Debug> ByDebug<'_, Result<T, E>> {
    /// How the value ended.
    pub fn paid_outcome(&self) -> Outcome {
        self.value().as_ref().map_or_else(|error| Outcome::of_debug(error), |_| Outcome::DONE)
    }
}

impl<'a, T> Deref for ByDebug<'a, T> {
    type Target = ByVariant<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// See [`probe`].
pub struct ByVariant<'a, T>(ByDefault<'a, T>);

impl<T, E> ByVariant<'_, Result<T, E>> {
    /// How the value ended.
    pub fn paid_outcome(&self) -> Outcome {
        match self.value() {
            Ok(_) => Outcome::DONE,
            Err(_) => Outcome::of_error(&Textless::<E>(std::marker::PhantomData)),
        }
    }
}

impl<'a, T> Deref for ByVariant<'a, T> {
    type Target = ByDefault<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// See [`probe`].
pub struct ByDefault<'a, T>(&'a T);

impl<T> ByDefault<'_, T> {
    /// How the value ended.
    pub fn paid_outcome(&self) -> Outcome {
        Outcome::DONE
    }

    fn value(&self) -> &T {
        self.0
    }
}

/// Stands for an error that can't be shown.
struct Textless<E>(std::marker::PhantomData<E>);

impl<E> Display for Textless<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error without text")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Shown;
    struct Mute;

    fn of_any<E>(result: Result<(), E>) -> Outcome {
        probe(&result).paid_outcome()
    }

    #[test]
    fn an_error_is_told_as_well_as_its_type_allows() {
        let display: Result<(), std::num::ParseIntError> = "x".parse::<u8>().map(drop);
        assert_eq!(probe(&display).paid_outcome(), Outcome::of_result(&display));
        assert_eq!(probe(&Err::<(), _>(Shown)).paid_outcome(), Outcome::of_debug(&Shown));
        assert_ne!(probe(&Err::<(), _>(Mute)).paid_outcome(), Outcome::DONE);
        assert_ne!(of_any(Err("no bound, no text")), Outcome::DONE);
    }

    #[test]
    fn all_else_is_done() {
        assert_eq!(probe(&Ok::<(), Mute>(())).paid_outcome(), Outcome::DONE);
        assert_eq!(probe(&Ok::<(), Shown>(())).paid_outcome(), Outcome::DONE);
        assert_eq!(of_any(Ok::<(), &str>(())), Outcome::DONE);
        assert_eq!(probe(&None::<u8>).paid_outcome(), Outcome::DONE);
        assert_eq!(probe(&()).paid_outcome(), Outcome::DONE);
    }
}
