//! Ends of a process that are none of a kill's, and dead letters.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use paid_sandbox::Fault;

use crate::wire::Item;
use crate::world::{KEY, Scopes, World, names};

#[test]
fn a_normal_end_does_not_wait_for_a_dead_collector_and_leaves_the_data() {
    for hung in [false, true] {
        let world = World::new();
        world.sink.fail(Fault::on("POST", "/v1/traces").hang().forever());
        let mut process = if hung { world.start() } else { world.start_cut_off() };
        let numbers = world.emit(&mut process, 500, 0, Scopes::Each);
        process.line(&format!("emitted {}", numbers.start));
        let start = Instant::now();
        world.end(process);
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        world.settle();
        assert_eq!(world.expected().len(), 1000);
    }
}

#[test]
fn a_normal_end_with_a_living_collector_leaves_an_empty_directory() {
    let world = World::new();
    let mut process = world.start();
    let numbers = world.emit(&mut process, 500, 0, Scopes::Each);
    process.line(&format!("emitted {}", numbers.start));
    world.end(process);
    assert_eq!(names(&world.dir()), [""; 0]);
    world.wait();
    world.check();
}

#[test]
fn sigterm_with_flush_on_signals_sends_everything_and_ends_by_the_signal() {
    let world = World::new();
    let mut process = world.set_up().env("EMITTER_FLUSHES_ON_SIGNALS", "1").start();
    let numbers = world.emit(&mut process, 500, 0, Scopes::Each);
    process.line(&format!("emitted {}", numbers.start));
    process.signal("TERM");
    let ended = process.wait();
    assert_eq!(ended.status.signal(), Some(15));
    world.note(&ended);
    let arrived = world.sink.acknowledged();
    assert!(world.expected().iter().all(|item| arrived.contains(item)), "before it ends");
    world.settle();
}

#[test]
fn sigterm_with_flush_on_signals_and_a_dead_collector_ends_in_time_and_leaves_the_data() {
    let world = World::new();
    let mut process = world.set_up().env("EMITTER_FLUSHES_ON_SIGNALS", "1").down().start();
    let numbers = world.emit(&mut process, 500, 0, Scopes::Each);
    process.line(&format!("emitted {}", numbers.start));
    let start = Instant::now();
    process.signal("TERM");
    let ended = process.wait();
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    assert_eq!(ended.status.signal(), Some(15));
    world.note(&ended);
    world.settle();
}

#[test]
fn what_shutdown_could_not_deliver_the_next_start_does() {
    let world = World::new();
    let mut process = world.start_cut_off();
    let numbers = world.emit(&mut process, 200, 0, Scopes::Each);
    process.line(&format!("emitted {}", numbers.start));
    assert_eq!(process.ask("shutdown 300")[1], "false");
    let [.., dropped] = process.stats();
    assert_eq!(dropped, 0);
    world.end(process);
    world.settle();
}

#[test]
fn a_refused_span_is_kept_in_a_file_that_the_callback_names() {
    let world = World::new();
    let mut process = world.start();
    // A refusal counts from a collector that has acknowledged before.
    world.emit_and_wait(&mut process, 1);
    assert!(process.waits_for("flush"));
    world.sink.fail(Fault::on("POST", "/v1/traces").status(400).forever());
    let numbers = world.expect(&process, 1, Scopes::One);
    process.tell(&format!("emit {} 1 0 one", numbers.start));
    process.line(&format!("emitted {}", numbers.start));
    assert!(process.waits_for("flush"));
    assert_eq!(process.stats(), [4, 2, 0, 2, 0]);
    let mut refused: Vec<_> = process.lines().into_iter().filter(|line| line.starts_with("dead ")).collect();
    refused.sort();
    assert_eq!(refused.len(), 2, "{refused:?}");
    let exchanges = world.sink.exchanges();
    let sent =
        |item| exchanges.iter().flat_map(|exchange| &exchange.spans).find(|span| span.item == item).unwrap();
    let mut files = Vec::new();
    for line in refused {
        let file = line.strip_prefix("dead 400 1 ").unwrap();
        assert!(file.starts_with(&world.dir().join("dead-letters").display().to_string()), "{file}");
        files.extend(fs::read(file).unwrap());
    }
    for item in [Item::Signal(numbers.start), Item::Scope(numbers.start)] {
        let bytes = &sent(item).bytes;
        assert!(files.windows(bytes.len()).any(|piece| piece == bytes), "{item:?} is in none of the files");
    }
    assert!(!files.windows(KEY.len()).any(|piece| piece == KEY.as_bytes()));
    // It is not tried again, by nobody.
    world.sink.heal();
    process.end();
    let requests = world.sink.exchanges().len();
    world.end(world.start());
    assert_eq!(world.sink.exchanges().len(), requests);
    assert_eq!(names(&world.dir()), ["dead-letters"]);
}
