//! The collector: traces over OTLP/HTTP, answered in the encoding in which they came.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use axum::{Extension, Router};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use serde_json::json;

use super::{Sandbox, json_answer};
use crate::otlp::decode::{Encoding, Refusal, decode};
use crate::otlp::{self, ReceivedSpan};
use crate::recorder::RequestIndex;
use crate::server::Shared;

pub(super) fn routes() -> Router<std::sync::Arc<Shared>> {
    Router::new().route(otlp::PATH, post(export))
}

/// Takes all spans of a request or, when something is wrong with it, none.
async fn export(
    State(shared): Sandbox,
    Extension(index): Extension<RequestIndex>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let encoding = match Encoding::of(&headers) {
        Ok(encoding) => encoding,
        Err(refusal) => return refused(Encoding::Json, &refusal),
    };
    match read(encoding, &headers, &body, &shared, index) {
        Ok(spans) => {
            shared.take_spans(spans);
            accepted(encoding)
        }
        Err(refusal) => refused(encoding, &refusal),
    }
}

fn read(
    encoding: Encoding,
    headers: &HeaderMap,
    body: &[u8],
    shared: &Shared,
    RequestIndex(index): RequestIndex,
) -> Result<Vec<ReceivedSpan>, Refusal> {
    let request = decode(encoding, headers, body)?;
    otlp::spans_of(request, shared.api_key(), index)
}

fn accepted(encoding: Encoding) -> Response {
    match encoding {
        Encoding::Json => json_answer(StatusCode::OK, &json!({})),
        Encoding::Protobuf => {
            protobuf_answer(StatusCode::OK, &ExportTraceServiceResponse { partial_success: None })
        }
    }
}

/// The error body of OTLP/HTTP: `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

fn refused(encoding: Encoding, refusal: &Refusal) -> Response {
    let (status, message) = (refusal.status, &refusal.message);
    // INVALID_ARGUMENT and UNAUTHENTICATED among the codes of google.rpc.
    let code = if status == StatusCode::UNAUTHORIZED { 16 } else { 3 };
    match encoding {
        Encoding::Json => json_answer(status, &json!({"code": code, "message": message})),
        Encoding::Protobuf => protobuf_answer(status, &RpcStatus { code, message: message.clone() }),
    }
}

fn protobuf_answer(status: StatusCode, message: &impl Message) -> Response {
    let mut response = Response::new(Body::from(message.encode_to_vec()));
    *response.status_mut() = status;
    let media_type = HeaderValue::from_static(Encoding::Protobuf.media_type());
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    response
}
