//! The environment variables that configure a client.

use crate::error::InvalidRequest;

/// The API key.
pub(crate) const API_KEY: &str = "PAID_API_KEY";
/// Another base URL than the production server's.
pub(crate) const BASE_URL: &str = "PAID_BASE_URL";

/// A variable that is set and not empty. Text that is not Unicode is an error, not an absence.
pub(crate) fn read(name: &str) -> Result<Option<String>, InvalidRequest> {
    match std::env::var(name) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => Ok(Some(text)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(InvalidRequest::new(name, "is not Unicode text: set it again without stray bytes"))
        }
    }
}
