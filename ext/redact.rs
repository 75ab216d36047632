//! Texts of errors without what must not leave the process: keys, addresses, and answers that an error quotes.
//!
//! A word is a key by how it begins (`sk-`, `AIza`), by the name before it (`api_key=`, `"token": "`), by the scheme
//! before it (`Bearer`), or by its shape (32 hexadecimal digits). What only resembles one by chance is lost from the text;
//! that is the cheaper mistake.

use std::borrow::Cow;

mod quotes;
mod words;

pub(crate) use quotes::may_quote_an_answer;

/// The longest text of an error on a span, in characters.
const LONGEST: usize = 1000;
/// What is read of a text in bytes; redacting shortens it, so it is more than is kept.
const READ: usize = 16 * 1024;
/// The longest text that is kept with `store_prompt`, in bytes.
const LONGEST_KEPT: usize = 64 * 1024;

/// A text without keys, URLs and quoted answers, cut to 1,000 characters.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    let read = start_of(text, READ);
    let text =
        through(through(through(read.into(), quotes::without_quotes), without_urls), words::without_keys);
    match text.char_indices().nth(LONGEST) {
        None => text,
        Some((end, _)) => match text {
            Cow::Borrowed(text) => text.get(..end).unwrap_or_default().into(),
            Cow::Owned(mut text) => {
                text.truncate(end);
                text.into()
            }
        },
    }
}

/// A text as it is, but for the keys in it, for a scope that stores content. It is cut so that its span can be sent.
pub(crate) fn redact_keys(text: &str) -> Cow<'_, str> {
    words::without_keys(start_of(text, LONGEST_KEPT))
}

fn through<'a>(text: Cow<'a, str>, pass: fn(&str) -> Cow<'_, str>) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => pass(text),
        Cow::Owned(text) => match pass(&text) {
            Cow::Borrowed(_) => text.into(),
            Cow::Owned(text) => text.into(),
        },
    }
}

/// As much of a text as fits into so many bytes, without a word at its end that the cut may have broken: half a key is
/// not recognised as one.
fn start_of(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let cut = (0..=bytes).rev().find(|&end| text.is_char_boundary(end)).unwrap_or_default();
    let start = text.get(..cut).unwrap_or_default();
    match start.rfind(char::is_whitespace) {
        Some(end) => start.get(..end).unwrap_or_default(),
        // One word of this length is no sentence; only its own start can be shown.
        None => start,
    }
}

fn without_urls(text: &str) -> Cow<'_, str> {
    const MARK: &str = "://";
    if !text.contains(MARK) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(MARK) {
        let (before, after) = rest.split_at(at);
        let scheme = before.len() - before.trim_end_matches(|c: char| c.is_ascii_alphanumeric()).len();
        out.push_str(before.get(..before.len() - scheme).unwrap_or_default());
        out.push_str("[url]");
        // A URL may hold brackets; those at its end are the sentence's.
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>'));
        let (url, behind) = after.split_at(end.unwrap_or(after.len()));
        out.push_str(
            url.get(url.trim_end_matches([')', ']', '}', '.', ',', ';', ':']).len()..).unwrap_or_default(),
        );
        rest = behind;
    }
    out.push_str(rest);
    out.into()
}

#[cfg(test)]
mod tests;
