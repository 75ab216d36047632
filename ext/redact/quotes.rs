//! Errors of deserializers quote what they can't read, which may be a model's answer.

use std::borrow::Cow;

/// Crates whose errors are made of the text that they read.
const READERS: [&str; 12] = [
    "serde_json::",
    "serde_path_to_error::",
    "simd_json::",
    "sonic_rs::",
    "serde_yaml::",
    "serde_yaml_ng::",
    "serde_urlencoded::",
    "serde_html_form::",
    "toml::",
    "ron::",
    "quick_xml::",
    "jsonschema::",
];

/// Whether errors of this type quote what they read; such an error is told by its type only.
pub(crate) fn may_quote_an_answer(type_name: &str) -> bool {
    // The type itself, or what a box, a reference or an `Arc` holds.
    let mut paths = type_name.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | ':'));
    paths.any(|path| READERS.iter().any(|reader| path.starts_with(reader)))
}

/// What serde's errors say before they quote a value, and clients before they quote a body.
const BEFORE_VALUE: [&str; 5] = [
    "invalid type: string ",
    "invalid value: string ",
    "invalid type: byte array ",
    "unknown variant ",
    "unknown field ",
];
const BEFORE_BODY: [&str; 2] = [" content:", "response body: "];

/// A text without the values that serde quotes, and without what follows the words `failed to deserialize`.
pub(super) fn without_quotes(text: &str) -> Cow<'_, str> {
    let text = match text.find("failed to deserialize") {
        Some(at) => {
            let body = BEFORE_BODY.iter().filter_map(|mark| Some(at + text.get(at..)?.find(mark)?)).min();
            body.and_then(|end| text.get(..end)).unwrap_or(text)
        }
        None => text,
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some((at, mark)) =
        BEFORE_VALUE.iter().filter_map(|mark| Some((rest.find(mark)?, *mark))).min_by_key(|(at, _)| *at)
    {
        let (before, after) = rest.split_at(at + mark.len());
        out.push_str(before);
        rest = match after.split_at_checked(quoted(after)) {
            Some(("", after)) => after,
            Some((_, after)) => {
                out.push_str("[value]");
                after
            }
            None => "",
        };
    }
    if rest.len() == text.len() {
        return text.into();
    }
    out.push_str(rest);
    out.into()
}

/// How long the quoted value is that a text begins with.
fn quoted(text: &str) -> usize {
    let mut letters = text.char_indices();
    let Some((_, quote @ ('"' | '`' | '\''))) = letters.next() else { return 0 };
    let mut escaped = false;
    for (at, letter) in letters {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            letter if letter == quote => return at + 1,
            _ => {}
        }
    }
    // Its end was cut off.
    text.len()
}
