//! Which field of a body can't be sent.

use serde::Serialize;

use crate::error::InvalidRequest;

/// The field that fails to serialize and why, if one does.
pub(crate) fn explain<T: Serialize>(body: &T) -> Option<InvalidRequest> {
    let mut track = serde_path_to_error::Track::new();
    let mut sink = serde_json::Serializer::new(std::io::sink());
    let error = body.serialize(serde_path_to_error::Serializer::new(&mut sink, &mut track)).err()?;
    Some(InvalidRequest::new(track.path().to_string(), error.to_string()))
}
