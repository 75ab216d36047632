//! What a request's body tells of the call, read in passing.

use super::form::{Form, Parts};
use super::json::{Scalar, Scanner, Visitor};
#[cfg(feature = "audio")]
use crate::ext::ai::audio::Audio;

/// The field of the recording that is to be transcribed.
#[cfg(feature = "audio")]
const FILE: &str = "file";

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Body {
    pub model: Option<String>,
    pub agent: Option<String>,
    pub stream: bool,
    pub n: Option<u64>,
    pub size: Option<String>,
    pub quality: Option<String>,
    /// How long the recording is that is sent.
    pub audio_seconds: Option<f64>,
    /// OCR with an annotation's format.
    pub annotated: bool,
    /// Azure OpenAI on your data, which takes no `stream_options`.
    pub has_data_sources: bool,
}

/// Reads JSON or a form; of anything else, nothing is known.
pub(super) fn read(bytes: &[u8]) -> Body {
    // A form begins with the line that divides its fields; JSON never does.
    if bytes.starts_with(b"--") {
        let mut form = FormBody::default();
        form.feed(bytes);
        return form.told.body;
    }
    let mut body = Body::default();
    let mut scanner = Scanner::default();
    scanner.feed(bytes, &mut body);
    scanner.end(&mut body);
    body
}

/// How many characters the text has that is to be spoken; none if the body does not tell.
pub(super) fn characters_of_input(body: &[u8]) -> Option<usize> {
    #[derive(serde::Deserialize)]
    struct Speech<'a> {
        #[serde(borrow)]
        input: std::borrow::Cow<'a, str>,
    }
    serde_json::from_slice::<Speech<'_>>(body).ok().map(|speech| speech.input.chars().count())
}

/// A form that is read as it comes.
#[derive(Debug, Default)]
pub(crate) struct FormBody {
    form: Form,
    told: Told,
}

impl FormBody {
    pub fn feed(&mut self, piece: &[u8]) {
        self.form.feed(piece, &mut self.told);
    }

    pub fn is_whole(&self) -> bool {
        self.form.is_whole()
    }

    /// What it tells, as far as it came.
    pub fn body(&self) -> &Body {
        &self.told.body
    }
}

#[derive(Debug, Default)]
struct Told {
    body: Body,
    #[cfg(feature = "audio")]
    audio: Audio,
}

impl Parts for Told {
    fn field(&mut self, name: &str, value: &str) {
        match name {
            "n" => self.body.n = value.trim().parse().ok(),
            "stream" => self.body.stream = value.trim().eq_ignore_ascii_case("true"),
            name => self.body.text(name, value),
        }
    }

    #[cfg(feature = "audio")]
    fn file(&mut self, name: &str, piece: &[u8]) {
        if name == FILE {
            self.audio.feed(piece);
        }
    }

    #[cfg(feature = "audio")]
    fn file_ended(&mut self, name: &str) {
        if name == FILE {
            self.body.audio_seconds = std::mem::take(&mut self.audio).seconds();
        }
    }
}

impl Visitor for Body {
    fn scalar(&mut self, path: &[&str], value: Scalar<'_>) {
        match (path, value) {
            ([key], Scalar::Text(text)) => self.text(key, text),
            (["n"], Scalar::Number(number)) => self.n = number.parse().ok(),
            (["stream"], Scalar::Bool(stream)) => self.stream = stream,
            (["data_sources", ..], _) => self.has_data_sources = true,
            _ => {}
        }
        if let ["document_annotation_format" | "bbox_annotation_format", ..] = path {
            self.annotated |= value != Scalar::Null;
        }
    }
}

impl Body {
    fn text(&mut self, key: &str, text: &str) {
        let field = match key {
            "model" => &mut self.model,
            "agent" => &mut self.agent,
            "size" => &mut self.size,
            "quality" => &mut self.quality,
            _ => return,
        };
        *field = Some(text.to_string());
    }
}
