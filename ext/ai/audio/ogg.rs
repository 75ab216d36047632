//! Ogg: pages, each with the position in the sound that it ends at.

use super::flac::Flac;
use super::number::{little, seconds};
use super::{Next, Read};

/// The fixed part of a page's header.
pub(super) const NEED: usize = 27;
/// The longest start of a stream that has to be known: FLAC's.
const MOST_OF_START: usize = 51;
const FIRST_PAGE: u64 = 2;
/// A page on which no packet ends has no position.
const NOWHERE: u64 = u64::MAX;
const OPUS_RATE: u64 = 48_000;

#[derive(Default)]
pub(super) struct Ogg {
    /// The stream that is read.
    stream: Option<Stream>,
    /// Of streams before it, one after the other.
    before: f64,
    /// Where there was no page.
    lost_at: Option<u64>,
}

struct Stream {
    number: u64,
    rate: u64,
    /// Samples that are not played.
    skipped: u64,
    /// The longest packet there can be, in samples.
    longest_packet: u64,
    /// Where the first page ends, of a stream that was cut out of a longer one.
    begins_at: Option<u64>,
    position: Option<u64>,
}

impl Stream {
    fn of(number: u64, start: &[u8]) -> Option<Stream> {
        let (rate, skipped) = if start.starts_with(b"\x01vorbis") {
            (little(start, 12, 4)?, 0)
        } else if start.starts_with(b"OpusHead") {
            (OPUS_RATE, little(start, 10, 2)?)
        } else if start.starts_with(b"\x7fFLAC") {
            (Flac::information(start.get(17..)?)?.rate(), 0)
        } else if start.starts_with(b"Speex   ") {
            (little(start, 36, 4)?, 0)
        } else {
            return None;
        };
        let longest_packet = if rate == OPUS_RATE && start.starts_with(b"OpusHead") { 5760 } else { 65_536 };
        Some(Stream { number, rate, skipped, longest_packet, begins_at: None, position: None })
    }

    fn seconds(&self) -> Option<f64> {
        seconds(self.position?.saturating_sub(self.begins_at.unwrap_or(self.skipped)), self.rate)
    }
}

impl Read for Ogg {
    fn read(&mut self, at: u64, bytes: &[u8]) -> Option<Next> {
        if !bytes.starts_with(b"OggS") {
            self.lost_at = Some(at);
            return None;
        }
        let header = NEED + little(bytes, 26, 1)? as usize;
        let Some(lengths) = bytes.get(NEED..header) else { return Some(Next::Need(header)) };
        let body: usize = lengths.iter().map(|&length| usize::from(length)).sum();
        let (kind, position, number) = (little(bytes, 5, 1)?, little(bytes, 6, 8)?, little(bytes, 14, 4)?);
        if kind & FIRST_PAGE != 0 {
            let known = header + body.min(MOST_OF_START);
            let Some(start) = bytes.get(header..known) else { return Some(Next::Need(known)) };
            // A second one beside the first, such as another language's, is not heard at the same time.
            let is_next = self.stream.as_ref().is_none_or(|stream| stream.position.is_some());
            if is_next && let Some(next) = Stream::of(number, start) {
                self.before += self.stream.as_ref().and_then(Stream::seconds).unwrap_or_default();
                self.stream = Some(next);
            }
        } else if let Some(stream) = self.stream.as_mut().filter(|stream| stream.number == number)
            && position != NOWHERE
            && position > 0
        {
            // A first page can't end later than its packets last, unless what came before it was left out.
            let packets = lengths.iter().filter(|&&length| length < 255).count() as u64;
            if stream.position.is_none() && position > packets.saturating_mul(stream.longest_packet) {
                stream.begins_at = Some(position);
            }
            stream.position = Some(position);
        }
        Some(Next::Skip((header + body) as u64, NEED))
    }

    fn seconds(&self, bytes: u64) -> Option<f64> {
        /// Tags of other formats, put at the end.
        const MOST_AFTER: u64 = 4096;
        if self.lost_at.is_some_and(|at| bytes.saturating_sub(at) > MOST_AFTER) {
            return None;
        }
        Some(self.before + self.stream.as_ref()?.seconds()?)
    }
}
