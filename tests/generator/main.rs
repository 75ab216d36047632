//! The generator, pass by pass: what it makes of a spec, and what it says where it makes nothing.
//!
//! Whether generated code compiles and works is proved by `tests/other_api`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bodies;
mod facade;
mod hostile;
mod names;
mod pagination;
mod parameters;
mod schemas;
mod text;
mod unions;

#[allow(dead_code)]
#[path = "../../build/mod.rs"]
mod generator;

use generator::Generated;
use serde_json::{Value, json};

/// A spec with these paths and schemas, and all else that it takes.
fn spec(paths: Value, schemas: Value) -> Value {
    json!({
        "openapi": "3.0.3",
        "info": {"title": "Zoo", "version": "1"},
        "servers": [{"url": "https://zoo.test/v1"}],
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

/// An operation `pets.<method>` that answers with nothing, and whatever else is given.
fn operation(method: &str, more: Value) -> Value {
    let mut operation = json!({
        "x-fern-sdk-group-name": ["pets"],
        "x-fern-sdk-method-name": method,
        "responses": {"204": {"description": "Done."}},
    });
    for (key, value) in more.as_object().expect("an object") {
        operation[key] = value.clone();
    }
    operation
}

/// A spec with these schemas, of which `Pet` is sent to and answered by one operation.
fn with_schemas(schemas: Value) -> Value {
    let pet = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}});
    let more = json!({
        "requestBody": {"content": pet},
        "responses": {"200": {"description": "The pet.", "content": pet}},
    });
    spec(json!({"/pets": {"post": operation("create", more)}}), schemas)
}

/// A spec whose schema `Pet` has these properties.
fn with_properties(properties: Value) -> Value {
    with_schemas(json!({"Pet": {"type": "object", "properties": properties}}))
}

/// A spec with one operation, `GET /pets`.
fn with_get(more: Value) -> Value {
    spec(json!({"/pets": {"get": operation("list", more)}}), pet())
}

fn pet() -> Value {
    json!({"Pet": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}})
}

/// A parameter of `GET /pets`.
fn with_parameter(parameter: Value) -> Value {
    with_get(json!({"parameters": [parameter]}))
}

/// A success answer with this schema.
fn answer(schema: Value) -> Value {
    json!({"description": "Success.", "content": {"application/json": {"schema": schema}}})
}

fn pet_reference() -> Value {
    json!({"$ref": "#/components/schemas/Pet"})
}

#[track_caller]
fn made(spec: Value) -> Generated {
    match generator::generate(&spec.to_string()) {
        Ok(generated) => generated,
        Err(message) => panic!("refused: {message}"),
    }
}

/// Checks that the spec is refused with a message that has all of these words in it.
#[track_caller]
fn refused(spec: Value, words: &[&str]) {
    let message = match generator::generate(&spec.to_string()) {
        Ok(generated) => panic!("it was generated:\n{}", generated.surface),
        Err(message) => message,
    };
    for word in words {
        assert!(message.contains(word), "`{word}` is not in: {message}");
    }
}

/// Checks that the public surface has these lines.
#[track_caller]
fn has(generated: &Generated, lines: &[&str]) {
    for line in lines {
        let found = generated.surface.lines().any(|known| known == *line);
        assert!(found, "`{line}` is not in:\n{}", generated.surface);
    }
}

/// Checks that no line of the public surface contains this text.
#[track_caller]
fn lacks(generated: &Generated, text: &str) {
    assert!(!generated.surface.contains(text), "`{text}` is in:\n{}", generated.surface);
}

fn file<'a>(generated: &'a Generated, name: &str) -> &'a str {
    generated.files.iter().find(|(known, _)| known == name).map(|(_, text)| text).expect("the file is there")
}

#[track_caller]
fn warns(generated: &Generated, word: &str) {
    let found = generated.warnings.iter().any(|warning| warning.contains(word));
    assert!(found, "`{word}` is in none of {:?}", generated.warnings);
}
