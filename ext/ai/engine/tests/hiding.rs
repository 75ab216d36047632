//! The usage chunk is hidden, and nothing else is changed.

use bytes::Bytes;

use super::bodies::{SSE, USAGE_CHUNK, chat_stream, chat_tools_stream, streams};
use crate::ext::ai::engine::HideUsage;

fn passed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut hide = HideUsage::new(SSE).unwrap();
    let mut out: Vec<u8> = Vec::new();
    for piece in pieces {
        out.extend_from_slice(&hide.filter(Bytes::copy_from_slice(piece)));
    }
    out.extend_from_slice(&hide.end());
    out
}

#[test]
fn the_usage_chunk_alone_is_hidden_however_it_is_cut() {
    for line_end in ["\n", "\r\n", "\r"] {
        let with = |text: &str| text.replace('\n', line_end);
        let body = with(&String::from_utf8(chat_stream().body).unwrap());
        let expected = body.replace(&with(USAGE_CHUNK), "");
        assert!(expected.len() < body.len());
        let body = body.as_bytes();
        for first in 0..=body.len() {
            let (one, rest) = body.split_at(first);
            let (two, three) = rest.split_at(rest.len().min(2));
            assert_eq!(passed([one, two, three]), expected.as_bytes(), "{line_end:?} at {first}");
        }
        assert_eq!(passed(body.chunks(1)), expected.as_bytes());
        let unfinished = &body[..body.len() - with("\n\ndata: [DONE]\n\n").len()];
        assert_eq!(passed(unfinished.chunks(5)), unfinished, "an event without its end is passed");
    }
    let tools = String::from_utf8(chat_tools_stream().body).unwrap();
    let start = tools.find("data: {\"model\":\"gpt-4o-mini\",\"choices\":[],").unwrap();
    let end = tools.find("data: [DONE]").unwrap();
    assert_eq!(passed(tools.as_bytes().chunks(3)), [&tools[..start], &tools[end..]].concat().as_bytes());
}

#[test]
fn the_end_of_a_choice_waits_for_the_usage_behind_it() {
    let word =
        "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\n\n";
    let last = "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"}]}\n\n";
    let usage = "data: {\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n";
    let done = "data: [DONE]\n\n";
    let mut hide = HideUsage::new(SSE).unwrap();
    let mut filter = |text: &str| String::from_utf8(hide.filter(text.to_string().into()).to_vec()).unwrap();
    assert_eq!(filter(word), word);
    // Of two choices, the first one waits for the second.
    assert_eq!(filter(last), "");
    assert_eq!(filter(last), last);
    assert_eq!(filter(": ping\n\n"), "");
    let (one, two) = usage.split_at(20);
    assert_eq!(filter(one), "");
    assert_eq!(filter(two), format!("{last}: ping\n\n"));
    assert_eq!(filter(done), done);
    // Where no usage comes, it waits for whatever does.
    let (one, two) = last.split_at(last.find("reason").unwrap());
    assert_eq!(filter(one), one);
    assert_eq!(filter(two), "");
    assert_eq!(filter(done), [two, done].concat());
    assert_eq!(filter(last), "");
    assert_eq!(hide.end(), last);
}

#[test]
fn other_streams_and_chunks_pass() {
    for (answer, _) in streams().into_iter().skip(2) {
        assert_eq!(passed(answer.body.chunks(11)), answer.body, "{}", answer.url);
    }
    for event in [
        "data: {\"choices\":[{}],\"usage\":{\"a\":1}}\n\n",
        "data: {\"choices\":[],\"usage\":null}\n\n",
        "data: {\"usage\":{\"a\":1}}\n\n",
        "data: {\"choices\":[],\"prompt_filter_results\":[{\"usage\":{\"a\":1}}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"a\":1}\n\n",
        "\n\n\n: comment\n\n",
    ] {
        assert_eq!(String::from_utf8(passed(event.as_bytes().chunks(4))).unwrap(), event);
    }
    let kept = ": ping\n\n\ndata: {\"choices\":[],\"usage\":{\"a\":1}}\n\n";
    assert_eq!(passed([kept.as_bytes()]), b": ping\n\n\n");
    let long =
        format!("data: {{\"a\":\"{}\",\"usage\":{{\"b\":1}},\"choices\":[]}}\n\n", "x".repeat(200_000));
    assert_eq!(passed(long.as_bytes().chunks(1000)), long.as_bytes(), "too long to be held");
    let long = format!("data: {{\"choices\":[],\"usage\":{{\"b\":1}},\"a\":\"{}\"}}\n\n", "x".repeat(66_000));
    assert_eq!(passed(long.as_bytes().chunks(1000)), long.as_bytes(), "too long to be held");
    assert_eq!(passed([long.as_bytes()]), long.as_bytes(), "when it comes whole, too");
    assert!(HideUsage::new("application/json").is_none());
}

#[test]
fn pieces_without_the_chunk_go_on_as_they_are() {
    let mut hide = HideUsage::new(SSE).unwrap();
    let piece = Bytes::from_static(
        b"data: {\"choices\":[{\"delta\":{}}]}\n\ndata: {\"choices\":[{\"delta\":{}}]}\n\n",
    );
    assert_eq!(hide.filter(piece.clone()).as_ptr(), piece.as_ptr(), "without a copy");
    let part = Bytes::from_static(b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a");
    assert_eq!(hide.filter(part.clone()).as_ptr(), part.as_ptr(), "known before its end");
}

#[test]
fn any_bytes_pass_alike_however_they_are_cut() {
    let words: [&[u8]; 9] = [
        b"data: ",
        b"\n",
        b"\r\n",
        b"\r",
        b"{\"choices\":[],\"usage\":{\"a\":1}}",
        b"{\"choices\":[1]}",
        b": x",
        b"\xff",
        b"event: e",
    ];
    for seed in 0..3000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let body: Vec<u8> =
            (0..rng.usize(..30)).flat_map(|_| words[rng.usize(..words.len())].to_vec()).collect();
        let whole = passed([&body[..]]);
        assert_eq!(
            passed(body.chunks(rng.usize(1..9))),
            whole,
            "{seed}: {:?}",
            String::from_utf8_lossy(&body)
        );
    }
}
