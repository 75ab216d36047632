//! Streams: asked for their usage, cut, dropped, and with trailers.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use paid::ai::PaidLayer;
use paid::ai::tower::PeekedBody;
use paid_sandbox::{Fault, Script, StatusCode};
use serde_json::json;
use tower::{Layer, Service, ServiceExt, service_fn};

use super::{CHAT, MODEL, assert_failed, bytes, count, post, read, unnumbered, world};

const CHUNK: &str = "data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n";
const USAGE: &str =
    "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

#[tokio::test]
async fn a_chat_stream_is_asked_for_its_usage_and_the_caller_sees_nothing_of_it() {
    let world = world().await;
    for pieces in [vec![usize::MAX], vec![1], vec![7, 100, 3]] {
        let script = Script::on(CHAT).chunks(50).input_tokens(100).output_tokens(20).pieces(pieces);
        world.sandbox.provider_script(script.times(2));
        let (answer, call) = world.traced_call(read(world.http.clone(), world.chat(true))).await;
        assert_eq!(call.status.code, StatusCode::Ok);
        assert_eq!((count(&call, "input_tokens"), count(&call, "output_tokens")), (Some(100), Some(20)));

        let asked = world.received().pop().unwrap();
        assert_eq!(asked.json().unwrap()["stream_options"], json!({"include_usage": true}));
        assert_eq!(asked.header("content-length"), Some(asked.body().len().to_string().as_str()));
        let sent = post("http://h", &asked.json().unwrap()).into_body();
        let mut request = world.chat(true);
        *request.body_mut() = sent;
        // Who asks gets one more chunk.
        let (bare, error) = world.bare(request).await;
        assert!(error.is_none());
        let bare = unnumbered(&bare);
        let (start, end) = (bare.rfind("data: {").unwrap(), bare.rfind("data: [DONE]").unwrap());
        assert!(bare[start..end].contains("\"choices\":[]"));
        let expected = [&bare[..start], &bare[end..]].concat();
        assert_eq!(unnumbered(&answer.unwrap().into_body()), expected);
    }
}

#[tokio::test]
async fn who_asks_for_the_usage_gets_it_byte_for_byte() {
    let world = world().await;
    let url = format!("{}/chat/completions", world.sandbox.openai_base());
    let messages = json!([{"role": "user", "content": "hello there"}]);
    let options = json!({"include_usage": true});
    let body = json!({"model": MODEL, "stream": true, "stream_options": options, "messages": messages});
    let (answer, _) = world.traced_call(read(world.http.clone(), post(&url, &body))).await;
    let answer = unnumbered(&answer.unwrap().into_body());
    assert!(answer.contains("\"choices\":[]"), "{answer}");
    assert_eq!(answer, unnumbered(&world.bare(post(&url, &body)).await.0));
}

#[tokio::test]
async fn a_content_length_is_that_of_the_body_that_is_sent() {
    let world = world().await;
    let mut request = world.chat(true);
    let length = http_body::Body::size_hint(request.body()).exact().unwrap();
    request.headers_mut().insert("content-length", length.into());
    world.traced_call(read(world.http.clone(), request)).await.0.unwrap();
    let received = world.received().pop().unwrap();
    assert!(received.body().len() as u64 > length);
    assert_eq!(received.header("content-length"), Some(received.body().len().to_string().as_str()));
}

#[tokio::test]
async fn a_body_that_is_signed_is_sent_as_it_is() {
    let world = world().await;
    for (name, value) in [
        ("authorization", "AWS4-HMAC-SHA256 Credential=x, Signature=y"),
        ("authorization", "HMAC-SHA256 SignedHeaders=x&Signature=y"),
        ("authorization", "Signature keyId=\"x\""),
        ("authorization", "an-opaque-key"),
        ("content-digest", "sha-256=:x:"),
        ("repr-digest", "sha-256=:x:"),
        ("digest", "SHA-256=x"),
        ("content-md5", "x"),
        ("x-content-sha256", "x"),
        ("x-ms-content-sha256", "x"),
        ("x-amz-content-sha256", "x"),
        ("x-amz-checksum-crc32", "x"),
        ("signature", "sig=:x:"),
        ("signature-input", "sig=()"),
        ("x-hub-signature-256", "sha256=x"),
    ] {
        let mut request = world.chat(true);
        request.headers_mut().insert(name, value.parse().unwrap());
        let sent = request.body().clone().collect().await.unwrap().to_bytes();
        let (_, call) = world.traced_call(read(world.http.clone(), request)).await;
        assert_eq!(world.received().pop().unwrap().body(), sent, "{name}");
        if name != "authorization" {
            assert!(call.text("paid.usage.missing").is_some());
        }
    }
}

#[tokio::test]
async fn a_scheme_that_holds_for_any_body_is_no_signature() {
    let world = world().await;
    for value in ["bearer sk-a-secret-key", "Basic c2VjcmV0OnNlY3JldA=="] {
        let mut request = world.chat(true);
        request.headers_mut().insert("authorization", value.parse().unwrap());
        world.traced_call(read(world.http.clone(), request)).await.0.unwrap();
        let sent = world.received().pop().unwrap().json().unwrap();
        assert_eq!(sent["stream_options"]["include_usage"], true, "{value}");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_amid_an_event_is_passed_on_to_its_last_byte() {
    let world = world().await;
    let half = &USAGE[..40];
    for end in [half, "data: {\"cho", "data", "\r", USAGE, CHUNK, &[CHUNK, half].concat()] {
        let sent = [CHUNK, end].concat();
        // Half of it is sent.
        let body = [sent.as_str(), &" ".repeat(sent.len())].concat();
        let fault = Fault::on("POST", CHAT).status(200).body(body, "text/event-stream").cut_midway();
        world.sandbox.fail(fault.times(2));
        let work = async { bytes(world.http.clone().oneshot(world.chat(true)).await.unwrap()).await };
        let ((seen, error), call) = world.traced_call(work).await;
        let (bare, cut) = world.bare(world.chat(true)).await;
        let expected = String::from_utf8(bare).unwrap().replace(USAGE, "");
        assert_eq!(String::from_utf8(seen).unwrap(), expected, "{end:?}");
        assert_eq!(error.unwrap().to_string(), cut.unwrap().to_string());
        // What was told before the end counts.
        let failed = end != USAGE;
        assert_eq!(call.status.code == StatusCode::Error, failed, "{end:?}");
        assert_eq!(
            (call.events.len(), count(&call, "input_tokens").is_some()),
            (usize::from(failed), !failed)
        );
    }
}

#[tokio::test]
async fn a_stream_that_is_dropped_early_is_an_error() {
    let world = world().await;
    world.sandbox.provider_script(Script::on(CHAT).chunks(100).chunk_delay(Duration::from_millis(1)));
    let (_, call) = world
        .traced_call(async {
            let mut answer = world.http.clone().oneshot(world.chat(true)).await.unwrap();
            assert!(answer.body_mut().frame().await.unwrap().is_ok());
        })
        .await;
    assert_failed(&call, "StreamDropped: the stream was dropped before its end");
}

#[tokio::test]
async fn a_stream_whose_usage_is_told_counts_without_its_end() {
    let world = world().await;
    world.sandbox.provider_script(Script::on(CHAT).output_tokens(20));
    let (_, call) = world
        .traced_call(async {
            let mut answer = world.http.clone().oneshot(world.chat(true)).await.unwrap();
            let mut seen = Vec::new();
            while !seen.ends_with(DONE.as_bytes()) {
                let frame = answer.body_mut().frame().await.unwrap().unwrap();
                seen.extend_from_slice(frame.data_ref().unwrap());
            }
        })
        .await;
    assert_eq!((call.status.code, count(&call, "output_tokens")), (StatusCode::Ok, Some(20)));
}

/// A service that answers with these pieces and one trailer.
fn with_trailers(
    pieces: &'static [&'static str],
) -> impl Service<
    Request<PeekedBody<Full<Bytes>>>,
    Response = Response<impl http_body::Body<Data = Bytes, Error = Infallible> + Unpin>,
    Error = Infallible,
> {
    service_fn(move |_| async move {
        let text = Full::from(pieces.concat());
        let trailers = HeaderMap::from_iter([(http::header::ETAG, "x".parse().unwrap())]);
        let body = text.with_trailers(async { Some(Ok(trailers)) });
        Ok(Response::builder().header("content-type", "text/event-stream").body(Box::pin(body)).unwrap())
    })
}

#[tokio::test]
async fn trailers_are_kept_and_come_last() {
    let world = world().await;
    let request = || post("https://api.openai.com/v1/chat/completions", &json!({"stream": true}));
    for (pieces, expected) in [
        (&[CHUNK, USAGE, DONE][..], [CHUNK, DONE].concat()),
        (&[CHUNK, USAGE], CHUNK.to_string()),
        // What is held comes first.
        (&[CHUNK, "data: {\"cho"], [CHUNK, "data: {\"cho"].concat()),
    ] {
        let (_, call) = world
            .traced_call(async {
                let answer = PaidLayer::new().layer(with_trailers(pieces)).oneshot(request()).await.unwrap();
                let mut body = answer.into_body();
                let mut seen = Vec::new();
                let trailers = loop {
                    match body.frame().await.unwrap().unwrap().into_data() {
                        Ok(data) => seen.extend_from_slice(&data),
                        Err(other) => break other.into_trailers().unwrap(),
                    }
                };
                assert_eq!(String::from_utf8(seen).unwrap(), expected);
                assert_eq!(trailers["etag"], "x");
                assert!(body.frame().await.is_none());
            })
            .await;
        let told = pieces.contains(&USAGE).then_some(3);
        assert_eq!((call.status.code, count(&call, "input_tokens")), (StatusCode::Ok, told));
    }
}

/// A service that answers with this, in an encoding.
fn with(
    body: &'static str,
    encoding: &'static str,
) -> impl Service<
    Request<PeekedBody<Full<Bytes>>>,
    Response = Response<Full<Bytes>>,
    Error = Infallible,
    Future: Send,
> {
    service_fn(move |_| async move {
        let answer = Response::builder().header("content-type", "text/event-stream");
        let answer = answer.header("content-encoding", encoding).header("content-length", body.len());
        Ok(answer.body(Full::from(body)).unwrap())
    })
}

#[tokio::test]
async fn a_stream_that_is_compressed_passes_as_it_comes() {
    let world = world().await;
    let request = || post("https://api.openai.com/v1/chat/completions", &json!({"stream": true}));
    // It can't be seen what of it would be hidden.
    for (encoding, passed) in [("gzip", Some("data: {")), ("identity", None)] {
        let (_, call) = world
            .traced_call(async {
                let mut answer =
                    PaidLayer::new().layer(with("data: {", encoding)).oneshot(request()).await.unwrap();
                let length = answer.headers().get("content-length");
                assert_eq!(length.map(|length| length.as_bytes()), passed.map(|_| &b"7"[..]));
                let body = answer.body_mut();
                let exact = http_body::Body::size_hint(body).exact();
                assert_eq!(exact, passed.map(|passed| passed.len() as u64));
                assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "data: {");
            })
            .await;
        assert!(call.text("paid.usage.missing").is_some(), "{:?}", call.status);
    }
}

#[tokio::test]
async fn a_stream_that_says_that_it_is_over_is_over() {
    let world = world().await;
    let request = || post("https://api.openai.com/v1/chat/completions", &json!({"stream": true}));
    let (_, call) = world
        .traced_call(async {
            let answer = PaidLayer::new().layer(with(CHUNK, "identity")).oneshot(request()).await.unwrap();
            // Its end is not asked for.
            assert_eq!(answer.into_body().frame().await.unwrap().unwrap().into_data().unwrap(), CHUNK);
        })
        .await;
    assert_eq!((call.status.code, call.status.message.as_str()), (StatusCode::Ok, ""));
    assert_eq!(call.text("paid.usage.missing"), Some("the answer tells none"));
}
