//! The program: what it prints, and what it makes of its command line.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::common::{get, status_line};

#[test]
fn the_program_says_where_it_listens_and_logs_without_keys() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_paid-sandbox"))
        .args(["--port", "0", "--api-key", "k_program"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let output = program.stdout.take().expect("an output");
    let mut lines = BufReader::new(output).lines().map(|line| line.expect("a line"));
    let url = lines
        .find_map(|line| line.trim().strip_prefix("export PAID_BASE_URL=").map(str::to_owned))
        .expect("the URL is printed");
    let key = lines.next().expect("the key is printed");
    assert_eq!(key.trim(), "export PAID_API_KEY=k_program");
    let collector = lines.next().expect("the collector is printed");
    let origin = url.strip_suffix("/api/v1").expect("a base URL");
    assert_eq!(collector.trim(), format!("export PAID_OTEL_COLLECTOR_ENDPOINT={origin}/v1/traces"));

    // The key of this request is not the program's: it is refused, and not logged.
    let mut stream = get(origin, "other_key", "/api/v1/customers?limit=1");
    assert_eq!(status_line(&mut stream), "HTTP/1.1 401");
    let logged = lines.find(|line| line.starts_with("GET")).expect("a log line");
    assert_eq!(logged, "GET /api/v1/customers?limit=1 -> 401");
    program.kill().expect("it stops");
    program.wait().expect("it has stopped");
}

#[test]
fn the_program_explains_itself() {
    let run = |arguments: &[&str]| {
        let program = Command::new(env!("CARGO_BIN_EXE_paid-sandbox")).args(arguments).output();
        let output = program.expect("it runs");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    let (code, text) = run(&["--help"]);
    assert_eq!(code, Some(0));
    assert!(text.contains("--api-key") && text.contains("PAID_SANDBOX_PORT"));
    let (code, text) = run(&["--port", "99999"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("--port must be a number"), "{text}");
}
