//! What the spec requires of a request beyond what its types say, by `x-paid-requires`.

// An API without such requirements uses none of it.
#![allow(dead_code)]

use crate::error::InvalidRequest;
use crate::values::Nullable;

/// A value that can be incomplete though its type is right.
pub(crate) trait Check {
    /// Refuses what the API could do nothing with, by the name of the field.
    fn check(&self) -> Result<(), InvalidRequest>;
}

impl<T: Check> Check for Option<T> {
    fn check(&self) -> Result<(), InvalidRequest> {
        self.as_ref().map_or(Ok(()), T::check)
    }
}

impl<T: Check> Check for Nullable<T> {
    fn check(&self) -> Result<(), InvalidRequest> {
        self.as_ref().map_or(Ok(()), T::check)
    }
}

impl<T: Check> Check for Box<T> {
    fn check(&self) -> Result<(), InvalidRequest> {
        T::check(self)
    }
}

impl<T: Check> Check for Vec<T> {
    fn check(&self) -> Result<(), InvalidRequest> {
        let mut items = self.iter().enumerate();
        items.try_for_each(|(at, item)| item.check().map_err(|problem| problem.within(&format!("[{at}]"))))
    }
}

/// Refuses a group of fields of which none is given, by the name of the first.
pub(crate) fn one_of(fields: &[(&str, bool)]) -> Result<(), InvalidRequest> {
    let Some((first, others)) = fields.split_first() else { return Ok(()) };
    if fields.iter().any(|(_, is_given)| *is_given) {
        return Ok(());
    }
    let others: String = others.iter().map(|(name, _)| format!(" or `{name}`")).collect();
    let problem = match others.as_str() {
        "" => "is missing: the API does nothing without it".to_string(),
        others => format!("is missing: give it{others}, the API does nothing without"),
    };
    Err(InvalidRequest::new(first.0, problem))
}

/// Refuses text of white space alone.
pub(crate) fn not_blank(field: &str, text: Option<&String>) -> Result<(), InvalidRequest> {
    match text {
        Some(text) if text.trim().is_empty() => {
            Err(InvalidRequest::new(field, "is blank: give it, or leave it out"))
        }
        _ => Ok(()),
    }
}
