//! The client from outside: real HTTP on loopback against the sandbox.

mod blocking;
mod configuration;
mod errors;
mod hostile;
mod load;
mod logging;
mod operations;
mod options;
mod pages;
mod redirects;
mod retries;
mod values;

use paid::{AsyncPaid, Paid};
use paid_sandbox::Sandbox;

/// A sandbox and a client of it.
async fn start() -> (Sandbox, AsyncPaid) {
    let sandbox = Sandbox::start().await.expect("the sandbox starts");
    let client = client_of(&sandbox);
    (sandbox, client)
}

fn client_of(sandbox: &Sandbox) -> AsyncPaid {
    AsyncPaid::builder().token(sandbox.api_key()).base_url(sandbox.base_url()).build().expect("a client")
}

fn start_blocking() -> (Sandbox, Paid) {
    let sandbox = Sandbox::start_blocking().expect("the sandbox starts");
    let client =
        Paid::builder().token(sandbox.api_key()).base_url(sandbox.base_url()).build().expect("a client");
    (sandbox, client)
}

/// An example with an environment of its own, since variables belong to a process.
fn example(name: &str) -> std::process::Command {
    let test = std::env::current_exe().expect("this program has a path");
    let example = test.ancestors().nth(2).expect("target/profile").join("examples").join(name);
    let mut command = std::process::Command::new(example);
    for name in ["PAID_API_KEY", "PAID_BASE_URL", "PAID_LOG_LEVEL"] {
        command.env_remove(name);
    }
    command
}

/// The example `diagnose`, which tells how the environment configures the client.
fn diagnose(key: Option<&str>, url: Option<&str>) -> std::process::Command {
    let mut command = example("diagnose");
    key.map(|key| command.env("PAID_API_KEY", key));
    url.map(|url| command.env("PAID_BASE_URL", url));
    command
}
