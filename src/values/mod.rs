//! Value types of the models that Rust's own don't cover.

mod check;
mod finite;
mod lenient;
mod nullable;
mod number;
mod object;
mod union;
mod unknown;

#[allow(unused_imports, reason = "an API without requirements uses none of it")]
pub(crate) use check::{Check, not_blank, one_of};
pub(crate) use finite::to_value;
#[allow(unused_imports, reason = "an API without whole numbers and times uses a part of it")]
pub(crate) use lenient::{ObjectOnly, lenient};
pub use nullable::Nullable;
pub use number::Number;
pub use object::JsonObject;
#[allow(unused_imports, reason = "an API without unions uses none of it")]
pub(crate) use union::{BestFit, tagged};
pub use unknown::UnknownValue;

/// What some programs put before a JSON text.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A point in time with its offset from UTC. Any `chrono::DateTime<Utc>` converts into it.
pub type DateTime = chrono::DateTime<chrono::FixedOffset>;
