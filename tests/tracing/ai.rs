//! Calls of AI providers, measured by hand.

use paid::ai::AiCall;
use paid_sandbox::{ReceivedSpan, StatusCode};

use super::{spans, start};

fn named<'a>(spans: &'a [ReceivedSpan], name: &str) -> &'a ReceivedSpan {
    spans.iter().find(|span| span.name == name).expect(name)
}

#[test]
fn a_call_is_a_span_with_what_it_used() {
    let (sandbox, client) = start();
    client.paid_tracing("acme").external_agent_id("bot").metadata([("k", "v")]).run(|| {
        let mut call = AiCall::start("openai.chat.completions.create", "openai", "chat");
        call.usage("input_tokens", 100)
            .usage("cached_input_tokens", 0)
            .attribute("gen_ai.response.model", "gpt-4.1");
        call.attribute("gen_ai.response.model", "gpt-4.1-mini").attribute("temperature", 0.5);
        call.finish();
        AiCall::start("dropped", "s", "o").usage("output_tokens", 1);
        client.signal("done").enable_cost_tracing(true).send().unwrap();
    });
    let spans = spans(&sandbox, 4);
    let call = named(&spans, "paid.trace.openai.chat.completions.create");
    assert_eq!(call.parent_span_id.as_ref(), Some(&named(&spans, "paid.trace.parent_span").span_id));
    assert_eq!(
        (call.text("gen_ai.system"), call.text("gen_ai.operation.name")),
        (Some("openai"), Some("chat"))
    );
    assert_eq!((call.text("external_customer_id"), call.text("metadata.k")), (Some("acme"), Some("v")));
    assert_eq!(call.text("gen_ai.response.model"), Some("gpt-4.1-mini"));
    let count = |name: &str| call.attribute(name).and_then(|value| value.as_i64());
    assert_eq!(
        (count("gen_ai.usage.input_tokens"), count("gen_ai.usage.cached_input_tokens")),
        (Some(100), Some(0))
    );
    assert_eq!(call.status.code, StatusCode::Ok);
    assert_eq!(named(&spans, "paid.trace.dropped").status.code, StatusCode::Ok);
    assert_eq!(sandbox.traced_signals()[0].linked.len(), 2, "both calls cost something");
}

#[test]
fn content_is_dropped_unless_the_scope_stores_it() {
    let (sandbox, client) = start();
    let call = || {
        let mut call = AiCall::start("chat", "openai", "chat");
        for key in
            ["gen_ai.prompt.0.content", "gen_ai.output.messages", "langchain.tool.input", "input.value"]
        {
            call.attribute(key, "a secret of the customer");
        }
        call.attribute("gen_ai.completion_tokens", 7);
    };
    client.paid_tracing("without").run(call);
    client.paid_tracing("with").store_prompt(true).run(call);
    let spans = spans(&sandbox, 4);
    let attributes = |customer: &str| {
        let call = spans.iter().find(|span| {
            span.name == "paid.trace.chat" && span.text("external_customer_id") == Some(customer)
        });
        call.unwrap().attributes.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>()
    };
    assert!(
        !attributes("without")
            .iter()
            .any(|key| key.contains("prompt") || key.contains("messages") || key.contains("value"))
    );
    assert!(attributes("without").contains(&"gen_ai.completion_tokens".to_string()));
    assert_eq!(attributes("with").len(), attributes("without").len() + 4);
    let bodies: Vec<u8> =
        sandbox.requests().iter().flat_map(|request| request.content().unwrap().into_owned()).collect();
    let count = String::from_utf8_lossy(&bodies).matches("a secret of the customer").count();
    assert_eq!(count, 4);
}

#[test]
fn a_failed_call_says_why_and_the_scope_goes_on() {
    let (sandbox, client) = start();
    client.trace("acme", || {
        AiCall::start("one", "s", "o").fail("429 Too Many Requests");
        let result = std::panic::catch_unwind(|| {
            let _call = AiCall::start("two", "s", "o");
            panic!("no");
        });
        assert!(result.is_err());
    });
    AiCall::start("outside", "s", "o").finish();
    let spans = spans(&sandbox, 3);
    assert!(named(&spans, "paid.trace.one").status.message.ends_with("429 Too Many Requests"));
    assert_eq!(named(&spans, "paid.trace.two").status.code, StatusCode::Error);
    assert_eq!(named(&spans, "paid.trace.parent_span").status.code, StatusCode::Ok);
}
