//! Usage of AI calls, recorded in the current scope.

mod call;
mod content;

pub use call::AiCall;
