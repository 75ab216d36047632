//! The environment variables that configure a client.

use crate::error::InvalidRequest;

/// The API key.
pub(crate) const API_KEY: &str = "PAID_API_KEY";
/// Another base URL than the production server's.
pub(crate) const BASE_URL: &str = "PAID_BASE_URL";

/// A variable that is set and not blank, without the white space around it: a secret that `echo`
/// wrote ends with a line end. Text that is not Unicode is an error, not an absence.
pub(crate) fn read(name: &str) -> Result<Option<String>, InvalidRequest> {
    match std::env::var(name) {
        Ok(text) if text.trim().is_empty() => Ok(None),
        Ok(text) => Ok(Some(text.trim().to_string())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(InvalidRequest::new(name, "is not Unicode text: set it again without stray bytes"))
        }
    }
}
