//! Scripts and faults on the providers' routes.

use std::time::{Duration, Instant};

use paid_sandbox::{Fault, Script};
use serde_json::{Value, json};

use super::{Lab, chunks, lab, parsed, sse};

const CHAT: &str = "/chat/completions";

fn ask(stream: bool) -> Value {
    json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "hello"}]})
}

fn message() -> Value {
    json!({"model": "m", "stream": true, "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]})
}

async fn chat(lab: &Lab, stream: bool) -> String {
    lab.text(lab.sandbox.openai_base(), CHAT, &ask(stream)).await
}

#[tokio::test]
async fn scripts_apply_in_order_and_run_out() {
    let lab = lab().await;
    lab.sandbox.provider_script(Script::on("/providers/mistral/v1/chat/completions").text("other"));
    lab.sandbox.provider_script(Script::on("/v1/chat/completions").times(2).text("two"));
    lab.sandbox.provider_script(Script::on("*").forever().text("rest"));
    let mut said = Vec::new();
    for _ in 0..4 {
        let answer = parsed(&chat(&lab, false).await);
        said.push(answer["choices"][0]["message"]["content"].clone());
    }
    assert_eq!(said, ["two", "two", "rest", "rest"]);
    assert_eq!(lab.sandbox.pending_provider_scripts(), 2);
    lab.sandbox.reset();
    assert_eq!(lab.sandbox.pending_provider_scripts(), 0);
}

#[tokio::test]
async fn counts_and_models_can_be_given_or_withheld() {
    let lab = lab().await;
    let counted = Script::on("*").model("m-2025").input_tokens(1_000).cached_tokens(900).output_tokens(50);
    lab.sandbox.provider_script(counted.reasoning_tokens(40).cache_creation_tokens(30));
    let answer = parsed(&chat(&lab, false).await);
    assert_eq!(answer["model"], "m-2025");
    let usage = &answer["usage"];
    assert_eq!(
        [&usage["prompt_tokens"], &usage["completion_tokens"], &usage["total_tokens"]],
        [1000, 50, 1050]
    );
    let cache = json!({"cached_tokens": 900, "cache_write_tokens": 30, "audio_tokens": 0});
    assert_eq!(usage["prompt_tokens_details"], cache);
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 40);
    lab.sandbox.provider_script(Script::on("*").without_usage());
    assert!(parsed(&chat(&lab, false).await).get("usage").is_none());
}

#[tokio::test]
async fn long_streams_come_in_awkward_pieces() {
    let lab = lab().await;
    let script = || Script::on("*").chunks(2_000).text("one two ");
    lab.sandbox.provider_script(script());
    let usual = chat(&lab, true).await;
    // One chunk with the role, 2,000 with text, one with the reason.
    assert_eq!(chunks(&usual, true).len(), 2_002);

    lab.sandbox.provider_script(script().pieces([3, 1, 50]));
    let mut response = lab.send(lab.sandbox.openai_base(), CHAT, &ask(true)).await;
    let (mut sizes, mut whole) = (Vec::new(), Vec::new());
    while let Some(piece) = response.chunk().await.expect("a piece") {
        sizes.push(piece.len());
        whole.extend(piece);
    }
    assert_eq!(sizes[..6], [3, 1, 50, 3, 1, 50]);
    let renumbered = usual.replace("sandbox00000001", "sandbox00000002");
    assert_eq!(String::from_utf8(whole).expect("text"), renumbered);
}

#[tokio::test]
async fn chunks_can_be_slow() {
    let lab = lab().await;
    lab.sandbox.provider_script(Script::on("*").chunks(4).chunk_delay(Duration::from_millis(30)));
    let begun = Instant::now();
    let mut response = lab.send(lab.sandbox.openai_base(), CHAT, &ask(true)).await;
    response.chunk().await.expect("a piece").expect("the first");
    let first = begun.elapsed();
    while response.chunk().await.expect("a piece").is_some() {}
    // Seven events, six pauses.
    assert!(begun.elapsed() >= Duration::from_millis(180) && begun.elapsed() > first);
}

#[tokio::test]
async fn a_stream_can_break_off_or_end_early() {
    let lab = lab().await;
    lab.sandbox.provider_script(Script::on("*").cut_after(2));
    let mut response = lab.send(lab.sandbox.openai_base(), CHAT, &ask(true)).await;
    let mut came = Vec::new();
    let error = loop {
        match response.chunk().await {
            Ok(piece) => came.extend(piece.expect("no end")),
            Err(error) => break error,
        }
    };
    assert!(!error.is_timeout(), "{error}");
    assert_eq!(chunks(&String::from_utf8(came).expect("text"), false).len(), 2);

    lab.sandbox.provider_script(Script::on("*").end_after(2));
    assert_eq!(chunks(&chat(&lab, true).await, false).len(), 2);
}

#[tokio::test]
async fn json_can_be_malformed() {
    let lab = lab().await;
    lab.sandbox.provider_script(Script::on("*").times(2).malformed_at(1));
    let events = sse(&chat(&lab, true).await);
    let broken: Vec<_> =
        events.iter().map(|(_, data)| serde_json::from_str::<Value>(data).is_err()).collect();
    assert_eq!(broken[..3], [false, true, false]);
    serde_json::from_str::<Value>(&chat(&lab, false).await).expect_err("half a body");
}

#[tokio::test]
async fn a_stream_can_fail_in_the_providers_words() {
    let lab = lab().await;
    lab.sandbox.provider_script(Script::on("*").times(3).error_after(1, 529));
    let events = sse(&lab.text(lab.sandbox.anthropic_base(), "/v1/messages", &message()).await);
    assert_eq!((events.len(), events[1].0.as_str()), (2, "error"));
    assert_eq!(parsed(&events[1].1)["error"]["type"], "overloaded_error");
    let events = chunks(&chat(&lab, true).await, false);
    assert_eq!(events[1]["error"]["type"], "server_error");
    let body = json!({"contents": [{"parts": [{"text": "hello"}]}]});
    let list = lab.text(lab.sandbox.gemini_base(), "models/m:streamGenerateContent", &body).await;
    assert_eq!(parsed(&list)[1]["error"]["status"], "INTERNAL");
}

#[tokio::test]
async fn thinking_and_tool_calls_can_be_given() {
    let lab = lab().await;
    let script =
        Script::on("/v1/messages").thinking("Hm.").text("Wait.").tool_call("now", json!({"zone": "CET"}));
    lab.sandbox.provider_script(script);
    let mut body = message();
    body["stream"] = json!(false);
    let (_, answer) = lab.json(lab.sandbox.anthropic_base(), "/v1/messages", &body).await;
    let kinds: Vec<_> =
        answer["content"].as_array().expect("blocks").iter().map(|block| &block["type"]).collect();
    assert_eq!(kinds, ["thinking", "text", "tool_use"]);
    assert_eq!(answer["content"][2]["input"], json!({"zone": "CET"}));
}

#[tokio::test]
async fn faults_answer_in_the_providers_words() {
    let lab = lab().await;
    let fault = |path: &str, status: u16| lab.sandbox.fail(Fault::on("POST", path).status(status));
    lab.sandbox.fail(Fault::on("POST", "/v1/chat/completions").status(429).header("retry-after", "2"));
    // A script waits until the faults are over.
    lab.sandbox.provider_script(Script::on("*").text("at last"));
    let response = lab.send(lab.sandbox.openai_base(), CHAT, &ask(false)).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &"2".parse().unwrap())
    );
    let error: Value = response.json().await.expect("JSON");
    assert_eq!(error["error"]["code"], "rate_limit_exceeded");

    fault("/v1/chat/completions", 500);
    let (status, error) = lab.json(lab.sandbox.mistral_base(), CHAT, &ask(false)).await;
    assert_eq!((status, &error["object"]), (500, &json!("error")));
    fault("/v1/messages", 529);
    let (status, error) = lab.json(lab.sandbox.anthropic_base(), "/v1/messages", &message()).await;
    assert_eq!((status, &error["error"]["type"]), (529, &json!("overloaded_error")));
    fault("/v1beta/models/{model}:generateContent", 503);
    let (status, error) = lab.json(lab.sandbox.gemini_base(), "models/m:generateContent", &json!({})).await;
    assert_eq!((status, &error["error"]["status"]), (503, &json!("UNAVAILABLE")));
    fault("/openai/deployments/{d}/embeddings", 401);
    let azure = "/openai/deployments/d/embeddings?api-version=1";
    let (status, error) = lab.json(lab.sandbox.azure_base(), azure, &json!({})).await;
    assert_eq!((status, &error["error"]["code"]), (401, &json!("401")));
    fault("/model/{id}/converse", 429);
    let response = lab.send(lab.sandbox.bedrock_base(), "/model/m/converse", &json!({})).await;
    assert_eq!(response.headers()["x-amzn-errortype"], "ThrottlingException");

    let answer = parsed(&chat(&lab, false).await);
    assert_eq!(answer["choices"][0]["message"]["content"], "at last");
    assert_eq!(lab.sandbox.requests().len(), 7);
}

#[tokio::test]
async fn a_whole_answer_can_be_cut_in_half() {
    let lab = lab().await;
    lab.sandbox.fail(Fault::on("POST", "/v1/messages").after_processing().cut_midway());
    let response = lab.send(lab.sandbox.anthropic_base(), "/v1/messages", &message()).await;
    assert_eq!(response.status(), 200);
    response.bytes().await.expect_err("half a body");
}
