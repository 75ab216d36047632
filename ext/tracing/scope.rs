//! Scopes: for whom work is done, and the span around it.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry::{Context, ContextGuard};

use super::futures::Traced;
use super::id::IntoId;
use super::ids;
use super::metadata::Metadata;
use super::outcome::Outcome;
use super::runtime::{self, ScopeAccount};
use super::thread_context::{self, attach, current_with, with_context};
use super::token::{self, TracingToken};
use crate::ext::delivery::{Attribute, Owner, Parent, Pipeline, Refused, Span, now_unix_nano};
use crate::ext::log::log;
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
pub fn paid_tracing(external_customer_id: impl IntoId) -> PaidTracing {
    // Code that is made here and runs elsewhere keeps the default that it was made with.
    let account = runtime::scoped_default().map_or(ScopeAccount::Default, ScopeAccount::Of);
    PaidTracing::new(account, external_customer_id)
}

/// Made by [`paid_tracing`] or by `paid_tracing` on a client.
#[must_use = "nothing is traced until one of its run methods"]
#[derive(Clone)]
pub struct PaidTracing {
    account: ScopeAccount,
    customer: Option<Arc<str>>,
    agent: Option<Arc<str>>,
    token: Option<TracingToken>,
    store_prompt: bool,
    metadata: Metadata,
    /// Tracing was off when this was made: nothing is prepared, and the work runs untraced.
    off: bool,
}

impl PaidTracing {
    pub(crate) fn new(account: ScopeAccount, customer: impl IntoId) -> Self {
        let off = runtime::is_off(&account);
        PaidTracing {
            account,
            customer: if off { None } else { customer.into_id() },
            agent: None,
            token: None,
            store_prompt: false,
            metadata: Metadata::default(),
            off,
        }
    }

    /// The agent that does the work; signals need it.
    pub fn external_agent_id(mut self, id: impl IntoId) -> Self {
        if !self.off {
            self.agent = id.into_id();
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
        let scope = match self.open() {
            Opened::Scope(scope) => scope,
            Opened::Untraced(hidden) => {
                let _attached = hidden.and_then(attach);
                return work();
            }
        };
        let attached = attach(Innermost::of_thread(&scope).context());
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
                let attached = attach(Innermost::of_thread(&scope).context());
                Scope { scope: Some(scope), attached, _not_send: PhantomData }
            }
            Opened::Untraced(hidden) => {
                Scope { scope: None, attached: hidden.and_then(attach), _not_send: PhantomData }
            }
        }
    }

    pub(super) fn open(self) -> Opened {
        if !thread_context::is_usable() || (self.off && !is_in_scope()) {
            return Opened::Untraced(None);
        }
        let pipeline = match runtime::pipeline(&self.account) {
            Ok(pipeline) if !self.off => pipeline,
            Ok(_) => return Opened::untraced("there was no account for it when the scope was made".into()),
            Err(error) => return Opened::untraced(error.to_string().into()),
        };
        let outer = current();
        let ambient = token::current().map(TracingToken::trace_id);
        let token = self.token.map(TracingToken::trace_id).or(ambient);
        // A token that held when the outer scope was opened is not news: the outer scope went before it.
        let known = |outer: &ActiveScope| self.token.is_none() && token == outer.ambient;
        let inherits =
            |outer: &ActiveScope| token.is_none_or(|token| token == outer.trace_id) || known(outer);
        let (trace_id, parent) = match (outer.filter(|outer| inherits(outer)), token) {
            (Some(outer), _) => (outer.trace_id, Some(Parent { span_id: outer.span_id, remote: false })),
            // The span above is in another process, or nowhere.
            (None, Some(token)) => (token, Some(Parent { span_id: ids::span_id(), remote: true })),
            (None, None) => (ids::trace_id(), None),
        };
        Opened::Scope(Arc::new(ActiveScope {
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
    Scope(Arc<ActiveScope>),
    /// The context that hides the outer scope; none where there is none.
    Untraced(Option<Context>),
}

impl Opened {
    /// What runs inside belongs to no customer: not to the outer scope's either.
    fn untraced(reason: Cow<'static, str>) -> Self {
        Opened::Untraced(Some(Innermost::Untraced(reason).context()))
    }
}

/// Whether the code runs in a scope, traced or not.
pub(crate) fn is_in_scope() -> bool {
    with_context(|context| context.get::<Innermost>().is_some()).unwrap_or(false)
}

/// A scope that is open. What it holds goes to every span inside.
pub(crate) struct ActiveScope {
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

/// The innermost scope in an OpenTelemetry context: beside the host's active span, never in its place.
pub(super) enum Innermost {
    Traced {
        scope: Arc<ActiveScope>,
        entered_by: EnteredBy,
    },
    /// It can't be traced, for this reason.
    Untraced(Cow<'static, str>),
}

/// What put a scope into the context.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum EnteredBy {
    /// A future, around each of its polls.
    Future,
    /// A closure or guard, on the thread; in a Tokio task, in that one.
    Thread(Option<tokio::task::Id>),
}

impl Innermost {
    pub fn of_future(scope: &Arc<ActiveScope>) -> Self {
        Innermost::Traced { scope: scope.clone(), entered_by: EnteredBy::Future }
    }

    fn of_thread(scope: &Arc<ActiveScope>) -> Self {
        Innermost::Traced { scope: scope.clone(), entered_by: EnteredBy::Thread(tokio::task::try_id()) }
    }

    /// The current context with this scope in it.
    pub fn context(self) -> Context {
        current_with(self)
    }

    /// A runtime that blocks inside of a scope polls its other tasks in that scope, too. What they record is billed to
    /// the scope's customer: a mistake of the program that can only be shown.
    fn check_task(entered_by: EnteredBy) {
        static WARNED: AtomicBool = AtomicBool::new(false);
        let EnteredBy::Thread(task) = entered_by else { return };
        // The host's layer may trace itself: the line is marked as written before it is.
        if task != tokio::task::try_id() && !WARNED.swap(true, Ordering::Relaxed) {
            log(|| {
                tracing::warn!(
                    target: "paid",
                    "a scope is current in a task that did not enter it, and its customer is billed for what the task \
                     records: in place of run(|| runtime.block_on(future)) use runtime.block_on(run_async(future)), and \
                     carry scopes into tasks with .in_current_scope()"
                )
            });
        }
    }
}

/// The innermost scope of this thread's context, or why it is untraced; none outside of every scope.
pub(super) fn innermost() -> Option<Result<Arc<ActiveScope>, Cow<'static, str>>> {
    let innermost = with_context(|context| {
        Some(match context.get::<Innermost>()? {
            Innermost::Traced { scope, entered_by } => Ok((scope.clone(), *entered_by)),
            Innermost::Untraced(reason) => Err(reason.clone()),
        })
    });
    Some(innermost.flatten()?.map(|(scope, entered_by)| {
        Innermost::check_task(entered_by);
        scope
    }))
}

/// The current context, to be carried into other tasks and threads.
pub(super) fn carried() -> Context {
    match innermost() {
        Some(Ok(scope)) => Innermost::of_future(&scope).context(),
        _ => thread_context::current(),
    }
}

/// The scope that the code runs in; none outside of every scope, and in one that can't be traced.
pub(crate) fn current() -> Option<Arc<ActiveScope>> {
    innermost().and_then(Result::ok)
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

impl ActiveScope {
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
    /// None: untraced.
    scope: Option<Arc<ActiveScope>>,
    attached: Option<ContextGuard>,
    /// It belongs to the thread that entered it.
    _not_send: PhantomData<*const ()>,
}

impl Scope {
    /// The token of the trace, to hand to another process; none if the work is untraced.
    pub fn tracing_token(&self) -> Option<TracingToken> {
        self.scope.as_ref().map(|scope| TracingToken::of(scope.trace_id))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        match thread_context::is_usable() {
            true => drop(self.attached.take()),
            // There is no context left to take it out of.
            false => std::mem::forget(self.attached.take()),
        }
        let Some(scope) = self.scope.take() else { return };
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
