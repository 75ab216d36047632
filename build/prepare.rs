//! From a spec as it is written to a spec that progenitor handles.
//!
//! What progenitor 0.15 panics on or gets wrong is normalised here where the meaning is
//! clear, and refused with the name of the operation or schema and the remedy where it is not.

mod alternatives;
mod operations;
mod parameters;
mod schemas;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::model::{Api, Server, component};
use super::names;
use super::prose::{self, clean};

/// Reads a spec, checks it, and brings it into the form that the later passes rely on.
pub fn prepare(text: &str) -> Result<Api, String> {
    let doc: Value = serde_json::from_str(text)
        .map_err(|error| format!("the spec is not JSON: {error}. Convert YAML to JSON first."))?;
    check_version(&doc)?;
    let mut schemas = schemas::Schemas::new(&doc)?;
    let operations = operations::read(&doc, &mut schemas)?;
    schemas.all_components()?;
    let mut api = Api {
        title: prose::plain(&text_of(&doc["info"], "title")),
        servers: servers(&doc)?,
        tags: tags(&doc),
        operations,
        structs: schemas.structs,
        enums: schemas.enums,
        unions: schemas.unions,
        warnings: schemas.warnings,
    };
    mark_requests(&mut api);
    Ok(api)
}

/// The prepared spec as the OpenAPI document that progenitor reads.
///
/// It holds nothing but what decides types and requests: every success answer is `2XX`, errors
/// are left to the transport, and enums and unions are placeholders for the types made by
/// `open_types`. Names are such that progenitor has no reason to change or to avoid them.
pub fn document(api: &Api) -> Value {
    let mut paths = serde_json::Map::new();
    for operation in &api.operations {
        let params = operation
            .path_params
            .iter()
            .map(|param| (param, "path"))
            .chain(operation.query.iter().map(|param| (param, "query")))
            .map(|(param, place)| {
                json!({"name": param.wire, "in": place, "required": param.required, "schema": param.schema})
            })
            .collect::<Vec<_>>();
        let mut answer = json!({"description": "Success."});
        if let Some(schema) = &operation.response {
            answer["content"] = json!({"application/json": {"schema": schema}});
        }
        let mut entry = json!({
            "operationId": wire_function(operation),
            "parameters": params,
            "responses": {"2XX": answer},
        });
        if let Some(body) = &operation.body {
            let schema = &body.schema;
            entry["requestBody"] =
                json!({"required": true, "content": {"application/json": {"schema": schema}}});
        }
        let path = paths.entry(operation.path.clone()).or_insert_with(|| json!({}));
        path[operation.http.as_str()] = entry;
    }
    let mut components = serde_json::Map::new();
    for (name, item) in &api.structs {
        let required =
            item.fields.iter().filter(|field| field.required).map(|field| names::ident(&field.wire));
        let properties: serde_json::Map<String, Value> =
            item.fields.iter().map(|field| (names::ident(&field.wire), property(field))).collect();
        components.insert(
            name.clone(),
            json!({
                "type": "object",
                "required": required.collect::<Vec<_>>(),
                "properties": properties,
            }),
        );
    }
    for name in api.enums.keys().chain(api.unions.keys()) {
        components.insert(name.clone(), json!({"type": "string", "enum": ["placeholder"]}));
    }
    let placeholders = placeholders(api);
    let renamed: serde_json::Map<String, Value> = placeholders
        .iter()
        .filter_map(|(placeholder, name)| Some((placeholder.clone(), components.remove(name)?)))
        .collect();
    let mut document = json!({
        "openapi": "3.0.3",
        "info": {"title": api.title, "version": "1"},
        "paths": paths,
        "components": {"schemas": renamed},
    });
    let by_name =
        placeholders.iter().map(|(placeholder, name)| (name.as_str(), placeholder.as_str())).collect();
    point_to_placeholders(&mut document, &by_name);
    document
}

/// The function of progenitor's client that sends the operation. The prefix keeps it apart from
/// what that client has itself, such as `post`.
pub fn wire_function(operation: &super::model::Operation) -> String {
    format!("send_{}", operation.id.trim_end_matches('_'))
}

/// What components are called while progenitor has them, and their own names. progenitor changes
/// some names (`XYPoint`), and others (`Option`, `Map`) would be taken for Rust's own types.
pub fn placeholders(api: &Api) -> BTreeMap<String, String> {
    let names = api.structs.keys().chain(api.enums.keys()).chain(api.unions.keys());
    names.enumerate().map(|(at, name)| (format!("Schema{at}"), name.clone())).collect()
}

fn point_to_placeholders(value: &mut Value, by_name: &BTreeMap<&str, &str>) {
    match value {
        Value::Object(entries) => {
            if let Some(Value::String(target)) = entries.get_mut("$ref") {
                let name = target.rsplit('/').next().unwrap_or_default();
                let name = by_name.get(name).copied().unwrap_or(name);
                *target = format!("#/components/schemas/{name}");
            }
            entries.values_mut().for_each(|value| point_to_placeholders(value, by_name));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| point_to_placeholders(value, by_name)),
        _ => {}
    }
}

/// Every field that may be absent or null is nullable to progenitor, so that it becomes an `Option`.
fn property(field: &super::model::Field) -> Value {
    let optional = !field.required || field.nullable;
    if optional { nullable(&field.schema) } else { field.schema.clone() }
}

fn nullable(schema: &Value) -> Value {
    let mut schema = if schema.get("$ref").is_some() { json!({"allOf": [schema]}) } else { schema.clone() };
    // Any JSON value includes null already.
    if schema.as_object().is_some_and(|schema| !schema.is_empty()) {
        schema["nullable"] = true.into();
    }
    schema
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn text_of(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_string()
}

/// Text for the documentation, made safe for it.
fn prose(value: &Value, key: &str) -> String {
    clean(&text_of(value, key))
}

fn check_version(doc: &Value) -> Result<(), String> {
    match doc.get("openapi").and_then(Value::as_str) {
        Some(version) if version.starts_with("3.0.") => Ok(()),
        Some(version) => Err(format!(
            "the spec says openapi {version}; 3.0.x is needed. Write it as 3.0.3: `nullable: true` for a type \
             list with \"null\", `enum` for `const`, one `example` for `examples`."
        )),
        None => Err("the spec has no `openapi` version; 3.0.x is needed".into()),
    }
}

fn servers(doc: &Value) -> Result<Vec<Server>, String> {
    let mut servers = Vec::new();
    for server in doc["servers"].as_array().into_iter().flatten() {
        let mut url = text_of(server, "url");
        for (name, variable) in server["variables"].as_object().into_iter().flatten() {
            url = url.replace(&format!("{{{name}}}"), &text_of(variable, "default"));
        }
        if !(url.starts_with("https://") || url.starts_with("http://")) || url.contains('{') {
            return Err(format!("server `{url}`: give an absolute http(s) URL, clients need one by default"));
        }
        let name = server.get("x-fern-server-name").and_then(Value::as_str).unwrap_or("Default");
        let name = names::variant(name);
        if servers.iter().any(|known: &Server| known.name == name) {
            return Err(format!(
                "two servers are named {name}: tell them apart by an x-fern-server-name on each"
            ));
        }
        servers.push(Server {
            name,
            url: url.trim_end_matches('/').to_string(),
            description: prose(server, "description"),
        });
    }
    if servers.is_empty() {
        return Err("the spec names no server: add `servers` with the production URL".into());
    }
    Ok(servers)
}

fn tags(doc: &Value) -> BTreeMap<String, String> {
    let tags = doc["tags"].as_array().into_iter().flatten();
    tags.map(|tag| (text_of(tag, "name"), prose(tag, "description"))).collect()
}

/// Marks every struct that a request body can reach: these get constructors and setters.
fn mark_requests(api: &mut Api) {
    let mut open: Vec<String> = api
        .operations
        .iter()
        .filter_map(|operation| operation.body.as_ref())
        .flat_map(|body| references(&body.schema))
        .collect();
    while let Some(name) = open.pop() {
        if let Some(union) = api.unions.get(&name) {
            open.extend(union.members.iter().filter(|member| api.structs.contains_key(*member)).cloned());
        }
        let Some(item) = api.structs.get_mut(&name) else { continue };
        if item.in_request {
            continue;
        }
        item.in_request = true;
        for field in &item.fields {
            open.extend(references(&field.schema));
        }
    }
}

/// The components that a schema refers to.
fn references(schema: &Value) -> Vec<String> {
    let parts: Vec<&Value> = match schema {
        Value::Object(entries) => entries.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    let own = component(schema).map(str::to_string);
    own.into_iter().chain(parts.into_iter().flat_map(references)).collect()
}
