//! Whatever is wrong with a spec is an error with words, never a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

use super::generator::generate;

const SPEC: &str = include_str!("../../openapi/paid-v1.json");
/// In each of the four tests below, which run side by side.
const MUTATIONS: usize = 75;

/// A small generator of random numbers with a fixed seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).expect("it is below a usize")
    }
}

/// The JSON pointers of everything in a document.
fn pointers(value: &Value, at: &str, into: &mut Vec<String>) {
    let step = |key: &str| format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                into.push(step(key));
                pointers(value, &step(key), into);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                into.push(step(&index.to_string()));
                pointers(value, &step(&index.to_string()), into);
            }
        }
        _ => {}
    }
}

fn replacement(random: &mut Random, document: &Value, places: &[String]) -> Value {
    let elsewhere = &places[random.below(places.len())];
    let choices = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(""),
        json!("²"),
        json!("type"),
        json!([]),
        json!({}),
        json!([null, 1, "a"]),
        json!({"$ref": "#/components/schemas/Customer"}),
        json!({"$ref": "#/components/schemas/Nothing"}),
        json!({"$ref": format!("#{elsewhere}")}),
        json!({"oneOf": [{"$ref": "#/components/schemas/Order"}, {"$ref": "#/components/schemas/Agent"}]}),
        json!({"allOf": [{"$ref": "#/components/schemas/Order"}, {"properties": {"id": {"enum": ["a"]}}}]}),
        json!({"type": "array"}),
        json!({"type": "string", "nullable": true, "enum": ["a", null]}),
        document.pointer(elsewhere).cloned().unwrap_or_default(),
    ];
    choices[random.below(choices.len())].clone()
}

fn mutate(random: &mut Random, document: &mut Value, places: &[String]) -> String {
    let place = &places[random.below(places.len())];
    if random.below(3) == 0 {
        let (parent, key) = place.rsplit_once('/').expect("a pointer");
        let key = key.replace("~1", "/").replace("~0", "~");
        match document.pointer_mut(parent) {
            Some(Value::Object(entries)) => drop(entries.remove(&key)),
            Some(Value::Array(items)) => {
                drop(key.parse().ok().filter(|at| *at < items.len()).map(|at: usize| items.remove(at)))
            }
            _ => {}
        }
        return format!("without {place}");
    }
    let value = replacement(random, document, places);
    let text = format!("{place} = {value}");
    if let Some(target) = document.pointer_mut(place) {
        *target = value;
    }
    text
}

#[test]
fn a_damaged_spec_is_generated_or_explained() {
    damage(1);
}

#[test]
fn another_damaged_spec_is_generated_or_explained() {
    damage(2);
}

#[test]
fn a_third_damaged_spec_is_generated_or_explained() {
    damage(3);
}

#[test]
fn a_fourth_damaged_spec_is_generated_or_explained() {
    damage(4);
}

fn damage(seed: u64) {
    let whole: Value = serde_json::from_str(SPEC).expect("the spec is JSON");
    let mut places = Vec::new();
    pointers(&whole, "", &mut places);
    let mut random = Random(seed);
    let (mut generated, mut refused) = (0, 0);
    for _ in 0..MUTATIONS {
        let mut document = whole.clone();
        let changes: Vec<String> =
            (0..=random.below(3)).map(|_| mutate(&mut random, &mut document, &places)).collect();
        let text = document.to_string();
        match catch_unwind(AssertUnwindSafe(|| generate(&text))) {
            Err(_) => panic!("it panicked on {changes:?}"),
            Ok(Err(message)) => {
                assert!(message.len() > 10, "`{message}` says too little about {changes:?}");
                assert!(!message.contains("progenitor panicked"), "{message} on {changes:?}");
                refused += 1;
            }
            Ok(Ok(made)) => {
                for (name, text) in &made.files {
                    syn::parse_file(text).unwrap_or_else(|error| panic!("{name}: {error} on {changes:?}"));
                }
                generated += 1;
            }
        }
    }
    assert!(generated > 10 && refused > 10, "too one-sided: {generated} generated, {refused} refused");
}

#[test]
fn text_that_is_no_spec_is_explained() {
    for text in ["", "{", "[]", "null", "\"openapi\"", "{\"openapi\": \"3.0.3\"}", "{\"swagger\": \"2.0\"}"] {
        let message = generate(text).expect_err("it is no spec");
        assert!(!message.is_empty(), "{text}");
    }
}
