//! Dead letters in a spool directory: seen, sent again, removed.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use paid::AsyncPaid;
use paid::tracing::{DeadLetter, TracingOptions, dead_letters, delivery, generate_tracing_token};
use paid_sandbox::{Fault, Sandbox};
use prost::Message;

struct Account {
    sandbox: Sandbox,
    client: AsyncPaid,
    dir: PathBuf,
    told: Arc<Mutex<Vec<DeadLetter>>>,
}

fn account() -> Account {
    let key = format!("key_{}", generate_tracing_token());
    let sandbox = Sandbox::builder().api_key(key.as_str()).start_blocking().unwrap();
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&key);
    let client = AsyncPaid::new(key).unwrap();
    let told = Arc::<Mutex<Vec<DeadLetter>>>::default();
    let tell = told.clone();
    let options = TracingOptions::new()
        .collector_endpoint(sandbox.collector_endpoint())
        .spool_dir(&dir)
        .on_dead_letter(move |letter| tell.lock().unwrap().push(letter.clone()));
    client.initialize_tracing_with(options).unwrap();
    Account { sandbox, client, dir, told }
}

impl Account {
    /// Has a span refused, compressed and plain.
    fn refuse(&self, customer: &str) {
        // A refusal counts from a collector that has acknowledged before.
        self.client.trace("acknowledged", || ());
        assert!(delivery().flush(Duration::from_secs(10)));
        self.sandbox.fail(
            Fault::on("POST", "/v1/traces")
                .status(400)
                .body(br#"{"message": "no such customer"}"#, "application/json")
                .times(2),
        );
        self.client.trace(customer, || ());
        assert!(delivery().flush(Duration::from_secs(10)));
        // What gzip makes no smaller goes plain at once.
        self.sandbox.clear_faults();
    }
}

fn names(otlp: &[u8]) -> Vec<String> {
    let request = ExportTraceServiceRequest::decode(otlp).unwrap();
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    scopes.flat_map(|scope| scope.spans).map(|span| span.name).collect()
}

#[test]
fn a_refused_span_is_kept_and_sent_again_when_asked() {
    crate::in_process("dead_letters::a_refused_span_is_kept_and_sent_again_when_asked", &[], || {
        let account = account();
        account.refuse("unknown");
        let told = account.told.lock().unwrap().clone();
        assert_eq!(told.len(), 1);
        assert!(told[0].file.as_ref().unwrap().starts_with(account.dir.join("dead-letters")));
        assert_eq!((told[0].status, told[0].refused, told[0].spans), (400, 1, 1));
        let arrived = account.sandbox.spans();
        assert!(arrived.iter().all(|span| span.text("external_customer_id") == Some("acknowledged")));

        let stored = dead_letters(&account.dir).unwrap();
        assert_eq!(stored.len(), 1);
        assert_eq!(stored[0].letter(), &told[0], "what the callback got");
        assert!(stored[0].letter().reason.contains("no such customer"));
        assert_eq!(names(&stored[0].letter().otlp), ["paid.trace.parent_span"]);
        let age = SystemTime::now().duration_since(stored[0].recorded_at()).unwrap();
        assert!(age < Duration::from_secs(60), "{age:?}");

        stored[0].resend().unwrap();
        let spans = account.sandbox.wait_for_spans_blocking(2, Duration::from_secs(10));
        assert_eq!(spans[1].text("external_customer_id"), Some("unknown"));
        assert!(dead_letters(&account.dir).unwrap().is_empty());
        assert_eq!(stored[0].resend().unwrap_err().kind(), ErrorKind::NotFound, "once");
        assert_eq!(stored[0].remove().unwrap_err().kind(), ErrorKind::NotFound);
    });
}

#[test]
fn of_spans_that_were_partly_taken_none_is_sent_again_by_mistake() {
    crate::in_process(
        "dead_letters::of_spans_that_were_partly_taken_none_is_sent_again_by_mistake",
        &[],
        || {
            let account = account();
            let partial_success =
                Some(ExportTracePartialSuccess { rejected_spans: 1, error_message: "one is odd".into() });
            let answer = ExportTraceServiceResponse { partial_success }.encode_to_vec();
            account.sandbox.fail(Fault::on("POST", "/v1/traces").body(answer, "application/x-protobuf"));
            let scope = account.client.paid_tracing("acme").external_agent_id("bot");
            scope.run(|| account.client.signal("e").send()).unwrap();
            assert!(delivery().flush(Duration::from_secs(10)));
            let stored = dead_letters(&account.dir).unwrap();
            let letter = stored[0].letter();
            assert_eq!((stored.len(), letter.status, letter.refused, letter.spans), (1, 200, 1, 2));
            assert_eq!(letter.reason, "one is odd");
            let error = stored[0].resend().unwrap_err();
            assert!(error.to_string().contains("twice"), "{error}");
            assert_eq!(dead_letters(&account.dir).unwrap().len(), 1);
            stored[0].resend_all().unwrap();
            assert_eq!(account.sandbox.wait_for_spans_blocking(2, Duration::from_secs(10)).len(), 2);
        },
    );
}

#[test]
fn the_tool_lists_shows_and_removes() {
    crate::in_process("dead_letters::the_tool_lists_shows_and_removes", &[], || {
        let account = account();
        account.refuse("first");
        account.refuse("second");
        let test = std::env::current_exe().unwrap();
        let tool = test.ancestors().nth(2).unwrap().join("examples/dead_letters");
        let run = |arguments: &[&str]| {
            let output = Command::new(&tool).args(arguments).output().unwrap();
            let text = [output.stdout, output.stderr].concat();
            (output.status.success(), String::from_utf8(text).unwrap())
        };
        let dir = account.dir.to_str().unwrap();
        let (done, list) = run(&["list", dir]);
        assert!(done && list.lines().count() == 2 && list.contains("no such customer"), "{list}");
        let id = list.split_whitespace().next().unwrap();
        let (done, shown) = run(&["show", dir, id]);
        assert!(done && shown.contains("first"), "{shown}");
        assert!(run(&["remove", dir, id]).0);
        let left = dead_letters(&account.dir).unwrap();
        assert_eq!(left.len(), 1);
        assert_ne!(left[0].id(), id);
        let (done, problem) = run(&["show", dir, id]);
        assert!(!done && problem.contains(id), "{problem}");
        assert!(!run(&["resend"]).0);
    });
}

#[test]
fn a_directory_without_dead_letters_has_none() {
    crate::in_process("dead_letters::a_directory_without_dead_letters_has_none", &[], || {
        let nowhere = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-such-directory");
        assert!(dead_letters(nowhere).unwrap().is_empty());
    });
}
