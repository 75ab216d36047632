//! Which records of a segment need never be sent again, in memory and in the `.done` file beside it.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;

use super::block::{crc, u32_at};
use super::disk::{self, Disk};
use super::names::SegmentName;

const MAGIC: [u8; 4] = [0xb8, b'P', b'd', 0x1b];
/// Magic, first record, how many, CRC of those two.
const FRAME: usize = 16;

/// A set of records, as runs.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// Start to end; neither overlapping nor touching.
    runs: BTreeMap<u32, u32>,
}

impl Settled {
    pub fn add(&mut self, range: Range<u32>) {
        let Range { mut start, mut end } = range;
        if start >= end {
            return;
        }
        while let Some((&first, &last)) = self.runs.range(..=end).next_back()
            && last >= start
        {
            self.runs.remove(&first);
            (start, end) = (start.min(first), end.max(last));
        }
        self.runs.insert(start, end);
    }

    /// The first run within `range` that is not settled.
    pub fn hole(&self, range: Range<u32>) -> Option<Range<u32>> {
        let before = self.runs.range(..=range.start).next_back();
        let start = before.map_or(range.start, |(_, &end)| end.max(range.start));
        let end = self.runs.range(start..).next().map_or(range.end, |(&next, _)| next.min(range.end));
        (start < end).then_some(start..end)
    }

    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    pub fn runs(&self) -> impl Iterator<Item = Range<u32>> {
        self.runs.iter().map(|(&start, &end)| start..end)
    }

    /// How many within `range` are not settled.
    pub fn open(&self, range: Range<u32>) -> u32 {
        let mut rest = range;
        let mut open = 0;
        while let Some(hole) = self.hole(rest.clone()) {
            open += hole.end - hole.start;
            rest.start = hole.end;
        }
        open
    }
}

/// As it is written to the file.
pub(super) fn write(out: &mut Vec<u8>, seed: u32, range: &Range<u32>) {
    let mut body = [0; 8];
    let (first, count) = body.split_at_mut(4);
    first.copy_from_slice(&range.start.to_le_bytes());
    count.copy_from_slice(&(range.end - range.start).to_le_bytes());
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&body);
    out.extend_from_slice(&crc(seed, &body).to_le_bytes());
}

/// Which records of a segment were settled, as its folder says.
pub(super) fn read_file(disk: &dyn Disk, folder: &Path, name: SegmentName) -> io::Result<Settled> {
    let file = match disk.open(&folder.join(name.done())) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Settled::default()),
        file => file?,
    };
    let size = file.size()?;
    let bytes = disk::read(file.as_ref(), 0, size).or_else(|_| disk::salvage(file.as_ref(), 0, size))?;
    Ok(read(&bytes, name.seed))
}

/// What a file says. What is damaged is not settled: better sent twice than never.
pub(super) fn read(bytes: &[u8], seed: u32) -> Settled {
    let mut settled = Settled::default();
    let mut at = 0;
    while let Some(frame) = bytes.get(at..at + FRAME) {
        match range(frame, seed) {
            Some(range) => {
                settled.add(range);
                at += FRAME;
            }
            None => at += 1,
        }
    }
    settled
}

fn range(frame: &[u8], seed: u32) -> Option<Range<u32>> {
    if !frame.starts_with(&MAGIC) || u32_at(frame, 12)? != crc(seed, frame.get(4..12)?) {
        return None;
    }
    let first = u32_at(frame, 4)?;
    Some(first..first.checked_add(u32_at(frame, 8)?)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn holes_are_what_was_not_added() {
        for seed in 0..300 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let (mut settled, mut model, mut file) = (Settled::default(), [false; 64], Vec::new());
            for _ in 0..rng.usize(0..12) {
                let start = rng.u32(0..64);
                let range = start..rng.u32(start..=64);
                settled.add(range.clone());
                model[range.start as usize..range.end as usize].fill(true);
                write(&mut file, 7, &range);
            }
            let torn = rng.usize(0..=FRAME);
            let cut = [&file[..torn.min(file.len())], &file].concat();
            for settled in [settled, read(&file, 7), read(&cut, 7)] {
                let start = rng.u32(0..=64);
                let within = start..rng.u32(start..=64);
                let open: Vec<u32> = within.clone().filter(|at| !model[*at as usize]).collect();
                assert_eq!(settled.open(within.clone()), open.len() as u32);
                let hole = settled.hole(within);
                assert_eq!(hole.as_ref().map(|hole| hole.start), open.first().copied());
                if let Some(hole) = hole {
                    assert!(hole.clone().all(|at| open.contains(&at)) && !open.contains(&hole.end));
                }
            }
            assert_eq!(read(&file, 8).open(0..64), 64, "another segment's");
        }
    }
}
