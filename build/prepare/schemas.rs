//! Schemas: named objects, enums and unions are kept as components, everything else is inlined.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{reference, text_of};
use crate::generator::model::{Discriminator, Enum, Field, Struct, Union};
use crate::generator::names;

/// The schemas of one spec, normalised as they are met.
pub struct Schemas<'a> {
    doc: &'a Value,
    /// Rust name of a component to the name in the spec.
    names: BTreeMap<String, String>,
    started: BTreeSet<String>,
    pub structs: BTreeMap<String, Struct>,
    pub enums: BTreeMap<String, Enum>,
    pub unions: BTreeMap<String, Union>,
    pub warnings: Vec<String>,
}

/// A schema where it is used.
pub struct Usage {
    pub schema: Value,
    pub nullable: bool,
}

impl Usage {
    fn plain(schema: Value) -> Self {
        Usage { schema, nullable: false }
    }
}

impl<'a> Schemas<'a> {
    pub fn new(doc: &'a Value) -> Result<Self, String> {
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for name in doc["components"]["schemas"].as_object().into_iter().flatten().map(|(name, _)| name) {
            let rust = names::variant(name);
            if let Some(other) = names.insert(rust.clone(), name.clone()) {
                return Err(format!("schemas `{other}` and `{name}` are both `{rust}` in Rust: rename one"));
            }
        }
        Ok(Schemas {
            doc,
            names,
            started: BTreeSet::new(),
            structs: BTreeMap::new(),
            enums: BTreeMap::new(),
            unions: BTreeMap::new(),
            warnings: Vec::new(),
        })
    }

    /// Normalises the components that no operation led to, so that models in the spec are never missing.
    pub fn all_components(&mut self) -> Result<(), String> {
        let names: Vec<String> = self.names.values().cloned().collect();
        names.iter().try_for_each(|name| self.component(name).map(drop))
    }

    /// Normalises a schema. `hint` names it should it need a name of its own.
    pub fn usage(&mut self, schema: &Value, hint: &str) -> Result<Usage, String> {
        let nullable = schema.get("nullable").and_then(Value::as_bool).unwrap_or(false);
        let mut usage = self.shape(schema, hint)?;
        usage.nullable |= nullable;
        Ok(usage)
    }

    fn shape(&mut self, schema: &Value, hint: &str) -> Result<Usage, String> {
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            return match target.strip_prefix("#/components/schemas/") {
                Some(name) => self.component(name),
                None => Err(format!("{hint}: `{target}` leads outside components/schemas: move it there")),
            };
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            return match parts.as_slice() {
                [part] if schema.get("properties").is_none() => self.usage(part, hint),
                _ => self.hoist(schema, hint),
            };
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(parts) = schema.get(key).and_then(Value::as_array) {
                return match parts.as_slice() {
                    [part] => self.usage(part, hint),
                    _ => self.hoist(schema, hint),
                };
            }
        }
        if schema.get("not").is_some() {
            return Err(format!("{hint}: `not` has no counterpart in Rust types: describe what is allowed"));
        }
        if has_enum(schema) {
            return self.hoist(schema, hint);
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("string") if text_of(schema, "format") == "date-time" => {
                Ok(Usage::plain(json!({"type": "string", "format": "date-time"})))
            }
            Some("string") => Ok(Usage::plain(json!({"type": "string"}))),
            Some("integer") => Ok(Usage::plain(json!({"type": "integer", "format": "int64"}))),
            Some("number") => Ok(Usage::plain(json!({"type": "number"}))),
            Some("boolean") => Ok(Usage::plain(json!({"type": "boolean"}))),
            Some("array") => {
                let item = self.usage(&schema["items"], &format!("{hint}Item"))?;
                Ok(Usage::plain(json!({"type": "array", "items": inner(item)})))
            }
            Some("object") => self.object(schema, hint),
            None if schema.get("properties").is_some() => self.object(schema, hint),
            None => Ok(Usage::plain(json!({}))),
            Some(other) => Err(format!("{hint}: type `{other}` is not a type of OpenAPI 3.0")),
        }
    }

    fn object(&mut self, schema: &Value, hint: &str) -> Result<Usage, String> {
        let properties = schema.get("properties").and_then(Value::as_object);
        let rest = schema.get("additionalProperties");
        if properties.is_some_and(|properties| !properties.is_empty()) {
            if rest.is_some_and(Value::is_object) {
                self.warnings.push(format!(
                    "{hint}: values beside its named properties are ignored when read and can be sent only as \
                     extra body fields"
                ));
            }
            return self.hoist(schema, hint);
        }
        match rest {
            Some(values) if values.as_object().is_some_and(|values| !values.is_empty()) => {
                let value = self.usage(values, &format!("{hint}Value"))?;
                if value.schema == json!({}) {
                    return Ok(Usage::plain(json!({"type": "object", "additionalProperties": true})));
                }
                Ok(Usage::plain(json!({"type": "object", "additionalProperties": inner(value)})))
            }
            _ => Ok(Usage::plain(json!({"type": "object", "additionalProperties": true}))),
        }
    }

    /// Gives an inline object, enum or union the name `hint`.
    fn hoist(&mut self, schema: &Value, hint: &str) -> Result<Usage, String> {
        let name = names::variant(hint);
        if let Some(other) = self.names.get(&name) {
            return Err(format!(
                "the inline schema {hint} would be named `{name}`, as `{other}` is: move it to components/schemas \
                 under a name of its own"
            ));
        }
        if !self.started.insert(name.clone()) {
            return Err(format!(
                "two inline schemas would be named `{name}`: move them to components/schemas under names of their own"
            ));
        }
        self.define(&name, schema)
    }

    fn component(&mut self, spec_name: &str) -> Result<Usage, String> {
        let Some(schema) = self.doc["components"]["schemas"].get(spec_name) else {
            return Err(format!("`#/components/schemas/{spec_name}` is referred to but not there"));
        };
        let name = names::variant(spec_name);
        let nullable = schema.get("nullable").and_then(Value::as_bool).unwrap_or(false);
        if is_named(schema) {
            if self.started.insert(name.clone()) {
                self.define(&name, schema)?;
            }
            // A union whose members are not objects is any JSON value, wherever it is used.
            let known = self.structs.contains_key(&name)
                || self.enums.contains_key(&name)
                || self.unions.contains_key(&name);
            let schema = if known { reference(&name) } else { json!({}) };
            return Ok(Usage { schema, nullable });
        }
        // An alias stands for what it names.
        if !self.started.insert(format!("alias {name}")) {
            return Err(format!("schema `{spec_name}` is an alias of itself: make it an object"));
        }
        let usage = self.usage(schema, spec_name);
        self.started.remove(&format!("alias {name}"));
        usage
    }

    fn define(&mut self, name: &str, schema: &Value) -> Result<Usage, String> {
        let description = text_of(schema, "description");
        if let Some(values) = enum_values(schema, name)? {
            let nullable = values.len() != values.iter().flatten().count();
            let values: Vec<String> = values.into_iter().flatten().collect();
            self.enums.insert(name.to_string(), Enum { description, values });
            return Ok(Usage { schema: reference(name), nullable });
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(parts) = schema.get(key).and_then(Value::as_array) {
                return self.union(name, description, schema, parts);
            }
        }
        // Placed before its fields, so that a schema may contain itself.
        self.structs
            .insert(name.to_string(), Struct { description, fields: Vec::new(), in_request: false });
        let mut fields = Vec::new();
        self.fields(name, schema, &mut fields)?;
        let mut rust_names = BTreeMap::new();
        for field in &fields {
            if let Some(other) = rust_names.insert(names::ident(&field.wire), &field.wire) {
                return Err(format!(
                    "schema {name}: properties `{other}` and `{}` are both `{}` in Rust: rename one",
                    field.wire,
                    names::ident(&field.wire)
                ));
            }
        }
        if let Some(item) = self.structs.get_mut(name) {
            item.fields = fields;
        }
        Ok(Usage::plain(reference(name)))
    }

    fn fields(&mut self, name: &str, schema: &Value, into: &mut Vec<Field>) -> Result<(), String> {
        for part in schema["allOf"].as_array().into_iter().flatten() {
            let part = self.resolve(part)?;
            let mergeable = part.get("properties").is_some()
                || part.get("allOf").is_some()
                || part.get("required").is_some();
            if !mergeable {
                return Err(format!(
                    "schema {name}: allOf can join objects only, and a part is not one. Write the schema out."
                ));
            }
            self.fields(name, &part, into)?;
        }
        for (wire, property) in schema["properties"].as_object().into_iter().flatten() {
            let usage = self.usage(property, &format!("{name}{}", names::pascal(wire)))?;
            into.retain(|field| field.wire != *wire);
            into.push(Field {
                wire: wire.clone(),
                description: text_of(property, "description"),
                required: false,
                nullable: usage.nullable,
                schema: usage.schema,
            });
        }
        for wire in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            match into.iter_mut().find(|field| field.wire == wire) {
                Some(field) => field.required = true,
                None => {
                    return Err(format!(
                        "schema {name} requires `{wire}`, which is not among its properties"
                    ));
                }
            }
        }
        Ok(())
    }

    fn union(
        &mut self,
        name: &str,
        description: String,
        schema: &Value,
        parts: &[Value],
    ) -> Result<Usage, String> {
        self.unions.insert(
            name.to_string(),
            Union { description: description.clone(), members: Vec::new(), discriminator: None },
        );
        let mut members = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let hint = match text_of(part, "title") {
                title if title.is_empty() => format!("{name}{}", at + 1),
                title => format!("{name}{}", names::pascal(&title)),
            };
            let usage = self.usage(part, &hint)?;
            let member = usage.schema["$ref"].as_str().and_then(|target| target.rsplit('/').next());
            let Some(member) = member.filter(|member| self.structs.contains_key(*member)) else {
                self.unions.remove(name);
                self.warnings.push(format!("{name}: its alternatives are not all objects: any JSON value"));
                return Ok(Usage { schema: json!({}), nullable: usage.nullable });
            };
            members.push(member.to_string());
        }
        let discriminator = self.discriminator(name, schema, &members)?;
        self.unions.insert(name.to_string(), Union { description, members, discriminator });
        Ok(Usage::plain(reference(name)))
    }

    fn discriminator(
        &self,
        name: &str,
        schema: &Value,
        members: &[String],
    ) -> Result<Option<Discriminator>, String> {
        let Some(given) = schema.get("discriminator") else { return Ok(None) };
        let property = text_of(given, "propertyName");
        let mut mapping = BTreeMap::new();
        for (tag, target) in given["mapping"].as_object().into_iter().flatten() {
            let target = names::variant(
                target.as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default(),
            );
            if !members.contains(&target) {
                return Err(format!(
                    "union {name}: the discriminator maps `{tag}` to `{target}`, which is not among its alternatives"
                ));
            }
            mapping.insert(tag.clone(), target);
        }
        if mapping.is_empty() {
            for member in members {
                let tag = self.names.get(member).unwrap_or(member);
                mapping.insert(tag.clone(), member.clone());
            }
        }
        Ok(Some(Discriminator { property, mapping }))
    }

    fn resolve(&self, schema: &Value) -> Result<Value, String> {
        let Some(target) = schema.get("$ref").and_then(Value::as_str) else { return Ok(schema.clone()) };
        self.doc
            .pointer(target.trim_start_matches('#'))
            .cloned()
            .ok_or_else(|| format!("`{target}` is referred to but not there"))
    }
}

/// A schema inside an array or map, where null has to be said in place.
fn inner(usage: Usage) -> Value {
    if usage.nullable { super::nullable(&usage.schema) } else { usage.schema }
}

fn has_enum(schema: &Value) -> bool {
    let typed = matches!(schema.get("type").and_then(Value::as_str), None | Some("string"));
    typed && schema.get("enum").is_some()
}

/// Whether a component keeps its name in Rust, or is an alias.
fn is_named(schema: &Value) -> bool {
    let parts = |key: &str| schema.get(key).and_then(Value::as_array).map_or(0, Vec::len);
    has_enum(schema)
        || parts("oneOf") > 1
        || parts("anyOf") > 1
        || parts("allOf") > 1
        || schema.get("properties").and_then(Value::as_object).is_some_and(|properties| !properties.is_empty())
}

/// The values of an enum, `None` among them for null; also of `anyOf: [enum, string]`, the open
/// enum of some generators.
fn enum_values(schema: &Value, name: &str) -> Result<Option<Vec<Option<String>>>, String> {
    if let Some(parts) = schema.get("anyOf").or(schema.get("oneOf")).and_then(Value::as_array) {
        let is_text = |part: &Value| text_of(part, "type") == "string";
        return match parts.iter().find(|part| has_enum(part)) {
            Some(part) if parts.iter().all(is_text) => enum_values(part, name),
            _ => Ok(None),
        };
    }
    if !has_enum(schema) {
        return Ok(None);
    }
    let mut values = Vec::new();
    for value in schema["enum"].as_array().into_iter().flatten() {
        match value {
            Value::String(text) => values.push(Some(text.clone())),
            Value::Null => values.push(None),
            other => return Err(format!("enum {name}: `{other}` is not a string: give it `type: integer`")),
        }
    }
    Ok(Some(values))
}
