//! How long the audio of a file is, read while the file passes.
//!
//! Every format is read forward, a header at a time, and what lies between is skipped: a file of any size takes a few
//! hundred bytes, and what a header claims is never allocated. Numbers of a damaged file that can't be are no duration.
//!
//! Libraries for it seek in a file that is there as a whole, so every upload would be kept in memory; and on damaged files
//! they panic, or allocate what a header claims.

mod flac;
mod matroska;
mod mp4;
mod mpeg;
mod number;
mod ogg;
#[cfg(test)]
mod tests;
mod wav;

use std::fmt;

/// A header that needs more bytes at once is none.
const MOST_NEEDED: usize = 4096;
/// The name of a format, at a file's start.
const NAME: usize = 12;
/// No codec takes less for a second, not even of silence; who claims more time than that is damaged.
const FEWEST_BITS_PER_SECOND: f64 = 100.0;

/// How long a file's audio is, in seconds, as the Python SDK tells it: `gen_ai.audio.input_duration_seconds`.
///
/// Reads wav, mp3, m4a and mp4, flac, ogg (Vorbis, Opus, FLAC, Speex) and webm. None if it is another format or
/// damaged, or if the file does not tell: a flac that was written to a pipe. The audio itself is not decoded.
///
/// Hooked clients read it by themselves from what is sent; it is for calls that are measured by hand.
///
/// ```no_run
/// # fn example() -> std::io::Result<()> {
/// let file = std::fs::read("meeting.mp3")?;
/// let mut call = paid::ai::AiCall::start("openai.audio.transcriptions.create", "openai", "transcription");
/// // ...the call...
/// if let Some(seconds) = paid::ai::audio_seconds(&file) {
///     call.attribute("gen_ai.audio.input_duration_seconds", seconds);
/// }
/// call.finish();
/// # Ok(())
/// # }
/// ```
pub fn audio_seconds(file: impl AsRef<[u8]>) -> Option<f64> {
    let mut audio = Audio::default();
    audio.feed(file.as_ref());
    audio.seconds()
}

/// Reads one format.
trait Read: Send + Sync {
    /// The next header, which begins at `at`: as many bytes as were asked for. None: there is nothing left to read.
    fn read(&mut self, at: u64, bytes: &[u8]) -> Option<Next>;

    /// How long it is, by what was read of a file of so many bytes.
    fn seconds(&self, bytes: u64) -> Option<f64>;
}

/// What a reader wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    /// The same again, with so many bytes.
    Need(usize),
    /// So many bytes lie behind it; then, so many at once.
    Skip(u64, usize),
}

/// Reads a file as it comes, in pieces of any size.
pub(crate) struct Audio {
    /// None before the format is known.
    reader: Option<Box<dyn Read>>,
    /// Nothing is read any more.
    over: bool,
    /// What came so far.
    bytes: u64,
    skip: u64,
    need: usize,
    /// The start of a header whose end is yet to come.
    begun: Vec<u8>,
}

impl Default for Audio {
    fn default() -> Self {
        Audio { reader: None, over: false, bytes: 0, skip: 0, need: NAME, begun: Vec::new() }
    }
}

impl Audio {
    /// More of the file.
    pub fn feed(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while !self.over {
            let passed = rest.len().min(usize::try_from(self.skip).unwrap_or(usize::MAX));
            self.skip -= passed as u64;
            rest = self.take(rest, passed);
            let next = match rest.get(..self.need) {
                // Most headers come whole.
                Some(header) if self.begun.is_empty() && self.skip == 0 => self.read(self.bytes, header),
                _ => {
                    let missing = rest.len().min(self.need.saturating_sub(self.begun.len()));
                    self.begun.extend_from_slice(rest.get(..missing).unwrap_or_default());
                    rest = self.take(rest, missing);
                    if self.begun.len() < self.need {
                        return;
                    }
                    let begun = std::mem::take(&mut self.begun);
                    let at = self.bytes.saturating_sub(begun.len() as u64);
                    let next = self.read(at, begun.get(..self.need).unwrap_or_default());
                    self.begun = begun;
                    next
                }
            };
            self.follow(next);
        }
        self.take(rest, rest.len());
    }

    /// The duration, once the file has ended.
    pub fn seconds(&self) -> Option<f64> {
        let seconds = self.reader.as_ref()?.seconds(self.bytes)?;
        let most = self.bytes as f64 * 8.0 / FEWEST_BITS_PER_SECOND;
        (seconds > 0.0 && seconds <= most).then_some(seconds)
    }

    fn take<'a>(&mut self, piece: &'a [u8], count: usize) -> &'a [u8] {
        self.bytes = self.bytes.saturating_add(count as u64);
        piece.get(count..).unwrap_or_default()
    }

    fn read(&mut self, at: u64, header: &[u8]) -> Option<Next> {
        if let Some(reader) = &mut self.reader {
            let next = reader.read(at, header)?;
            // Who wants the same again would want it forever.
            return (next > Next::Need(header.len())).then_some(next);
        }
        // Tags of MP3 are put before other formats too.
        if let Some(tag) = mpeg::id3(header) {
            return Some(Next::Skip(tag, NAME));
        }
        let (reader, need) = reader_of(header);
        self.reader = Some(reader);
        Some(Next::Need(need))
    }

    fn follow(&mut self, next: Option<Next>) {
        match next {
            Some(Next::Need(need)) if need <= MOST_NEEDED => self.need = need,
            Some(Next::Skip(count, need)) if need <= MOST_NEEDED => {
                // Always forward.
                let count = count.max(1);
                let begun = self.begun.len().min(usize::try_from(count).unwrap_or(usize::MAX));
                self.begun.drain(..begun);
                self.skip = count - begun as u64;
                self.need = need.max(1);
            }
            _ => self.over = true,
        }
    }
}

impl fmt::Debug for Audio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audio").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// Who reads a file that begins so, and what it needs first.
fn reader_of(start: &[u8]) -> (Box<dyn Read>, usize) {
    match (start.first_chunk(), start.get(4..8), start.get(8..12)) {
        (Some(b"RIFF" | b"RF64"), _, Some(b"WAVE")) => (Box::<wav::Wav>::default(), wav::NEED),
        (Some(b"fLaC"), ..) => (Box::<flac::Flac>::default(), flac::NEED),
        (Some(b"OggS"), ..) => (Box::<ogg::Ogg>::default(), ogg::NEED),
        (Some(b"\x1a\x45\xdf\xa3"), ..) => (Box::<matroska::Matroska>::default(), matroska::NEED),
        (_, Some(b"ftyp" | b"styp" | b"moov" | b"mdat" | b"free" | b"skip" | b"wide"), _) => {
            (Box::<mp4::Mp4>::default(), mp4::NEED)
        }
        // It has no name, but its frames are told by their headers.
        _ => (Box::<mpeg::Mpeg>::default(), mpeg::NEED),
    }
}
