//! Ids in paths: encoded so that they stay one segment, refused where they can't be one.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::InvalidRequest;

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes a path segment.
pub(crate) fn encode_segment(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, RESERVED).into()
}

/// Refuses what would lead to another resource.
pub(crate) fn check_segment(field: &str, value: &str) -> Result<(), InvalidRequest> {
    let problem = match value {
        "" => "is empty: give the id",
        blank if blank.trim().is_empty() => "is blank: give the id",
        "." | ".." => "is a dot segment, which would lead to another resource: give the id",
        _ => return Ok(()),
    };
    Err(InvalidRequest::new(field, problem))
}
