//! Server-sent events, read as they come: nothing of the data is kept.

const BOM: &[u8] = "\u{feff}".as_bytes();
/// Longer than the names that matter, and a byte order mark before one.
const MOST_NAME: usize = 16;
const MOST_EVENT: usize = 64;

/// Reads a stream of events.
#[derive(Debug, Default)]
pub(crate) struct Sse {
    line: Line,
    /// The field's name, as far as it is read.
    name: Vec<u8>,
    /// A line feed after this is no line.
    after_return: bool,
    /// The event has data.
    data: bool,
    /// What the event is called.
    event: Vec<u8>,
    ended: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Line {
    #[default]
    Name,
    BeforeValue(Field),
    Value(Field),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Data,
    Event,
    Other,
}

/// What is read next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// More of the event's data.
    Data(&'a [u8]),
    /// The event has ended.
    End,
    /// An event without data has ended, which is none.
    Nothing,
}

impl Sse {
    /// The next piece; what it was read from is taken off the bytes. None when all of them are read.
    pub fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<Piece<'a>> {
        loop {
            let (&first, rest) = bytes.split_first()?;
            if std::mem::take(&mut self.ended) {
                self.event.clear();
            }
            if std::mem::take(&mut self.after_return) && first == b'\n' {
                *bytes = rest;
                continue;
            }
            match self.line {
                Line::BeforeValue(field) => {
                    self.line = Line::Value(field);
                    if first == b' ' {
                        *bytes = rest;
                    }
                }
                _ if matches!(first, b'\r' | b'\n') => {
                    *bytes = rest;
                    self.after_return = first == b'\r';
                    if let Some(piece) = self.end_of_line() {
                        return Some(piece);
                    }
                }
                Line::Name => {
                    *bytes = rest;
                    if first == b':'
                        && let Some(piece) = self.begin_value()
                    {
                        return Some(piece);
                    } else if first != b':' && self.name.len() < MOST_NAME {
                        self.name.push(first);
                    }
                }
                Line::Value(field) => {
                    let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
                    let (value, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
                    *bytes = rest;
                    match field {
                        Field::Data => return Some(Piece::Data(value)),
                        Field::Event => {
                            let room = MOST_EVENT.saturating_sub(self.event.len());
                            self.event.extend_from_slice(value.get(..room).unwrap_or(value));
                        }
                        Field::Other => {}
                    }
                }
            }
        }
    }

    /// Nothing comes after; whether an event has not been ended.
    pub fn end(&mut self) -> bool {
        std::mem::take(&mut self.data)
    }

    /// Whether the next byte begins an event.
    pub fn is_between(&self) -> bool {
        let unnamed = self.ended || self.event.is_empty();
        self.line == Line::Name && self.name.is_empty() && unnamed && !self.data && !self.after_return
    }

    /// What the event that has ended is called.
    pub fn event(&self) -> &[u8] {
        &self.event
    }

    fn end_of_line(&mut self) -> Option<Piece<'static>> {
        if self.line == Line::Name {
            if self.name.is_empty() {
                self.ended = true;
                return Some(if std::mem::take(&mut self.data) { Piece::End } else { Piece::Nothing });
            }
            // A name alone is a field without a value.
            let piece = self.begin_value();
            self.line = Line::Name;
            return piece;
        }
        self.line = Line::Name;
        None
    }

    /// A second line of data is joined to the first by a line feed.
    fn begin_value(&mut self) -> Option<Piece<'static>> {
        let name = self.name.strip_prefix(BOM).unwrap_or(&self.name);
        let field = match name {
            b"data" => Field::Data,
            b"event" => Field::Event,
            _ => Field::Other,
        };
        self.name.clear();
        self.line = Line::BeforeValue(field);
        if field == Field::Event {
            self.event.clear();
        }
        (field == Field::Data && std::mem::replace(&mut self.data, true)).then_some(Piece::Data(b"\n"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use super::*;

    fn events(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let (mut sse, mut data, mut found) = (Sse::default(), Vec::new(), Vec::new());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        for piece in pieces {
            let mut rest = *piece;
            while let Some(piece) = sse.next(&mut rest) {
                match piece {
                    Piece::Data(bytes) => data.extend_from_slice(bytes),
                    Piece::End => found.push((text(sse.event()), text(&std::mem::take(&mut data)))),
                    Piece::Nothing => assert!(data.is_empty()),
                }
            }
            assert!(rest.is_empty());
        }
        if sse.end() {
            found.push((text(sse.event()), text(&data)));
        }
        found
    }

    fn expected(events: &[(&str, &str)]) -> Vec<(String, String)> {
        events.iter().map(|(event, data)| (event.to_string(), data.to_string())).collect()
    }

    #[test]
    fn events_are_read_however_they_are_written_and_cut() {
        let stream = "\u{feff}data: {\"a\":\n: comment\ndata:  1}\nid: 7\n\n\n\nevent: done\nretry: 5\ndata\ndata:x\n\n\
            event: nothing\n\nevent:error\ndatabase: no\ndata: \u{fc}:\n\ndata: last";
        let events_of = [("", "{\"a\":\n 1}"), ("done", "\nx"), ("error", "\u{fc}:"), ("", "last")];
        for line_end in ["\n", "\r\n", "\r"] {
            let stream = stream.replace('\n', line_end);
            let bytes = stream.as_bytes();
            for first in 0..=bytes.len() {
                let (one, rest) = bytes.split_at(first);
                for second in [0, 1, 2, rest.len() / 2] {
                    let (two, three) = rest.split_at(second.min(rest.len()));
                    assert_eq!(
                        events(&[one, two, three]),
                        expected(&events_of),
                        "{line_end:?} {first} {second}"
                    );
                }
            }
            assert_eq!(events(&bytes.chunks(1).collect::<Vec<_>>()), expected(&events_of));
        }
    }

    #[test]
    fn any_bytes_are_read_alike_however_they_are_cut() {
        for seed in 0..3000 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let words: [&[u8]; 10] =
                [b"data", b":", b" ", b"\n", b"\r", b"event", b"\xff", b"{}", b"\r\n", b"x"];
            let bytes: Vec<u8> =
                (0..rng.usize(..60)).flat_map(|_| words[rng.usize(..words.len())].to_vec()).collect();
            let whole = events(&[&bytes]);
            let size = rng.usize(1..8);
            assert_eq!(events(&bytes.chunks(size).collect::<Vec<_>>()), whole, "{seed}: {bytes:?}");
        }
    }

    #[test]
    fn memory_stays_small_whatever_comes() {
        let mut sse = Sse::default();
        for start in [&b"data: "[..], b"event: ", b": ", b"", b"other: "] {
            let mut bytes = start;
            while sse.next(&mut bytes).is_some() {}
            for _ in 0..1000 {
                let mut bytes = &[b'x'; 1000][..];
                while sse.next(&mut bytes).is_some() {}
            }
            let mut bytes = &b"\n"[..];
            while sse.next(&mut bytes).is_some() {}
        }
        assert!(sse.event.capacity() <= 2 * MOST_EVENT && sse.name.capacity() <= 2 * MOST_NAME);
    }
}
