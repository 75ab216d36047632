//! FLAC: the stream's information tells its samples.

use super::number::{big, seconds};
use super::{Next, Read};

/// The name, and the first block whole.
pub(super) const NEED: usize = 42;
const STREAM_INFO: u64 = 0;

#[derive(Default)]
pub(super) struct Flac {
    rate: u64,
    samples: u64,
}

impl Flac {
    /// A stream's information, without the block's header.
    pub fn information(bytes: &[u8]) -> Option<Flac> {
        Some(Flac { rate: big(bytes, 10, 3)? >> 4, samples: big(bytes, 13, 5)? & 0xf_ffff_ffff })
    }

    pub fn rate(&self) -> u64 {
        self.rate
    }
}

impl Read for Flac {
    fn read(&mut self, _at: u64, bytes: &[u8]) -> Option<Next> {
        if big(bytes, 4, 1)? & 0x7f == STREAM_INFO {
            *self = Flac::information(bytes.get(8..)?)?;
        }
        None
    }

    fn seconds(&self, _bytes: u64) -> Option<f64> {
        seconds(self.samples, self.rate)
    }
}
