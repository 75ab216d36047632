//! What goes into one request: records, where they come from, and what was tried with them.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::gzip::Packer;
use crate::ext::delivery::chunk::Chunk;
use crate::ext::delivery::spool::{Place, Stored};
use crate::ext::delivery::{encode, records};

pub(super) struct Batch {
    /// Shared by the parts of a batch that was split.
    all: Arc<Vec<u8>>,
    part: Range<usize>,
    pub spans: u32,
    pub origin: Origin,
    pub attempts: u32,
    pub not_before: Option<Instant>,
    /// Until when the collector asked to wait: nothing cuts that short.
    pub asked: Option<Instant>,
    /// How many requests had been taken before its first attempt.
    pub taken_before: Option<u64>,
    pub is_part: bool,
    /// It was refused while compressed, so it goes without.
    pub plain: bool,
    /// Whatever is made of the same records is the same.
    body: Option<Body>,
}

/// Where records are until they are settled.
#[derive(Clone)]
pub(super) enum Origin {
    Memory {
        first: u64,
    },
    /// Adopted ones have no number here.
    Disk {
        place: Place,
        first: Option<u64>,
    },
}

#[derive(Clone)]
pub(super) struct Body {
    pub key: String,
    pub bytes: Bytes,
    pub compressed: bool,
}

impl Batch {
    fn new(records: Vec<u8>, spans: u32, origin: Origin) -> Self {
        let part = 0..records.len();
        Batch {
            all: Arc::new(records),
            part,
            spans,
            origin,
            attempts: 0,
            not_before: None,
            asked: None,
            taken_before: None,
            is_part: false,
            plain: false,
            body: None,
        }
    }

    /// A chunk from memory, and the chunk's memory if it can be used again.
    pub fn of_chunk(chunk: Chunk) -> (Self, Option<Vec<u8>>) {
        let origin = Origin::Memory { first: chunk.first };
        let spans = chunk.spans;
        // Held for long, a few records should not hold the memory of many.
        if chunk.records.len() < chunk.records.capacity() / 4 {
            (Batch::new(chunk.records.as_slice().to_vec(), spans, origin), chunk.into_spare())
        } else {
            (Batch::new(chunk.records, spans, origin), None)
        }
    }

    pub fn of_stored(stored: Stored) -> Self {
        let origin = Origin::Disk { place: stored.place, first: stored.seq };
        Batch::new(stored.records, stored.spans, origin)
    }

    /// Whether its request was.
    pub fn is_compressed(&self) -> bool {
        self.body.as_ref().is_some_and(|body| body.compressed)
    }

    pub fn records(&self) -> &[u8] {
        self.all.get(self.part.clone()).unwrap_or_default()
    }

    /// Its memory, if no other part needs it.
    pub fn into_memory(self) -> Option<Vec<u8>> {
        Arc::try_unwrap(self.all).ok()
    }

    /// The request, packed if there is a packer.
    pub fn body(&mut self, key: &str, scope: (&str, &str), packer: Option<&mut Packer>) -> Body {
        let packer = packer.filter(|_| !self.plain);
        match &self.body {
            Some(body) if body.key == key && (!body.compressed || packer.is_some()) => body.clone(),
            _ => {
                let head = encode::head(Some(key), scope, self.part.len());
                let packed = packer.and_then(|packer| packer.pack([&head, self.records()]));
                let compressed = packed.is_some();
                let bytes = packed.unwrap_or_else(|| [&head, self.records()].concat());
                let body = Body { key: key.to_string(), bytes: bytes.into(), compressed };
                self.body = Some(body.clone());
                body
            }
        }
    }

    /// As it came from memory; none if it did not.
    pub fn to_chunk(&self) -> Option<Chunk> {
        match self.origin {
            Origin::Memory { first } => Some(Chunk::again(first, self.spans, self.records().to_vec())),
            Origin::Disk { .. } => None,
        }
    }

    /// Its request is made again when it is needed, the same as before.
    pub fn forget_body(&mut self) {
        self.body = None;
    }

    /// Both halves; the second is none where there is only one record.
    pub fn split(self) -> (Self, Option<Self>) {
        let count = self.spans / 2;
        let length = records::length_of(self.records(), count);
        if count == 0 || length == 0 {
            return (self, None);
        }
        let middle = self.part.start + length;
        let half = |part: Range<usize>, skip: u32, spans: u32| Batch {
            all: self.all.clone(),
            part,
            spans,
            origin: self.origin.part(skip, spans),
            attempts: 0,
            not_before: self.asked,
            asked: self.asked,
            taken_before: None,
            is_part: true,
            plain: self.plain,
            body: None,
        };
        let first = half(self.part.start..middle, 0, count);
        let second = half(middle..self.part.end, count, self.spans - count);
        (first, Some(second))
    }
}

impl Origin {
    pub fn is_memory(&self) -> bool {
        matches!(self, Origin::Memory { .. })
    }

    /// So many records, after so many.
    pub fn part(&self, skip: u32, spans: u32) -> Self {
        match self {
            Origin::Memory { first } => Origin::Memory { first: first + u64::from(skip) },
            Origin::Disk { place, first } => Origin::Disk {
                place: place.part(skip, spans),
                first: first.map(|first| first + u64::from(skip)),
            },
        }
    }
}
