//! One request, and what its answer means.

use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};

use super::batch::Body;
use crate::ext::delivery::Settings;
use crate::ext::delivery::records::{PartialSuccess, partial_success};
use crate::transport;

/// Until the answer is complete, however slowly it comes.
const ATTEMPT: Duration = Duration::from_secs(30);
/// How much of an answer is read. What a collector has to say takes a few hundred bytes.
const MOST_ANSWER: usize = 64 * 1024;
/// How many characters of an answer go into a report.
const REASON: usize = 200;

/// What an answer means for the spans that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All but what it says.
    Taken(PartialSuccess),
    /// The collector will never take the request as it is.
    Refused { status: u16, reason: String },
    /// Again, not before so long.
    Later { problem: String, wait: Option<Duration>, cause: Cause },
}

/// Why an attempt is repeated, as far as it matters for when and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// It may pass by itself.
    Passing,
    /// A 413 that is no collector's: a proxy before it may have a bound of its own.
    TooLarge,
    /// A 400 or 415 that is no collector's: it may be about the compression.
    Unreadable,
    /// The collector's TLS, which somebody has to mend.
    Tls,
}

impl Verdict {
    pub fn later(problem: String) -> Verdict {
        Verdict::Later { problem, wait: None, cause: Cause::Passing }
    }
}

/// What of an answer's head is looked at.
struct Head {
    status: u16,
    /// In lower case, without parameters; empty if there is none.
    media: String,
    wait: Option<Duration>,
}

/// `acknowledged` says whether the collector has acknowledged spans before.
pub(super) async fn attempt(
    client: reqwest::Client,
    settings: &Settings,
    body: Body,
    acknowledged: bool,
) -> Verdict {
    let mut request = client
        .post(settings.endpoint.clone())
        .header(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"))
        .timeout(ATTEMPT);
    if body.compressed {
        request = request.header(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let mut answer = match request.body(body.bytes.clone()).send().await {
        Ok(answer) => answer,
        Err(error) => return unanswered(settings, &error, None),
    };
    let head = Head {
        status: answer.status().as_u16(),
        media: media(answer.headers().get(CONTENT_TYPE)),
        wait: transport::retry_after(answer.headers(), SystemTime::now()),
    };
    let mut text = Vec::new();
    while text.len() < MOST_ANSWER {
        match answer.chunk().await {
            Ok(Some(part)) => text.extend(part.iter().take(MOST_ANSWER - text.len())),
            Ok(None) => break,
            Err(error) => return unanswered(settings, &error, head.wait),
        }
    }
    judge(settings, &head, &text, acknowledged, |words| readable(words, &body.key))
}

fn judge(
    settings: &Settings,
    head: &Head,
    answer: &[u8],
    acknowledged: bool,
    readable: impl Fn(&str) -> String,
) -> Verdict {
    let Head { status, ref media, wait } = *head;
    let is_page = matches!(media.as_str(), "text/html" | "application/xhtml+xml");
    let is_otlp = media.ends_with("json") || media.contains("protobuf");
    let later = |cause: Cause, why: &str| Verdict::Later {
        problem: settings.about_collector(&format!("answered {status}{why}")),
        wait,
        cause,
    };
    match status {
        200..=299 if is_page => later(
            Cause::Passing,
            " with a page of HTML, as no collector does: check its URL and path, usually /v1/traces",
        ),
        200..=299 => {
            let PartialSuccess { rejected, message } = partial_success(answer);
            Verdict::Taken(PartialSuccess { rejected, message: readable(&message) })
        }
        400 | 413 | 415 if is_otlp || (answer.is_empty() && !is_page && acknowledged) => {
            Verdict::Refused { status, reason: readable(&String::from_utf8_lossy(answer)) }
        }
        400 | 413 | 415 => {
            let cause = if status == 413 { Cause::TooLarge } else { Cause::Unreadable };
            let wants_tls = String::from_utf8_lossy(answer).contains("HTTPS");
            later(
                cause,
                match wants_tls {
                    true => ": it speaks TLS on this port, so the URL has to begin with https",
                    false => ", but not as a collector does: check its URL, scheme, port and path",
                },
            )
        }
        300..=399 => later(Cause::Passing, ", a redirect, which is not followed: set the URL that it names"),
        401 | 403 => later(Cause::Passing, ": check the API key"),
        404 | 405 => later(Cause::Passing, ": check the path of its URL, usually /v1/traces"),
        _ => later(Cause::Passing, ""),
    }
}

/// There was no whole answer.
fn unanswered(settings: &Settings, error: &reqwest::Error, wait: Option<Duration>) -> Verdict {
    let reason = transport::reason(error);
    let has = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    let (does, cause) = if has(&["certificate"]) {
        let detail = reason.rsplit_once("peer certificate: ").map_or(reason.as_str(), |(_, detail)| detail);
        let detail = if detail == "UnknownIssuer" { "its issuer is not trusted here" } else { detail };
        (format!("has a TLS certificate that is not accepted: {detail}"), Cause::Tls)
    } else if has(&["InvalidContentType", "wrong version number", "HandshakeFailure", "ProtocolVersion"]) {
        (format!("can't be spoken to over TLS: {reason}"), Cause::Tls)
    } else if error.is_timeout() {
        (format!("gave no whole answer within {} s", ATTEMPT.as_secs()), Cause::Passing)
    } else if error.is_connect() {
        (format!("can't be reached: {reason}"), Cause::Passing)
    } else {
        (format!("gave no whole answer: {reason}"), Cause::Passing)
    };
    Verdict::Later { problem: settings.about_collector(&does), wait, cause }
}

fn media(header: Option<&HeaderValue>) -> String {
    let text = header.and_then(|header| header.to_str().ok()).unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The collector's words on one line, cut, without what a terminal or a log would take for more than text, and without
/// the key that the request held.
fn readable(words: &str, key: &str) -> String {
    let fine = |c: &char| !c.is_control() && !is_invisible(*c) && *c != char::REPLACEMENT_CHARACTER;
    let words: String = words.chars().filter(fine).collect();
    words.replace(key, "***").chars().take(REASON).collect()
}

/// Separators of lines, and marks that change the direction of text.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    /// What an answer with this status, content type and body means.
    fn judged(status: u16, media: &str, answer: &[u8], acknowledged: bool) -> Verdict {
        let settings = Settings::for_tests("http://gateway:4318/v1/traces");
        let head = Head { status, media: media.into(), wait: Some(Duration::from_secs(3)) };
        judge(&settings, &head, answer, acknowledged, |words| readable(words, "the_key"))
    }

    #[test]
    fn a_2xx_acknowledges_unless_it_is_a_page() {
        for status in [200, 202, 204] {
            for media in ["", "application/x-protobuf", "application/json", "text/plain"] {
                let taken = Verdict::Taken(PartialSuccess::default());
                assert_eq!(judged(status, media, b"", false), taken, "{status} {media}");
            }
            for media in ["text/html", "application/xhtml+xml"] {
                let held = judged(status, media, b"<html>", true);
                assert!(matches!(&held, Verdict::Later { problem, .. } if problem.contains("/v1/traces")));
            }
        }
    }

    #[test]
    fn only_an_answer_that_looks_like_a_collectors_refuses() {
        for status in [400, 413, 415] {
            for media in ["application/x-protobuf", "application/json", "application/problem+json"] {
                for acknowledged in [false, true] {
                    let refused = Verdict::Refused { status, reason: "no".into() };
                    assert_eq!(judged(status, media, b"\x08\x03\x12\x02no", acknowledged), refused);
                }
            }
            assert!(matches!(judged(status, "", b"", true), Verdict::Refused { .. }));
            for (media, answer, acknowledged) in [
                ("", &b""[..], false),
                ("text/html", b"", true),
                ("text/html", b"<html>", true),
                ("text/plain", b"no", true),
                ("", b"no", true),
            ] {
                let held = judged(status, media, answer, acknowledged);
                assert!(matches!(held, Verdict::Later { .. }), "{status} {media} {answer:?} {acknowledged}");
            }
        }
        let go = b"Client sent an HTTP request to an HTTPS server.\n";
        let held = judged(400, "text/plain", go, true);
        assert!(matches!(held, Verdict::Later { problem, .. } if problem.contains("https")));
    }

    #[test]
    fn any_other_status_is_held_and_names_the_collector_and_its_setting() {
        for status in [301, 401, 403, 404, 408, 422, 429, 500, 502, 503, 504] {
            let Verdict::Later { problem, wait, .. } = judged(status, "", b"", true) else {
                panic!("{status}")
            };
            assert_eq!(wait, Some(Duration::from_secs(3)));
            for word in [&status.to_string(), "collector gateway:4318", "PAID_OTEL_COLLECTOR_ENDPOINT"] {
                assert!(problem.contains(word), "{problem}");
            }
        }
    }

    #[test]
    fn words_are_cut_to_one_harmless_line_without_the_key() {
        let words = format!("bad\r\n\u{1b}[31m\u{202e}the_key {}", "x".repeat(500));
        let said = readable(&words, "the_key");
        assert!(said.starts_with("bad[31m*** xxx"), "{said}");
        assert_eq!(said.chars().count(), REASON);
    }
}
