//! Paths, queries, headers.

use serde_json::{Value, json};

use super::{has, made, operation, pet, refused, spec, warns, with_parameter};

fn query(name: &str, schema: Value) -> Value {
    json!({"name": name, "in": "query", "schema": schema})
}

fn path(name: &str, schema: Value) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": schema})
}

fn at(place: &str, parameters: Value) -> Value {
    spec(json!({place: {"get": operation("get", json!({"parameters": parameters}))}}), pet())
}

fn text() -> Value {
    json!({"type": "string"})
}

#[test]
fn a_query_has_a_setter_for_each_parameter() {
    let list = json!({"type": "array", "items": {"type": "string", "enum": ["cat"]}});
    let generated = made(at(
        "/pets",
        json!([
            query("limit", json!({"type": "integer"})),
            query("bornAfter", json!({"type": "string", "format": "date-time"})),
            query("kind[]", list),
            query("weight", json!({"type": "number"})),
        ]),
    ));
    has(
        &generated,
        &[
            "pets::Call<PetsGet>: fn limit(mut self, value: i64) -> Self",
            "pets::Call<PetsGet>: fn born_after(mut self, value: impl Into<DateTime>) -> Self",
            "pets::Call<PetsGet>: fn weight(mut self, value: impl Into<Number>) -> Self",
            "pets::Call<PetsGet>: fn kind(mut self, value: impl IntoIterator<Item = impl \
             Into<types::PetsGetKindItem>>) -> Self",
        ],
    );
}

#[test]
fn required_parameters_are_arguments() {
    let mut status = query("status", json!({"type": "array", "items": {"type": "integer"}}));
    status["required"] = true.into();
    let generated = made(at(
        "/pets/{id}/{no}",
        json!([status, path("no", json!({"type": "integer"})), path("id", text())]),
    ));
    has(
        &generated,
        &[
            "pets::Pets: fn get(&self, id: impl Into<String>, no: i64, status: impl IntoIterator<Item = i64>) -> \
             Call<PetsGet>",
        ],
    );
}

#[test]
fn a_query_named_like_an_option_of_the_call_gets_a_suffix() {
    for name in ["timeout", "with", "items", "raw"] {
        let generated = made(with_parameter(query(name, json!({"type": "integer"}))));
        has(&generated, &[&format!("pets::Call<PetsList>: fn {name}_param(mut self, value: i64) -> Self")]);
    }
    let both = json!([query("timeout", text()), query("timeout_param", text())]);
    refused(at("/pets", both), &["GET /pets", "`timeout_param`", "rename one"]);
}

#[test]
fn parameters_of_the_path_item_count_and_can_be_overridden() {
    let mut spec = at("/pets/{id}", json!([path("id", json!({"type": "integer"}))]));
    spec["paths"]["/pets/{id}"]["parameters"] = json!([path("id", text()), query("q", text())]);
    has(&made(spec), &["pets::Pets: fn get(&self, id: i64) -> Call<PetsGet>", "pets::PetsGet"]);
}

#[test]
fn path_and_parameters_have_to_agree() {
    refused(at("/pets/{id}", json!([])), &["GET /pets/{id}", "`{id}`", "add it"]);
    refused(
        at("/pets", json!([path("id", text())])),
        &["GET /pets", "`id` is not in the path", "add `{id}`"],
    );
    refused(at("/pets/{id}/{id}", json!([path("id", text())])), &["GET /pets/{id}/{id}", "twice"]);
    refused(at("/pets/{id", json!([])), &["GET /pets/{id", "braces"]);
    refused(at("/pets?all=true", json!([])), &["GET /pets?all=true", "as parameters"]);
}

#[test]
fn names_have_to_differ_in_rust() {
    let both = json!([query("petId", text()), query("pet_id", text())]);
    refused(at("/pets", both), &["GET /pets", "`petId` and `pet_id`", "rename one"]);
    let both = json!([query("id", text()), path("id", text())]);
    refused(at("/pets/{id}", both), &["GET /pets/{id}", "`id` and `id`", "rename one"]);
    refused(with_parameter(query("body", text())), &["GET /pets", "`body`", "rename it"]);
}

#[test]
fn parameters_are_plain() {
    let object = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let pet = json!({"$ref": "#/components/schemas/Pet"});
    let pets = json!({"type": "array", "items": pet});
    for schema in [object, pet, pets, json!({"type": "object"})] {
        refused(
            with_parameter(query("filter", schema)),
            &["GET /pets", "`filter`", "parameters of their own"],
        );
    }
    let list = json!({"type": "array", "items": {"type": "string"}});
    refused(
        at("/pets/{ids}", json!([path("ids", list.clone())])),
        &["GET /pets/{ids}", "`ids`", "make it a string"],
    );
    let joined = json!({"name": "ids", "in": "query", "explode": false, "schema": list});
    refused(with_parameter(joined), &["GET /pets", "`ids`", "describe it as a string"]);
    let content = json!({"name": "q", "in": "query", "content": {"application/json": {}}});
    refused(with_parameter(content), &["GET /pets", "`q`", "has no schema", "add one"]);
    refused(with_parameter(json!({"in": "query", "schema": {}})), &["GET /pets", "no name", "give it one"]);
}

#[test]
fn headers_and_cookies_are_left_to_the_caller() {
    for place in ["header", "cookie"] {
        let optional = json!({"name": "X-Trace", "in": place, "schema": {"type": "string"}});
        warns(&made(with_parameter(optional.clone())), "GET /pets: ");
        let mut required = optional;
        required["required"] = true.into();
        refused(with_parameter(required), &["GET /pets", place, "`X-Trace`", "make it optional"]);
    }
}
