//! AI calls through `gemini-rust` 2.1.
//!
//! Its client takes a base URL and the settings of an HTTP client, but no transport that could be hooked. So the calls
//! are made through its own builders with one word more, [`paid`](PaidExt::paid), and return its own types and errors:
//!
//! ```no_run
//! use gemini_rust::Gemini;
//! use paid::ai::gemini::PaidExt;
//! use paid::tracing::paid_tracing;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let gemini = Gemini::new("<GEMINI_API_KEY>")?;
//! let call = gemini.create_interaction().with_text("Say hello").paid().execute();
//! let answer = paid_tracing("customer_1").run_async(call).await?;
//! # let _ = answer;
//! # Ok(())
//! # }
//! ```
//!
//! | call | span |
//! |---|---|
//! | `generate_content()…paid().execute()`, `.execute_stream()` | `gemini.models.generate_content` |
//! | `create_interaction()…paid().execute()`, `.execute_stream()` | `gemini.interactions.create` |
//!
//! A stream is measured when it tells its last counts, whether it is read on or not; one that is dropped before is
//! recorded as failed.
//!
//! # What is not counted
//!
//! Embeddings and batches, whose answers have no usage in this crate's types, and what an interaction in the background
//! uses after its answer. A call without `paid()` is not seen at all. `generate_content` and embeddings over HTTP, without
//! this crate, are counted by [`watch`](super::watch) and, with the feature of that name, by a `reqwest-middleware`.

// `gemini-rust` calls `generate_content` deprecated. It works, and is what most programs use.
#![allow(deprecated)]

mod call;
mod fail;
mod stream;
mod tells;

use std::fmt;

use gemini_rust::client::Error;
use gemini_rust::{
    ContentBuilder, GenerationResponse, GenerationStream, Interaction, InteractionBuilder, InteractionStream,
};

use super::engine::UntracedCall;
use call::Api;

/// Lets a request of `gemini-rust` be counted.
pub trait PaidExt: sealed::Request {
    /// The request as it is, to be made as a call that is counted. It comes last, before `execute()`.
    fn paid(self) -> PaidRequest<Self> {
        PaidRequest(self)
    }
}

impl PaidExt for ContentBuilder {}
impl PaidExt for InteractionBuilder {}

mod sealed {
    pub trait Request: Sized {}
    impl Request for gemini_rust::ContentBuilder {}
    impl Request for gemini_rust::InteractionBuilder {}
}

/// A request whose call is counted, in the scope that it is awaited in. Made by [`PaidExt::paid`].
#[derive(Clone)]
#[must_use = "the request is sent by execute() or execute_stream()"]
pub struct PaidRequest<B>(B);

impl<B> PaidRequest<B> {
    /// Whether the call goes through untraced outside of a scope, as it does by default. Python: `optional_tracing`.
    ///
    /// The scope is looked for here and now, since the errors of `gemini-rust` have no place for it: ask where the call is
    /// awaited.
    ///
    /// ```no_run
    /// # use gemini_rust::Gemini;
    /// # use paid::ai::gemini::PaidExt;
    /// # async fn example(gemini: Gemini) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = gemini.create_interaction().with_text("Say hello");
    /// let answer = request.paid().optional_tracing(false)?.execute().await?;
    /// # let _ = answer;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`UntracedCall`], where it is not optional and there is no scope here.
    pub fn optional_tracing(self, optional: bool) -> Result<Self, UntracedCall> {
        UntracedCall::check(optional).map(|()| self)
    }
}

impl PaidRequest<ContentBuilder> {
    /// Makes the call, as the request's own `execute` does.
    ///
    /// # Errors
    ///
    /// Those of `gemini-rust`.
    pub async fn execute(self) -> Result<GenerationResponse, Error> {
        call::whole(Api::GenerateContent, self.0.execute()).await
    }

    /// Makes the call and returns its answer as it comes, as the request's own `execute_stream` does.
    ///
    /// # Errors
    ///
    /// Those of `gemini-rust`.
    pub async fn execute_stream(self) -> Result<GenerationStream, Error> {
        call::stream(Api::GenerateContent, self.0.execute_stream()).await
    }
}

impl PaidRequest<InteractionBuilder> {
    /// Makes the call, as the request's own `execute` does.
    ///
    /// # Errors
    ///
    /// Those of `gemini-rust`.
    pub async fn execute(self) -> Result<Interaction, Error> {
        call::whole(Api::Interactions, self.0.execute()).await
    }

    /// Makes the call and returns its answer as it comes, as the request's own `execute_stream` does.
    ///
    /// # Errors
    ///
    /// Those of `gemini-rust`.
    pub async fn execute_stream(self) -> Result<InteractionStream, Error> {
        call::stream(Api::Interactions, self.0.execute_stream()).await
    }
}

impl<B> fmt::Debug for PaidRequest<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaidRequest").finish_non_exhaustive()
    }
}
