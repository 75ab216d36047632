//! The public surface that the vendored spec makes, as a file: a change of the spec is a diff to review.

const SURFACE: &str = include_str!(concat!(env!("OUT_DIR"), "/surface.txt"));
const COMMAND: &str = "UPDATE_SNAPSHOTS=1 cargo test --test spec";
/// How many differences are shown.
const SHOWN: usize = 10;

#[test]
fn the_public_api_is_the_recorded_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/public-api.txt");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, SURFACE).expect("the snapshot can be written");
        return;
    }
    let recorded = std::fs::read_to_string(path).unwrap_or_default();
    if recorded == SURFACE {
        return;
    }
    let differences = differences(&recorded, SURFACE);
    panic!(
        "The generated API is not the recorded one. The first differences:\n\n{}\n\nIf they are meant, run\n\n    \
         {COMMAND}\n\nand review the diff.",
        differences.join("\n")
    );
}

/// The lines that only one of the two has, those of the recorded one first.
fn differences(recorded: &str, generated: &str) -> Vec<String> {
    let only = |mark: char, of: &str, other: &str| -> Vec<String> {
        let known: std::collections::BTreeSet<&str> = other.lines().collect();
        let lines = of.lines().filter(|line| !known.contains(line));
        lines.take(SHOWN).map(|line| format!("{mark} {line}")).collect()
    };
    let mut lines = only('-', recorded, generated);
    lines.extend(only('+', generated, recorded));
    if lines.is_empty() {
        lines.push("The same lines in another order, or with other line ends.".into());
    }
    lines
}

#[test]
fn a_difference_shows_which_side_has_it() {
    assert_eq!(differences("a\nb\n", "b\nc\n"), ["- a", "+ c"]);
    assert_eq!(differences("a\nb\n", "b\na\n").len(), 1);
}
