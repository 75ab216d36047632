//! A small agent that is billed: it calls tools, streams its answer, and one signal carries what all of it cost.
//!
//! `cargo run -p openai-agent` needs no account: model and Paid are stand-ins in this process.
//! With `OPENAI_API_KEY` set it asks the real model, and with `PAID_API_KEY` set it traces to Paid.

use std::error::Error;
use std::future::poll_fn;
use std::io::{Write, stdout};
use std::time::Duration;

use async_openai::Client;
use async_openai::config::{Config, OpenAIConfig};
use async_openai::types::chat::{
    ChatCompletionMessageToolCall, ChatCompletionMessageToolCalls, ChatCompletionRequestAssistantMessage,
    ChatCompletionRequestMessage, ChatCompletionRequestToolMessage, ChatCompletionRequestUserMessage,
    ChatCompletionTool, ChatCompletionTools, CreateChatCompletionRequest, FunctionObject,
};
use paid::tracing::{self, TracingOptions, TracingToken, generate_tracing_token, paid_tracing, signal};
use paid_sandbox::{Sandbox, Script};
use serde::Deserialize;
use serde_json::json;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> Result<()> {
    paid::logging::init();
    let sandbox = Sandbox::start().await?;
    let paid_is_real = std::env::var_os("PAID_API_KEY").is_some();
    if !paid_is_real {
        let options = TracingOptions::new().api_key(sandbox.api_key());
        tracing::initialize_tracing(options.collector_endpoint(sandbox.collector_endpoint()))?;
    }
    let mut config = OpenAIConfig::new();
    if std::env::var_os("OPENAI_API_KEY").is_none() {
        println!("OPENAI_API_KEY is not set: a stand-in answers what it is told to\n");
        let script = || Script::on("/v1/chat/completions");
        sandbox.provider_script(script().tool_call("weather", json!({"city": "Oslo"})));
        sandbox.provider_script(script().text("It is sunny in Oslo, at 21 °C.").cached_tokens(20));
        config = config.with_api_base(sandbox.openai_base()).with_api_key("none");
    }
    // This is all that it takes: the rest is async-openai.
    let openai = paid::ai::openai::client(config);

    let token = generate_tracing_token();
    let scope = paid_tracing("customer_1").external_agent_id("weather_agent").tracing_token(token);
    scope.try_run_async(answer(&openai, "How is the weather in Oslo? Answer in a sentence.")).await?;

    let in_time = tokio::task::spawn_blocking(|| tracing::flush(Duration::from_secs(10))).await?;
    if !in_time {
        return Err(format!("not delivered: {:?}", tracing::delivery().problem()).into());
    }
    if paid_is_real {
        println!("\nThe trace {} is at Paid", token.to_hex());
        return Ok(());
    }
    show(&sandbox, token);
    Ok(())
}

/// What the customer pays for: a call that may ask for tools, and one that tells the answer word by word.
async fn answer<C: Config>(openai: &Client<C>, question: &str) -> Result<()> {
    println!("> {question}");
    let mut messages = vec![ChatCompletionRequestUserMessage::from(question).into()];
    let asks = CreateChatCompletionRequest { tools: Some(vec![weather()]), ..request(&messages) };
    let mut answer = openai.chat().create(asks).await?;
    let message = answer.choices.pop().ok_or("an answer without a choice")?.message;
    let calls = message.tool_calls.unwrap_or_default();
    if calls.is_empty() {
        println!("{}", message.content.unwrap_or_default());
    } else {
        let turn =
            ChatCompletionRequestAssistantMessage { tool_calls: Some(calls.clone()), ..Default::default() };
        messages.push(turn.into());
        for call in calls {
            if let ChatCompletionMessageToolCalls::Function(call) = call {
                messages.push(run_tool(call)?);
            }
        }
        tell(openai, request(&messages)).await?;
    }
    signal("question_answered").enable_cost_tracing(true).send()?;
    Ok(())
}

async fn tell<C: Config>(openai: &Client<C>, request: CreateChatCompletionRequest) -> Result<()> {
    let mut stream = openai.chat().create_stream(request).await?;
    while let Some(chunk) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
        for choice in chunk?.choices {
            print!("{}", choice.delta.content.unwrap_or_default());
        }
        stdout().flush()?;
    }
    println!();
    Ok(())
}

fn request(messages: &[ChatCompletionRequestMessage]) -> CreateChatCompletionRequest {
    CreateChatCompletionRequest {
        model: "gpt-4.1-mini".into(),
        messages: messages.to_vec(),
        ..Default::default()
    }
}

fn weather() -> ChatCompletionTools {
    let city = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let function = FunctionObject {
        name: "weather".into(),
        description: Some("How the weather in a city is now".into()),
        parameters: Some(city),
        strict: None,
    };
    ChatCompletionTools::Function(ChatCompletionTool { function })
}

fn run_tool(call: ChatCompletionMessageToolCall) -> Result<ChatCompletionRequestMessage> {
    #[derive(Deserialize)]
    struct Arguments {
        city: String,
    }
    let Arguments { city } = serde_json::from_str(&call.function.arguments)?;
    println!("  {}({city})", call.function.name);
    let content = format!("In {city} it is 21 °C and sunny.").into();
    Ok(ChatCompletionRequestToolMessage { content, tool_call_id: call.id }.into())
}

/// What Paid would bill by: the usage of each call, and the signal with the costs of all of them.
fn show(sandbox: &Sandbox, token: TracingToken) {
    println!("\nThe trace, as the collector has it:\n{}", sandbox.trace_tree(&token.to_hex()));
    for signal in sandbox.traced_signals().iter().filter(|signal| signal.enable_cost_tracing) {
        println!("{} carries the costs of:", signal.event_name.as_deref().unwrap_or_default());
        for linked in &signal.linked {
            println!("  {}: {:.6} USD, at the sandbox's flat price", linked.span_name, linked.cost.amount());
        }
    }
}
