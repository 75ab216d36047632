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

/// Whether TLS refused the server, which another attempt would find the same.
pub(crate) fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        // rustls reports what it refuses by this kind; the system's libraries by words.
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::InvalidData)
            || (error.downcast_ref::<reqwest::Error>().is_none() && error.to_string().contains("certificate"))
        {
            return true;
        }
        // The source of an I/O error is the source of what it wraps, not what it wraps.
        let wrapped = io.and_then(std::io::Error::get_ref).map(|wrapped| wrapped as &dyn std::error::Error);
        cause = wrapped.or_else(|| error.source());
    }
    false
}

/// What a lost attempt is called in log lines.
pub(super) fn code(error: &reqwest::Error) -> &'static str {
    match error {
        error if error.is_timeout() => "timeout",
        error if error.is_connect() && is_tls(error) => "tls",
        error if error.is_connect() => "connect",
        _ => "connection_lost",
    }
}

/// What the words of a TLS library do not say.
fn hint(reason: &str) -> Option<&'static str> {
    const HINTS: [(&str, &str); 6] = [
        (
            "InvalidContentType",
            "the server does not speak TLS there: is the URL's scheme http rather than https?",
        ),
        (
            "No CA certificates",
            "this system has no certificates to check servers by: install the package ca-certificates, or point \
             SSL_CERT_FILE to a bundle of them",
        ),
        (
            "UnknownIssuer",
            "the server's certificate comes from an authority that this system does not trust: install the \
             authority's certificate, or point SSL_CERT_FILE to a bundle with it",
        ),
        ("certificate expired", "the server's certificate is too old, or this system's clock is wrong"),
        ("not valid yet", "the server's certificate is not valid yet, or this system's clock is wrong"),
        ("not valid for name", "the server's certificate is for another host: is the URL right?"),
    ];
    HINTS.iter().find(|(words, _)| reason.contains(words)).map(|(_, hint)| *hint)
}
