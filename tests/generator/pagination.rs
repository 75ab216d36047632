//! `x-fern-pagination`: what is paged how, and each way to say it wrong.

use serde_json::{Value, json};

use super::{answer, file, has, made, operation, refused, spec};

fn paged(pagination: Value) -> Value {
    let query = |name: &str, kind: &str| json!({"name": name, "in": "query", "schema": {"type": kind}});
    let more = json!({
        "parameters": [query("offset", "integer"), query("limit", "integer"), query("after", "string")],
        "x-fern-pagination": pagination,
        "responses": {"200": answer(json!({"$ref": "#/components/schemas/Page"}))},
    });
    let schemas = json!({
        "Pet": {"type": "object", "properties": {"id": {"type": "string"}}},
        "Meta": {"type": "object", "properties": {"more": {"type": "boolean"}, "next": {"type": "string", "nullable": true}}},
        "Page": {"type": "object", "required": ["pets"], "properties": {
            "pets": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}},
            "names": {"type": "array", "items": {"type": "string"}},
            "meta": {"$ref": "#/components/schemas/Meta"},
        }},
    });
    spec(json!({"/pets": {"get": operation("list", more)}}), schemas)
}

#[test]
fn pages_by_offset() {
    let generated = made(paged(json!({
        "offset": "$request.offset", "step": "$request.limit",
        "results": "$response.pets", "has-next-page": "$response.meta.more",
    })));
    has(&generated, &["pets: impl pager::Paged for PetsList"]);
    let pets = file(&generated, "pets.rs");
    assert!(pets.contains("type Item = types::Pet;") && pets.contains("try_from(count)"), "{pets}");
    assert!(pets.contains("Some(&false)"), "{pets}");
}

#[test]
fn pages_by_number() {
    let generated = made(paged(json!({"offset": "$request.offset", "results": "$response.pets"})));
    assert!(file(&generated, "pets.rs").contains("unwrap_or(1).saturating_add(1)"));
}

#[test]
fn pages_by_cursor() {
    let generated = made(paged(json!({
        "cursor": "$request.after", "next_cursor": "$response.meta.next", "results": "$response.pets",
    })));
    let pets = file(&generated, "pets.rs");
    assert!(pets.contains("next.after = ::std::option::Option::Some(cursor)"), "{pets}");
}

#[test]
fn each_wrong_form_says_what_is_wrong() {
    let offset = |more: Value| {
        let mut given = json!({"offset": "$request.offset", "results": "$response.pets"});
        for (key, value) in more.as_object().expect("an object") {
            given[key] = value.clone();
        }
        given
    };
    let cursor = json!({"cursor": "$request.after", "results": "$response.pets"});
    let mut number = cursor.clone();
    number["next_cursor"] = "$response.meta.more".into();
    let mut both = cursor.clone();
    both["offset"] = "$request.offset".into();
    both["next_cursor"] = "$response.meta.next".into();
    for (given, words) in [
        (json!(true), vec!["not an object", "use {offset"]),
        (offset(json!({"size": 3})), vec!["unknown key `size`", "use {offset"]),
        (offset(json!({"offset": "$request.page"})), vec!["`$request.page`", "optional query parameter"]),
        (offset(json!({"offset": "offset"})), vec!["`offset`", "write $request."]),
        (offset(json!({"offset": "$request.after"})), vec!["`$request.after`", "integer"]),
        (offset(json!({"step": "$request.size"})), vec!["step is `$request.size`"]),
        (offset(json!({"results": "pets"})), vec!["results is `pets`", "write $response."]),
        (offset(json!({"results": "$response.cats"})), vec!["$response.cats", "correct the path"]),
        (offset(json!({"results": "$response.names"})), vec!["not a list of objects", "point `results`"]),
        (offset(json!({"results": "$response.meta"})), vec!["not a list of objects"]),
        (offset(json!({"has-next-page": "meta.more"})), vec!["has-next-page is", "write $response."]),
        (offset(json!({"has-next-page": "$response.meta.next"})), vec!["has-next-page is not a boolean"]),
        (json!({"offset": "$request.offset"}), vec!["needs `results`", "use {offset"]),
        (json!({"results": "$response.pets"}), vec!["neither by offset nor by cursor"]),
        (cursor, vec!["no next_cursor", "use {offset"]),
        (number, vec!["next_cursor is not a string"]),
        (both, vec!["neither by offset nor by cursor"]),
    ] {
        refused(paged(given), &[vec!["GET /pets", "x-fern-pagination"], words].concat());
    }
    let mut nothing = paged(offset(json!({})));
    nothing["paths"]["/pets"]["get"]["responses"] = json!({"204": {"description": "None."}});
    refused(nothing, &["GET /pets", "$response.pets", "does not have"]);
}
