//! Amazon Bedrock: Converse and InvokeModel, whole and streamed.

mod converse;
mod invoke;

use std::sync::Arc;

use axum::Router;
use axum::routing::post;

use super::json::object;
use super::refusal::aws_error;
use super::stream::Event;
use crate::server::Shared;

/// How long every answer took, as it says itself.
const LATENCY_MS: u64 = 100;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/model/{id}/converse", post(converse::create))
        .route("/model/{id}/converse-stream", post(converse::stream))
        .route("/model/{id}/invoke", post(invoke::create))
        .route("/model/{id}/invoke-with-response-stream", post(invoke::stream))
}

/// The exception that ends a stream.
fn failure(status: u16) -> Event {
    let name = match aws_error(status) {
        "ThrottlingException" => "throttlingException",
        "ValidationException" => "validationException",
        "ServiceUnavailableException" => "serviceUnavailableException",
        "ModelErrorException" => "modelStreamErrorException",
        "ModelTimeoutException" => "modelTimeoutException",
        _ => "internalServerException",
    };
    let message = format!("the sandbox was told to fail with {status}");
    Event { kind: "exception", name, data: object! {"message": message}.text() }
}
