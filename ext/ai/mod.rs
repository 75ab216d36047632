//! Usage of AI calls, recorded in the current scope.

#[cfg(feature = "anthropic")]
pub mod anthropic;
#[cfg(feature = "audio")]
mod audio;
#[cfg(feature = "bedrock")]
pub mod bedrock;
mod call;
mod content;
// A client of one provider needs only a part of it: requests of others are neither recognised nor changed.
#[cfg_attr(
    not(any(feature = "openai", feature = "reqwest-middleware", feature = "tower")),
    allow(dead_code, unused_imports)
)]
mod engine;
#[cfg(feature = "gemini")]
pub mod gemini;
#[cfg(any(feature = "openai", feature = "reqwest-middleware", feature = "tower"))]
mod http;
#[cfg(feature = "openai")]
pub mod openai;
#[cfg(feature = "reqwest-middleware")]
mod reqwest_middleware;
#[cfg(feature = "tower")]
pub mod tower;
mod watched;

#[cfg(feature = "tower")]
pub use self::tower::PaidLayer;
#[cfg(feature = "audio")]
pub use audio::audio_seconds;
pub use call::AiCall;
#[cfg(fuzzing)]
#[doc(hidden)]
pub use engine::fuzzing;
pub use engine::{Inside, Provider, Providers, UntracedCall};
#[cfg(feature = "reqwest-middleware")]
pub use reqwest_middleware::PaidMiddleware;
pub use watched::{WatchedCall, watch};
