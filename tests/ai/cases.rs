//! Every case from the field, watched: whole, byte by byte, and at other cuts.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use paid_sandbox::ReceivedSpan;

use super::ai_support::cases::{Answer, Case, all};
use super::{calls, start};

fn headers(answer: &Answer) -> HeaderMap {
    let pairs = answer
        .response_headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap()));
    pairs.collect()
}

/// The answer's body in pieces: as it was sent, whole, in bytes, and at random.
fn cuts(answer: &Answer) -> Vec<Vec<Vec<u8>>> {
    let body = answer.body();
    let mut cuts = vec![answer.chunks(), vec![body.clone()], body.chunks(1).map(<[u8]>::to_vec).collect()];
    for seed in 0..4 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut rest, mut pieces) = (&body[..], Vec::new());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rng.usize(1..=rest.len()));
            pieces.push(piece.to_vec());
            rest = after;
        }
        cuts.push(pieces);
    }
    cuts
}

fn watched(case: &Case, answer: &Answer, pieces: &[Vec<u8>]) {
    let mut call = case.providers().watch(&case.method, &case.url, &case.request_body);
    call.answered(StatusCode::from_u16(answer.status).unwrap(), &headers(answer));
    for piece in pieces {
        call.feed(piece);
    }
    call.end();
}

#[test]
fn every_case_is_told_as_it_has_to_be_however_it_is_cut() {
    let mut wrong = Vec::new();
    // By hand, nothing is asked for that could be refused.
    for case in all().into_iter().filter(|case| case.then.is_none()) {
        let (sandbox, client) = start();
        let answer = &case.answer;
        let cuts = cuts(answer);
        client.paid_tracing("acme").run(|| cuts.iter().for_each(|pieces| watched(&case, answer, pieces)));
        let check = || {
            let calls = calls(&sandbox, &client, if case.expect.span { cuts.len() } else { 0 });
            let told =
                |span: &ReceivedSpan| format!("{:?} {:?} {:?}", span.attributes, span.status, span.name);
            for call in &calls {
                case.assert_told(call, "watched");
                assert_eq!(told(call), told(&calls[0]), "{}", case.id);
            }
        };
        // All of those that are wrong are of interest, not the first one alone.
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).is_err() {
            wrong.push(case.id.clone());
        }
    }
    assert_eq!(wrong, [""; 0]);
}
