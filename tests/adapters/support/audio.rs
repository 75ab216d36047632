//! Recordings that are sent to be transcribed by OpenAI.

use std::path::PathBuf;

use paid_sandbox::{AttributeValue, ReceivedRequest, ReceivedSpan};

use super::spans::{assert_ok, attributes};

pub const PATH: &str = "/v1/audio/transcriptions";
const SECONDS: &str = "gen_ai.audio.input_duration_seconds";

pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("audio").join(name)
}

pub fn sample(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

/// A recording of so many tenths of a second.
pub fn tenths(number: usize) -> Vec<u8> {
    let mut file = sample("piped.wav");
    file.resize(78 + 1600 * number, 0);
    file
}

pub fn seconds(span: &ReceivedSpan) -> Option<f64> {
    match span.attribute(SECONDS)? {
        AttributeValue::Double(seconds) => Some(*seconds),
        other => panic!("no float: {other:?}"),
    }
}

/// That a call went well, and its span tells nothing but what it has to.
#[track_caller]
pub fn assert_measured(span: &ReceivedSpan, expected: f64) {
    assert_eq!(span.name, "paid.trace.openai.audio.transcriptions.create");
    assert_ok(span);
    let found = seconds(span).unwrap();
    assert!((found - expected).abs() < 0.001, "{found} is not {expected}");
    let mut rest = attributes(span);
    rest.remove(SECONDS);
    let rest: Vec<_> = rest.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    let told =
        ["gen_ai.operation.name=transcription", "gen_ai.request.model=whisper-1", "gen_ai.system=openai"];
    assert_eq!(rest, told);
}

/// That of a crowd's uploads each is as long as its number says.
#[track_caller]
pub fn assert_each_is_longer_by_a_tenth(calls: &[ReceivedSpan]) {
    for (number, call) in calls.iter().enumerate() {
        let found = seconds(call).unwrap();
        assert!((found - (number + 1) as f64 / 10.0).abs() < 1e-6, "{number}: {found}");
    }
}

/// The line between the parts of a form, which is another one each time.
pub fn boundary(request: &ReceivedRequest) -> &str {
    request.header("content-type").unwrap().split_once("boundary=").unwrap().1
}

/// A form without the lines between its parts.
pub fn without_boundary(request: &ReceivedRequest) -> Vec<u8> {
    let boundary = boundary(request);
    let (mut body, mut from) = (Vec::new(), 0);
    for at in memchr::memmem::find_iter(request.body(), boundary) {
        body.extend_from_slice(&request.body()[from..at]);
        from = at + boundary.len();
    }
    body.extend_from_slice(&request.body()[from..]);
    body
}
