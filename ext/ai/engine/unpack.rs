//! Answers that come compressed, unpacked for the reader alone: the caller gets them as they came.

use flate2::{Decompress, FlushDecompress, Status};

/// Beyond so many bytes it is read no further.
const MOST_UNPACKED: u64 = 1 << 30;
const BUFFER: usize = 16 * 1024;

/// Unpacks gzip and deflate as they come, in constant memory.
#[derive(Debug)]
pub(super) struct Unpack {
    encoding: Encoding,
    inner: Option<Decompress>,
    buffer: Vec<u8>,
    unpacked: u64,
    broken: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Gzip,
    Deflate,
}

impl Unpack {
    /// For the value of a `content-encoding`; none if it is another one, or several.
    pub fn new(encoding: &str) -> Option<Self> {
        let is = |name: &str| encoding.eq_ignore_ascii_case(name);
        let encoding = if is("gzip") || is("x-gzip") {
            Encoding::Gzip
        } else if is("deflate") {
            Encoding::Deflate
        } else {
            return None;
        };
        Some(Unpack { encoding, inner: None, buffer: vec![0; BUFFER], unpacked: 0, broken: false })
    }

    /// Whether it is not what its encoding says, or too much.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// The next piece of what these bytes hold; what it was read from is taken off them. None when all are read.
    pub fn next(&mut self, bytes: &mut &[u8]) -> Option<&[u8]> {
        loop {
            let &first = bytes.first().filter(|_| !self.broken)?;
            let inner = self.inner.get_or_insert_with(|| match self.encoding {
                Encoding::Gzip => Decompress::new_gzip(15),
                // Most services mean zlib by it, some the bare stream; the first byte tells.
                Encoding::Deflate => Decompress::new(first & 0x0f == 8 && first >> 4 <= 7),
            });
            let (read, written) = (inner.total_in(), inner.total_out());
            let status = inner.decompress(bytes, &mut self.buffer, FlushDecompress::None);
            let read = usize::try_from(inner.total_in() - read).unwrap_or_default();
            let written = inner.total_out() - written;
            *bytes = bytes.get(read..).unwrap_or_default();
            self.unpacked += written;
            match status {
                // Another member may follow.
                Ok(Status::StreamEnd) => self.inner = None,
                Ok(_) if read > 0 || written > 0 => {}
                _ => self.broken = true,
            }
            self.broken |= self.unpacked > MOST_UNPACKED;
            if written > 0 {
                return self.buffer.get(..usize::try_from(written).unwrap_or_default());
            }
        }
    }
}
