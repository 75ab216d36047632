//! Schemas: named objects, enums and unions are kept as components, everything else is inlined.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{alternatives, prose, reference, text_of};
use crate::generator::model::{Enum, Field, Struct, Union, component};
use crate::generator::names;

/// The schemas of one spec, normalised as they are met.
pub struct Schemas<'a> {
    pub(super) doc: &'a Value,
    /// Rust name of a component to the name in the spec.
    pub(super) names: BTreeMap<String, String>,
    /// Components that are being read or have been.
    started: BTreeSet<String>,
    /// What a reference to a component stands for, once it has been read.
    known: BTreeMap<String, Usage>,
    /// Inline schemas by the name they were given.
    hoisted: BTreeMap<String, (Value, Usage)>,
    pub structs: BTreeMap<String, Struct>,
    pub enums: BTreeMap<String, Enum>,
    pub unions: BTreeMap<String, Union>,
    pub warnings: Vec<String>,
}

/// A schema where it is used.
#[derive(Clone)]
pub struct Usage {
    pub schema: Value,
    pub nullable: bool,
}

impl Usage {
    pub(super) fn plain(schema: Value) -> Self {
        Usage { schema, nullable: false }
    }

    /// The component that the schema refers to.
    pub fn target(&self) -> Option<&str> {
        component(&self.schema)
    }

    /// The schema inside an array, a map or an answer, where null has to be said in place.
    pub fn in_place(self) -> Value {
        if self.nullable { super::nullable(&self.schema) } else { self.schema }
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
            known: BTreeMap::new(),
            hoisted: BTreeMap::new(),
            structs: BTreeMap::new(),
            enums: BTreeMap::new(),
            unions: BTreeMap::new(),
            warnings: Vec::new(),
        })
    }

    /// Normalises the components that no operation led to, so that models in the spec are never missing.
    pub fn all_components(&mut self) -> Result<(), String> {
        let names: Vec<String> = self.names.values().cloned().collect();
        names.iter().try_for_each(|name| self.component(name, name).map(drop))
    }

    /// Normalises a schema. `hint` names it should it need a name of its own.
    pub fn usage(&mut self, schema: &Value, hint: &str) -> Result<Usage, String> {
        let mut usage = self.shape(schema, hint)?;
        usage.nullable |= allows_null(schema);
        Ok(usage)
    }

    fn shape(&mut self, schema: &Value, hint: &str) -> Result<Usage, String> {
        if !matches!(schema, Value::Object(_) | Value::Null | Value::Bool(true)) {
            return Err(format!(
                "{hint}: `{schema}` is not a schema: write an object, such as {{\"type\": \"string\"}}"
            ));
        }
        if let Some(target) = schema.get("$ref") {
            let target = target.as_str().unwrap_or_default();
            return match target.strip_prefix("#/components/schemas/") {
                Some(name) => self.component(name, hint),
                None => Err(format!("{hint}: `{target}` leads outside components/schemas: move it there")),
            };
        }
        if let Some(part) = only_part(schema) {
            return self.usage(part, hint);
        }
        if joins(schema) || alternatives::of(schema).is_some() {
            return self.hoist(schema, hint);
        }
        if schema.get("not").is_some() {
            return Err(format!("{hint}: `not` has no counterpart in Rust types: describe what is allowed"));
        }
        if alternatives::has_enum(schema) {
            return self.hoist(schema, hint);
        }
        match schema.get("type") {
            Some(Value::String(kind)) => self.typed(schema, kind, hint),
            None if schema.get("properties").is_some() => self.object(schema, hint),
            None => Ok(Usage::plain(json!({}))),
            Some(other) => Err(format!(
                "{hint}: type {other} is not a type of OpenAPI 3.0: give one type, and `nullable: true` for null"
            )),
        }
    }

    fn typed(&mut self, schema: &Value, kind: &str, hint: &str) -> Result<Usage, String> {
        match kind {
            "string" if text_of(schema, "format") == "date-time" => {
                Ok(Usage::plain(json!({"type": "string", "format": "date-time"})))
            }
            "string" | "number" | "boolean" => Ok(Usage::plain(json!({"type": kind}))),
            "integer" => Ok(Usage::plain(json!({"type": "integer", "format": "int64"}))),
            "array" => {
                let item = self.usage(&schema["items"], &format!("{hint}Item"))?;
                Ok(Usage::plain(json!({"type": "array", "items": item.in_place()})))
            }
            "object" => self.object(schema, hint),
            other => Err(format!(
                "{hint}: type `{other}` is not a type of OpenAPI 3.0: use string, integer, number, boolean, array or \
                 object"
            )),
        }
    }

    fn object(&mut self, schema: &Value, hint: &str) -> Result<Usage, String> {
        let rest = schema.get("additionalProperties");
        if has_properties(schema) {
            return self.hoist(schema, hint);
        }
        match rest {
            Some(values) if values.as_object().is_some_and(|values| !values.is_empty()) => {
                let value = self.usage(values, &format!("{hint}Value"))?;
                if value.schema == json!({}) {
                    return Ok(Usage::plain(json!({"type": "object", "additionalProperties": true})));
                }
                Ok(Usage::plain(json!({"type": "object", "additionalProperties": value.in_place()})))
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
        match self.hoisted.get(&name) {
            // The same property can be met twice, by two ways through `allOf`.
            Some((known, usage)) if known == schema => return Ok(usage.clone()),
            Some(_) => {
                return Err(format!(
                    "two inline schemas would be named `{name}`: move them to components/schemas under names of \
                     their own"
                ));
            }
            None => {}
        }
        self.hoisted.insert(name.clone(), (schema.clone(), Usage::plain(reference(&name))));
        let usage = self.define(&name, schema)?;
        self.hoisted.insert(name, (schema.clone(), usage.clone()));
        Ok(usage)
    }

    fn component(&mut self, spec_name: &str, hint: &str) -> Result<Usage, String> {
        let doc = self.doc;
        let Some(given) = doc["components"]["schemas"].get(spec_name) else {
            return Err(format!(
                "{hint}: `#/components/schemas/{spec_name}` is referred to but not there: add it, or correct the \
                 reference"
            ));
        };
        // A wrapper around one inline schema is that schema.
        let mut schema = given;
        while let Some(part) = only_part(schema).filter(|part| part.get("$ref").is_none()) {
            schema = part;
        }
        let nullable = allows_null(given) || allows_null(schema);
        let name = names::variant(spec_name);
        if let Some(usage) = self.known.get(&name) {
            return Ok(usage.clone());
        }
        let first = self.started.insert(name.clone());
        let mut usage = match (is_named(schema), first) {
            (true, true) => self.define(&name, schema)?,
            // It contains itself.
            (true, false) => return Ok(Usage { schema: reference(&name), nullable }),
            // An alias stands for what it names.
            (false, true) => self.usage(schema, spec_name)?,
            (false, false) => {
                return Err(format!("schema {spec_name} is an alias of itself: make it an object"));
            }
        };
        usage.nullable |= nullable;
        self.known.insert(name, usage.clone());
        Ok(usage)
    }

    fn define(&mut self, name: &str, schema: &Value) -> Result<Usage, String> {
        let description = prose(schema, "description");
        if let Some(values) = alternatives::enum_values(self.doc, schema, name)? {
            self.enums.insert(name.to_string(), Enum { description, values });
            return Ok(Usage { schema: reference(name), nullable: allows_null(schema) });
        }
        if let Some(parts) = alternatives::of(schema) {
            return alternatives::union(self, name, description, schema, parts);
        }
        if schema.get("additionalProperties").is_some_and(Value::is_object) {
            self.warnings.push(format!(
                "{name}: values beside its named properties are ignored when read and can be sent only as extra body \
                 fields"
            ));
        }
        // Placed before its fields, so that a schema may contain itself.
        let requires = requires(name, schema)?;
        let item = Struct { description, fields: Vec::new(), requires, in_request: false };
        self.structs.insert(name.to_string(), item);
        let mut fields = Vec::new();
        let mut required = BTreeSet::new();
        self.fields(name, schema, &mut Vec::new(), &mut fields, &mut required)?;
        let mut rust_names = BTreeMap::new();
        for field in &mut fields {
            field.required = required.remove(&field.wire);
            let rust = names::ident(&field.wire);
            if let Some(other) = rust_names.insert(rust.clone(), field.wire.clone()) {
                return Err(format!(
                    "schema {name}: properties `{other}` and `{}` are both `{rust}` in Rust: rename one",
                    field.wire
                ));
            }
        }
        if let Some(wire) = required.first() {
            return Err(format!(
                "schema {name} requires `{wire}`, which is not among its properties: add it, or don't require it"
            ));
        }
        if let Some(item) = self.structs.get_mut(name) {
            let is_field = |wire: &String| fields.iter().any(|field| field.wire == *wire);
            if let Some(wire) = item.requires.iter().flatten().find(|wire| !is_field(wire)) {
                return Err(format!(
                    "schema {name}: x-paid-requires names `{wire}`, which is not among its properties"
                ));
            }
            item.fields = fields;
        }
        Ok(Usage::plain(reference(name)))
    }

    /// Collects the properties of an object, those of its `allOf` parts first.
    fn fields(
        &mut self,
        name: &str,
        schema: &Value,
        within: &mut Vec<String>,
        into: &mut Vec<Field>,
        required: &mut BTreeSet<String>,
    ) -> Result<(), String> {
        for part in schema["allOf"].as_array().into_iter().flatten() {
            let depth = within.len();
            let part = follow(self.doc, part, within).map_err(|error| format!("schema {name}: {error}"))?;
            if ["properties", "allOf", "required"].iter().all(|key| part.get(key).is_none()) {
                return Err(format!(
                    "schema {name}: allOf can join objects only, and a part is not one. Write the schema out."
                ));
            }
            self.fields(name, part, within, into, required)?;
            within.truncate(depth);
        }
        for (wire, property) in schema["properties"].as_object().into_iter().flatten() {
            let usage = self.usage(property, &format!("{name}{}", names::pascal(wire)))?;
            into.retain(|field| field.wire != *wire);
            into.push(Field {
                wire: wire.clone(),
                description: prose(property, "description"),
                required: false,
                nullable: usage.nullable,
                schema: usage.schema,
            });
        }
        let names = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        required.extend(names.map(str::to_string));
        Ok(())
    }
}

/// What a schema is after all references; those followed are added to `within`, which they may not enter again.
pub fn follow<'a>(doc: &'a Value, schema: &'a Value, within: &mut Vec<String>) -> Result<&'a Value, String> {
    let Some(target) = schema.get("$ref").and_then(Value::as_str) else { return Ok(schema) };
    if within.iter().any(|known| known == target) {
        return Err(format!("`{target}` is part of itself: write its parts out"));
    }
    within.push(target.to_string());
    let schema = doc.pointer(target.trim_start_matches('#'));
    let schema = schema.ok_or_else(|| {
        format!("`{target}` is referred to but not there: add it, or correct the reference")
    })?;
    follow(doc, schema, within)
}

pub fn has_properties(schema: &Value) -> bool {
    schema.get("properties").and_then(Value::as_object).is_some_and(|properties| !properties.is_empty())
}

/// `x-paid-requires`: lists of property names.
fn requires(name: &str, schema: &Value) -> Result<Vec<Vec<String>>, String> {
    let Some(groups) = schema.get("x-paid-requires") else { return Ok(Vec::new()) };
    serde_json::from_value(groups.clone()).map_err(|_| {
        format!("schema {name}: x-paid-requires is not a list of lists of property names: write [[\"a\"], [\"b\", \"c\"]]")
    })
}

/// Whether null is among the values: said outright, by the enum, or by an alternative.
fn allows_null(schema: &Value) -> bool {
    let said = schema.get("nullable").and_then(Value::as_bool).unwrap_or(false);
    let listed =
        schema.get("enum").and_then(Value::as_array).is_some_and(|values| values.contains(&Value::Null));
    said || listed || alternatives::of(schema).is_some_and(|parts| parts.iter().any(allows_null))
}

/// The part that a wrapper consists of, such as an `allOf` that only adds a description.
fn only_part(schema: &Value) -> Option<&Value> {
    let joined = schema.get("allOf").and_then(Value::as_array).map(Vec::as_slice);
    match joined.filter(|parts| !parts.is_empty()).or(alternatives::of(schema)) {
        Some([part]) if !has_properties(schema) => Some(part),
        _ => None,
    }
}

/// Whether `allOf` joins objects into one.
fn joins(schema: &Value) -> bool {
    let parts = schema.get("allOf").and_then(Value::as_array).map_or(0, Vec::len);
    parts > 1 || (parts == 1 && has_properties(schema))
}

/// Whether a component keeps its name in Rust, or is an alias.
fn is_named(schema: &Value) -> bool {
    if schema.get("$ref").is_some() || only_part(schema).is_some() {
        return false;
    }
    let is_object = matches!(schema.get("type").and_then(Value::as_str), None | Some("object"));
    joins(schema)
        || alternatives::of(schema).is_some()
        || alternatives::has_enum(schema)
        || (is_object && has_properties(schema))
}
