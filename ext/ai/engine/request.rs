//! What a request's body tells of the call, read in passing.

use super::json::{Scalar, Scanner, Visitor};

/// A field of a form that is longer is none that is looked for.
const MOST_FIELD: usize = 256;

#[derive(Debug, Default, PartialEq)]
pub(super) struct Body {
    pub model: Option<String>,
    pub stream: bool,
    pub n: Option<u64>,
    pub size: Option<String>,
    pub quality: Option<String>,
    /// OCR with an annotation's format.
    pub annotated: bool,
    /// Azure OpenAI on your data, which takes no `stream_options`.
    pub has_data_sources: bool,
}

/// Reads JSON or a form; of anything else, nothing is known.
pub(super) fn read(bytes: &[u8]) -> Body {
    let mut body = Body::default();
    // A form begins with the line that divides its fields; JSON never does.
    if bytes.starts_with(b"--")
        && let Some(end) = find(bytes, b"\r\n")
    {
        let (delimiter, fields) = bytes.split_at(end);
        read_form(fields, delimiter, &mut body);
    } else {
        let mut scanner = Scanner::default();
        scanner.feed(bytes, &mut body);
        scanner.end(&mut body);
    }
    body
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
            "size" => &mut self.size,
            "quality" => &mut self.quality,
            _ => return,
        };
        *field = Some(text.to_string());
    }
}

fn read_form(fields: &[u8], delimiter: &[u8], body: &mut Body) {
    let mut rest = fields;
    while let Some(part) = until(&mut rest, delimiter) {
        field(part, body);
    }
}

/// What comes before the next delimiter, or before the end.
fn until<'a>(rest: &mut &'a [u8], delimiter: &[u8]) -> Option<&'a [u8]> {
    if rest.is_empty() {
        return None;
    }
    let at = find(rest, delimiter).unwrap_or(rest.len());
    let (part, after) = rest.split_at(at);
    *rest = after.get(delimiter.len()..).unwrap_or_default();
    Some(part)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    loop {
        let rest = bytes.get(from..)?;
        let at = from + rest.iter().position(|&byte| byte == first)?;
        if bytes.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}

fn field(part: &[u8], body: &mut Body) -> Option<()> {
    let end = find(part, b"\r\n\r\n")?;
    let (head, value) = part.split_at(end);
    let value = value.get(4..)?;
    let value = value.strip_suffix(b"\r\n").unwrap_or(value);
    if value.len() > MOST_FIELD || find(head, b"filename").is_some() {
        return None;
    }
    let head = std::str::from_utf8(head).ok()?;
    let value = std::str::from_utf8(value).ok()?;
    let name = head.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        (name.trim() == "name")
            .then(|| value.trim().split("\r\n").next().unwrap_or_default().trim_matches('"'))
    })?;
    match name {
        "n" => body.n = value.trim().parse().ok(),
        "stream" => body.stream = value.trim().eq_ignore_ascii_case("true"),
        name => body.text(name, value),
    }
    Some(())
}
