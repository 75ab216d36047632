//! An hour without a collector, in the number of spans it takes.

use std::time::Duration;

use crate::clock::until;
use crate::wire::Item;
use crate::world::{Scopes, World, holds_spans};

const MIB: u64 = 1024 * 1024;

#[test]
fn an_outage_of_100_000_spans_with_a_restart_is_delivered_in_bounded_memory() {
    let world = World::new();
    let mut all = Vec::new();
    for _ in 0..2 {
        let mut process = world.start_cut_off();
        let numbers = world.expect(&process, 50_000, Scopes::One);
        process.tell(&format!("bulk {} 50000", numbers.start));
        process.line(&format!("emitted {}", numbers.start));
        assert!(process.waits_for("disk"));
        assert!(process.most_memory() < 64 * MIB, "{} MiB", process.most_memory() / MIB);
        let [_, _, held, _, dropped] = process.stats();
        assert!(held >= 50_000 && dropped == 0);
        all.push(Item::Scope(numbers.start));
        all.extend(numbers.map(Item::Signal));
        world.kill(process);
    }
    world.must(all);
    let process = world.start();
    assert_eq!(world.sink.missing(world.expected(), Duration::from_secs(60)).len(), 0);
    until("what was delivered is removed", Duration::from_secs(10), || !holds_spans(&world.dir()));
    assert!(process.most_memory() < 64 * MIB, "{} MiB", process.most_memory() / MIB);
    world.end(process);
    world.settle();
}
