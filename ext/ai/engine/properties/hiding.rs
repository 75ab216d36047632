//! The usage chunk is hidden, and nothing else is.

use bytes::Bytes;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::super::hide::{HideUsage, MOST_HELD};
use super::super::sse::{Piece, Sse};
use super::{Input, shown};

/// Whoever cuts the stream gets all of it but the usage chunks.
pub(super) fn holds(input: &Input<'_>) {
    let whole = passed(&[input.body]);
    let bytes: Vec<&[u8]> = input.body.chunks(1).collect();
    for pieces in [input.pieces(), bytes] {
        let cut = passed(&pieces);
        assert!(cut == whole, "{} or {} of {}", shown(&cut), shown(&whole), shown(input.body));
    }
    let mut rest = &whole[..];
    for (event, fate) in events(input.body) {
        match fate {
            Fate::Hides => {}
            Fate::Passes => rest = after(rest, event, input),
            // Keys that are there twice mean what a reader takes them for.
            Fate::Either => rest = rest.strip_prefix(event).unwrap_or(rest),
        }
    }
    assert!(rest.is_empty(), "{} is made up", shown(rest));
}

fn after<'a>(rest: &'a [u8], event: &[u8], input: &Input<'_>) -> &'a [u8] {
    rest.strip_prefix(event).unwrap_or_else(|| panic!("{} is lost of {}", shown(event), shown(input.body)))
}

fn passed(pieces: &[&[u8]]) -> Vec<u8> {
    let mut hide = HideUsage::new("text/event-stream").unwrap();
    let (mut out, mut fed): (Vec<u8>, usize) = (Vec::new(), 0);
    for piece in pieces {
        fed += piece.len();
        out.extend_from_slice(&hide.filter(Bytes::copy_from_slice(piece)));
        assert!(out.len() <= fed && hide.held() <= 2 * MOST_HELD, "{} held", hide.held());
    }
    out.extend_from_slice(&hide.end());
    out
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Passes,
    Hides,
    Either,
}

/// The events with the lines that divide them, and what is to become of each; the last one may be without its end.
fn events(body: &[u8]) -> Vec<(&[u8], Fate)> {
    let (mut found, mut begin) = (Vec::new(), 0);
    let (mut data, mut empty_line) = (Vec::new(), false);
    let mut at = 0;
    while at < body.len() {
        let line = body[at..].iter().position(|byte| matches!(byte, b'\r' | b'\n')).map(|end| at + end);
        let Some(end) = line else { break };
        let next = end + if body[end..].starts_with(b"\r\n") { 2 } else { 1 };
        empty_line |= end == at;
        let line = &body[at..end];
        if let Some(value) = value_of(line) {
            data.push(value);
        }
        at = next;
        if std::mem::take(&mut empty_line) {
            found.push((&body[begin..next], fate(&data.join(&b'\n'), next - begin)));
            (begin, data) = (next, Vec::new());
        }
    }
    found.push((&body[begin..], Fate::Passes));
    found
}

/// The value of a line of data.
fn value_of(line: &[u8]) -> Option<&[u8]> {
    let (mut sse, mut rest, mut value) = (Sse::default(), line, None);
    while let Some(piece) = sse.next(&mut rest) {
        if let Piece::Data(bytes) = piece {
            value = Some(bytes);
        }
    }
    value
}

fn fate(data: &[u8], length: usize) -> Fate {
    let Ok(chunk) = serde_json::from_slice::<serde_json::Value>(data) else { return Fate::Passes };
    let usage = chunk.get("usage").and_then(serde_json::Value::as_object);
    let counts = ["prompt_tokens", "completion_tokens", "total_tokens"];
    let is_counted = usage.is_some_and(|usage| counts.iter().any(|key| usage.contains_key(*key)));
    let is_null = |key: &str| chunk.get(key).is_none_or(serde_json::Value::is_null);
    let is_usage = usage.is_some_and(|usage| !usage.is_empty())
        && match chunk.get("choices") {
            Some(serde_json::Value::Array(choices)) => choices.is_empty(),
            None | Some(serde_json::Value::Null) => is_counted && is_null("type") && is_null("error"),
            _ => false,
        };
    if !is_usage {
        return Fate::Passes;
    }
    // A count lies just below.
    let plain =
        usage.is_some_and(|usage| usage.values().any(|value| !value.is_object() && !value.is_array()));
    if plain && length < MOST_HELD && keys_are_there_once(data) { Fate::Hides } else { Fate::Either }
}

fn keys_are_there_once(data: &[u8]) -> bool {
    struct Keys;
    impl<'de> Visitor<'de> for Keys {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<String>, A::Error> {
            let mut keys = Vec::new();
            while let Some((key, IgnoredAny)) = map.next_entry()? {
                keys.push(key);
            }
            Ok(keys)
        }
    }
    let Ok(mut keys) = serde_json::Deserializer::from_slice(data).deserialize_map(Keys) else { return false };
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    keys.len() == count
}
