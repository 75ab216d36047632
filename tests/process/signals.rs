//! Signals that ask the process to end.

use std::process::Command;
use std::time::Duration;

use crate::{CHILD, account};

#[test]
fn an_ignored_hangup_stays_ignored() {
    let test = "signals::an_ignored_hangup_stays_ignored";
    if std::env::var_os(CHILD).is_some() {
        let (_sandbox, client) = account();
        client.trace("acme", || ());
        paid::tracing::flush_on_signals(Duration::from_secs(1)).unwrap();
        let id = std::process::id().to_string();
        // A shell's own `kill` may be missing, the shell is not.
        let sent = Command::new("sh").args(["-c", "kill -HUP $0", &id]).status().unwrap();
        assert!(sent.success());
        assert!(paid::tracing::flush(Duration::from_secs(10)));
        return;
    }
    let ignoring = "trap '' HUP; exec \"$0\" --exact \"$1\" --nocapture";
    let test_program = std::env::current_exe().unwrap();
    let output = Command::new("sh")
        .args(["-c", ignoring])
        .arg(test_program)
        .arg(test)
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
}
