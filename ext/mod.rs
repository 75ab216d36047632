//! Extensions on top of the generated client: cost tracing, signals, cost data.

pub mod cost;
mod delivery;
mod process;
pub mod tracing;
