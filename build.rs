//! Generates the typed API from the spec in `openapi/`; the passes live in `build/`.

// A JSON value read by a key that is missing is null, not a panic.
#![allow(clippy::indexing_slicing)]

#[path = "build/mod.rs"]
mod generator;

fn main() {
    generator::run();
}
