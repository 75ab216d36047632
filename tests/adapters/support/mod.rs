//! What the tests of all adapters need: a provider and a collector, the spans that arrive there, and what is asserted
//! of every one of them.

pub mod audio;
pub mod cases;
pub mod crowd;
pub mod hosts;
pub mod kinds;
pub mod lines;
pub mod scripted;
pub mod spans;
pub mod streams;
pub mod world;

/// What every call is authorized with.
pub const KEY: &str = "sk-a-secret-key";
/// What every model is asked. The sandbox makes three tokens of it, and six of its answer.
pub const PROMPT: &str = "hello there";
