//! Who is called: Azure, compatible services, and hosts that nobody knows.

use async_openai::config::{AzureConfig, Config, OpenAIConfig};
use async_openai::types::chat::CreateChatCompletionRequest;
use paid::ai::openai::{PaidOpenAILayer, client};
use paid::ai::{Provider, Providers};
use paid_sandbox::{Script, StatusCode};

use super::{CHAT_SPAN, KEY, MODEL, all, config, count, hello, told, world};

const AZURE_CHAT: &str = "/openai/deployments/{deployment}/chat/completions";

#[tokio::test]
async fn azure_is_counted_as_openai() {
    let world = world().await;
    let settings = |version: &str| {
        let config = AzureConfig::new().with_api_base(world.sandbox.azure_base()).with_api_key(KEY);
        config.with_deployment_id("my-deployment").with_api_version(version)
    };
    let plain = async_openai::Client::with_config(settings("2024-10-21"));
    let azure = client(settings("2024-10-21"));
    world.sandbox.provider_script(Script::on(AZURE_CHAT).model("gpt-4.1-mini-2025-04-14"));
    let (answer, call) = world.traced_call(azure.chat().create(hello())).await;
    assert_eq!(answer.unwrap().model, "gpt-4.1-mini-2025-04-14");
    assert_eq!((call.name.as_str(), call.text("gen_ai.system")), (CHAT_SPAN, Some("openai")));
    assert_eq!(call.text("gen_ai.response.model"), Some("gpt-4.1-mini-2025-04-14"));
    assert_eq!(count(&call, "input_tokens"), Some(3));
    assert!(world.received()[0].provider_key_is(KEY));

    // The first chunk has no choices either: it tells what Azure thinks of the prompt.
    let read = async { all(azure.chat().create_stream(hello()).await.unwrap()).await };
    let (with, call) = world.traced_call(read).await;
    let without = all(plain.chat().create_stream(hello()).await.unwrap()).await;
    assert_eq!((told(&with.0), count(&call, "input_tokens")), (told(&without.0), Some(3)));

    // Versions before that refuse a request with `stream_options`.
    let azure = client(settings("2024-06-01"));
    let read = async { all(azure.chat().create_stream(hello()).await.unwrap()).await };
    let (_, call) = world.traced_call(read).await;
    assert_eq!(call.text("paid.usage.missing"), Some("the answer tells none"));
    assert_eq!(world.received()[3].json().unwrap().get("stream_options"), None);
}

#[tokio::test]
async fn a_compatible_service_counts_under_its_name() {
    let world = world().await;
    let providers = Providers::new().compatible(world.sandbox.openai_base(), "groq");
    let groq = PaidOpenAILayer::new().providers(providers).client(config(&world.sandbox));
    let (_, call) = world.traced_call(groq.chat().create(hello())).await;
    assert_eq!(call.name, "paid.trace.groq.chat.completions.create");
    assert_eq!(call.text("gen_ai.system"), Some("groq"));
    let (_, call) =
        world.traced_call(async { all(groq.chat().create_stream(hello()).await.unwrap()).await }).await;
    assert_eq!(call.text("gen_ai.system"), Some("groq"));
    assert_eq!(count(&call, "input_tokens"), Some(3));
}

#[tokio::test]
async fn what_another_provider_answers_in_openais_words_counts_under_its_name() {
    let world = world().await;
    // Anthropic's own API has no such path, Mistral's has its own name for it.
    let rows = [
        (Provider::Anthropic, "paid.trace.anthropic.chat.completions.create", "anthropic"),
        (Provider::Mistral, "paid.trace.mistral.chat.complete", "mistral"),
    ];
    for (provider, name, system) in rows {
        let providers = Providers::new().host(world.sandbox.openai_base(), provider);
        let openai = PaidOpenAILayer::new().providers(providers).client(config(&world.sandbox));
        let (_, call) = world.traced_call(openai.chat().create(hello())).await;
        assert_eq!((call.name.as_str(), call.text("gen_ai.system")), (name, Some(system)));
        assert_eq!((call.status.code, count(&call, "input_tokens")), (StatusCode::Ok, Some(3)));
    }
}

#[tokio::test]
async fn any_config_will_do() {
    let world = world().await;
    let boxed: Box<dyn Config> = Box::new(config(&world.sandbox));
    let openai = client(boxed);
    let (answer, call) = world.traced_call(openai.chat().create(hello())).await;
    assert_eq!((answer.unwrap().model.as_str(), call.name.as_str()), (MODEL, CHAT_SPAN));
    let elsewhere = OpenAIConfig::new().with_api_base(format!("{}/", world.sandbox.openai_base()));
    let openai = client(elsewhere.with_api_key(KEY));
    let request: CreateChatCompletionRequest = hello();
    // Two slashes: the sandbox has no such path, but it is a call.
    let (answer, call) = world.traced_call(openai.chat().create(request)).await;
    assert!(answer.is_err());
    assert_eq!((call.name.as_str(), call.status.code), (CHAT_SPAN, StatusCode::Error));
}
