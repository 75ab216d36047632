//! Errors in what the user wrote stand where they were written.

use paid_macros::paid_tracing;

#[paid_tracing(7, crate = crate)] //~ the trait bound `String: From<{integer}>` is not satisfied
fn wrong_customer() {}

#[paid_tracing(
    "customer",
    store_prompt = "yes", //~ mismatched types
    crate = crate,
)]
fn wrong_setting() {}

#[paid_tracing("customer", crate = crate)]
fn wrong_body() -> u8 {
    "text" //~ mismatched types
}

#[paid_tracing("customer", crate = crate)]
fn wrong_return(early: bool) -> Result<u8, String> {
    if early {
        return Err(1); //~ mismatched types
    }
    Ok(2)
}

#[paid_tracing("customer", crate = crate)]
async fn wrong_body_async() -> u8 {
    "text" //~ mismatched types
}

#[paid_tracing("customer", crate = crate)]
async fn wrong_return_async(early: bool) -> Result<u8, String> {
    if early {
        return Err(1); //~ mismatched types
    }
    Ok(2)
}

#[paid_tracing("customer", crate = crate)]
async fn wrong_question_mark() -> Result<u8, String> {
    let number: u8 = "1".parse()?; //~ `?` couldn't convert the error
    Ok(number)
}

#[paid_tracing(customer, crate = crate)]
fn given_away(customer: String) -> String { //~ use of moved value: `customer`
    customer
}

/// Stands for the crate `paid`.
mod tracing {
    pub struct PaidTracing;

    pub fn paid_tracing(_: impl Into<String>) -> PaidTracing {
        PaidTracing
    }

    impl PaidTracing {
        pub fn store_prompt(self, _: bool) -> Self {
            self
        }
    }

    pub mod __private {
        use super::PaidTracing;

        pub struct Outcome;
        pub struct Probe;

        impl Probe {
            pub fn paid_outcome(self) -> Outcome {
                Outcome
            }
        }

        pub fn probe<T>(_: &T) -> Probe {
            Probe
        }

        pub fn run<R>(_: PaidTracing, work: impl FnOnce() -> R, _: impl FnOnce(&R) -> Outcome) -> R {
            work()
        }

        pub async fn run_async<F: Future>(_: PaidTracing, work: F, _: fn(&F::Output) -> Outcome) -> F::Output {
            work.await
        }
    }
}
