//! Extensions on top of the generated client: cost tracing, signals, cost data.

pub mod ai;
pub mod cost;
mod delivery;
mod log;
mod process;
mod redact;
pub mod tracing;

pub use crate::types::Signal;
