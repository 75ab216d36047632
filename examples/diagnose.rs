//! How the environment configures the client, and whether it reaches the API.
//!
//! ```sh
//! PAID_LOG_LEVEL=DEBUG PAID_API_KEY=... cargo run --example diagnose [CUSTOMER_ID]
//! ```

use paid::Paid;

fn main() -> std::process::ExitCode {
    paid::logging::init();
    let client = match Paid::from_env() {
        Ok(client) => client,
        Err(error) => {
            println!("no client: {error}");
            return std::process::ExitCode::FAILURE;
        }
    };
    println!("client: {client:?}");
    let answer = match std::env::args().nth(1) {
        Some(id) => client.customers().get(id).send().map(|customer| format!("found {}", customer.name)),
        None => client.customers().list().send().map(|customers| format!("{} customers", customers.len())),
    };
    match answer {
        Ok(text) => {
            println!("{}: {text}", client.base_url());
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{}: {error}", client.base_url());
            std::process::ExitCode::FAILURE
        }
    }
}
