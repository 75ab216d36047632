//! The account that free functions and the attribute trace under.

use std::time::Duration;

use paid::tracing::{InCurrentScope, TracingError, TracingOptions, initialize_tracing, paid_tracing, signal};
use paid_sandbox::Sandbox;

use crate::{
    account, assert_off, billed, billed_by_async_attribute, billed_by_attribute, block_on, customers,
    in_process,
};

fn options(sandbox: &Sandbox) -> TracingOptions {
    TracingOptions::new().api_key(sandbox.api_key()).collector_endpoint(sandbox.collector_endpoint())
}

#[test]
fn the_only_client_of_the_process_is_the_default() {
    in_process(
        "default_account::the_only_client_of_the_process_is_the_default",
        &[("PAID_API_KEY", "other")],
        || {
            let (sandbox, client) = account();
            let _second = sandbox.blocking_client_builder().build().unwrap();
            billed("built").unwrap();
            client.trace("scope", || ());
            billed_by_attribute("attribute").unwrap();
            block_on(billed_by_async_attribute("async")).unwrap();
            assert_eq!(customers(&sandbox), ["built", "attribute", "async"]);
        },
    );
}

#[test]
fn a_client_that_initializes_beside_another_account_is_no_default() {
    in_process(
        "default_account::a_client_that_initializes_beside_another_account_is_no_default",
        &[],
        || {
            let (sandbox_a, a) = account();
            a.paid_tracing("a").external_agent_id("bot").try_run(|| a.signal("e").send()).unwrap();
            let (sandbox_b, b) = account();
            b.initialize_tracing().unwrap();
            assert_off(&billed("free"), "as_default");
            assert_off(&billed_by_attribute("attribute"), "as_default");
            assert_off(&block_on(billed_by_async_attribute("async")), "as_default");
            b.paid_tracing("b").external_agent_id("bot").try_run(|| b.signal("e").send()).unwrap();
            assert_eq!(customers(&sandbox_a), ["a"]);
            assert_eq!(customers(&sandbox_b), ["b"]);
        },
    );
}

#[test]
fn the_first_client_that_initializes_is_the_default() {
    in_process("default_account::the_first_client_that_initializes_is_the_default", &[], || {
        let (sandbox_a, a) = account();
        a.initialize_tracing().unwrap();
        let (sandbox_b, b) = account();
        b.initialize_tracing().unwrap();
        billed("free").unwrap();
        assert_eq!(customers(&sandbox_a), ["free"]);
        assert_eq!(customers(&sandbox_b), Vec::<String>::new());
    });
}

#[test]
fn with_clients_of_several_keys_the_key_of_the_environment_is_the_default() {
    let sandbox = Sandbox::start_blocking().unwrap();
    let endpoint = sandbox.collector_endpoint();
    let variables =
        [("PAID_API_KEY", sandbox.api_key()), ("PAID_OTEL_COLLECTOR_ENDPOINT", endpoint.as_str())];
    let name = "default_account::with_clients_of_several_keys_the_key_of_the_environment_is_the_default";
    let ran = in_process(name, &variables, || {
        let (sandbox_a, a) = account();
        let (_sandbox_b, _b) = account();
        a.paid_tracing("a").external_agent_id("bot").try_run(|| a.signal("e").send()).unwrap();
        billed("free").unwrap();
        assert_eq!(customers(&sandbox_a), ["a"]);
    });
    if ran.is_some() {
        assert_eq!(customers(&sandbox), ["free"]);
    }
}

#[test]
fn an_explicit_default_goes_before_all_clients() {
    in_process("default_account::an_explicit_default_goes_before_all_clients", &[], || {
        let (sandbox_a, a) = account();
        let (sandbox_b, _b) = account();
        a.trace("a", || ());
        initialize_tracing(options(&sandbox_b)).unwrap();
        billed("free").unwrap();
        assert_eq!(initialize_tracing(options(&sandbox_a)), Err(TracingError::AlreadyInitialized));
        assert_eq!(customers(&sandbox_a), Vec::<String>::new());
        assert_eq!(customers(&sandbox_b), ["free"]);
    });
}

#[test]
fn a_scoped_default_serves_tests_side_by_side() {
    in_process("default_account::a_scoped_default_serves_tests_side_by_side", &[], || {
        let accounts: Vec<_> = (0..4).map(|_| account()).collect();
        std::thread::scope(|threads| {
            for (at, (_, client)) in accounts.iter().enumerate() {
                threads.spawn(move || {
                    client.as_default(|| {
                        billed(&format!("closure_{at}")).unwrap();
                        billed_by_attribute(&format!("attribute_{at}")).unwrap();
                    });
                    assert_off(&billed("outside"), "as_default");
                    let work = client.as_default_async(async {
                        billed_by_async_attribute(&format!("async_{at}")).await.unwrap();
                        tokio::task::yield_now().await;
                        let spawned = async move { billed(&format!("spawned_{at}")) };
                        tokio::spawn(spawned.in_current_scope()).await.unwrap().unwrap();
                    });
                    block_on(work);
                });
            }
        });
        for (at, (sandbox, _)) in accounts.iter().enumerate() {
            let expected = ["closure", "attribute", "async", "spawned"].map(|form| format!("{form}_{at}"));
            assert_eq!(customers(sandbox), expected);
        }
        let (inner, outer) = (&accounts[0], &accounts[1]);
        outer.1.as_default(|| inner.1.as_default(|| billed("innermost")).unwrap());
        assert_eq!(customers(&inner.0).last().map(String::as_str), Some("innermost"));
        // Made inside, run outside.
        let made = outer.1.as_default(|| paid_tracing("made_inside").external_agent_id("bot"));
        made.try_run(|| signal("e").send()).unwrap();
        assert_eq!(customers(&outer.0).last().map(String::as_str), Some("made_inside"));
    });
}

#[test]
fn what_is_dropped_with_its_future_has_the_same_default() {
    struct Bills;
    impl Drop for Bills {
        fn drop(&mut self) {
            billed("dropped").unwrap();
        }
    }
    in_process("default_account::what_is_dropped_with_its_future_has_the_same_default", &[], || {
        let (sandbox, client) = account();
        let (_other, _client) = account();
        let bills = Bills;
        drop(client.as_default_async(async move {
            let _bills = bills;
            std::future::pending::<()>().await;
        }));
        assert_eq!(customers(&sandbox), ["dropped"]);
    });
}

#[test]
fn one_key_with_two_collectors_or_other_settings_is_an_error_that_names_them() {
    in_process(
        "default_account::one_key_with_two_collectors_or_other_settings_is_an_error_that_names_them",
        &[],
        || {
            let (sandbox, client) = account();
            client.initialize_tracing_with(TracingOptions::new().max_queue_bytes(1 << 20)).unwrap();
            client.initialize_tracing().unwrap();
            let slash = format!("{}/", sandbox.collector_endpoint());
            client.initialize_tracing_with(TracingOptions::new().collector_endpoint(&slash)).unwrap();
            initialize_tracing(options(&sandbox).max_queue_bytes(1 << 20).compression(true)).unwrap();
            let cases = [
                (TracingOptions::new().collector_endpoint("http://127.0.0.1:9/v1/traces"), "127.0.0.1:9"),
                (TracingOptions::new().spool_dir("/tmp/paid-other-spool"), "spool_dir"),
                (TracingOptions::new().max_queue_bytes(1 << 21), "max_queue_bytes"),
                (TracingOptions::new().max_spool_age(Duration::from_secs(1)), "max_spool_age"),
                (TracingOptions::new().on_loss(|_| ()), "on_loss"),
                (TracingOptions::new().on_dead_letter(|_| ()), "on_dead_letter"),
                (TracingOptions::new().compression(false), "compression"),
                (TracingOptions::new().exit_timeout(Duration::from_secs(9)), "exit_timeout"),
                (TracingOptions::new().strict_cost_tracing(true), "strict_cost_tracing"),
            ];
            for (options, name) in cases {
                let error = client.initialize_tracing_with(options).unwrap_err();
                assert!(
                    matches!(error, TracingError::Conflict(_)) && error.to_string().contains(name),
                    "{error}"
                );
            }
            assert!(!std::path::Path::new("/tmp/paid-other-spool").exists());
            let other =
                sandbox.client_builder().collector_endpoint("http://127.0.0.1:9/v1/traces").build().unwrap();
            let sent = other.paid_tracing("acme").external_agent_id("bot").try_run(|| signal("e").send());
            assert_off(&sent, "one key has one collector");
            billed("free").unwrap();
            assert_eq!(customers(&sandbox), ["free"]);
        },
    );
}
