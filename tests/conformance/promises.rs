//! What the driver promises whoever drives it.

use std::net::TcpListener;

use paid_sandbox::{Fault, Sandbox};
use serde_json::{Value, json};

use crate::KEY;
use crate::driver::{Driver, Mode};
use crate::server::{Answer, Server};

const MODES: [Mode; 2] = [Mode::Async, Mode::Blocking];

fn on_sandbox(mode: Mode) -> (Sandbox, Driver) {
    let sandbox = Sandbox::start_blocking().unwrap();
    let driver = Driver::start(mode, &sandbox.base_url(), Some(sandbox.api_key()));
    (sandbox, driver)
}

#[track_caller]
fn assert_refused(answer: &Value, kind: &str, in_message: &str) {
    let error = &answer["error"];
    assert_eq!(error["kind"], kind, "{answer}");
    assert_eq!(
        (&error["status_code"], &error["body"], &error["attempts"]),
        (&Value::Null, &Value::Null, &json!(0))
    );
    assert!(error["message"].as_str().unwrap().contains(in_message), "{answer}");
}

#[test]
fn an_operation_it_does_not_know_is_named() {
    let (sandbox, mut driver) = on_sandbox(Mode::Async);
    assert_refused(
        &driver.call("customers.frobnicate", &[], json!({})),
        "unknown_op",
        "customers.frobnicate",
    );
    assert_refused(&driver.ask(&json!({"op": "nonsense", "body": [1]})), "unknown_op", "nonsense");
    assert!(driver.finish().success());
    assert_eq!(sandbox.requests().len(), 0);
}

#[test]
fn a_bad_line_is_an_error_and_the_next_one_is_answered() {
    let (_sandbox, mut driver) = on_sandbox(Mode::Async);
    let bad: [&[u8]; 7] =
        [b"", b"{", b"[]", b"{}", b"{\"op\": 1}", b"\xff\xfe", b"{\"op\": \"customers.get\", \"args\": 1}"];
    for line in bad {
        assert_refused(&driver.ask_line(line), "bad_input", "the line is not a");
    }
    assert_eq!(driver.call("customers.list", &[], json!({})), json!({"ok": []}));
    assert_eq!(driver.ask_last(b"{\"op\": \"customers.list\"}"), json!({"ok": []}));
    assert!(driver.finish().success());
}

#[test]
fn without_a_usable_key_it_starts_and_says_what_is_missing() {
    let server = Server::start();
    for (mode, key) in
        MODES.into_iter().flat_map(|mode| [None, Some(""), Some("a key")].map(|key| (mode, key)))
    {
        let mut driver = Driver::start(mode, &server.base_url(), key);
        assert_refused(&driver.call("customers.list", &[], json!({})), "invalid_request", "token");
        assert_refused(&driver.call("nonsense", &[], json!({})), "unknown_op", "nonsense");
        assert!(driver.finish().success());
    }
    assert_eq!(server.take_received().len(), 0);
}

#[test]
fn what_json_cannot_hold_is_refused_by_name_and_nothing_is_sent() {
    let tier = json!({"lowerBound": {"$float": "-inf"}});
    let point = json!({"agentAttributeName": "a", "pricing": {"pricePoint": {"tiers": [{}, tier]}}});
    let order = json!({"name": "n", "start_date": "2025-01-01", "currency": "USD", "order_lines": [{"agentAttributes": [point]}]});
    let signal = json!({"event_name": "e", "data": {"scores": [1, {"mean": {"$float": "nan"}}]}});
    let cases = [
        ("customers.create", json!({"name": "n", "employee_count": {"$float": "nan"}}), "employeeCount"),
        ("customers.create", json!({"name": "n", "annual_revenue": {"$float": "inf"}}), "annualRevenue"),
        ("orders.create", order, "orderLines[0].agentAttributes[0].pricing.pricePoint.tiers[1].lowerBound"),
        ("usage.record_bulk", json!({"signals": [{}, signal.clone()]}), "signals[1].data"),
        ("usage.record_bulk", json!({"signals": [signal]}), "scores[1].mean"),
    ];
    for mode in MODES {
        let (sandbox, mut driver) = on_sandbox(mode);
        for (op, kwargs, field) in cases.clone() {
            assert_refused(&driver.call(op, &[], kwargs), "invalid_request", field);
        }
        assert_eq!(sandbox.requests().len(), 0);
    }
}

#[test]
fn arguments_that_do_not_fit_are_refused_by_name_and_nothing_is_sent() {
    let (sandbox, mut driver) = on_sandbox(Mode::Async);
    let cases = [
        ("customers.create", &[][..], json!({"name": "n", "nmae": "n"}), "nmae"),
        (
            "customers.create",
            &[],
            json!({"name": "n", "externalId": "wire names are for models"}),
            "externalId",
        ),
        ("customers.create", &[], json!({"name": "n", "employee_count": "many"}), "employeeCount"),
        ("customers.create", &[], json!({"name": "n", "billing_address": {"line1": "1", "zip": "1"}}), "zip"),
        ("customers.create", &[], json!({}), "name"),
        ("customers.create", &["extra"], json!({"name": "n"}), "extra"),
        ("customers.list", &[], json!({"limit": 1}), "limit"),
        ("customers.get", &[], json!({}), "customers.get"),
        ("customers.get", &[".."], json!({}), "customer_id"),
    ];
    for (op, args, kwargs, named) in cases {
        assert_refused(&driver.call(op, args, kwargs), "invalid_request", named);
    }
    for (options, named) in [
        (json!({"retries": 1}), "retries"),
        (json!({"max_retries": -1}), "max_retries"),
        (json!({"timeout_in_seconds": -1}), "timeout_in_seconds"),
        (json!({"additional_headers": {"a b": "c"}}), "a b"),
        (json!({"additional_body_parameters": {"a": {"$float": "nan"}}}), "additional_body_parameters"),
    ] {
        let answer = driver.ask(&json!({"op": "customers.list", "request_options": options}));
        assert_refused(&answer, "invalid_request", named);
    }
    assert_eq!(sandbox.requests().len(), 0);
}

#[test]
fn a_null_clears_and_what_is_absent_stays() {
    let (_sandbox, mut driver) = on_sandbox(Mode::Async);
    driver.call("customers.create", &[], json!({"name": "Acme", "phone": "1", "email": "a@b.test"}));
    let updated = &driver.call("customers.update", &["cus_1"], json!({"phone": null}))["ok"];
    assert_eq!((updated.get("phone"), &updated["email"]), (None, &json!("a@b.test")));
}

#[test]
fn numbers_keep_every_digit_on_the_way_out_and_back() {
    for mode in MODES {
        let server = Server::start();
        let mut driver = Driver::start(mode, &server.base_url(), Some(KEY));
        for number in ["973252.2570430619", "952467.3882682695", "9007199254740993", "18446744073709551615"] {
            let customer =
                format!(r#"{{"id":"cus_1","organizationId":"org_1","name":"n","annualRevenue":{number}}}"#);
            server.answer(Answer { status: 201, headers: Vec::new(), body: customer.into_bytes() });
            let line = format!(
                r#"{{"op": "customers.create", "kwargs": {{"name": "n", "annual_revenue": {number}}}}}"#
            );
            let answer = driver.ask_line(line.as_bytes());
            assert_eq!(answer["ok"]["annualRevenue"].to_string(), number);
            let sent = server.take_received().pop().unwrap().body;
            assert_eq!(
                String::from_utf8(sent).unwrap(),
                format!(r#"{{"name":"n","annualRevenue":{number}}}"#)
            );
        }
    }
}

#[test]
fn raw_answers_have_their_status_and_headers() {
    for mode in MODES {
        let server = Server::start();
        let mut driver = Driver::start(mode, &server.base_url(), Some(KEY));
        server.answer(Answer::json(200, &json!([])).header("X-Request-Id", "req_1"));
        let answer = driver.ask(&json!({"op": "customers.list", "raw": true}));
        assert_eq!((&answer["ok"], &answer["status"]), (&json!([]), &json!(200)));
        assert_eq!(answer["headers"]["x-request-id"], "req_1");
    }
}

#[test]
fn a_get_is_repeated_twice_unless_told_otherwise() {
    for mode in MODES {
        let server = Server::start();
        let mut driver = Driver::start(mode, &server.base_url(), Some(KEY));
        let busy = Answer::json(503, &json!({})).header("retry-after", "0");
        (0..2).for_each(|_| server.answer(busy.clone()));
        server.answer(Answer::json(200, &json!([])));
        assert_eq!(driver.call("customers.list", &[], json!({})), json!({"ok": []}));
        assert_eq!(server.take_received().len(), 3);

        (0..3).for_each(|_| server.answer(busy.clone()));
        let answer = driver.call("customers.list", &[], json!({}));
        assert_eq!((&answer["error"]["status_code"], &answer["error"]["attempts"]), (&json!(503), &json!(3)));

        server.answer(busy);
        let answer = driver.ask(&json!({"op": "customers.list", "request_options": {"max_retries": 0}}));
        assert_eq!((&answer["error"]["status_code"], &answer["error"]["attempts"]), (&json!(503), &json!(1)));
    }
}

#[test]
fn errors_say_of_which_kind_they_are() {
    for mode in MODES {
        let (sandbox, mut driver) = on_sandbox(mode);
        let missing = &driver.call("customers.get", &["cus_9"], json!({}))["error"];
        assert_eq!((&missing["kind"], &missing["status_code"]), (&json!("api"), &json!(404)));
        assert_eq!(missing["message"], missing["body"]["error"]["message"]);

        sandbox.fail(Fault::on("GET", "/customers").body("<html>", "text/html"));
        let wrong = &driver.call("customers.list", &[], json!({}))["error"];
        assert_eq!((&wrong["kind"], &wrong["body"]), (&json!("decode"), &json!("<html>")));

        sandbox.fail(Fault::on("GET", "/customers").hang());
        let late = &driver
            .ask(&json!({"op": "customers.list", "request_options": {"timeout_in_seconds": 0.05, "max_retries": 0}}))["error"];
        assert_eq!((&late["kind"], &late["attempts"]), (&json!("timeout"), &json!(1)));

        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut driver = Driver::start(mode, &format!("http://{nobody}/api/v1"), Some(KEY));
        let lost =
            &driver.ask(&json!({"op": "customers.list", "request_options": {"max_retries": 0}}))["error"];
        assert_eq!((&lost["kind"], &lost["status_code"]), (&json!("transport"), &Value::Null));
    }
}
