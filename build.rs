//! Generates the typed API from the spec in `openapi/`; the passes live in `build/`.

#[path = "build/mod.rs"]
mod generator;

fn main() {
    generator::run();
}
