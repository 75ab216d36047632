//! Reads Amazon's event streams, and checks every length and checksum on the way.

use serde_json::Value;

/// A message: its headers `:event-type` or `:exception-type`, and its payload.
pub struct Message {
    pub name: String,
    pub payload: Value,
}

pub fn messages(mut bytes: &[u8]) -> Vec<Message> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let total = number(&bytes[..4]) as usize;
        let headers = number(&bytes[4..8]) as usize;
        assert_eq!(number(&bytes[8..12]), crc(&bytes[..8]), "the checksum of the lengths");
        assert_eq!(number(&bytes[total - 4..total]), crc(&bytes[..total - 4]), "the checksum of the message");
        let read = headers_of(&bytes[12..12 + headers]);
        let value = |name: &str| read.iter().find(|(sent, _)| sent == name).map(|(_, value)| value.clone());
        assert_eq!(value(":content-type").as_deref(), Some("application/json"));
        let name = match value(":message-type").as_deref() {
            Some("event") => value(":event-type"),
            Some("exception") => value(":exception-type"),
            other => panic!("{other:?}"),
        };
        let payload = serde_json::from_slice(&bytes[12 + headers..total - 4]).expect("JSON");
        messages.push(Message { name: name.expect("a name"), payload });
        bytes = &bytes[total..];
    }
    messages
}

fn headers_of(mut bytes: &[u8]) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    let mut headers = Vec::new();
    while !bytes.is_empty() {
        let name_end = 1 + usize::from(bytes[0]);
        assert_eq!(bytes[name_end], 7, "a string");
        let start = name_end + 3;
        let end = start + usize::from(u16::from_be_bytes([bytes[name_end + 1], bytes[name_end + 2]]));
        headers.push((text(&bytes[1..name_end]), text(&bytes[start..end])));
        bytes = &bytes[end..];
    }
    headers
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes.try_into().expect("four bytes"))
}

/// CRC-32 bit by bit, as the standard puts it.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

#[test]
fn the_checksum_is_the_standards() {
    assert_eq!(crc(b"123456789"), 0xcbf4_3926);
}
