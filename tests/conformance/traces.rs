//! Traces: what arrives at the collector, in every form of a scope.

use std::collections::BTreeMap;

use paid_sandbox::{AttributeValue, ReceivedSpan, Sandbox, SpanKind, StatusCode};
use serde_json::{Value, json};

use crate::driver::{Driver, Mode};

pub const MODES: [Mode; 2] = [Mode::Async, Mode::Blocking];
pub const FORMS: [&str; 5] = ["closure", "future", "guard", "macro", "client"];
const PARENT: &str = "paid.trace.parent_span";
const SIGNAL: &str = "paid.trace.signal";

/// Each form with each client.
fn ways() -> impl Iterator<Item = (Mode, &'static str)> {
    MODES.into_iter().flat_map(|mode| FORMS.map(|form| (mode, form)))
}

pub fn start(mode: Mode) -> (Sandbox, Driver) {
    start_with(mode, &[])
}

pub fn start_with(mode: Mode, variables: &[(&str, &str)]) -> (Sandbox, Driver) {
    let sandbox = Sandbox::start_blocking().unwrap();
    let (key, endpoint) = (sandbox.api_key().to_string(), sandbox.collector_endpoint());
    let own = [("PAID_API_KEY", key.as_str()), ("PAID_OTEL_COLLECTOR_ENDPOINT", endpoint.as_str())];
    let driver = Driver::with(mode, own.into_iter().chain(variables.iter().copied()));
    (sandbox, driver)
}

pub fn trace(form: &str, customer: &str, body: Value) -> Value {
    trace_with(form, json!({"external_customer_id": customer, "external_agent_id": "bot"}), body)
}

pub fn trace_with(form: &str, kwargs: Value, body: Value) -> Value {
    json!({"op": "trace", "form": form, "kwargs": kwargs, "body": body})
}

pub fn signal(event_name: &str) -> Value {
    json!({"op": "signal", "kwargs": {"event_name": event_name}})
}

/// Ends the driver. All that it recorded is there by then, with nothing but the end to flush it.
#[track_caller]
pub fn finish(sandbox: &Sandbox, driver: Driver, count: usize) -> Vec<ReceivedSpan> {
    assert!(driver.finish().success());
    let spans = sandbox.spans();
    assert_eq!(spans.len(), count, "{spans:#?}");
    spans
}

/// The trace id of a good answer, whose signals all went well.
#[track_caller]
pub fn trace_id(answer: &Value, signals: usize) -> String {
    assert_eq!(answer["ok"]["signals"], json!(vec![json!({"ok": true}); signals]), "{answer}");
    answer["ok"]["trace_id"].as_str().unwrap().to_string()
}

/// The span of a customer's scope.
#[track_caller]
fn scope<'a>(spans: &'a [ReceivedSpan], customer: &str) -> &'a ReceivedSpan {
    let of =
        |span: &&ReceivedSpan| span.name == PARENT && span.text("external_customer_id") == Some(customer);
    let found: Vec<_> = spans.iter().filter(of).collect();
    assert_eq!(found.len(), 1, "{customer} in {spans:#?}");
    found[0]
}

/// The span of a signal.
#[track_caller]
fn sent<'a>(spans: &'a [ReceivedSpan], event_name: &str) -> &'a ReceivedSpan {
    let of = |span: &&ReceivedSpan| span.name == SIGNAL && span.text("event_name") == Some(event_name);
    let found: Vec<_> = spans.iter().filter(of).collect();
    assert_eq!(found.len(), 1, "{event_name} in {spans:#?}");
    found[0]
}

fn attributes(span: &ReceivedSpan) -> BTreeMap<&str, AttributeValue> {
    let attributes: BTreeMap<_, _> =
        span.attributes.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    assert_eq!(attributes.len(), span.attributes.len(), "a name twice: {span:#?}");
    attributes
}

/// Asserts that the key is in the resource of every request and nowhere else.
#[track_caller]
pub fn assert_key_is_where_it_belongs(sandbox: &Sandbox) {
    let key = sandbox.api_key().as_bytes();
    for span in sandbox.spans() {
        assert!(span.key_is(sandbox.api_key()));
        assert_eq!(span.resource().len(), 1, "{:?}", span.resource());
    }
    for request in sandbox.requests() {
        assert_eq!((request.method(), request.target()), ("POST", "/v1/traces"));
        assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
        assert_eq!(request.header("authorization"), None);
        let times = request.content().unwrap().windows(key.len()).filter(|part| *part == key).count();
        assert_eq!(times, 1, "the key in the body");
        assert!(!format!("{:?}", request.headers()).contains(sandbox.api_key()));
    }
}

#[test]
fn every_form_sends_the_same_spans_under_the_same_parents() {
    for (mode, form) in ways() {
        let (sandbox, mut driver) = start(mode);
        let in_task = json!([signal("spawned"), trace(form, "in task", json!([signal("deep")]))]);
        let at_once = json!([[signal("one")], [trace(form, "at once", json!([signal("two")]))], []]);
        let body = json!([
            signal("first"),
            trace(form, "inner", json!([signal("second")])),
            {"op": "spawn", "body": in_task},
            {"op": "join", "bodies": at_once},
            signal("last"),
        ]);
        let id = trace_id(&driver.ask(&trace(form, "outer", body)), 7);
        let other = trace_id(&driver.ask(&trace(form, "other", json!([]))), 0);
        assert_ne!(id, other);
        let spans = finish(&sandbox, driver, 5 + 7);

        let parent = |span: &ReceivedSpan| span.parent_span_id.clone();
        let outer = scope(&spans, "outer");
        assert_eq!((parent(outer), parent(scope(&spans, "other"))), (None, None), "{mode:?} {form}");
        for inner in ["inner", "in task", "at once"] {
            assert_eq!(parent(scope(&spans, inner)), Some(outer.span_id.clone()), "{mode:?} {form} {inner}");
        }
        let places = [
            ("first", "outer"),
            ("second", "inner"),
            ("spawned", "outer"),
            ("deep", "in task"),
            ("one", "outer"),
            ("two", "at once"),
            ("last", "outer"),
        ];
        for (event_name, customer) in places {
            let span = sent(&spans, event_name);
            assert_eq!(parent(span), Some(scope(&spans, customer).span_id.clone()), "{mode:?} {form}");
            assert_eq!(span.text("external_customer_id"), Some(customer));
        }
        for span in &spans {
            let expected = if span.text("external_customer_id") == Some("other") { &other } else { &id };
            assert_eq!(&span.trace_id, expected);
            assert_eq!(
                (span.flags, span.kind, &span.status.code),
                (0x100, SpanKind::Internal, &StatusCode::Ok)
            );
            assert_eq!((span.status.message.as_str(), span.events.len()), ("", 0));
            assert_eq!(
                (span.scope_name.as_str(), span.scope_version.as_str()),
                ("paid.rust", env!("CARGO_PKG_VERSION"))
            );
            assert!(span.start_unix_nano > 0 && span.start_unix_nano <= span.end_unix_nano);
        }
        assert_key_is_where_it_belongs(&sandbox);
    }
}

#[test]
fn forms_nest_in_each_other() {
    for mode in MODES {
        let (sandbox, mut driver) = start(mode);
        for outer in FORMS {
            let body: Vec<Value> = FORMS
                .iter()
                .map(|form| {
                    let inside = json!([{"op": "spawn", "body": [signal(&format!("{outer}-{form}"))]}]);
                    trace(form, &format!("{outer} {form}"), inside)
                })
                .collect();
            let body = json!([{"op": "join", "bodies": [body.clone(), []]}]);
            trace_id(&driver.ask(&trace(outer, outer, body)), FORMS.len());
        }
        let spans = finish(&sandbox, driver, 5 + 2 * 25);
        for (outer, form) in FORMS.into_iter().flat_map(|outer| FORMS.map(|form| (outer, form))) {
            let (above, inner) = (scope(&spans, outer), scope(&spans, &format!("{outer} {form}")));
            let event = sent(&spans, &format!("{outer}-{form}"));
            assert_eq!(inner.parent_span_id.as_ref(), Some(&above.span_id), "{mode:?} {outer} {form}");
            assert_eq!(event.parent_span_id.as_ref(), Some(&inner.span_id), "{mode:?} {outer} {form}");
        }
    }
}

#[test]
fn attributes_keep_their_types_and_metadata_is_flat() {
    for (mode, form) in ways() {
        let (sandbox, mut driver) = start(mode);
        let metadata = json!({
            "plan": "pro", "count": 3, "ratio": 1.0, "on": true, "none": null, "empty": {}, "list": [],
            "run": {"attempt": {"number": 2}, "none": null}, "tags": ["a", "b"], "sizes": [1, 2],
            "scores": [0.5, 1.0], "flags": [true, false], "run.id": "x", "prompt": "kept",
        });
        let kwargs = json!({
            "external_customer_id": "Ünï-客 1", "external_agent_id": "bot", "store_prompt": true, "metadata": metadata,
        });
        let body =
            json!([signal("e"), trace_with(form, json!({"external_customer_id": "plain"}), json!([]))]);
        trace_id(&driver.ask(&trace_with(form, kwargs, body)), 1);
        let nobody = json!({"external_customer_id": null, "external_agent_id": null, "tracing_token": null});
        trace_id(&driver.ask(&trace_with(form, nobody, json!([]))), 0);
        let spans = finish(&sandbox, driver, 4);

        let shared: BTreeMap<&str, AttributeValue> = BTreeMap::from([
            ("external_customer_id", "Ünï-客 1".into()),
            ("external_agent_id", "bot".into()),
            ("metadata.plan", "pro".into()),
            ("metadata.count", 3.into()),
            ("metadata.ratio", 1.0.into()),
            ("metadata.on", true.into()),
            ("metadata.list", AttributeValue::Array(Vec::new())),
            ("metadata.run.attempt.number", 2.into()),
            ("metadata.tags", vec!["a", "b"].into()),
            ("metadata.sizes", vec![1, 2].into()),
            ("metadata.scores", vec![0.5, 1.0].into()),
            ("metadata.flags", vec![true, false].into()),
            ("metadata.run.id", "x".into()),
            ("metadata.prompt", "kept".into()),
        ]);
        let of_signal = BTreeMap::from_iter(shared.clone().into_iter().chain([("event_name", "e".into())]));
        assert_eq!(attributes(scope(&spans, "Ünï-客 1")), shared, "{mode:?} {form}");
        assert_eq!(attributes(sent(&spans, "e")), of_signal, "{mode:?} {form}");
        let plain = BTreeMap::from([("external_customer_id", AttributeValue::from("plain"))]);
        assert_eq!(attributes(scope(&spans, "plain")), plain, "an inner scope has its own metadata");
        let nobody = spans.iter().find(|span| span.attributes.is_empty()).unwrap();
        assert_eq!((nobody.name.as_str(), &nobody.parent_span_id), (PARENT, &None));
    }
}

#[test]
fn signals_carry_their_data_as_json() {
    let cases = [
        ("plain", json!({"pages": 12, "é": ["\n", 1.5, null]}), false),
        ("costs", json!({"pages": 12}), true),
        ("merged", json!({"paid": {"own": 1, "enable_cost_tracing": false}, "a": {"b": []}}), true),
        ("only the flag", Value::Null, true),
        ("nothing", Value::Null, false),
        ("empty", json!({}), false),
    ];
    let data = [
        Some(json!({"pages": 12, "é": ["\n", 1.5, null]})),
        Some(json!({"pages": 12, "paid": {"enable_cost_tracing": true}})),
        Some(json!({"paid": {"own": 1, "enable_cost_tracing": true}, "a": {"b": []}})),
        Some(json!({"paid": {"enable_cost_tracing": true}})),
        None,
        None,
    ];
    for mode in MODES {
        let (sandbox, mut driver) = start(mode);
        let steps: Vec<Value> = cases
            .iter()
            .map(|(name, data, enable)| {
                json!({"op": "signal", "kwargs": {"event_name": name, "data": data, "enable_cost_tracing": enable}})
            })
            .collect();
        trace_id(&driver.ask(&trace("closure", "acme", steps.into())), cases.len());
        let spans = finish(&sandbox, driver, cases.len() + 1);
        for ((name, _, enable), data) in cases.iter().zip(&data) {
            let span = sent(&spans, name);
            let text = span.attribute("data").map(|data| data.as_str().unwrap());
            assert_eq!(&text.map(|text| serde_json::from_str(text).unwrap()), data, "{name}");
            let flag = enable.then_some(AttributeValue::Bool(true));
            assert_eq!(span.attribute("enable_cost_tracing"), flag.as_ref(), "{name}");
        }
    }
}

#[test]
fn a_signal_that_cannot_be_sent_is_an_error_in_its_place_and_the_code_goes_on() {
    let with = |kwargs: Value| json!({"op": "signal", "kwargs": kwargs});
    for (mode, form) in ways() {
        let (sandbox, mut driver) = start(mode);
        let outside = driver.ask(&signal("outside"));
        assert_eq!(outside["error"]["kind"], "outside_scope", "{outside}");
        let body = json!([
            signal("good"),
            with(json!({"event_name": ""})),
            with(json!({"event_name": "nan", "data": {"a": [{"$float": "nan"}]}})),
            with(json!({"event_name": "list", "data": [1], "enable_cost_tracing": true})),
            with(json!({"event_name": "taken", "data": {"paid": 1}, "enable_cost_tracing": true})),
            trace_with(form, json!({"external_customer_id": "no agent"}), json!([signal("e")])),
            trace_with(form, json!({"external_agent_id": "no customer"}), json!([signal("e")])),
            trace_with(form, json!({"external_customer_id": "", "external_agent_id": "a"}), json!([signal("e")])),
            {"op": "spawn", "body": [with(json!({"event_name": ""})), signal("also good")]},
        ]);
        let answer = driver.ask(&trace(form, "acme", body));
        let signals = answer["ok"]["signals"].as_array().unwrap();
        let kinds: Vec<&str> =
            signals.iter().map(|signal| signal["error"]["kind"].as_str().unwrap_or("ok")).collect();
        let expected = [
            "ok",
            "empty_name",
            "invalid_data",
            "invalid_data",
            "invalid_data",
            "no_agent",
            "no_customer",
            "no_customer",
            "empty_name",
            "ok",
        ];
        assert_eq!(kinds, expected, "{mode:?} {form}");
        assert!(signals[2]["error"]["message"].as_str().unwrap().contains("NaN"), "{answer}");
        let spans = finish(&sandbox, driver, 2 + 4);
        sent(&spans, "good");
        sent(&spans, "also good");
    }
}

/// Where the code ends: in a scope, in two, and in spawned work.
fn ends(form: &str, step: &Value) -> [Value; 4] {
    let inner = trace(form, "inner", json!([signal("before"), step, signal("after")]));
    let bodies = json!([[signal("beside")], [step, signal("after")]]);
    [
        trace(form, "outer", json!([step, signal("after")])),
        trace(form, "outer", json!([inner, signal("after")])),
        trace(form, "outer", json!([{"op": "spawn", "body": [inner]}, signal("after")])),
        trace(form, "outer", json!([{"op": "join", "bodies": bodies}, signal("after")])),
    ]
}

#[test]
fn a_failure_ends_every_scope_with_its_text() {
    let step = json!({"op": "fail", "message": "no luck: 漢"});
    for (mode, form) in ways() {
        for (script, count) in ends(form, &step).into_iter().zip([1, 3, 3, 2]) {
            let (sandbox, mut driver) = start(mode);
            let answer = driver.ask(&script);
            let expected = json!({"kind": "traced", "message": "no luck: 漢", "status_code": null, "body": null, "attempts": 0});
            assert_eq!(answer, json!({"error": expected}), "{mode:?} {form}");
            let spans = finish(&sandbox, driver, count);
            assert!(spans.iter().all(|span| span.text("event_name") != Some("after")));
            // A guard does not see what the code returns.
            for span in spans.iter().filter(|span| span.name == PARENT && form != "guard") {
                assert_eq!(span.status.code, StatusCode::Error, "{mode:?} {form}");
                assert_eq!(span.status.message, "TracedError: no luck: 漢");
                assert_exception(span, "no luck: 漢");
                let kind = span.events[0].attribute("exception.type").and_then(AttributeValue::as_str);
                assert!(kind.unwrap().ends_with("::TracedError"), "{kind:?}");
            }
        }
    }
}

#[test]
fn a_panic_ends_every_scope_with_its_text_and_the_driver_goes_on() {
    let step = json!({"op": "panic", "message": "out of luck"});
    for (mode, form) in ways() {
        for (script, count) in ends(form, &step).into_iter().zip([1, 3, 3, 2]) {
            let (sandbox, mut driver) = start(mode);
            let answer = driver.ask(&script);
            let expected = json!({"kind": "panic", "message": "out of luck", "status_code": null, "body": null, "attempts": 0});
            assert_eq!(answer, json!({"error": expected}), "{mode:?} {form}");
            // No scope is left behind.
            assert_eq!(driver.ask(&signal("e"))["error"]["kind"], "outside_scope");
            let next = trace_id(&driver.ask(&trace(form, "next", json!([]))), 0);
            let spans = finish(&sandbox, driver, count + 1);
            assert!(spans.iter().all(|span| span.text("event_name") != Some("after")));
            let fresh = scope(&spans, "next");
            assert_eq!((&fresh.trace_id, &fresh.parent_span_id), (&next, &None));
            assert_eq!(fresh.status.code, StatusCode::Ok);
            let ended = |span: &&ReceivedSpan| span.name == PARENT && span.trace_id != next;
            for span in spans.iter().filter(ended) {
                assert_eq!(span.status.code, StatusCode::Error, "{mode:?} {form}");
                if form != "guard" {
                    assert_eq!(span.status.message, "panic: out of luck");
                    assert_exception(span, "out of luck");
                }
            }
        }
    }
}

#[track_caller]
fn assert_exception(span: &ReceivedSpan, message: &str) {
    let names: Vec<&str> = span.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["exception"]);
    let text = |name: &str| span.events[0].attribute(name).and_then(AttributeValue::as_str);
    assert_eq!((text("exception.message"), text("exception.escaped")), (Some(message), Some("False")));
}

#[test]
fn a_token_joins_a_trace_and_the_parameter_goes_before_that_of_the_process() {
    let hex = |decimal: &str| format!("{:032x}", decimal.parse::<u128>().unwrap());
    let token = |answer: Value| answer["ok"].as_str().unwrap().to_string();
    for (mode, form) in ways() {
        let (sandbox, mut driver) = start(mode);
        let generated = token(driver.ask(&json!({"op": "token.generate"})));
        let with = |token: &str| json!({"external_customer_id": "with", "external_agent_id": "bot", "tracing_token": token});
        let run = |driver: &mut Driver, kwargs: Value| {
            let body = json!([{"op": "spawn", "body": [signal("s"), trace(form, "nested", json!([]))]}]);
            trace_id(&driver.ask(&trace_with(form, kwargs, body)), 1)
        };
        let plain = json!({"external_customer_id": "plain", "external_agent_id": "bot"});

        // Generating sets nothing.
        let free = run(&mut driver, plain.clone());
        assert_ne!(free, hex(&generated));
        assert_eq!(run(&mut driver, with(&generated)), hex(&generated));
        let set = token(driver.ask(&json!({"op": "token.generate_and_set"})));
        assert_eq!(run(&mut driver, plain.clone()), hex(&set));
        assert_eq!(run(&mut driver, with(&generated)), hex(&generated));
        let other = "340282366920938463463374607431768211455";
        assert_eq!(driver.call("token.set", &[], json!({"token": other})), json!({"ok": null}));
        assert_eq!(run(&mut driver, plain.clone()), hex(other));
        for _ in 0..2 {
            assert_eq!(driver.ask(&json!({"op": "token.unset"})), json!({"ok": null}));
        }
        assert!(![hex(other), hex(&set), free].contains(&run(&mut driver, plain)));

        let spans = finish(&sandbox, driver, 6 * 3);
        let joined = |id: &String| [&generated, &set, other].map(hex).contains(id);
        for span in &spans {
            let top = span.name == PARENT && span.text("external_customer_id") != Some("nested");
            let parent = spans.iter().find(|other| Some(&other.span_id) == span.parent_span_id.as_ref());
            let found = (span.flags, span.parent_span_id.is_some(), parent.is_some());
            let expected = match (top, joined(&span.trace_id)) {
                // Under a span of another process.
                (true, true) => (0x300, true, false),
                (true, false) => (0x100, false, false),
                (false, _) => (0x100, true, true),
            };
            assert_eq!(found, expected, "{mode:?} {form} {span:#?}");
        }
    }
}

#[test]
fn tokens_that_are_none_are_refused() {
    let (sandbox, mut driver) = start(Mode::Async);
    for wrong in
        [json!("x"), json!("-1"), json!("340282366920938463463374607431768211456"), json!(1), json!(null)]
    {
        let answer = driver.call("token.set", &[], json!({"token": wrong}));
        assert_eq!(answer["error"]["kind"], "invalid_request", "{answer}");
    }
    let none = json!({"external_customer_id": "acme", "tracing_token": "0"});
    trace_id(&driver.ask(&trace_with("closure", none, json!([]))), 0);
    let spans = finish(&sandbox, driver, 1);
    assert_eq!((spans[0].flags, &spans[0].parent_span_id), (0x100, &None));
}

#[test]
fn a_script_with_a_mistake_runs_nothing_of_it() {
    let nameless = json!({"op": "ai_call", "system": "s", "operation": "chat", "usage": {}});
    let with_attribute = |value: Value| json!({"op": "ai_call", "name": "n", "system": "s", "operation": "o", "attributes": {"mixed": value}});
    let bodies: [(Value, &str, &str); 10] = [
        (nameless.clone(), "invalid_request", "name"),
        (json!({"op": "spawn", "body": [trace("guard", "c", json!([nameless]))]}), "invalid_request", "name"),
        (json!({"op": "trace", "form": "spiral", "body": []}), "invalid_request", "spiral"),
        (json!({"op": "signal", "kwargs": {"event_name": "e", "nmae": 1}}), "invalid_request", "nmae"),
        (json!({"op": "signal", "kwargs": {"event_name": 1}}), "invalid_request", "event_name"),
        (json!({"op": "fail"}), "invalid_request", "message"),
        (json!(1), "bad_input", "step"),
        (with_attribute(json!(["a", 1])), "bad_input", "mixed"),
        (with_attribute(json!([[1]])), "bad_input", "mixed"),
        (with_attribute(json!({"a": 1})), "bad_input", "mixed"),
    ];
    let (sandbox, mut driver) = start(Mode::Async);
    for (step, kind, named) in bodies {
        let answer = driver.ask(&trace("closure", "acme", json!([signal("e"), step])));
        assert_eq!(answer["error"]["kind"], kind, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(named), "{answer}");
    }
    let metadata = json!({"metadata": {"a": {"$float": "inf"}}});
    let answer = driver.ask(&trace_with("closure", metadata, json!([])));
    assert_eq!(answer["error"]["kind"], "invalid_request", "{answer}");
    finish(&sandbox, driver, 0);
}

#[test]
fn ai_calls_are_spans_of_their_scope_and_an_error_is_theirs_alone() {
    for (mode, form) in ways() {
        let (sandbox, mut driver) = start(mode);
        let call = json!({
            "op": "ai_call", "name": "openai.chat.completions.create", "system": "openai", "operation": "chat",
            "usage": {"input_tokens": 12, "cached_input_tokens": 0},
            "attributes": {"gen_ai.response.model": "m", "ratio": 0.5, "on": true, "gen_ai.prompt.0.content": "secret",
                "gen_ai.response.finish_reasons": ["stop", "length"], "whole": [1, -2], "decimal": [1.0, 2.5],
                "mixed": [1, 2.5], "truth": [true, false], "none": []},
        });
        let failed =
            json!({"op": "ai_call", "name": "failed", "system": "s", "operation": "o", "error": "no luck"});
        let answer = driver.ask(&trace(form, "acme", json!([call, failed, signal("after")])));
        trace_id(&answer, 1);
        let spans = finish(&sandbox, driver, 4);
        let named = |name: &str| spans.iter().find(|span| span.name == format!("paid.trace.{name}")).unwrap();
        let call = named("openai.chat.completions.create");
        assert_eq!(call.parent_span_id.as_ref(), Some(&scope(&spans, "acme").span_id), "{mode:?} {form}");
        assert_eq!(call.attribute("gen_ai.usage.input_tokens"), Some(&AttributeValue::Int(12)));
        assert_eq!(call.attribute("gen_ai.usage.cached_input_tokens"), Some(&AttributeValue::Int(0)));
        assert_eq!(call.attribute("ratio"), Some(&AttributeValue::Double(0.5)));
        assert_eq!(call.attribute("on"), Some(&AttributeValue::Bool(true)));
        let lists = [
            (
                "gen_ai.response.finish_reasons",
                ["stop", "length"].map(|text| AttributeValue::String(text.into())).to_vec(),
            ),
            ("whole", [1, -2].map(AttributeValue::Int).to_vec()),
            ("decimal", [1.0, 2.5].map(AttributeValue::Double).to_vec()),
            ("mixed", [1.0, 2.5].map(AttributeValue::Double).to_vec()),
            ("truth", [true, false].map(AttributeValue::Bool).to_vec()),
            ("none", vec![]),
        ];
        for (key, list) in lists {
            assert_eq!(call.attribute(key), Some(&AttributeValue::Array(list)), "{key}");
        }
        assert_eq!(call.attribute("gen_ai.prompt.0.content"), None, "content is not stored");
        assert_eq!((call.status.code, named("failed").status.code), (StatusCode::Ok, StatusCode::Error));
        assert!(named("failed").status.message.ends_with("no luck"));
        assert_eq!(scope(&spans, "acme").status.code, StatusCode::Ok, "{form}");
    }
}
