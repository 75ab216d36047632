//! Which field of a body can't be sent.

use serde::Serialize;

use crate::error::InvalidRequest;
use crate::values;

/// The field that has no JSON form and why, if there is one.
pub(crate) fn explain<T: Serialize>(body: &T) -> Option<InvalidRequest> {
    let problem = values::to_value(body).err()?;
    Some(InvalidRequest::new(problem.path(), problem.what()))
}
