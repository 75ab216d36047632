//! Answers tell their usage, however they are cut.

use super::bodies::{self, JSON, SSE, streams};
use super::{Answer, Told};

fn ok(attributes: &[&str]) -> Told {
    Told { attributes: attributes.iter().map(ToString::to_string).collect(), status: "Ok".into() }
}

#[test]
fn streams_tell_the_same_however_they_are_cut() {
    for (answer, expected) in streams() {
        let expected = ok(&expected);
        let body = &answer.body;
        assert_eq!(answer.told(), expected, "{}", answer.url);
        // Long bodies are cut less often.
        for first in (0..=body.len()).step_by(1 + body.len() / 4000) {
            let (one, rest) = body.split_at(first);
            let (two, three) = rest.split_at(rest.len().min(3));
            assert_eq!(answer.fed([one, two, three]).0, expected, "{} at {first}", answer.url);
        }
        for size in [1, 2, 7, 1000] {
            assert_eq!(answer.fed(body.chunks(size)).0, expected, "{} by {size}", answer.url);
        }
    }
}

#[test]
fn a_stream_ends_with_its_last_usage_and_not_with_its_body() {
    let ends_early = |answer: &Answer, after: &str| {
        let (_, pieces) = answer.fed(answer.body.chunks(1));
        let at = answer.body.windows(after.len()).position(|part| part == after.as_bytes()).unwrap();
        assert_eq!(pieces, at, "{}", answer.url);
    };
    ends_early(&bodies::chat_stream(), "data: [DONE]");
    for answer in [bodies::responses_stream(), bodies::converse_stream(), bodies::invoke_anthropic_stream()] {
        assert_eq!(answer.fed(answer.body.chunks(1)).1, answer.body.len());
    }
}

#[test]
fn a_stream_that_is_dropped_before_its_usage_failed_and_after_it_succeeded() {
    for (answer, expected) in streams() {
        let length = answer.body.len();
        let mut succeeded = false;
        for bytes in (0..=length).rev().take(3000).collect::<Vec<_>>().into_iter().rev() {
            let told = answer.dropped_after(bytes);
            if told.status == "Ok" {
                succeeded = true;
                assert_eq!(told, ok(&expected), "{} after {bytes}", answer.url);
            } else {
                assert_eq!(told.status, "StreamDropped: the stream was dropped before its end");
                assert!(!succeeded, "{} after {bytes}", answer.url);
            }
        }
        assert!(succeeded, "{}", answer.url);
        let told = answer.dropped_after(0);
        assert!(told.attributes.is_empty(), "{}: {told:?}", answer.url);
    }
    let started = bodies::anthropic_stream();
    let at = started.body.windows(4).position(|part| part == b"ping").unwrap();
    let known = started.dropped_after(at).attributes;
    assert!(known.contains(&"input_tokens=25".into()), "what is known is told: {known:?}");
}

#[test]
fn unary_answers_tell_their_usage() {
    let bedrock = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/invoke";
    for (url, body, expected) in [
        (
            "https://api.openai.com/v1/chat/completions",
            r#"{"id":"c","model":"gpt-4o-2024-08-06","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],
            "usage":{"prompt_tokens":100,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":0},
            "completion_tokens_details":{"reasoning_tokens":0}}}"#,
            &[
                "input_tokens=100",
                "output_tokens=20",
                "cached_input_tokens=0",
                "reasoning_output_tokens=0",
                "response.model=gpt-4o-2024-08-06",
            ][..],
        ),
        (
            "https://api.openai.com/v1/responses",
            r#"{"id":"r","status":"completed","error":null,"model":"o3","usage":{"input_tokens":1,"output_tokens":2,
            "input_tokens_details":{"cached_tokens":3},"output_tokens_details":{"reasoning_tokens":4}}}"#,
            &[
                "input_tokens=1",
                "output_tokens=2",
                "cached_input_tokens=3",
                "reasoning_output_tokens=4",
                "response.model=o3",
            ],
        ),
        (
            "https://api.openai.com/v1/embeddings",
            r#"{"object":"list","data":[{"embedding":[0.1,-2e-3]}],"model":"text-embedding-3-small",
            "usage":{"prompt_tokens":8,"total_tokens":8}}"#,
            &["input_tokens=8", "response.model=text-embedding-3-small"],
        ),
        (
            "https://api.openai.com/v1/images/generations",
            r#"{"created":1,"data":[{"url":"https://x"}],"usage":{"input_tokens":1,"output_tokens":1056}}"#,
            &["image.count=1", "image.size=", "image.quality="],
        ),
        (
            "https://api.openai.com/v1/audio/transcriptions",
            r#"{"text":"hi","usage":{"type":"duration","seconds":3},"duration":2.25}"#,
            &["audio.input_duration_seconds=2.25"],
        ),
        (
            "https://api.openai.com/v1/audio/transcriptions",
            r#"{"text":"hi","usage":{"type":"tokens","input_tokens":14,"output_tokens":45,"total_tokens":59}}"#,
            &["input_tokens=14", "output_tokens=45"],
        ),
        (
            "https://api.anthropic.com/v1/messages",
            r#"{"type":"message","model":"claude-x","usage":{"input_tokens":3,"output_tokens":4,
            "cache_creation_input_tokens":0,"cache_read_input_tokens":0}}"#,
            &["input_tokens=3", "output_tokens=4", "response.model=claude-x"],
        ),
        (
            "https://generativelanguage.googleapis.com/v1beta/models/g:generateContent",
            r#"{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":4,
            "candidatesTokenCount":5,"thoughtsTokenCount":6},"modelVersion":"gemini-2.5-pro"}"#,
            &[
                "input_tokens=4",
                "output_tokens=5",
                "reasoning_output_tokens=6",
                "response.model=gemini-2.5-pro",
            ],
        ),
        (
            bodies::INTERACTIONS_URL,
            r#"{"id":"v1_a","object":"interaction","model":"gemini-3-flash-preview","status":"completed",
            "steps":[{"type":"model_output","content":[{"type":"text","text":"hi"}]}],"usage":{"total_tokens":11,
            "total_input_tokens":4,"total_output_tokens":5,"total_cached_tokens":1,"total_thought_tokens":2}}"#,
            &[
                "input_tokens=4",
                "output_tokens=5",
                "cached_input_tokens=1",
                "reasoning_output_tokens=2",
                "response.model=gemini-3-flash-preview",
            ],
        ),
        (
            "https://api.mistral.ai/v1/chat/completions",
            r#"{"model":"mistral-small-latest","usage":{"prompt_tokens":5,"completion_tokens":6,"total_tokens":11}}"#,
            &["input_tokens=5", "output_tokens=6", "response.model=mistral-small-latest"],
        ),
        (
            "https://api.mistral.ai/v1/ocr",
            r##"{"pages":[{"index":0,"markdown":"# a"}],"model":"mistral-ocr-2505","usage_info":{"pages_processed":2,"doc_size_bytes":9}}"##,
            &["ocr.pages_processed=2", "response.model=mistral-ocr-2505"],
        ),
        (
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse",
            r#"{"output":{"message":{"content":[{"text":"hi"}]}},"stopReason":"end_turn",
            "usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3,"cacheReadInputTokens":0,"cacheWriteInputTokens":4}}"#,
            &["input_tokens=1", "output_tokens=2", "cache_creation_input_tokens=4"],
        ),
        (
            bedrock,
            r#"{"usage":{"input_tokens":1,"output_tokens":2}}"#,
            &["input_tokens=1", "output_tokens=2"],
        ),
        (
            bedrock,
            r#"{"inputTextTokenCount":5,"results":[{"tokenCount":6,"outputText":"a"},{"tokenCount":1}]}"#,
            &["input_tokens=5", "output_tokens=7"],
        ),
        (
            bedrock,
            r#"{"generation":"a","prompt_token_count":5,"generation_token_count":6,"stop_reason":"stop"}"#,
            &["input_tokens=5", "output_tokens=6"],
        ),
        (
            bedrock,
            r#"{"output":{},"usage":{"inputTokens":5,"outputTokens":6,"cacheReadInputTokenCount":1}}"#,
            &["input_tokens=5", "output_tokens=6", "cached_input_tokens=1"],
        ),
        (bedrock, r#"{"embedding":[1.0],"inputTextTokenCount":5}"#, &["input_tokens=5"]),
    ] {
        let answer = Answer::new(url, "{}", JSON, body);
        assert_eq!(answer.told(), ok(expected), "{url}");
        for first in 0..body.len() {
            let (one, two) = body.as_bytes().split_at(first);
            assert_eq!(answer.fed([one, two]).0, ok(expected), "{url}");
        }
        let sniffed = Answer::new(url, "{}", "", body);
        assert_eq!(sniffed.told(), ok(expected), "{url}");
    }
}

#[test]
fn what_bedrock_tells_in_headers_counts_where_the_body_tells_nothing() {
    let url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/cohere.command/invoke";
    let answer = |body: &str| {
        Answer::new(url, "{}", JSON, body)
            .header("x-amzn-bedrock-input-token-count", "7")
            .header("x-amzn-bedrock-output-token-count", "8")
    };
    let expected = ok(&["input_tokens=7", "output_tokens=8"]);
    assert_eq!(answer(r#"{"text":"hi"}"#).told(), expected);
    assert_eq!(answer("no JSON").told(), expected);
    assert_eq!(answer(r#"{"text":"hi"}"#).dropped_after(3), expected);
    let own = answer(r#"{"usage":{"input_tokens":1}}"#).told();
    assert_eq!(own, ok(&["input_tokens=1", "output_tokens=8"]));
}

#[test]
fn models_on_bedrock_stream_their_usage_in_their_own_words() {
    for (chunks, expected) in [
        (
            vec![
                r#"{"outputText":"a","index":0,"totalOutputTextTokenCount":null,"completionReason":null,"inputTextTokenCount":4}"#,
                r#"{"outputText":"b","totalOutputTextTokenCount":9,"completionReason":"FINISH","amazon-bedrock-invocationMetrics":{"inputTokenCount":4,"outputTokenCount":9}}"#,
            ],
            ["input_tokens=4", "output_tokens=9"],
        ),
        (
            vec![
                r#"{"generation":"a","prompt_token_count":4,"generation_token_count":1,"stop_reason":null}"#,
                r#"{"generation":"","prompt_token_count":null,"generation_token_count":9,"stop_reason":"stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":4,"outputTokenCount":9}}"#,
            ],
            ["input_tokens=4", "output_tokens=9"],
        ),
        (
            vec![
                r#"{"outputs":[{"text":"a"}]}"#,
                r#"{"amazon-bedrock-invocationMetrics":{"inputTokenCount":4,"outputTokenCount":9}}"#,
            ],
            ["input_tokens=4", "output_tokens=9"],
        ),
        (
            vec![
                r#"{"contentBlockDelta":{}}"#,
                r#"{"metadata":{"usage":{"inputTokens":4,"outputTokens":9}},"amazon-bedrock-invocationMetrics":{"inputTokenCount":4}}"#,
            ],
            ["input_tokens=4", "output_tokens=9"],
        ),
    ] {
        assert_eq!(bodies::invoke(&chunks).told(), ok(&expected), "{chunks:?}");
    }
}

#[test]
fn services_that_tell_usage_with_every_part_are_read_to_the_end() {
    let part = |rest: &str| format!("data: {{\"model\":\"m\",{rest}}}\n\n");
    let body = [
        part(
            r#""choices":[{"delta":{"content":"a"},"finish_reason":null}],"usage":{"prompt_tokens":3,"completion_tokens":1}"#,
        ),
        part(
            r#""choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}"#,
        ),
        part(
            r#""choices":[{"index":1,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}"#,
        ),
        "data: [DONE]\n\n".into(),
    ];
    let url = "https://api.groq.com/openai/v1/chat/completions";
    let answer = Answer::new(url, r#"{"stream":true}"#, SSE, body.concat());
    let expected = ok(&["input_tokens=3", "output_tokens=4", "response.model=m"]);
    assert_eq!(answer.told(), expected);
    assert_eq!(answer.dropped_after(answer.body.len() - 14), expected);
    assert!(answer.dropped_after(body[0].len()).status.starts_with("StreamDropped"));
    // A count of nothing yet comes alone, as the last one does.
    let part = |rest: &str| format!("data: {{\"model\":\"m\",{rest}}}\n\n");
    let body = [
        part(r#""choices":[],"usage":{"prompt_tokens":3,"completion_tokens":0}"#),
        part(r#""choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]"#),
        part(r#""choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}"#),
    ];
    let answer = Answer::new(url, r#"{"stream":true}"#, SSE, body.concat());
    assert_eq!(answer.told(), expected);
    assert_eq!(answer.fed(answer.body.chunks(1)), (expected, answer.body.len()));
    // Older models of Gemini say with every part that they stop.
    let part = |count: usize| {
        format!(
            "data: {{\"candidates\":[{{\"finishReason\":\"STOP\"}}],\"usageMetadata\":{{\"candidatesTokenCount\":{count}}}}}\n\n"
        )
    };
    let body = (1..=3).map(part).collect::<String>();
    let gemini = Answer { body: body.into(), ..bodies::gemini_stream() };
    assert_eq!(gemini.told(), ok(&["output_tokens=3", "request.model=gemini-2.5-flash"]));
}

#[test]
fn gateways_that_misname_an_answer_are_read_all_the_same() {
    for (answer, expected) in streams() {
        for content_type in ["application/json", "application/octet-stream", ""] {
            let answer =
                Answer { headers: vec![("content-type", content_type)], body: answer.body.clone(), ..answer };
            assert_eq!(answer.told(), ok(&expected), "{} as {content_type:?}", answer.url);
        }
    }
    let body = r#"{"model":"m","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    let unary = Answer { headers: vec![("content-type", JSON)], body: body.into(), ..bodies::chat_stream() };
    assert_eq!(
        unary.told(),
        ok(&["input_tokens=1", "output_tokens=2", "response.model=m"]),
        "no stream after all"
    );
}

#[test]
fn mistral_tells_the_usage_with_the_reason_why_it_stopped() {
    let body = "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\n\n\
        data: {\"model\":\"m\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\
        \"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n";
    let answer = Answer::new("https://api.mistral.ai/v1/chat/completions", r#"{"stream":true}"#, SSE, body);
    assert_eq!(
        answer.fed(body.as_bytes().chunks(1)),
        (ok(&["input_tokens=3", "output_tokens=2", "response.model=m"]), body.len())
    );
}
