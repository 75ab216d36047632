//! Gemini's Interactions API: interactions that fail, go on, or break off. Those that succeed are among the others.

use super::bodies::{INTERACTIONS_REQUEST, INTERACTIONS_URL, JSON, SSE, interactions_stream};
use super::{Answer, Told, recognized};

fn unary(body: &str) -> Told {
    let answer = Answer::new(INTERACTIONS_URL, "{}", JSON, body);
    let told = answer.told();
    assert_eq!(answer.fed(body.as_bytes().chunks(1)).0, told, "{body}");
    told
}

fn stream(body: &str) -> Told {
    let answer = Answer::new(INTERACTIONS_URL, INTERACTIONS_REQUEST, SSE, body);
    let told = answer.told();
    assert_eq!(answer.fed(body.as_bytes().chunks(1)).0, told, "{body}");
    told
}

const MISSING: &str = "paid.usage.missing=";

#[test]
fn the_agent_is_told_where_there_is_no_model() {
    let call =
        recognized(INTERACTIONS_URL, r#"{"agent":"deep-research-preview","input":"hi","background":true}"#);
    let attributes = call.unwrap().attributes;
    assert_eq!((attributes[0].key.as_str(), attributes.len()), ("gen_ai.agent.name", 1));
    assert_eq!(attributes[0].value.as_str(), "deep-research-preview");
    assert_eq!(recognized(INTERACTIONS_URL, r#"{"model":"m"}"#).unwrap().attributes, []);
}

#[test]
fn an_interaction_that_goes_on_is_not_counted_as_if_it_had_ended() {
    let reason = format!("{MISSING}the answer came before the work was done");
    for (status, usage) in
        [("in_progress", ""), ("queued", ""), ("in_progress", r#","usage":{"total_tokens":0}"#)]
    {
        let told = unary(&format!(r#"{{"id":"v1_a","status":"{status}","agent":"a"{usage}}}"#));
        assert_eq!(told, Told { attributes: vec![reason.clone()], status: "Ok".into() });
    }
    let told = unary(r#"{"usage":{"total_input_tokens":0,"total_output_tokens":0},"status":"in_progress"}"#);
    assert_eq!(told.attributes.last(), Some(&reason), "counts so far are none");
    for status in ["completed", "requires_action", "incomplete", "budget_exceeded"] {
        let told = unary(&format!(
            r#"{{"status":"{status}","model":"m","usage":{{"total_input_tokens":1,"total_output_tokens":2}}}}"#
        ));
        let attributes = ["input_tokens=1", "output_tokens=2", "response.model=m"];
        assert_eq!((told.status.as_str(), told.attributes), ("Ok", attributes.map(str::to_string).to_vec()));
    }
    let untold = unary(r#"{"status":"completed"}"#);
    assert_eq!(untold.attributes, [format!("{MISSING}the answer tells none")]);
}

#[test]
fn an_interaction_that_failed_is_told_with_what_it_used() {
    for (body, status) in [
        (
            r#"{"status":"failed","errors":[{"code":"internal","message":"First"},{"code":"x","message":"Second"}],
            "usage":{"total_input_tokens":1}}"#,
            "internal: First",
        ),
        (
            r#"{"status":"failed","error":{"code":"quota","message":"Too much"},"usage":{"total_input_tokens":1}}"#,
            "quota: Too much",
        ),
        (
            r#"{"usage":{"total_input_tokens":1},"status":"failed"}"#,
            "ApiError: the provider reported an error",
        ),
    ] {
        assert_eq!(unary(body), Told { attributes: vec!["input_tokens=1".into()], status: status.into() });
    }
    let warned = unary(
        r#"{"status":"completed","errors":[{"code":"a","message":"b"}],"usage":{"total_input_tokens":1}}"#,
    );
    assert_eq!(warned.status, "Ok");
}

#[test]
fn errors_within_a_stream_are_told() {
    for (body, status) in [
        (
            "event: error\ndata: {\"error\":{\"message\":\"Too late.\",\"code\":\"gateway_timeout\"},\"event_type\":\"error\"}\n\n",
            "gateway_timeout: Too late.",
        ),
        ("data: {\"event_type\":\"error\"}\n\n", "ApiError: the provider reported an error"),
        (
            "data: {\"event_type\":\"interaction.completed\",\"interaction\":{\"status\":\"failed\",\"errors\":[{\"message\":\"Oh\"}]}}\n\n",
            "ApiError: Oh",
        ),
        (
            "data: {\"interaction\":{\"status\":\"failed\"},\"event_type\":\"interaction.completed\"}\n\n",
            "ApiError: the provider reported an error",
        ),
    ] {
        assert_eq!(stream(body), Told { attributes: vec![], status: status.into() }, "{body}");
    }
}

#[test]
fn a_stream_that_breaks_off_keeps_what_is_known_so_far() {
    let answer = interactions_stream();
    let at = answer.body.windows(9).position(|part| part == b"step.stop").unwrap();
    let told = answer.dropped_after(at);
    assert_eq!(told.status, "StreamDropped: the stream was dropped before its end");
    assert_eq!(
        told.attributes,
        ["input_tokens=7", "output_tokens=1", "response.model=gemini-3-flash-preview"]
    );
    let cut = Answer { body: answer.body[..at].to_vec(), ..answer };
    let reason = format!("{MISSING}the stream ended before all of it was told");
    assert_eq!(cut.told().attributes.last(), Some(&reason));
}

#[test]
fn the_first_revision_of_the_api_is_read_too() {
    let body = "event: interaction.start\n\
        data: {\"event_type\":\"interaction.start\",\"interaction\":{\"id\":\"v1_a\",\"model\":\"m\",\"status\":\"in_progress\"}}\n\n\
        event: content.delta\ndata: {\"event_type\":\"content.delta\",\"index\":0,\"delta\":{\"type\":\"text\",\"text\":\"a\"}}\n\n\
        event: interaction.complete\n\
        data: {\"event_type\":\"interaction.complete\",\"interaction\":{\"status\":\"completed\",\"usage\":{\"total_input_tokens\":1,\"total_output_tokens\":2}}}\n\n";
    let answer = Answer::new(INTERACTIONS_URL, INTERACTIONS_REQUEST, SSE, body);
    let (told, pieces) = answer.fed(body.as_bytes().chunks(1));
    assert_eq!(told.attributes, ["input_tokens=1", "output_tokens=2", "response.model=m"]);
    assert_eq!(pieces, body.len(), "told without [DONE]");
}
