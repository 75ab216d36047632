//! Value types of the models that Rust's own don't cover.

mod finite;
mod nullable;
mod number;
mod object;
mod unknown;

pub(crate) use finite::to_value;
pub use nullable::Nullable;
pub use number::Number;
pub use object::JsonObject;
pub use unknown::UnknownValue;

/// A point in time with its offset from UTC. Any `chrono::DateTime<Utc>` converts into it.
pub type DateTime = chrono::DateTime<chrono::FixedOffset>;
