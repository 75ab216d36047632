//! What holds of every input, asserted for one: run over seeds and mutations of them by the tests, and over what a
//! fuzzer finds (`fuzz/`).
//!
//! The first bytes of an input choose what is read and how it is cut; the rest is what is read.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod bodies;
mod hiding;
mod reading;

pub use bodies::{ask_for_usage, request};
pub use reading::{event_stream, json_usage, sse};

/// The bytes before the body.
const HEAD: usize = 4;

/// An input, taken apart.
#[derive(Clone, Copy, Debug)]
struct Input<'a> {
    /// Chooses what is read.
    choice: usize,
    /// Sizes of the pieces, in turn.
    sizes: [usize; 3],
    body: &'a [u8],
}

impl<'a> Input<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let (&[choice, a, b, c], body) = bytes.split_first_chunk::<HEAD>()?;
        // Short ones are more telling, and a long one may hold whole events.
        let size = |byte: u8| if byte < 128 { usize::from(byte) % 8 + 1 } else { usize::from(byte) };
        Some(Input { choice: usize::from(choice), sizes: [size(a), size(b), size(c)], body })
    }

    /// The body in its pieces.
    fn pieces(&self) -> Vec<&'a [u8]> {
        cut(self.body, &self.sizes)
    }
}

fn cut<'a>(bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let (mut rest, mut pieces) = (bytes, Vec::new());
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(rest.len().min(*size));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// The text with which an input and what it is about are shown.
fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
