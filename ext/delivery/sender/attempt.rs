//! One request, and what its answer means.

use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};

use super::batch::Body;
use crate::ext::delivery::records::{PartialSuccess, partial_success};
use crate::transport;

/// Until the answer is complete, however slowly it comes.
const ATTEMPT: Duration = Duration::from_secs(30);
/// How much of an answer goes into a report.
const REASON: usize = 200;

/// What an answer means for the spans that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All but what it says.
    Taken(PartialSuccess),
    /// The collector will never take the request as it is.
    Refused { status: u16, reason: String },
    /// Again, not before so long.
    Later { problem: String, wait: Option<Duration> },
}

pub(super) async fn attempt(client: reqwest::Client, endpoint: reqwest::Url, body: Body) -> Verdict {
    let mut request = client
        .post(endpoint)
        .header(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"))
        .timeout(ATTEMPT);
    if body.compressed {
        request = request.header(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let answer = match request.body(body.bytes).send().await {
        Ok(answer) => answer,
        Err(error) => return Verdict::Later { problem: transport::reason(&error), wait: None },
    };
    let status = answer.status().as_u16();
    let wait = transport::retry_after(answer.headers(), SystemTime::now());
    match answer.bytes().await {
        Ok(text) => judge(status, wait, &text),
        Err(error) => Verdict::Later { problem: transport::reason(&error), wait },
    }
}

fn judge(status: u16, wait: Option<Duration>, answer: &[u8]) -> Verdict {
    match status {
        200..=299 => Verdict::Taken(partial_success(answer)),
        400 | 413 | 415 => Verdict::Refused { status, reason: text(answer) },
        _ => Verdict::Later { problem: format!("the collector answered {status}"), wait },
    }
}

/// What can be read of an answer: JSON as it is, protobuf without its numbers.
fn text(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    text.chars().filter(|c| !c.is_control() && *c != char::REPLACEMENT_CHARACTER).take(REASON).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn every_status_has_its_meaning() {
        for status in [200, 202, 204] {
            assert_eq!(judge(status, None, b""), Verdict::Taken(PartialSuccess::default()));
        }
        for status in [400, 413, 415] {
            let refused = Verdict::Refused { status, reason: "no".into() };
            assert_eq!(judge(status, None, b"\x08\x03\x12\x02no"), refused);
        }
        for status in [301, 401, 403, 404, 408, 422, 429, 500, 502, 503, 504] {
            let wait = Some(Duration::from_secs(3));
            let Verdict::Later { problem, wait: kept } = judge(status, wait, b"") else { panic!("{status}") };
            assert_eq!(kept, wait);
            assert!(problem.contains(&status.to_string()), "{problem}");
        }
    }
}
