//! The driver as a child process.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use serde_json::{Value, json};

/// Which client the driver uses.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    Async,
    Blocking,
}

/// A running driver. It is killed when this is dropped without having finished.
pub struct Driver {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Driver {
    pub fn start(mode: Mode, base_url: &str, key: Option<&str>) -> Self {
        let key = key.map(|key| ("PAID_API_KEY", key));
        Driver::with(mode, [("PAID_BASE_URL", base_url)].into_iter().chain(key))
    }

    /// A driver with these variables and no others that could matter.
    pub fn with<'a>(mode: Mode, variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut command = Command::new(program());
        for (name, _) in std::env::vars_os() {
            if ["PAID_", "OTEL_"].iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command.env("NO_PROXY", "127.0.0.1").envs(variables);
        if let Mode::Blocking = mode {
            command.arg("--blocking");
        }
        command.arg("--flush-on-signals");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Driver { child, input, output }
    }

    /// The answer to a call.
    pub fn call(&mut self, op: &str, args: &[&str], kwargs: Value) -> Value {
        self.ask(&json!({"op": op, "args": args, "kwargs": kwargs}))
    }

    /// The answer to a step.
    pub fn ask(&mut self, step: &Value) -> Value {
        self.ask_line(step.to_string().as_bytes())
    }

    /// The answer to a line, whatever it is.
    pub fn ask_line(&mut self, line: &[u8]) -> Value {
        let input = self.input.as_mut().unwrap();
        input.write_all(&[line, b"\n"].concat()).unwrap();
        input.flush().unwrap();
        self.read_line().expect("the driver ended")
    }

    /// What the driver answers to a last line without a line end.
    pub fn ask_last(&mut self, line: &[u8]) -> Value {
        self.input.take().unwrap().write_all(line).unwrap();
        self.read_line().expect("the driver ended")
    }

    fn read_line(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        if line.is_empty() { None } else { Some(serde_json::from_str(&line).unwrap()) }
    }

    /// Ends the driver by a signal from outside.
    #[cfg(unix)]
    pub fn kill_by(mut self, signal: &str) -> ExitStatus {
        let sent = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap()
    }

    /// Ends the input; there is nothing more to read then.
    pub fn finish(mut self) -> ExitStatus {
        drop(self.input.take());
        assert_eq!(self.read_line(), None);
        self.child.wait().unwrap()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Cargo puts tests in `deps` and examples in `examples` beside it.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let name = format!("conformance{}", std::env::consts::EXE_SUFFIX);
    let program = test.parent().unwrap().parent().unwrap().join("examples").join(name);
    assert!(
        program.exists(),
        "there is no {}: run `cargo build --example conformance` first",
        program.display()
    );
    program
}
