//! Event streams of AWS (`application/vnd.amazon.eventstream`), read as they come.
//!
//! A message is: its length and that of its headers, a checksum of both, headers, payload, a checksum of all.

use crc32fast::Hasher;

const PRELUDE: usize = 12;
const CHECKSUM: usize = 4;
/// The longest payload that is kept, of longer ones pieces are told as they come; and the longest headers, messages with
/// longer ones are passed over.
const MOST_PAYLOAD: usize = 64 * 1024;
const MOST_HEADERS: usize = 16 * 1024;
/// What AWS allows.
const MOST_MESSAGE: usize = 24 * 1024 * 1024;

/// Reads a stream of messages.
#[derive(Debug, Default)]
pub(crate) struct EventStream {
    /// The message that is read, unless it is passed over; after the checksum, it is cleared with the next byte.
    kept: Vec<u8>,
    passed_over: bool,
    /// Its payload is told in pieces.
    in_pieces: bool,
    total: usize,
    headers: usize,
    /// How much of the message is read.
    read: usize,
    hasher: Hasher,
    /// The last bytes, which are the checksum.
    checksum: Vec<u8>,
    broken: bool,
}

/// A message whose checksums are right, or a piece of a long one before that is known.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// `event`, `exception` or `error`.
    pub kind: &'a str,
    /// The event's, exception's or error's name.
    pub name: &'a str,
    /// An error's text.
    pub error: &'a str,
    pub payload: &'a [u8],
    /// More of the message comes.
    pub goes_on: bool,
}

impl EventStream {
    /// The next message; what it was read from is taken off the bytes. None when all of them are read.
    pub fn next<'s, 'b: 's>(&'s mut self, bytes: &mut &'b [u8]) -> Option<Message<'s>> {
        let payload = loop {
            match self.step(bytes)? {
                Step::On => {}
                Step::Whole => break None,
                Step::Piece(piece) => break Some(piece),
            }
        };
        match message(&self.kept, self.headers) {
            Some(message) => Some(match payload {
                Some(payload) => Message { payload, goes_on: true, ..message },
                None => message,
            }),
            None => {
                self.broken = true;
                None
            }
        }
    }

    /// Whether it is no event stream, or not any more; then, nothing more is read.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether nothing of a message is left to come.
    pub fn is_whole(&self) -> bool {
        !self.broken && self.read == 0
    }

    /// Reads on. None if there is nothing to read.
    fn step<'b>(&mut self, bytes: &mut &'b [u8]) -> Option<Step<'b>> {
        if self.broken || bytes.is_empty() {
            *bytes = &[];
            return None;
        }
        if self.read == 0 {
            self.kept.clear();
            self.checksum.clear();
            self.hasher = Hasher::new();
        }
        if self.read < PRELUDE {
            let taken = take(bytes, PRELUDE - self.read);
            self.kept.extend_from_slice(taken);
            self.read += taken.len();
            if self.read == PRELUDE && self.begin().is_none() {
                self.broken = true;
            }
            return Some(Step::On);
        }
        let before_checksum = self.total - CHECKSUM;
        if self.read < before_checksum {
            let head = PRELUDE + self.headers;
            let end = if self.in_pieces && self.read < head { head } else { before_checksum };
            let taken = take(bytes, end - self.read);
            self.hasher.update(taken);
            if self.in_pieces && self.read >= head {
                self.read += taken.len();
                return Some(Step::Piece(taken));
            }
            if !self.passed_over {
                self.kept.extend_from_slice(taken);
            }
            self.read += taken.len();
            return Some(Step::On);
        }
        let taken = take(bytes, self.total - self.read);
        self.checksum.extend_from_slice(taken);
        self.read += taken.len();
        if self.read < self.total {
            return Some(Step::On);
        }
        self.read = 0;
        self.broken = number(&self.checksum, 0) != Some(self.hasher.clone().finalize());
        Some(if self.broken || self.passed_over { Step::On } else { Step::Whole })
    }

    fn begin(&mut self) -> Option<()> {
        let total = usize::try_from(number(&self.kept, 0)?).ok()?;
        let headers = usize::try_from(number(&self.kept, 4)?).ok()?;
        self.hasher.update(self.kept.get(..8)?);
        if number(&self.kept, 8)? != self.hasher.clone().finalize() {
            return None;
        }
        self.hasher.update(self.kept.get(8..)?);
        let payload = total.checked_sub(PRELUDE + CHECKSUM)?.checked_sub(headers)?;
        if total > MOST_MESSAGE {
            return None;
        }
        (self.total, self.headers) = (total, headers);
        self.passed_over = headers > MOST_HEADERS;
        self.in_pieces = !self.passed_over && payload > MOST_PAYLOAD;
        Some(())
    }
}

/// What was read of a message.
enum Step<'a> {
    On,
    /// More of the payload of a long message.
    Piece(&'a [u8]),
    /// The message has ended.
    Whole,
}

fn take<'a>(bytes: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(most.min(bytes.len()));
    *bytes = rest;
    taken
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(four.try_into().ok()?))
}

fn message(kept: &[u8], headers: usize) -> Option<Message<'_>> {
    let (mut headers, payload) = kept.get(PRELUDE..)?.split_at_checked(headers)?;
    let mut message = Message { payload, ..Message::default() };
    while !headers.is_empty() {
        let (name, value) = header(&mut headers)?;
        let value = std::str::from_utf8(value).unwrap_or_default();
        match name {
            b":message-type" => message.kind = value,
            b":event-type" | b":exception-type" | b":error-code" => message.name = value,
            b":error-message" => message.error = value,
            _ => {}
        }
    }
    Some(message)
}

fn header<'a>(headers: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let mut part = |length: usize| {
        let (part, rest) = headers.split_at_checked(length)?;
        *headers = rest;
        Some(part)
    };
    let length = usize::from(*part(1)?.first()?);
    let name = part(length)?;
    let length = match part(1)?.first()? {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        6 | 7 => usize::from(u16::from_be_bytes(part(2)?.try_into().ok()?)),
        9 => 16,
        _ => return None,
    };
    Some((name, part(length)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(headers: &[u8], payload: &[u8]) -> Vec<u8> {
        let length = |length: usize| u32::try_from(length).unwrap_or_default().to_be_bytes();
        let mut bytes = [length(16 + headers.len() + payload.len()), length(headers.len())].concat();
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
        bytes.extend_from_slice(headers);
        bytes.extend_from_slice(payload);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
        bytes
    }

    /// The names and payloads' lengths of messages, and whether the stream is whole.
    fn read(pieces: &[&[u8]]) -> (Vec<(String, usize)>, bool) {
        let (mut stream, mut found, mut long) = (EventStream::default(), Vec::new(), 0);
        for piece in pieces {
            let mut rest = *piece;
            while let Some(message) = stream.next(&mut rest) {
                long += message.payload.len();
                if !message.goes_on {
                    found.push((message.name.to_string(), std::mem::take(&mut long)));
                }
            }
            assert!(rest.is_empty() || stream.is_broken());
        }
        (found, stream.is_whole())
    }

    const HEADERS: &[u8] = b"\x01a\x00\x01b\x01\x01c\x02.\x01d\x03..\x01e\x04....\x01f\x05........\
        \x01g\x06\x00\x02\xff\xff\x01h\x08........\x01i\x09................\x0b:event-type\x07\x00\x03yes";

    #[test]
    fn headers_of_every_type_and_long_messages_are_read() {
        let bytes = [
            encoded(HEADERS, b"{}"),
            encoded(HEADERS, &vec![b'x'; MOST_PAYLOAD + 1]),
            encoded(b"", &vec![b'x'; MOST_PAYLOAD]),
            encoded(HEADERS, b""),
        ]
        .concat();
        let yes = |length| ("yes".to_string(), length);
        let expected = vec![yes(2), yes(MOST_PAYLOAD + 1), (String::new(), MOST_PAYLOAD), yes(0)];
        for size in [1, 5, 4096, bytes.len()] {
            assert_eq!(read(&bytes.chunks(size).collect::<Vec<_>>()), (expected.clone(), true), "{size}");
        }
    }

    #[test]
    fn a_stream_that_is_broken_is_read_no_further() {
        let message = encoded(HEADERS, b"{}");
        for at in 0..message.len() {
            let mut broken = message.clone();
            if let Some(byte) = broken.get_mut(at) {
                *byte ^= 0x10;
            }
            assert_eq!(read(&[&broken, &message]), (Vec::new(), false), "{at}");
        }
        for headers in [&b"\x05a"[..], b"\x01a\x0a", b"\x01a\x07\xff\xff", b"\x00", b"\x01"] {
            assert_eq!(read(&[&encoded(headers, b"{}"), &message]), (Vec::new(), false), "{headers:?}");
        }
        for (total, headers) in [(0_u32, 0_u32), (15, 0), (16, 1), (u32::MAX, 0), (20, u32::MAX)] {
            let mut bytes = [total.to_be_bytes(), headers.to_be_bytes()].concat();
            bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
            bytes.extend_from_slice(&message);
            assert_eq!(read(&[&bytes]), (Vec::new(), false), "{total} {headers}");
        }
    }
}
