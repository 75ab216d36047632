//! A driver: lets another process use this SDK, to compare it with another one.
//!
//! It reads one JSON object a line from standard input, makes the call it describes, and writes one
//! JSON object a line to standard output. It ends at end of input.
//!
//! ```console
//! $ export PAID_API_KEY=...
//! $ echo '{"op": "customers.create", "kwargs": {"name": "Acme"}}' | cargo run --example conformance
//! {"ok":{"id":"cus_1","name":"Acme","organizationId":"org_1"}}
//! ```
//!
//! - `op` is an operation, `args` its ids in order, `kwargs` the rest in snake_case; models in them
//!   have their wire names. `{"$datetime": ISO}` is a point in time, `{"$float": "nan"}` a float.
//! - `request_options` has `timeout_in_seconds`, `max_retries`, `additional_headers`,
//!   `additional_query_parameters`, `additional_body_parameters`; `"raw": true` asks for the raw answer.
//! - `trace` runs a script of traced code, in the `form` of `closure`, `future`, `guard`, `macro` or `client`;
//!   `initialize_tracing`, `signal`, `flush` and `token.*` are the functions of `paid::tracing`.
//! - The answer is `{"ok": VALUE}` or `{"error": {"kind", "status_code", "message", "body", "attempts"}}`.
//!
//! `PAID_API_KEY`, `PAID_BASE_URL` and `PAID_OTEL_COLLECTOR_ENDPOINT` configure it; `--blocking` uses the
//! blocking client, and threads in place of tasks. `--flush-on-signals` flushes before a signal ends it (Unix).

mod answer;
mod calls;
mod options;
mod rest;
mod script;
mod step;
mod traces;
mod tracing;
mod values;

use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::time::Duration;

use answer::{Answer, Refusal};
use rest::Client;
use step::Step;
use tokio::runtime::Runtime;
use traces::World;

/// How long a flush may take when the process is asked to end.
const SIGNAL_PATIENCE: Duration = Duration::from_secs(12);

fn main() -> ExitCode {
    let (mut blocking, mut flush_on_signals) = (false, false);
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--blocking" => blocking = true,
            "--flush-on-signals" => flush_on_signals = true,
            unknown => {
                eprintln!("conformance: there is no option {unknown}: use --blocking or --flush-on-signals");
                return ExitCode::from(2);
            }
        }
    }
    match drive(blocking, flush_on_signals) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conformance: {error}");
            ExitCode::FAILURE
        }
    }
}

fn drive(blocking: bool, flush_on_signals: bool) -> io::Result<()> {
    #[cfg(unix)]
    if flush_on_signals {
        paid::tracing::flush_on_signals(SIGNAL_PATIENCE)?;
    }
    // Panics are a part of scripts: a line for each is enough.
    std::panic::set_hook(Box::new(|panic| eprintln!("conformance: {panic}")));
    let runtime = if blocking { None } else { Some(Runtime::new()?) };
    let handle = runtime.as_ref().map(|runtime| runtime.handle().clone());
    let client = Client::from_env(handle.clone());
    let world = World::new(client.as_ref().ok().cloned(), handle);
    serve(&client, &world, io::stdin().lock(), io::stdout().lock())
}

/// Answers line by line until the input ends.
fn serve(
    client: &Result<Client, Refusal>,
    world: &World,
    mut input: impl BufRead,
    mut output: impl Write,
) -> io::Result<()> {
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let answer = answer::to_json(run(client, world, &line));
        writeln!(output, "{answer}")?;
        output.flush()?;
        line.clear();
    }
    Ok(())
}

fn run(client: &Result<Client, Refusal>, world: &World, line: &[u8]) -> Answer {
    let mut step = Step::read(line)?;
    if tracing::knows(&step.op) {
        return tracing::run(world, step);
    }
    if !rest::knows(&step.op) {
        return Err(Refusal::local("unknown_op", format!("there is no operation {:?}", step.op)));
    }
    match client {
        Ok(client) => rest::run(client, &mut step),
        Err(refusal) => Err(refusal.clone()),
    }
}
