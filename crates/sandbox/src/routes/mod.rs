//! The routes of the server: one module per resource, the key check before them, error answers around them.

mod agents;
mod contacts;
mod customers;
mod inspect;
mod orders;
mod otlp;
mod reference;
mod usage;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use serde::Serialize;

pub(crate) use inspect::PATH as INSPECTION_PATH;

use crate::error::ApiError;
use crate::recorder::bearer;
use crate::server::Shared;
use crate::validate::Object;

/// Where the API lives on the server.
pub(crate) const BASE_PATH: &str = "/api/v1";

/// What a handler answers.
type Answer = Result<Response, ApiError>;

/// The state that every handler gets.
type Sandbox = State<Arc<Shared>>;

/// All routes of the server.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let api = Router::new()
        .merge(agents::routes())
        .merge(contacts::routes())
        .merge(customers::routes())
        .merge(orders::routes())
        .merge(usage::routes())
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(middleware::from_fn_with_state(shared.clone(), check_key));
    let router = Router::new().nest(BASE_PATH, api).merge(inspect::routes()).merge(otlp::routes());
    #[cfg(feature = "providers")]
    let router = router.merge(crate::providers::routes());
    router
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::disable())
        .with_state(shared)
}

/// An answer with a JSON body.
pub(crate) fn json_answer(status: StatusCode, body: &impl Serialize) -> Response {
    // What is serialized here has text keys only, so this can't fail.
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn ok(body: &impl Serialize) -> Answer {
    Ok(json_answer(StatusCode::OK, body))
}

fn created(body: &impl Serialize) -> Answer {
    Ok(json_answer(StatusCode::CREATED, body))
}

fn deleted() -> Answer {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// A record with every field of its model: null first, then the defaults, then the body.
fn record(model: &[&str], defaults: Object, body: Object) -> Object {
    let mut record: Object =
        model.iter().map(|field| ((*field).to_owned(), serde_json::Value::Null)).collect();
    record.extend(defaults);
    record.extend(body.into_iter().filter(|(_, value)| !value.is_null()));
    record
}

/// The id in a path, percent-decoded once.
struct PathId(String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let id: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, state).await;
        id.map(|Path(id)| Self(id))
            .map_err(|error| ApiError::invalid("the id in the path is not valid").details(error.body_text()))
    }
}

async fn check_key(State(shared): Sandbox, request: Request, next: Next) -> Answer {
    let sent = request.headers().get(header::AUTHORIZATION);
    let key = sent.and_then(|value| value.to_str().ok()).and_then(bearer);
    match (key, shared.api_key()) {
        (None, _) => Err(ApiError::unauthorized("the API key is missing")
            .details("send the header Authorization: Bearer <key>")),
        (Some(sent), Some(expected)) if sent != expected => {
            Err(ApiError::unauthorized("the API key is not valid"))
        }
        _ => Ok(next.run(request).await),
    }
}

async fn no_such_path(method: Method, uri: Uri) -> ApiError {
    let path = uri.path();
    ApiError::not_found("there is nothing at this path").details(format!("{method} {path}"))
}

async fn no_such_method(method: Method, uri: Uri) -> ApiError {
    let path = uri.path();
    let message = "this path does not have that method";
    ApiError::method_not_allowed(message).details(format!("{method} {path}"))
}
