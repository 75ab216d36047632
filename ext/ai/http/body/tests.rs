//! Bodies made by hand.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::VecDeque;
use std::task::Waker;

use http::HeaderMap;

use super::*;

const EVENT: &str = "data: {\"choices\":[{}]}\n\n";
const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n";
/// It may be the one that is hidden.
const HALF: &str = "data: {\"cho";

enum Step {
    Data(&'static str),
    Trailers,
    Fail(&'static str),
    Wait,
    /// Comes once, as an end.
    End,
}

use Step::{Data, End, Fail, Trailers, Wait};

struct Made {
    steps: VecDeque<Step>,
    /// Whether it says that it is over before it is asked.
    tells_end: bool,
}

impl Body for Made {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(match self.steps.pop_front() {
            Some(Data(text)) => Some(Ok(Frame::data(Bytes::from_static(text.as_bytes())))),
            Some(Trailers) => {
                let trailers = HeaderMap::from_iter([(http::header::ETAG, "x".parse().unwrap())]);
                Some(Ok(Frame::trailers(trailers)))
            }
            Some(Fail(error)) => Some(Err(error)),
            Some(Wait) => return Poll::Pending,
            Some(End) | None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.tells_end && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let length = |step: &Step| if let Data(text) = step { text.len() as u64 } else { 0 };
        SizeHint::with_exact(self.steps.iter().map(length).sum())
    }
}

fn watched<const N: usize>(steps: [Step; N], tells_end: bool, hides: bool) -> WatchedBody<Made> {
    let hide = hides.then(|| HideUsage::new("text/event-stream").unwrap());
    WatchedBody::new(Made { steps: steps.into(), tells_end }, None, hide)
}

/// The next frame: data as it is, else what it is.
fn next(body: &mut WatchedBody<Made>) -> String {
    assert_truthful(body);
    let mut context = Context::from_waker(Waker::noop());
    match Pin::new(body).poll_frame(&mut context) {
        Poll::Pending => "pending".into(),
        Poll::Ready(None) => "end".into(),
        Poll::Ready(Some(Err(error))) => error.into(),
        Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
            Ok(bytes) => String::from_utf8(bytes.into()).unwrap(),
            Err(other) => format!("trailers {}", other.into_trailers().unwrap().len()),
        },
    }
}

/// What a body says of itself fits what it can still bring.
fn assert_truthful(body: &WatchedBody<Made>) {
    let rest = body.inner.size_hint().exact().unwrap();
    let hint = body.size_hint();
    if body.hide.is_none() {
        assert_eq!(hint.exact(), Some(rest));
    }
    if body.is_end_stream() {
        assert!(body.next.is_none() && rest == 0);
        assert!(body.hide.is_none() || body.ended);
    }
    assert!(hint.exact().is_none() || hint.exact() == Some(rest));
}

#[track_caller]
fn assert_frames<const N: usize>(mut body: WatchedBody<Made>, frames: [&str; N]) {
    for frame in frames {
        assert_eq!(next(&mut body), frame);
    }
}

#[test]
fn bytes_that_are_held_come_before_an_error() {
    for tells_end in [false, true] {
        let body = watched([Data(EVENT), Data(HALF), Fail("cut")], tells_end, true);
        assert_frames(body, [EVENT, HALF, "cut", "end", "end"]);
        let body = watched([Data(HALF), Wait, Fail("cut")], tells_end, true);
        assert_frames(body, ["pending", HALF, "cut", "end"]);
        // With nothing held, it comes at once.
        let body = watched([Data(EVENT), Fail("cut")], tells_end, true);
        assert_frames(body, [EVENT, "cut", "end"]);
        let body = watched([Data(EVENT), Data(USAGE), Fail("cut")], tells_end, true);
        assert_frames(body, [EVENT, "cut", "end"]);
    }
}

#[test]
fn bytes_that_are_held_come_before_trailers() {
    for tells_end in [false, true] {
        let body = watched([Data(EVENT), Data(HALF), Trailers], tells_end, true);
        assert_frames(body, [EVENT, HALF, "trailers 1", "end", "end"]);
        let body = watched([Data(USAGE), Trailers], tells_end, true);
        assert_frames(body, ["trailers 1", "end"]);
        let body = watched([Data(HALF), Trailers], tells_end, false);
        assert_frames(body, [HALF, "trailers 1", "end"]);
    }
}

#[test]
fn bytes_that_are_held_come_before_the_end() {
    for tells_end in [false, true] {
        let body = watched([Data(EVENT), Data(HALF)], tells_end, true);
        assert!(!body.is_end_stream());
        assert_frames(body, [EVENT, HALF, "end", "end"]);
        let body = watched([Data(EVENT), Data(USAGE)], tells_end, true);
        assert_frames(body, [EVENT, "end", "end"]);
    }
}

#[test]
fn a_body_that_has_ended_stays_ended() {
    for hides in [false, true] {
        let mut body = watched([Data(EVENT), End, Data(EVENT), Fail("late")], false, hides);
        assert_eq!((next(&mut body), body.is_end_stream()), (EVENT.to_string(), false));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            assert!(matches!(Pin::new(&mut body).poll_frame(&mut context), Poll::Ready(None)));
            assert!(body.is_end_stream());
            assert_eq!(body.size_hint().exact(), Some(0));
        }
    }
}

#[test]
fn the_length_is_told_unless_something_may_be_taken_out() {
    let length = EVENT.len() as u64;
    let mut body = watched([Data(EVENT), Data(EVENT)], true, false);
    assert_eq!(body.size_hint().exact(), Some(2 * length));
    next(&mut body);
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(length), false));
    next(&mut body);
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(0), true));

    let body = watched([Data(EVENT), Data(USAGE)], true, true);
    assert_eq!((body.size_hint().lower(), body.size_hint().upper()), (0, None));
    let body = watched([], true, true);
    assert!(!body.is_end_stream(), "it is known when it is asked");
    assert!(watched([], true, false).is_end_stream());
}

#[test]
fn without_anything_to_hide_frames_pass_as_they_are() {
    let body = watched([Data(""), Wait, Data(USAGE), Fail("one"), Data(HALF), Fail("two")], false, false);
    assert_frames(body, ["", "pending", USAGE, "one", HALF, "two", "end"]);
    let body = watched([Data(""), Data(HALF), Data(""), Data("ices\":[1]}\n\n")], false, true);
    assert_frames(body, ["", "", "data: {\"choices\":[1]}\n\n", "end"]);
}
