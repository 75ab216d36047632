//! What the compiler says of a wrong `#[paid_tracing]`, and where: each file in `errors/` says it in comments.
//!
//! `//~ text` expects an error on its own line that begins with that text.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn errors_say_what_to_do_at_the_place() {
    let macros = built_macros();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors");
    let mut files: Vec<PathBuf> =
        fs::read_dir(&directory).expect("files").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let source = fs::read_to_string(&file).expect("source");
        let (expected, found) = (expected(&source), found(&file, &macros));
        let is_met = expected.len() == found.len()
            && expected
                .iter()
                .zip(&found)
                .all(|(one, other)| one.0 == other.0 && other.1.starts_with(&one.1));
        assert!(is_met, "{}: expected {expected:#?}, found {found:#?}", file.display());
    }
}

/// Line and text of every error.
type Errors = BTreeSet<(usize, String)>;

fn expected(source: &str) -> Errors {
    let note = |(index, line): (usize, &str)| Some((index + 1, line.split_once("//~ ")?.1.to_string()));
    source.lines().enumerate().filter_map(note).collect()
}

fn found(file: &Path, macros: &Path) -> Errors {
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()))
        .args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--error-format=short", "-Awarnings"])
        .arg("--out-dir")
        .arg(env!("CARGO_TARGET_TMPDIR"))
        .arg("--extern")
        .arg(format!("paid_macros={}", macros.display()))
        .arg(file)
        .output()
        .expect("rustc runs");
    let text = String::from_utf8(output.stderr).expect("text");
    let error = |line: &str| {
        let (place, message) = line.split_once(": error")?;
        let (_, message) = message.split_once(": ")?;
        let line = place.rsplit(':').nth(1)?.parse().ok()?;
        Some((line, message.to_string()))
    };
    text.lines().filter_map(error).collect()
}

/// The macros as they were built for this test: the newest beside it.
fn built_macros() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let name = format!("{}paid_macros-", std::env::consts::DLL_PREFIX);
    fs::read_dir(test.parent().expect("a directory"))
        .expect("files")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|it| it == std::env::consts::DLL_EXTENSION))
        .filter(|path| path.file_name().is_some_and(|it| it.to_string_lossy().starts_with(&name)))
        .max_by_key(|path| fs::metadata(path).and_then(|it| it.modified()).expect("a time"))
        .expect("the macros are built")
}
