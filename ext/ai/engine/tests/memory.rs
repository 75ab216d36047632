//! However long an answer is, little is kept of it.

use bytes::Bytes;

use super::bodies::SSE;
use super::{Answer, told};
use crate::ext::ai::engine::HideUsage;

/// An answer with so many megabytes in its middle.
fn long(answer: &Answer, megabytes: usize, [start, middle, end]: [&[u8]; 3]) -> String {
    let piece = middle.repeat((1 << 20) / middle.len());
    let mut measure = answer.measure();
    assert!(measure.feed(start).is_none());
    for _ in 0..megabytes {
        assert!(measure.feed(&piece).is_none());
    }
    assert!(format!("{measure:?}").len() < 20_000, "what it holds is small");
    let verdict = measure.feed(end).or_else(|| measure.end()).unwrap();
    told(verdict).attributes.join(",")
}

#[test]
fn memory_stays_small_however_long_an_answer_is() {
    let unary = Answer::new("https://api.openai.com/v1/embeddings", "{}", "application/json", "");
    let end = b"0],\"usage\":{\"prompt_tokens\":7}}";
    assert_eq!(long(&unary, 3, [b"{\"data\":[", b"0.123456,", end]), "input_tokens=7");
    let end = b"\"],\"usage\":{\"prompt_tokens\":7}}";
    assert_eq!(long(&unary, 50, [b"{\"data\":[\"", b"abcdefgh", end]), "input_tokens=7");
    let sse = Answer::new("https://api.openai.com/v1/chat/completions", "{\"stream\":true}", SSE, "");
    let end = b"\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":7}}\n\n";
    for (start, middle) in [
        (&b"data: "[..], &b"{\"choices\":[]}\n\ndata: "[..]),
        (b"data: \"", b"abcdefgh"),
        (b"event: ", b"abcdefgh"),
        (b": ", b"abcdefgh"),
        (b"", b"abcdefgh"),
    ] {
        assert_eq!(long(&sse, 3, [start, middle, end]), "input_tokens=7");
    }
}

#[test]
fn what_is_held_back_stays_small() {
    let mut hide = HideUsage::new(SSE).unwrap();
    let (mut fed, mut passed) = (0, 0);
    for _ in 0..2000 {
        let piece = Bytes::from(vec![b'x'; 1000]);
        fed += piece.len();
        passed += hide.filter(piece).len();
        assert!(fed - passed <= 65 * 1024);
    }
    assert_eq!(passed + hide.end().len(), fed);
}
