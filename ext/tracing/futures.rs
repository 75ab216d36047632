//! Scopes around futures, and scopes carried into spawned work.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use opentelemetry::Context;
use pin_project_lite::pin_project;

use super::outcome::Outcome;
use super::runtime;
use super::scope::{ActiveScope, Innermost, Opened, PaidTracing, carried};
use super::thread_context::attach;

pin_project! {
    /// A future that runs in a scope. See [`PaidTracing::run_async`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Traced<F: Future> {
        tracing: Option<PaidTracing>,
        running: Option<Running>,
        judge: fn(&F::Output) -> Outcome,
        // Taken out where the future is dropped, so that what its destructors record belongs to its scope.
        #[pin]
        work: Option<F>,
    }

    impl<F: Future> PinnedDrop for Traced<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let context = match this.running {
                Some(running) => running.context.clone(),
                // Never polled, so its scope never opened; what is recorded is not the outer scope's either.
                None => Some(Innermost::Untraced("the scope's future was dropped before it ran".into()).context()),
            };
            let _attached = context.and_then(attach);
            this.work.set(None);
        }
    }
}

impl<F: Future> Traced<F> {
    pub(super) fn new(tracing: PaidTracing, work: F, judge: fn(&F::Output) -> Outcome) -> Self {
        Traced { tracing: Some(tracing), running: None, judge, work: Some(work) }
    }
}

/// A scope around a future. Dropped before its end, it is abandoned.
struct Running {
    /// None: untraced, or ended.
    scope: Option<Arc<ActiveScope>>,
    /// None: untraced, and there is no outer scope to hide.
    context: Option<Context>,
}

impl Running {
    fn open(tracing: PaidTracing) -> Self {
        match tracing.open() {
            Opened::Scope(scope) => {
                let context = Innermost::of_future(&scope).context();
                Running { scope: Some(scope), context: Some(context) }
            }
            // The future may be polled later where there is an outer scope.
            Opened::Untraced(None) if runtime::is_enabled() => {
                let hidden = Innermost::Untraced("there was no account when the scope opened".into());
                Running { scope: None, context: Some(hidden.context()) }
            }
            Opened::Untraced(hidden) => Running { scope: None, context: hidden },
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
        let (Some(running), Some(work)) = (this.running, this.work.as_pin_mut()) else {
            return Poll::Pending;
        };
        let polled = {
            let _attached = running.context.clone().and_then(attach);
            catch_unwind(AssertUnwindSafe(|| work.poll(context)))
        };
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => {
                if running.scope.is_some() {
                    running.end((this.judge)(&value));
                }
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
        Scoped { context: carried(), work: Some(self) }
    }
}

impl<F: Future> InCurrentScope for F {}

pin_project! {
    /// A future with a scope of its maker's. See [`InCurrentScope`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Scoped<F> {
        context: Context,
        // As in `Traced`.
        #[pin]
        work: Option<F>,
    }

    impl<F> PinnedDrop for Scoped<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _attached = attach(this.context.clone());
            this.work.set(None);
        }
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(work) = this.work.as_pin_mut() else { return Poll::Pending };
        let _attached = attach(this.context.clone());
        work.poll(context)
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
    let context = carried();
    move || {
        let _attached = attach(context);
        work()
    }
}
