//! Reading records back: where each ends, and what a collector answered. Only as much protobuf as that takes.

/// The first record of some, and the rest; none at the end, or where it is no record.
pub(super) fn split_first(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let (field, rest) = field(records)?;
    matches!(field, Field { number: 2, value: Value::Bytes(_) })
        .then(|| records.split_at_checked(records.len() - rest.len()))
        .flatten()
}

/// How many bytes the first `count` records take.
pub(super) fn length_of(records: &[u8], count: u32) -> usize {
    let mut rest = records;
    for _ in 0..count {
        match split_first(rest) {
            Some((_, more)) => rest = more,
            None => break,
        }
    }
    records.len() - rest.len()
}

/// What of a request a collector did not take, as its answer says: `ExportTraceServiceResponse.partial_success`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PartialSuccess {
    pub rejected: u64,
    pub message: String,
}

/// Reads a 2xx answer. One that is no protobuf says nothing, as an empty one does; of one that was cut, the part that
/// is there counts.
pub(super) fn partial_success(answer: &[u8]) -> PartialSuccess {
    let mut found = PartialSuccess::default();
    let outer = whole_or_cut_fields(answer).filter(|field| field.number == 1);
    for part in outer.filter_map(|field| field.bytes()) {
        for field in whole_or_cut_fields(part) {
            match field {
                Field { number: 1, value: Value::Varint(rejected) } => {
                    // An int64: below zero it makes no sense.
                    found.rejected = i64::try_from(rejected).unwrap_or_default().unsigned_abs();
                }
                Field { number: 2, value: Value::Bytes(message) } => {
                    found.message = String::from_utf8_lossy(message).into_owned();
                }
                _ => {}
            }
        }
    }
    found
}

struct Field<'a> {
    number: u64,
    value: Value<'a>,
}

enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Other,
}

impl<'a> Field<'a> {
    fn bytes(self) -> Option<&'a [u8]> {
        match self.value {
            Value::Bytes(bytes) => Some(bytes),
            Value::Varint(_) | Value::Other => None,
        }
    }
}

/// Fields, and what is there of the last one where the message was cut inside of it.
fn whole_or_cut_fields(mut message: &[u8]) -> impl Iterator<Item = Field<'_>> {
    std::iter::from_fn(move || {
        let (field, rest) = field(message).or_else(|| Some((cut_field(message)?, &[][..])))?;
        message = rest;
        Some(field)
    })
}

/// A length-delimited field that goes on beyond the end of the message.
fn cut_field(message: &[u8]) -> Option<Field<'_>> {
    let (tag, rest) = varint(message)?;
    let (_, rest) = varint(rest).filter(|_| tag & 7 == 2)?;
    Some(Field { number: tag >> 3, value: Value::Bytes(rest) })
}

fn field(message: &[u8]) -> Option<(Field<'_>, &[u8])> {
    let (tag, rest) = varint(message)?;
    let (value, rest) = match tag & 7 {
        0 => varint(rest).map(|(value, rest)| (Value::Varint(value), rest))?,
        1 => (Value::Other, rest.get(8..)?),
        2 => {
            let (length, rest) = varint(rest)?;
            let (bytes, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            (Value::Bytes(bytes), rest)
        }
        5 => (Value::Other, rest.get(4..)?),
        _ => return None,
    };
    Some((Field { number: tag >> 3, value }, rest))
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn an_answer_says_what_was_rejected() {
        let inner = [0x08, 0x03, 0x12, 0x02, b'n', b'o'];
        let answer = [&[0x0a, 6][..], &inner].concat();
        assert_eq!(partial_success(&answer), PartialSuccess { rejected: 3, message: "no".into() });
        assert_eq!(partial_success(&answer[..6]), PartialSuccess { rejected: 3, message: String::new() });
        for nothing in [&b""[..], b"{}", b"<html>", &[0x0a, 0xff, 0xff], &[0xff; 20]] {
            assert_eq!(partial_success(nothing), PartialSuccess::default());
        }
    }

    #[test]
    fn records_are_told_apart() {
        let records = [&[0x12, 2, 1, 2][..], &[0x12, 0], &[0x12, 1, 9]].concat();
        let (first, rest) = split_first(&records).unwrap();
        assert_eq!((first, rest.len()), (&[0x12, 2, 1, 2][..], 5));
        assert_eq!([0, 1, 2, 3, 9].map(|count| length_of(&records, count)), [0, 4, 6, 9, 9]);
        assert!(split_first(&[0x12, 5, 1]).is_none());
    }
}
