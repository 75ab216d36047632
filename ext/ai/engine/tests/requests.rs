//! Requests are recognised as the calls they are, and others are not.

use super::recognized;
use crate::ext::ai::engine::{Providers, Request, recognize};

fn call(url: &str, body: &str) -> Option<String> {
    let call = recognized(url, body)?;
    let attributes = call.attributes.iter().chain(&call.on_success);
    let attributes: Vec<_> = attributes
        .map(|one| format!("{}={}", one.key.as_str().trim_start_matches("gen_ai."), one.value))
        .collect();
    let stream = if call.stream { " stream" } else { "" };
    Some(format!("{} {} {}{stream} {}", call.name, call.system, call.operation, attributes.join(",")))
}

#[test]
fn calls_are_recognised_by_host_and_path() {
    let openai = "https://api.openai.com/v1";
    let azure = "https://r.openai.azure.com/openai";
    let anthropic = "https://api.anthropic.com/v1";
    let gemini = "https://generativelanguage.googleapis.com/v1beta";
    let vertex = "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l";
    let mistral = "https://api.mistral.ai/v1";
    let bedrock = "https://bedrock-runtime.us-east-1.amazonaws.com/model";
    for (url, body, expected) in [
        (
            format!("{openai}/chat/completions"),
            r#"{"model":"m"}"#,
            "openai.chat.completions.create openai chat ",
        ),
        (
            format!("{openai}/chat/completions/"),
            r#"{"stream":true}"#,
            "openai.chat.completions.create openai chat stream ",
        ),
        (format!("{openai}/completions"), "{}", "openai.completions.create openai text_completion "),
        (format!("{openai}/responses"), r#"{"stream":true}"#, "openai.responses.create openai chat stream "),
        (format!("{openai}/embeddings"), "{}", "openai.embeddings.create openai embeddings "),
        (
            format!("{openai}/images/generations"),
            r#"{"model":"dall-e-3","n":2,"size":"1024x1024","quality":"hd"}"#,
            "openai.images.generate openai image_generation request.model=dall-e-3,image.count=2,image.size=1024x1024,image.quality=hd",
        ),
        (
            format!("{openai}/images/generations"),
            r#"{"n":null}"#,
            "openai.images.generate openai image_generation request.model=,image.count=1,image.size=,image.quality=",
        ),
        (
            format!("{openai}/audio/transcriptions"),
            "",
            "openai.audio.transcriptions.create openai transcription request.model=",
        ),
        (
            format!("{openai}/audio/transcriptions"),
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\nContent-Type: audio/mpeg\r\n\r\n\
             name=\"model\"\r\n\r\nwrong\r\n--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b--\r\n",
            "openai.audio.transcriptions.create openai transcription request.model=whisper-1",
        ),
        (
            format!("{azure}/deployments/d/chat/completions?api-version=2024-10-21"),
            "{}",
            "openai.chat.completions.create openai chat ",
        ),
        (
            format!("{azure}/deployments/d%201/images/generations?api-version=2024-10-21"),
            "{}",
            "openai.images.generate openai image_generation request.model=d 1,image.count=1,image.size=,image.quality=",
        ),
        (format!("{azure}/v1/responses"), "{}", "openai.responses.create openai chat "),
        (
            "https://r.services.ai.azure.com/anthropic/v1/messages".into(),
            "{}",
            "anthropic.messages.create anthropic messages ",
        ),
        (
            "https://api.groq.com/openai/v1/chat/completions".into(),
            "{}",
            "groq.chat.completions.create groq chat ",
        ),
        (
            format!("{anthropic}/messages?beta=true"),
            r#"{"stream":true}"#,
            "anthropic.messages.create anthropic messages stream ",
        ),
        (
            "https://gateway.example/a/v1/messages".into(),
            "{}",
            "anthropic.messages.create anthropic messages ",
        ),
        (
            format!("{gemini}/models/gemini-2.5-flash:generateContent?key=k"),
            "{}",
            "gemini.models.generate_content gemini generate_content ",
        ),
        (
            format!("{gemini}/models/g:streamGenerateContent?alt=sse"),
            "{}",
            "gemini.models.generate_content gemini generate_content stream ",
        ),
        (format!("{gemini}/models/g:embedContent"), "{}", "gemini.models.embed_content gemini embeddings "),
        (
            format!("{gemini}/interactions?key=k"),
            r#"{"model":"m","stream":true}"#,
            "gemini.interactions.create gemini generate_content stream ",
        ),
        (
            format!("{vertex}/interactions"),
            r#"{"agent":"a"}"#,
            "gemini.interactions.create gemini generate_content agent.name=a",
        ),
        (format!("{anthropic}/chat/completions"), "{}", "anthropic.chat.completions.create anthropic chat "),
        (format!("{gemini}/openai/chat/completions"), "{}", "gemini.chat.completions.create gemini chat "),
        (
            format!("{vertex}/publishers/google/models/g:generateContent"),
            "{}",
            "gemini.models.generate_content gemini generate_content ",
        ),
        (
            format!("{vertex}/publishers/anthropic/models/c@1:streamRawPredict"),
            "{}",
            "anthropic.messages.create anthropic messages stream ",
        ),
        (format!("{mistral}/chat/completions"), "{}", "mistral.chat.complete mistral chat "),
        (format!("{mistral}/ocr"), r#"{"model":"o","document":{}}"#, "mistral.ocr.process mistral ocr "),
        (
            format!("{mistral}/ocr"),
            r#"{"bbox_annotation_format":{"type":"json_schema"},"document_annotation_format":null}"#,
            "mistral.ocr.process mistral ocr ocr.annotated=true",
        ),
        (format!("{mistral}/embeddings"), "{}", "mistral.embeddings.create mistral embeddings "),
        (
            format!("{bedrock}/anthropic.claude-3-haiku-20240307-v1%3A0/converse"),
            "{}",
            "bedrock.converse bedrock converse request.model=anthropic.claude-3-haiku-20240307-v1:0",
        ),
        (
            format!(
                "{bedrock}/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.m/converse-stream"
            ),
            "{}",
            "bedrock.converse_stream bedrock converse_stream stream request.model=arn:aws:bedrock:us-east-1:1:inference-profile/us.m",
        ),
        (format!("{bedrock}/m/invoke"), "{}", "bedrock.invoke_model bedrock invoke_model request.model=m"),
        (
            "https://127.0.0.1:8080/model/m/invoke-with-response-stream".into(),
            "{}",
            "bedrock.invoke_model_with_response_stream bedrock invoke_model_with_response_stream stream request.model=m",
        ),
    ] {
        assert_eq!(call(&url, body).as_deref(), Some(expected), "{url}");
    }
    let ocr = recognized("https://api.mistral.ai/v1/ocr", "{}").unwrap();
    assert_eq!(ocr.of_async_client().name, "mistral.ocr.process_async");
    let chat = recognized("https://api.mistral.ai/v1/chat/completions", "{}").unwrap();
    assert_eq!(chat.of_async_client().name, "mistral.chat.complete");
}

#[test]
fn what_costs_nothing_or_is_unknown_is_not_recognised() {
    for url in [
        "https://api.openai.com/v1/models",
        "https://api.openai.com/v1/files",
        "https://api.openai.com/v1/batches",
        "https://api.openai.com/v1/chat/completions/chatcmpl-1",
        "https://api.openai.com/v1/responses/resp_1/cancel",
        "https://api.openai.com/v1/responses/input_tokens",
        "https://api.anthropic.com/v1/messages/count_tokens",
        "https://api.anthropic.com/v1/messages/batches",
        "https://generativelanguage.googleapis.com/v1beta/interactions/v1_a",
        "https://generativelanguage.googleapis.com/v1beta/interactions/v1_a/cancel",
        "https://generativelanguage.googleapis.com/v1beta/models/g:countTokens",
        "https://generativelanguage.googleapis.com/v1beta/models/g:batchGenerateContent",
        "https://us-central1-aiplatform.googleapis.com/v1/p/publishers/google/models/g:rawPredict",
        "https://api.mistral.ai/v1/files",
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/count-tokens",
        "https://bedrock-runtime.us-east-1.amazonaws.com/guardrail/g/version/1/apply",
        "https://example.com/v1/chat/completions",
    ] {
        assert_eq!(call(url, "{}"), None, "{url}");
    }
    let request = Request { method: "GET", host: "api.openai.com", path: "/v1/chat/completions", body: None };
    assert_eq!(recognize(&Providers::new(), &request), None);
    let request = Request { method: "post", ..request };
    assert!(recognize(&Providers::new(), &request).is_some());
}

#[test]
fn usage_is_asked_for_where_the_provider_understands_it() {
    let asks =
        |url: &str, body: &str| recognized(url, body).unwrap().ask_for_usage(body.as_bytes()).is_some();
    let azure = |version: &str| {
        format!("https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version={version}")
    };
    let stream = r#"{"stream":true}"#;
    assert!(asks("https://api.openai.com/v1/chat/completions", stream));
    assert!(asks("https://api.groq.com/openai/v1/chat/completions", stream));
    assert!(!asks("https://api.openai.com/v1/chat/completions", "{}"));
    assert!(!asks("https://api.openai.com/v1/responses", stream));
    assert!(!asks("https://api.mistral.ai/v1/chat/completions", stream));
    assert!(asks(&azure("2024-10-21"), stream) && asks(&azure("preview"), stream));
    assert!(!asks(&azure("2024-06-01"), stream), "it is refused there");
    assert!(!asks(&azure("2024-10-21"), r#"{"stream":true,"data_sources":[{"type":"azure_search"}]}"#));
    let request = Request {
        method: "POST",
        host: "api.openai.com",
        path: "/v1/chat/completions",
        body: Some(stream.as_bytes()),
    };
    let silent = recognize(&Providers::new().ask_for_stream_usage(false), &request).unwrap();
    assert!(silent.stream && silent.ask_for_usage(stream.as_bytes()).is_none());
}

#[test]
fn any_request_is_looked_at_without_harm() {
    for seed in 0..5000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let words = [
            "/",
            "model",
            ":",
            "%3A",
            "%",
            "chat/completions",
            "invoke",
            "?",
            "=",
            "--",
            "\r\n",
            "ü",
            "\"",
            "{",
            "generateContent",
        ];
        let mut any =
            |most: usize| (0..rng.usize(..most)).map(|_| words[rng.usize(..words.len())]).collect::<String>();
        let (path, body) = (any(12), any(30));
        for host in [
            "api.openai.com",
            "api.anthropic.com",
            "generativelanguage.googleapis.com",
            "api.mistral.ai",
            "bedrock-runtime.x.amazonaws.com",
        ] {
            let request = Request { method: "POST", host, path: &path, body: Some(body.as_bytes()) };
            recognize(&Providers::new(), &request).map(|call| call.ask_for_usage(body.as_bytes()));
        }
    }
}
