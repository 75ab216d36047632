//! JSON is read as serde_json reads it, however it is cut.

use crate::ext::ai::engine::json::{Scalar, Scanner, Visitor};

#[derive(Default, PartialEq, Debug)]
struct Told(Vec<(String, String)>);

impl Visitor for Told {
    fn scalar(&mut self, path: &[&str], value: Scalar<'_>) {
        self.0.push((path.join("."), format!("{value:?}")));
    }
}

fn scan(pieces: &[&[u8]]) -> (Told, bool) {
    let (mut told, mut scanner) = (Told::default(), Scanner::default());
    pieces.iter().for_each(|piece| scanner.feed(piece, &mut told));
    let whole = scanner.end(&mut told);
    (told, whole)
}

/// What serde_json makes of it, in the order of the text.
fn expected(path: &[&str], value: &serde_json::Value, told: &mut Told) {
    let told_as = match value {
        serde_json::Value::Object(map) => {
            return map.iter().for_each(|(key, value)| expected(&[path, &[key]].concat(), value, told));
        }
        serde_json::Value::Array(list) => {
            return list.iter().for_each(|value| expected(&[path, &[""]].concat(), value, told));
        }
        serde_json::Value::String(text) => format!("Text({text:?})"),
        serde_json::Value::Number(number) => format!("Number({:?})", number.to_string()),
        serde_json::Value::Bool(value) => format!("Bool({value})"),
        serde_json::Value::Null => "Null".into(),
    };
    told.0.push((path.join("."), told_as));
}

const ANSWER: &str = r#" {"a":{"b":1,"c\u0020d":["x",2.5e3,{"e":null}]},"f":true,"g":"\"q\\\" ü \ud83d\ude00",
    "h":{},"i":[],"j":[[],{}],"k":-7} "#;

#[test]
fn scalars_are_told_with_their_paths_however_it_is_cut() {
    let whole = scan(&[ANSWER.as_bytes()]);
    let keys: Vec<_> = whole.0.0.iter().map(|(path, value)| format!("{path}={value}")).collect();
    assert_eq!(
        keys,
        [
            "a.b=Number(\"1\")",
            "a.c d.=Text(\"x\")",
            "a.c d.=Number(\"2.5e3\")",
            "a.c d..e=Null",
            "f=Bool(true)",
            "g=Text(\"\\\"q\\\\\\\" ü 😀\")",
            "k=Number(\"-7\")"
        ]
    );
    assert!(whole.1);
    for first in 0..=ANSWER.len() {
        let (one, rest) = ANSWER.as_bytes().split_at(first);
        for second in [0, 1, 2, rest.len() / 2, rest.len()] {
            let (two, three) = rest.split_at(second.min(rest.len()));
            assert_eq!(scan(&[one, two, three]), whole, "{first} {second}");
        }
    }
    let bytes: Vec<&[u8]> = ANSWER.as_bytes().chunks(1).collect();
    assert_eq!(scan(&bytes), whole);
}

#[test]
fn any_value_is_read_as_serde_json_reads_it() {
    fn any(rng: &mut fastrand::Rng, depth: usize) -> serde_json::Value {
        let key =
            |rng: &mut fastrand::Rng| (0..rng.usize(..4)).map(|_| rng.char('a'..'é')).collect::<String>();
        match rng.u8(..if depth > 5 { 5 } else { 7 }) {
            0 => serde_json::Value::Null,
            1 => rng.bool().into(),
            2 => rng.i64(..).into(),
            3 => (rng.f64() * 1e9).into(),
            4 => std::iter::repeat_with(|| rng.char(..)).take(20).collect::<String>().into(),
            5 => (0..rng.usize(..4)).map(|_| any(rng, depth + 1)).collect::<Vec<_>>().into(),
            _ => (0..rng.usize(..4))
                .map(|_| (key(rng), any(rng, depth + 1)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
    for seed in 0..500 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let value = any(&mut rng, 0);
        let text = value.to_string();
        let mut told = Told::default();
        expected(&[], &value, &mut told);
        let cut = rng.usize(..=text.len());
        let (one, two) = text.as_bytes().split_at(cut);
        assert_eq!(scan(&[one, two]), (told, true), "{seed}: {text}");
    }
}

#[test]
fn what_is_no_json_ends_and_never_panics() {
    for broken in
        ["", "{", "}", "[1,]", "{\"a\"}", "{\"a\":1,}", "nul", "01x", "1 2", "{]", "\"\\x\"x", "[1}", ","]
    {
        assert!(!scan(&[broken.as_bytes()]).1, "{broken}");
    }
    for seed in 0..2000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut text = ANSWER.as_bytes().to_vec();
        for _ in 0..rng.usize(1..6) {
            let at = rng.usize(..text.len());
            text[at] = rng.u8(..);
        }
        scan(&text.chunks(rng.usize(1..40)).collect::<Vec<_>>());
    }
    let deep = "[".repeat(100_000);
    assert!(!scan(&[deep.as_bytes()]).1);
}

#[test]
fn the_start_of_a_long_text_is_cut_between_characters() {
    for escape in ["é", "\\ud83d\\ude00", "\\\"", "\\\\"] {
        for before in 243..256 {
            let text = format!("\"{}{}\"", "x".repeat(before), escape.repeat(20));
            let (told, whole) = scan(&[text.as_bytes()]);
            assert!(whole && told.0[0].1.starts_with("Start(\"xxx"), "{told:?}");
        }
    }
}

#[test]
fn memory_stays_small_whatever_comes() {
    let (mut told, mut scanner) = (Told::default(), Scanner::default());
    scanner.feed(b"{\"long\":\"", &mut told);
    for _ in 0..10_000 {
        scanner.feed(&[b'x'; 100], &mut told);
    }
    scanner.feed(b"\",\"n\":1}", &mut told);
    assert!(scanner.end(&mut told));
    let start = format!("Start({:?})", "x".repeat(256));
    assert_eq!(told.0, [("long".to_string(), start), ("n".to_string(), "Number(\"1\")".to_string())]);
    assert!(format!("{scanner:?}").len() < 2000, "{scanner:?}");
}
