//! What a program is told of its tracing, on standard error or by its own subscriber.

use crate::{assert_off, billed, in_process};

const LINE: &str = "paid: tracing is off, and nothing is billed: there is no API key";

fn lines(stderr: &[u8]) -> usize {
    String::from_utf8_lossy(stderr).lines().filter(|line| line.starts_with(LINE)).count()
}

fn three_scopes() {
    for _ in 0..3 {
        assert_off(&billed("acme"), "PAID_API_KEY");
    }
}

#[test]
fn it_is_one_line_on_standard_error() {
    let name = "reports::it_is_one_line_on_standard_error";
    if let Some(output) = in_process(name, &[], three_scopes) {
        assert_eq!(lines(&output.stderr), 1, "{output:?}");
    }
}

#[test]
fn the_level_silences_it() {
    let name = "reports::the_level_silences_it";
    if let Some(output) = in_process(name, &[("PAID_LOG_LEVEL", "critical")], three_scopes) {
        assert_eq!(lines(&output.stderr), 0, "{output:?}");
    }
}

#[test]
fn a_subscriber_has_it_as_an_event() {
    let name = "reports::a_subscriber_has_it_as_an_event";
    let ran = in_process(name, &[], || {
        paid::logging::init();
        three_scopes();
    });
    if let Some(output) = ran {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(lines(&output.stderr), 0, "{text}");
        assert_eq!(text.matches("ERROR paid: tracing is off").count(), 1, "{text}");
    }
}

#[test]
fn the_start_of_tracing_is_logged_without_the_key() {
    let name = "reports::the_start_of_tracing_is_logged_without_the_key";
    let ran = in_process(name, &[("PAID_LOG_LEVEL", "DEBUG")], || {
        paid::logging::init();
        let (sandbox, client) = crate::account();
        client.trace("acme", || ());
        assert_eq!(crate::customers(&sandbox), Vec::<String>::new());
        eprintln!("key: {}", sandbox.api_key().len());
        assert!(!sandbox.api_key().is_empty());
    });
    if let Some(output) = ran {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let start = text.lines().find(|line| line.contains("tracing starts")).expect(&text);
        assert!(start.contains("endpoint=http://127.0.0.1:") && start.contains("account="), "{start}");
        assert!(!text.contains("sandbox_key"), "{text}");
    }
}

#[test]
fn a_second_signal_that_joins_the_costs_of_a_trace_is_logged_once() {
    let name = "reports::a_second_signal_that_joins_the_costs_of_a_trace_is_logged_once";
    let ran = in_process(name, &[("PAID_LOG_LEVEL", "WARNING")], || {
        paid::logging::init();
        let (sandbox, client) = crate::account();
        client.paid_tracing("acme").external_agent_id("bot").run(|| {
            (0..3).for_each(|_| client.signal("e").enable_cost_tracing(true).send().unwrap());
        });
        assert_eq!(crate::customers(&sandbox).len(), 3);
    });
    if let Some(output) = ran {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(text.matches("strict_cost_tracing").count(), 1, "{text}");
    }
}

#[test]
fn a_client_of_another_server_is_told_where_its_traces_go() {
    let name = "reports::a_client_of_another_server_is_told_where_its_traces_go";
    let ran = in_process(name, &[("PAID_LOG_LEVEL", "WARNING")], || {
        paid::logging::init();
        let client =
            paid::AsyncPaid::builder().token("key").base_url("http://127.0.0.1:9/api/v1").build().unwrap();
        // Nothing is recorded, so nothing goes to the production collector.
        client.initialize_tracing().unwrap();
    });
    if let Some(output) = ran {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains("http://127.0.0.1:9/api/v1") && text.contains("collector_endpoint"), "{text}");
    }
}

#[test]
fn a_plain_http_collector_elsewhere_is_warned_of_once() {
    let name = "reports::a_plain_http_collector_elsewhere_is_warned_of_once";
    let ran = in_process(name, &[("PAID_LOG_LEVEL", "WARNING")], || {
        paid::logging::init();
        for key in ["one", "two"] {
            let client = paid::AsyncPaid::builder().token(key);
            let client =
                client.base_url("http://127.0.0.1:9/api").collector_endpoint("http://gateway.invalid:4318");
            // Nothing is recorded, so nothing is sent.
            client.build().unwrap().initialize_tracing().unwrap();
        }
    });
    if let Some(output) = ran {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(text.matches("plain http").count(), 1, "{text}");
        assert!(text.contains("gateway.invalid"), "{text}");
    }
}
