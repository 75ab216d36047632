//! What is counted where the recording, the answer or the call is another one.

use paid::ai::audio_seconds;
use serde_json::json;

use super::*;

#[tokio::test]
async fn what_can_not_be_read_is_told_by_the_answer_or_said_to_be_missing() {
    let world = world().await;
    let form = |model: &'static str, file: Vec<u8>| {
        Form::new().text("model", model).part("file", Part::bytes(file).file_name("a.mp3"))
    };
    let text = b"not a recording at all".to_vec();
    world.sandbox.provider_script(Script::on(PATH).without_usage());
    let span = world.transcribe(form("gpt-4o-transcribe", text.clone())).await;
    assert_ok(&span);
    assert_eq!((seconds(&span), span.text("gen_ai.request.model")), (None, Some("gpt-4o-transcribe")));
    assert_eq!(span.text(MISSING), Some("the answer tells none"));
    // Nothing is missing where the answer tells it.
    world.sandbox.provider_script(Script::on(PATH).audio_seconds(7.2));
    let span = world.transcribe(form("whisper-1", text.clone())).await;
    assert_eq!((seconds(&span), span.text(MISSING)), (Some(8.0), None));
    world.sandbox.provider_script(Script::on(PATH).input_tokens(140).output_tokens(8));
    let span = world.transcribe(form("gpt-4o-transcribe", text)).await;
    assert_eq!((seconds(&span), span.text(MISSING)), (None, None));
    assert_eq!(int(&span, "gen_ai.usage.input_tokens"), Some(140));
    // Where both tell it, the file is exact.
    world.sandbox.provider_script(Script::on(PATH).audio_seconds(7.2));
    let span = world.transcribe(form("whisper-1", sample("opus.ogg"))).await;
    assert_eq!(seconds(&span), Some(1.7));
}

#[tokio::test]
async fn images_that_are_edited_are_counted_by_what_the_form_asks_for() {
    let world = world().await;
    world
        .sandbox
        .fail(Fault::on("POST", "/v1/images/edits").status(200).body_json(json!({"data": [{}, {}]})));
    let form = Form::new()
        .part("image[]", part("tone.flac"))
        .text("model", "gpt-image-1")
        .text("n", "2")
        .text("size", "1024x1024")
        .text("quality", "high");
    let url = format!("{}/images/edits", world.sandbox.openai_base());
    let request = reqwest::Client::new().post(url).multipart(form).build().unwrap();
    let (_, span) =
        world.traced_call(async { world.http.execute(request).await.unwrap().text().await.unwrap() }).await;
    assert_eq!((span.name.as_str(), span.status.code), ("paid.trace.openai.images.edit", StatusCode::Ok));
    assert_eq!(span.text("gen_ai.request.model"), Some("gpt-image-1"));
    assert_eq!(int(&span, "gen_ai.image.count"), Some(2));
    assert_eq!(span.text("gen_ai.image.size"), Some("1024x1024"));
    assert_eq!(span.text("gen_ai.image.quality"), Some("high"));
}

#[tokio::test]
async fn a_stream_is_known_to_be_one_by_its_form() {
    let world = world().await;
    let delta = "data: {\"type\":\"transcript.text.delta\",\"delta\":\"Hello\"}\n\n";
    let done =
        "data: {\"type\":\"transcript.text.done\",\"usage\":{\"type\":\"tokens\",\"input_tokens\":14}}\n\n";
    let events = format!("{delta}{done}");
    for is_read in [true, false] {
        world.sandbox.fail(Fault::on("POST", PATH).status(200).body(events.clone(), "text/event-stream"));
        let request = world.request(form(part("opus.ogg")).text("stream", "true"));
        let call = async {
            let answer = world.http.execute(request).await.unwrap();
            if is_read {
                assert_eq!(answer.text().await.unwrap(), events);
            }
        };
        let (_, span) = world.traced_call(call).await;
        assert_eq!(seconds(&span), Some(1.7));
        assert_eq!(span.status.code == StatusCode::Ok, is_read, "{:?}", span.status);
    }
}

#[tokio::test]
async fn a_call_by_hand_knows_its_recording() {
    let world = world().await;
    let file = sample("moov_last.m4a");
    let mut body = b"--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.m4a\"\r\n\r\n".to_vec();
    body.extend(&file);
    body.extend(b"\r\n--b--\r\n");
    let answer = |mut call: paid::ai::WatchedCall| {
        call.answered(http::StatusCode::OK, &http::HeaderMap::new()).feed(r#"{"text":"..."}"#);
        call.end();
    };
    let url = "https://api.openai.com/v1/audio/transcriptions";
    let (_, span) = world.traced_call(async { answer(paid::ai::watch("POST", url, &body)) }).await;
    assert_measured(&span, 1.423_197);
    let (_, span) = world
        .traced_call(async {
            let mut call = paid::ai::watch("POST", url, "");
            call.attribute("gen_ai.request.model", "whisper-1");
            call.audio_seconds(audio_seconds(&file).unwrap());
            answer(call);
        })
        .await;
    assert_measured(&span, 1.423_197);
}
