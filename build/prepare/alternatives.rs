//! `oneOf` and `anyOf`: enums that are open, unions of objects, and what is neither.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::schemas::{Schemas, Usage, follow, has_properties};
use super::{reference, text_of};
use crate::generator::model::{Discriminator, Union};
use crate::generator::names;

/// The alternatives of a schema. Those that only say which properties go together are not meant.
pub fn of(schema: &Value) -> Option<&[Value]> {
    let parts = ["oneOf", "anyOf"].iter().find_map(|key| schema.get(key)?.as_array())?;
    let shapes = ["$ref", "type", "properties", "allOf", "oneOf", "anyOf", "enum", "items"];
    let is_rule = |part: &Value| shapes.iter().all(|key| part.get(key).is_none());
    let only_rules = has_properties(schema) && parts.iter().all(is_rule);
    (!only_rules && !parts.is_empty()).then_some(parts)
}

/// Whether the schema lists its values as text.
pub fn has_enum(schema: &Value) -> bool {
    let typed = matches!(schema.get("type").and_then(Value::as_str), None | Some("string"));
    typed && schema.get("enum").is_some()
}

/// The values of an enum; also of `anyOf: [enum, string]`, the open enum of some generators.
pub fn enum_values(doc: &Value, schema: &Value, name: &str) -> Result<Option<Vec<String>>, String> {
    let mut values: Vec<String> = Vec::new();
    if let Some(parts) = of(schema) {
        let mut found = false;
        for part in parts {
            let part = follow(doc, part, &mut Vec::new()).map_err(|error| format!("{name}: {error}"))?;
            match (has_enum(part), text_of(part, "type").as_str()) {
                (true, _) => listed(part, name, &mut values)?,
                (false, "string") => continue,
                _ => return Ok(None),
            }
            found = true;
        }
        return Ok(found.then_some(values));
    }
    if !has_enum(schema) {
        return Ok(None);
    }
    listed(schema, name, &mut values)?;
    Ok(Some(values))
}

fn listed(schema: &Value, name: &str, into: &mut Vec<String>) -> Result<(), String> {
    for value in schema["enum"].as_array().into_iter().flatten() {
        match value {
            Value::String(text) if into.contains(text) => {}
            Value::String(text) => into.push(text.clone()),
            Value::Null => {}
            other => {
                return Err(format!(
                    "enum {name}: `{other}` is not a string: quote it, or give the schema `type: integer`"
                ));
            }
        }
    }
    Ok(())
}

/// Defines a union of objects; alternatives of another kind are any JSON value, or their common type.
pub fn union(
    schemas: &mut Schemas<'_>,
    name: &str,
    description: String,
    schema: &Value,
    parts: &[Value],
) -> Result<Usage, String> {
    // Decided before anything is named: what refers to a union must find one.
    let mut kinds = Vec::new();
    for part in parts {
        kinds.push(kind(schemas.doc, part).map_err(|error| format!("{name}: {error}"))?);
    }
    if kinds.iter().any(|kind| *kind != "union member") {
        let common =
            kinds.first().filter(|first| !first.is_empty() && kinds.iter().all(|kind| kind == *first));
        if let Some(kind) = common {
            return schemas.usage(&json!({"type": kind}), name);
        }
        schemas.warnings.push(format!("{name}: its alternatives are not all objects: any JSON value"));
        return Ok(Usage::plain(json!({})));
    }
    let placeholder = Union { description: description.clone(), members: Vec::new(), discriminator: None };
    schemas.unions.insert(name.to_string(), placeholder);
    let mut members: Vec<String> = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let hint = match text_of(part, "title") {
            title if title.is_empty() => format!("{name}{}", at + 1),
            title => format!("{name}{}", names::pascal(&title)),
        };
        let usage = schemas.usage(part, &hint)?;
        let Some(member) = usage.target().filter(|member| schemas.structs.contains_key(*member)) else {
            return Err(format!(
                "union {name}: its alternative {} is not an object: make each an object in components/schemas",
                at + 1
            ));
        };
        if !members.iter().any(|known| known == member) {
            members.push(member.to_string());
        }
    }
    let discriminator = discriminator(schemas, name, schema, &members)?;
    schemas.unions.insert(name.to_string(), Union { description, members, discriminator });
    Ok(Usage::plain(reference(name)))
}

/// What an alternative is: an object with properties, a plain type by its name, or neither.
fn kind(doc: &Value, part: &Value) -> Result<&'static str, String> {
    let mut part = part;
    let mut within = Vec::new();
    loop {
        part = follow(doc, part, &mut within)?;
        let joined = part.get("allOf").and_then(Value::as_array).map(Vec::as_slice);
        match joined.or(of(part)) {
            Some([only]) if !has_properties(part) => part = only,
            Some(_) if joined.is_some() => return Ok("union member"),
            Some(_) => return Ok(""),
            None => break,
        }
    }
    let kind = part.get("type").and_then(Value::as_str).unwrap_or("object");
    if has_properties(part) && kind == "object" {
        return Ok("union member");
    }
    let plain = ["string", "integer", "number", "boolean"].into_iter().find(|plain| *plain == kind);
    Ok(plain.filter(|_| part.get("enum").is_none()).unwrap_or_default())
}

fn discriminator(
    schemas: &Schemas<'_>,
    name: &str,
    schema: &Value,
    members: &[String],
) -> Result<Option<Discriminator>, String> {
    let Some(given) = schema.get("discriminator") else { return Ok(None) };
    let property = text_of(given, "propertyName");
    if property.is_empty() {
        return Err(format!("union {name}: its discriminator has no propertyName: add the name of the tag"));
    }
    let mut mapping = BTreeMap::new();
    for (tag, target) in given["mapping"].as_object().into_iter().flatten() {
        let target =
            names::variant(target.as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default());
        if !members.contains(&target) {
            return Err(format!(
                "union {name}: the discriminator maps `{tag}` to `{target}`, which is not among its alternatives: \
                 add it there, or drop the mapping"
            ));
        }
        mapping.insert(tag.clone(), target);
    }
    // An alternative without a mapping goes by its own name.
    for member in members {
        if !mapping.values().any(|target| target == member) {
            let tag = schemas.names.get(member).unwrap_or(member);
            mapping.insert(tag.clone(), member.clone());
        }
    }
    Ok(Some(Discriminator { property, mapping }))
}
