//! Operations: names by Fern's extensions, parameters, bodies, answers, paging.

use std::collections::BTreeMap;

use serde_json::Value;

use super::schemas::Schemas;
use super::text_of;
use crate::generator::model::{Body, Operation, Pagination, Param};
use crate::generator::names;

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "patch", "head", "options", "trace"];

/// Reads every operation of the spec, in the order of group and method.
pub fn read(doc: &Value, schemas: &mut Schemas<'_>) -> Result<Vec<Operation>, String> {
    let mut operations: BTreeMap<(Vec<String>, String), Operation> = BTreeMap::new();
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    for (path, item) in doc["paths"].as_object().into_iter().flatten() {
        for http in METHODS {
            let Some(entry) = item.get(http) else { continue };
            let operation = operation(doc, schemas, path, item, http, entry)?;
            if let Some(other) = ids.insert(operation.id.clone(), operation.label()) {
                return Err(format!(
                    "{other} and {} share the operationId `{}`: give each its own",
                    operation.label(),
                    operation.id
                ));
            }
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
            operations.insert(key, operation);
        }
    }
    if operations.is_empty() {
        return Err("the spec has no operations".into());
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
    let (group, method) = names_of(entry, &label)?;
    let words: Vec<&str> = group.iter().map(String::as_str).chain([method.as_str()]).collect();
    let type_name = names::pascal(&words.join("_"));
    let id = match text_of(entry, "operationId") {
        id if id.is_empty() => words.join("_"),
        id => names::ident(&id),
    };
    let mut path_params = Vec::new();
    let mut query = Vec::new();
    for param in parameters(doc, item, entry, &label)? {
        read_parameter(&param, schemas, &label, &type_name, &mut path_params, &mut query)?;
    }
    path_params.sort_by_key(|param| path.find(&format!("{{{}}}", param.wire)));
    check_path(path, &path_params, &label)?;
    let operation = Operation {
        id,
        group,
        method,
        http: http.to_string(),
        path: path.to_string(),
        summary: text_of(entry, "summary"),
        description: text_of(entry, "description"),
        deprecated: entry.get("deprecated").and_then(Value::as_bool).unwrap_or(false),
        path_params,
        pagination: pagination(entry, &query, &label)?,
        query,
        body: body(doc, entry, schemas, &label, &type_name)?,
        response: response(doc, entry, schemas, &label, &type_name)?,
        errors: errors(doc, entry)?,
    };
    Ok(operation)
}

fn names_of(entry: &Value, label: &str) -> Result<(Vec<String>, String), String> {
    let group: Vec<String> = match &entry["x-fern-sdk-group-name"] {
        Value::String(name) => vec![names::ident(name)],
        Value::Array(parts) => parts.iter().filter_map(Value::as_str).map(names::ident).collect(),
        _ => Vec::new(),
    };
    let method = entry["x-fern-sdk-method-name"].as_str().map(names::ident).unwrap_or_default();
    if group.is_empty() || method.is_empty() {
        return Err(format!(
            "{label} has no place in the SDK: add x-fern-sdk-group-name (such as [\"customers\"]) and \
             x-fern-sdk-method-name (such as \"create\")"
        ));
    }
    Ok((group, method))
}

fn parameters(doc: &Value, item: &Value, entry: &Value, label: &str) -> Result<Vec<Value>, String> {
    let mut merged: Vec<Value> = Vec::new();
    for param in [item, entry].iter().flat_map(|at| at["parameters"].as_array().into_iter().flatten()) {
        let param = resolve(doc, param).map_err(|error| format!("{label}: {error}"))?;
        merged.retain(|known| known["name"] != param["name"] || known["in"] != param["in"]);
        merged.push(param.clone());
    }
    Ok(merged)
}

fn read_parameter(
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
    let usage = schemas
        .usage(&param["schema"], &format!("{type_name}{}", names::pascal(&wire)))
        .map_err(|error| format!("{label}: parameter `{wire}`: {error}"))?;
    let read = Param { wire, description: text_of(param, "description"), required, schema: usage.schema };
    let kind = read.schema["type"].as_str().unwrap_or("string").to_string();
    match place.as_str() {
        "path" if kind == "object" || kind == "array" => {
            Err(format!("{label}: path parameter `{}` is an {kind}: only plain values fit a path", read.wire))
        }
        "path" => {
            path_params.push(Param { required: true, ..read });
            Ok(())
        }
        "query" if kind == "object" => Err(format!(
            "{label}: query parameter `{}` is an object: give its parts parameters of their own",
            read.wire
        )),
        "query" if names::ident(&read.wire) == "body" => {
            Err(format!("{label}: a query parameter named `body` collides with the request body: rename it"))
        }
        "query" => {
            query.push(read);
            Ok(())
        }
        "header" if !required => {
            schemas.warnings.push(format!(
                "{label}: header `{}` has no method of its own; callers send it with .header(..)",
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

fn check_path(path: &str, params: &[Param], label: &str) -> Result<(), String> {
    let named: Vec<&str> =
        path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect();
    for name in &named {
        if !params.iter().any(|param| param.wire == *name) {
            return Err(format!("{label}: `{{{name}}}` is in the path but not among the parameters"));
        }
    }
    match params.iter().find(|param| !named.contains(&param.wire.as_str())) {
        Some(param) => Err(format!("{label}: path parameter `{}` is not in the path", param.wire)),
        None => Ok(()),
    }
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
    let json = content.iter().find(|(media, _)| is_json(media));
    let Some((media, content_of)) = json else {
        let found: Vec<&str> = content.keys().map(String::as_str).collect();
        return Err(format!(
            "{label} takes its body as {}: only JSON bodies are supported, offer application/json too",
            found.join(" or ")
        ));
    };
    if content.len() > 1 {
        schemas.warnings.push(format!("{label} takes several media types; {media} is used"));
    }
    let usage = schemas.usage(&content_of["schema"], &format!("{type_name}Request"))?;
    let Some(schema) = usage.schema["$ref"].as_str().and_then(|target| target.rsplit('/').next()) else {
        return Err(format!("{label}: its body is not an object: wrap it in one, so that it can grow"));
    };
    if schemas.enums.contains_key(schema) {
        return Err(format!("{label}: its body is an enum: wrap it in an object"));
    }
    let content_type = media.split(';').next().unwrap_or(media).trim().to_string();
    Ok(Some(Body { schema: schema.to_string(), content_type }))
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
            schemas.usage(schema, &format!("{type_name}Response")).map(|usage| Some(usage.schema))
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

fn errors(doc: &Value, entry: &Value) -> Result<Vec<(String, String)>, String> {
    let mut errors = Vec::new();
    for (status, answer) in entry["responses"].as_object().into_iter().flatten() {
        if status.starts_with('4') || status.starts_with('5') {
            errors.push((status.clone(), text_of(resolve(doc, answer)?, "description")));
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
        match query.iter().any(|param| param.wire == name && !param.required) {
            true => Ok(Some(name.to_string())),
            false => Err(format!(
                "{label}: x-fern-pagination says {key} is `{value}`, which is not an optional query parameter"
            )),
        }
    };
    let response = |key: &str| -> Option<Vec<String>> {
        let value = entries.get(key)?.as_str()?.strip_prefix("$response.")?;
        Some(value.split('.').map(str::to_string).collect())
    };
    let results = response("results").ok_or_else(|| {
        format!("{label}: x-fern-pagination needs `results` (such as $response.items): {remedy}")
    })?;
    match (request("offset")?, request("cursor")?) {
        (Some(offset), None) => Ok(Some(Pagination::Offset {
            offset,
            stepped: request("step")?.is_some(),
            results,
            has_next: response("has-next-page"),
        })),
        (None, Some(cursor)) => match response("next_cursor") {
            Some(next) => Ok(Some(Pagination::Cursor { cursor, next, results })),
            None => Err(format!("{label}: x-fern-pagination has a cursor but no next_cursor: {remedy}")),
        },
        _ => Err(format!("{label}: x-fern-pagination is neither by offset nor by cursor: {remedy}")),
    }
}

fn is_json(media: &str) -> bool {
    let media = media.split(';').next().unwrap_or(media).trim();
    media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"))
}

fn resolve<'a>(doc: &'a Value, value: &'a Value) -> Result<&'a Value, String> {
    let Some(target) = value.get("$ref").and_then(Value::as_str) else { return Ok(value) };
    doc.pointer(target.trim_start_matches('#'))
        .ok_or_else(|| format!("`{target}` is referred to but not there"))
}
