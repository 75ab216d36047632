//! Request bodies against small tables: which fields a body may have, of what type, and which it must have.

use serde_json::{Map, Value};

use crate::error::ApiError;

/// A JSON object, as bodies and stored records are.
pub(crate) type Object = Map<String, Value>;

/// One field of a request body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    name: &'static str,
    kind: Kind,
    required: bool,
}

/// What a field must hold. Enums of the API are open, so they are plain text here.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Text,
    Number,
    Flag,
    /// An object whose content is free.
    AnyObject,
    /// An object with the fields of a table.
    Model(&'static [Field]),
    /// A list of such objects.
    Models(&'static [Field]),
    /// An object whose values are such objects, under any key.
    ModelMap(&'static [Field]),
}

/// A field that must be there and not be null.
pub(crate) const fn required(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true }
}

/// A field that may be absent or null.
pub(crate) const fn optional(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false }
}

/// Reads a body and checks it against its table.
///
/// An absent body counts as `{}`: the API's clients send none when nothing is left to say.
/// Only the fields of the table are returned; others are accepted and ignored.
pub(crate) fn body(bytes: &[u8], table: &[Field]) -> Result<Object, ApiError> {
    let object = if bytes.iter().all(u8::is_ascii_whitespace) {
        Object::new()
    } else {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(object)) => object,
            Ok(other) => {
                let message = format!("the body must be an object, not {}", type_of(&other));
                return Err(ApiError::invalid(message));
            }
            Err(error) => {
                return Err(ApiError::invalid("the body is not valid JSON").details(error.to_string()));
            }
        }
    };
    let mut problems = Vec::new();
    check_object(&object, table, "", &mut problems);
    refuse(problems)?;
    Ok(object.into_iter().filter(|(name, _)| table.iter().any(|field| field.name == name)).collect())
}

/// An error that names every field that is wrong, or nothing when none is.
pub(crate) fn refuse(problems: Vec<String>) -> Result<(), ApiError> {
    match problems.first() {
        None => Ok(()),
        Some(first) => Err(ApiError::invalid(first).details(problems.join("; "))),
    }
}

fn check_object(object: &Object, table: &[Field], at: &str, problems: &mut Vec<String>) {
    for field in table {
        let path = join(at, field.name);
        match object.get(field.name) {
            None | Some(Value::Null) if field.required => {
                problems.push(format!("{path} is required"));
            }
            None | Some(Value::Null) => {}
            Some(value) => check_value(value, field.kind, &path, problems),
        }
    }
}

fn check_value(value: &Value, kind: Kind, path: &str, problems: &mut Vec<String>) {
    let expected = match (kind, value) {
        (Kind::Text, Value::String(_))
        | (Kind::Number, Value::Number(_))
        | (Kind::Flag, Value::Bool(_))
        | (Kind::AnyObject, Value::Object(_)) => return,
        (Kind::Model(table), Value::Object(object)) => {
            return check_object(object, table, path, problems);
        }
        (Kind::Models(table), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                let path = format!("{path}[{index}]");
                check_value(item, Kind::Model(table), &path, problems);
            }
            return;
        }
        (Kind::ModelMap(table), Value::Object(entries)) => {
            for (key, entry) in entries {
                check_value(entry, Kind::Model(table), &join(path, key), problems);
            }
            return;
        }
        (Kind::Text, _) => "a string",
        (Kind::Number, _) => "a number",
        (Kind::Flag, _) => "true or false",
        (Kind::AnyObject | Kind::Model(_) | Kind::ModelMap(_), _) => "an object",
        (Kind::Models(_), _) => "a list",
    };
    let found = type_of(value);
    problems.push(format!("{path} must be {expected}, not {found}"));
}

fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

/// What a value is, in words.
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINT: &[Field] = &[required("x", Kind::Number), optional("note", Kind::Text)];
    const SHAPE: &[Field] = &[
        required("name", Kind::Text),
        optional("open", Kind::Flag),
        optional("points", Kind::Models(POINT)),
        optional("named", Kind::ModelMap(POINT)),
        optional("center", Kind::Model(POINT)),
        optional("extra", Kind::AnyObject),
    ];

    fn details(text: &str) -> String {
        match body(text.as_bytes(), SHAPE) {
            Ok(object) => format!("accepted {object:?}"),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn a_good_body_keeps_its_nulls_and_loses_unknown_fields() {
        let object = body(br#"{"name":"a","open":null,"points":[{"x":1}],"later":3}"#, SHAPE).unwrap();
        assert_eq!(object.get("open"), Some(&Value::Null));
        assert!(!object.contains_key("later"));
    }

    #[test]
    fn every_wrong_field_is_named_with_its_path() {
        let text = r#"{"open":"yes","points":[{"x":1},{"note":2}],"named":{"k":{}},"center":[]}"#;
        let found = details(text);
        for path in [
            "name is required",
            "open must be true or false, not a string",
            "points[1].x is required",
            "points[1].note must be a string, not a number",
            "named.k.x is required",
            "center must be an object, not a list",
        ] {
            assert!(found.contains(path), "{path} is not in {found}");
        }
    }

    #[test]
    fn what_is_not_an_object_is_refused() {
        assert!(details("[1]").contains("must be an object, not a list"));
        assert!(details("{\"name\":").contains("not valid JSON"));
        assert!(details("").contains("name is required"));
    }
}
