//! Converse and InvokeModel.

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::operation::invoke_model::InvokeModelOutput;
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{
    CachePointBlock, CachePointType, ContentBlock, SystemContentBlock, Tool, ToolConfiguration,
    ToolInputSchema, ToolSpecification,
};
use aws_smithy_types::Document;
use paid_sandbox::Script;
use serde_json::{Value, json};

use super::{CONVERSE, MODEL, World, assert_told, converse, world};

const INVOKE: &str = "/model/{id}/invoke";

#[tokio::test]
async fn converse_is_recorded_with_what_it_used() {
    let world = world().await;
    let (answer, call) = world.traced_call(converse(&world.bedrock).send()).await;
    let (answer, plain) = (answer.unwrap(), converse(&world.plain).send().await.unwrap());
    assert_eq!((&answer.output, &answer.usage), (&plain.output, &plain.usage));
    assert_eq!((&answer.stop_reason, &answer.metrics), (&plain.stop_reason, &plain.metrics));
    assert_eq!((answer.usage.unwrap().input_tokens, plain.trace), (3, None));
    assert_told(&call, "converse", &told(MODEL, "3", "6"));
    let received = world.received();
    assert_eq!(received[0].body(), received[1].body());
    assert_eq!(received[0].path(), received[1].path());
    let names = |request: usize| received[request].headers().iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(0), names(1));
}

#[tokio::test]
async fn tools_and_cache_tokens_are_counted() {
    let world = world().await;
    let script =
        || Script::on(CONVERSE).input_tokens(50).output_tokens(20).cached_tokens(30).cache_creation_tokens(7);
    let schema =
        Document::from(std::collections::HashMap::from([("type".to_string(), Document::from("object"))]));
    let tool = ToolSpecification::builder().name("weather").input_schema(ToolInputSchema::Json(schema));
    let tools = ToolConfiguration::builder().tools(Tool::ToolSpec(tool.build().unwrap())).build().unwrap();
    let point = CachePointBlock::builder().r#type(CachePointType::Default).build().unwrap();
    let send = |client: &Client| {
        converse(client)
            .system(SystemContentBlock::Text("be brief".to_string()))
            .system(SystemContentBlock::CachePoint(point.clone()))
            .tool_config(tools.clone())
            .send()
    };
    world.sandbox.provider_script(script().times(2));
    let (answer, call) = world.traced_call(send(&world.bedrock)).await;
    let (answer, plain) = (answer.unwrap(), send(&world.plain).await.unwrap());
    assert_eq!(answer.usage, plain.usage);
    assert_eq!(answer.usage.unwrap().cache_read_input_tokens, Some(30));
    let content = answer.output.unwrap().as_message().unwrap().content.clone();
    assert!(matches!(&content[..], [ContentBlock::ToolUse(tool)] if tool.name == "weather"), "{content:?}");
    let expected = [
        ("gen_ai.request.model", MODEL),
        ("gen_ai.usage.input_tokens", "50"),
        ("gen_ai.usage.output_tokens", "20"),
        ("gen_ai.usage.cached_input_tokens", "30"),
        ("gen_ai.usage.cache_creation_input_tokens", "7"),
    ];
    assert_told(&call, "converse", &expected);
}

#[tokio::test]
async fn a_model_that_is_an_arn_is_told_as_it_is() {
    let world = world().await;
    let arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-v1:0";
    let (answer, call) = world.traced_call(converse(&world.bedrock).model_id(arn).send()).await;
    assert!(answer.is_ok());
    assert_eq!(call.text("gen_ai.request.model"), Some(arn));
}

async fn invoke(client: &Client, model: &str, body: &Value) -> InvokeModelOutput {
    let body = Blob::new(body.to_string());
    client.invoke_model().model_id(model).content_type("application/json").body(body).send().await.unwrap()
}

/// A model of each maker, and its request.
pub(super) fn makers() -> [(&'static str, Value); 3] {
    let messages = json!([{"role": "user", "content": "hello there"}]);
    let claude = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 10, "messages": messages});
    [
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", claude),
        ("amazon.titan-text-express-v1", json!({"inputText": "hello there"})),
        ("meta.llama3-8b-instruct-v1:0", json!({"prompt": "hello there"})),
    ]
}

/// What is told of a call: the model that was asked for, which is the one that is priced.
pub(super) fn told<'a>(model: &'a str, input: &'a str, output: &'a str) -> [(&'a str, &'a str); 3] {
    [
        ("gen_ai.request.model", model),
        ("gen_ai.usage.input_tokens", input),
        ("gen_ai.usage.output_tokens", output),
    ]
}

#[tokio::test]
async fn bodies_of_every_maker_are_read() {
    let world = world().await;
    for (model, body) in makers() {
        world.sandbox.provider_script(Script::on(INVOKE).input_tokens(40).output_tokens(9).times(2));
        let (answer, call) = world.traced_call(invoke(&world.bedrock, model, &body)).await;
        let plain = invoke(&world.plain, model, &body).await;
        assert_eq!((without_id(&answer), answer.content_type), (without_id(&plain), plain.content_type));
        assert_told(&call, "invoke_model", &told(model, "40", "9"));
    }
}

/// The body of an answer; Anthropic's has an id.
fn without_id(answer: &InvokeModelOutput) -> Value {
    let mut body: Value = serde_json::from_slice(answer.body.as_ref()).unwrap();
    body.as_object_mut().unwrap().remove("id");
    body
}

#[tokio::test]
async fn embeddings_tell_their_input() {
    let world = world().await;
    let model = "amazon.titan-embed-text-v2:0";
    let (answer, call) =
        world.traced_call(invoke(&world.bedrock, model, &json!({"inputText": "hello there"}))).await;
    assert!(!answer.body.as_ref().is_empty());
    let expected = [("gen_ai.request.model", model), ("gen_ai.usage.input_tokens", "3")];
    assert_told(&call, "invoke_model", &expected);
}

#[tokio::test]
async fn an_answer_without_usage_says_so() {
    let world = world().await;
    world.sandbox.provider_script(Script::on(CONVERSE).without_usage());
    let (answer, call) = world.traced_call(converse(&world.bedrock).send()).await;
    // The SDK's own types make zeros of it.
    assert_eq!(answer.unwrap().usage.unwrap().input_tokens, 0);
    let expected = [("gen_ai.request.model", MODEL), ("paid.usage.missing", "the answer tells none")];
    assert_told(&call, "converse", &expected);
}

#[tokio::test]
async fn what_is_no_call_of_a_model_passes_untouched() {
    let world = world().await;
    let quiet = async |world: &World| {
        let counted = world.bedrock.count_tokens().model_id(MODEL).send().await;
        let listed = world.bedrock.list_async_invokes().send().await;
        let started =
            world.bedrock.start_async_invoke().model_id(MODEL).model_input(Document::Null).send().await;
        assert!(counted.is_err() && listed.is_err() && started.is_err(), "the sandbox has none of them");
    };
    world.scope().run_async(quiet(&world)).await;
    assert_eq!(world.calls().await.len(), 0);
    assert!(!world.received().is_empty());
}
