//! Usage of AI calls, recorded in the current scope.

mod call;
mod content;
#[allow(dead_code, unused_imports)]
mod engine;
mod watched;

pub use call::AiCall;
pub use engine::{Inside, Provider, Providers, UntracedCall};
pub use watched::{WatchedCall, watch};
