//! What adapters to HTTP clients share.

mod body;
mod exchange;
mod outgoing;
mod refusing;
mod upload;

#[cfg(feature = "tower")]
pub use body::WatchedBody;
#[cfg(feature = "openai")]
pub(crate) use exchange::Change;
#[cfg(feature = "tower")]
pub(crate) use exchange::Exchange;
pub(crate) use exchange::Hook;
#[cfg(feature = "tower")]
pub(crate) use outgoing::Outgoing;
#[cfg(feature = "tower")]
pub(crate) use upload::{Reading, Upload};
