//! The program `paid-sandbox`: a sandbox in a terminal, for code that runs elsewhere.

use std::fmt;
use std::io::Write;
use std::process::ExitCode;

use paid_sandbox::{Outcome, ReceivedRequest, Sandbox};

/// The same at each start, so that it can stay in a shell's variables.
const API_KEY: &str = "sandbox_key";
const DEFAULT_PORT: u16 = 4010;
const PORT_VARIABLE: &str = "PAID_SANDBOX_PORT";

const HELP: &str = "\
A local stand-in for the Paid API.

Usage: paid-sandbox [OPTIONS]

Options:
      --port <PORT>      Port of 127.0.0.1 to listen on, 0 for any free one
                         [env: PAID_SANDBOX_PORT] [default: 4010]
      --api-key <KEY>    The key to accept [default: sandbox_key]
      --any-api-key      Accept every key that is not empty
  -h, --help             Print this help
  -V, --version          Print the version

It runs until Ctrl-C. GET /sandbox/received shows what has arrived.
";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Help,
    Version,
    Serve { port: u16, key: Key },
}

#[derive(Debug, PartialEq, Eq)]
enum Key {
    Only(String),
    Any,
}

/// Why a command line can't be followed.
#[derive(Debug, PartialEq, Eq)]
struct UsageError(String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    match parse(arguments, std::env::var(PORT_VARIABLE).ok()) {
        Ok(Command::Help) => say(HELP.trim_end()),
        Ok(Command::Version) => say(concat!("paid-sandbox ", env!("CARGO_PKG_VERSION"))),
        Ok(Command::Serve { port, key }) => return serve(port, key),
        Err(error) => {
            complain(&format!("{error}\nTry: paid-sandbox --help"));
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn serve(port: u16, key: Key) -> ExitCode {
    let builder = Sandbox::builder().port(port).on_request(log);
    let builder = match key {
        Key::Only(key) => builder.api_key(key),
        Key::Any => builder.api_key(API_KEY).any_api_key(),
    };
    let sandbox = match builder.start_blocking() {
        Ok(sandbox) => sandbox,
        Err(error) => {
            complain(&format!("can't listen on 127.0.0.1:{port}: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let (url, key, collector) = (sandbox.base_url(), sandbox.api_key(), sandbox.collector_endpoint());
    say(&format!(
        "The Paid sandbox listens at {url} and accepts the key {key}\n\n  \
         export PAID_BASE_URL={url}\n  export PAID_API_KEY={key}\n  \
         export PAID_OTEL_COLLECTOR_ENDPOINT={collector}\n\n\
         What has arrived: {}/sandbox/received\nCtrl-C stops it.\n",
        sandbox.origin()
    ));
    // Ctrl-C ends the process, and a sandbox has nothing to save.
    loop {
        std::thread::park();
    }
}

fn log(request: &ReceivedRequest, outcome: Outcome) {
    say(&format!("{} {} -> {outcome}", request.method(), request.target()));
}

/// Prints a line. Unlike `println!`, a closed pipe is no reason to die.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "paid-sandbox: {text}");
}

fn parse(
    arguments: impl Iterator<Item = String>,
    port_variable: Option<String>,
) -> Result<Command, UsageError> {
    let mut port = None;
    let mut key = Key::Only(API_KEY.to_owned());
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let (name, attached) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (argument.as_str(), None),
        };
        if attached.is_some() && matches!(name, "--any-api-key" | "--help" | "--version") {
            return Err(UsageError(format!("{name} takes no value")));
        }
        let mut value = || {
            let value = attached.clone().or_else(|| arguments.next());
            value.ok_or_else(|| UsageError(format!("{name} needs a value")))
        };
        match name {
            "-h" | "--help" => return Ok(Command::Help),
            "-V" | "--version" => return Ok(Command::Version),
            "--port" => port = Some(parse_port("--port", &value()?)?),
            "--api-key" => key = Key::Only(parse_key(value()?)?),
            "--any-api-key" => key = Key::Any,
            _ => return Err(UsageError(format!("unknown option {name}"))),
        }
    }
    let port = match (port, port_variable) {
        (Some(port), _) => port,
        (None, Some(text)) => parse_port(PORT_VARIABLE, &text)?,
        (None, None) => DEFAULT_PORT,
    };
    Ok(Command::Serve { port, key })
}

fn parse_port(name: &str, text: &str) -> Result<u16, UsageError> {
    text.parse().map_err(|_| UsageError(format!("{name} must be a number from 0 to 65535, not {text:?}")))
}

/// A key travels in a header, so it must be one word of visible characters.
fn parse_key(key: String) -> Result<String, UsageError> {
    if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(key)
    } else {
        let rule = "--api-key must be one or more visible ASCII characters, without spaces";
        Err(UsageError(rule.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str], variable: Option<&str>) -> Result<Command, UsageError> {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned());
        parse(arguments, variable.map(str::to_owned))
    }

    fn serving(port: u16, key: &str) -> Result<Command, UsageError> {
        let key = Key::Only(key.to_owned());
        Ok(Command::Serve { port, key })
    }

    #[test]
    fn options_win_over_the_variable_and_the_defaults() {
        assert_eq!(parsed(&[], None), serving(4010, API_KEY));
        assert_eq!(parsed(&[], Some("5000")), serving(5000, API_KEY));
        let arguments = ["--port", "0", "--api-key=a=b"];
        assert_eq!(parsed(&arguments, Some("x")), serving(0, "a=b"));
        assert_eq!(parsed(&["--port=1", "-h"], None), Ok(Command::Help));
    }

    #[test]
    fn a_wrong_command_line_says_what_is_wrong() {
        let complaint = |arguments: &[&str]| parsed(arguments, None).unwrap_err().0;
        assert!(complaint(&["--port"]).contains("--port needs a value"));
        assert!(complaint(&["--port", "many"]).contains("0 to 65535, not \"many\""));
        assert!(complaint(&["--api-key", ""]).contains("--api-key must be"));
        assert!(complaint(&["--prot=1"]).ends_with("unknown option --prot"));
        assert!(complaint(&["--any-api-key=1"]).contains("takes no value"));
        let variable = parsed(&[], Some("x")).unwrap_err().0;
        assert!(variable.contains(PORT_VARIABLE));
    }
}
