//! Parameters: what goes into the path and the query, and what callers send by other means.

use serde_json::{Value, json};

use super::operations::resolve;
use super::schemas::Schemas;
use super::{prose, text_of};
use crate::generator::model::{Param, component};
use crate::generator::names;

/// The parameters of an operation: those in the path, in its order, and those in the query.
pub fn read(
    doc: &Value,
    schemas: &mut Schemas<'_>,
    path: &str,
    item: &Value,
    entry: &Value,
    label: &str,
    type_name: &str,
) -> Result<(Vec<Param>, Vec<Param>), String> {
    let mut path_params = Vec::new();
    let mut query = Vec::new();
    for param in merged(doc, item, entry, label)? {
        read_one(&param, schemas, label, type_name, &mut path_params, &mut query)?;
    }
    path_params.sort_by_key(|param| path.find(&format!("{{{}}}", param.wire)));
    check_path(path, &path_params, label)?;
    Ok((path_params, query))
}

fn merged(doc: &Value, item: &Value, entry: &Value, label: &str) -> Result<Vec<Value>, String> {
    let mut merged: Vec<Value> = Vec::new();
    for param in [item, entry].iter().flat_map(|at| at["parameters"].as_array().into_iter().flatten()) {
        let param = resolve(doc, param).map_err(|error| format!("{label}: {error}"))?;
        merged.retain(|known| known["name"] != param["name"] || known["in"] != param["in"]);
        merged.push(param.clone());
    }
    Ok(merged)
}

fn read_one(
    param: &Value,
    schemas: &mut Schemas<'_>,
    label: &str,
    type_name: &str,
    path_params: &mut Vec<Param>,
    query: &mut Vec<Param>,
) -> Result<(), String> {
    let wire = text_of(param, "name");
    let place = text_of(param, "in");
    let required = param.get("required").and_then(Value::as_bool).unwrap_or(false);
    if wire.is_empty() {
        return Err(format!("{label}: a parameter has no name: give it one"));
    }
    if matches!(place.as_str(), "path" | "query") && param.get("schema").is_none() {
        return Err(format!(
            "{label}: {place} parameter `{wire}` has no schema: add one, such as {{\"type\": \"string\"}}"
        ));
    }
    let usage = schemas
        .usage(&param["schema"], &format!("{type_name}{}", names::pascal(&wire)))
        .map_err(|error| format!("{label}: parameter `{wire}`: {error}"))?;
    let kind = kind(schemas, &usage.schema);
    let schema = match (&kind, place.as_str()) {
        // What has no type of its own travels as text, and so does a time in a path.
        (Kind::Any, _) | (Kind::Time, "path") => json!({"type": "string"}),
        _ => usage.schema,
    };
    let read = Param { wire, description: prose(param, "description"), required, schema };
    let rust = names::ident(&read.wire);
    if matches!(place.as_str(), "path" | "query") {
        if rust == "body" {
            return Err(format!(
                "{label}: the {place} parameter `{}` collides with the request body: rename it",
                read.wire
            ));
        }
        let mut others = path_params.iter().chain(query.iter());
        if let Some(other) = others.find(|other| names::ident(&other.wire) == rust) {
            return Err(format!(
                "{label}: parameters `{}` and `{}` are both `{rust}` in Rust: rename one",
                other.wire, read.wire
            ));
        }
    }
    match (place.as_str(), kind) {
        ("path", Kind::Object | Kind::List) => Err(format!(
            "{label}: path parameter `{}` is an object or array: only plain values fit a path, make it a string",
            read.wire
        )),
        ("path", _) => {
            path_params.push(Param { required: true, ..read });
            Ok(())
        }
        ("query", Kind::Object) => Err(format!(
            "{label}: query parameter `{}` is an object, or holds some: give its parts parameters of their own",
            read.wire
        )),
        ("query", Kind::List)
            if param["explode"] == false || param.get("style").is_some_and(|style| style != "form") =>
        {
            Err(format!(
                "{label}: query parameter `{}` is a list written as one value: describe it as a string",
                read.wire
            ))
        }
        ("query", _) => {
            query.push(read);
            Ok(())
        }
        ("header" | "cookie", _) if !required => {
            schemas.warnings.push(format!(
                "{label}: {place} `{}` has no method of its own; callers send it with .header(..)",
                read.wire
            ));
            Ok(())
        }
        _ => Err(format!(
            "{label}: a required {place} parameter (`{}`) is not supported: make it optional, or a query parameter",
            read.wire
        )),
    }
}

/// What a parameter's type means for its place.
enum Kind {
    Plain,
    Time,
    List,
    Object,
    Any,
}

fn kind(schemas: &Schemas<'_>, schema: &Value) -> Kind {
    if let Some(target) = component(schema) {
        return if schemas.enums.contains_key(target) { Kind::Plain } else { Kind::Object };
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (None, _) => Kind::Any,
        (Some("object"), _) => Kind::Object,
        (Some("array"), _) => match kind(schemas, &schema["items"]) {
            Kind::Plain | Kind::Time => Kind::List,
            _ => Kind::Object,
        },
        (_, Some("date-time")) => Kind::Time,
        _ => Kind::Plain,
    }
}

fn check_path(path: &str, params: &[Param], label: &str) -> Result<(), String> {
    if !path.starts_with('/') || path.contains(['?', '#', ' ', '"', '\\']) {
        return Err(format!("{label}: a path starts with / and has no query: describe that as parameters"));
    }
    let named: Vec<&str> =
        path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect();
    if path.matches('{').count() != named.len() || path.matches('}').count() != named.len() {
        return Err(format!("{label}: the braces in the path don't match: write each parameter as {{name}}"));
    }
    for (at, name) in named.iter().enumerate() {
        if named.iter().take(at).any(|other| other == name) {
            return Err(format!("{label}: `{{{name}}}` is in the path twice: give each place its own name"));
        }
        if !params.iter().any(|param| param.wire == *name) {
            return Err(format!("{label}: `{{{name}}}` is in the path but not among the parameters: add it"));
        }
    }
    match params.iter().find(|param| !named.contains(&param.wire.as_str())) {
        Some(param) => Err(format!(
            "{label}: path parameter `{}` is not in the path: add `{{{}}}` to it, or drop the parameter",
            param.wire, param.wire
        )),
        None => Ok(()),
    }
}
