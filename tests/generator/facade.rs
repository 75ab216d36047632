//! Resources and methods.

use serde_json::{Value, json};

use super::{file, has, made, operation, pet, refused, spec, warns};

/// Operations at `/0`, `/1` and so on with these groups and methods.
fn named(names: &[(Value, &str)]) -> Value {
    let mut paths = json!({});
    for (at, (group, method)) in names.iter().enumerate() {
        paths[format!("/{at}")] = json!({"get": operation(method, json!({"x-fern-sdk-group-name": group}))});
    }
    spec(paths, pet())
}

#[test]
fn groups_nest_and_exist_on_both_clients() {
    let generated = made(named(&[(json!(["zoo", "pets"]), "list"), (json!("keepers"), "list")]));
    has(
        &generated,
        &[
            "clients::AsyncPaid: fn zoo(&self) -> resources::Zoo",
            "clients::Paid: fn zoo(&self) -> resources::blocking::Zoo",
            "zoo::Zoo: fn pets(&self) -> super::zoo_pets::ZooPets",
            "zoo_pets::ZooPets: fn list(&self) -> Call<ZooPetsList>",
            "zoo_pets::blocking::ZooPets: fn list(&self) -> blocking::Call<ZooPetsList>",
            "keepers::Keepers: fn list(&self) -> Call<KeepersList>",
        ],
    );
}

#[test]
fn an_operation_needs_its_place() {
    for key in ["x-fern-sdk-group-name", "x-fern-sdk-method-name"] {
        for nothing in [Value::Null, json!(""), json!([]), json!([""]), json!("--")] {
            let lost = operation("list", json!({key: nothing}));
            refused(
                spec(json!({"/pets": {"get": lost}}), pet()),
                &["GET /pets", "x-fern-sdk-group-name", "x-fern-sdk-method-name"],
            );
        }
    }
}

#[test]
fn two_operations_may_not_have_one_place() {
    refused(
        named(&[(json!(["pets"]), "list"), (json!("pets"), "list")]),
        &["GET /0", "GET /1", "`pets.list`", "x-fern-sdk-method-name"],
    );
    refused(
        named(&[(json!(["a", "b"]), "c"), (json!(["a"]), "b_c")]),
        &["GET /0", "GET /1", "in Rust", "rename a group or method"],
    );
}

#[test]
fn a_group_may_not_hide_a_method() {
    refused(
        named(&[(json!(["pets"]), "toys"), (json!(["pets", "toys"]), "list")]),
        &["GET /0", "`pets.toys`", "change x-fern-sdk-method-name"],
    );
    for name in ["builder", "base_url", "from_env", "signal", "shared", "types", "operations", "resources"] {
        refused(named(&[(json!([name]), "list")]), &[name, "change x-fern-sdk-group-name"]);
    }
}

#[test]
fn a_method_may_be_called_new() {
    let generated = made(named(&[(json!(["pets"]), "new"), (json!(["pets"]), "clone")]));
    assert_eq!(file(&generated, "pets.rs").matches("fn new(").count(), 2);
}

#[test]
fn deprecated_operations_say_so() {
    let old = operation("list", json!({"deprecated": true}));
    let generated = made(spec(json!({"/pets": {"get": old}}), pet()));
    assert!(file(&generated, "pets.rs").contains("#[deprecated"));
}

#[test]
fn what_the_client_cannot_do_is_said() {
    let spec_of = |item: Value| spec(json!({"/pets": item}), pet());
    refused(spec_of(json!({"trace": operation("t", json!({}))})), &["TRACE /pets", "drop the operation"]);
    refused(spec_of(json!({"$ref": "other.json"})), &["/pets", "write them out"]);
    let elsewhere = operation("list", json!({"servers": [{"url": "https://other.test"}]}));
    warns(&made(spec_of(json!({"get": elsewhere}))), "GET /pets: its own `servers` are not used");
}

#[test]
fn servers_are_environments() {
    let mut spec = named(&[(json!(["pets"]), "list")]);
    spec["servers"] = json!([
        {"url": "https://a.test/v1/", "x-fern-server-name": "Production"},
        {"url": "https://b.test", "x-fern-server-name": "sand box"},
    ]);
    let generated = made(spec);
    has(&generated, &["clients::Environment::Production", "clients::Environment::SandBox"]);
    assert!(file(&generated, "clients.rs").contains("Self::Production => \"https://a.test/v1\""));
}
