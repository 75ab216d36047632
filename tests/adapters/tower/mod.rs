//! A client of hyper-util below the layer: what the provider receives, what the caller gets, and the spans that arrive at
//! a collector.

mod bodies;
mod cases;
mod crowd;
mod errors;
mod kinds;
mod scopes;
mod stacks;
mod streams;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use paid::ai::PaidLayer;
use paid::ai::tower::{PaidService, PeekedBody};
use paid_sandbox::Sandbox;
use serde_json::{Value, json};
use tower::{BoxError, Layer, Service, ServiceExt};

use crate::support::kinds::providers;
use crate::support::spans::{assert_failed, assert_failed_as, assert_told, attributes, count};
use crate::support::{KEY, PROMPT};

const MODEL: &str = "gpt-4.1-mini";
const CHAT: &str = "/v1/chat/completions";
const CHAT_SPAN: &str = "paid.trace.openai.chat.completions.create";

type Hyper<B> = Client<HttpConnector, B>;

type World = crate::support::world::World<Clients>;

struct Clients {
    http: PaidService<Hyper<PeekedBody<Full<Bytes>>>>,
}

async fn world() -> World {
    World::start(|sandbox| Clients { http: layer(sandbox).layer(hyper()) }).await
}

fn hyper<B: Body<Data: Send> + Send>() -> Hyper<B> {
    Client::builder(TokioExecutor::new()).build_http()
}

fn layer(sandbox: &Sandbox) -> PaidLayer {
    PaidLayer::new().providers(providers(sandbox))
}

fn post(url: &str, body: &Value) -> Request<Full<Bytes>> {
    Request::post(url)
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {KEY}"))
        .header("x-api-key", KEY)
        .header("anthropic-version", "2023-06-01")
        .header("x-goog-api-key", KEY)
        .body(Full::from(body.to_string()))
        .unwrap()
}

fn chat_of(sandbox: &Sandbox, text: &str, stream: bool) -> Request<Full<Bytes>> {
    let messages = json!([{"role": "user", "content": text}]);
    let url = format!("{}/chat/completions", sandbox.openai_base());
    post(&url, &json!({"model": MODEL, "messages": messages, "stream": stream}))
}

/// An answer's head and all of its body.
async fn read<S, B, R>(service: S, request: Request<B>) -> Result<Response<Bytes>, BoxError>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError>,
    R: Body<Error: Into<BoxError>>,
{
    let (parts, body) = service.oneshot(request).await.map_err(Into::into)?.into_parts();
    Ok(Response::from_parts(parts, body.collect().await.map_err(Into::into)?.to_bytes()))
}

/// The bytes of an answer up to its end or an error.
async fn bytes<B: Body<Error: Into<BoxError>> + Unpin>(answer: Response<B>) -> (Vec<u8>, Option<BoxError>) {
    let (mut body, mut bytes) = (answer.into_body(), Vec::new());
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => {
                if let Ok(data) = frame.into_data() {
                    bytes.extend_from_slice(&data.into_vec());
                }
            }
            Err(error) => return (bytes, Some(error.into())),
        }
    }
    (bytes, None)
}

/// Any buffer's bytes.
trait IntoVec {
    fn into_vec(self) -> Vec<u8>;
}

impl<D: bytes::Buf> IntoVec for D {
    fn into_vec(mut self) -> Vec<u8> {
        self.copy_to_bytes(self.remaining()).to_vec()
    }
}

impl World {
    fn chat(&self, stream: bool) -> Request<Full<Bytes>> {
        chat_of(&self.sandbox, PROMPT, stream)
    }

    /// What a bare client gets for the same request.
    async fn bare(&self, request: Request<Full<Bytes>>) -> (Vec<u8>, Option<BoxError>) {
        bytes(hyper::<Full<Bytes>>().request(request).await.unwrap()).await
    }
}

/// Without the numbers that the sandbox gives to answers.
fn unnumbered(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split("sandbox0");
    let mut out = parts.next().unwrap().to_string();
    for part in parts {
        out.push_str(&part[7..]);
    }
    out
}
