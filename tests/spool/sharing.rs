//! Processes and accounts that share a directory.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use paid_sandbox::Fault;

use crate::clock::until;
use crate::process::Process;
use crate::rounds;
use crate::wire::Item;
use crate::world::{KEY, OTHER_KEY, Scopes, World};

#[test]
fn in_a_storm_of_starts_and_kills_each_record_is_delivered_by_a_process_of_its_account() {
    let world = World::new();
    let mut random = fastrand::Rng::with_seed(7);
    let mut slots: [Option<Process>; 6] = Default::default();
    for _ in 0..rounds(60) {
        let slot = random.usize(0..slots.len());
        slots[slot] = match slots[slot].take() {
            Some(process) if random.u8(0..3) == 0 => {
                process.line("emitted");
                world.end_amid_delivery(process);
                None
            }
            Some(process) => {
                world.kill(process);
                None
            }
            None => {
                let set_up = world.set_up().key([KEY, OTHER_KEY][slot % 2]);
                let mut process = if random.u8(0..3) == 0 { set_up.down().start() } else { set_up.start() };
                process.ask("pulse");
                world.emit(&mut process, 300, 500, Scopes::Each);
                Some(process)
            }
        };
        std::thread::sleep(Duration::from_millis(random.u64(0..60)));
    }
    slots.into_iter().flatten().for_each(|process| drop(world.kill(process)));
    world.settle();
}

#[test]
fn of_several_who_take_over_each_record_has_one() {
    for _ in 0..rounds(2) {
        let world = World::new();
        for _ in 0..6 {
            let mut victim = world.start_cut_off();
            world.emit_to_disk(&mut victim, 100);
            world.kill(victim);
        }
        let heirs: Vec<Process> = (0..4).map(|_| world.set_up().spawn()).collect();
        world.wait();
        world.wait_for_removal();
        for mut heir in heirs {
            let [.., dropped] = heir.stats();
            assert_eq!(dropped, 0);
            world.end(heir);
        }
        world.settle();
    }
}

#[test]
fn a_living_process_takes_over_what_a_dead_one_left_without_a_restart() {
    let world = World::new();
    let heir = world.start();
    for _ in 0..2 {
        let mut victim = world.start_cut_off();
        world.emit_to_disk(&mut victim, 100);
        world.kill(victim);
        world.wait();
        world.wait_for_removal();
    }
    world.end(heir);
    world.settle();
}

#[test]
fn what_one_account_recorded_is_never_sent_by_another_and_waits_for_its_own() {
    let world = World::new();
    let mut theirs = world.start_cut_off();
    let numbers = world.emit_to_disk(&mut theirs, 50);
    world.kill(theirs);
    let left = snapshot(&world.dir());

    let neighbour = world.set_up().key(OTHER_KEY).start();
    let mut victim = world.set_up().key(OTHER_KEY).down().start();
    let adopted = world.emit_to_disk(&mut victim, 50);
    world.kill(victim);
    // Once the living neighbour has found this one, it has seen the other one too.
    assert_eq!(world.sink.missing(adopted.map(Item::Signal), Duration::from_secs(30)), []);
    until("what was delivered is removed", Duration::from_secs(10), || {
        snapshot(&world.dir()).len() == left.len() + 1
    });
    world.end(neighbour);
    assert!(snapshot(&world.dir()) == left, "it is not as it was");
    let arrived = world.sink.acknowledged();
    assert!(numbers.clone().all(|n| !arrived.contains(&Item::Signal(n))));
    world.settle();
}

/// Every file with its bytes; what goes away meanwhile is not there.
fn snapshot(dir: &Path) -> HashMap<PathBuf, Vec<u8>> {
    let mut files = HashMap::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(snapshot(&path));
        } else if let Ok(bytes) = fs::read(&path) {
            files.insert(path, bytes);
        }
    }
    files
}

#[test]
fn a_normal_end_waits_for_the_answer_to_what_is_on_its_way() {
    let world = World::new();
    let mut victim = world.start_cut_off();
    let numbers = world.emit_to_disk(&mut victim, 100);
    world.kill(victim);
    world.sink.fail(Fault::on("POST", "/v1/traces").after_processing().delay(Duration::from_millis(500)));
    let mut heir = world.start();
    until("it sends them", Duration::from_secs(10), || world.sink.requests() == 1);
    heir.tell("end");
    world.end(heir);
    assert_eq!(world.sink.missing(numbers.map(Item::Signal), Duration::from_secs(5)), []);
    world.settle();
}
