//! Answers: the verdict on one is the same however it is cut, and little is kept of it.

use super::super::event_stream::EventStream;
use super::super::json::{Scalar, Scanner, Visitor};
use super::super::measure::{Measure, Verdict};
use super::super::providers::Provider;
use super::super::recognize::{Format, Recognized, Request, recognize_as};
use super::super::sse::{Piece, Sse};
use super::hiding;
use super::{Input, shown};

const FORMATS: [Format; 12] = [
    Format::Chat,
    Format::MistralChat,
    Format::Responses,
    Format::Messages,
    Format::Gemini,
    Format::Interactions,
    Format::Images,
    Format::Transcription,
    Format::Invoke,
    Format::Converse,
    Format::Embeddings,
    Format::Ocr,
];

/// Beyond it, a reader keeps more than its limits allow: of a text, a name or a number 256 bytes each, eight keys of
/// that length, and the levels of JSON.
const MOST_KEPT: usize = 40_000;
/// The same of a reader that keeps a message with its payload and what is encoded in it.
const MOST_KEPT_OF_MESSAGES: usize = 6 * (64 + 48 + 16) * 1024 + MOST_KEPT;

/// Server-sent events.
pub fn sse(bytes: &[u8]) {
    let Some(input) = Input::of(bytes) else { return };
    assert_eq!(events(&[input.body]), events(&input.pieces()), "{}", shown(input.body));
    let format = FORMATS[input.choice % FORMATS.len()];
    // A gateway that misnames an answer.
    let content_type = if input.choice < 200 { "text/event-stream" } else { "" };
    Asked { format, stream: true, status: 200, content_type, most: MOST_KEPT }.same_however_cut(&input);
    hiding::holds(&input);
}

/// Event streams of AWS.
pub fn event_stream(bytes: &[u8]) {
    let Some(input) = Input::of(bytes) else { return };
    let repaired;
    let input = if input.choice.is_multiple_of(4) {
        input
    } else {
        repaired = with_checksums(input.body);
        Input { body: &repaired, ..input }
    };
    assert_eq!(messages(&[input.body]), messages(&input.pieces()), "{:?}", input.body);
    let format = if input.choice & 1 == 0 { Format::Converse } else { Format::Invoke };
    let content_type = if input.choice < 200 { "application/vnd.amazon.eventstream" } else { "" };
    Asked { format, stream: true, status: 200, content_type, most: MOST_KEPT_OF_MESSAGES }
        .same_however_cut(&input);
}

/// JSON: answers that come whole, lists of parts, and refusals.
pub fn json_usage(bytes: &[u8]) {
    let Some(input) = Input::of(bytes) else { return };
    let whole = scalars(&[input.body]);
    assert_eq!(whole, scalars(&input.pieces()), "{}", shown(input.body));
    read_as_serde_json_reads_it(input.body);
    let format = FORMATS[input.choice % FORMATS.len()];
    let (stream, status) = (input.choice & 64 != 0, if input.choice & 128 != 0 { 429 } else { 200 });
    Asked { format, stream, status, content_type: "application/json", most: MOST_KEPT }
        .same_however_cut(&input);
}

/// A call, and what is said of its answer before the body.
struct Asked {
    format: Format,
    stream: bool,
    status: u16,
    content_type: &'static str,
    /// How much may be kept of the body.
    most: usize,
}

impl Asked {
    fn same_however_cut(&self, input: &Input<'_>) {
        let whole = self.verdict(&[input.body]);
        let bytes: Vec<&[u8]> = input.body.chunks(1).collect();
        for pieces in [input.pieces(), bytes] {
            let told = self.verdict(&pieces);
            assert_eq!(told, whole, "{:?} {}", self.format, shown(input.body));
        }
        if input.sizes[2] == 8 {
            self.keeps_little_of_many(input.body);
        }
        let mut measure = self.measure();
        if measure.feed(input.pieces().first().unwrap_or(&&b""[..])).is_none() {
            assert!(measure.dropped(false).is_some(), "a call ends");
        }
        assert!(measure.end().is_none(), "a call ends once");
    }

    fn keeps_little_of_many(&self, body: &[u8]) {
        let mut measure = self.measure();
        for _ in 0..(64 * 1024_usize).checked_div(body.len()).unwrap_or_default() {
            if measure.feed(body).is_some() {
                return;
            }
        }
        self.keeps_little(&measure);
    }

    fn keeps_little(&self, measure: &Measure) {
        let kept = format!("{measure:?}").len();
        assert!(kept <= self.most, "{kept} kept");
    }

    /// The attributes and the status.
    fn verdict(&self, pieces: &[&[u8]]) -> (Vec<String>, String) {
        let mut measure = self.measure();
        let verdict = pieces.iter().enumerate().find_map(|(number, piece)| {
            let verdict = measure.feed(piece);
            if number == 64 || number + 1 == pieces.len() {
                self.keeps_little(&measure);
            }
            verdict
        });
        let Verdict { attributes, outcome, .. } = verdict.or_else(|| measure.end()).unwrap();
        let attributes: Vec<String> =
            attributes.iter().map(|one| format!("{}={}", one.key, one.value)).collect();
        let length = attributes.iter().map(String::len).sum::<usize>();
        assert!(length < 2000, "spans are small: {length}");
        (attributes, format!("{:?}", outcome.into_status(false)))
    }

    fn measure(&self) -> Measure {
        let request = Request { method: "POST", path: "/v1/messages", ..Request::default() };
        let any = recognize_as(&Provider::Anthropic.into(), &request).unwrap();
        let mut measure = Measure::new(&Recognized { format: self.format, stream: self.stream, ..any });
        measure.answered(self.status, |name| (name == "content-type").then_some(self.content_type));
        measure
    }
}

/// The names and the data of events.
fn events(pieces: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (mut sse, mut data, mut found) = (Sse::default(), Vec::new(), Vec::new());
    for piece in pieces {
        let mut rest = *piece;
        while let Some(piece) = sse.next(&mut rest) {
            match piece {
                Piece::Data(bytes) => data.extend_from_slice(bytes),
                Piece::End => found.push((sse.event().to_vec(), std::mem::take(&mut data))),
                Piece::Nothing => assert!(data.is_empty(), "data of no event"),
            }
        }
        assert!(rest.is_empty(), "all is read");
    }
    assert!(format!("{sse:?}").len() < 1000, "{sse:?}");
    if sse.end() {
        found.push((sse.event().to_vec(), data));
    }
    found
}

/// Messages, and whether the stream is whole.
fn messages(pieces: &[&[u8]]) -> (Vec<String>, bool, bool) {
    let (mut stream, mut found) = (EventStream::default(), Vec::new());
    for piece in pieces {
        let mut rest = *piece;
        while let Some(message) = stream.next(&mut rest) {
            found.push(format!("{message:?}"));
        }
        assert!(rest.is_empty() || stream.is_broken());
    }
    (found, stream.is_whole(), stream.is_broken())
}

/// The same bytes with right checksums in every message that is there as a whole: without them, nothing is read on.
fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let Some(message) = bytes.get_mut(at..at.saturating_add(length)) else { break };
        if length < 16 {
            break;
        }
        let prelude = crc32fast::hash(&message[..8]);
        message[8..12].copy_from_slice(&prelude.to_be_bytes());
        let all = crc32fast::hash(&message[..length - 4]);
        message[length - 4..].copy_from_slice(&all.to_be_bytes());
        at += length;
    }
    bytes
}

#[derive(Debug, Default, PartialEq)]
struct Told(Vec<(Vec<String>, String)>);

impl Visitor for Told {
    fn scalar(&mut self, path: &[&str], value: Scalar<'_>) {
        self.0.push((path.iter().map(ToString::to_string).collect(), format!("{value:?}")));
    }
}

/// What a scanner tells, and whether it was one whole value.
fn scalars(pieces: &[&[u8]]) -> (Told, bool) {
    let (mut told, mut scanner) = (Told::default(), Scanner::default());
    pieces.iter().for_each(|piece| scanner.feed(piece, &mut told));
    let whole = scanner.end(&mut told);
    (told, whole)
}

fn read_as_serde_json_reads_it(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(bytes) else { return };
    // What is JSON is read to its end, and its keys and values are those of serde_json, once each and in its order.
    assert!(scalars(&[bytes]).1, "{}", shown(bytes));
    let text = value.to_string();
    let mut expected = Told::default();
    expect(&mut Vec::new(), &value, &mut expected);
    let (told, whole) = scalars(&[text.as_bytes()]);
    assert!(whole && told.0.len() == expected.0.len(), "{text}");
    for (told, expected) in told.0.iter().zip(&expected.0) {
        assert_eq!(told.0, expected.0, "{text}");
        let start = told.1.strip_prefix("Start(").map(|start| start.trim_end_matches("\")"));
        match start {
            // Cut within what Debug writes for a character, it may differ at its end.
            Some(start) => assert!(expected.1.contains(start.trim_start_matches('"')), "{text}"),
            None => assert_eq!(told.1, expected.1, "{text}"),
        }
    }
}

fn expect(path: &mut Vec<String>, value: &serde_json::Value, told: &mut Told) {
    const LEVELS: usize = 8;
    const MOST_TEXT: usize = 256;
    let written = value.to_string();
    let value = match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let is_long = serde_json::Value::from(key.as_str()).to_string().len() > MOST_TEXT + 2;
                path.push(if is_long { String::new() } else { key.clone() });
                expect(path, value, told);
                path.pop();
            }
            return;
        }
        serde_json::Value::Array(list) => {
            for value in list {
                path.push(String::new());
                expect(path, value, told);
                path.pop();
            }
            return;
        }
        serde_json::Value::String(text) => format!("Text({text:?})"),
        serde_json::Value::Number(_) => format!("Number({written:?})"),
        serde_json::Value::Bool(value) => format!("Bool({value})"),
        serde_json::Value::Null => "Null".into(),
    };
    if path.len() <= LEVELS {
        told.0.push((path.clone(), value));
    }
}
