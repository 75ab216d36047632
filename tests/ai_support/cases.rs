//! Answers as providers and gateways send them, and what their spans have to tell.

use std::collections::BTreeMap;

use paid::ai::Providers;
use paid_sandbox::{AttributeValue, ReceivedSpan, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Clone, Deserialize)]
pub struct Case {
    pub id: String,
    pub method: String,
    pub url: String,
    #[serde(default)]
    pub request_headers: BTreeMap<String, String>,
    pub request_body: String,
    #[serde(flatten)]
    pub answer: Answer,
    /// The answer to a request that was refused, without what a hook has added.
    pub then: Option<Answer>,
    pub compatible: Option<[String; 2]>,
    pub expect: Expect,
}

#[derive(Clone, Deserialize)]
pub struct Answer {
    pub status: u16,
    pub response_headers: BTreeMap<String, String>,
    response_chunks: Vec<Value>,
}

#[derive(Clone, Deserialize)]
pub struct Expect {
    pub span: bool,
    pub name: Option<String>,
    pub status: Option<String>,
    pub status_contains: Option<String>,
    #[serde(default)]
    attributes: Map<String, Value>,
    #[serde(default)]
    absent: Vec<String>,
    pub caller: Option<Caller>,
}

#[derive(Clone, Deserialize)]
pub struct Caller {
    pub data_events: Option<Vec<usize>>,
    pub must_not_contain: Option<String>,
}

/// All cases, those of the repository's own after the ones from the field.
pub fn all() -> Vec<Case> {
    let read = |text| serde_json::from_str::<Vec<Case>>(text).unwrap();
    let mut cases = read(include_str!("../ai/cases/ai_usage.json"));
    cases.extend(read(include_str!("../ai/cases/siblings.json")));
    cases
}

impl Case {
    pub fn providers(&self) -> Providers {
        match &self.compatible {
            Some([host, system]) => Providers::new().compatible(host, system),
            None => Providers::new(),
        }
    }

    /// That a span tells what it has to.
    #[track_caller]
    pub fn assert_told(&self, span: &ReceivedSpan, how: &str) {
        let Expect { name, status, status_contains, attributes, absent, .. } = &self.expect;
        let at = format!("{} {how}: {span:#?}", self.id);
        if let Some(name) = name {
            assert_eq!(span.name, format!("paid.trace.{name}"), "{at}");
        }
        let is_ok = status.as_deref() != Some("ERROR");
        assert_eq!(span.status.code == StatusCode::Ok, is_ok, "{at}");
        if let Some(part) = status_contains {
            assert!(span.status.message.contains(part), "{at}");
        }
        for (key, expected) in attributes {
            let told = span.attribute(key).map_or(Value::Null, AttributeValue::to_json);
            assert_eq!(&told, expected, "{key} of {at}");
        }
        for key in absent {
            assert_eq!(span.attribute(key), None, "{key} of {at}");
        }
    }
}

impl Answer {
    pub fn chunks(&self) -> Vec<Vec<u8>> {
        self.response_chunks.iter().map(bytes).collect()
    }

    pub fn body(&self) -> Vec<u8> {
        self.chunks().concat()
    }
}

fn bytes(chunk: &Value) -> Vec<u8> {
    match chunk {
        Value::String(text) => text.clone().into_bytes(),
        chunk => match chunk["hex"].as_str() {
            Some(hex) => (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect(),
            None => frame(&chunk["headers"], &chunk["payload"]),
        },
    }
}

/// A message of an AWS event stream.
fn frame(headers: &Value, payload: &Value) -> Vec<u8> {
    let length = |length: usize| u32::try_from(length).unwrap().to_be_bytes();
    let mut head = Vec::new();
    for (name, value) in headers.as_object().unwrap() {
        let value = value.as_str().unwrap();
        head.push(u8::try_from(name.len()).unwrap());
        head.extend_from_slice(name.as_bytes());
        head.push(7);
        head.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        head.extend_from_slice(value.as_bytes());
    }
    let payload = payload.to_string();
    let mut bytes = [length(16 + head.len() + payload.len()), length(head.len())].concat();
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(payload.as_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes
}
