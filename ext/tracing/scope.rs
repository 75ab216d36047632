//! Scopes: for whom work is done, and the span around it.

use std::fmt::{self, Display};
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry::{Context, ContextGuard};

use super::account::{self, Account};
use super::futures::Traced;
use super::ids;
use super::metadata::Metadata;
use super::outcome::Outcome;
use super::text::OptionalText;
use super::token::{self, TracingToken};
use crate::ext::delivery::{Attribute, Owner, Parent, Pipeline, Refused, Span, now_unix_nano};
use crate::ext::process;

const NAME: &str = "paid.trace.parent_span";

/// Work for a customer, about to be traced. Python: `paid_tracing(external_customer_id, ..)`.
///
/// It is run by one of [`run`](PaidTracing::run), [`try_run`](PaidTracing::try_run),
/// [`run_async`](PaidTracing::run_async), [`try_run_async`](PaidTracing::try_run_async), or
/// [`enter`](PaidTracing::enter).
///
/// ```no_run
/// use paid::tracing::{generate_tracing_token, paid_tracing};
///
/// let sum = paid_tracing("customer_1")
///     .external_agent_id("agent_1")
///     .tracing_token(generate_tracing_token())
///     .metadata([("plan", "pro")])
///     .run(|| 2 + 2);
/// assert_eq!(sum, 4);
/// ```
pub fn paid_tracing(external_customer_id: impl OptionalText) -> PaidTracing {
    PaidTracing::new(Account::Default, external_customer_id)
}

/// Made by [`paid_tracing`] or by `paid_tracing` on a client.
#[must_use = "nothing is traced until one of its run methods"]
#[derive(Clone)]
pub struct PaidTracing {
    account: Account,
    customer: Option<Arc<str>>,
    agent: Option<Arc<str>>,
    token: Option<TracingToken>,
    store_prompt: bool,
    metadata: Metadata,
    /// Tracing was off when this was made: nothing is prepared, and the work runs untraced.
    off: bool,
}

impl PaidTracing {
    pub(crate) fn new(account: Account, customer: impl OptionalText) -> Self {
        let off = account::is_off(&account);
        PaidTracing {
            account,
            customer: if off { None } else { customer.into_text() },
            agent: None,
            token: None,
            store_prompt: false,
            metadata: Metadata::default(),
            off,
        }
    }

    /// The agent that does the work; signals need it.
    pub fn external_agent_id(mut self, id: impl OptionalText) -> Self {
        if !self.off {
            self.agent = id.into_text();
        }
        self
    }

    /// Joins the trace of this token, whichever is set elsewhere.
    pub fn tracing_token(mut self, token: impl Into<Option<TracingToken>>) -> Self {
        self.token = token.into();
        self
    }

    /// Keeps the content of prompts and completions, which is dropped otherwise.
    pub fn store_prompt(mut self, store: bool) -> Self {
        self.store_prompt = store;
        self
    }

    /// Attributes of every span of the scope, under `metadata.`; an inner scope has its own.
    pub fn metadata(mut self, metadata: impl Into<Metadata>) -> Self {
        if !self.off {
            self.metadata = metadata.into();
        }
        self
    }

    /// Runs a closure in the scope and returns what it returns. A panic is recorded, and goes on.
    pub fn run<R>(self, work: impl FnOnce() -> R) -> R {
        self.run_judged(work, |_| Outcome::DONE)
    }

    /// Runs a closure that can fail: an `Err` is recorded with its text, and returned untouched.
    ///
    /// # Errors
    ///
    /// Those of the closure.
    pub fn try_run<T, E: Display>(self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.run_judged(work, Outcome::of_result)
    }

    pub(crate) fn run_judged<R>(self, work: impl FnOnce() -> R, judge: impl FnOnce(&R) -> Outcome) -> R {
        let Opened::Scope(scope) = self.open() else { return work() };
        let attached = scope.attach();
        let result = catch_unwind(AssertUnwindSafe(work));
        drop(attached);
        match result {
            Ok(value) => {
                scope.end(judge(&value));
                value
            }
            Err(payload) => {
                scope.end(Outcome::of_panic(&*payload));
                resume_unwind(payload)
            }
        }
    }

    /// A future that runs in the scope, which opens when it is first polled. Dropped early, its span has no status.
    pub fn run_async<F: Future>(self, work: F) -> Traced<F> {
        self.run_async_judged(work, |_| Outcome::DONE)
    }

    /// A future that can fail: an `Err` is recorded with its text, and returned untouched.
    pub fn try_run_async<T, E: Display, F: Future<Output = Result<T, E>>>(self, work: F) -> Traced<F> {
        self.run_async_judged(work, Outcome::of_result)
    }

    pub(crate) fn run_async_judged<F: Future>(self, work: F, judge: fn(&F::Output) -> Outcome) -> Traced<F> {
        Traced::new(self, work, judge)
    }

    /// Enters the scope on this thread until the guard is dropped. For code without `await`: a guard that is held
    /// over one would put other tasks into the scope, so it can't be sent between threads.
    ///
    /// ```no_run
    /// let _scope = paid::tracing::paid_tracing("customer_1").enter();
    /// // ...the work...
    /// ```
    #[must_use = "the scope ends when this is dropped: give it a name such as _scope"]
    pub fn enter(self) -> Scope {
        match self.open() {
            Opened::Scope(scope) => {
                let attached = scope.attach();
                Scope { open: Some((scope, attached)), _here: PhantomData }
            }
            Opened::Untraced => Scope { open: None, _here: PhantomData },
        }
    }

    pub(super) fn open(self) -> Opened {
        if self.off {
            return Opened::Untraced;
        }
        let Some(pipeline) = account::pipeline(&self.account) else { return Opened::Untraced };
        let outer = current();
        let ambient = token::current().map(TracingToken::trace_id);
        let token = self.token.map(TracingToken::trace_id).or(ambient);
        // A token that held when the outer scope was opened is not news: the outer scope went before it.
        let known = |outer: &OpenScope| self.token.is_none() && token == outer.ambient;
        let inherits = |outer: &OpenScope| token.is_none_or(|token| token == outer.trace_id) || known(outer);
        let (trace_id, parent) = match (outer.filter(|outer| inherits(outer)), token) {
            (Some(outer), _) => (outer.trace_id, Some(Parent { span_id: outer.span_id, remote: false })),
            // The span above is in another process, or nowhere.
            (None, Some(token)) => (token, Some(Parent { span_id: ids::span_id(), remote: true })),
            (None, None) => (ids::trace_id(), None),
        };
        Opened::Scope(Arc::new(OpenScope {
            pipeline,
            trace_id,
            span_id: ids::span_id(),
            parent,
            ambient,
            owner: Owner::new(
                self.customer,
                // An empty agent is none.
                self.agent.filter(|agent| !agent.is_empty()),
                self.metadata.into_attributes(),
            ),
            forks: process::forks(),
            store_prompt: self.store_prompt,
            start_unix_nano: now_unix_nano(),
        }))
    }
}

impl fmt::Debug for PaidTracing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaidTracing")
            .field("external_customer_id", &self.customer)
            .field("external_agent_id", &self.agent)
            .field("tracing_token", &self.token)
            .finish_non_exhaustive()
    }
}

pub(super) enum Opened {
    Scope(Arc<OpenScope>),
    Untraced,
}

/// A scope that is open. What it holds goes to every span inside.
pub(crate) struct OpenScope {
    pub pipeline: Arc<Pipeline>,
    pub trace_id: TraceId,
    pub span_id: SpanId,
    parent: Option<Parent>,
    /// The token that held around it.
    ambient: Option<TraceId>,
    pub owner: Owner,
    /// Whether AI calls keep prompts and answers.
    pub store_prompt: bool,
    /// The process that opened it, as a count of forks.
    forks: u64,
    start_unix_nano: u64,
}

/// The scope in an OpenTelemetry context: beside the host's active span, never in its place.
pub(super) struct Current(pub(super) Arc<OpenScope>);

/// The scope of this thread's context.
pub(crate) fn current() -> Option<Arc<OpenScope>> {
    Context::map_current(|context| context.get::<Current>().map(|current| current.0.clone()))
}

/// The token of the trace that the code here belongs to, to hand to another process; none outside of a scope, and none
/// if the work is untraced.
///
/// ```no_run
/// use paid::tracing::{current_tracing_token, generate_tracing_token, paid_tracing};
///
/// let token = generate_tracing_token();
/// paid_tracing("customer_1").tracing_token(token).run(|| {
///     assert!(current_tracing_token().is_none_or(|current| current == token)); // None: tracing is off
/// });
/// assert_eq!(current_tracing_token(), None);
/// ```
pub fn current_tracing_token() -> Option<TracingToken> {
    current().map(|scope| TracingToken::of(scope.trace_id))
}

impl OpenScope {
    fn attach(self: &Arc<Self>) -> ContextGuard {
        Context::current_with_value(Current(self.clone())).attach()
    }

    /// Whether it was opened in this process, not in one that was forked since.
    pub fn is_here(&self) -> bool {
        self.forks == process::forks()
    }

    pub(super) fn end(&self, outcome: Outcome) {
        // A scope that was open at a fork ends in both processes; it is the parent's.
        if !self.is_here() {
            return;
        }
        let (status, exception) = outcome.into_status(self.store_prompt);
        let span = Span {
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent: self.parent,
            name: NAME,
            start_unix_nano: self.start_unix_nano,
            end_unix_nano: now_unix_nano(),
            owner: &self.owner,
            attributes: &[],
            status,
            exception,
        };
        // A full queue is counted and reported there; the traced code has nothing to do about it.
        let _ = self.pipeline.offer(&span);
    }

    /// Records a span in the scope that ends now.
    pub fn record(
        &self,
        span_id: SpanId,
        name: &str,
        start_unix_nano: u64,
        end_unix_nano: u64,
        attributes: &[Attribute<'_>],
        outcome: Outcome,
    ) -> Result<(), Refused> {
        let (status, exception) = outcome.into_status(self.store_prompt);
        self.pipeline.offer(&Span {
            trace_id: self.trace_id,
            span_id,
            parent: Some(Parent { span_id: self.span_id, remote: false }),
            name,
            start_unix_nano,
            end_unix_nano,
            owner: &self.owner,
            attributes,
            status,
            exception,
        })
    }
}

/// An entered scope. It ends when this is dropped.
#[must_use = "the scope ends when this is dropped: give it a name such as _scope"]
pub struct Scope {
    open: Option<(Arc<OpenScope>, ContextGuard)>,
    /// Not `Send`: it belongs to the thread that entered it.
    _here: PhantomData<*const ()>,
}

impl Scope {
    /// The token of the trace, to hand to another process; none if the work is untraced.
    pub fn tracing_token(&self) -> Option<TracingToken> {
        self.open.as_ref().map(|(scope, _)| TracingToken::of(scope.trace_id))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let Some((scope, attached)) = self.open.take() else { return };
        drop(attached);
        let outcome = match std::thread::panicking() {
            true => Outcome::of_unwinding(),
            false => Outcome::DONE,
        };
        scope.end(outcome);
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("tracing_token", &self.tracing_token()).finish()
    }
}
