//! The recordings, read from `rest/*.jsonl`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::server::Answer;

/// One file.
pub struct Recording {
    pub lines: usize,
    pub steps: Vec<Step>,
}

/// One line: what was asked for, what went over the wire, what came of it.
#[derive(Deserialize)]
pub struct Step {
    #[serde(rename = "step")]
    pub name: String,
    pub input: Value,
    pub exchanges: Vec<Exchange>,
    pub outcome: Outcome,
}

#[derive(Deserialize)]
pub struct Exchange {
    pub request: Request,
    #[serde(deserialize_with = "answer")]
    pub answer: Answer,
}

/// What must arrive. No body means that none may be sent.
#[derive(Deserialize)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub headers: BTreeMap<String, String>,
    pub body: Option<Value>,
}

/// A good answer, unless there is an error.
#[derive(Deserialize)]
pub struct Outcome {
    pub error: Option<Failure>,
}

/// What the error says, as far as it was recorded.
#[derive(Deserialize)]
pub struct Failure {
    pub status_code: Option<u16>,
    pub body: Option<Value>,
}

/// Every file, by name.
pub fn all() -> Vec<Recording> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/rest");
    let mut files: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "there are no recordings in {folder:?}");
    files.iter().map(|file| read(file)).collect()
}

fn read(file: &Path) -> Recording {
    let text = std::fs::read_to_string(file).unwrap();
    let operation = file.file_stem().unwrap().to_str().unwrap();
    let steps = text.lines().map(|line| {
        let mut step: Step =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{operation}: {error}"));
        step.name = format!("{operation}, {}", step.name);
        step
    });
    Recording { lines: text.lines().count(), steps: steps.collect() }
}

/// An answer has its body as `json` or as `text`, or has none.
fn answer<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Answer, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Recorded {
        status: u16,
        headers: BTreeMap<String, String>,
        #[serde(default, deserialize_with = "present")]
        json: Option<Value>,
        text: Option<String>,
    }
    let recorded = Recorded::deserialize(deserializer)?;
    let mut headers: Vec<_> = recorded.headers.into_iter().collect();
    if recorded.json.is_some() {
        headers.push(("content-type".into(), "application/json".into()));
    }
    let json = recorded.json.map(|json| json.to_string());
    let body = json.or(recorded.text).unwrap_or_default().into_bytes();
    Ok(Answer { status: recorded.status, headers, body })
}

/// A null that is there is a body of `null`.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
