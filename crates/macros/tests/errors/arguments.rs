use paid_macros::paid_tracing;

#[paid_tracing] //~ the customer is missing, as in `#[paid_tracing("customer_123")]`
fn no_arguments() {}

#[paid_tracing()] //~ the customer is missing, as in `#[paid_tracing("customer_123")]`
fn empty() {}

#[paid_tracing(external_agent_id = "agent")] //~ the customer is missing, as in `#[paid_tracing("customer_123")]`
fn only_an_agent() {}

#[paid_tracing(
    "customer",
    agent = "agent", //~ no argument is called `agent`: there are `external_customer_id`, `external_agent_id`, `tracing_token`, `store_prompt`, `metadata`
)]
fn unknown() {}

#[paid_tracing(
    "customer",
    external_agent_id = "agent",
    store_prompt = true,
    external_agent_id = "other", //~ `external_agent_id` is given twice
)]
fn named_twice() {}

#[paid_tracing(
    "customer",
    external_customer_id = "other", //~ `external_customer_id` is given twice
)]
fn customer_twice() {}

#[paid_tracing(
    "customer",
    "agent",
    external_agent_id = "other", //~ `external_agent_id` is given twice
)]
fn agent_twice() {}

#[paid_tracing(
    "customer",
    store_prompt = true,
    "agent", //~ an argument without a name goes before those with one
)]
fn positional_after_named() {}

#[paid_tracing(
    "customer",
    "agent",
    true, //~ only the customer and the agent go without a name: name this argument
)]
fn too_many() {}

#[paid_tracing(
    "customer"
    "agent" //~ expected `,`
)]
fn no_comma() {}

#[paid_tracing(
    "customer",
    crate = "paid", //~ expected identifier
)]
fn crate_in_quotes() {}

#[paid_tracing("customer", metadata = )] //~ unexpected end of input, expected an expression
fn no_value() {}

/// The function is there all the same: one error is enough.
fn calls() {
    unknown();
    too_many();
}
