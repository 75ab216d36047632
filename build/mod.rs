//! The generator: spec → prepare → progenitor → open types → facade → files.
//!
//! Every pass is a function from data to data; only `run` touches files.

mod docs;
mod facade;
mod model;
mod names;
mod open_types;
mod pagination;
mod prepare;
pub mod prose;
mod surface;
mod wire;

use std::path::{Path, PathBuf};

/// What the generator makes of a spec.
#[derive(Debug)]
pub struct Generated {
    /// File name and Rust source, `mod.rs` among them.
    pub files: Vec<(String, String)>,
    /// Every public item, one a line.
    pub surface: String,
    pub warnings: Vec<String>,
}

/// Generates the SDK's typed part from the text of a spec.
pub fn generate(spec: &str) -> Result<Generated, String> {
    let api = prepare::prepare(spec)?;
    let raw = wire::run(&api)?;
    let types = open_types::types(&api, &raw)?;
    let mut files =
        vec![("types.rs".to_string(), types.clone()), ("wire.rs".to_string(), wire::client(&raw)?)];
    let facade = facade::files(&api, &raw)?;
    let mut public: Vec<(String, syn::File)> = vec![("types".to_string(), types)];
    public
        .extend(facade.iter().filter(|file| file.public).map(|file| (file.name.clone(), file.code.clone())));
    files.extend(facade.into_iter().map(|file| (format!("{}.rs", file.name), file.code)));
    let surface = surface::list(&public);
    let files = files.into_iter().map(|(name, code)| (name, prettyplease::unparse(&code))).collect();
    Ok(Generated { files, surface, warnings: api.warnings })
}

/// The build script: reads the newest spec in `openapi/`, writes to `OUT_DIR`.
///
/// # Panics
///
/// With the generator's message, which is how a build script fails.
#[allow(dead_code)]
pub fn run() {
    if let Err(message) = build() {
        eprintln!("\nThe API could not be generated.\n{message}\n");
        std::process::exit(1);
    }
}

fn build() -> Result<(), String> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").map_err(|error| error.to_string())?);
    let out = PathBuf::from(std::env::var("OUT_DIR").map_err(|error| error.to_string())?);
    let folder = root.join("openapi");
    println!("cargo::rerun-if-changed={}", folder.display());
    let spec = newest_spec(&folder)?;
    println!("cargo::rerun-if-changed={}", spec.display());
    let text = std::fs::read_to_string(&spec).map_err(|error| format!("{}: {error}", spec.display()))?;
    let generated = generate(&text).map_err(|message| format!("{}: {message}", spec.display()))?;
    for warning in &generated.warnings {
        println!("cargo::warning={warning}");
    }
    for (name, text) in generated.files.iter().chain([&("surface.txt".to_string(), generated.surface)]) {
        std::fs::write(out.join(name), text).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

fn newest_spec(folder: &Path) -> Result<PathBuf, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    match newest(&names) {
        Some(name) => Ok(folder.join(name)),
        None => Err(format!("{} holds no .json spec: put one there", folder.display())),
    }
}

/// The spec to build from: of several, the one whose name sorts last, numbers by their value.
pub fn newest(names: &[String]) -> Option<String> {
    names.iter().filter(|name| name.ends_with(".json")).max_by_key(|name| sort_key(name)).cloned()
}

/// `paid-v10.json` after `paid-v2.json`.
fn sort_key(name: &str) -> Vec<(u64, String)> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        if !letter.is_ascii_digit() {
            text.push(letter);
            continue;
        }
        let mut number = letter.to_string();
        while let Some(digit) = letters.next_if(char::is_ascii_digit) {
            number.push(digit);
        }
        parts.push((0, std::mem::take(&mut text)));
        parts.push((number.parse().unwrap_or(u64::MAX), String::new()));
    }
    parts.push((0, text));
    parts
}
