//! Tracing tokens: the trace id that processes share so that their costs belong together.

use std::fmt;
use std::str::FromStr;
use std::sync::{PoisonError, RwLock};

use opentelemetry::trace::TraceId;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::ids;
use super::thread_context::{attach, current_with, with_context};

/// A tracing token: a 128-bit trace id, never zero. Processes that trace with the same token land in one trace.
///
/// It prints and parses as the decimal integer that the Python SDK stores, and parses 32 hex digits too.
///
/// ```
/// use paid::tracing::TracingToken;
///
/// let token = paid::tracing::generate_tracing_token();
/// assert_eq!(token.to_string().parse(), Ok(token));
/// assert_eq!(token.to_hex().parse(), Ok(token));
/// assert_eq!(TracingToken::try_from(255_u128)?.to_string(), "255");
/// # Ok::<(), paid::tracing::InvalidToken>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TracingToken(TraceId);

impl TracingToken {
    /// The 32 lower-case hex digits that OpenTelemetry shows.
    pub fn to_hex(self) -> String {
        self.0.to_string()
    }

    /// The integer that the Python SDK stores.
    pub fn as_u128(self) -> u128 {
        u128::from_be_bytes(self.0.to_bytes())
    }

    pub(crate) fn trace_id(self) -> TraceId {
        self.0
    }

    pub(crate) fn of(trace_id: TraceId) -> Self {
        TracingToken(trace_id)
    }
}

/// Text that is no tracing token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidToken(());

impl fmt::Display for InvalidToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tracing token is a decimal integer from 1 to 2^128 - 1, or 32 hex digits that are not all zero")
    }
}

impl std::error::Error for InvalidToken {}

impl TryFrom<u128> for TracingToken {
    type Error = InvalidToken;

    fn try_from(value: u128) -> Result<Self, InvalidToken> {
        match value {
            0 => Err(InvalidToken(())),
            value => Ok(TracingToken(TraceId::from(value))),
        }
    }
}

impl FromStr for TracingToken {
    type Err = InvalidToken;

    /// 32 characters that are all hex digits with a letter among them are hex, as are those after `0x`; a decimal
    /// of 32 digits stays decimal, since that is what the Python SDK writes.
    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let text = text.trim();
        let decimal = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = match (decimal, text.strip_prefix("0x").unwrap_or(text)) {
            (true, _) => text.parse().ok(),
            (false, hex) if hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                u128::from_str_radix(hex, 16).ok()
            }
            _ => None,
        };
        value.ok_or(InvalidToken(())).and_then(TracingToken::try_from)
    }
}

impl fmt::Display for TracingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_u128().fmt(f)
    }
}

impl fmt::Debug for TracingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TracingToken({self})")
    }
}

impl Serialize for TracingToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TracingToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A new token, not set anywhere: to store or send it. Python: `generate_tracing_token()`.
pub fn generate_tracing_token() -> TracingToken {
    TracingToken(ids::trace_id())
}

/// The token of the whole process.
static SET: RwLock<Option<TracingToken>> = RwLock::new(None);

/// Sets a new token for the process and returns it: every scope that is opened from now on belongs to its
/// trace, until it is unset or another is set. Python: `generate_and_set_tracing_token()`.
///
/// In a program that serves several customers at once, give each scope its token instead, or use
/// [`with_tracing_token`].
pub fn generate_and_set_tracing_token() -> TracingToken {
    let token = generate_tracing_token();
    set_tracing_token(token);
    token
}

/// Sets the token of the process. Python: `set_tracing_token(token)`.
pub fn set_tracing_token(token: TracingToken) {
    *SET.write().unwrap_or_else(PoisonError::into_inner) = Some(token);
}

/// Unsets the token of the process; does nothing if none is set. Python: `unset_tracing_token()`.
pub fn unset_tracing_token() {
    *SET.write().unwrap_or_else(PoisonError::into_inner) = None;
}

/// A token that holds within a closure, on this thread: the scoped form of [`set_tracing_token`].
///
/// Futures carry it with [`in_current_scope`](super::InCurrentScope::in_current_scope) called inside.
///
/// ```no_run
/// use paid::tracing::{generate_tracing_token, paid_tracing, with_tracing_token};
///
/// let token = generate_tracing_token();
/// with_tracing_token(token, || {
///     paid_tracing("customer_1").run(|| { /* in the trace of the token */ });
/// });
/// ```
pub fn with_tracing_token<R>(token: TracingToken, work: impl FnOnce() -> R) -> R {
    let _attached = attach(current_with(Scoped(token)));
    work()
}

struct Scoped(TracingToken);

/// The token that holds here: the scoped one first.
pub(crate) fn current() -> Option<TracingToken> {
    let scoped = with_context(|context| context.get::<Scoped>().map(|scoped| scoped.0));
    scoped.flatten().or_else(|| *SET.read().unwrap_or_else(PoisonError::into_inner))
}
