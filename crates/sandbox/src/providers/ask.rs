//! What any provider's request comes down to: how much text there is, who spoke last, which tool may be called.

use serde_json::{Map, Value};

/// A request, whoever's shape it came in.
#[derive(Debug, Default)]
pub(super) struct Ask {
    /// The model that it names.
    pub(super) model: String,
    /// All text that a model would read.
    pub(super) text: String,
    /// The part of that text that the request marks for the cache.
    pub(super) cached_text: String,
    /// What the user, or a tool, said last.
    pub(super) last: String,
    /// Whether that was a tool.
    pub(super) after_tool: bool,
    /// The tool that an answer calls.
    pub(super) tool: Option<Tool>,
    /// Whether it asks the model to think first.
    pub(super) thinks: bool,
}

/// A tool that a request offers.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) schema: Value,
}

impl Tool {
    /// A tool as it is described: an object with a name and, under this key, a schema.
    pub(super) fn read(described: &Value, schema: &str) -> Option<Self> {
        let name = described.get("name")?.as_str()?.to_owned();
        Some(Self { name, schema: described.get(schema).cloned().unwrap_or_default() })
    }

    /// Arguments that fit the tool's schema, with this text wherever the schema wants text.
    pub(super) fn arguments(&self, text: &str) -> Value {
        let arguments = sample(&self.schema, text);
        if arguments.is_object() { arguments } else { Value::Object(Map::new()) }
    }
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    System,
    User,
    Assistant,
    Tool,
}

impl Ask {
    pub(super) fn new(model: impl Into<String>) -> Self {
        Self { model: model.into(), ..Self::default() }
    }

    /// Takes in what someone says.
    pub(super) fn hear(&mut self, speaker: Speaker, content: &Value) {
        let text = texts(content);
        self.text.push_str(&text);
        if matches!(speaker, Speaker::User | Speaker::Tool) {
            self.last = text;
            self.after_tool = speaker == Speaker::Tool;
        }
    }

    /// Offers tools: the answer will call the one that the request insists on, else the first.
    pub(super) fn offer(&mut self, tools: impl IntoIterator<Item = Tool>, wanted: Option<&str>) {
        let mut tools = tools.into_iter();
        self.tool = match wanted {
            Some(name) => tools.find(|tool| tool.name == name),
            None => tools.next(),
        };
    }
}

/// The items of a list field; none when it is not there.
pub(super) fn items<'a>(body: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    body.get(field).and_then(Value::as_array).into_iter().flatten()
}

/// One token for every four characters, rounded up.
pub(super) fn tokens(text: &str) -> u64 {
    u64::try_from(text.chars().count().div_ceil(4)).unwrap_or(u64::MAX)
}

/// Under these, blocks and parts of any provider hold text or further blocks.
const TEXT_FIELDS: [&str; 7] =
    ["text", "content", "parts", "output", "toolResult", "functionResponse", "input_text"];

/// Under these, tool results hold JSON, which a model reads as text.
const JSON_FIELDS: [&str; 2] = ["json", "response"];

/// All text of some content: itself, or what its blocks hold.
pub(super) fn texts(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.iter().map(texts).collect(),
        Value::Object(block) => {
            let plain = TEXT_FIELDS.iter().filter_map(|field| block.get(*field)).map(texts);
            let json = JSON_FIELDS.iter().filter_map(|field| block.get(*field)).map(Value::to_string);
            plain.chain(json).collect()
        }
        _ => String::new(),
    }
}

/// A value that fits a JSON schema.
fn sample(schema: &Value, text: &str) -> Value {
    let first = |field: &str| items(schema, field).next();
    if let Some(value) = first("enum").or_else(|| schema.get("const")) {
        return value.clone();
    }
    if let Some(choice) = first("anyOf").or_else(|| first("oneOf")) {
        return sample(choice, text);
    }
    let kind = schema.get("type").and_then(Value::as_str).or_else(|| first("type").and_then(Value::as_str));
    // Gemini writes types in capitals.
    match kind.map(str::to_ascii_lowercase).as_deref() {
        Some("integer" | "number") => 1.into(),
        Some("boolean") => true.into(),
        Some("array") => schema.get("items").map(|items| sample(items, text)).into_iter().collect(),
        Some("null") => Value::Null,
        Some("object") => Value::Object(sample_fields(schema, text)),
        Some(_) => text.into(),
        None if schema.get("properties").is_some() => Value::Object(sample_fields(schema, text)),
        None => text.into(),
    }
}

/// The fields that an object must have.
fn sample_fields(schema: &Value, text: &str) -> Map<String, Value> {
    let names = items(schema, "required").filter_map(Value::as_str);
    names
        .map(|name| {
            let field = schema.get("properties").and_then(|properties| properties.get(name));
            (name.to_owned(), field.map_or_else(|| text.into(), |field| sample(field, text)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_is_found_in_every_providers_content() {
        for content in [
            json!("ab"),
            json!([{"type": "text", "text": "a"}, {"type": "input_text", "text": "b"}]),
            json!({"type": "tool_result", "tool_use_id": "x", "content": [{"type": "text", "text": "ab"}]}),
            json!({"toolResult": {"toolUseId": "x", "content": [{"text": "ab"}]}}),
            json!({"role": "user", "parts": [{"text": "ab"}, {"inlineData": {"data": "zz"}}]}),
        ] {
            assert_eq!(texts(&content), "ab", "{content}");
        }
        let json = json!({"functionResponse": {"name": "f", "response": {"c": 1}}});
        assert_eq!(texts(&json), r#"{"c":1}"#);
        assert_eq!([tokens(""), tokens("a"), tokens("abcd"), tokens("äöüßé")], [0, 1, 1, 2]);
    }

    #[test]
    fn arguments_fit_the_schema() {
        let schema = json!({"type": "object", "required": ["city", "days", "unit", "tags", "deep"], "properties": {
            "city": {"type": "STRING"},
            "days": {"type": ["integer", "null"]},
            "unit": {"enum": ["c", "f"]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "deep": {"anyOf": [{"type": "object", "required": ["on"], "properties": {"on": {"type": "boolean"}}}]},
            "more": {"type": "string"},
        }});
        let tool = Tool { name: "weather".into(), schema };
        let expected = json!({"city": "x", "days": 1, "unit": "c", "tags": ["x"], "deep": {"on": true}});
        assert_eq!(tool.arguments("x"), expected);
        let bare = Tool { name: "now".into(), schema: Value::Null };
        assert_eq!(bare.arguments("x"), json!({}));
    }
}
