//! Tokens: one trace over several processes.

use paid::tracing::{TracingToken, generate_tracing_token, with_tracing_token};

use super::{of, parents, spans, start};

#[test]
fn a_token_joins_the_trace_under_a_span_that_is_elsewhere() {
    let (sandbox, client) = start();
    let token = generate_tracing_token();
    let stored = token.to_string();
    client.paid_tracing("one").tracing_token(token).run(|| ());
    client
        .paid_tracing("two")
        .tracing_token(stored.parse::<TracingToken>().unwrap())
        .run(|| client.trace("inner", || ()));
    client.paid_tracing("none").tracing_token(None).run(|| ());
    let spans = spans(&sandbox, 4);
    let (one, two, inner) = (of(&spans, "one"), of(&spans, "two"), of(&spans, "inner"));
    assert_eq!(
        (one.trace_id.as_str(), two.trace_id.as_str()),
        (token.to_hex().as_str(), token.to_hex().as_str())
    );
    assert_eq!((one.flags, two.flags, inner.flags), (0x300, 0x300, 0x100));
    assert!(one.parent_span_id.is_some() && one.parent_span_id != two.parent_span_id);
    assert!(
        !spans.iter().any(|span| Some(&span.span_id) == one.parent_span_id.as_ref()),
        "it is never exported"
    );
    assert_eq!(inner.parent_span_id.as_ref(), Some(&two.span_id));
    assert_ne!(of(&spans, "none").trace_id, one.trace_id);
}

#[test]
fn a_scoped_token_holds_inside_and_for_nobody_else() {
    let (sandbox, client) = start();
    let (one, two) = (generate_tracing_token(), generate_tracing_token());
    std::thread::scope(|scope| {
        for (token, name) in [(one, "one"), (two, "two")] {
            let client = &client;
            scope.spawn(move || with_tracing_token(token, || client.trace(name, || ())));
        }
    });
    client.trace("outside", || ());
    let spans = spans(&sandbox, 3);
    assert_eq!(parents(&spans).len(), 3);
    assert_eq!(
        (of(&spans, "one").trace_id.as_str(), of(&spans, "two").trace_id.as_str()),
        (&*one.to_hex(), &*two.to_hex())
    );
    assert_ne!(of(&spans, "outside").trace_id, one.to_hex());
}

#[test]
fn a_token_is_text_in_both_forms_and_nothing_else() {
    let token = TracingToken::try_from(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef_u128).unwrap();
    assert_eq!(token.to_hex(), "0123456789abcdef0123456789abcdef");
    assert_eq!(token.to_string(), "1512366075204170929049582354406559215");
    assert_eq!(serde_json::to_string(&token).unwrap(), "\"1512366075204170929049582354406559215\"");
    assert_eq!(serde_json::from_str::<TracingToken>("\"0123456789abcdef0123456789abcdef\"").unwrap(), token);
    assert_eq!("0123456789ABCDEF0123456789ABCDEF".parse(), Ok(token));
    assert_eq!("340282366920938463463374607431768211455".parse(), TracingToken::try_from(u128::MAX));
    for wrong in [
        "",
        "0",
        "00000000000000000000000000000000",
        "-1",
        "1.5",
        "abc",
        "340282366920938463463374607431768211456",
    ] {
        assert!(wrong.parse::<TracingToken>().is_err(), "{wrong}");
    }
    let many: std::collections::HashSet<TracingToken> = (0..1000).map(|_| generate_tracing_token()).collect();
    assert_eq!(many.len(), 1000);
}
