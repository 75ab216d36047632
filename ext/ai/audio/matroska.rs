//! WebM and Matroska: elements in elements. A recorder that can't go back writes no duration; then it is where the last
//! block ends.

use super::number::big;
use super::{Next, Read};

/// The shortest element's name and size.
pub(super) const NEED: usize = 2;
/// What a block tells: its track, and the time within its cluster.
const BLOCK: usize = 11;
const NANOS: f64 = 1e9;

const SEGMENT: u64 = 0x1853_8067;
const INFO: u64 = 0x1549_a966;
const TIMESTAMP_SCALE: u64 = 0x2a_d7b1;
const DURATION: u64 = 0x4489;
const CLUSTER: u64 = 0x1f43_b675;
const CLUSTER_TIMESTAMP: u64 = 0xe7;
const SIMPLE_BLOCK: u64 = 0xa3;
const BLOCK_GROUP: u64 = 0xa0;
const GROUPED_BLOCK: u64 = 0xa1;
const DISCARD_PADDING: u64 = 0x75a2;

pub(super) struct Matroska {
    /// Of a tick, in nanoseconds.
    scale: u64,
    duration: Option<f64>,
    cluster: i64,
    first: Option<i64>,
    /// When the last block begins, and how much after the one before it.
    last: (i64, i64),
    /// Of the last block, what is not played, in nanoseconds.
    discarded: u64,
}

impl Default for Matroska {
    fn default() -> Self {
        Matroska { scale: 1_000_000, duration: None, cluster: 0, first: None, last: (0, 0), discarded: 0 }
    }
}

/// A number of up to eight bytes whose length is told by its first bits, and that length; `marked` if these stay in it.
fn number(bytes: &[u8], at: usize, marked: bool) -> Option<(u64, usize)> {
    let first = *bytes.get(at)?;
    let length = first.leading_zeros() as usize + 1;
    let whole = big(bytes, at, length.min(8))?;
    let number = if marked { whole } else { whole & !(1_u64.checked_shl(7 * length as u32)?) };
    Some((number, length))
}

/// How many bytes a number takes.
fn length(bytes: &[u8], at: usize, most: usize) -> Option<usize> {
    Some(bytes.get(at)?.leading_zeros() as usize + 1).filter(|&length| length <= most)
}

impl Matroska {
    fn element(&mut self, name: u64, content: &[u8]) -> Option<()> {
        match name {
            TIMESTAMP_SCALE => self.scale = big(content, 0, content.len())?,
            DURATION => {
                self.duration = Some(match content.len() {
                    4 => f64::from(f32::from_bits(u32::try_from(big(content, 0, 4)?).ok()?)),
                    _ => f64::from_bits(big(content, 0, 8)?),
                });
            }
            DISCARD_PADDING => self.discarded = big(content, 0, content.len())?,
            CLUSTER_TIMESTAMP => self.cluster = i64::try_from(big(content, 0, content.len())?).ok()?,
            _ => {
                let (_, track) = number(content, 0, true)?;
                let within = i16::from_be_bytes([*content.get(track)?, *content.get(track + 1)?]);
                let time = self.cluster.saturating_add(i64::from(within));
                self.first.get_or_insert(time);
                self.discarded = 0;
                if time > self.last.0 {
                    self.last = (time, time.saturating_sub(self.last.0));
                }
            }
        }
        Some(())
    }
}

impl Read for Matroska {
    fn read(&mut self, _at: u64, bytes: &[u8]) -> Option<Next> {
        let name_length = length(bytes, 0, 4)?;
        if bytes.len() <= name_length {
            return Some(Next::Need(name_length + 1));
        }
        let header = name_length + length(bytes, name_length, 8)?;
        if bytes.len() < header {
            return Some(Next::Need(header));
        }
        let (name, _) = number(bytes, 0, true)?;
        let (size, _) = number(bytes, name_length, false)?;
        let known = match name {
            // Where they end makes no difference, and may not be said.
            SEGMENT | INFO | CLUSTER | BLOCK_GROUP => return Some(Next::Skip(header as u64, NEED)),
            SIMPLE_BLOCK | GROUPED_BLOCK => size.min(BLOCK as u64),
            TIMESTAMP_SCALE | DURATION | CLUSTER_TIMESTAMP | DISCARD_PADDING => {
                Some(size).filter(|&size| size <= 8)?
            }
            _ => 0,
        };
        let known = header + usize::try_from(known).ok()?;
        if bytes.len() < known {
            return Some(Next::Need(known));
        }
        if known > header {
            self.element(name, bytes.get(header..known)?);
        }
        Some(Next::Skip(size.saturating_add(header as u64), NEED))
    }

    fn seconds(&self, _bytes: u64) -> Option<f64> {
        let nanos = |ticks: f64| ticks * self.scale as f64;
        if let Some(duration) = self.duration.filter(|&duration| duration > 0.0) {
            return Some(nanos(duration) / NANOS);
        }
        // The last block is as long as the one before it.
        let (last, length) = self.last;
        let ticks = last.saturating_add(length).saturating_sub(self.first?);
        Some((nanos(ticks as f64) - self.discarded as f64) / NANOS)
    }
}
