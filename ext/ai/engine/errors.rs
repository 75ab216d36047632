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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::ai::engine::json::Scanner;

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
}
