//! What a provider says of a call that failed.

use super::json::{Scalar, Visitor};

/// The error of an answer, as far as it is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProviderError {
    kind: Option<(u8, String)>,
    message: Option<String>,
}

impl ProviderError {
    pub fn new(kind: &str, message: &str) -> Self {
        let text = |text: &str| Some(text.to_string()).filter(|text| !text.is_empty());
        ProviderError { kind: text(kind).map(|kind| (0, kind)), message: text(message) }
    }

    pub fn is_told(&self) -> bool {
        self.kind.is_some() || self.message.is_some()
    }

    /// Takes a value from an object that describes an error.
    pub fn note(&mut self, key: &str, value: Scalar<'_>) {
        let (Scalar::Text(text) | Scalar::Start(text)) = value else { return };
        // Some services write an empty one into every answer.
        if text.is_empty() {
            return;
        }
        // The type says more than the code, which some leave at null, and the code more than the status.
        let rank = match key {
            "type" => 0,
            "code" | "__type" => 1,
            "status" => 2,
            "message" | "Message" => {
                self.message = Some(text.to_string());
                return;
            }
            _ => return,
        };
        if self.kind.as_ref().is_none_or(|(known, _)| rank < *known) {
            self.kind = Some((rank, text.to_string()));
        }
    }

    /// Takes a value of a whole answer, where it belongs to `error`.
    pub fn note_in(&mut self, path: &[&str], value: Scalar<'_>) {
        match path {
            ["error"] => self.note("message", value),
            ["error", key] => self.note(key, value),
            _ => {}
        }
    }

    pub fn kind(&self) -> Option<&str> {
        self.kind.as_ref().map(|(_, kind)| kind.as_str())
    }

    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

/// The body of an answer with a status of failure: providers differ in where they tell what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Refusal(pub ProviderError);

impl Visitor for Refusal {
    fn scalar(&mut self, path: &[&str], value: Scalar<'_>) {
        // Gemini's streams answer with a list.
        let path = match path {
            ["", rest @ ..] => rest,
            path => path,
        };
        match path {
            // `{"type": "error", "error": {..}}` says nothing with its own type.
            ["type"] if value == Scalar::Text("error") => {}
            ["detail"] | ["detail", "", "msg"] => self.0.note("message", value),
            [key] if *key != "error" => self.0.note(key, value),
            path => self.0.note_in(path, value),
        }
    }
}

/// Text without URLs, which may hold keys, and without keys.
pub(crate) fn without_secrets(text: &str) -> String {
    without_keys(&without_urls(text))
}

fn without_urls(text: &str) -> String {
    const MARK: &str = "://";
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
    out
}

/// How keys begin: OpenAI's and Anthropic's, Google's, AWS's, and those of many gateways.
const KEYS: [&str; 6] = ["sk-", "sk_", "AIza", "AKIA", "ASIA", "ya29."];
/// No word of a sentence is a key; these are longer.
const LEAST_KEY: usize = 12;

/// Text without what looks like a key, which some services repeat when they refuse it.
fn without_keys(text: &str) -> String {
    let is_of_word =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*' | '/' | '+' | '=');
    let mut out = String::with_capacity(text.len());
    let mut after_bearer = false;
    for part in text.split_inclusive(|c: char| !is_of_word(c)) {
        let word = part.trim_end_matches(|c: char| !is_of_word(c));
        let is_key =
            word.len() >= LEAST_KEY && (after_bearer || KEYS.iter().any(|key| word.starts_with(key)));
        out.push_str(if is_key { "[key]" } else { word });
        out.push_str(part.get(word.len()..).unwrap_or_default());
        after_bearer = word.eq_ignore_ascii_case("bearer") || (after_bearer && word.is_empty());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::ai::engine::json::Scanner;

    #[test]
    fn keys_are_left_out_and_words_are_not() {
        for (text, told) in [
            (
                "Incorrect API key provided: sk-proj-abc123def456. You",
                "Incorrect API key provided: [key] You",
            ),
            ("Received API Key = sk-live-0123456789, Key Hash", "Received API Key = [key], Key Hash"),
            ("Authorization: Bearer eyJhbGciOi.J9-_x=, no", "Authorization: Bearer [key], no"),
            ("key 'AIzaSyA-1234567890' is bad", "key '[key]' is bad"),
            (
                "the sk- prefix, bearer tokens, ünïcode and gpt-4.1-mini-2025-04-14",
                "the sk- prefix, bearer tokens, ünïcode and gpt-4.1-mini-2025-04-14",
            ),
            ("", ""),
        ] {
            assert_eq!(without_keys(text), told);
        }
    }

    fn told(body: &str) -> (Option<String>, Option<String>) {
        let (mut refusal, mut scanner) = (Refusal::default(), Scanner::default());
        scanner.feed(body.as_bytes(), &mut refusal);
        (refusal.0.kind().map(str::to_string), refusal.0.message().map(str::to_string))
    }

    #[test]
    fn the_providers_words_are_found_where_each_puts_them() {
        for (body, kind, message) in [
            (
                r#"{"error":{"message":"Rate limit","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#,
                "requests",
                "Rate limit",
            ),
            (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"}"#,
                "overloaded_error",
                "Overloaded",
            ),
            (
                r#"[{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED"}}]"#,
                "RESOURCE_EXHAUSTED",
                "Quota",
            ),
            (
                r#"{"object":"error","message":"No model","type":"invalid_model","code":"1500"}"#,
                "invalid_model",
                "No model",
            ),
            (r#"{"error":{"code":"DeploymentNotFound","message":"None"}}"#, "DeploymentNotFound", "None"),
            (r#"{"__type":"ThrottlingException","message":"Slow down"}"#, "ThrottlingException", "Slow down"),
        ] {
            assert_eq!(told(body), (Some(kind.into()), Some(message.into())), "{body}");
        }
        assert_eq!(told(r#"{"detail":"Unauthorized"}"#), (None, Some("Unauthorized".into())));
        assert_eq!(told(r#"{"error":"boom"}"#), (None, Some("boom".into())));
        assert_eq!(told("<html>"), (None, None));
    }

    #[test]
    fn urls_are_left_out_of_texts() {
        for (text, expected) in [
            ("sending to (https://h/p?key=secret): refused", "sending to ([url]): refused"),
            ("see https://a.b/c(d)?e=f.", "see [url]."),
            ("\"http://a\" and 'wss://b'", "\"[url]\" and '[url]'"),
            ("a://b://c d", "[url] d"),
            ("://", "[url]"),
            ("plain: //text", "plain: //text"),
            ("äöü https://ü/ü ü", "äöü [url] ü"),
        ] {
            assert_eq!(without_urls(text), expected);
        }
    }
}
