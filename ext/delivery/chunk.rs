//! Records on their way from the caller: as many as fit one request.

use std::ops::Range;
use std::time::Instant;

/// The most spans of a request.
pub(super) const MOST_SPANS: u32 = 512;
/// The most bytes of records in a request, unless it is one record alone.
pub(super) const MOST_BYTES: usize = 1024 * 1024;
/// What a chunk takes, as long as no record is larger; enough for `MOST_SPANS` plain ones.
const CAPACITY: usize = 96 * 1024;

/// Records, numbered in the order in which they were taken.
#[derive(Debug)]
pub(super) struct Chunk {
    pub first: u64,
    /// When its first record came.
    pub since: Instant,
    pub spans: u32,
    pub records: Vec<u8>,
}

impl Chunk {
    /// An empty one, in memory that was used before if there is some.
    pub fn new(first: u64, spare: Option<Vec<u8>>) -> Self {
        Chunk {
            first,
            since: Instant::now(),
            spans: 0,
            records: spare.unwrap_or_else(|| Vec::with_capacity(CAPACITY)),
        }
    }

    /// Records that were taken from a chunk before.
    pub fn again(first: u64, spans: u32, records: Vec<u8>) -> Self {
        Chunk { first, since: Instant::now(), spans, records }
    }

    /// Memory for a chunk, touched: the first use of each page is slow, and the caller should not meet it.
    pub fn spare() -> Vec<u8> {
        let mut spare = Vec::with_capacity(CAPACITY);
        // Not zero: memory of zeros can be had without touching it.
        spare.resize(CAPACITY, 1);
        spare.clear();
        spare
    }

    /// Whether one more record fits.
    pub fn has_room(&self, record: usize) -> bool {
        self.spans < MOST_SPANS && self.records.len() + record <= self.records.capacity().min(MOST_BYTES)
    }

    pub fn push(&mut self, record: &[u8]) {
        self.records.extend_from_slice(record);
        self.spans += 1;
    }

    /// Whether another chunk follows this one, and fits.
    pub fn takes(&self, next: &Chunk) -> bool {
        self.numbers().end == next.first
            && self.spans + next.spans <= MOST_SPANS
            && self.has_room(next.records.len())
    }

    pub fn append(&mut self, next: &Chunk) {
        self.records.extend_from_slice(&next.records);
        self.spans += next.spans;
    }

    pub fn numbers(&self) -> Range<u64> {
        self.first..self.first + u64::from(self.spans)
    }

    /// Its memory, for another chunk; none if it grew beyond the usual.
    pub fn into_spare(self) -> Option<Vec<u8>> {
        let mut spare = self.records;
        spare.clear();
        (spare.capacity() == CAPACITY).then_some(spare)
    }
}
