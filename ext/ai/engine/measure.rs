//! What one call used and how it ended, from its answer. It records nothing and knows no scope.

use std::borrow::Cow;

use http::StatusCode;
use opentelemetry::KeyValue;

use super::errors::{ProviderError, Refusal};
use super::json::Scanner;
use super::reader::{Progress, Reader};
use super::recognize::{Format, Recognized, of_images};
use super::request::Body;
use super::unpack::Unpack;
use super::usage::{Counts, Usage};
use crate::ext::delivery::now_unix_nano;
use crate::ext::tracing::Outcome;

/// Says why a call's usage is not known, or not all of it.
pub(crate) const MISSING: &str = "paid.usage.missing";

/// A call that has ended.
#[derive(Debug, PartialEq)]
pub(crate) struct Verdict {
    pub attributes: Vec<KeyValue>,
    pub outcome: Outcome,
    /// When it ended, if that was before now.
    pub end_unix_nano: Option<u64>,
}

/// Follows one call.
#[derive(Debug)]
pub(crate) struct Measure {
    format: Format,
    stream: bool,
    on_success: Vec<KeyValue>,
    state: State,
    /// When the usage was told last, once it is enough.
    enough_at: Option<u64>,
    /// Of the audio, if the caller knows it.
    seconds: Option<f64>,
    /// The model that was asked for.
    model: Option<String>,
    reasoning_is_untold: bool,
    /// Of an answer that comes compressed.
    unpack: Option<Box<Unpack>>,
}

#[derive(Debug)]
enum State {
    Asked,
    Answered(Box<Reader>),
    Refused(Box<Refused>),
    Over,
}

/// An answer with a status of failure.
#[derive(Debug)]
struct Refused {
    status: u16,
    scanner: Scanner,
    refusal: Refusal,
}

/// Why a call ends.
enum End<'a> {
    Told,
    Body,
    Dropped { panicking: bool },
    Failed(&'a str, &'a str),
}

impl Measure {
    pub fn new(recognized: &Recognized) -> Self {
        Measure {
            format: recognized.format,
            stream: recognized.stream,
            on_success: recognized.on_success.clone(),
            state: State::Asked,
            enough_at: None,
            seconds: recognized.audio_seconds,
            model: recognized.model.clone(),
            reasoning_is_untold: recognized.reasoning_is_untold,
            unpack: None,
        }
    }

    /// What the request tells, where it was read only while it was sent.
    pub fn sent(&mut self, body: &Body) {
        self.stream |= body.stream;
        self.model = body.model.clone().or(self.model.take());
        self.seconds = body.audio_seconds.or(self.seconds);
        if self.format == Format::Images {
            self.on_success = of_images(body).into();
        }
    }

    /// How long the audio is that is sent; answers tell it rounded or not at all.
    pub fn audio_seconds(&mut self, seconds: f64) {
        self.seconds = Some(seconds).filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
    }

    /// The head of the answer.
    pub fn answered<'h>(&mut self, status: u16, header: impl Fn(&str) -> Option<&'h str>) {
        if !matches!(self.state, State::Asked) {
            return;
        }
        let encoding = header("content-encoding").unwrap_or_default().trim();
        let is_plain = encoding.is_empty() || encoding.eq_ignore_ascii_case("identity");
        self.unpack = Unpack::new(encoding).map(Box::new);
        if status >= 300 {
            let mut refusal = Refusal::default();
            if let Some(kind) = header("x-amzn-errortype") {
                let kind = kind.split(':').next().unwrap_or_default();
                refusal.0 = ProviderError::new(kind, "");
            }
            self.state = State::Refused(Box::new(Refused { status, scanner: Scanner::default(), refusal }));
            return;
        }
        let mut reader = if is_plain || self.unpack.is_some() {
            Reader::new(self.format, self.stream, header("content-type").unwrap_or_default())
        } else {
            Reader::unreadable(self.format, self.stream, "the answer is compressed")
        };
        reader.reasoning_is_untold(self.reasoning_is_untold);
        for name in ["x-gemini-service-tier", "x-amzn-bedrock-service-tier"] {
            reader.service_tier(header(name).unwrap_or_default().trim());
        }
        if self.format == Format::Invoke {
            let count = |name: &str| header(name)?.trim().parse().ok();
            reader.beside(Counts {
                input: count("x-amzn-bedrock-input-token-count"),
                output: count("x-amzn-bedrock-output-token-count"),
                cached: count("x-amzn-bedrock-cache-read-input-token-count"),
                cache_creation: count("x-amzn-bedrock-cache-write-input-token-count"),
                ..Counts::default()
            });
        }
        self.state = State::Answered(Box::new(reader));
    }

    /// More of the answer's body. The verdict comes as soon as nothing is to come that counts.
    pub fn feed(&mut self, bytes: &[u8]) -> Option<Verdict> {
        // Of an answer without a head, the body tells what it is.
        self.answered(200, |_| None);
        let Some(mut unpack) = self.unpack.take() else { return self.feed_plain(bytes) };
        let mut rest = bytes;
        let mut verdict = None;
        while verdict.is_none()
            && let Some(piece) = unpack.next(&mut rest)
        {
            verdict = self.feed_plain(piece);
        }
        if unpack.is_broken()
            && let State::Answered(reader) = &mut self.state
        {
            reader.give_up("the answer can't be unpacked");
        }
        self.unpack = Some(unpack);
        verdict
    }

    fn feed_plain(&mut self, bytes: &[u8]) -> Option<Verdict> {
        match &mut self.state {
            State::Answered(reader) => {
                reader.feed(bytes);
                match reader.progress() {
                    Progress::Reading => None,
                    Progress::Enough => {
                        self.enough_at = Some(now_unix_nano());
                        None
                    }
                    Progress::Done => {
                        self.enough_at = None;
                        self.over(&End::Told)
                    }
                }
            }
            State::Refused(refused) => {
                refused.scanner.feed(bytes, &mut refused.refusal);
                None
            }
            State::Asked | State::Over => None,
        }
    }

    /// The body has ended.
    pub fn end(&mut self) -> Option<Verdict> {
        self.answered(200, |_| None);
        if let State::Answered(reader) = &mut self.state {
            reader.end();
        }
        self.over(&End::Body)
    }

    /// The call failed on its way.
    pub fn fail(&mut self, kind: &str, message: &str) -> Option<Verdict> {
        self.over(&End::Failed(kind, message))
    }

    /// The caller is not interested any more.
    pub fn dropped(&mut self, panicking: bool) -> Option<Verdict> {
        self.over(&End::Dropped { panicking })
    }

    fn over(&mut self, end: &End<'_>) -> Option<Verdict> {
        let (mut attributes, outcome) = match std::mem::replace(&mut self.state, State::Over) {
            State::Over => return None,
            State::Asked => (Vec::new(), unanswered(end)),
            State::Refused(refused) => (Vec::new(), refused.outcome()),
            State::Answered(reader) => self.judge(&reader, end),
        };
        if outcome == Outcome::DONE {
            // What the answer tells is what was served; the request counts for the rest.
            self.on_success.retain(|asked| attributes.iter().all(|told| told.key != asked.key));
            attributes.append(&mut self.on_success);
        }
        Some(Verdict { attributes, outcome, end_unix_nano: self.enough_at })
    }

    fn judge(&self, reader: &Reader, end: &End<'_>) -> (Vec<KeyValue>, Outcome) {
        let mut usage = reader.usage();
        usage.seconds = self.seconds.or(usage.seconds);
        let mut attributes = usage.attributes(self.format);
        // Counts without a model have no price. With some formats, the model is told beforehand.
        let is_told = matches!(
            self.format,
            Format::Converse | Format::Invoke | Format::Images | Format::Speech | Format::Transcription
        );
        if !is_told
            && usage.model.as_ref().is_none_or(String::is_empty)
            && usage.is_known(self.format)
            && let Some(model) = &self.model
        {
            attributes.push(KeyValue::new("gen_ai.request.model", model.clone()));
        }
        let outcome = self.outcome(reader, end);
        if outcome == Outcome::DONE
            && let Some(reason) = self.missing(reader, &usage, end)
        {
            attributes.push(KeyValue::new(MISSING, reason));
        }
        (attributes, outcome)
    }

    fn outcome(&self, reader: &Reader, end: &End<'_>) -> Outcome {
        if let Some(error) = reader.error() {
            let message = error.message().unwrap_or("the provider reported an error");
            return failed(error.kind().unwrap_or("ApiError"), message);
        }
        match end {
            End::Failed(..) if reader.usage_came_alone() => Outcome::DONE,
            End::Failed(kind, message) => failed(kind, message),
            End::Dropped { panicking } if reader.progress() < Progress::Enough && reader.is_stream() => {
                if *panicking {
                    return Outcome::of_unwinding();
                }
                failed("StreamDropped", "the stream was dropped before its end")
            }
            _ => Outcome::DONE,
        }
    }

    fn missing(&self, reader: &Reader, usage: &Usage, end: &End<'_>) -> Option<&'static str> {
        if reader.goes_on() {
            return Some("the answer came before the work was done");
        }
        let known = usage.is_known(self.format);
        let whole = reader.progress() >= Progress::Enough || self.is_told_by_headers(reader);
        if known && (whole || matches!(self.format, Format::Images | Format::Speech | Format::Transcription))
        {
            return None;
        }
        Some(match (reader.trouble(), end) {
            (Some(trouble), _) => trouble,
            (None, End::Dropped { .. }) => "the body was not read to its end",
            _ if known => "the stream ended before all of it was told",
            _ => "the answer tells none",
        })
    }

    fn is_told_by_headers(&self, reader: &Reader) -> bool {
        let told = reader.beside_counts();
        self.format == Format::Invoke && told.input.is_some() && told.output.is_some()
    }
}

impl Refused {
    fn outcome(&self) -> Outcome {
        let reason = StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
        let mut message = self.status.to_string();
        let error = &self.refusal.0;
        if let Some(reason) = reason {
            message = format!("{message} {reason}");
        }
        for part in [error.kind(), error.message()].into_iter().flatten() {
            message = format!("{message}: {part}");
        }
        failed("ApiError", &message)
    }
}

fn unanswered(end: &End<'_>) -> Outcome {
    match end {
        End::Failed(kind, message) => failed(kind, message),
        End::Dropped { panicking: true } => Outcome::of_unwinding(),
        _ => failed("Cancelled", "the call was dropped before its answer"),
    }
}

fn failed(kind: &str, message: &str) -> Outcome {
    Outcome::failed(Cow::Owned(kind.to_string()), message.to_string())
}
