//! A runtime that blocks inside of a scope polls its other tasks in that scope.

use paid::tracing::{InCurrentScope, paid_tracing, signal};

use crate::{account, block_on, in_process};

const WARNING: &str = "a scope is current in a task that did not enter it";

#[test]
fn a_task_in_a_scope_that_it_did_not_enter_is_logged() {
    let name = "tasks::a_task_in_a_scope_that_it_did_not_enter_is_logged";
    let ran = in_process(name, &[("PAID_LOG_LEVEL", "WARNING")], || {
        paid::logging::init();
        let (_sandbox, _client) = account();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let other = runtime.spawn(async { signal("of another task").send() });
        let scope = paid_tracing("acme").external_agent_id("bot");
        scope.run(|| runtime.block_on(other)).unwrap().unwrap();
    });
    if let Some(output) = ran {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(text.matches(WARNING).count(), 1, "{text}");
    }
}

#[test]
fn the_right_ways_are_not_logged() {
    let name = "tasks::the_right_ways_are_not_logged";
    let ran = in_process(name, &[("PAID_LOG_LEVEL", "WARNING")], || {
        paid::logging::init();
        let (_sandbox, _client) = account();
        let scope = || paid_tracing("acme").external_agent_id("bot");
        block_on(scope().run_async(async {
            signal("in the future").send().unwrap();
            tokio::spawn(async { signal("carried").send() }.in_current_scope()).await.unwrap().unwrap();
            let closure = paid::tracing::carry_scope(|| signal("blocking").send());
            tokio::task::spawn_blocking(closure).await.unwrap().unwrap();
            scope().run(|| signal("in a closure").send()).unwrap();
        }));
        block_on(async {
            tokio::spawn(async move { scope().run(|| signal("in a task").send()) }).await.unwrap().unwrap();
        });
        scope().run(|| block_on(async { signal("of the same future").send() })).unwrap();
    });
    if let Some(output) = ran {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!text.contains(WARNING), "{text}");
    }
}
