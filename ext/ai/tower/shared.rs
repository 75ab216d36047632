//! The service below, of which a call that was refused makes use once more.

use std::fmt::{self, Debug, DebugStruct};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tower_service::Service;

use super::BoxError;

/// A service that its owner calls, and for a moment a future of a call that it has answered. It need not be `Clone`.
pub(super) struct Shared<S>(Arc<Mutex<State<S>>>);

struct State<S> {
    service: S,
    /// It has told its owner that it is ready for one call.
    is_reserved: bool,
}

impl<S> Shared<S> {
    pub fn new(service: S) -> Self {
        Shared(Arc::new(Mutex::new(State { service, is_reserved: false })))
    }

    fn lock(&self) -> MutexGuard<'_, State<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn poll_ready<Q>(&self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>>
    where
        S: Service<Q>,
        S::Error: Into<BoxError>,
    {
        let mut state = self.lock();
        let polled = state.service.poll_ready(context);
        state.is_reserved = matches!(polled, Poll::Ready(Ok(())));
        polled.map_err(Into::into)
    }

    pub fn call<Q>(&self, request: Q) -> S::Future
    where
        S: Service<Q>,
    {
        let mut state = self.lock();
        state.is_reserved = false;
        state.service.call(request)
    }

    /// Another call, if the service is ready for one and has not promised that to its owner. It is not waited for: whoever
    /// polls it last is the one that it wakes.
    pub fn call_if_ready<Q>(&self, context: &mut Context<'_>, request: Q) -> Option<S::Future>
    where
        S: Service<Q>,
    {
        let mut state = self.0.try_lock().ok().filter(|state| !state.is_reserved)?;
        match state.service.poll_ready(context) {
            Poll::Ready(Ok(())) => Some(state.service.call(request)),
            _ => None,
        }
    }

    /// The same service, shared with nobody.
    pub fn separate(&self) -> Self
    where
        S: Clone,
    {
        Shared::new(self.lock().service.clone())
    }

    pub fn show(&self, shown: &mut DebugStruct<'_, '_>) -> fmt::Result
    where
        S: Debug,
    {
        match self.0.try_lock() {
            Ok(state) => shown.field("inner", &state.service).finish_non_exhaustive(),
            Err(_) => shown.finish_non_exhaustive(),
        }
    }
}

/// The same service, shared.
impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Shared(self.0.clone())
    }
}
