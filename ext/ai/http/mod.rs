//! What adapters to HTTP clients share.

mod body;
mod exchange;

pub(crate) use exchange::Hook;
