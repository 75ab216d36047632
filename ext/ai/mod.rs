//! Usage of AI calls, recorded in the current scope.

mod call;
mod content;
#[allow(dead_code)]
mod engine;

pub use call::AiCall;
