//! Scopes around futures, and scopes carried into spawned work.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use opentelemetry::Context;
use pin_project_lite::pin_project;

use super::outcome::Outcome;
use super::scope::{Current, OpenScope, Opened, PaidTracing};

pin_project! {
    /// A future that runs in a scope. See [`PaidTracing::run_async`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Traced<F: Future> {
        tracing: Option<PaidTracing>,
        running: Option<Running>,
        judge: fn(&F::Output) -> Outcome,
        #[pin]
        work: F,
    }
}

impl<F: Future> Traced<F> {
    pub(super) fn new(tracing: PaidTracing, work: F, judge: fn(&F::Output) -> Outcome) -> Self {
        Traced { tracing: Some(tracing), running: None, judge, work }
    }
}

/// A scope around a future. Dropped before its end, it is abandoned.
struct Running {
    scope: Option<Arc<OpenScope>>,
    context: Context,
}

impl Running {
    fn open(tracing: PaidTracing) -> Self {
        match tracing.open() {
            Opened::Scope(scope) => {
                let context = Context::current_with_value(Current(scope.clone()));
                Running { scope: Some(scope), context }
            }
            Opened::Untraced => Running { scope: None, context: Context::current() },
        }
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(scope) = self.scope.take() {
            scope.end(outcome);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end(Outcome::ABANDONED);
    }
}

impl<F: Future> Future for Traced<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Some(tracing) = this.tracing.take() {
            *this.running = Some(Running::open(tracing));
        }
        // Polled after its end: that is for the future inside to say.
        let Some(running) = this.running else { return this.work.poll(context) };
        if running.scope.is_none() {
            return this.work.poll(context);
        }
        let work = this.work;
        let polled = {
            let _attached = running.context.clone().attach();
            catch_unwind(AssertUnwindSafe(|| work.poll(context)))
        };
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => {
                running.end((this.judge)(&value));
                Poll::Ready(value)
            }
            Err(payload) => {
                running.end(Outcome::of_panic(&*payload));
                resume_unwind(payload)
            }
        }
    }
}

/// Carries the current scope into a future that is spawned: `tokio::spawn` starts without it.
///
/// ```no_run
/// use paid::tracing::{InCurrentScope, paid_tracing};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// paid_tracing("customer_1").run_async(async {
///     tokio::spawn(async { /* signals here belong to customer_1 */ }.in_current_scope()).await
/// }).await.unwrap();
/// # });
/// ```
pub trait InCurrentScope: Future + Sized {
    /// This future, in the scope (and with the scoped token) that is current now.
    fn in_current_scope(self) -> Scoped<Self> {
        Scoped { context: Context::current(), work: self }
    }
}

impl<F: Future> InCurrentScope for F {}

pin_project! {
    /// A future with a scope of its maker's. See [`InCurrentScope`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Scoped<F> {
        context: Context,
        #[pin]
        work: F,
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _attached = this.context.clone().attach();
        this.work.poll(context)
    }
}

/// Carries the current scope into a closure that runs elsewhere: a new thread starts without it. For futures, see
/// [`InCurrentScope`].
///
/// ```no_run
/// use paid::tracing::{carry_scope, paid_tracing};
///
/// paid_tracing("customer_1").run(|| {
///     std::thread::scope(|threads| {
///         threads.spawn(carry_scope(|| { /* signals here belong to customer_1 */ }));
///     });
/// });
/// ```
pub fn carry_scope<R>(work: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let context = Context::current();
    move || {
        let _attached = context.attach();
        work()
    }
}
