//! A value of an enum that this version of the SDK does not know.

/// The text of an enum value that this version of the SDK does not know.
///
/// Only the SDK makes one, so that a known value is never hidden in an enum's unknown variant;
/// convert from text instead: `TaxExemptStatus::from("exempt")`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnknownValue(Box<str>);

impl UnknownValue {
    pub(crate) fn new(value: &str) -> Self {
        UnknownValue(value.into())
    }

    /// The value as the API wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
