//! The engine as a whole: requests and answers as the providers write them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod answers;
mod bodies;
mod hiding;
mod interactions;
mod json;
mod memory;
mod requests;
mod seeds;
mod unhappy;

use super::measure::{Measure, Verdict};
use super::recognize::{Recognized, Request, recognize};
use super::{Provider, Providers};

/// What comes back for a request.
struct Answer {
    url: &'static str,
    request: &'static str,
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
}

impl Answer {
    fn new(
        url: &'static str,
        request: &'static str,
        content_type: &'static str,
        body: impl Into<Vec<u8>>,
    ) -> Self {
        Answer { url, request, status: 200, headers: vec![("content-type", content_type)], body: body.into() }
    }

    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    fn measure(&self) -> Measure {
        let mut measure = Measure::new(&recognized(self.url, self.request).unwrap());
        measure.answered(self.status, |name| {
            self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
        });
        measure
    }

    /// The verdict on a body that comes in these pieces, and how many of them it took.
    fn fed<'a>(&self, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Told, usize) {
        let mut measure = self.measure();
        let mut count = 0;
        for piece in pieces {
            count += 1;
            if let Some(verdict) = measure.feed(piece) {
                return (told(verdict), count);
            }
        }
        (told(measure.end().unwrap()), count + 1)
    }

    fn told(&self) -> Told {
        self.fed([&self.body[..]]).0
    }

    /// What is told if the body is dropped after so many bytes.
    fn dropped_after(&self, bytes: usize) -> Told {
        let mut measure = self.measure();
        match measure.feed(&self.body[..bytes]) {
            Some(verdict) => told(verdict),
            None => told(measure.dropped(false).unwrap()),
        }
    }
}

/// A verdict: `key=value` for each attribute, and the span's status.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    attributes: Vec<String>,
    status: String,
}

fn told(verdict: Verdict) -> Told {
    let short = |key: &str| key.trim_start_matches("gen_ai.").trim_start_matches("usage.").to_string();
    // Most answers have an id and reasons; they have tests of their own.
    let is_of_price = |one: &&opentelemetry::KeyValue| {
        !["gen_ai.response.id", "gen_ai.response.finish_reasons"].contains(&one.key.as_str())
    };
    let attributes = verdict.attributes.iter().filter(is_of_price);
    let status = match verdict.outcome.into_status(false).0 {
        crate::ext::delivery::Status::Error(message) => message,
        status => format!("{status:?}"),
    };
    Told {
        attributes: attributes.map(|one| format!("{}={}", short(one.key.as_str()), one.value)).collect(),
        status,
    }
}

fn recognized(url: &str, body: &str) -> Option<Recognized> {
    let providers = Providers::new()
        .host("gateway.example", Provider::Anthropic)
        .host("127.0.0.1:8080", Provider::Bedrock)
        .compatible("api.groq.com", "groq");
    let (host, path) = url.strip_prefix("https://").unwrap().split_once('/').unwrap();
    let path = format!("/{path}");
    recognize(&providers, &Request { method: "POST", host, path: &path, body: Some(body.as_bytes()) })
}
