//! Request bodies and answers.

use serde_json::{Value, json};

use super::{answer, file, has, made, operation, pet, pet_reference, refused, spec, warns, with_get};

fn with_answers(responses: Value) -> Value {
    with_get(json!({"responses": responses}))
}

fn with_body(content: Value) -> Value {
    let more = json!({"requestBody": {"content": content}});
    spec(json!({"/pets": {"patch": operation("update", more)}}), pet())
}

#[test]
fn several_success_answers_may_have_one_body() {
    let generated =
        made(with_answers(json!({"200": answer(pet_reference()), "201": answer(pet_reference())})));
    assert!(file(&generated, "pets.rs").contains("type Output = types::Pet;"));
}

#[test]
fn several_success_answers_may_not_differ() {
    let responses = json!({"200": answer(pet_reference()), "202": answer(json!({"type": "string"}))});
    refused(with_answers(responses), &["GET /pets", "200, 202", "split the operation"]);
    let responses = json!({"200": answer(pet_reference()), "204": {"description": "Nothing."}});
    refused(with_answers(responses), &["GET /pets", "200, 204"]);
}

#[test]
fn errors_are_told_and_change_no_type() {
    let error = json!({"description": "Not found, or <gone>.", "content": {"text/html": {}}});
    let generated = made(with_answers(json!({"200": answer(pet_reference()), "404": error})));
    assert!(file(&generated, "pets.rs").contains(r"- 404: Not found, or \<gone\>."));
}

#[test]
fn an_operation_has_to_succeed_somehow() {
    let responses = json!({"404": {"description": "No."}, "default": {"description": "Well."}});
    refused(with_answers(responses), &["GET /pets", "no success answer", "add a 2xx"]);
}

#[test]
fn answers_of_any_json_type_are_possible() {
    for (schema, output) in [
        (json!({"type": "array", "items": pet_reference()}), "::std::vec::Vec<types::Pet>"),
        (json!({"type": "string"}), "::std::string::String"),
        (json!({"type": "object"}), "crate::JsonObject"),
        (json!({}), "::serde_json::Value"),
        (json!({"allOf": [pet_reference()], "nullable": true}), "::std::option::Option<types::Pet>"),
        (json!({"type": "object", "properties": {"a": {"type": "string"}}}), "types::PetsListResponse"),
    ] {
        let generated = made(with_answers(json!({"200": answer(schema)})));
        let pets = file(&generated, "pets.rs");
        assert!(pets.contains(&format!("type Output = {output};")), "{output} is not in {pets}");
    }
}

#[test]
fn an_answer_that_is_not_json_is_refused() {
    let csv = json!({"description": "A table.", "content": {"text/csv": {"schema": {"type": "string"}}}});
    refused(with_answers(json!({"200": csv})), &["GET /pets", "text/csv", "application/json"]);
}

#[test]
fn a_merge_patch_keeps_its_content_type() {
    let generated = made(with_body(json!({"application/merge-patch+json": {"schema": pet_reference()}})));
    assert!(file(&generated, "pets.rs").contains("Some(\"application/merge-patch+json\")"));
}

#[test]
fn of_two_media_types_json_is_sent() {
    let generated = made(with_body(json!({
        "application/merge-patch+json": {"schema": pet_reference()},
        "application/json": {"schema": pet_reference()},
        "application/xml": {"schema": pet_reference()},
    })));
    assert!(file(&generated, "pets.rs").contains("Some(\"application/json\")"));
    warns(&generated, "PATCH /pets takes several media types; application/json is used");
}

#[test]
fn a_body_that_is_not_json_is_refused() {
    let form = json!({"multipart/form-data": {"schema": {"type": "object"}}});
    refused(with_body(form), &["PATCH /pets", "multipart/form-data", "offer application/json"]);
    refused(with_body(json!({})), &["PATCH /pets", "nothing", "application/json"]);
}

#[test]
fn a_body_is_an_object() {
    let json_of = |schema: Value| json!({"application/json": {"schema": schema}});
    for schema in [json!({"type": "string"}), json!({"enum": ["a"]}), json!({"type": "array", "items": {}})] {
        refused(with_body(json_of(schema)), &["PATCH /pets", "wrap it in one"]);
    }
    let inline = json!({"type": "object", "properties": {"name": {"type": "string"}}});
    let generated = made(with_body(json_of(inline)));
    has(&generated, &["types::PetsUpdateRequest: fn name(mut self, value: impl Into<String>) -> Self"]);
    let generated = made(with_body(json_of(json!({"type": "object"}))));
    has(&generated, &["pets::Pets: fn update(&self, body: impl Into<JsonObject>) -> Call<PetsUpdate>"]);
}

#[test]
fn a_body_that_is_only_a_list_is_made_from_one() {
    let list = json!({"type": "object", "required": ["pets"], "properties": {
        "pets": {"type": "array", "items": pet_reference()},
    }});
    let generated = made(with_body(json!({"application/json": {"schema": list}})));
    has(&generated, &["types: impl From<Vec<Pet>> for PetsUpdateRequest"]);
}
