//! AI calls through `aws-sdk-bedrockruntime` 1: an interceptor of its client, which records what Converse and
//! InvokeModel used.
//!
#![cfg_attr(not(doctest), doc = include_str!("../../../docs/examples/bedrock.md"))]
//!
//! | operation | span |
//! |---|---|
//! | `converse` | `bedrock.converse` |
//! | `converse_stream` | `bedrock.converse_stream` |
//! | `invoke_model` | `bedrock.invoke_model` |
//! | `invoke_model_with_response_stream` | `bedrock.invoke_model_with_response_stream` |
//!
//! All attempts of a call are one span; it fails if the last of them does. A stream counts for the scope that it was asked
//! in, wherever it is read, and is measured when it tells what it used; one that is dropped before is recorded as failed.
//! What the client receives is not changed.
//!
//! # What is not counted
//!
//! `invoke_model_with_bidirectional_stream`, invocations in the background (`start_async_invoke`), and what is no call of
//! a model, such as guardrails; they pass through. So does a call that fails before its request is built. Where the
//! client's HTTP connector is hooked too, it counts the same calls again: hook one of them.
//!
//! # Versions
//!
//! This depends on the SDK's runtime, `aws-smithy-runtime-api` 1.11.3 or later of 1, and so goes with every
//! `aws-sdk-bedrockruntime` that uses one; it is tested with 1.124 and 1.153. A call whose operation timeout is over is
//! recorded as timed out with the latter, and as dropped with the former.

mod body;
mod call;
mod interceptor;
mod shared;

pub use interceptor::PaidInterceptor;
