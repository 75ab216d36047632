//! Programs that fork: nothing of the parent's is lost or repeated, and the child's own arrives.

use std::time::Duration;

use paid_sandbox::Fault;

use crate::clock::until;
use crate::process::{Process, command, program};
use crate::wire::Item;
use crate::world::{Scopes, World, names};

/// Starts a forking program, in memory mode or with a spool.
fn start(world: &World, what: &str, spool: bool) -> Process {
    let mut command = command(program("forks"));
    command.arg(what);
    let set_up = world.set_up().command(command);
    if spool { set_up.spawn() } else { set_up.spool(None).spawn() }
}

/// Signals that the program sends in one scope.
fn expect(world: &World, process: &Process, numbers: std::ops::Range<u64>) {
    world.expect_numbers(process, numbers.clone(), Scopes::One);
    world.must_all(numbers);
}

#[track_caller]
fn finish(world: &World, process: Process) {
    let ended = process.wait();
    assert!(ended.status.success(), "{:?}: {:?} {}", ended.status, ended.lines, ended.log);
    assert!(!ended.lines.iter().any(|line| line.starts_with("refused")), "{:?}", ended.lines);
    world.check();
}

#[test]
fn a_child_neither_repeats_nor_loses_what_its_parent_recorded_and_sends_its_own() {
    for spool in [false, true] {
        let world = World::new();
        // What the parent recorded is still there when it forks.
        world.sink.fail(Fault::on("POST", "/v1/traces").times(2).delay(Duration::from_millis(300)));
        let process = start(&world, "child", spool);
        [0..20, 20..40, 100..120].into_iter().for_each(|numbers| expect(&world, &process, numbers));
        finish(&world, process);
    }
}

#[test]
fn a_child_of_a_child_sends_its_own_too() {
    for spool in [false, true] {
        let world = World::new();
        let process = start(&world, "grandchild", spool);
        let all = [0..20, 20..40, 100..120, 120..140, 200..220];
        all.into_iter().for_each(|numbers| expect(&world, &process, numbers));
        finish(&world, process);
    }
}

#[test]
fn forks_while_other_threads_record_end_in_no_deadlock() {
    for spool in [false, true] {
        let world = World::new();
        let process = start(&world, "threads", spool);
        (0..50).for_each(|n| expect(&world, &process, n..n + 1));
        process.line("last 3");
        for thread in [1, 2, 3] {
            let last = process.line(&format!("last {thread}"));
            let last: u64 = last.split(' ').nth(1).unwrap().parse().unwrap();
            let numbers = (thread * 100_000..last).step_by(5);
            numbers.for_each(|n| expect(&world, &process, n..n + 5));
        }
        finish(&world, process);
    }
}

#[test]
fn a_scope_that_parent_and_child_are_in_arrives_once() {
    for spool in [false, true] {
        let world = World::new();
        let process = start(&world, "scope", spool);
        world.expect_numbers(&process, 0..2, Scopes::One);
        world.expect_numbers(&process, 100..101, Scopes::One);
        world.must([Item::Scope(0), Item::Signal(0), Item::Signal(1), Item::Signal(100)]);
        [2..3, 101..102].into_iter().for_each(|numbers| expect(&world, &process, numbers));
        finish(&world, process);
    }
}

#[test]
fn what_a_dead_parent_left_is_taken_over_while_its_child_lives() {
    let world = World::new();
    let mut command = command(program("forks"));
    command.arg("orphan");
    world.sink.fail(Fault::on("POST", "/v1/traces").status(503).forever());
    let parent = world.set_up().command(command).spawn();
    expect(&world, &parent, 0..20);
    expect(&world, &parent, 100..120);
    parent.line("child");
    // The child holds the parent's output, so its end is not waited for.
    let input = parent.kill_leaving_children();
    world.sink.heal();
    // It may be the child that takes over, or this one.
    let heir = world.start();
    world.wait();
    drop(input);
    until("the child ends", Duration::from_secs(10), || names(&world.dir()).len() == 1);
    world.end(heir);
    world.settle();
}

#[test]
fn a_signal_ends_a_child_of_a_process_that_flushes_on_signals() {
    for spool in [false, true] {
        let world = World::new();
        let process = start(&world, "signals", spool);
        expect(&world, &process, 0..20);
        assert_eq!(process.line("child"), "child true");
        process.line("emitted");
        process.signal("TERM");
        let ended = process.wait();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended.status), Some(15));
        world.wait();
        world.check();
    }
}
