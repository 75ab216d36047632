//! The account that free functions and the attribute trace under.
//!
//! The first of these that there is:
//! 1. the account of `client.as_default(..)` around the code,
//! 2. the account that `initialize_tracing` named,
//! 3. the account of the process's clients, if all of them have one key,
//! 4. the account of `PAID_API_KEY`.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context as TaskContext, Poll};

use opentelemetry::Context;
use pin_project_lite::pin_project;

use super::super::thread_context::{attach, current_with, with_context};
use super::TracingError;
use crate::account::{Account, Clients, clients};
use crate::{Token, environment};

/// The default within a closure or future, in an OpenTelemetry context.
struct ScopedDefault(Arc<Account>);

fn context_with(account: &Arc<Account>) -> Context {
    current_with(ScopedDefault(account.clone()))
}

/// The account of the innermost `as_default` around the code.
pub(in crate::ext::tracing) fn scoped() -> Option<Arc<Account>> {
    with_context(|context| context.get::<ScopedDefault>().map(|default| default.0.clone())).flatten()
}

pub(in crate::ext::tracing) fn run_as_default<R>(account: &Arc<Account>, work: impl FnOnce() -> R) -> R {
    let _attached = attach(context_with(account));
    work()
}

pin_project! {
    /// A future in which a client's account is the default. Made by `as_default_async` of the clients.
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct AsDefault<F> {
        account: Arc<Account>,
        // Taken out where the future is dropped, so that what its destructors record has the same default.
        #[pin]
        work: Option<F>,
    }

    impl<F> PinnedDrop for AsDefault<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _attached = attach(context_with(this.account));
            this.work.set(None);
        }
    }
}

impl<F> AsDefault<F> {
    pub(in crate::ext::tracing) fn new(account: Arc<Account>, work: F) -> Self {
        AsDefault { account, work: Some(work) }
    }
}

impl<F: Future> Future for AsDefault<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(work) = this.work.as_pin_mut() else { return Poll::Pending };
        let _attached = attach(context_with(this.account));
        work.poll(context)
    }
}

/// The environment has no usable key: it is not read again until a client is built or tracing is initialized.
static ENVIRONMENT_FAILED: AtomicBool = AtomicBool::new(false);
static ENVIRONMENT: OnceLock<Arc<Account>> = OnceLock::new();

/// Whether there is no default account as far as is known, so that nothing has to be prepared for its scopes.
pub(in crate::ext::tracing) fn is_known_to_be_missing() -> bool {
    ENVIRONMENT_FAILED.load(Ordering::Relaxed) && matches!(clients(), Clients::None)
}

/// An account was initialized: there may be a default now.
pub(super) fn forget_failure() {
    ENVIRONMENT_FAILED.store(false, Ordering::Relaxed);
}

/// The default account where no call named one.
pub(super) fn implied() -> Result<Arc<Account>, TracingError> {
    match clients() {
        Clients::OneKey(account) => Ok(account.clone()),
        Clients::None => environment_account()?.ok_or(TracingError::NoKey),
        Clients::SeveralKeys => environment_account()?.ok_or(TracingError::NoDefaultAccount),
    }
}

fn environment_account() -> Result<Option<Arc<Account>>, TracingError> {
    if let Some(account) = ENVIRONMENT.get() {
        return Ok(Some(account.clone()));
    }
    if ENVIRONMENT_FAILED.load(Ordering::Relaxed) {
        return Ok(None);
    }
    let key =
        environment::read(environment::API_KEY).map_err(|error| TracingError::Invalid(error.to_string()))?;
    match key {
        Some(key) => Ok(Some(ENVIRONMENT.get_or_init(|| Arc::new(Account::of(Token::from(key)))).clone())),
        None => {
            ENVIRONMENT_FAILED.store(true, Ordering::Relaxed);
            Ok(None)
        }
    }
}
