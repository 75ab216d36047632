//! The vendored spec says what the Paid API is: no less, no more, and in words.
//!
//! The facts in `contract/api-v1.json` list every operation, model and enum. Both they and the
//! spec are turned into sets of one-line statements, so that a failure names exactly what is
//! missing and what is too much.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by panicking

mod snapshot;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

const SPEC: &str = include_str!("../../openapi/paid-v1.json");
const FACTS: &str = include_str!("../contract/api-v1.json");

/// The schemas that are not models of the API: each names the body of one request.
const REQUEST_BODIES: [&str; 6] =
    ["AgentCreate", "ContactCreate", "CustomerCreate", "OrderCreate", "OrderLinesUpdate", "UsageRecordBulk"];

const HTTP_METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

#[test]
fn every_operation_is_there_and_no_other() {
    let expected = facts_operations().map(|op| {
        let path = text(&op, "path").replace("_}", "}");
        format!("{} is {} {path}", op_name(&op), text(&op, "method"))
    });
    let found = operations().into_iter().map(|op| format!("{} is {} {}", op.name, op.method, op.path));
    assert_same("operations", expected, found);
}

#[test]
fn every_operation_takes_its_parameters_and_no_other() {
    let expected = facts_operations().flat_map(|op| {
        let name = op_name(&op);
        let path = list(&op, "path_params").into_iter().map(|p| {
            let param = text(&p, "name").trim_end_matches('_').to_owned();
            format!("path {param}: {} required", text(&p, "type"))
        });
        let query = list(&op, "query").into_iter().map(|p| {
            let wire = text(&p, "wire");
            format!("query {wire}: {}{}", text(&p, "type"), required(&p))
        });
        let all: Vec<_> = path.chain(query).map(|p| format!("{name} {p}")).collect();
        all
    });
    let found = operations().into_iter().flat_map(|op| {
        let parameters = list(&op.spec, "parameters").into_iter();
        parameters
            .map(|p| {
                let (ty, _) = type_of(&p["schema"]);
                let (place, param) = (text(&p, "in"), text(&p, "name"));
                format!("{} {place} {param}: {ty}{}", op.name, required(&p))
            })
            .collect::<Vec<_>>()
    });
    assert_same("parameters", expected, found);
}

#[test]
fn every_operation_sends_its_body_field_by_field() {
    let expected = facts_operations().flat_map(|op| {
        let name = op_name(&op);
        let fields = fact_fields(&list(&op, "body"));
        fields.into_iter().map(move |f| format!("{name} {f}"))
    });
    let spec = spec();
    let found = operations().into_iter().flat_map(|op| {
        let Some(schema) = body_schema(&op) else {
            return Vec::new();
        };
        let fields = schema_fields(&spec["components"]["schemas"][&schema]);
        fields.iter().map(|f| format!("{} {f}", op.name)).collect()
    });
    assert_same("body fields", expected, found);
}

#[test]
fn every_body_is_json_that_has_a_name_and_is_required() {
    let expected = facts_operations().filter(|op| op["body"].is_array()).map(|op| op_name(&op));
    let found = operations().into_iter().filter_map(|op| {
        let body = op.spec.get("requestBody")?;
        assert_eq!(body["required"], true, "{}", op.name);
        assert_eq!(keys(&body["content"]), ["application/json"], "media types of {}", op.name);
        let schema = body_schema(&op)?;
        let expected = schema_of_body(&op.name);
        assert_eq!(schema, expected, "body of {}", op.name);
        Some(op.name)
    });
    assert_same("request bodies", expected, found);
}

#[test]
fn every_operation_answers_with_its_model_or_with_nothing() {
    let expected = facts_operations().map(|op| {
        let status = match (text(&op, "method").as_str(), text(&op, "name").as_str()) {
            ("DELETE", _) => "204",
            (_, "create") => "201",
            _ => "200",
        };
        let model = op["response"].as_str().unwrap_or("nothing");
        format!("{} answers {status} with {model}", op_name(&op))
    });
    let found = operations().into_iter().flat_map(|op| {
        let successes = object(&op.spec["responses"]).iter().filter(|(status, _)| status.starts_with('2'));
        successes
            .map(|(status, response)| {
                let model = match response.get("content") {
                    Some(content) => type_of(&content["application/json"]["schema"]).0,
                    None => "nothing".to_owned(),
                };
                format!("{} answers {status} with {model}", op.name)
            })
            .collect::<Vec<_>>()
    });
    assert_same("answers", expected, found);
}

#[test]
fn every_documented_error_is_there_and_has_the_error_body() {
    let expected = facts_operations().flat_map(|op| {
        let name = op_name(&op);
        let statuses = list(&op, "errors").into_iter();
        statuses.map(|status| format!("{name} may answer {status} with Error")).collect::<Vec<_>>()
    });
    let spec = spec();
    let found = operations().into_iter().flat_map(|op| {
        let errors = object(&op.spec["responses"]).iter().filter(|(status, _)| !status.starts_with('2'));
        errors
            .map(|(status, response)| {
                let name = ref_name(response, "responses");
                let content = &spec["components"]["responses"][&name]["content"];
                let (model, _) = type_of(&content["application/json"]["schema"]);
                format!("{} may answer {status} with {model}", op.name)
            })
            .collect::<Vec<_>>()
    });
    assert_same("errors", expected, found);
}

#[test]
fn every_model_has_its_fields_and_no_other() {
    let facts = facts();
    let expected = object(&facts["models"]).iter().flat_map(|(name, fields)| {
        let fields = fact_fields(fields.as_array().expect("a list of fields"));
        fields.into_iter().map(move |f| format!("{name} {f}"))
    });
    let spec = spec();
    let found = schemas(&spec)
        .filter(|(name, schema)| !REQUEST_BODIES.contains(&name.as_str()) && schema.get("enum").is_none())
        .flat_map(|(name, schema)| {
            let fields = schema_fields(schema);
            fields.into_iter().map(move |f| format!("{name} {f}"))
        });
    assert_same("model fields", expected, found);
}

#[test]
fn every_enum_has_its_values_in_order_and_no_other() {
    let facts = facts();
    let expected = object(&facts["enums"]).iter().map(|(name, values)| format!("{name} is one of {values}"));
    let spec = spec();
    let found = schemas(&spec).filter(|(_, schema)| schema.get("enum").is_some()).map(|(name, schema)| {
        assert_eq!(schema["type"], "string", "type of {name}");
        format!("{name} is one of {}", schema["enum"])
    });
    assert_same("enums", expected, found);
}

#[test]
fn every_schema_is_a_model_an_enum_or_a_request_body() {
    let facts = facts();
    let expected = [&facts["models"], &facts["enums"]]
        .into_iter()
        .flat_map(keys)
        .chain(REQUEST_BODIES.map(str::to_owned));
    let spec = spec();
    assert_same("schemas", expected, keys(&spec["components"]["schemas"]));
}

#[test]
fn enums_tell_that_they_may_grow() {
    for (name, schema) in schemas(&spec()).filter(|(_, schema)| schema.get("enum").is_some()) {
        assert!(
            text(schema, "description").contains("More values may be added"),
            "{name} does not say that more values may be added"
        );
    }
}

#[test]
fn every_operation_id_is_made_of_group_and_method_and_is_unique() {
    let mut seen = BTreeMap::new();
    for op in operations() {
        let id = text(&op.spec, "operationId");
        assert_eq!(id, op.name.replace('.', "_"), "operationId of {}", op.name);
        if let Some(other) = seen.insert(id.clone(), op.name.clone()) {
            panic!("{other} and {} share the operationId {id}", op.name);
        }
    }
}

#[test]
fn every_operation_belongs_to_the_tag_of_its_group() {
    let spec = spec();
    let tags: BTreeSet<_> = list(&spec, "tags").iter().map(|t| text(t, "name")).collect();
    let mut used = BTreeSet::new();
    for op in operations() {
        let (group, _) = op.name.rsplit_once('.').expect("a group and a method");
        assert_eq!(op.spec["tags"], Value::from(vec![group]), "tags of {}", op.name);
        used.insert(group.to_owned());
    }
    assert_eq!(tags, used);
}

#[test]
fn everything_is_described() {
    let spec = spec();
    let mut silent = Vec::new();
    let mut look = |what: String, value: &Value, key: &str| {
        let words = value[key].as_str().unwrap_or_default();
        if words.trim() != words || !words.ends_with(['.', ':']) || words.len() < 10 {
            silent.push(format!("{what} has no proper {key}: {words:?}"));
        }
    };
    look("the API".into(), &spec["info"], "description");
    for tag in list(&spec, "tags") {
        look(format!("tag {}", tag["name"]), &tag, "description");
    }
    for server in list(&spec, "servers") {
        look(format!("server {}", server["url"]), &server, "description");
    }
    for (name, scheme) in object(&spec["components"]["securitySchemes"]) {
        look(format!("security scheme {name}"), scheme, "description");
    }
    for (name, response) in object(&spec["components"]["responses"]) {
        look(format!("response {name}"), response, "description");
    }
    for op in operations() {
        look(op.name.clone(), &op.spec, "summary");
        look(op.name.clone(), &op.spec, "description");
        for p in list(&op.spec, "parameters") {
            let what = format!("{} parameter {}", op.name, p["name"]);
            look(what, &p, "description");
        }
        if let Some(body) = op.spec.get("requestBody") {
            look(format!("{} body", op.name), body, "description");
        }
        for (status, response) in object(&op.spec["responses"]) {
            if response.get("$ref").is_none() {
                let what = format!("{} answer {status}", op.name);
                look(what, response, "description");
            }
        }
    }
    for (name, schema) in schemas(&spec) {
        look(name.clone(), schema, "description");
        for (field, property) in properties(schema) {
            look(format!("{name}.{field}"), property, "description");
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

#[test]
fn every_description_is_safe_as_rustdoc() {
    let mut unsafe_texts = Vec::new();
    walk(&spec(), "", &mut |place, value| {
        if !place.ends_with("/description") && !place.ends_with("/summary") {
            return;
        }
        let Some(words) = value.as_str() else { return };
        let prose: String = words.split('`').step_by(2).collect();
        let balanced = words.matches('`').count() % 2 == 0;
        if !balanced || prose.contains(['<', '>', '[', ']']) || prose.contains("://") {
            unsafe_texts.push(format!("{place}: {words}"));
        }
    });
    assert!(unsafe_texts.is_empty(), "{}", unsafe_texts.join("\n"));
}

#[test]
fn nothing_narrows_what_the_server_may_send_or_fills_in_values() {
    const FORBIDDEN: [&str; 12] = [
        "default",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "pattern",
        "uniqueItems",
    ];
    walk(&spec(), "", &mut |place, value| {
        let Some(map) = value.as_object() else { return };
        if place.ends_with("/properties") {
            return;
        }
        for key in FORBIDDEN {
            assert!(!map.contains_key(key), "{place} has {key}");
        }
        assert_ne!(map.get("additionalProperties"), Some(&Value::Bool(false)), "{place}");
    });
}

#[test]
fn costs_are_paged_by_parameters_and_fields_that_exist() {
    let spec = spec();
    let paged: Vec<_> =
        operations().into_iter().filter(|op| op.spec.get("x-fern-pagination").is_some()).collect();
    let [op] = paged.as_slice() else {
        panic!("{} operations are paged, not one", paged.len());
    };
    assert_eq!(op.name, "customers.get_costs_by_external_id");
    let parameters: Vec<_> = list(&op.spec, "parameters").iter().map(|p| text(p, "name")).collect();
    let marks = &op.spec["x-fern-pagination"];
    for key in ["offset", "step"] {
        let reference = text(marks, key);
        let parameter = reference.strip_prefix("$request.").expect("a parameter");
        assert!(parameters.contains(&parameter.to_owned()), "{reference}");
    }
    let content = &op.spec["responses"]["200"]["content"];
    for (key, expected) in [("results", "list<CostTrace>"), ("has-next-page", "boolean")] {
        let reference = text(marks, key);
        let fields = reference.strip_prefix("$response.").expect("a field");
        let mut ty = type_of(&content["application/json"]["schema"]).0;
        for field in fields.split('.') {
            ty = type_of(&spec["components"]["schemas"][&ty]["properties"][field]).0;
        }
        assert_eq!(ty, expected, "type of {reference}");
    }
}

#[test]
fn requests_go_to_production_with_a_bearer_token() {
    let spec = spec();
    assert_eq!(spec["openapi"], "3.0.3");
    let [server] = list(&spec, "servers").try_into().expect("one server, no more");
    assert_eq!(server["url"], "https://api.agentpaid.io/api/v1");
    assert_eq!(server["x-fern-server-name"], "Production");
    let scheme = &spec["components"]["securitySchemes"]["bearerAuth"];
    assert_eq!(scheme["type"], "http");
    assert_eq!(scheme["scheme"], "bearer");
    assert_eq!(spec["security"], serde_json::json!([{ "bearerAuth": [] }]));
}

struct Operation {
    /// Group and method, joined by dots, such as `orders.lines.update`.
    name: String,
    method: String,
    path: String,
    spec: Value,
}

fn spec() -> Value {
    serde_json::from_str(SPEC).expect("the spec is JSON")
}

fn facts() -> Value {
    serde_json::from_str(FACTS).expect("the facts are JSON")
}

fn facts_operations() -> impl Iterator<Item = Value> {
    list(&facts(), "operations").into_iter()
}

fn op_name(fact: &Value) -> String {
    format!("{}.{}", text(fact, "tag"), text(fact, "name"))
}

fn operations() -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in object(&spec()["paths"]) {
        for (method, spec) in object(item) {
            assert!(HTTP_METHODS.contains(&method.as_str()), "{path} has {method}, which is no HTTP method");
            let mut name: Vec<_> = list(spec, "x-fern-sdk-group-name")
                .iter()
                .map(|part| part.as_str().expect("a group name").to_owned())
                .collect();
            name.push(text(spec, "x-fern-sdk-method-name"));
            operations.push(Operation {
                name: name.join("."),
                method: method.to_uppercase(),
                path: path.clone(),
                spec: spec.clone(),
            });
        }
    }
    operations
}

fn body_schema(op: &Operation) -> Option<String> {
    let body = op.spec.get("requestBody")?;
    let schema = &body["content"]["application/json"]["schema"];
    Some(ref_name(schema, "schemas"))
}

/// `orders.lines.update` sends `OrderLinesUpdate`, `agents.update_by_external_id` `AgentUpdate`.
fn schema_of_body(operation: &str) -> String {
    let name = operation.trim_end_matches("_by_external_id");
    let mut parts: Vec<_> = name.split(['.', '_']).map(capitalised).collect();
    if let Some(resource) = parts.first_mut().filter(|first| *first != "Usage") {
        resource.truncate(resource.len() - 1);
    }
    parts.concat()
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

/// The type of a schema in the language of the facts, and whether it takes `null`.
fn type_of(schema: &Value) -> (String, bool) {
    let nullable = schema["nullable"] == true;
    let mut shape = schema.as_object().cloned().unwrap_or_default();
    shape.remove("nullable");
    shape.remove("description");
    let has = |keys: &[&str]| shape.len() == keys.len() && keys.iter().all(|k| schema[*k] != Value::Null);
    let kind = (schema["type"].as_str(), schema["format"].as_str());
    let ty = match kind {
        _ if has(&["$ref"]) => ref_name(schema, "schemas"),
        _ if has(&["allOf"]) => match schema["allOf"].as_array().map(Vec::as_slice) {
            Some([only]) => ref_name(only, "schemas"),
            _ => format!("unexpected {schema}"),
        },
        (Some("integer"), Some("int64")) if has(&["type", "format"]) => "integer".into(),
        (Some("string"), Some("date-time")) if has(&["type", "format"]) => "datetime".into(),
        (Some(plain @ ("string" | "boolean" | "number")), None) if has(&["type"]) => plain.into(),
        (Some("array"), None) if has(&["type", "items"]) => {
            format!("list<{}>", inner_type(&schema["items"]))
        }
        (Some("object"), None) if has(&["type", "additionalProperties"]) => {
            match &schema["additionalProperties"] {
                Value::Bool(true) => "map<string,any?>".into(),
                values => format!("map<string,{}>", inner_type(values)),
            }
        }
        _ => format!("unexpected {schema}"),
    };
    (ty, nullable)
}

fn inner_type(schema: &Value) -> String {
    let (ty, nullable) = type_of(schema);
    ty + if nullable { "?" } else { "" }
}

fn fact_fields(fields: &[Value]) -> Vec<String> {
    let line = |f: &Value| {
        let null = nullable(f["nullable"] == true);
        let (wire, ty) = (text(f, "wire"), text(f, "type"));
        format!("{wire}: {ty}{}{null}", required(f))
    };
    fields.iter().map(line).collect()
}

fn schema_fields(schema: &Value) -> Vec<String> {
    assert_eq!(schema["type"], "object", "{schema}");
    let required: BTreeSet<_> =
        list(schema, "required").iter().map(|name| name.as_str().expect("a field name").to_owned()).collect();
    let names: BTreeSet<_> = properties(schema).map(|(name, _)| name.clone()).collect();
    assert!(required.is_subset(&names), "{required:?} are required of {names:?}");
    properties(schema)
        .map(|(name, property)| {
            let (ty, null) = type_of(property);
            let due = if required.contains(name) { " required" } else { "" };
            format!("{name}: {ty}{due}{}", nullable(null))
        })
        .collect()
}

fn required(value: &Value) -> &'static str {
    if value["required"] == true { " required" } else { "" }
}

fn nullable(yes: bool) -> &'static str {
    if yes { " nullable" } else { "" }
}

fn schemas(spec: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object(&spec["components"]["schemas"]).iter()
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

fn ref_name(value: &Value, kind: &str) -> String {
    let prefix = format!("#/components/{kind}/");
    let name = value["$ref"].as_str().and_then(|r| r.strip_prefix(&prefix));
    name.map_or_else(|| format!("unexpected {value}"), str::to_owned)
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}"))
}

fn keys(value: &Value) -> Vec<String> {
    object(value).keys().cloned().collect()
}

fn list(value: &Value, key: &str) -> Vec<Value> {
    value[key].as_array().cloned().unwrap_or_default()
}

fn text(value: &Value, key: &str) -> String {
    let text = value[key].as_str();
    text.unwrap_or_else(|| panic!("no text under {key}: {value}")).to_owned()
}

fn walk(value: &Value, place: &str, visit: &mut dyn FnMut(&str, &Value)) {
    visit(place, value);
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                walk(inner, &format!("{place}/{key}"), visit);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                walk(inner, &format!("{place}/{index}"), visit);
            }
        }
        _ => {}
    }
}

/// Fails with every statement that only one side makes.
fn assert_same(
    what: &str,
    expected: impl IntoIterator<Item = String>,
    found: impl IntoIterator<Item = String>,
) {
    let expected: BTreeSet<_> = expected.into_iter().collect();
    let found: BTreeSet<_> = found.into_iter().collect();
    let missing = expected.difference(&found).map(|s| format!("missing: {s}"));
    let extra = found.difference(&expected).map(|s| format!("extra:   {s}"));
    let differences: Vec<_> = missing.chain(extra).collect();
    assert!(!expected.is_empty(), "the facts list no {what}");
    assert!(differences.is_empty(), "{what} of the spec differ from the facts\n{}", differences.join("\n"));
}
