//! A call that is counted, as hooks below see it: what they see is the same call, and not counted again.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as TaskContext, Poll};

use opentelemetry::Context;
use pin_project_lite::pin_project;

use crate::ext::tracing::thread_context::{attach, current_with, with_context};

/// In an OpenTelemetry context. It holds only while the call is under way: work that was spawned in it, and goes on,
/// is not part of it.
struct Counted(Arc<AtomicBool>);

/// Whether what is done here is part of a call that is counted already.
pub(crate) fn is_counted() -> bool {
    with_context(|context| context.get::<Counted>().is_some_and(|counted| counted.0.load(Ordering::Relaxed)))
        .unwrap_or(false)
}

#[derive(Debug)]
struct Mark(Arc<AtomicBool>);

impl Mark {
    fn new() -> Self {
        Mark(Arc::new(AtomicBool::new(true)))
    }

    fn context(&self) -> Context {
        current_with(Counted(self.0.clone()))
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Runs a closure as part of a call that is counted.
pub(crate) fn run<R>(counted: bool, work: impl FnOnce() -> R) -> R {
    if !counted {
        return work();
    }
    let mark = Mark::new();
    let _attached = attach(mark.context());
    work()
}

pin_project! {
    /// A future that is part of a call that is counted. Made by [`AiCall::inside_async`](super::super::AiCall::inside_async).
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Inside<F> {
        mark: Option<Mark>,
        #[pin]
        work: F,
    }
}

impl<F> Inside<F> {
    pub(crate) fn new(counted: bool, work: F) -> Self {
        Inside { mark: counted.then(Mark::new), work }
    }
}

impl<F: Future> Future for Inside<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(mark) = this.mark else { return this.work.poll(context) };
        let polled = {
            let _attached = attach(mark.context());
            this.work.poll(context)
        };
        if polled.is_ready() {
            *this.mark = None;
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]

    use super::*;
    use crate::ext::tracing::carry_scope;

    #[test]
    fn what_is_inside_is_counted_and_what_comes_after_is_not() {
        assert!(!is_counted());
        let later = run(true, || {
            assert!(is_counted());
            assert!(carry_scope(is_counted)());
            carry_scope(is_counted)
        });
        assert!(!is_counted());
        assert!(!later(), "the call it was spawned in is over");
        assert!(!run(false, is_counted));
    }

    #[test]
    fn a_future_is_inside_only_while_it_is_polled() {
        let mut context = TaskContext::from_waker(std::task::Waker::noop());
        let mut polls = 0;
        let mut inside = Box::pin(Inside::new(
            true,
            std::future::poll_fn(|_| {
                assert!(is_counted());
                polls += 1;
                if polls < 2 { Poll::Pending } else { Poll::Ready(carry_scope(is_counted)) }
            }),
        ));
        assert!(inside.as_mut().poll(&mut context).is_pending());
        assert!(!is_counted());
        let Poll::Ready(later) = inside.as_mut().poll(&mut context) else { panic!("not ready") };
        assert!(!later());
        assert!(!is_counted());
    }
}
