//! AI calls through [`async-openai`](https://docs.rs/async-openai/0.43) 0.43: OpenAI, Azure OpenAI, and every service and
//! server that speaks OpenAI's API.
//!
//! A client that is made here is async-openai's own, in all it does, and what its calls used is recorded in the scope
//! that they are made in:
//!
//! ```no_run
//! use async_openai::config::OpenAIConfig;
//! use async_openai::types::chat::{ChatCompletionRequestUserMessage, CreateChatCompletionRequest};
//! use paid::tracing::paid_tracing;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let openai = paid::ai::openai::client(OpenAIConfig::new());
//! let request = CreateChatCompletionRequest {
//!     model: "gpt-4.1-mini".into(),
//!     messages: vec![ChatCompletionRequestUserMessage::from("Say hello").into()],
//!     ..Default::default()
//! };
//! let answer = paid_tracing("customer_1").run_async(openai.chat().create(request)).await?;
//! # let _ = answer;
//! # Ok(())
//! # }
//! ```
//!
//! The methods of the client, such as `chat`, and its TLS come with the features of `async-openai` that your own Cargo.toml
//! selects.
//!
//! A client with a tower stack of its own gets [`PaidOpenAILayer`] as its outermost layer. Code without `async` blocks on a
//! call inside of `paid_tracing(..).run(..)`.
//!
//! | call | span |
//! |---|---|
//! | `chat()`: `create`, `create_stream` | `openai.chat.completions.create` |
//! | `completions()`: `create`, `create_stream` | `openai.completions.create` |
//! | `responses()`: `create`, `create_stream`, `compact` | `openai.responses.create`, `openai.responses.compact` |
//! | `embeddings()`: all | `openai.embeddings.create` |
//! | `images()`: `generate`, `edit`, and their streams | `openai.images.generate`, `openai.images.edit` |
//! | `audio().transcription()`: all | `openai.audio.transcriptions.create` |
//! | `audio().translation()`: all | `openai.audio.translations.create` |
//! | `audio().speech()`: all | `openai.audio.speech.create` |
//!
//! Hosts that aren't known count as `openai`: a local server or a gateway just works. Where Paid prices a service by a name
//! of its own, say so with [`Providers::compatible`](super::Providers::compatible).
//!
//! Chat streams tell their usage only when asked: they are, by `stream_options.include_usage`, and the chunk with the answer
//! to that is kept from a caller who did not ask. So that a caller may stop at the `finish_reason`, the chunk with it is
//! passed on when the next one is there. A host that refuses the option (400 or 422) gets the request once more as it was,
//! and is not asked again in this process.
//! [`Providers::ask_for_stream_usage`](super::Providers::ask_for_stream_usage) turns that off. async-openai reads streams in
//! a task of its own; they count in the scope that they were asked for in. One that is dropped early is recorded as failed.
//!
//! A transcription counts by how long its audio is, which is read from the file while it is sent: wav, mp3, m4a and mp4,
//! flac, ogg and webm. Nothing of it is kept. Speech counts by the characters of its text.
//!
//! # What is not counted
//!
//! Image variations, videos and moderations, whose answers tell no usage; what batches, realtime sessions and
//! responses in the background use, as none of it comes with the answer to a call; and everything else that is no call of
//! a model.

mod layer;
mod rebuild;
mod tells;

use async_openai::Client;
use async_openai::config::Config;

pub use layer::{PaidOpenAI, PaidOpenAILayer};

/// A client of `async-openai` whose calls are counted; else it is as [`Client::with_config`] makes it, with the same
/// retries. For other settings, see [`PaidOpenAILayer::client`].
///
/// [`Client::with_http_client`] and [`Client::with_http_service`] would take the counting out again: give an HTTP client
/// of your own to [`PaidOpenAILayer::client_with`], and put [`PaidOpenAILayer`] into a service of your own.
///
/// ```no_run
/// use async_openai::config::{AzureConfig, OpenAIConfig};
///
/// let openai = paid::ai::openai::client(OpenAIConfig::new());
/// let azure = paid::ai::openai::client(AzureConfig::new().with_api_base("https://my-resource.openai.azure.com"));
/// let local = paid::ai::openai::client(OpenAIConfig::new().with_api_base("http://127.0.0.1:8000/v1"));
/// ```
pub fn client<C: Config>(config: C) -> Client<C> {
    PaidOpenAILayer::new().client(config)
}
