//! What a span tells of an error of `gemini-rust`.

use std::any::type_name;

use gemini_rust::client::Error;

use crate::ext::ai::engine::Watch;

/// The provider's own error says it better than the crate's.
pub(super) fn fail(watch: &mut Watch, error: &Error) {
    if let Error::BadResponse { code, description } = error {
        watch.answered(*code, |_| None);
        watch.feed(description.as_deref().unwrap_or_default().as_bytes());
        watch.end();
        return;
    }
    // What comes from below; of JSON that is none, it would quote the answer.
    let cause = match error {
        Error::PerformRequestNew { source } | Error::DecodeResponse { source } if source.is_timeout() => {
            "timed out".into()
        }
        Error::PerformRequestNew { source } | Error::DecodeResponse { source } => source.to_string(),
        _ => String::new(),
    };
    let separator = if cause.is_empty() { "" } else { ": " };
    watch.fail_as(type_name::<Error>(), &format!("{error}{separator}{cause}"));
}
