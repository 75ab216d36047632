use std::future::poll_fn;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::types::chat::{ChatCompletionRequestUserMessage, CreateChatCompletionRequest};

use super::{Case, Load, check, prompt, side};
use crate::Result;

pub fn case(base_url: &str) -> Result<Case> {
    let config = OpenAIConfig::new().with_api_base(format!("{base_url}/v1")).with_api_key("sk-bench");
    Ok(Case {
        name: "async-openai",
        paths: &["/v1/chat/completions"],
        paid: side(paid::ai::openai::client(config.clone()), call),
        bare: side(Client::with_config(config), call),
    })
}

async fn call(client: Client<OpenAIConfig>, load: Load) -> Result<()> {
    let request = CreateChatCompletionRequest {
        model: "gpt-4.1-mini".into(),
        messages: vec![ChatCompletionRequestUserMessage::from(prompt(load)).into()],
        ..Default::default()
    };
    if !load.stream {
        let answer = client.chat().create(request).await?;
        let text = answer.choices.into_iter().next().and_then(|choice| choice.message.content);
        return check(load, text.unwrap_or_default().len());
    }
    let (mut stream, mut bytes) = (client.chat().create_stream(request).await?, 0);
    while let Some(chunk) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
        bytes += chunk?
            .choices
            .iter()
            .filter_map(|choice| choice.delta.content.as_ref())
            .map(String::len)
            .sum::<usize>();
    }
    check(load, bytes)
}
