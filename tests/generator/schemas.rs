//! Objects, maps, enums, nulls, references.

use serde_json::json;

use super::{file, has, lacks, made, refused, spec, warns, with_get, with_properties, with_schemas};

#[test]
fn fields_have_the_types_of_the_spec() {
    let generated = made(with_schemas(json!({"Pet": {
        "type": "object",
        "required": ["name", "age", "weight", "tame", "born", "tags"],
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer", "format": "int32"},
            "weight": {"type": "number"},
            "tame": {"type": "boolean"},
            "born": {"type": "string", "format": "date-time"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "anything": {},
            "extra": {"type": "object"},
        },
    }})));
    has(
        &generated,
        &[
            "types::Pet.name: String",
            "types::Pet.age: i64",
            "types::Pet.weight: Number",
            "types::Pet.tame: bool",
            "types::Pet.born: DateTime",
            "types::Pet.tags: Vec<String>",
            "types::Pet.extra: Option<JsonObject>",
        ],
    );
}

#[test]
fn a_default_is_not_sent() {
    let generated = made(with_properties(json!({"status": {"type": "string", "default": "active"}})));
    has(&generated, &["types::Pet.status: Option<String>"]);
    assert!(!file(&generated, "types.rs").contains("active"));
}

#[test]
fn bounds_and_patterns_are_left_to_the_server() {
    let generated = made(with_properties(json!({
        "age": {"type": "integer", "minimum": 1, "maximum": 2, "exclusiveMinimum": true},
        "code": {"type": "string", "minLength": 2, "maxLength": 3, "pattern": "^[a-z]+$", "format": "uuid"},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3, "uniqueItems": true},
    })));
    has(
        &generated,
        &[
            "types::Pet.age: Option<i64>",
            "types::Pet.code: Option<String>",
            "types::Pet.tags: Option<Vec<String>>",
        ],
    );
}

#[test]
fn unknown_fields_are_accepted_whatever_the_spec_says() {
    let generated = made(with_schemas(json!({"Pet": {
        "type": "object", "additionalProperties": false, "properties": {"name": {"type": "string"}},
    }})));
    assert!(!file(&generated, "types.rs").contains("deny_unknown_fields"));
}

#[test]
fn values_beside_named_properties_are_warned_about() {
    let generated = made(with_schemas(json!({"Pet": {
        "type": "object", "additionalProperties": {"type": "integer"}, "properties": {"name": {"type": "string"}},
    }})));
    has(&generated, &["types::Pet.name: Option<String>"]);
    warns(&generated, "Pet: values beside its named properties");
}

#[test]
fn maps_and_their_values_may_be_null() {
    let map = |value| json!({"type": "object", "nullable": true, "additionalProperties": value});
    let generated = made(with_properties(json!({
        "counts": map(json!({"type": "integer"})),
        "notes": map(json!({"type": "string", "nullable": true})),
    })));
    has(
        &generated,
        &[
            "types::Pet.counts: Nullable<BTreeMap<String, i64>>",
            "types::Pet.notes: Nullable<BTreeMap<String, Option<String>>>",
        ],
    );
}

#[test]
fn a_required_field_that_may_be_null_is_always_sent() {
    let generated = made(with_schemas(json!({"Pet": {
        "type": "object", "required": ["owner"], "properties": {"owner": {"type": "string", "nullable": true}},
    }})));
    has(
        &generated,
        &["types::Pet.owner: Option<String>", "types::Pet: fn new(owner: impl Into<Option<String>>) -> Self"],
    );
    let types = file(&generated, "types.rs");
    assert!(!types.contains("skip_serializing_if"), "{types}");
}

#[test]
fn nulls_differ_in_requests_only() {
    let nullable = json!({"type": "object", "properties": {"name": {"type": "string", "nullable": true}}});
    let generated = made(with_schemas(json!({"Pet": nullable, "Keeper": nullable})));
    has(
        &generated,
        &[
            "types::Pet.name: Nullable<String>",
            "types::Pet: fn clear_name(mut self) -> Self",
            "types::Keeper.name: Option<String>",
        ],
    );
    lacks(&generated, "types::Keeper: fn");
}

#[test]
fn an_enum_keeps_what_it_does_not_know() {
    let generated =
        made(with_properties(json!({"kind": {"type": "string", "enum": ["cat", "big-dog", null]}})));
    has(
        &generated,
        &[
            "types::Pet.kind: Nullable<PetKind>",
            "types::PetKind::Cat",
            "types::PetKind::BigDog",
            "types::PetKind::Unknown(UnknownValue)",
        ],
    );
}

#[test]
fn an_enum_component_with_null_is_nullable_where_it_is_used() {
    let generated = made(with_schemas(json!({
        "Kind": {"type": "string", "enum": ["cat", null]},
        "Pet": {
            "type": "object", "required": ["kind"],
            "properties": {"kind": {"$ref": "#/components/schemas/Kind"}},
        },
    })));
    has(&generated, &["types::Pet.kind: Option<Kind>"]);
}

#[test]
fn an_enum_with_a_value_called_unknown_keeps_both() {
    let generated = made(with_properties(json!({"kind": {"type": "string", "enum": ["unknown", "cat"]}})));
    has(&generated, &["types::PetKind::Unknown", "types::PetKind::UnknownValue(UnknownValue)"]);
}

#[test]
fn enum_or_string_is_an_open_enum() {
    for open in [
        json!({"anyOf": [{"type": "string", "enum": ["cat"]}, {"type": "string"}]}),
        json!({"oneOf": [{"$ref": "#/components/schemas/Kind"}, {"type": "string"}]}),
    ] {
        let generated = made(with_schemas(json!({
            "Kind": {"type": "string", "enum": ["cat"]},
            "Pet": {"type": "object", "properties": {"kind": open}},
        })));
        has(&generated, &["types::Pet.kind: Option<PetKind>", "types::PetKind::Cat"]);
    }
}

#[test]
fn enums_of_other_things_than_text_say_what_to_do() {
    refused(
        with_properties(json!({"kind": {"enum": [1, 2]}})),
        &["PetKind", "`1` is not a string", "integer"],
    );
    let generated = made(with_properties(json!({"kind": {"type": "integer", "enum": [1, 2]}})));
    has(&generated, &["types::Pet.kind: Option<i64>"]);
}

#[test]
fn inline_objects_are_named_after_their_parent() {
    let generated = made(with_properties(json!({
        "home": {"type": "object", "properties": {"city": {"type": "string"}}},
        "meals": {"type": "array", "items": {"type": "object", "properties": {"at": {"type": "string"}}}},
    })));
    has(
        &generated,
        &[
            "types::Pet.home: Option<PetHome>",
            "types::PetHome.city: Option<String>",
            "types::Pet.meals: Option<Vec<PetMealsItem>>",
        ],
    );
}

#[test]
fn an_inline_object_may_not_take_the_name_of_another() {
    let inline = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let spec = with_schemas(json!({
        "PetHome": inline,
        "Pet": {"type": "object", "properties": {"home": inline}},
    }));
    refused(spec, &["PetHome", "move it to components/schemas"]);
}

#[test]
fn a_schema_may_contain_itself() {
    let generated = made(with_schemas(json!({"Pet": {
        "type": "object",
        "required": ["children"],
        "properties": {
            "mother": {"$ref": "#/components/schemas/Pet"},
            "children": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}},
            "friend": {"type": "object", "properties": {"pet": {"$ref": "#/components/schemas/Pet"}}},
        },
    }})));
    has(&generated, &["types::Pet.mother: Option<Box<Pet>>", "types::Pet.children: Vec<Pet>"]);
}

#[test]
fn all_of_joins_objects() {
    let generated = made(with_schemas(json!({
        "Named": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string"},
            "kind": {"type": "string", "enum": ["cat"]},
        }},
        "Pet": {"allOf": [
            {"required": ["age"]},
            {"$ref": "#/components/schemas/Named"},
            {"type": "object", "properties": {"age": {"type": "integer"}}},
        ]},
    })));
    has(
        &generated,
        &[
            "types::Pet.name: String",
            "types::Pet.age: i64",
            "types::Pet.kind: Option<PetKind>",
            "types::Named.kind: Option<NamedKind>",
        ],
    );
}

#[test]
fn all_of_says_what_it_cannot_join() {
    let spec = with_schemas(json!({"Pet": {"allOf": [
        {"type": "string"},
        {"type": "object", "properties": {"age": {"type": "integer"}}},
    ]}}));
    refused(spec, &["schema Pet", "allOf", "Write the schema out"]);
    let spec = with_schemas(json!({
        "Pet": {"allOf": [{"$ref": "#/components/schemas/Cat"}, {"required": []}]},
        "Cat": {"allOf": [{"$ref": "#/components/schemas/Pet"}, {"required": []}]},
    }));
    refused(spec, &["Pet", "part of itself", "write its parts out"]);
}

#[test]
fn an_alias_stands_for_what_it_names() {
    let generated = made(with_schemas(json!({
        "Id": {"type": "string", "nullable": true},
        "Homes": {"type": "array", "items": {"type": "object", "properties": {"city": {"type": "string"}}}},
        "Same": {"allOf": [{"$ref": "#/components/schemas/Homes"}], "description": "The same."},
        "Pet": {"type": "object", "required": ["id", "homes", "others"], "properties": {
            "id": {"$ref": "#/components/schemas/Id"},
            "homes": {"$ref": "#/components/schemas/Homes"},
            "others": {"$ref": "#/components/schemas/Same"},
        }},
    })));
    has(
        &generated,
        &[
            "types::Pet.id: Option<String>",
            "types::Pet.homes: Vec<HomesItem>",
            "types::Pet.others: Vec<HomesItem>",
            "types::HomesItem.city: Option<String>",
        ],
    );
    let spec = with_schemas(json!({
        "Loop": {"$ref": "#/components/schemas/Loop"},
        "Pet": {"type": "object", "properties": {"loop": {"$ref": "#/components/schemas/Loop"}}},
    }));
    refused(spec, &["Loop", "alias of itself", "make it an object"]);
}

#[test]
fn a_component_may_wrap_an_inline_object() {
    let generated = made(with_schemas(json!({"Pet": {"allOf": [
        {"type": "object", "properties": {"name": {"type": "string"}, "mate": {"$ref": "#/components/schemas/Pet"}}},
    ]}})));
    has(&generated, &["types::Pet.name: Option<String>", "types::Pet.mate: Option<Box<Pet>>"]);
}

#[test]
fn a_reference_to_nothing_names_who_refers() {
    let spec = with_properties(json!({"home": {"$ref": "#/components/schemas/Home"}}));
    refused(spec, &["POST /pets", "PetHome", "components/schemas/Home", "add it"]);
    let spec = with_get(json!({"responses": {"200": {"$ref": "#/components/responses/Gone"}}}));
    refused(spec, &["GET /pets", "components/responses/Gone", "add it"]);
    let spec = with_properties(json!({"home": {"$ref": "other.json#/Home"}}));
    refused(spec, &["POST /pets", "other.json#/Home", "move it there"]);
}

#[test]
fn what_is_required_has_to_exist() {
    let spec = with_schemas(json!({"Pet": {
        "type": "object", "required": ["age"], "properties": {"name": {"type": "string"}},
    }}));
    refused(spec, &["schema Pet", "`age`", "add it"]);
}

#[test]
fn types_of_other_versions_say_what_to_do() {
    refused(with_properties(json!({"a": {"type": ["string", "null"]}})), &["PetA", "nullable: true"]);
    refused(with_properties(json!({"a": {"type": "text"}})), &["PetA", "`text`", "use string"]);
    refused(with_properties(json!({"a": {"not": {"type": "string"}}})), &["PetA", "`not`", "describe"]);
    refused(with_properties(json!({"a": "string"})), &["PetA", "is not a schema", "write an object"]);
}

#[test]
fn only_what_a_request_reaches_can_be_made() {
    let generated = made(with_schemas(json!({
        "Pet": {"type": "object", "properties": {"home": {"$ref": "#/components/schemas/Home"}}},
        "Home": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}},
        "Ghost": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}},
    })));
    has(&generated, &["types::Home: fn new(city: impl Into<String>) -> Self", "types::Ghost.city: String"]);
    lacks(&generated, "types::Ghost: fn");
}

#[test]
fn schemas_with_rules_beside_their_properties_are_objects() {
    let generated = made(with_schemas(json!({"Pet": {
        "type": "object",
        "properties": {"id": {"type": "string"}, "name": {"type": "string"}},
        "anyOf": [{"required": ["id"]}, {"required": ["name"]}],
    }})));
    has(&generated, &["types::Pet.id: Option<String>"]);
}

#[test]
fn a_spec_needs_operations_servers_and_the_right_version() {
    refused(spec(json!({}), json!({})), &["no operations", "paths"]);
    let mut other = with_get(json!({}));
    other["openapi"] = "3.1.0".into();
    refused(other, &["3.1.0", "3.0.3", "nullable: true"]);
    let mut other = with_get(json!({}));
    other["openapi"] = json!(null);
    refused(other, &["no `openapi` version"]);
    let mut other = with_get(json!({}));
    other["servers"] = json!([]);
    refused(other, &["no server", "add `servers`"]);
    other = with_get(json!({}));
    other["servers"] = json!([{"url": "/v1"}]);
    refused(other, &["`/v1`", "absolute"]);
    other = with_get(json!({}));
    other["servers"] = json!([{"url": "https://a.test"}, {"url": "https://b.test"}]);
    refused(other, &["Default", "x-fern-server-name"]);
    let message = super::generator::generate("openapi: 3.0.3\npaths: {}\n").unwrap_err();
    assert!(message.contains("not JSON") && message.contains("Convert YAML"), "{message}");
}

#[test]
fn a_server_with_variables_gets_their_defaults() {
    let mut spec = with_get(json!({}));
    spec["servers"] =
        json!([{"url": "https://{region}.zoo.test/", "variables": {"region": {"default": "eu"}}}]);
    assert!(file(&made(spec), "clients.rs").contains("\"https://eu.zoo.test\""));
}

#[test]
fn requirements_are_checked_wherever_the_schema_is_sent() {
    let schemas = |requires: serde_json::Value| {
        json!({
            "Pet": {"type": "object", "required": ["litter"], "properties": {
                "litter": {"type": "array", "items": {"$ref": "#/components/schemas/Young"}},
                "runt": {"allOf": [{"$ref": "#/components/schemas/Young"}], "nullable": true},
            }},
            "Young": {"type": "object", "required": ["tag"], "x-paid-requires": requires, "properties": {
                "tag": {"type": "string"}, "name": {"type": "string"}, "number": {"type": "integer"},
            }},
        })
    };
    let generated = made(with_schemas(schemas(json!([["name", "number"]]))));
    let types = file(&generated, "types.rs");
    for name in ["Pet", "Young"] {
        assert!(types.contains(&format!("impl crate::values::Check for {name} ")), "{types}");
    }
    for wire in ["litter", "runt"] {
        assert!(types.contains(&format!("problem.within(\"{wire}\")")), "{types}");
    }
    assert!(file(&generated, "pets.rs").contains("crate::values::Check::check(&self.body)"));
    let plain = made(with_schemas(schemas(json!([]))));
    assert!(!file(&plain, "types.rs").contains("Check for"));
    refused(with_schemas(schemas(json!([["nickname"]]))), &["Young", "x-paid-requires", "nickname"]);
    refused(with_schemas(schemas(json!(["name"]))), &["Young", "x-paid-requires", "lists"]);
}
