//! Recordings that `async-openai` sends to be transcribed: how long they are is read on the way, and they arrive as they
//! were.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::types::InputSource;
use async_openai::types::audio::{AudioInput, CreateTranscriptionRequest, CreateTranslationRequestArgs};
use paid::AsyncPaid;
use paid::ai::openai::PaidOpenAILayer;
use paid::tracing::{TracingOptions, generate_tracing_token};
use paid_sandbox::{Fault, ReceivedRequest, ReceivedSpan, Sandbox, Script, StatusCode};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(20);
const PATH: &str = "/v1/audio/transcriptions";
const SECONDS: &str = "gen_ai.audio.input_duration_seconds";

struct World {
    sandbox: Sandbox,
    client: AsyncPaid,
    openai: Client<OpenAIConfig>,
    /// The same client as it is without the layer.
    plain: Client<OpenAIConfig>,
}

async fn world() -> World {
    let key = format!("key_{}", generate_tracing_token());
    let sandbox = Sandbox::builder().api_key(key.as_str()).start().await.unwrap();
    let client = AsyncPaid::new(key).unwrap();
    let options = TracingOptions::new().collector_endpoint(sandbox.collector_endpoint());
    client.initialize_tracing_with(options).unwrap();
    let config = || OpenAIConfig::new().with_api_base(sandbox.openai_base()).with_api_key("provider_key");
    let (openai, plain) = (PaidOpenAILayer::new().client(config()), Client::with_config(config()));
    World { sandbox, client, openai, plain }
}

impl World {
    /// Runs a call in a scope of its own; the call's span, once it is there with the scope's.
    async fn call<F: Future>(&self, call: F) -> (F::Output, ReceivedSpan) {
        let before = self.sandbox.spans().len();
        let result = self.client.paid_tracing("acme").run_async(call).await;
        let spans = self.sandbox.wait_for_spans(before + 2, PATIENCE).await;
        let calls: Vec<_> =
            spans[before..].iter().filter(|span| span.name != "paid.trace.parent_span").collect();
        assert_eq!(calls.len(), 1, "{calls:#?}");
        (result, calls[0].clone())
    }

    /// What arrived at the provider.
    fn attempts(&self) -> Vec<ReceivedRequest> {
        self.sandbox.requests().into_iter().filter(|request| request.path().ends_with(PATH)).collect()
    }
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/audio").join(name)
}

fn from_path(name: &str) -> InputSource {
    InputSource::Path { path: path(name) }
}

fn from_bytes(name: &str) -> InputSource {
    InputSource::Bytes { filename: name.into(), bytes: std::fs::read(path(name)).unwrap().into() }
}

fn request(source: InputSource) -> CreateTranscriptionRequest {
    CreateTranscriptionRequest {
        file: AudioInput { source },
        model: "whisper-1".into(),
        ..CreateTranscriptionRequest::default()
    }
}

fn seconds(span: &ReceivedSpan) -> Option<f64> {
    span.attribute(SECONDS)?.as_f64()
}

fn assert_span(span: &ReceivedSpan, expected: f64) {
    assert_eq!(span.name, "paid.trace.openai.audio.transcriptions.create");
    assert_eq!((span.status.code, span.status.message.as_str()), (StatusCode::Ok, ""));
    let found = seconds(span).unwrap();
    assert!((found - expected).abs() < 0.001, "{found} is not {expected}");
    assert_eq!(span.text("gen_ai.request.model"), Some("whisper-1"));
    assert_eq!(span.text("gen_ai.operation.name"), Some("transcription"));
    assert_eq!(span.text("external_customer_id"), Some("acme"));
    assert_eq!(span.text("paid.usage.missing"), None);
}

/// A body with another line between its parts, which is another one each time.
fn body(request: &ReceivedRequest) -> Vec<u8> {
    let boundary = request.header("content-type").unwrap().split_once("boundary=").unwrap().1;
    let (mut body, mut from) = (Vec::new(), 0);
    for at in memchr::memmem::find_iter(request.body(), boundary) {
        body.extend_from_slice(&request.body()[from..at]);
        from = at + boundary.len();
    }
    body.extend_from_slice(&request.body()[from..]);
    body
}

#[tokio::test]
async fn recordings_are_measured_and_arrive_as_they_were() {
    let world = world().await;
    for (name, expected) in [
        ("pcm16.wav", 1.5),
        ("vbr_xing.mp3", 1.750_204),
        ("moov_last.m4a", 1.423_197),
        ("tone.flac", 1.3),
        ("vorbis.ogg", 1.6),
        ("opus.webm", 1.708),
    ] {
        for source in [from_path, from_bytes] {
            let (answer, span) = world
                .call(async { world.openai.audio().transcription().create(request(source(name))).await })
                .await;
            assert!(answer.unwrap().text.contains("recording"));
            assert_span(&span, expected);
            world.plain.audio().transcription().create(request(source(name))).await.unwrap();
            let attempts = world.attempts();
            let [.., hooked, bare] = &attempts[..] else { panic!("{}", attempts.len()) };
            assert!(body(hooked) == body(bare), "{name}");
            assert_eq!(hooked.header("content-length"), bare.header("content-length"));
            assert_eq!(hooked.header("transfer-encoding"), bare.header("transfer-encoding"));
        }
    }
}

#[tokio::test]
async fn an_upload_that_is_repeated_is_one_span_and_the_last_one_counts() {
    let world = world().await;
    for source in [from_path, from_bytes] {
        let before = world.attempts().len();
        world.sandbox.fail(Fault::on("POST", PATH).status(500).times(2));
        let audio = world.openai.audio();
        let (answer, span) =
            world.call(async { audio.transcription().create(request(source("cbr.mp3"))).await }).await;
        answer.unwrap();
        assert_span(&span, 1.227_755);
        let attempts = world.attempts();
        assert_eq!(attempts.len() - before, 3);
        assert!(attempts[before..].iter().all(|attempt| body(attempt) == body(&attempts[before])));
    }
}

#[tokio::test]
async fn refusals_are_recorded_once_and_passed_on() {
    let world = world().await;
    for status in [400, 401, 413] {
        world.sandbox.fail(Fault::on("POST", PATH).status(status));
        let audio = world.openai.audio();
        let (answer, span) =
            world.call(async { audio.transcription().create(request(from_path("cbr.mp3"))).await }).await;
        assert!(answer.is_err());
        assert_eq!((span.status.code, span.events.len(), seconds(&span)), (StatusCode::Error, 1, None));
        assert!(span.status.message.contains(&status.to_string()), "{}", span.status.message);
        assert_eq!(span.text("gen_ai.request.model"), Some("whisper-1"));
    }
}

#[tokio::test]
async fn other_shapes_of_the_call_are_measured_too() {
    let world = world().await;
    let call = || world.openai.audio();
    let (answer, span) =
        world.call(async { call().transcription().create_raw(request(from_bytes("opus.ogg"))).await }).await;
    assert!(!answer.unwrap().is_empty());
    assert_span(&span, 1.7);
    let (answer, span) = world
        .call(async { call().transcription().create_verbose_json(request(from_bytes("opus.ogg"))).await })
        .await;
    drop(answer);
    assert_span(&span, 1.7);
    let answer = json!({"text": "Hello."});
    world.sandbox.fail(Fault::on("POST", "/v1/audio/translations").status(200).body_json(answer));
    let file = AudioInput { source: from_path("opus.ogg") };
    let request = CreateTranslationRequestArgs::default().file(file).model("whisper-1").build().unwrap();
    let (answer, span) = world.call(async { call().translation().create(request).await }).await;
    assert_eq!(answer.unwrap().text, "Hello.");
    assert_eq!(span.name, "paid.trace.openai.audio.translations.create");
    assert_eq!((seconds(&span), span.text("gen_ai.request.model")), (Some(1.7), Some("whisper-1")));
}

#[tokio::test]
async fn what_can_not_be_read_is_said_to_be_missing() {
    let world = world().await;
    world.sandbox.provider_script(Script::on(PATH).without_usage());
    let source = InputSource::VecU8 { filename: "a.mp3".into(), vec: b"no recording".to_vec() };
    let audio = world.openai.audio();
    let (answer, span) = world.call(async { audio.transcription().create_raw(request(source)).await }).await;
    answer.unwrap();
    assert_eq!((span.status.code, seconds(&span)), (StatusCode::Ok, None));
    assert_eq!(span.text("paid.usage.missing"), Some("the answer tells none"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_at_once_are_each_counted_for_their_customer() {
    const UPLOADS: usize = 200;
    let world = Arc::new(world().await);
    let uploads = (0..UPLOADS).map(|number| {
        let world = world.clone();
        tokio::spawn(async move {
            let mut file = std::fs::read(path("piped.wav")).unwrap();
            file.resize(78 + 1600 * (number + 1), 0);
            let request = request(InputSource::VecU8 { filename: "a.wav".into(), vec: file });
            let call = async { world.openai.audio().transcription().create(request).await.unwrap() };
            world.client.paid_tracing(format!("customer_{number}")).run_async(call).await
        })
    });
    for upload in uploads.collect::<Vec<_>>() {
        upload.await.unwrap();
    }
    let spans = world.sandbox.wait_for_spans(2 * UPLOADS, PATIENCE).await;
    let calls = spans.iter().filter(|span| span.name == "paid.trace.openai.audio.transcriptions.create");
    let counted: BTreeMap<_, _> = calls
        .map(|span| (span.text("external_customer_id").unwrap().to_string(), seconds(span).unwrap()))
        .collect();
    assert_eq!((spans.len(), counted.len()), (2 * UPLOADS, UPLOADS));
    for number in 0..UPLOADS {
        let found = counted[&format!("customer_{number}")];
        assert!((found - (number + 1) as f64 / 10.0).abs() < 1e-6, "{number}: {found}");
    }
}
