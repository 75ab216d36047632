//! Errors as each provider words them.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Provider;
use super::json::{Json, list, object};
use crate::faults::Fault;

/// The header in which AWS names an error; its clients go by it, not by the status.
const AWS_ERROR_TYPE: &str = "x-amzn-errortype";

/// An error answer of a provider.
#[derive(Debug)]
pub(crate) struct Refusal {
    provider: Provider,
    status: u16,
    message: String,
    /// The field that is missing from the request.
    missing: Option<String>,
}

impl Refusal {
    pub(super) fn new(provider: Provider, status: u16, message: impl Into<String>) -> Self {
        Self { provider, status, message: message.into(), missing: None }
    }

    pub(super) fn missing(provider: Provider, field: &str) -> Self {
        let status = if provider == Provider::Mistral { 422 } else { 400 };
        let message = match provider {
            Provider::Anthropic => format!("{field}: Field required"),
            _ => format!("Missing required parameter: '{field}'."),
        };
        Self { provider, status, message, missing: Some(field.to_owned()) }
    }

    pub(super) fn no_key(provider: Provider) -> Self {
        let message = match provider {
            Provider::OpenAi => {
                "You didn't provide an API key. You need to provide your API key in an Authorization header \
                 using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
            }
            Provider::Azure => "Access denied due to invalid subscription key or wrong API endpoint.",
            Provider::Anthropic => "x-api-key header is required",
            Provider::Gemini => "Request is missing required authentication credential.",
            Provider::Mistral => "Unauthorized",
            Provider::Bedrock => "The security token included in the request is invalid.",
        };
        Self::new(provider, 401, message)
    }

    /// The body of the answer.
    pub(super) fn json(&self) -> Json {
        let (status, message) = (self.status, &self.message);
        match self.provider {
            Provider::OpenAi => self.openai(),
            Provider::Azure if matches!(status, 401 | 404 | 429) => {
                object! {"error": object! {"code": status.to_string(), "message": message}}
            }
            Provider::Azure => self.openai(),
            Provider::Anthropic => anthropic_error(status, message).and("request_id", "req_sandbox"),
            Provider::Gemini => {
                let name = gemini_status(status);
                object! {"error": object! {"code": status, "message": message, "status": name}}
            }
            Provider::Mistral => self.mistral(),
            Provider::Bedrock => object! {"message": message},
        }
    }

    fn openai(&self) -> Json {
        let (kind, code) = openai_kind(self.status);
        let code = if self.missing.is_some() { Some("missing_required_parameter") } else { code };
        object! {"error": object! {
            "message": &self.message, "type": kind, "param": self.missing.as_ref(), "code": code,
        }}
    }

    fn mistral(&self) -> Json {
        let (kind, code) = match self.status {
            401 => return object! {"detail": &self.message},
            429 => ("rate_limited", Some("1300")),
            400..500 => ("invalid_request_error", None),
            _ => ("internal_server_error", Some("1000")),
        };
        let message = match &self.missing {
            Some(field) => object! {"detail": list![object! {
                "type": "missing", "loc": list!["body", field], "msg": "Field required", "input": (),
            }]},
            None => (&self.message).into(),
        };
        object! {"object": "error", "message": message, "type": kind, "param": (), "code": code}
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.json().text()));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.provider == Provider::Bedrock {
            headers.insert(AWS_ERROR_TYPE, HeaderValue::from_static(aws_error(self.status)));
        }
        response
    }
}

/// The same fault, with the provider's error body if it meets a provider's request and has no body of its own.
pub(crate) fn in_shape(fault: Fault, path: &str) -> Fault {
    let (Some(provider), Some(status)) = (Provider::of(path), fault.bare_error()) else { return fault };
    let refusal = Refusal::new(provider, status, format!("the sandbox was told to answer {status}"));
    let fault = fault.body(refusal.json().text(), "application/json");
    if provider == Provider::Bedrock { fault.header(AWS_ERROR_TYPE, aws_error(status)) } else { fault }
}

/// The `type` and `code` of an OpenAI error.
pub(super) fn openai_kind(status: u16) -> (&'static str, Option<&'static str>) {
    match status {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        429 => ("requests", Some("rate_limit_exceeded")),
        400..500 => ("invalid_request_error", None),
        _ => ("server_error", None),
    }
}

/// The error of Anthropic, which is the same in an answer and within a stream.
pub(super) fn anthropic_error(status: u16, message: &str) -> Json {
    let kind = match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        400..500 => "invalid_request_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    object! {"type": "error", "error": object! {"type": kind, "message": message}}
}

pub(super) fn gemini_status(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        400..500 => "INVALID_ARGUMENT",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    }
}

pub(super) fn aws_error(status: u16) -> &'static str {
    match status {
        401 => "UnrecognizedClientException",
        403 => "AccessDeniedException",
        404 => "ResourceNotFoundException",
        408 => "ModelTimeoutException",
        424 => "ModelErrorException",
        429 => "ThrottlingException",
        400..500 => "ValidationException",
        503 => "ServiceUnavailableException",
        _ => "InternalServerException",
    }
}
