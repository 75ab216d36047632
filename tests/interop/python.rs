//! A Python with the SDK in it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use paid_sandbox::Sandbox;

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop");

pub struct Python(PathBuf);

/// The interpreter, made once and kept under the target directory; none if no package index can be reached.
pub fn ready() -> Option<&'static Python> {
    static PYTHON: OnceLock<Option<Python>> = OnceLock::new();
    PYTHON.get_or_init(install).as_ref()
}

fn install() -> Option<Python> {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interop-venv");
    let requirements = Path::new(HERE).join("requirements.txt");
    let wanted = std::fs::read(&requirements).expect("requirements.txt");
    let (python, installed) = (venv.join("bin/python"), venv.join("requirements.txt"));
    if std::fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Some(Python(python));
    }
    done(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv), "python3 with venv is needed");
    let mut pip = Command::new(&python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--quiet",
        "--no-input",
        "--requirement",
    ]);
    let output = pip.arg(&requirements).output().expect("pip starts");
    if !output.status.success() && is_unreachable(&output) {
        // Past the test runner, which shows the output of failures only.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: the comparison with the Python SDK. pip can't reach its package index."
        );
        return None;
    }
    assert!(output.status.success(), "pip failed:\n{}", shown(&output));
    std::fs::write(&installed, wanted).expect("the virtual environment can be written");
    Some(Python(python))
}

/// pip tells of connections that broke or could not be made. A package that is missing or does not fit is another matter.
fn is_unreachable(output: &Output) -> bool {
    let text = shown(output);
    ["after connection broken by", "Max retries exceeded"].iter().any(|sign| text.contains(sign))
}

fn shown(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn done(command: &mut Command, what: &str) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(output.status.success(), "{what}:\n{}", shown(&output));
    output
}

impl Python {
    /// Runs python_token.py against the sandbox and returns the token that it prints.
    pub fn run(&self, sandbox: &Sandbox, token: Option<&str>) -> String {
        let mut command = Command::new(&self.0);
        command.arg(Path::new(HERE).join("python_token.py"));
        command.arg(sandbox.collector_endpoint()).arg(Path::new(HERE).join("input.json")).args(token);
        command
            .env("PAID_API_KEY", sandbox.api_key())
            .env_remove("PAID_LOG_LEVEL")
            .env("NO_PROXY", "127.0.0.1");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("OTEL_") {
                command.env_remove(name);
            }
        }
        let output = done(&mut command, "python_token.py");
        String::from_utf8(output.stdout).expect("text").trim().to_string()
    }
}
