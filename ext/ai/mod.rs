//! Usage of AI calls, recorded in the current scope.

#[cfg(feature = "anthropic")]
pub mod anthropic;
mod call;
mod content;
#[allow(dead_code, unused_imports)]
mod engine;
#[cfg(feature = "gemini")]
pub mod gemini;
#[cfg(feature = "reqwest-middleware")]
mod http;
#[cfg(feature = "reqwest-middleware")]
mod reqwest_middleware;
mod watched;

pub use call::AiCall;
pub use engine::{Inside, Provider, Providers, UntracedCall};
#[cfg(feature = "reqwest-middleware")]
pub use reqwest_middleware::PaidMiddleware;
pub use watched::{WatchedCall, watch};
