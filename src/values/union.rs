//! What generated unions need to be read and written without loss.

// An API without unions uses none of it.
#![allow(dead_code)]

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer, ser};
use serde_json::Value;

/// Of several types that can hold a value, the one that keeps the most of it, and the most as it is; of equals the
/// first.
///
/// One that keeps nothing of a value that has something is not its type.
pub(crate) struct BestFit<'a, T> {
    value: &'a Value,
    best: Option<(Kept, T)>,
}

/// How many fields a type keeps, and how many of them unchanged: text that is a number may become one.
#[derive(Clone, Copy, Default, PartialEq, PartialOrd)]
struct Kept {
    fields: usize,
    unchanged: usize,
}

impl<'a, T> BestFit<'a, T> {
    pub(crate) fn new(value: &'a Value) -> Self {
        BestFit { value, best: None }
    }

    pub(crate) fn offer<M: DeserializeOwned + Serialize>(&mut self, wrap: impl FnOnce(M) -> T) {
        let Ok(known) = M::deserialize(self.value) else { return };
        let written = serde_json::to_value(&known).ok();
        let written = written.as_ref().and_then(Value::as_object);
        let kept = written.map_or(Kept::default(), |written| Kept {
            fields: written.len(),
            unchanged: written.iter().filter(|(key, value)| self.value.get(key) == Some(value)).count(),
        });
        if kept.fields == 0 && self.value.as_object().is_none_or(|object| !object.is_empty()) {
            return;
        }
        if self.best.as_ref().is_none_or(|(most, _)| kept > *most) {
            self.best = Some((kept, wrap(known)));
        }
    }

    pub(crate) fn found(self) -> Option<T> {
        self.best.map(|(_, found)| found)
    }
}

/// Writes an object with its discriminator, which it may not have as a field.
pub(crate) fn tagged<T: Serialize, S: Serializer>(
    value: &T,
    property: &str,
    tag: &str,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut value = serde_json::to_value(value).map_err(ser::Error::custom)?;
    if let Some(object) = value.as_object_mut()
        && object.get(property).is_none_or(Value::is_null)
    {
        object.insert(property.into(), tag.into());
    }
    value.serialize(serializer)
}
