//! What is recorded just before the process ends arrives, however it ends.
//!
//! ```sh
//! PAID_API_KEY=... cargo run --example ending -- return|exit|panic|thread
//! ```

// A panic is one of the ends that this shows.
#![allow(clippy::panic)]

use paid::tracing::paid_tracing;

fn main() {
    paid::logging::init();
    let how = std::env::args().nth(1).unwrap_or_else(|| "return".into());
    let record = |name: &str| paid_tracing(format!("customer_{name}")).run(|| ());
    match how.as_str() {
        "exit" => {
            record("exit");
            std::process::exit(3)
        }
        "panic" => paid_tracing("customer_panic").run(|| panic!("the end")),
        "thread" => {
            // A thread that is still running does not hold the process.
            std::thread::spawn(move || paid_tracing("customer_never").run(std::thread::park));
            record("thread");
        }
        _ => record("return"),
    }
}
