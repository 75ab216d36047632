//! What the program is told about its collector: whose fault it is, what to set, and none of the collector's words in
//! the log.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use paid::AsyncPaid;
use paid::tracing::{DeadLetter, TracingOptions, dead_letters, delivery};
use prost::Message;

use crate::alone::alone;
use crate::answer::{Answer, Ending};
use crate::collector::{Collector, ENDLESS_WRITTEN};
use crate::{KEY, counts, emit, emit_spans, log, settle, start, start_with, unique, wait_until};

/// What `problem()` and the log say while the collector answers so; afterwards, everything is delivered.
fn problem_of(answer: Answer) -> String {
    log::keep();
    let collector = Collector::start(|_| Answer::ok());
    let books = start(&collector);
    // It is a collector, as far as is known.
    emit_spans(1);
    settle();
    collector.answers(move |_| answer.clone());
    emit_spans(3);
    wait_until("it says why", || delivery().problem().is_some() && !log::lines("held").is_empty());
    assert_eq!(counts(), [1, 3, 0, 0]);
    let problem = delivery().problem().unwrap();
    let host = collector.endpoint().replace("http://", "").replace("/v1/traces", "");
    for word in ["the collector", &host, "collector_endpoint", "PAID_OTEL_COLLECTOR_ENDPOINT"] {
        assert!(problem.contains(word), "no {word} in: {problem}");
        assert!(log::lines("held")[0].contains(word), "no {word} in: {}", log::lines("held")[0]);
    }
    collector.answers(|_| Answer::ok());
    settle();
    assert_eq!(delivery().problem(), None);
    books.close(4, 0, 0);
    assert_eq!(unique(collector.taken()).len(), 4);
    problem
}

#[test]
fn a_page_that_answers_200_is_no_collector() {
    alone(|| {
        let problem = problem_of(Answer::page(200));
        assert!(problem.contains("200") && problem.contains("HTML") && problem.contains("/v1/traces"));
    });
}

#[test]
fn a_page_of_any_2xx_and_case_is_no_collector() {
    alone(|| {
        let page = Answer::status(202).body("<!doctype html>").header("Content-Type", "Text/HTML");
        assert!(problem_of(Answer { taken: false, ..page }).contains("202"));
    });
}

#[test]
fn a_page_that_answers_400_refuses_nothing() {
    alone(|| assert!(problem_of(Answer::page(400)).contains("400")));
}

#[test]
fn a_page_that_answers_413_refuses_nothing() {
    alone(|| assert!(problem_of(Answer::page(413)).contains("413")));
}

#[test]
fn a_page_that_answers_415_refuses_nothing() {
    alone(|| assert!(problem_of(Answer::page(415)).contains("415")));
}

#[test]
fn a_tls_port_that_is_spoken_to_in_the_clear_refuses_nothing() {
    alone(|| {
        let go = Answer::status(400).body("Client sent an HTTP request to an HTTPS server.\n");
        assert!(problem_of(go).contains("https"));
    });
}

#[test]
fn a_401_says_to_check_the_key() {
    alone(|| assert!(problem_of(Answer::status(401)).contains("check the API key")));
}

#[test]
fn a_403_says_to_check_the_key() {
    alone(|| assert!(problem_of(Answer::status(403)).contains("check the API key")));
}

#[test]
fn a_404_says_to_check_the_path() {
    alone(|| assert!(problem_of(Answer::status(404)).contains("/v1/traces")));
}

#[test]
fn a_bad_span_that_comes_first_and_alone_is_a_dead_letter_once_others_are_acknowledged() {
    alone(|| {
        let collector = Collector::start(|request| match request.has("good") {
            true => Answer::ok(),
            false => Answer::refusal(400, "no"),
        });
        let books = start(&collector);
        emit_spans(1);
        wait_until("it is held", || {
            delivery().problem().is_some_and(|why| why.contains("acknowledged nothing"))
        });
        assert_eq!(counts(), [0, 1, 0, 0]);
        emit(["good"]);
        settle();
        // The scope of the good one was in its request, or refused alone.
        let [acknowledged, _, dead, _] = counts();
        assert_eq!(acknowledged + dead, 3);
        assert!(dead >= 1);
        books.close(acknowledged as usize, dead as usize, 0);
    });
}

/// The dead letters of a collector that says this of one span, as callback, log and file have it.
fn words_of(answer: impl Fn() -> Answer + Send + Sync + 'static) -> Vec<String> {
    log::keep();
    let spool = std::env::temp_dir().join(format!("paid-words-{}", paid::tracing::generate_tracing_token()));
    let collector = Collector::start(move |request| match request.has("poison") {
        true => answer(),
        false => Answer::ok(),
    });
    let letters = Arc::new(Mutex::new(Vec::<DeadLetter>::new()));
    let told = letters.clone();
    let _books = start_with(&collector, |options| {
        options.spool_dir(&spool).on_dead_letter(move |letter| told.lock().unwrap().push(letter.clone()))
    });
    emit(["good", "poison"]);
    settle();
    let lines = log::lines("refused spans for good");
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("status=") && lines[0].contains("refused=1"), "{}", lines[0]);
    assert!(log::lines("").iter().all(|line| !line.contains("e-mail")), "{:?}", log::lines(""));
    let mut words: Vec<String> = letters.lock().unwrap().iter().map(|letter| letter.reason.clone()).collect();
    let stored = dead_letters(&spool).unwrap();
    words.extend(stored.iter().map(|stored| stored.letter().reason.clone()));
    let _ = std::fs::remove_dir_all(&spool);
    assert_eq!(words.len(), 2);
    for words in &words {
        assert!(words.starts_with("the e-mail a@b.example is unknown"), "{words}");
        assert!(words.chars().count() <= 200, "{}", words.chars().count());
        assert!(!words.chars().any(char::is_control) && !words.contains(KEY), "{words}");
    }
    words
}

/// Words that are too long, forge a line of a log, and quote the key.
fn bad_words() -> String {
    format!(
        "the e-mail a@b.example is unknown\n\u{1b}[2J2026-01-01 ERROR paid: forged {KEY} {}",
        "x".repeat(100_000)
    )
}

#[test]
fn the_words_of_a_refusal_are_in_the_dead_letter_alone_and_cut() {
    alone(|| {
        drop(words_of(|| {
            Answer::status(400).body(bad_words()).header("content-type", "application/x-protobuf")
        }));
    });
}

#[test]
fn the_words_of_a_partial_success_are_in_the_dead_letter_alone_and_cut() {
    alone(|| {
        drop(words_of(|| {
            let partial_success =
                Some(ExportTracePartialSuccess { rejected_spans: 1, error_message: bad_words() });
            let body = ExportTraceServiceResponse { partial_success }.encode_to_vec();
            Answer::ok().body(body).header("content-type", "application/x-protobuf")
        }));
    });
}

#[test]
fn an_answer_that_never_ends_is_read_in_part() {
    alone(|| {
        let answer = Answer { ending: Ending::Endless, ..Answer::status(200) };
        let collector = Collector::start(move |_| answer.clone());
        let books = start(&collector);
        emit_spans(5);
        settle();
        books.close(5, 0, 0);
        assert_eq!(collector.requests().len(), 1);
        // What was written lies in the buffers of the connection.
        let written = ENDLESS_WRITTEN.load(Ordering::SeqCst);
        assert!(written < 32 * 1024 * 1024, "{written} bytes");
    });
}

#[test]
fn with_several_accounts_a_problem_says_whose_it_is() {
    alone(|| {
        log::keep();
        let (good, bad) = (Collector::start(|_| Answer::ok()), Collector::start(|_| Answer::status(503)));
        for (key, collector) in [("first_key", &good), ("second_key", &bad)] {
            let client = AsyncPaid::new(key).unwrap();
            let options = TracingOptions::new().collector_endpoint(collector.endpoint());
            client.initialize_tracing_with(options).unwrap();
            client.trace("acme", || ());
        }
        delivery().flush(Duration::from_millis(1));
        wait_until("it says why", || delivery().problem().is_some() && !log::lines("held").is_empty());
        let problem = delivery().problem().unwrap();
        let account = problem.strip_prefix("account ").and_then(|rest| rest.split(':').next()).unwrap();
        assert!(account.len() == 8 && account.bytes().all(|byte| byte.is_ascii_hexdigit()), "{problem}");
        assert!(log::lines("held")[0].contains(account), "{}", log::lines("held")[0]);
        assert!(!problem.contains("_key"), "{problem}");
    });
}
