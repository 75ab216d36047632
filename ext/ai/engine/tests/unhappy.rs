//! Answers that fail, break off, or tell nothing.

use super::bodies::{self, AWS, JSON, SSE, aws_message};
use super::{Answer, Told, told};

const CHAT: &str = "https://api.openai.com/v1/chat/completions";
const STREAM: &str = r#"{"stream":true}"#;
const MISSING: &str = "paid.usage.missing=";

fn failed(answer: &Answer) -> Told {
    let told = answer.told();
    assert!(told.status != "Ok" && told.attributes.iter().all(|one| !one.contains("missing")), "{told:?}");
    told
}

#[test]
fn a_status_of_failure_is_told_with_the_providers_words() {
    let body = r#"{"error":{"message":"Slow down, see https://platform.openai.com/limits.","type":"requests","code":"rate_limit_exceeded"}}"#;
    let answer = Answer::new(CHAT, "{}", JSON, body).status(429);
    let expected = "ApiError: 429 Too Many Requests: requests: Slow down, see [url].";
    assert_eq!(failed(&answer), Told { attributes: vec![], status: expected.into() });
    for cut in 0..body.len() {
        let (one, two) = body.as_bytes().split_at(cut);
        assert_eq!(answer.fed([one, two]).0.status, expected);
        assert!(answer.dropped_after(cut).status.starts_with("ApiError: 429 Too Many Requests"));
    }
    let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(100_000));
    let answer = Answer::new(CHAT, "{}", JSON, long).status(500);
    assert!(failed(&answer).status.len() < 400);
    let answer = Answer::new(CHAT, "{}", "text/html", "<html>").status(502);
    assert_eq!(failed(&answer).status, "ApiError: 502 Bad Gateway");
    let answer = Answer::new(CHAT, "{}", "", "").status(599);
    assert_eq!(failed(&answer).status, "ApiError: 599");
    let images = Answer::new("https://api.openai.com/v1/images/generations", "{}", JSON, "").status(400);
    assert_eq!(failed(&images).attributes, [""; 0], "images that were not made");
    let url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse";
    let answer = Answer::new(url, "{}", JSON, r#"{"message":"Slow down"}"#)
        .status(429)
        .header("x-amzn-errortype", "ThrottlingException:http://internal.amazon.com/coral/");
    assert_eq!(failed(&answer).status, "ApiError: 429 Too Many Requests: ThrottlingException: Slow down");
}

#[test]
fn errors_within_a_stream_are_told() {
    let exception = |kind: &str, name: (&str, &str), payload: &str| {
        aws_message(&[(":message-type", kind), name, (":error-message", "Gone")], payload.as_bytes())
    };
    let bedrock = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse-stream";
    for (url, content_type, body, status) in [
        (
            "https://api.anthropic.com/v1/messages",
            SSE,
            b"event: error\ndata: {\"type\": \"error\", \"error\": {\"type\": \"overloaded_error\", \"message\": \"Overloaded\"}}\n\n".to_vec(),
            "overloaded_error: Overloaded",
        ),
        (CHAT, SSE, b"data: {\"error\":{\"message\":\"Busy\",\"type\":\"server_error\",\"code\":null}}\n\n".to_vec(), "server_error: Busy"),
        (CHAT, SSE, b"event: error\ndata: {\"message\":\"Busy\"}\n\n".to_vec(), "ApiError: Busy"),
        (CHAT, SSE, b"event: error\ndata: nonsense\n\n".to_vec(), "ApiError: the provider reported an error"),
        (
            "https://api.openai.com/v1/responses",
            SSE,
            b"data: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"Oh\",\"param\":null}\n\n".to_vec(),
            "server_error: Oh",
        ),
        (
            "https://api.openai.com/v1/responses",
            SSE,
            b"data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\",\"message\":\"Oh\"},\"usage\":null}}\n\n".to_vec(),
            "server_error: Oh",
        ),
        (
            "https://api.openai.com/v1/responses",
            SSE,
            b"data: {\"type\":\"response.failed\",\"response\":{\"error\":null}}\n\n".to_vec(),
            "ApiError: the provider reported an error",
        ),
        (
            "https://generativelanguage.googleapis.com/v1beta/models/g:streamGenerateContent",
            JSON,
            b"[{\"error\":{\"code\":503,\"message\":\"Busy\",\"status\":\"UNAVAILABLE\"}}]".to_vec(),
            "UNAVAILABLE: Busy",
        ),
        (
            bedrock,
            AWS,
            exception("exception", (":exception-type", "throttlingException"), r#"{"message":"Slow down"}"#),
            "throttlingException: Slow down",
        ),
        (bedrock, AWS, exception("error", (":error-code", "InternalFailure"), ""), "InternalFailure: Gone"),
    ] {
        let answer = Answer::new(url, STREAM, content_type, body);
        assert_eq!(failed(&answer).status, status, "{url}");
        assert_eq!(answer.fed(answer.body.chunks(1)).0.status, status, "{url}");
    }
}

#[test]
fn an_answer_without_usage_says_why() {
    let broken = {
        let mut body = bodies::converse_stream().body;
        body[20] ^= 1;
        body
    };
    let bedrock = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse-stream";
    for (url, request, content_type, body, reason) in [
        (CHAT, "{}", JSON, b"".to_vec(), "the answer tells none"),
        (CHAT, "{}", JSON, b"{\"error\":\"\"}".to_vec(), "the answer tells none"),
        (CHAT, "{}", "", b"".to_vec(), "the answer tells none"),
        (CHAT, "{}", JSON, b"{}".to_vec(), "the answer tells none"),
        (CHAT, "{}", JSON, b"<html>".to_vec(), "the answer is not JSON"),
        (CHAT, "{}", "text/plain", b"hi".to_vec(), "the answer is not JSON"),
        (CHAT, "{}", JSON, b"{\"usage\":{\"prompt_tokens\":1".to_vec(), "the answer was cut off"),
        (CHAT, STREAM, SSE, b"data: {\"choices\":[]}\n\ndata: [DONE]\n\n".to_vec(), "the answer tells none"),
        (bedrock, "{}", AWS, broken, "the event stream is broken"),
        (bedrock, "{}", AWS, bodies::converse_stream().body[..100].to_vec(), "the answer was cut off"),
    ] {
        let told = Answer::new(url, request, content_type, body).told();
        assert_eq!(told.status, "Ok");
        assert_eq!(told.attributes.last(), Some(&format!("{MISSING}{reason}")), "{url}");
    }
    for (encoding, reason) in [
        ("br", "the answer is compressed"),
        ("gzip, br", "the answer is compressed"),
        ("gzip", "the answer can't be unpacked"),
    ] {
        let compressed =
            Answer::new(CHAT, "{}", JSON, "no gzip at all").header("content-encoding", encoding).told();
        assert_eq!(compressed.attributes, [format!("{MISSING}{reason}")]);
    }
    let unread = Answer::new(CHAT, "{}", JSON, "{}").dropped_after(0);
    assert_eq!(
        unread,
        Told { attributes: vec![format!("{MISSING}the body was not read to its end")], status: "Ok".into() }
    );
    let anthropic = bodies::anthropic_stream();
    let cut = Answer { body: anthropic.body[..600].to_vec(), ..anthropic };
    let told = cut.told();
    assert!(told.attributes.contains(&"input_tokens=25".into()));
    assert!(told.attributes.contains(&format!("{MISSING}the stream ended before all of it was told")));
}

#[test]
fn a_call_that_is_not_answered_failed() {
    let measure = || super::Measure::new(&super::recognized(CHAT, "{}").unwrap());
    let dropped = told(measure().dropped(false).unwrap());
    assert_eq!(dropped.status, "Cancelled: the call was dropped before its answer");
    assert_eq!(told(measure().dropped(true).unwrap()).status, "panic: the code panicked");
    let failed = told(
        measure()
            .fail("reqwest::error::Error", "error sending request for url (https://h/m:generate?key=SECRET)")
            .unwrap(),
    );
    assert_eq!(failed.status, "Error: error sending request for url ([url])");
    let mut unheard = measure();
    let body = br#"{"usage":{"prompt_tokens":1}}"#;
    assert_eq!(told(unheard.feed(body).unwrap()).attributes, ["input_tokens=1"], "a head is not needed");
    let mut over = measure();
    assert!(over.fail("a", "b").is_some());
    assert!(over.feed(b"{}").is_none() && over.end().is_none() && over.dropped(false).is_none());
    over.answered(200, |_| None);
    assert!(over.end().is_none(), "a call ends once");
}

#[test]
fn a_stream_that_breaks_off_keeps_what_is_known() {
    let answer = bodies::anthropic_stream();
    let mut measure = answer.measure();
    assert!(measure.feed(&answer.body[..600]).is_none());
    let told = told(measure.fail("io::Error", "connection reset").unwrap());
    assert_eq!(told.status, "Error: connection reset");
    assert!(told.attributes.contains(&"input_tokens=25".into()), "{told:?}");
}

#[test]
fn what_comes_after_the_end_counts_nothing_in_the_same_piece_either() {
    let list = "https://generativelanguage.googleapis.com/v1beta/models/g:streamGenerateContent";
    let part = r#"{"usageMetadata":{"promptTokenCount":1}}"#;
    let later = r#"{"usageMetadata":{"promptTokenCount":9}}"#;
    for (url, body, expected) in [
        (CHAT, "{}}".to_string(), "Ok paid.usage.missing=the answer tells none"),
        (CHAT, r#"{"usage":{"prompt_tokens":1}} <html>"#.into(), "Ok input_tokens=1"),
        (list, format!("[{part}]{later}"), "Ok input_tokens=1,request.model=g"),
        (
            list,
            format!(r#"[{part},{{"error":{{"message":"Busy"}}}},{later}]"#),
            "ApiError: Busy input_tokens=1,request.model=g",
        ),
    ] {
        let answer = Answer::new(url, "{}", JSON, body.clone());
        for told in [answer.told(), answer.fed(body.as_bytes().chunks(1)).0] {
            let reported = told.attributes.iter().filter(|one| !one.ends_with("all of it was told"));
            let reported: Vec<_> = reported.cloned().collect();
            assert_eq!(format!("{} {}", told.status, reported.join(",")), expected, "{body}");
        }
    }
}

#[test]
fn space_before_events_that_are_misnamed_is_nothing() {
    let body = b" \n data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n";
    let answer = Answer::new(CHAT, STREAM, "text/plain", *body);
    let expected = Told { attributes: vec!["input_tokens=1".into()], status: "Ok".into() };
    assert_eq!((answer.told(), answer.fed(body.chunks(1)).0), (expected.clone(), expected));
}
