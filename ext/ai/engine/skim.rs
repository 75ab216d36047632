//! Passes over events of a stream that tell nothing, without reading them: most are a word of the answer.

use std::sync::LazyLock;

use memchr::memchr2;
use memchr::memmem::Finder;

use super::recognize::Format;

/// An event that is there as a whole, and whose data is one line that begins as an object does.
pub(super) struct Event<'a> {
    pub data: &'a [u8],
    /// Of all of it, with the line ends.
    pub length: usize,
}

/// The event that these bytes begin with, if it is as simple as that, and is not named an error.
pub(super) fn whole_event(bytes: &[u8]) -> Option<Event<'_>> {
    let mut rest = bytes;
    if let Some(name) = rest.strip_prefix(b"event:") {
        let (name, after) = name.split_at(memchr2(b'\n', b'\r', name)?);
        if name.trim_ascii() == b"error" {
            return None;
        }
        rest = after.strip_prefix(b"\n").or_else(|| after.strip_prefix(b"\r\n"))?;
    }
    let data = rest.strip_prefix(b"data:")?;
    let data = data.strip_prefix(b" ").unwrap_or(data);
    if !data.starts_with(b"{") {
        return None;
    }
    let (data, after) = data.split_at(memchr2(b'\n', b'\r', data)?);
    let rest = after.strip_prefix(b"\n\n").or_else(|| after.strip_prefix(b"\r\n\r\n"))?;
    Some(Event { data, length: bytes.len() - rest.len() })
}

/// A key or a value as JSON has it, with its quotes: within a text, a quote has a backslash before it.
type Needle = LazyLock<Finder<'static>>;

static USAGE: Needle = LazyLock::new(|| Finder::new("\"usage\""));
static ERROR: Needle = LazyLock::new(|| Finder::new("\"error\""));
static FINISH_REASON: Needle = LazyLock::new(|| Finder::new("\"finish_reason\""));
static RESPONSE_TYPE: Needle = LazyLock::new(|| Finder::new("\"response."));
static INTERACTION: Needle = LazyLock::new(|| Finder::new("\"interaction"));
static TOTAL_USAGE: Needle = LazyLock::new(|| Finder::new("\"total_usage\""));
static MESSAGE_TYPE: Needle = LazyLock::new(|| Finder::new("\"message_"));
/// Of a letter, with which a key may be written, too.
static ESCAPE: Needle = LazyLock::new(|| Finder::new("\\u00"));

/// Whether an event has to be read, for what it may tell of the usage, the end, or an error.
///
/// The name of the model does not count: it has to be known before, and events that tell nothing else don't change it.
pub(super) fn may_tell(format: Format, data: &[u8]) -> bool {
    let told = match format {
        Format::Chat | Format::MistralChat => is_set(&FINISH_REASON, data),
        // The type comes first, and is that of a word of the answer.
        Format::Responses => match data.strip_prefix(b"{\"type\":\"response.").map(without_delta) {
            Some(Some(rest)) => RESPONSE_TYPE.find(rest).is_some(),
            _ => true,
        },
        // As a key and in types; the type may come last.
        Format::Interactions => INTERACTION.find(data).is_some() || is_set(&TOTAL_USAGE, data),
        Format::Messages => MESSAGE_TYPE.find(data).is_some(),
        _ => true,
    };
    told || may_hold_usage(data) || is_set(&ERROR, data)
}

/// What comes after the rest of a type, if it ends with `.delta`.
fn without_delta(data: &[u8]) -> Option<&[u8]> {
    let (name, rest) = data.split_at(memchr2(b'"', b'\\', data)?);
    name.ends_with(b".delta").then_some(rest)
}

/// Whether an event may be one with counts.
pub(super) fn may_hold_usage(data: &[u8]) -> bool {
    is_set(&USAGE, data) || ESCAPE.find(data).is_some()
}

/// Whether it is there, but as a key of null.
fn is_set(needle: &Finder<'_>, data: &[u8]) -> bool {
    needle.find_iter(data).any(|at| {
        let after = data.get(at + needle.needle().len()..).unwrap_or_default();
        let value = after.trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start);
        let rest = value.and_then(|value| value.strip_prefix(b"null"));
        !rest.is_some_and(|rest| matches!(rest.first(), Some(b',' | b'}')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_and_plain_events_are_passed_over() {
        for (bytes, data) in [
            ("data: {}\n\nmore", Some("{}")),
            ("data:{}\r\n\r\n", Some("{}")),
            ("event: a\ndata: {\"b\":1}\n\n", Some("{\"b\":1}")),
            ("event:a\r\ndata: {}\r\n\r\n", Some("{}")),
            ("event: error\ndata: {}\n\n", None),
            ("data: {}\n", None),
            ("data: {}\r\n\r", None),
            ("data: {}\n\r\n", None),
            ("data: {}\nid: 1\n\n", None),
            ("data: {\ndata: }\n\n", None),
            ("data: {\r}\n\n", None),
            ("data: [DONE]\n\n", None),
            ("data:  {}\n\n", None),
            (": comment\n\n", None),
            ("data", None),
            ("", None),
        ] {
            let event = whole_event(bytes.as_bytes());
            assert_eq!(event.as_ref().map(|event| event.data), data.map(str::as_bytes), "{bytes:?}");
            let rest = event.and_then(|event| bytes.get(event.length..));
            assert!(rest.is_none_or(|rest| rest.is_empty() || rest == "more"), "{bytes:?}");
        }
    }

    #[test]
    fn what_may_tell_something_is_read() {
        let delta = r#"{"type":"response.output_text.delta","delta":"\"usage\": 1"}"#;
        for (format, data, tells) in [
            (
                Format::Chat,
                r#"{"choices":[{"delta":{"content":"\"usage\":1"},"finish_reason":null}],"usage":null}"#,
                false,
            ),
            (Format::Chat, r#"{"choices":[{"delta":{},"finish_reason": "stop"}]}"#, true),
            (Format::Chat, r#"{"usage" : null , "x":1}"#, true),
            (Format::Chat, r#"{"usage":null}"#, false),
            (Format::Chat, r#"{"usage":{"prompt_tokens":1}}"#, true),
            (Format::Chat, r#"{"usage":null,"a":{"usage":{}}}"#, true),
            (Format::Chat, r#"{"\u0075sage":{}}"#, true),
            (Format::Chat, r#"{"error":"oh"}"#, true),
            (Format::MistralChat, r#"{"object":"error"}"#, true),
            (Format::Responses, delta, false),
            (Format::Responses, r#"{"type":"response.failed","a":"x.delta"}"#, true),
            (Format::Responses, r#"{"type":"response.a.delta","type":"response.failed"}"#, true),
            (Format::Responses, r#"{"a":"response.a.delta","type":"response.a.delta"}"#, true),
            (Format::Interactions, r#"{"index":1,"delta":{"text":"a"},"event_type":"step.delta"}"#, false),
            (Format::Interactions, r#"{"metadata":{"total_usage":{}},"event_type":"step.delta"}"#, true),
            (Format::Interactions, r#"{"interaction":{},"event_type":"interaction.completed"}"#, true),
            (Format::Interactions, r#"{"error":{},"event_type":"error"}"#, true),
            (Format::Responses, r#"{"type":"response.created","response":{"usage":null}}"#, true),
            (Format::Messages, r#"{"type":"content_block_delta","delta":{"text":"a message_stop"}}"#, false),
            (Format::Messages, r#"{"type":"message_stop"}"#, true),
            (Format::Messages, r#"{"type":"error"}"#, true),
            (Format::Gemini, "{}", true),
        ] {
            assert_eq!(may_tell(format, data.as_bytes()), tells, "{data}");
        }
    }
}
