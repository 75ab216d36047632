//! MP4 and M4A: boxes in boxes. What is between is skipped, whether it comes before what tells the duration or after.

use super::number::{big, seconds};
use super::{Next, Read};

/// A box's size and name.
pub(super) const NEED: usize = 8;
/// With a size of 64 bits.
const LONG: usize = 16;
/// Those that are entered. Where they end makes no difference: what is in them comes in order.
const CONTAINERS: [&[u8; 4]; 8] = [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf"];
/// Every track has a set of default durations; no file of a few minutes has more tracks.
const MOST_TRACKS: usize = 64;

#[derive(Default)]
pub(super) struct Mp4 {
    tracks: Vec<Track>,
    /// In a fragment: the track's place, and how long its samples are by default.
    fragment: Option<(usize, u64)>,
    run: Option<Run>,
}

#[derive(Default)]
struct Track {
    id: u64,
    is_sound: bool,
    timescale: u64,
    duration: u64,
    /// There is some of it outside of fragments, and the duration is that of this.
    has_samples: bool,
    /// Of a sample, in fragments.
    by_default: u64,
    /// Of all fragments.
    fragments: u64,
}

/// Samples of a fragment, each with a duration of its own.
struct Run {
    left: u64,
    bytes_per_sample: usize,
}

impl Mp4 {
    /// What is in a box; its first bytes are the version and flags.
    fn content(&mut self, name: &[u8], content: &[u8]) -> Option<()> {
        let is_long = big(content, 0, 1)? == 1;
        let flags = big(content, 1, 3)?;
        match name {
            b"tkhd" => self.tracks.last_mut()?.id = big(content, if is_long { 20 } else { 12 }, 4)?,
            b"mdhd" => {
                let (place, length) = if is_long { (20, 8) } else { (12, 4) };
                let track = self.tracks.last_mut()?;
                track.timescale = big(content, place, 4)?;
                let unknown = if is_long { u64::MAX } else { u64::from(u32::MAX) };
                track.duration = big(content, place + 4, length).filter(|&duration| duration != unknown)?;
            }
            b"stts" => self.tracks.last_mut()?.has_samples = big(content, 4, 4)? > 0,
            b"hdlr" => self.tracks.last_mut()?.is_sound |= content.get(8..12)? == b"soun",
            b"trex" => {
                let id = big(content, 4, 4)?;
                let by_default = big(content, 12, 4)?;
                self.tracks.iter_mut().find(|track| track.id == id)?.by_default = by_default;
            }
            b"tfhd" => {
                let id = big(content, 4, 4)?;
                let (at, track) = self.tracks.iter().enumerate().find(|(_, track)| track.id == id)?;
                let before = if flags & 1 != 0 { 8 } else { 0 } + if flags & 2 != 0 { 4 } else { 0 };
                let own = if flags & 8 != 0 { big(content, 8 + before, 4) } else { None };
                self.fragment = Some((at, own.unwrap_or(track.by_default)));
            }
            _ => {}
        }
        Some(())
    }

    /// The samples of a fragment: how far they are to be skipped.
    fn begin_run(&mut self, content: &[u8]) -> Option<u64> {
        let (flags, count) = (big(content, 1, 3)?, big(content, 4, 4)?);
        let (at, by_default) = self.fragment?;
        let fields = |flags: u64| 4 * flags.count_ones() as usize;
        if flags & 0x100 == 0 {
            let track = self.tracks.get_mut(at)?;
            track.fragments = track.fragments.saturating_add(count.saturating_mul(by_default));
            return None;
        }
        self.run = Some(Run { left: count, bytes_per_sample: fields(flags & 0xf00) });
        Some(8 + fields(flags & 0x5) as u64)
    }

    fn sample(&mut self, bytes: &[u8]) -> Option<Next> {
        let run = self.run.as_mut()?;
        run.left = run.left.saturating_sub(1);
        let length = run.bytes_per_sample;
        if run.left == 0 {
            self.run = None;
        }
        let (at, _) = self.fragment?;
        let track = self.tracks.get_mut(at)?;
        track.fragments = track.fragments.saturating_add(big(bytes, 0, 4)?);
        Some(Next::Skip(length as u64, if self.run.is_some() { length } else { NEED }))
    }
}

impl Read for Mp4 {
    fn read(&mut self, _at: u64, bytes: &[u8]) -> Option<Next> {
        if self.run.is_some() {
            return self.sample(bytes);
        }
        let name = bytes.get(4..8)?;
        let (size, header) = match big(bytes, 0, 4)? {
            // Up to the end of the file.
            0 => return None,
            1 if bytes.len() < LONG => return Some(Next::Need(LONG)),
            1 => (big(bytes, 8, 8)?, LONG),
            size => (size, NEED),
        };
        let content = size.checked_sub(header as u64)?;
        if CONTAINERS.iter().any(|container| *container == name) {
            match name {
                b"trak" if self.tracks.len() == MOST_TRACKS => return None,
                b"trak" => self.tracks.push(Track::default()),
                b"traf" => self.fragment = None,
                _ => {}
            }
            return Some(Next::Skip(header as u64, NEED));
        }
        // As much as is read of each at most.
        let known = match name {
            b"mdhd" => 32,
            b"tkhd" | b"tfhd" => 24,
            b"trex" => 16,
            b"hdlr" => 12,
            b"trun" | b"stts" => 8,
            _ => return Some(Next::Skip(size, NEED)),
        };
        let known = header + usize::try_from(content).unwrap_or(known).min(known);
        if bytes.len() < known {
            return Some(Next::Need(known));
        }
        let inside = bytes.get(header..known)?;
        if name == b"trun" {
            if let Some(start) = self.begin_run(inside)
                && let Some(run) = self.run.take().filter(|run| run.left > 0)
            {
                let need = run.bytes_per_sample;
                self.run = Some(run);
                return Some(Next::Skip(header as u64 + start, need));
            }
        } else {
            self.content(name, inside);
        }
        Some(Next::Skip(size, NEED))
    }

    fn seconds(&self, _bytes: u64) -> Option<f64> {
        let track = self.tracks.iter().find(|track| track.is_sound)?;
        let duration = match track.fragments {
            // It may be the duration of all fragments, or nothing.
            fragments if fragments > 0 && !track.has_samples => fragments,
            fragments => track.duration.saturating_add(fragments),
        };
        seconds(duration, track.timescale)
    }
}
