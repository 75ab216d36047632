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
        let mut command = Command::new(program());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PAID_")) {
            command.env_remove(name);
        }
        command.env("PAID_BASE_URL", base_url).env("NO_PROXY", "127.0.0.1");
        if let Some(key) = key {
            command.env("PAID_API_KEY", key);
        }
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
