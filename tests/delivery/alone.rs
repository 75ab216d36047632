//! Tests in processes of their own: the counters, the log and the environment are those of a process.

use std::process::{Command, Output};
use std::time::Duration;

const MARK: &str = "PAID_DELIVERY_TEST";
/// A test that hangs ends, and says so.
const LONGEST: Duration = Duration::from_secs(55);

/// Runs the test, which this is called from, alone in a process. It fails if the process does.
pub fn alone<F: FnOnce()>(test: F) {
    alone_with(&[], test);
}

/// The same, in this environment.
pub fn alone_with<F: FnOnce()>(environment: &[(&str, &str)], test: F) {
    if !is_child() {
        child::<F>(environment);
        return;
    }
    let watch = || {
        std::thread::sleep(LONGEST);
        eprintln!("hangs: {:?}", crate::state());
        std::process::abort();
    };
    std::thread::spawn(watch);
    test();
    // The end of the process has nothing to wait for.
    paid::tracing::shutdown(Duration::ZERO);
}

pub fn is_child() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Runs a test in a process, named by the closure that stands in it.
pub fn child<F>(environment: &[(&str, &str)]) -> Output {
    // Such as `delivery::faults::the_name::{{closure}}`.
    let path = std::any::type_name::<F>();
    let name = path.split_once("::").unwrap().1.split("::{{closure}}").next().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture", "--test-threads=1"]);
    for (variable, _) in std::env::vars_os() {
        let ours = ["PAID_", "OTEL_"].iter().any(|start| variable.to_string_lossy().starts_with(start));
        if ours || variable.to_string_lossy().to_ascii_lowercase().ends_with("_proxy") {
            command.env_remove(variable);
        }
    }
    let output = command.env(MARK, "1").envs(environment.iter().copied()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{name} in a process of its own: {}\n{said}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    output
}
