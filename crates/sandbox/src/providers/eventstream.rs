//! Messages of `application/vnd.amazon.eventstream`: lengths, headers, payload, and a CRC-32 of each part.

/// The two lengths and their checksum.
const PRELUDE: usize = 12;
const CHECKSUM: usize = 4;
/// The header type "string".
const STRING: u8 = 7;

/// A message with a JSON payload.
pub(super) fn message(kind: &str, name: &str, payload: &[u8]) -> Vec<u8> {
    let mut headers = Vec::new();
    let (name_header, message_type) =
        if kind == "exception" { (":exception-type", kind) } else { (":event-type", "event") };
    push_header(&mut headers, name_header, name);
    push_header(&mut headers, ":content-type", "application/json");
    push_header(&mut headers, ":message-type", message_type);

    let total = PRELUDE + headers.len() + payload.len() + CHECKSUM;
    let mut message = Vec::with_capacity(total);
    message.extend(length(total).to_be_bytes());
    message.extend(length(headers.len()).to_be_bytes());
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message.extend(headers);
    message.extend(payload);
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message
}

fn push_header(headers: &mut Vec<u8>, name: &str, value: &str) {
    // Both are constants of the protocol, far shorter than these lengths can tell.
    headers.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    headers.extend(name.as_bytes());
    headers.push(STRING);
    headers.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
    headers.extend(value.as_bytes());
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
