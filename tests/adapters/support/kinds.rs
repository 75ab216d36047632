//! A call of every kind that is told apart by its URL.

use paid::ai::{Provider, Providers};
use paid_sandbox::{Sandbox, Script};
use serde_json::{Value, json};

use super::PROMPT;

/// All providers are on one port of 127.0.0.1, told apart by their paths.
pub fn providers(sandbox: &Sandbox) -> Providers {
    Providers::new()
        .host(sandbox.openai_base(), Provider::OpenAi)
        .host(sandbox.anthropic_base(), Provider::Anthropic)
        .host(sandbox.gemini_base(), Provider::Gemini)
        .host(sandbox.mistral_base(), Provider::Mistral)
        .host(sandbox.bedrock_base(), Provider::Bedrock)
}

pub struct Kind {
    path: &'static str,
    pub url: String,
    pub body: Value,
    /// The name of its span.
    pub span: &'static str,
    pub attributes: Vec<(&'static str, &'static str)>,
}

impl Kind {
    /// What makes the answer use what [`Kind::attributes`] say.
    pub fn script(&self) -> Script {
        Script::on(self.path).input_tokens(100).output_tokens(20)
    }
}

type Attribute = (&'static str, &'static str);

/// What every call tells.
fn told(system: &'static str, operation: &'static str, model: Attribute) -> Vec<Attribute> {
    vec![
        ("gen_ai.system", system),
        ("gen_ai.operation.name", operation),
        model,
        ("gen_ai.usage.input_tokens", "100"),
        ("gen_ai.usage.output_tokens", "20"),
    ]
}

fn answered(system: &'static str, operation: &'static str, model: &'static str) -> Vec<Attribute> {
    told(system, operation, ("gen_ai.response.model", model))
}

pub fn kinds(sandbox: &Sandbox) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for stream in [false, true] {
        kinds.push(responses(sandbox, stream));
        kinds.push(messages(sandbox, stream));
        kinds.push(mistral(sandbox, stream));
        kinds.push(interactions(sandbox, stream));
    }
    kinds.push(chat(sandbox));
    kinds.extend(gemini(sandbox));
    kinds.extend(bedrock(sandbox));
    kinds
}

/// Of answers that tell what was cached, and what was thought, where it is nothing too.
fn detailed(system: &'static str, operation: &'static str, model: &'static str) -> Vec<Attribute> {
    let mut told = answered(system, operation, model);
    told.extend([("gen_ai.usage.cached_input_tokens", "0"), ("gen_ai.usage.reasoning_output_tokens", "0")]);
    told
}

fn user() -> Value {
    json!([{"role": "user", "content": PROMPT}])
}

fn chat(sandbox: &Sandbox) -> Kind {
    Kind {
        path: "/v1/chat/completions",
        url: format!("{}/chat/completions", sandbox.openai_base()),
        body: json!({"model": "gpt-4.1-mini", "messages": user()}),
        span: "paid.trace.openai.chat.completions.create",
        attributes: detailed("openai", "chat", "gpt-4.1-mini"),
    }
}

fn responses(sandbox: &Sandbox, stream: bool) -> Kind {
    Kind {
        path: "/v1/responses",
        url: format!("{}/responses", sandbox.openai_base()),
        body: json!({"model": "gpt-4.1-mini", "input": PROMPT, "stream": stream}),
        span: "paid.trace.openai.responses.create",
        attributes: detailed("openai", "chat", "gpt-4.1-mini"),
    }
}

fn messages(sandbox: &Sandbox, stream: bool) -> Kind {
    Kind {
        path: "/v1/messages",
        url: format!("{}/v1/messages", sandbox.anthropic_base()),
        body: json!({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": user(), "stream": stream}),
        span: "paid.trace.anthropic.messages.create",
        attributes: answered("anthropic", "messages", "claude-sonnet-4-5"),
    }
}

fn mistral(sandbox: &Sandbox, stream: bool) -> Kind {
    Kind {
        path: "/v1/chat/completions",
        url: format!("{}/chat/completions", sandbox.mistral_base()),
        body: json!({"model": "mistral-small-latest", "messages": user(), "stream": stream}),
        span: "paid.trace.mistral.chat.complete",
        attributes: answered("mistral", "chat", "mistral-small-latest"),
    }
}

fn interactions(sandbox: &Sandbox, stream: bool) -> Kind {
    Kind {
        path: "/v1beta/interactions",
        url: format!("{}interactions", sandbox.gemini_base()),
        body: json!({"model": "gemini-3-flash-preview", "input": PROMPT, "stream": stream}),
        span: "paid.trace.gemini.interactions.create",
        attributes: detailed("gemini", "generate_content", "gemini-3-flash-preview"),
    }
}

fn gemini(sandbox: &Sandbox) -> impl Iterator<Item = Kind> {
    let actions = [
        ("/v1beta/models/{model}:generateContent", "generateContent"),
        ("/v1beta/models/{model}:streamGenerateContent", "streamGenerateContent?alt=sse"),
        ("/v1beta/models/{model}:streamGenerateContent", "streamGenerateContent"),
    ];
    actions.into_iter().map(|(path, action)| Kind {
        path,
        url: format!("{}models/gemini-2.5-flash:{action}", sandbox.gemini_base()),
        body: json!({"contents": [{"role": "user", "parts": [{"text": PROMPT}]}]}),
        span: "paid.trace.gemini.models.generate_content",
        attributes: answered("gemini", "generate_content", "gemini-2.5-flash"),
    })
}

fn bedrock(sandbox: &Sandbox) -> impl Iterator<Item = Kind> {
    let actions = [
        ("/model/{id}/converse", "converse", "converse", "paid.trace.bedrock.converse"),
        (
            "/model/{id}/converse-stream",
            "converse-stream",
            "converse_stream",
            "paid.trace.bedrock.converse_stream",
        ),
    ];
    actions.into_iter().map(|(path, action, operation, span)| Kind {
        path,
        url: format!("{}/model/amazon.nova-lite-v1%3A0/{action}", sandbox.bedrock_base()),
        body: json!({"messages": [{"role": "user", "content": [{"text": PROMPT}]}]}),
        span,
        attributes: told("bedrock", operation, ("gen_ai.request.model", "amazon.nova-lite-v1:0")),
    })
}
