//! `oneOf` and `anyOf`: discriminators, shapes, and what is neither.

use serde_json::{Value, json};

use super::{file, has, lacks, made, refused, warns, with_schemas};

fn cat_or_dog(more: Value) -> Value {
    let animal = |tag: &str| json!({"type": "object", "properties": {"kind": {"type": "string"}, tag: {"type": "boolean"}}});
    let mut pet =
        json!({"oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}]});
    for (key, value) in more.as_object().expect("an object") {
        pet[key] = value.clone();
    }
    with_schemas(json!({"Pet": pet, "Cat": animal("purrs"), "Dog": animal("barks"), "Fish": animal("swims")}))
}

#[test]
fn a_mapping_says_which_tag_means_which_object() {
    let mapping = json!({"cat": "#/components/schemas/Cat", "dog": "Dog"});
    let generated = made(cat_or_dog(json!({"discriminator": {"propertyName": "kind", "mapping": mapping}})));
    has(
        &generated,
        &[
            "types::Pet::Cat(Box<Cat>)",
            "types::Pet::Dog(Box<Dog>)",
            "types::Pet::Unknown(serde_json::Value)",
            "types: impl From<Cat> for Pet",
            "types::Cat: fn new() -> Self",
        ],
    );
    let types = file(&generated, "types.rs");
    assert!(types.contains("\"cat\" =>") && types.contains(".get(\"kind\")"), "{types}");
}

#[test]
fn without_a_mapping_the_names_are_the_tags() {
    for mapping in [json!({}), json!({"dog": "#/components/schemas/Dog"})] {
        let generated =
            made(cat_or_dog(json!({"discriminator": {"propertyName": "kind", "mapping": mapping}})));
        assert!(file(&generated, "types.rs").contains("\"Cat\" =>"));
    }
}

#[test]
fn a_discriminator_has_to_make_sense() {
    let mapping = json!({"fish": "#/components/schemas/Fish"});
    refused(
        cat_or_dog(json!({"discriminator": {"propertyName": "kind", "mapping": mapping}})),
        &["union Pet", "`fish`", "not among its alternatives", "add it"],
    );
    refused(cat_or_dog(json!({"discriminator": {}})), &["union Pet", "propertyName", "add"]);
}

#[test]
fn without_a_discriminator_the_shape_decides() {
    let generated = made(cat_or_dog(json!({})));
    has(&generated, &["types::Pet::Cat(Box<Cat>)"]);
    assert!(file(&generated, "types.rs").contains("BestFit"));
}

#[test]
fn an_alternative_that_is_named_twice_is_one() {
    let cat = json!({"$ref": "#/components/schemas/Cat"});
    let generated = made(cat_or_dog(json!({"oneOf": [cat, {"allOf": [cat]}]})));
    has(&generated, &["types::Pet::Cat(Box<Cat>)"]);
    lacks(&generated, "types::Pet::Dog");
}

#[test]
fn inline_alternatives_are_named_by_title_or_place() {
    let inline =
        |title: Value| json!({"title": title, "type": "object", "properties": {"a": {"type": "string"}}});
    let generated = made(cat_or_dog(json!({"oneOf": [inline("Big one".into()), inline(Value::Null)]})));
    has(&generated, &["types::Pet::PetBigOne(Box<PetBigOne>)", "types::Pet::Pet2(Box<Pet2>)"]);
}

#[test]
fn alternatives_that_are_not_objects_are_any_json() {
    for parts in [
        json!([{"type": "string"}, {"type": "integer"}]),
        json!([{"$ref": "#/components/schemas/Cat"}, {"type": "string"}]),
        json!([{"type": "array", "items": {"$ref": "#/components/schemas/Value"}}, {"type": "string"}]),
    ] {
        let generated = made(with_schemas(json!({
            "Value": {"oneOf": parts},
            "Cat": {"type": "object", "properties": {"value": {"$ref": "#/components/schemas/Value"}}},
            "Pet": {"type": "object", "required": ["value"], "properties": {
                "value": {"$ref": "#/components/schemas/Value"},
            }},
        })));
        has(&generated, &["types::Pet.value: serde_json::Value"]);
        warns(&generated, "Value: its alternatives are not all objects");
    }
}

#[test]
fn alternatives_of_one_plain_type_are_that_type() {
    let generated = made(with_schemas(json!({"Pet": {"type": "object", "properties": {
        "id": {"oneOf": [{"type": "string", "format": "uuid"}, {"type": "string"}]},
    }}})));
    has(&generated, &["types::Pet.id: Option<String>"]);
}

#[test]
fn an_alternative_called_unknown_keeps_its_name() {
    let object = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let generated = made(with_schemas(json!({
        "Unknown": object, "Known": object,
        "Pet": {"oneOf": [{"$ref": "#/components/schemas/Unknown"}, {"$ref": "#/components/schemas/Known"}]},
    })));
    has(&generated, &["types::Pet::Unknown(Box<Unknown>)", "types::Pet::UnknownValue(serde_json::Value)"]);
}

#[test]
fn a_union_may_contain_itself() {
    let generated = made(with_schemas(json!({
        "Pet": {"oneOf": [{"$ref": "#/components/schemas/Pack"}, {"$ref": "#/components/schemas/Dog"}]},
        "Pack": {"type": "object", "required": ["leader"], "properties": {"leader": {"$ref": "#/components/schemas/Pet"}}},
        "Dog": {"type": "object", "properties": {"name": {"type": "string"}}},
    })));
    has(&generated, &["types::Pack.leader: Pet"]);
}
