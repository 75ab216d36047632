//! Log lines under `PAID_LOG_LEVEL`, in a program of their own.

use paid_sandbox::{Fault, Sandbox};

use super::diagnose;

/// The log lines of a program whose call is repeated once.
fn lines(level: Option<&str>) -> Vec<String> {
    let sandbox = Sandbox::start_blocking().unwrap();
    sandbox.fail(Fault::on("GET", "*").status(503).header("retry-after-ms", "1").times(1));
    let mut command = diagnose(Some(sandbox.api_key()), Some(&sandbox.base_url()));
    level.map(|level| command.env("PAID_LOG_LEVEL", level));
    let output = command.arg("cus_secret").output().unwrap();
    assert_eq!(sandbox.requests().len(), 2, "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    text.lines().map(str::to_string).collect()
}

#[test]
fn the_level_decides_what_is_written() {
    let has =
        |lines: &[String], level: &str| lines.iter().any(|line| line.contains(&format!(" {level} paid:")));
    let debug = lines(Some("debug"));
    assert!(has(&debug, "DEBUG") && has(&debug, "INFO") && has(&debug, "WARNING"), "{debug:?}");
    let info = lines(Some("INFO"));
    assert!(!has(&info, "DEBUG") && has(&info, "INFO") && has(&info, "WARNING"), "{info:?}");
    let warning = lines(Some("WARNING"));
    assert!(!has(&warning, "INFO") && has(&warning, "WARNING"), "{warning:?}");
    for level in [None, Some(""), Some("ERROR"), Some("CRITICAL")] {
        assert_eq!(lines(level), Vec::<String>::new(), "{level:?}");
    }
}

#[test]
fn a_level_that_is_none_is_reported_and_taken_as_error() {
    let lines = lines(Some("LOUD"));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("ERROR paid:") && lines[0].contains("LOUD"), "{lines:?}");
}

#[test]
fn no_line_holds_a_key_an_id_or_a_host() {
    let lines = lines(Some("DEBUG")).join("\n");
    assert!(
        lines.contains("customers.get") && lines.contains("GET /customers/{customer_id}: 404"),
        "{lines}"
    );
    for private in ["sandbox_key", "cus_secret", "127.0.0.1"] {
        assert!(!lines.contains(private), "{lines}");
    }
}
