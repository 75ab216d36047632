//! Chats that are answered at once.

use async_openai::types::chat::ChatCompletionMessageToolCalls;
use paid_sandbox::Script;
use serde_json::json;

use super::{CHAT, CHAT_SPAN, KEY, MODEL, assert_told, hello, request, told, world};

#[tokio::test]
async fn a_chat_is_a_span_with_what_it_used() {
    let world = world().await;
    let script = Script::on(CHAT).model("gpt-4.1-mini-2025-04-14").input_tokens(1000).output_tokens(200);
    world.sandbox.provider_script(script.cached_tokens(900).reasoning_tokens(50));
    let (answer, call) = world.traced_call(world.openai.chat().create(hello())).await;
    assert_eq!(answer.unwrap().choices[0].message.content.as_deref(), Some("You said: hello there"));
    assert_told(
        &call,
        CHAT_SPAN,
        &[
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.response.model", "gpt-4.1-mini-2025-04-14"),
            ("gen_ai.system", "openai"),
            ("gen_ai.usage.cached_input_tokens", "900"),
            ("gen_ai.usage.input_tokens", "1000"),
            ("gen_ai.usage.output_tokens", "200"),
            ("gen_ai.usage.reasoning_output_tokens", "50"),
        ],
    );
    let spans = world.sandbox.spans();
    let parent = spans.iter().find(|span| Some(&span.span_id) == call.parent_span_id.as_ref()).unwrap();
    assert_eq!((parent.name.as_str(), &parent.trace_id), ("paid.trace.parent_span", &call.trace_id));
    assert!(world.received()[0].provider_key_is(KEY));
}

#[tokio::test]
async fn request_and_answer_are_as_without_the_layer() {
    let world = world().await;
    let (with, _) = world.traced_call(world.openai.chat().create(hello())).await;
    let without = world.plain.chat().create(hello()).await;
    assert_eq!(told(&with.unwrap()), told(&without.unwrap()));
    let [with, without] = &world.received()[..] else { panic!("two requests") };
    assert_eq!(with.body(), without.body());
    assert_eq!(with.target(), without.target());
    assert_eq!(with.headers(), without.headers());
}

#[tokio::test]
async fn every_turn_with_tools_is_a_call() {
    let world = world().await;
    let tool = json!({"type": "function", "function": {"name": "weather", "parameters":
        {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}});
    let question = json!({"role": "user", "content": "How is the weather?"});
    let (answer, calls) = world
        .traced(async {
            let asks = request(json!({"model": MODEL, "messages": [question], "tools": [tool]}));
            let answer = world.openai.chat().create(asks).await.unwrap();
            let message = &answer.choices[0].message;
            let Some([ChatCompletionMessageToolCalls::Function(call)]) = message.tool_calls.as_deref() else {
                panic!("no tool call: {message:?}")
            };
            assert_eq!(call.function.name, "weather");
            let turn = json!({"role": "assistant", "tool_calls": message.tool_calls});
            let result = json!({"role": "tool", "tool_call_id": call.id, "content": "It rains."});
            let messages = json!([question, turn, result]);
            let tells = request(json!({"model": MODEL, "messages": messages, "tools": [tool]}));
            world.openai.chat().create(tells).await.unwrap()
        })
        .await;
    let usage = answer.usage.unwrap();
    assert_eq!(answer.choices[0].message.content.as_deref(), Some("The tool said: It rains."));
    assert_eq!(calls.len(), 2);
    assert_eq!(super::count(&calls[1], "input_tokens"), Some(usage.prompt_tokens.into()));
    assert_eq!(super::count(&calls[1], "output_tokens"), Some(usage.completion_tokens.into()));
    assert!(calls.iter().all(|call| call.name == CHAT_SPAN && call.trace_id == calls[0].trace_id));
}

#[tokio::test]
async fn an_answer_without_usage_says_so() {
    let world = world().await;
    world.sandbox.provider_script(Script::on(CHAT).without_usage());
    let (answer, call) = world.traced_call(world.openai.chat().create(hello())).await;
    assert!(answer.unwrap().usage.is_none());
    assert_eq!(call.text("paid.usage.missing"), Some("the answer tells none"));
}
