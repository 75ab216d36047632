//! Usage of AI calls through the clients that people use: what the provider receives, what the caller gets, and the
//! spans that arrive at a collector.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod anthropic;
mod bedrock;
#[allow(deprecated)]
mod gemini;
mod mistral;
mod openai;
mod openai_transcription;
mod reqwest_middleware;
#[allow(dead_code, reason = "tests/it has the cases too, and uses other parts of them")]
mod support;
mod tower;
mod transcription;
