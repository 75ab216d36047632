//! What the build script makes of the spec in `openapi/`.

include!(concat!(env!("OUT_DIR"), "/mod.rs"));
