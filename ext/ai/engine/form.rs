//! Forms (`multipart/form-data`) read as they come, in pieces of any size and in constant memory.

use memchr::memmem::Finder;

/// A value that is longer is none that is looked for.
const MOST_FIELD: usize = 256;
/// A head that is longer is none.
const MOST_HEAD: usize = 8192;
/// The line that divides a form: two dashes, at most 70 characters, and a line's end.
const MOST_LINE: usize = 256;

/// What a form's reader finds.
pub(super) trait Parts {
    /// A field and its whole value.
    fn field(&mut self, name: &str, value: &str);

    /// More of the content of a file.
    fn file(&mut self, _name: &str, _piece: &[u8]) {}

    /// A file has ended.
    fn file_ended(&mut self, _name: &str) {}
}

/// Reads one form.
#[derive(Debug, Default)]
pub(super) struct Form {
    state: State,
    /// A line's end and the line that divides the form, once that is known.
    delimiter: Option<Finder<'static>>,
    /// What came of a line, a head, or a field's value; amid a file, what may be the start of the delimiter.
    begun: Vec<u8>,
    part: Part,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// The first line, which is the one that divides.
    #[default]
    Line,
    Head,
    Content,
    /// All of it was read.
    Whole,
    /// It is none, or none that can be read.
    Over,
}

#[derive(Debug, Default)]
struct Part {
    kind: Kind,
    name: String,
    value: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    Field,
    File,
    /// Nothing that is looked for.
    #[default]
    Other,
}

impl Form {
    pub fn feed(&mut self, piece: &[u8], parts: &mut impl Parts) {
        let mut rest = piece;
        while !rest.is_empty() {
            rest = match self.state {
                State::Line => self.line(rest),
                State::Head => self.head(rest),
                State::Content => self.content(rest, parts),
                State::Whole | State::Over => return,
            };
        }
    }

    /// Whether it has come to its end.
    pub fn is_whole(&self) -> bool {
        self.state == State::Whole
    }

    fn line<'a>(&mut self, piece: &'a [u8]) -> &'a [u8] {
        let Some((end, rest)) = self.until(piece, b"\r\n", MOST_LINE) else { return &[] };
        let line = self.begun.get(..end).filter(|line| line.starts_with(b"--"));
        let Some(line) = line else {
            self.state = State::Over;
            return &[];
        };
        self.delimiter = Some(Finder::new(&[b"\r\n", line].concat()).into_owned());
        // The line's end is the one that a head begins with.
        self.begun.clear();
        self.begun.extend_from_slice(b"\r\n");
        self.state = State::Head;
        rest
    }

    fn head<'a>(&mut self, piece: &'a [u8]) -> &'a [u8] {
        let end = self.until(piece, b"\r\n\r\n", MOST_HEAD);
        // After the last part, the line goes on with dashes.
        if self.begun.starts_with(b"--") {
            self.state = State::Whole;
            return &[];
        }
        let Some((end, rest)) = end else { return &[] };
        self.part.begin(self.begun.get(..end).unwrap_or_default());
        self.begun.clear();
        self.state = State::Content;
        rest
    }

    /// Keeps what comes up to a mark: where it begins in all that is kept, and what comes after it.
    fn until<'a>(&mut self, piece: &'a [u8], mark: &[u8], most: usize) -> Option<(usize, &'a [u8])> {
        let before = self.begun.len();
        let room = piece.len().min((most + mark.len()).saturating_sub(before));
        self.begun.extend_from_slice(piece.get(..room)?);
        // The mark may have begun in an earlier piece.
        let from = before.saturating_sub(mark.len() - 1);
        let found = memchr::memmem::find(self.begun.get(from..)?, mark).map(|at| from + at);
        if found.is_none() && room < piece.len() {
            self.state = State::Over;
        }
        let end = found?;
        Some((end, piece.get(end + mark.len() - before..)?))
    }

    fn content<'a>(&mut self, piece: &'a [u8], parts: &mut impl Parts) -> &'a [u8] {
        let Some(delimiter) = self.delimiter.as_ref() else { return &[] };
        let length = delimiter.needle().len();
        let mut piece = piece;
        if !self.begun.is_empty() {
            // It has begun earlier, if its rest is here.
            let before = self.begun.len();
            let joined = piece.len().min(length - 1);
            self.begun.extend_from_slice(piece.get(..joined).unwrap_or_default());
            if let Some(at) = delimiter.find(&self.begun) {
                self.part.content(self.begun.get(..at).unwrap_or_default(), parts);
                let rest = piece.get(at + length - before..).unwrap_or_default();
                self.ended(parts);
                return rest;
            }
            let kept = if joined < length - 1 { start_of(delimiter.needle(), &self.begun) } else { joined };
            let told = self.begun.len() - kept;
            self.part.content(self.begun.get(..told).unwrap_or_default(), parts);
            if joined < length - 1 {
                self.begun.drain(..told);
                return &[];
            }
            self.begun.clear();
        }
        if let Some(at) = delimiter.find(piece) {
            self.part.content(piece.get(..at).unwrap_or_default(), parts);
            piece = piece.get(at + length..).unwrap_or_default();
            self.ended(parts);
            return piece;
        }
        let told = piece.len() - start_of(delimiter.needle(), piece);
        let (told, kept) = piece.split_at(told);
        self.part.content(told, parts);
        self.begun.extend_from_slice(kept);
        &[]
    }

    fn ended(&mut self, parts: &mut impl Parts) {
        self.begun.clear();
        self.part.ended(parts);
        self.state = State::Head;
    }
}

/// How much of the text's end may be the start of what is looked for.
fn start_of(wanted: &[u8], text: &[u8]) -> usize {
    let most = text.len().min(wanted.len().saturating_sub(1));
    let fits = |&length: &usize| text.ends_with(wanted.get(..length).unwrap_or_default());
    (1..=most).rev().find(fits).unwrap_or_default()
}

impl Part {
    fn begin(&mut self, head: &[u8]) {
        self.kind = Kind::Other;
        self.name.clear();
        self.value.clear();
        let Ok(head) = std::str::from_utf8(head) else { return };
        for line in head.split("\r\n") {
            let Some((key, value)) = line.split_once(':') else { continue };
            if !key.trim().eq_ignore_ascii_case("content-disposition") {
                continue;
            }
            self.kind = Kind::Field;
            for (key, value) in parameters(value) {
                match key {
                    "name" => self.name = value.to_string(),
                    "filename" | "filename*" => self.kind = Kind::File,
                    _ => {}
                }
            }
        }
    }

    fn content(&mut self, piece: &[u8], parts: &mut impl Parts) {
        match self.kind {
            Kind::Field if self.value.len() + piece.len() > MOST_FIELD => self.kind = Kind::Other,
            Kind::Field => self.value.extend_from_slice(piece),
            Kind::File => parts.file(&self.name, piece),
            Kind::Other => {}
        }
    }

    fn ended(&mut self, parts: &mut impl Parts) {
        match self.kind {
            Kind::Field => {
                if let Ok(value) = std::str::from_utf8(&self.value) {
                    parts.field(&self.name, value);
                }
            }
            Kind::File => parts.file_ended(&self.name),
            Kind::Other => {}
        }
    }
}

/// The parameters of a header's value. What is in quotes may hold anything.
fn parameters(value: &str) -> impl Iterator<Item = (&str, &str)> {
    let (mut quoted, mut escaped) = (false, false);
    let ends = move |letter: char| {
        let is_escaped = std::mem::take(&mut escaped);
        match letter {
            '"' if !is_escaped => quoted = !quoted,
            '\\' if quoted && !is_escaped => escaped = true,
            ';' => return !quoted,
            _ => {}
        }
        false
    };
    value.split(ends).filter_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        Some((key.trim(), value.trim().trim_matches('"')))
    })
}

#[cfg(test)]
mod tests;
