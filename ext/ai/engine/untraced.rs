//! Calls that are not counted though they may have to be: those outside of a scope, and those to hosts that are not known.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, TryLockError};

use super::inside;
use super::providers::Provider;
use super::recognize::{Request, Resemblance, resembles};
use crate::ext::log::log;
use crate::ext::tracing::{current_scope, is_enabled};

/// A call of an AI provider that would be billed to nobody: outside of a scope, or to a host that is not known.
///
/// Only with `optional_tracing(false)`; otherwise such calls go through untraced. So do all where `PAID_ENABLED` is false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UntracedCall(Reason);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    NoScope,
    UnknownHost { host: Box<str>, looks_like: Provider },
}

impl UntracedCall {
    /// An error if a call here would not be traced, and that is not optional.
    pub(crate) fn check(optional_tracing: bool) -> Result<(), UntracedCall> {
        // Who switches tracing off does not want to be stopped by it.
        if optional_tracing || current_scope().is_some() || !is_enabled() {
            Ok(())
        } else {
            Err(UntracedCall(Reason::NoScope))
        }
    }

    /// An error if a request that is not recognised has the form of a provider's call, and tracing is not optional. Where
    /// it is, a call that would have been counted is reported once per host.
    pub(crate) fn check_unrecognized(
        optional_tracing: bool,
        request: &Request<'_>,
    ) -> Result<(), UntracedCall> {
        let is_reported =
            tracing::event_enabled!(target: "paid", tracing::Level::DEBUG) && current_scope().is_some();
        let is_strict = !optional_tracing && is_enabled();
        // A hook above may know better what the host speaks.
        if !is_reported && !is_strict || inside::is_counted() {
            return Ok(());
        }
        let Some(resemblance) = resembles(request) else { return Ok(()) };
        if is_reported {
            report(request.host, resemblance);
        }
        if !is_strict {
            return Ok(());
        }
        Err(UntracedCall(Reason::UnknownHost {
            host: without_user(request.host).into(),
            looks_like: resemblance.provider,
        }))
    }
}

/// How many hosts and forms are reported in a process.
const MOST_REPORTED: usize = 64;

/// Says once that calls of this form to this host are not counted, and what to do about it.
fn report(host: &str, resemblance: Resemblance) {
    static REPORTED: Mutex<BTreeSet<(Box<str>, &'static str)>> = Mutex::new(BTreeSet::new());
    let host = without_user(host);
    let is_new = {
        // A caller never waits for another one here; the next call reports it.
        let mut reported = match REPORTED.try_lock() {
            Ok(reported) => reported,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        reported.len() < MOST_REPORTED && reported.insert((host.into(), resemblance.path))
    };
    if is_new {
        let Resemblance { provider, path } = resemblance;
        log(|| {
            tracing::debug!(
                target: "paid",
                "a call to {host} was not counted: it has the form of {}'s {path}, which the host is not known to speak; \
                 name it with `Providers::compatible(host, system)` or `Providers::host(host, provider)`",
                provider.title()
            )
        });
    }
}

fn without_user(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

impl fmt::Display for UntracedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reason::NoScope => f.write_str(
                "the call would not be traced: make it inside of `paid_tracing(..)`, with tracing initialized, or allow \
                 it with `optional_tracing(true)`",
            ),
            Reason::UnknownHost { host, looks_like } => write!(
                f,
                "the call would not be traced: it has the form of {}'s API, which {host} is not known to \
                 speak; name it with `Providers::compatible(\"{host}\", system)` or `Providers::host(\"{host}\", provider)`, or \
                 allow it with `optional_tracing(true)`",
                looks_like.title()
            ),
        }
    }
}

impl std::error::Error for UntracedCall {}
