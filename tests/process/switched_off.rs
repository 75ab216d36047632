//! `PAID_ENABLED=false`: everything answers as if it had worked, and nothing is recorded or sent.

use std::time::Duration;

use paid::tracing::{TracingOptions, delivery, initialize_tracing, signal};

use crate::{account, billed, billed_by_attribute, in_process};

#[test]
fn an_off_switch_is_a_no_op_that_answers_ok() {
    in_process(
        "switched_off::an_off_switch_is_a_no_op_that_answers_ok",
        &[("PAID_ENABLED", "false")],
        || {
            let (sandbox, client) = account();
            client.initialize_tracing().unwrap();
            initialize_tracing(TracingOptions::new().spool_dir("/proc/nope")).unwrap();
            billed("free").unwrap();
            billed_by_attribute("attribute").unwrap();
            client
                .paid_tracing("client")
                .try_run(|| client.signal("e").enable_cost_tracing(true).send())
                .unwrap();
            signal("outside").send().unwrap();
            assert!(delivery().flush(Duration::from_secs(1)));
            assert_eq!(delivery().stats().emitted, 0);
            assert_eq!(sandbox.requests().len(), 0);
        },
    );
}

#[test]
fn without_the_switch_nothing_is_off() {
    in_process("switched_off::without_the_switch_nothing_is_off", &[("PAID_ENABLED", " true\n")], || {
        let (sandbox, _client) = account();
        billed("free").unwrap();
        assert_eq!(crate::customers(&sandbox), ["free"]);
    });
}
