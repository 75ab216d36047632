//! The tracing token of the whole process, in a process of its own.

use std::time::Duration;

use paid::AsyncPaid;
use paid::tracing::{
    TracingOptions, generate_and_set_tracing_token, generate_tracing_token, set_tracing_token,
    unset_tracing_token,
};
use paid_sandbox::{ReceivedSpan, Sandbox};

fn of<'a>(spans: &'a [ReceivedSpan], customer: &str) -> &'a ReceivedSpan {
    spans.iter().find(|span| span.text("external_customer_id") == Some(customer)).expect(customer)
}

#[test]
fn the_token_of_the_process_holds_until_it_is_unset_and_the_parameter_wins() {
    crate::in_process(
        "process_token::the_token_of_the_process_holds_until_it_is_unset_and_the_parameter_wins",
        &[],
        body,
    );
}

fn body() {
    let sandbox = Sandbox::start_blocking().unwrap();
    let client = AsyncPaid::new(sandbox.api_key()).unwrap();
    let options = TracingOptions::new().collector_endpoint(sandbox.collector_endpoint());
    client.initialize_tracing_with(options).unwrap();
    let token = generate_and_set_tracing_token();
    let own = generate_tracing_token();
    client.trace("set", || client.trace("nested", || ()));
    std::thread::scope(|scope| {
        scope.spawn(|| client.trace("thread", || ()));
    });
    client.paid_tracing("own").tracing_token(own).run(|| ());
    let other = generate_tracing_token();
    set_tracing_token(other);
    client.trace("reset", || ());
    unset_tracing_token();
    unset_tracing_token();
    client.trace("unset", || ());
    let spans = sandbox.wait_for_spans_blocking(6, Duration::from_secs(10));
    let trace = |customer: &str| of(&spans, customer).trace_id.clone();
    for customer in ["set", "nested", "thread"] {
        assert_eq!(trace(customer), token.to_hex(), "{customer}");
    }
    assert_eq!((trace("own"), trace("reset")), (own.to_hex(), other.to_hex()));
    assert!(![token.to_hex(), other.to_hex()].contains(&trace("unset")));
    assert_eq!(of(&spans, "nested").parent_span_id.as_ref(), Some(&of(&spans, "set").span_id));
}
