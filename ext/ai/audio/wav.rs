//! WAV: the format tells how many bytes a second takes, and the data how many there are.

use super::number::{little, seconds};
use super::{Next, Read};

pub(super) const NEED: usize = 12;
/// A chunk's name and size.
const CHUNK: usize = 8;
/// The part of a format that is always there.
const FORMAT: usize = 16;
/// A size that is said elsewhere, or was not known when it was written.
const UNKNOWN: u64 = 0xffff_ffff;
/// PCM, floats, A-law, µ-law, and what only a longer name tells, which are one of these.
const UNCOMPRESSED: [u64; 5] = [1, 3, 6, 7, 0xfffe];

#[derive(Default)]
pub(super) struct Wav {
    state: State,
    /// Of the chunk that is read.
    size: u64,
    /// Of the file, as it says itself.
    file: u64,
    format: Option<Format>,
    /// As a chunk of its own says, for compressed data.
    samples: Option<u64>,
    /// Of the data, where 32 bits are too few.
    long: Option<u64>,
    data: Option<Data>,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    File,
    Chunk,
    Format,
    Fact,
    Long,
}

struct Format {
    tag: u64,
    rate: u64,
    bytes_per_second: u64,
    /// Of a sample of all channels, or of a block of compressed data.
    bytes_per_block: u64,
}

struct Data {
    start: u64,
    size: u64,
}

impl Wav {
    fn chunk(&mut self, at: u64, bytes: &[u8]) -> Option<Next> {
        self.size = little(bytes, 4, 4)?;
        let header = CHUNK as u64;
        let (state, need) = match bytes.first_chunk()? {
            b"fmt " => (State::Format, FORMAT),
            b"fact" => (State::Fact, 4),
            b"ds64" => (State::Long, 16),
            b"data" => {
                self.data = Some(Data { start: at.saturating_add(header), size: self.size });
                return None;
            }
            _ => return Some(Next::Skip(header.saturating_add(self.padded()), CHUNK)),
        };
        self.state = state;
        Some(Next::Skip(header, need))
    }

    /// Chunks begin at even places.
    fn padded(&self) -> u64 {
        self.size.saturating_add(self.size & 1)
    }

    /// The bytes of the data, in a file of so many.
    fn data(&self, bytes: u64) -> Option<u64> {
        let Data { start, size } = self.data.as_ref()?;
        let there = bytes.saturating_sub(*start);
        let size = match *size {
            UNKNOWN => self.long.filter(|&size| size > 0).unwrap_or(there),
            // Written to a pipe, where nobody could go back: the file says that nothing comes after this header.
            0 if self.file == UNKNOWN || self.file.saturating_add(CHUNK as u64) <= *start => there,
            size => size,
        };
        Some(size.min(there))
    }
}

impl Read for Wav {
    fn read(&mut self, at: u64, bytes: &[u8]) -> Option<Next> {
        match self.state {
            State::File => {
                self.file = little(bytes, 4, 4)?;
                self.state = State::Chunk;
                return Some(Next::Skip(NEED as u64, CHUNK));
            }
            State::Chunk => return self.chunk(at, bytes),
            State::Format => {
                self.format = Some(Format {
                    tag: little(bytes, 0, 2)?,
                    rate: little(bytes, 4, 4)?,
                    bytes_per_second: little(bytes, 8, 4)?,
                    bytes_per_block: little(bytes, 12, 2)?,
                });
            }
            State::Fact => self.samples = little(bytes, 0, 4),
            State::Long => self.long = little(bytes, 8, 8),
        }
        self.state = State::Chunk;
        Some(Next::Skip(self.padded(), CHUNK))
    }

    fn seconds(&self, bytes: u64) -> Option<f64> {
        let data = self.data(bytes)?;
        let format = self.format.as_ref()?;
        if UNCOMPRESSED.contains(&format.tag) {
            return seconds(data.checked_div(format.bytes_per_block)?, format.rate);
        }
        // Some write anything there, and a file may be cut.
        let about = seconds(data, format.bytes_per_second);
        let is_likely = |exact: &f64| about.is_none_or(|about| (about / 1.25..=about * 1.25).contains(exact));
        let samples = self.samples.filter(|&samples| samples <= data.saturating_mul(8));
        samples.and_then(|samples| seconds(samples, format.rate)).filter(is_likely).or(about)
    }
}
