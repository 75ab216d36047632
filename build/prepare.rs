//! From a spec as it is written to a spec that progenitor handles.
//!
//! What progenitor 0.15 panics on or gets wrong is normalised here where the meaning is
//! clear, and refused with the name of the operation or schema and the remedy where it is not.

mod operations;
mod schemas;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::model::{Api, Server};

/// Reads a spec, checks it, and brings it into the form that the later passes rely on.
pub fn prepare(text: &str) -> Result<Api, String> {
    let doc: Value = serde_json::from_str(text)
        .map_err(|error| format!("the spec is not JSON: {error}. Convert YAML to JSON first."))?;
    check_version(&doc)?;
    let mut schemas = schemas::Schemas::new(&doc)?;
    let operations = operations::read(&doc, &mut schemas)?;
    schemas.all_components()?;
    let mut api = Api {
        title: text_of(&doc["info"], "title"),
        version: text_of(&doc["info"], "version"),
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
/// `open_types`.
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
            "operationId": operation.id,
            "parameters": params,
            "responses": {"2XX": answer},
        });
        if let Some(body) = &operation.body {
            let schema = reference(&body.schema);
            entry["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": schema}}});
        }
        let path = paths.entry(operation.path.clone()).or_insert_with(|| json!({}));
        path[operation.http.as_str()] = entry;
    }
    let mut components = serde_json::Map::new();
    for (name, item) in &api.structs {
        let required = item.fields.iter().filter(|field| field.required).map(|field| field.wire.clone());
        let properties: serde_json::Map<String, Value> =
            item.fields.iter().map(|field| (field.wire.clone(), property(field))).collect();
        components.insert(
            name.clone(),
            json!({
                "type": "object",
                "description": item.description,
                "required": required.collect::<Vec<_>>(),
                "properties": properties,
            }),
        );
    }
    for name in api.enums.keys().chain(api.unions.keys()) {
        components.insert(name.clone(), json!({"type": "string", "enum": ["placeholder"]}));
    }
    json!({
        "openapi": "3.0.3",
        "info": {"title": api.title, "version": api.version},
        "paths": paths,
        "components": {"schemas": components},
    })
}

/// Every field that may be absent or null is nullable to progenitor, so that it becomes an `Option`.
fn property(field: &super::model::Field) -> Value {
    let optional = !field.required || field.nullable;
    let mut schema = if optional { nullable(&field.schema) } else { described(&field.schema) };
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".into(), field.description.clone().into());
    }
    schema
}

fn described(schema: &Value) -> Value {
    if schema.get("$ref").is_some() { json!({"allOf": [schema]}) } else { schema.clone() }
}

fn nullable(schema: &Value) -> Value {
    let mut schema = described(schema);
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
        let url = text_of(server, "url");
        if !url.starts_with("http") {
            return Err(format!("server `{url}`: give an absolute http(s) URL, clients need one by default"));
        }
        let name = server.get("x-fern-server-name").and_then(Value::as_str).unwrap_or("Default");
        let name = super::names::variant(name);
        if servers.iter().any(|known: &Server| known.name == name) {
            return Err(format!(
                "two servers are named {name}: tell them apart by an x-fern-server-name on each"
            ));
        }
        servers.push(Server {
            name,
            url: url.trim_end_matches('/').to_string(),
            description: text_of(server, "description"),
        });
    }
    if servers.is_empty() {
        return Err("the spec names no server: add `servers` with the production URL".into());
    }
    Ok(servers)
}

fn tags(doc: &Value) -> BTreeMap<String, String> {
    let tags = doc["tags"].as_array().into_iter().flatten();
    tags.map(|tag| (text_of(tag, "name"), text_of(tag, "description"))).collect()
}

/// Marks every struct that a request body can reach: these get constructors and setters.
fn mark_requests(api: &mut Api) {
    let mut open: Vec<String> = api
        .operations
        .iter()
        .filter_map(|operation| operation.body.as_ref().map(|body| body.schema.clone()))
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
            references(&field.schema, &mut open);
        }
    }
}

/// Collects the component names that a schema refers to.
pub fn references(schema: &Value, into: &mut Vec<String>) {
    match schema {
        Value::Object(entries) => {
            if let Some(name) = entries.get("$ref").and_then(Value::as_str) {
                into.extend(name.rsplit('/').next().map(str::to_string));
            }
            entries.values().for_each(|value| references(value, into));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, into)),
        _ => {}
    }
}
