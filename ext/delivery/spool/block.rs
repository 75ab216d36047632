//! Blocks: what a segment is made of. Each tells by itself what it holds, so a damaged one costs only its own records.

use std::ops::Range;

use crc32fast::Hasher;

use crate::ext::delivery::records::split_first;

/// The most records of a block, unless that would be none.
const MOST_RECORDS: u16 = 32;
/// Not text, and no start of a record.
const MAGIC: [u8; 4] = [0xb7, b'P', b'd', 0x1b];
/// Magic, CRC of the rest of the header, CRC of the payload, its length, the number of its first record in the
/// segment, how many they are, kind, time.
const HEADER: usize = 4 + 4 + 4 + 4 + 4 + 2 + 2 + 8;
/// Where what the header's CRC covers starts.
const COVERED: usize = 8;

const SPANS: u16 = 0;
const NOTE: u16 = 1;

/// A block that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Spans, or why the ones that follow are here.
    pub is_note: bool,
    /// Number of its first record in the segment.
    pub first: u32,
    pub count: u32,
    /// Seconds since the Unix epoch.
    pub time: u64,
    /// Where its payload is.
    pub payload: Range<usize>,
}

impl Block {
    pub fn end(&self) -> u32 {
        self.first.saturating_add(self.count)
    }
}

/// What there is in a piece of a segment.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// By number of record, none twice.
    pub blocks: Vec<Block>,
    /// Where the records of blocks end whose header is whole.
    pub end: u32,
    /// Whether there are bytes that are neither zero nor of a block with a whole header.
    pub rubbish: bool,
}

/// Writes records as blocks, and counts them; none if they are no records.
pub(super) fn write_spans(
    out: &mut Vec<u8>,
    seed: u32,
    first: u32,
    time: u64,
    records: &[u8],
) -> Option<u32> {
    let mut written = 0;
    let mut rest = records;
    while !rest.is_empty() {
        let start = rest;
        let mut count = 0;
        while count < MOST_RECORDS && !rest.is_empty() {
            (_, rest) = split_first(rest)?;
            count += 1;
        }
        let payload = start.get(..start.len() - rest.len())?;
        write(out, seed, SPANS, first.checked_add(written)?, count, time, payload)?;
        written += u32::from(count);
    }
    Some(written)
}

/// Writes a note on the records from `first` on.
pub(super) fn write_note(out: &mut Vec<u8>, seed: u32, first: u32, time: u64, note: &[u8]) -> Option<()> {
    write(out, seed, NOTE, first, 0, time, note)
}

fn write(
    out: &mut Vec<u8>,
    seed: u32,
    kind: u16,
    first: u32,
    count: u16,
    time: u64,
    payload: &[u8],
) -> Option<()> {
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&crc(seed, payload).to_le_bytes());
    out.extend_from_slice(&u32::try_from(payload.len()).ok()?.to_le_bytes());
    out.extend_from_slice(&first.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&time.to_le_bytes());
    let head = crc(seed, out.get(start + COVERED..)?).to_le_bytes();
    out.get_mut(start + 4..start + COVERED)?.copy_from_slice(&head);
    out.extend_from_slice(payload);
    Some(())
}

/// CRC-32, from the segment's own secret on: bytes in a caller's data can't be a block by design.
pub(super) fn crc(seed: u32, bytes: &[u8]) -> u32 {
    let mut hasher = Hasher::new_with_initial(seed);
    hasher.update(bytes);
    hasher.finalize()
}

/// Finds the whole blocks among any bytes, in one pass.
pub(super) fn scan(bytes: &[u8], seed: u32) -> Scan {
    let mut found = Scan::default();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(head) = Head::read(rest, seed) else {
            let skipped = next_magic(rest);
            found.rubbish |= rest.iter().take(skipped).any(|byte| *byte != 0);
            at += skipped;
            continue;
        };
        found.end = found.end.max(head.first.saturating_add(u32::from(head.count)));
        let payload = at + HEADER..at + HEADER + head.length;
        if head.holds(bytes.get(payload.clone()), seed) {
            at = payload.end;
            found.blocks.push(head.block(payload));
        } else {
            // Something may be missing or too much in the payload, so the next block can be anywhere.
            let skipped = HEADER + next_magic(rest.get(HEADER..).unwrap_or_default());
            at += skipped;
        }
    }
    found.blocks.sort_by_key(|block| (block.first, !block.is_note));
    let mut end = 0;
    found.blocks.retain(|block| {
        let new = block.first >= end;
        end = end.max(block.end());
        new
    });
    found
}

/// How far the next thing that may be a block is, at least 1 unless there are no bytes.
fn next_magic(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        match rest.iter().position(|byte| *byte == MAGIC[0]) {
            Some(more) if rest.get(more..more + MAGIC.len()) == Some(&MAGIC) => return at + more,
            Some(more) => at += more + 1,
            None => break,
        }
    }
    bytes.len()
}

struct Head {
    body_crc: u32,
    length: usize,
    first: u32,
    count: u16,
    kind: u16,
    time: u64,
}

impl Head {
    fn read(bytes: &[u8], seed: u32) -> Option<Head> {
        let bytes = bytes.get(..HEADER).filter(|bytes| bytes.starts_with(&MAGIC))?;
        if u32_at(bytes, 4)? != crc(seed, bytes.get(COVERED..)?) {
            return None;
        }
        let u16_at = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
        let kind = u16_at(22).filter(|kind| matches!(*kind, SPANS | NOTE))?;
        Some(Head {
            body_crc: u32_at(bytes, 8)?,
            length: usize::try_from(u32_at(bytes, 12)?).ok()?,
            first: u32_at(bytes, 16)?,
            count: u16_at(20)?,
            kind,
            time: u64::from_le_bytes(bytes.get(24..HEADER)?.try_into().ok()?),
        })
    }

    fn holds(&self, payload: Option<&[u8]>, seed: u32) -> bool {
        let Some(payload) = payload.filter(|payload| crc(seed, payload) == self.body_crc) else {
            return false;
        };
        self.kind != SPANS || count(payload) == Some(u32::from(self.count))
    }

    fn block(&self, payload: Range<usize>) -> Block {
        let (first, count, time) = (self.first, u32::from(self.count), self.time);
        Block { is_note: self.kind == NOTE, first, count, time, payload }
    }
}

/// How many records these are; none if they are not only records.
pub(super) fn count(mut records: &[u8]) -> Option<u32> {
    let mut count = 0;
    while !records.is_empty() {
        (_, records) = split_first(records)?;
        count += 1;
    }
    Some(count)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
