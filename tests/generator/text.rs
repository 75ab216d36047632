//! Descriptions become documentation that rustdoc neither compiles nor warns about.

use serde_json::json;

use super::generator::prose::{clean, code};
use super::{file, made, with_properties};

#[test]
fn plain_text_stays() {
    for text in [
        "The id of a pet, such as `pet_1`.",
        "**Bold**, *soft* and a [link](https://zoo.test/a?b=1).",
        "- one\n- two\n  - three",
        "See <https://zoo.test>.",
        "A table | of things, 3 * 4 = 12; it's \"so\".",
        "Escaped \\[already\\].",
        "`a[0]` and ``b ` c``",
    ] {
        assert_eq!(clean(text), text);
    }
}

#[test]
fn what_rustdoc_would_take_for_something_else_is_escaped() {
    for (text, expected) in [
        ("a [Pet] of Vec<T>", r"a \[Pet\] of Vec\<T\>"),
        ("[Pet](pets)", r"\[Pet\](pets)"),
        ("see https://zoo.test/a_b.", "see <https://zoo.test/a_b>."),
        ("<script>x</script>", r"\<script\>x\</script\>"),
        ("a ` b", r"a \` b"),
        ("    let x = 1;", "let x = 1;"),
        ("a\n\n        let x = 1;", "a\n\n   let x = 1;"),
        ("-     let x = 1;", "- let x = 1;"),
        ("- ```\n  let x", "- \\`\\`\\`\n  let x"),
        ("```\nlet x = <T>;\n```", "```text\nlet x = <T>;\n```"),
        ("~~~rust\nlet x = 1;", "```text\nlet x = 1;\n```"),
        ("bell\u{7} and \r bare, \u{202e}turned", "bell and bare, turned"),
    ] {
        assert_eq!(clean(text), expected);
    }
    assert_eq!(code("a`b\nc"), "`a'b c`");
}

#[test]
fn no_text_breaks_the_code() {
    let text = "*/ \" \\ {} # ! /// \u{0} \r x */ ]] ``` \u{2028}";
    let mut spec = with_properties(json!({
        "a\r`b": {"type": "string", "description": text, "enum": ["*/", "x\ny", "\"", "``"]},
    }));
    spec["info"]["title"] = text.into();
    spec["servers"][0]["description"] = text.into();
    spec["tags"] = json!([{"name": "pets", "description": text}]);
    let create = &mut spec["paths"]["/pets"]["post"];
    create["summary"] = text.into();
    create["description"] = text.into();
    create["responses"]["404"] = json!({"description": text});
    let generated = made(spec);
    for (name, text) in &generated.files {
        syn::parse_file(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!text.contains('\r'), "{name} has a bare carriage return");
    }
    assert!(file(&generated, "types.rs").contains("rename = \"a\\r`b\""));
}
