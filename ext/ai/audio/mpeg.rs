//! MP3, and MPEG's layers 1 and 2: frames, each with a header. All are counted, so it makes no difference whether their
//! sizes vary and whether the first one tells how many there are.

use super::number::big;
use super::{Next, Read};

/// A frame's header.
pub(super) const NEED: usize = 4;
/// So much that is no frame is looked through.
const MOST_LOST: u64 = 128 * 1024;
/// Of a first frame's content, what may tell of the file.
const INFORMATION: usize = 36 + 180;

/// Of layers 1 to 3 of MPEG-1, and of layer 1 and the others of MPEG-2, in kbit/s.
const BITRATES: [[u64; 15]; 5] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
const RATES: [u64; 3] = [44_100, 48_000, 32_000];

/// The bytes of a tag at a file's start; none if it is not one.
pub(super) fn id3(bytes: &[u8]) -> Option<u64> {
    let size = big(bytes, 6, 4).filter(|size| bytes.starts_with(b"ID3") && size & 0x8080_8080 == 0)?;
    let size = (0..4).fold(0, |sum, place| sum | (size >> (8 * place) & 0x7f) << (7 * place));
    let footer = if big(bytes, 5, 1)? & 0x10 == 0 { 0 } else { 10 };
    Some(size + 10 + footer)
}

#[derive(Default)]
pub(super) struct Mpeg {
    /// What all frames are like, once two that follow each other are alike.
    first: Option<Frame>,
    /// Frames follow each other here.
    in_step: bool,
    frames: u64,
    /// Samples that are not played.
    padding: u64,
    lost: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Frame {
    kind: Kind,
    length: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Kind {
    version: u64,
    layer: u64,
    rate: u64,
    samples: u64,
}

impl Frame {
    fn of(header: &[u8]) -> Option<Frame> {
        let bits = big(header, 0, 4).filter(|bits| bits >> 21 == 0x7ff)?;
        let (version, layer) = (bits >> 19 & 3, 4 - (bits >> 17 & 3));
        let (bitrate, rate, padded) = (bits >> 12 & 15, bits >> 10 & 3, bits >> 9 & 1);
        let (row, halved) = match (version, layer) {
            (3, 1..=3) => (layer - 1, 0),
            (2, 1) => (3, 1),
            (0, 1) => (3, 2),
            (2, 2 | 3) => (4, 1),
            (0, 2 | 3) => (4, 2),
            _ => return None,
        };
        let bitrate =
            BITRATES.get(row as usize)?.get(bitrate as usize).filter(|&&bitrate| bitrate > 0)? * 1000;
        let rate = RATES.get(rate as usize)? >> halved;
        let samples = match layer {
            1 => 384,
            3 if version != 3 => 576,
            _ => 1152,
        };
        let slot = if layer == 1 { 4 } else { 1 };
        let length = (samples / 8 / slot * bitrate / rate + padded) * slot;
        Some(Frame { kind: Kind { version, layer, rate, samples }, length })
    }
}

impl Mpeg {
    /// Looks for a frame with another one like it after it.
    fn search(&mut self, bytes: &[u8]) -> Option<Next> {
        let found = Frame::of(bytes).filter(|frame| self.first.is_none_or(|first| first.kind == frame.kind));
        let Some(frame) = found else { return self.lost(bytes) };
        let length = usize::try_from(frame.length).ok()?;
        // Both headers, and what the first frame tells.
        let need = (length + NEED).max(if self.first.is_none() { NEED + INFORMATION } else { 0 });
        if bytes.len() < need {
            return Some(Next::Need(need));
        }
        match bytes.get(length..).and_then(Frame::of) {
            Some(next) if next.kind == frame.kind => {
                self.in_step = true;
                let is_first = self.first.replace(frame).is_none();
                if is_first && self.tells(bytes) {
                    return Some(Next::Skip(frame.length, NEED));
                }
                self.frames += 1;
                Some(Next::Skip(frame.length, NEED))
            }
            _ => self.lost(bytes),
        }
    }

    fn lost(&mut self, bytes: &[u8]) -> Option<Next> {
        self.in_step = false;
        // The rest of the file are tags.
        let is_tag = bytes.starts_with(b"TAG") || bytes.starts_with(b"APET");
        // As far as no frame can begin.
        let passed = bytes.iter().skip(1).position(|&byte| byte == 0xff).map_or(bytes.len(), |at| at + 1);
        // Of frames that were none, all but the first byte may be some.
        self.lost += passed as u64;
        (self.lost <= MOST_LOST && !(is_tag && self.first.is_some()))
            .then_some(Next::Skip(passed as u64, NEED))
    }

    /// Whether the first frame has no sound, but tells of the file.
    fn tells(&mut self, bytes: &[u8]) -> bool {
        let at = |place: usize, name: &[u8]| bytes.get(place..).is_some_and(|rest| rest.starts_with(name));
        if at(36, b"VBRI") {
            return true;
        }
        // After what is beside the sound, which depends on the version and on whether it is mono.
        let is_mpeg1 = self.first.is_some_and(|first| first.kind.version == 3);
        let is_mono = big(bytes, 3, 1).is_some_and(|mode| mode >> 6 == 3);
        let place = match (is_mpeg1, is_mono) {
            (true, false) => 36,
            (true, true) | (false, false) => 21,
            (false, true) => 13,
        };
        if !at(place, b"Xing") && !at(place, b"Info") {
            return false;
        }
        let flags = big(bytes, place + 4, 4).unwrap_or_default();
        let fields = [(1, 4), (2, 4), (4, 100), (8, 4)];
        let lame = fields.into_iter().filter(|(flag, _)| flags & flag != 0).map(|(_, length)| length);
        let lame = place + 8 + lame.sum::<usize>();
        if at(lame, b"LAME") {
            let paddings = big(bytes, lame + 21, 3).unwrap_or_default();
            self.padding = (paddings >> 12) + (paddings & 0xfff);
        }
        true
    }
}

impl Read for Mpeg {
    fn read(&mut self, _at: u64, bytes: &[u8]) -> Option<Next> {
        let Some(first) = self.first.filter(|_| self.in_step) else { return self.search(bytes) };
        match Frame::of(bytes) {
            Some(frame) if frame.kind == first.kind => {
                self.frames += 1;
                Some(Next::Skip(frame.length, NEED))
            }
            _ => self.lost(bytes),
        }
    }

    fn seconds(&self, _bytes: u64) -> Option<f64> {
        let kind = self.first?.kind;
        let samples = self.frames.checked_mul(kind.samples)?.saturating_sub(self.padding);
        super::number::seconds(samples, kind.rate)
    }
}
