//! Operations: names by Fern's extensions, parameters, bodies, answers, paging.

use std::collections::BTreeMap;

use serde_json::Value;

use super::schemas::Schemas;
use super::{parameters, prose, text_of};
use crate::generator::model::{Body, Operation, Pagination, Param, component};
use crate::generator::names;

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "patch", "head", "options", "trace"];

/// Reads every operation of the spec, in the order of group and method.
pub fn read(doc: &Value, schemas: &mut Schemas<'_>) -> Result<Vec<Operation>, String> {
    let mut operations: BTreeMap<(Vec<String>, String), Operation> = BTreeMap::new();
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    for (path, item) in doc["paths"].as_object().into_iter().flatten() {
        if item.get("$ref").is_some() {
            return Err(format!("{path} refers to its operations elsewhere: write them out in this spec"));
        }
        for http in METHODS {
            let Some(entry) = item.get(http) else { continue };
            let operation = operation(doc, schemas, path, item, http, entry)?;
            let key = (operation.group.clone(), operation.method.clone());
            if let Some(other) = operations.get(&key) {
                return Err(format!(
                    "{} and {} are both `{}.{}`: change x-fern-sdk-method-name on one",
                    other.label(),
                    operation.label(),
                    key.0.join("."),
                    key.1
                ));
            }
            if let Some(other) = operations.values().find(|other| other.type_name() == operation.type_name())
            {
                return Err(format!(
                    "{} and {} are both `{}` in Rust: rename a group or method",
                    other.label(),
                    operation.label(),
                    operation.type_name()
                ));
            }
            if let Some(other) = ids.insert(operation.id.clone(), operation.label()) {
                return Err(format!(
                    "{other} and {} share the operationId `{}`: give each its own",
                    operation.label(),
                    operation.id
                ));
            }
            operations.insert(key, operation);
        }
    }
    if operations.is_empty() {
        return Err("the spec has no operations: fill `paths`".into());
    }
    Ok(operations.into_values().collect())
}

fn operation(
    doc: &Value,
    schemas: &mut Schemas<'_>,
    path: &str,
    item: &Value,
    http: &str,
    entry: &Value,
) -> Result<Operation, String> {
    let label = format!("{} {path}", http.to_uppercase());
    if ["options", "trace"].contains(&http) {
        return Err(format!("{label}: clients don't send {}: drop the operation", http.to_uppercase()));
    }
    if entry.get("servers").is_some() || item.get("servers").is_some() {
        schemas.warnings.push(format!("{label}: its own `servers` are not used, the client's base URL is"));
    }
    let (group, method) = names_of(entry, &label)?;
    let words: Vec<&str> = group.iter().map(String::as_str).chain([method.as_str()]).collect();
    let type_name = names::pascal(&words.join("_"));
    let id = match text_of(entry, "operationId") {
        id if id.is_empty() => names::ident(&words.join("_")),
        id => names::ident(&id),
    };
    let (path_params, query) = parameters::read(doc, schemas, path, item, entry, &label, &type_name)?;
    let operation = Operation {
        id,
        group,
        method,
        http: http.to_string(),
        path: path.to_string(),
        summary: prose(entry, "summary"),
        description: prose(entry, "description"),
        deprecated: entry.get("deprecated").and_then(Value::as_bool).unwrap_or(false),
        path_params,
        pagination: pagination(entry, &query, &label)?,
        query,
        body: body(doc, entry, schemas, &label, &type_name)?,
        response: response(doc, entry, schemas, &label, &type_name)?,
        errors: errors(doc, entry, &label)?,
    };
    Ok(operation)
}

fn names_of(entry: &Value, label: &str) -> Result<(Vec<String>, String), String> {
    let group: Vec<String> = match &entry["x-fern-sdk-group-name"] {
        Value::String(name) => vec![names::snake(name)],
        Value::Array(parts) => {
            parts.iter().map(|part| names::snake(part.as_str().unwrap_or_default())).collect()
        }
        _ => Vec::new(),
    };
    let method = entry["x-fern-sdk-method-name"].as_str().map(names::snake).unwrap_or_default();
    if group.is_empty() || group.iter().any(String::is_empty) || method.is_empty() {
        return Err(format!(
            "{label} has no place in the SDK: add x-fern-sdk-group-name (such as [\"customers\"]) and \
             x-fern-sdk-method-name (such as \"create\")"
        ));
    }
    Ok((group.iter().map(|part| names::ident(part)).collect(), names::ident(&method)))
}

fn body(
    doc: &Value,
    entry: &Value,
    schemas: &mut Schemas<'_>,
    label: &str,
    type_name: &str,
) -> Result<Option<Body>, String> {
    let Some(body) = entry.get("requestBody") else { return Ok(None) };
    let body = resolve(doc, body).map_err(|error| format!("{label}: {error}"))?;
    let content = body["content"].as_object().cloned().unwrap_or_default();
    // Of several, plain JSON.
    let plain = content.iter().find(|(media, _)| *media == "application/json");
    let json = plain.or_else(|| content.iter().find(|(media, _)| is_json(media)));
    let Some((media, content_of)) = json else {
        let found: Vec<&str> = content.keys().map(String::as_str).collect();
        return Err(format!(
            "{label} takes its body as {}: only JSON bodies are supported, offer application/json too",
            if found.is_empty() { "nothing".into() } else { found.join(" or ") }
        ));
    };
    if content.len() > 1 {
        schemas.warnings.push(format!("{label} takes several media types; {media} is used"));
    }
    let usage = schemas
        .usage(&content_of["schema"], &format!("{type_name}Request"))
        .map_err(|error| format!("{label}: its body: {error}"))?;
    let is_enum = component(&usage.schema).is_some_and(|name| schemas.enums.contains_key(name));
    if is_enum || usage.schema["type"].as_str().is_some_and(|kind| kind != "object") {
        return Err(format!("{label}: its body is not an object: wrap it in one, so that it can grow"));
    }
    let content_type = match media.split(';').next().unwrap_or(media).trim() {
        "*/*" => "application/json",
        media => media,
    };
    let content_type = content_type.to_string();
    Ok(Some(Body { schema: usage.schema, content_type }))
}

fn response(
    doc: &Value,
    entry: &Value,
    schemas: &mut Schemas<'_>,
    label: &str,
    type_name: &str,
) -> Result<Option<Value>, String> {
    let mut found: Vec<(String, Option<Value>)> = Vec::new();
    for (status, answer) in entry["responses"].as_object().into_iter().flatten() {
        if !status.starts_with('2') {
            continue;
        }
        let answer = resolve(doc, answer).map_err(|error| format!("{label}: {error}"))?;
        let content = answer["content"].as_object().cloned().unwrap_or_default();
        let json = content.iter().find(|(media, _)| is_json(media));
        let schema = match json {
            Some((_, content)) => content.get("schema").cloned().or(Some(Value::Null)),
            None if content.is_empty() => None,
            None => {
                let media: Vec<&str> = content.keys().map(String::as_str).collect();
                return Err(format!(
                    "{label} answers {status} with {}: only JSON answers are supported, offer application/json too",
                    media.join(" or ")
                ));
            }
        };
        if !found.iter().any(|(_, known)| *known == schema) {
            found.push((status.clone(), schema));
        }
    }
    match found.as_slice() {
        [] => Err(format!("{label} documents no success answer: add a 2xx response")),
        [(_, None)] => Ok(None),
        [(_, Some(schema))] => {
            let usage = schemas.usage(schema, &format!("{type_name}Response"));
            usage.map(|usage| Some(usage.in_place())).map_err(|error| format!("{label}: its answer: {error}"))
        }
        several => {
            let statuses: Vec<&str> = several.iter().map(|(status, _)| status.as_str()).collect();
            Err(format!(
                "{label} documents several success answers ({}) with different bodies: one type must serve all, \
                 make the bodies the same or split the operation",
                statuses.join(", ")
            ))
        }
    }
}

fn errors(doc: &Value, entry: &Value, label: &str) -> Result<Vec<(String, String)>, String> {
    let mut errors = Vec::new();
    for (status, answer) in entry["responses"].as_object().into_iter().flatten() {
        if status.starts_with('4') || status.starts_with('5') {
            let answer = resolve(doc, answer).map_err(|error| format!("{label}: {error}"))?;
            errors.push((status.clone(), prose(answer, "description")));
        }
    }
    Ok(errors)
}

fn pagination(entry: &Value, query: &[Param], label: &str) -> Result<Option<Pagination>, String> {
    let Some(given) = entry.get("x-fern-pagination") else { return Ok(None) };
    let known = ["offset", "step", "results", "has-next-page", "cursor", "next_cursor"];
    let remedy = "use {offset, results[, step, has-next-page]} or {cursor, next_cursor, results}";
    let Some(entries) = given.as_object() else {
        return Err(format!("{label}: x-fern-pagination is not an object: {remedy}"));
    };
    if let Some(key) = entries.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!("{label}: x-fern-pagination has the unknown key `{key}`: {remedy}"));
    }
    let request = |key: &str| -> Result<Option<String>, String> {
        let Some(value) = entries.get(key).and_then(Value::as_str) else { return Ok(None) };
        let name = value.strip_prefix("$request.").unwrap_or_default();
        let kind = if key == "cursor" { "string" } else { "integer" };
        let fits = |param: &&Param| {
            param.wire == name
                && !param.required
                && param.schema["type"] == kind
                && param.schema.get("format").is_none_or(|format| format == "int64")
        };
        match query.iter().any(|param| fits(&param)) {
            true => Ok(Some(name.to_string())),
            false => Err(format!(
                "{label}: x-fern-pagination says {key} is `{value}`, which is not an optional query parameter of type \
                 {kind}: write $request. and the name of one"
            )),
        }
    };
    let response = |key: &str| -> Result<Option<Vec<String>>, String> {
        let Some(value) = entries.get(key) else { return Ok(None) };
        match value.as_str().and_then(|value| value.strip_prefix("$response.")) {
            Some(path) => Ok(Some(path.split('.').map(str::to_string).collect())),
            None => Err(format!(
                "{label}: x-fern-pagination says {key} is `{}`: write $response. and the path of a field",
                value.as_str().map_or_else(|| value.to_string(), str::to_string)
            )),
        }
    };
    let results = response("results")?.ok_or_else(|| {
        format!("{label}: x-fern-pagination needs `results` (such as $response.items): {remedy}")
    })?;
    match (request("offset")?, request("cursor")?) {
        (Some(offset), None) => Ok(Some(Pagination::Offset {
            offset,
            stepped: request("step")?.is_some(),
            results,
            has_next: response("has-next-page")?,
        })),
        (None, Some(cursor)) => match response("next_cursor")? {
            Some(next) => Ok(Some(Pagination::Cursor { cursor, next, results })),
            None => Err(format!("{label}: x-fern-pagination has a cursor but no next_cursor: {remedy}")),
        },
        _ => Err(format!("{label}: x-fern-pagination is neither by offset nor by cursor: {remedy}")),
    }
}

fn is_json(media: &str) -> bool {
    let media = media.split(';').next().unwrap_or(media).trim();
    let named = ["*/*", "application/json"].contains(&media);
    let other = media.starts_with("application/") && media.ends_with("+json");
    named || (other && media.chars().all(|letter| letter.is_ascii_graphic()))
}

pub fn resolve<'a>(doc: &'a Value, value: &'a Value) -> Result<&'a Value, String> {
    let Some(target) = value.get("$ref").and_then(Value::as_str) else { return Ok(value) };
    doc.pointer(target.trim_start_matches('#'))
        .ok_or_else(|| format!("`{target}` is referred to but not there: add it, or correct the reference"))
}
