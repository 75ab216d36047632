//! Recordings that `async-openai` sends to be transcribed: how long they are is read on the way, and they arrive as they
//! were.

use crate::support::KEY;
use crate::support::audio::{
    PATH, assert_each_is_longer_by_a_tenth, assert_measured, path, seconds, tenths, without_boundary,
};
use crate::support::crowd::crowd;
use crate::support::spans::{assert_failed_as, assert_ok};
use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::types::InputSource;
use async_openai::types::audio::{AudioInput, CreateTranscriptionRequest, CreateTranslationRequestArgs};
use paid::ai::openai::PaidOpenAILayer;
use paid_sandbox::{Fault, Script};
use serde_json::json;

type World = crate::support::world::World<Clients>;

struct Clients {
    openai: Client<OpenAIConfig>,
    /// The same client as it is without the layer.
    plain: Client<OpenAIConfig>,
}

async fn world() -> World {
    World::start(|sandbox| {
        let config = || OpenAIConfig::new().with_api_base(sandbox.openai_base()).with_api_key(KEY);
        Clients { openai: PaidOpenAILayer::new().client(config()), plain: Client::with_config(config()) }
    })
    .await
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
                .traced_call(async {
                    world.openai.audio().transcription().create(request(source(name))).await
                })
                .await;
            assert!(answer.unwrap().text.contains("recording"));
            assert_measured(&span, expected);
            world.plain.audio().transcription().create(request(source(name))).await.unwrap();
            let attempts = world.received();
            let [.., hooked, bare] = &attempts[..] else { panic!("{}", attempts.len()) };
            assert!(without_boundary(hooked) == without_boundary(bare), "{name}");
            assert_eq!(hooked.header("content-length"), bare.header("content-length"));
            assert_eq!(hooked.header("transfer-encoding"), bare.header("transfer-encoding"));
        }
    }
}

#[tokio::test]
async fn an_upload_that_is_repeated_is_one_span_and_the_last_one_counts() {
    let world = world().await;
    for source in [from_path, from_bytes] {
        let before = world.received().len();
        world.sandbox.fail(Fault::on("POST", PATH).status(500).times(2));
        let audio = world.openai.audio();
        let (answer, span) =
            world.traced_call(async { audio.transcription().create(request(source("cbr.mp3"))).await }).await;
        answer.unwrap();
        assert_measured(&span, 1.227_755);
        let attempts = world.received();
        assert_eq!(attempts.len() - before, 3);
        let sent: Vec<_> = attempts[before..].iter().map(without_boundary).collect();
        assert!(sent.iter().all(|body| *body == sent[0]));
    }
}

#[tokio::test]
async fn refusals_are_recorded_once_and_passed_on() {
    let world = world().await;
    for status in [400, 401, 413] {
        world.sandbox.fail(Fault::on("POST", PATH).status(status));
        let audio = world.openai.audio();
        let (answer, span) = world
            .traced_call(async { audio.transcription().create(request(from_path("cbr.mp3"))).await })
            .await;
        assert!(answer.is_err());
        assert_failed_as(&span, &format!("ApiError: {status} "));
        assert_eq!(seconds(&span), None);
        assert_eq!(span.text("gen_ai.request.model"), Some("whisper-1"));
    }
}

#[tokio::test]
async fn other_shapes_of_the_call_are_measured_too() {
    let world = world().await;
    let call = || world.openai.audio();
    let (answer, span) = world
        .traced_call(async { call().transcription().create_raw(request(from_bytes("opus.ogg"))).await })
        .await;
    assert!(!answer.unwrap().is_empty());
    assert_measured(&span, 1.7);
    let (answer, span) = world
        .traced_call(async {
            call().transcription().create_verbose_json(request(from_bytes("opus.ogg"))).await
        })
        .await;
    drop(answer);
    assert_measured(&span, 1.7);
    let answer = json!({"text": "Hello."});
    world.sandbox.fail(Fault::on("POST", "/v1/audio/translations").status(200).body_json(answer));
    let file = AudioInput { source: from_path("opus.ogg") };
    let request = CreateTranslationRequestArgs::default().file(file).model("whisper-1").build().unwrap();
    let (answer, span) = world.traced_call(async { call().translation().create(request).await }).await;
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
    let (answer, span) =
        world.traced_call(async { audio.transcription().create_raw(request(source)).await }).await;
    answer.unwrap();
    assert_ok(&span);
    assert_eq!(seconds(&span), None);
    assert_eq!(span.text("paid.usage.missing"), Some("the answer tells none"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_at_once_are_each_counted_for_their_customer() {
    let calls = crowd(world().await, 200, |caller| async move {
        let file = InputSource::VecU8 { filename: "a.wav".into(), vec: tenths(caller.number + 1) };
        let audio = caller.world.openai.audio();
        caller.scope.run_async(audio.transcription().create(request(file))).await.unwrap();
    });
    assert_each_is_longer_by_a_tenth(&calls.await);
}
