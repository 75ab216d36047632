//! Streams: asked for their usage, cut, and dropped.

use std::time::Duration;

use paid_sandbox::{Fault, Script, StatusCode};
use serde_json::json;

use super::{CHAT, MODEL, text, world};
use crate::support::PROMPT;
use crate::support::spans::{assert_failed, assert_failed_as, count};

#[tokio::test]
async fn a_chat_stream_is_asked_for_its_usage_and_the_caller_sees_nothing_of_it() {
    let world = world().await;
    let plain = reqwest::Client::new();
    for pieces in [vec![usize::MAX], vec![1], vec![7, 100, 3]] {
        let script = || Script::on(CHAT).chunks(50).pieces(pieces.clone());
        world.sandbox.provider_script(script());
        let (seen, span) = world.traced_call(text(world.chat(true))).await;
        assert_eq!((span.status.code, count(&span, "input_tokens")), (StatusCode::Ok, Some(3)));
        assert!(seen.ends_with("data: [DONE]\n\n"), "{seen}");
        // As the provider sends it to who does not ask, but for a null that everyone who asks gets.
        world.sandbox.provider_script(script());
        let request = world.chat(true).build().unwrap();
        let bare = plain.execute(request).await.unwrap().text().await.unwrap();
        let ids = |text: &str| text.matches("chatcmpl-").count();
        assert_eq!(seen.replace(",\"usage\":null", "").len(), bare.len());
        assert_eq!(ids(&seen), ids(&bare));
    }
}

#[tokio::test]
async fn a_chat_stream_that_breaks_amid_an_event_is_passed_on_to_its_last_byte() {
    async fn read(mut answer: reqwest::Response) -> String {
        let mut bytes = Vec::new();
        while let Ok(piece) = answer.chunk().await {
            bytes.extend_from_slice(&piece.expect("it is cut off"));
        }
        String::from_utf8(bytes).unwrap()
    }
    let world = world().await;
    for end in ["{\"choices\":[{\"del", "{\"choices\":[],\"usage\":{\"prompt", "{\"cho", ""] {
        let sent = format!("data: {{\"choices\":[{{}}]}}\n\ndata: {end}");
        let fault = Fault::on("POST", CHAT).body(sent.repeat(2), "text/event-stream");
        world.sandbox.fail(fault.cut_midway().times(2));
        let (seen, span) =
            world.traced_call(async { read(world.chat(true).send().await.unwrap()).await }).await;
        let bare = reqwest::Client::new().execute(world.chat(true).build().unwrap()).await.unwrap();
        assert_eq!((seen.as_str(), read(bare).await.as_str()), (sent.as_str(), sent.as_str()));
        assert_failed_as(&span, "Error: ");
    }
}

#[tokio::test]
async fn who_asks_for_the_usage_gets_it_byte_for_byte() {
    let world = world().await;
    let url = format!("{}/chat/completions", world.sandbox.openai_base());
    let body = json!({"model": MODEL, "stream": true, "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": PROMPT}]});
    let (seen, _) = world.traced_call(text(world.post(&url, &body))).await;
    assert!(seen.contains("\"choices\":[]"), "{seen}");
}

#[tokio::test]
async fn a_stream_that_is_dropped_early_is_an_error() {
    let world = world().await;
    world.sandbox.provider_script(Script::on(CHAT).chunks(100).chunk_delay(Duration::from_millis(1)));
    let (_, span) = world
        .traced_call(async {
            let mut answer = world.chat(true).send().await.unwrap();
            assert!(answer.chunk().await.unwrap().is_some());
        })
        .await;
    assert_failed(&span, "StreamDropped: the stream was dropped before its end");
}
