//! Recordings that are sent to be transcribed: how long they are is read on the way, and they arrive as they were.

mod counts;
mod formats;
mod trouble;
mod uploads;

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::support::KEY;
use crate::support::audio::{PATH, assert_measured, boundary, path, sample, seconds, without_boundary};
use crate::support::spans::{assert_failed_as, assert_ok, int};
use bytes::Bytes;
use futures_core::Stream;
use paid::ai::{PaidMiddleware, Provider, Providers};
use paid_sandbox::{Fault, ReceivedRequest, ReceivedSpan, Script, StatusCode};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Request};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

const MISSING: &str = "paid.usage.missing";

type World = crate::support::world::World<Clients>;

struct Clients {
    http: ClientWithMiddleware,
}

async fn world() -> World {
    World::start(|sandbox| {
        let middleware = middleware(sandbox.openai_base());
        Clients { http: ClientBuilder::new(reqwest::Client::new()).with(middleware).build() }
    })
    .await
}

fn middleware(base: impl AsRef<str>) -> PaidMiddleware {
    PaidMiddleware::new().providers(Providers::new().host(base, Provider::OpenAi))
}

impl World {
    fn request(&self, form: Form) -> Request {
        let url = format!("{}/audio/transcriptions", self.sandbox.openai_base());
        reqwest::Client::new().post(url).bearer_auth(KEY).multipart(form).build().unwrap()
    }

    async fn transcribe(&self, form: Form) -> ReceivedSpan {
        let request = self.request(form);
        let call = async { self.http.execute(request).await.unwrap().text().await.unwrap() };
        self.traced_call(call).await.1
    }
}

fn form(file: Part) -> Form {
    Form::new().text("model", "whisper-1").part("file", file).text("response_format", "json")
}

fn part(name: &str) -> Part {
    Part::bytes(sample(name)).file_name(name.to_string())
}

/// What a provider saw, but for the line between the parts, which is another one each time.
fn seen(request: &ReceivedRequest) -> (Vec<(String, String)>, Vec<u8>) {
    let headers =
        request.headers().iter().filter(|(name, _)| !["host", "traceparent"].contains(&name.as_str()));
    let shown = |value: &str| value.replace(boundary(request), "BOUNDARY");
    (headers.map(|(name, value)| (name.clone(), shown(value))).collect(), without_boundary(request))
}

/// A body in pieces, whose length nobody knows.
struct Pieces<I>(I);

impl<I: Iterator<Item = Bytes> + Unpin> Stream for Pieces<I> {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

fn streamed(file: Vec<u8>, size: usize) -> Body {
    let pieces: Vec<_> = file.chunks(size).map(Bytes::copy_from_slice).collect();
    Body::wrap_stream(Pieces(pieces.into_iter()))
}
