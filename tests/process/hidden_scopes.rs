//! A scope that can't be traced hides the scope around it: its work is billed to nobody, never to the outer customer.

use std::time::Duration;

use paid::ai::AiCall;
use paid::tracing::{PaidTracing, SignalError, current_tracing_token, delivery, paid_tracing, signal};
use paid::{AsyncPaid, Token};

use crate::{
    account, assert_off, billed_by_async_attribute, billed_by_attribute, block_on, customers, in_process,
};

/// What code in a scope may do: the signal's answer, and whether an AI call was recorded is seen at the collector.
fn work() -> Result<(), SignalError> {
    assert_eq!(current_tracing_token(), None);
    AiCall::start("openai.chat.completions.create", "openai", "chat").finish();
    signal("e").send()
}

/// The work in every form of a scope.
fn in_all_forms(scope: impl Fn() -> PaidTracing) -> Vec<Result<(), SignalError>> {
    let mut results = vec![scope().run(work), scope().try_run(work)];
    results.push({
        let entered = scope().enter();
        assert_eq!(entered.tracing_token(), None);
        work()
    });
    results.push(block_on(scope().run_async(async { work() })));
    results.push(block_on(scope().try_run_async(async {
        tokio::task::yield_now().await;
        work()
    })));
    results
}

/// Everything that untraced scopes record inside a scope of `outer` for nobody.
fn assert_hidden(outer: &AsyncPaid, reason: &str, inner: impl Fn() -> PaidTracing) {
    outer.paid_tracing("outer").external_agent_id("bot").run(|| {
        for result in in_all_forms(&inner) {
            assert_off(&result, reason);
        }
        // A scope that can be traced is traced again inside of the hidden one.
        inner().run(|| {
            outer
                .paid_tracing("traced again")
                .external_agent_id("bot")
                .try_run(|| outer.signal("e").send())
                .unwrap();
        });
        outer.signal("after").send().unwrap();
    });
}

#[test]
fn a_scope_without_a_default_account_hides_the_outer_one() {
    in_process("hidden_scopes::a_scope_without_a_default_account_hides_the_outer_one", &[], || {
        let (sandbox, a) = account();
        let (_other, _b) = account();
        assert_hidden(&a, "no default", || paid_tracing("inner").external_agent_id("bot"));
        a.paid_tracing("outer").external_agent_id("bot").run(|| {
            assert_off(&billed_by_attribute("inner"), "no default");
            assert_off(&block_on(billed_by_async_attribute("inner")), "no default");
        });
        assert_eq!(customers(&sandbox), ["traced again", "outer"]);
        assert!(sandbox.spans().iter().all(|span| !span.name.contains("openai")));
        assert!(delivery().stats().emitted > 0);
    });
}

#[test]
fn a_client_that_cannot_trace_hides_the_outer_scope() {
    in_process("hidden_scopes::a_client_that_cannot_trace_hides_the_outer_scope", &[], || {
        let (sandbox, a) = account();
        let unusable = a.clone();
        // One key with another collector.
        let conflict =
            sandbox.client_builder().collector_endpoint("http://127.0.0.1:9/v1/traces").build().unwrap();
        unusable.trace("starts", || ());
        assert_hidden(&a, "one key has one collector", || {
            conflict.paid_tracing("inner").external_agent_id("bot")
        });
        assert_eq!(customers(&sandbox), ["traced again", "outer"]);
        assert!(sandbox.spans().iter().all(|span| !span.name.contains("openai")));
    });
}

#[test]
fn a_scope_after_the_shutdown_hides_the_outer_one() {
    in_process("hidden_scopes::a_scope_after_the_shutdown_hides_the_outer_one", &[], || {
        let (_sandbox, a) = account();
        a.paid_tracing("outer").external_agent_id("bot").run(|| {
            delivery().shutdown(Duration::from_secs(10));
            for result in in_all_forms(|| a.paid_tracing("inner").external_agent_id("bot")) {
                assert_off(&result, "shut down");
            }
        });
    });
}

#[test]
fn a_client_whose_key_is_empty_hides_the_outer_scope() {
    in_process("hidden_scopes::a_client_whose_key_is_empty_hides_the_outer_scope", &[], || {
        let (sandbox, a) = account();
        for (key, reason) in [("", "is empty"), ("a key", "white space")] {
            let b = sandbox.client_builder().token(Token::from_fn(move || key.into())).build().unwrap();
            assert_hidden(&a, reason, || b.paid_tracing("inner").external_agent_id("bot"));
        }
        assert_eq!(customers(&sandbox), ["traced again", "outer", "traced again", "outer"]);
        assert!(sandbox.spans().iter().all(|span| !span.name.contains("openai")));
    });
}

#[test]
fn a_function_that_gives_the_key_may_trace_panic_and_come_back() {
    in_process("hidden_scopes::a_function_that_gives_the_key_may_trace_panic_and_come_back", &[], || {
        let (sandbox, a) = account();
        let panics = sandbox.client_builder().token(Token::from_fn(|| panic!("no key"))).build().unwrap();
        assert_hidden(&a, "panicked", || panics.paid_tracing("inner").external_agent_id("bot"));
        static CLIENT: std::sync::OnceLock<AsyncPaid> = std::sync::OnceLock::new();
        let key = sandbox.api_key().to_string();
        let traces_itself =
            Token::from_fn(move || CLIENT.get().unwrap().trace("in the function", || key.clone()));
        let client = sandbox.client_builder().token(traces_itself).build().unwrap();
        CLIENT
            .get_or_init(|| client)
            .paid_tracing("itself")
            .external_agent_id("bot")
            .try_run(|| signal("e").send())
            .unwrap();
        assert!(customers(&sandbox).contains(&"itself".to_string()));
    });
}

#[test]
fn a_future_that_is_dropped_records_in_its_own_scope() {
    struct Bills;
    impl Drop for Bills {
        fn drop(&mut self) {
            let _ = signal("dropped").send();
        }
    }
    async fn waits(bills: Bills) {
        let _bills = bills;
        std::future::pending::<()>().await;
    }
    in_process("hidden_scopes::a_future_that_is_dropped_records_in_its_own_scope", &[], || {
        let (sandbox, client) = account();
        let scope = |customer: &str| client.paid_tracing(customer).external_agent_id("bot");
        block_on(scope("outer").run_async(async {
            let mut polled = Box::pin(scope("polled").run_async(waits(Bills)));
            tokio::select! {
                biased;
                () = &mut polled => {}
                () = std::future::ready(()) => {}
            }
            drop(polled);
            // Never polled, its scope never opened: what it records is nobody's.
            drop(scope("unpolled").run_async(waits(Bills)));
        }));
        use paid::tracing::InCurrentScope;
        let carried = scope("carried").run(|| waits(Bills).in_current_scope());
        scope("elsewhere").run(|| drop(carried));
        assert_eq!(customers(&sandbox), ["polled", "carried"]);
    });
}

#[test]
fn a_future_whose_scope_opened_untraced_stays_so_wherever_it_is_polled() {
    in_process(
        "hidden_scopes::a_future_whose_scope_opened_untraced_stays_so_wherever_it_is_polled",
        &[],
        || {
            let mut future = Box::pin(paid_tracing("c1").external_agent_id("bot").run_async(async {
                tokio::task::yield_now().await;
                signal("e").send()
            }));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(future.as_mut().poll(&mut context).is_pending());
            let (sandbox, client) = account();
            let result = block_on(client.paid_tracing("c2").external_agent_id("bot").run_async(future));
            assert_off(&result, "no API key");
            assert_eq!(customers(&sandbox), Vec::<String>::new());
        },
    );
}
