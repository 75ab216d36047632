//! Why a request failed, in words that hold no URL.

/// The cause of an error, without its URL: that may hold ids, and the base URL's host is the user's own.
pub(crate) fn of(error: &(dyn std::error::Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        let text = match error.downcast_ref::<reqwest::Error>() {
            // Says only the kind and the URL; what happened is in its sources.
            Some(error) if std::error::Error::source(error).is_some() => String::new(),
            Some(error) if error.url().is_some() => "the request failed".to_string(),
            _ => error.to_string(),
        };
        if !text.is_empty() && !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        cause = error.source();
    }
    let reason = parts.join(": ");
    match hint(&reason) {
        Some(hint) => format!("{reason} ({hint})"),
        None => reason,
    }
}

/// What the words of a TLS library do not say.
fn hint(reason: &str) -> Option<&'static str> {
    reason
        .contains("InvalidContentType")
        .then_some("the server does not speak TLS there: is the URL's scheme http rather than https?")
}
