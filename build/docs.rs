//! Doc comments of generated items, and the examples in them.

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value;

use super::model::{Api, Operation, component};
use super::{names, prose};

/// `#[doc]` lines; an undescribed item is at least named.
pub fn attributes(description: &str, name: &str) -> TokenStream {
    let text = match description.trim() {
        "" => format!("{}.", prose::code(name)),
        text => text.to_string(),
    };
    let lines = text.lines().map(|line| match line {
        "" => String::new(),
        line => format!(" {}", prose::plain(line)),
    });
    quote! { #(#[doc = #lines])* }
}

/// The first sentence of a description, on one line.
pub fn first_sentence(description: &str, otherwise: &str) -> String {
    let line = description.lines().next().unwrap_or_default().trim();
    let sentence = line.split_inclusive(". ").next().unwrap_or_default().trim();
    match sentence {
        "" => otherwise.to_string(),
        // A block is no sentence.
        text if text.starts_with("```") => otherwise.to_string(),
        text if text.ends_with('.') => text.to_string(),
        text => format!("{text}."),
    }
}

/// The docs of a method: what it does, the request it makes, its parameters, an example.
pub fn method(api: &Api, operation: &Operation, blocking: bool) -> TokenStream {
    let mut text = match operation.summary.as_str() {
        "" => format!("Calls `{}`.", operation.label()),
        summary => summary.to_string(),
    };
    if !operation.description.is_empty() && operation.description != operation.summary {
        text.push_str(&format!("\n\n{}", operation.description));
    }
    let required_query = operation.query.iter().filter(|param| param.required);
    let described: Vec<String> = operation
        .path_params
        .iter()
        .chain(required_query)
        .map(|param| {
            let name = names::ident(&param.wire);
            format!("- `{name}`: {}", first_sentence(&param.description, "part of the request."))
        })
        .collect();
    if !described.is_empty() {
        text.push_str(&format!("\n\n{}", described.join("\n")));
    }
    text.push_str(&format!("\n\nRequest: `{}`. ", operation.label()));
    text.push_str(&format!("Python: `client.{}.{}()`.", operation.group.join("."), operation.method));
    text.push_str(
        "\n\n# Errors\n\n[`Error`](crate::Error): the API's error answer, or why there is no usable answer.",
    );
    for (status, meaning) in &operation.errors {
        text.push_str(&format!("\n\n- {status}: {}", first_sentence(meaning, "see the message.")));
    }
    if let Some(example) = example(api, operation, blocking) {
        text.push_str(&format!("\n\n# Example\n\n{example}"));
    }
    attributes(&text, &operation.method)
}

fn example(api: &Api, operation: &Operation, blocking: bool) -> Option<String> {
    let mut arguments = Vec::new();
    for param in operation.path_params.iter().chain(operation.query.iter().filter(|param| param.required)) {
        arguments.push(value(api, &param.schema, &names::ident(&param.wire), 0)?);
    }
    if let Some(body) = &operation.body {
        arguments.push(construct(api, body.component()?, 0)?);
    }
    let accessors: String = operation.group.iter().map(|part| format!(".{part}()")).collect();
    let call = format!("client{accessors}.{}({})", operation.method, arguments.join(", "));
    let answer = if operation.response.is_some() { "let answer = " } else { "" };
    let (signature, end) = match blocking {
        true => ("fn example(client: paid::Paid)", ".send()?"),
        false => ("async fn example(client: paid::AsyncPaid)", ".await?"),
    };
    Some(format!(
        "```no_run\n# {signature} -> Result<(), paid::Error> {{\n{answer}{call}{end};\n# Ok(())\n# }}\n```"
    ))
}

fn construct(api: &Api, name: &str, depth: usize) -> Option<String> {
    let item = api.structs.get(name)?;
    let mut arguments = Vec::new();
    for field in item.fields.iter().filter(|field| field.required) {
        let value = value(api, &field.schema, &names::snake(&field.wire), depth + 1)?;
        arguments.push(if field.nullable { or_null(&field.schema, value)? } else { value });
    }
    Some(format!("paid::types::{name}::new({})", arguments.join(", ")))
}

/// The value for a field that may be null, whose type has to be exact.
fn or_null(schema: &Value, value: String) -> Option<String> {
    match schema["type"].as_str() {
        Some("string") => Some(format!("{value}.to_string()")),
        Some("integer") => Some(format!("{value}_i64")),
        Some("number") => Some(format!("paid::Number::from({value})")),
        Some("array" | "object") => None,
        _ => Some(value),
    }
}

/// An expression for a value of a schema; none where an example would only confuse.
fn value(api: &Api, schema: &Value, name: &str, depth: usize) -> Option<String> {
    if let Some(target) = component(schema) {
        if let Some(values) = api.enums.get(target) {
            return Some(format!("paid::types::{target}::{}", names::variant(values.values.first()?)));
        }
        return if depth < 4 { construct(api, target, depth) } else { None };
    }
    match (schema["type"].as_str()?, schema["format"].as_str()) {
        ("string", None) => Some(format!("\"{name}\"")),
        ("integer", _) => Some("1".into()),
        ("number", _) => Some("1.5".into()),
        ("boolean", _) => Some("true".into()),
        ("array", _) if schema["items"]["$ref"].is_string() => Some("[]".into()),
        _ => None,
    }
}
