//! Names of the spec that are not names in Rust.

use serde_json::{Value, json};

use super::{generator, has, made, operation, pet, refused, spec, with_properties, with_schemas};

fn two(first: Value, second: Value) -> Value {
    spec(json!({"/a": {"get": first}, "/b": {"get": second}}), pet())
}

#[test]
fn keywords_get_an_underscore() {
    let text = json!({"type": "string"});
    let generated = made(with_properties(json!({"type": text, "self": text, "async": text})));
    has(
        &generated,
        &[
            "types::Pet.type_: Option<String>",
            "types::Pet.self_: Option<String>",
            "types::Pet.async_: Option<String>",
        ],
    );
    let mut spec = with_properties(json!({}));
    spec["paths"]["/pets"]["post"]["x-fern-sdk-method-name"] = "match".into();
    spec["paths"]["/pets"]["post"]["x-fern-sdk-group-name"] = json!(["self", "type"]);
    let generated = made(spec);
    has(&generated, &["clients::AsyncPaid: fn self_(&self) -> resources::SelfValue"]);
}

#[test]
fn odd_letters_make_names_or_are_left_out() {
    let text = json!({"type": "string"});
    let generated = made(with_properties(json!({
        "2fa": text, "$ref-like": text, "größe": text, "m²": text, "external ID": text, "HTTPStatus": text,
    })));
    has(
        &generated,
        &[
            "types::Pet.n2fa: Option<String>",
            "types::Pet.ref_like: Option<String>",
            "types::Pet.größe: Option<String>",
            "types::Pet.m: Option<String>",
            "types::Pet.external_id: Option<String>",
            "types::Pet.http_status: Option<String>",
        ],
    );
}

#[test]
fn schemas_may_be_called_like_rusts_own_types() {
    let object = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let names =
        ["Option", "String", "Vec", "Box", "Result", "Error", "Default", "Map", "DateTime", "Value", "Self"];
    let mut schemas = json!({"Pet": {"type": "object", "required": names, "properties": {}}});
    for name in names {
        schemas[name] = object.clone();
        schemas["Pet"]["properties"][name] = json!({"$ref": format!("#/components/schemas/{name}")});
    }
    let generated = made(with_schemas(schemas));
    for name in names.iter().filter(|name| **name != "Self") {
        has(&generated, &[&format!("types::{name}.a: Option<String>")]);
    }
    has(
        &generated,
        &[
            "types::Pet.option: Option",
            "types::Pet.string: String",
            "types::Pet.map: Map",
            "types::Pet.date_time: DateTime",
            "types::Pet.self_: SelfValue",
        ],
    );
}

#[test]
fn names_that_progenitor_would_change_stay() {
    let object = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    for name in ["XYPoint", "U2FDevice", "V1B", "a_b_c", "pet.v1", "3d-model"] {
        let mut schemas = pet();
        schemas[name] = object.clone();
        schemas["Pet"]["properties"]["it"] = json!({"$ref": format!("#/components/schemas/{name}")});
        made(with_schemas(schemas));
    }
}

#[test]
fn enum_values_without_letters_are_spelled() {
    let generated = made(with_properties(json!({"op": {"enum": ["<", ">=", "", "*/", "§"]}})));
    has(
        &generated,
        &[
            "types::PetOp::Less",
            "types::PetOp::GreaterEqual",
            "types::PetOp::Empty",
            "types::PetOp::StarSlash",
            "types::PetOp::Ua7",
        ],
    );
}

#[test]
fn names_that_collide_are_refused() {
    let text = json!({"type": "string"});
    let object = json!({"type": "object", "properties": {"a": text}});
    refused(
        with_schemas(json!({"Pet": object, "big_pet": object, "BigPet": object})),
        &["`BigPet`", "`big_pet`", "rename one"],
    );
    refused(
        with_properties(json!({"petId": text, "pet_id": text})),
        &["schema Pet", "`pet_id`", "rename one"],
    );
    refused(
        with_properties(json!({"kind": {"enum": ["a-b", "a_b"]}})),
        &["enum PetKind", "`a-b`", "`a_b`", "drop one"],
    );
    refused(with_properties(json!({"new": text})), &["schema Pet", "`new`", "rename the property"]);
    refused(
        with_properties(json!({"name": {"type": "string", "nullable": true}, "clear_name": text})),
        &["schema Pet", "`clear_name`", "rename the property"],
    );
}

#[test]
fn an_operation_without_an_id_gets_one() {
    let mut create = operation("create", json!({}));
    create["operationId"] = Value::Null;
    made(spec(json!({"/pets": {"post": create}}), pet()));
}

#[test]
fn operation_ids_never_hide_what_the_client_needs() {
    for id in ["post", "exec", "client", "new", "type", "2fa", "send", "größe", "getX9Y"] {
        made(spec(json!({"/pets": {"post": operation("create", json!({"operationId": id}))}}), pet()));
    }
}

#[test]
fn operations_have_ids_of_their_own() {
    let one = |method| operation(method, json!({"operationId": "same"}));
    refused(two(one("list"), one("get")), &["GET /a", "GET /b", "operationId `same`", "give each its own"]);
}

#[test]
fn newest_specs_sort_by_number() {
    let text = |name: &str| generator::newest(&[name.into(), "paid-v2.json".into()]);
    assert_eq!(text("paid-v10.json"), Some("paid-v10.json".into()));
    assert_eq!(text("paid-v1.json"), Some("paid-v2.json".into()));
}
