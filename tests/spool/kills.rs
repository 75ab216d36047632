//! Kills at random moments.

use std::time::Duration;

use paid_sandbox::Fault;

use crate::books::Toll;
use crate::process::Process;
use crate::rounds;
use crate::sink::flaky;
use crate::world::{Scopes, World};

#[derive(Clone, Copy, Debug)]
enum Weather {
    Down,
    Up,
    Hung,
    Flaky,
}

impl Weather {
    fn start(self, world: &World, random: &mut fastrand::Rng) -> Process {
        match self {
            Weather::Down => return world.start_cut_off(),
            Weather::Up => {}
            Weather::Hung => world.sink.fail(Fault::on("POST", "/v1/traces").hang().forever()),
            Weather::Flaky => flaky(random).into_iter().for_each(|fault| world.sink.fail(fault)),
        }
        world.start()
    }
}

fn random_pause(random: &mut fastrand::Rng, most: u64) {
    std::thread::sleep(Duration::from_micros(random.u64(0..most)));
}

/// Two emitters and one who asks for safety now and then, until the end at a random moment.
fn emit_and_kill(world: &World, process: Process, random: &mut fastrand::Rng) {
    let mut process = process;
    process.ask("pulse");
    for _ in 0..random.u32(1..3) {
        let scopes = if random.bool() { Scopes::One } else { Scopes::Each };
        let pause = [100, 1000, 4000][random.usize(0..3)];
        world.emit(&mut process, 20_000, pause, scopes);
    }
    for _ in 0..random.u32(0..5) {
        random_pause(random, 100_000);
        process.tell(["disk 10000", "disk 10000", "sync 10000", "flush 10000"][random.usize(0..4)]);
    }
    random_pause(random, 200_000);
    world.kill(process);
}

#[test]
fn a_kill_costs_at_most_the_last_5_ms_and_the_next_start_delivers_the_rest_once() {
    let mut toll = Toll::default();
    for round in 0..rounds(12) {
        let mut random = fastrand::Rng::with_seed(round);
        let weather = [Weather::Down, Weather::Up, Weather::Hung, Weather::Flaky][round as usize % 4];
        let world = World::new();
        let process = weather.start(&world, &mut random);
        emit_and_kill(&world, process, &mut random);
        // Those who take over may die of it too.
        while random.u8(0..3) == 0 {
            let process = weather.start(&world, &mut random);
            emit_and_kill(&world, process, &mut random);
        }
        toll += world.settle();
    }
    println!("{toll:?}");
    // What of its time a process gets is seen from one thread of it only, and another may get less.
    assert!(toll.late * 10 <= toll.kills, "{toll:?}");
}

#[test]
fn what_was_acknowledged_a_second_before_a_kill_is_not_sent_again() {
    for round in 0..rounds(2) {
        let mut random = fastrand::Rng::with_seed(round);
        let world = World::new();
        let mut process = world.start();
        process.ask("pulse");
        let early = world.emit(&mut process, 300, 1000, Scopes::Each);
        process.line(&format!("emitted {}", early.start));
        assert!(process.waits_for("flush"));
        // A collector that answers no more; what it answered before is to be remembered.
        world.sink.fail(Fault::on("POST", "/v1/traces").hang().forever());
        world.emit(&mut process, 20_000, 1000, Scopes::One);
        std::thread::sleep(Duration::from_millis(1000 + random.u64(1..300)));
        world.kill(process);
        world.settle();
    }
}

#[test]
fn restarts_in_the_middle_of_an_outage_lose_nothing_and_repeat_nothing() {
    for round in 0..rounds(3) {
        let mut random = fastrand::Rng::with_seed(round);
        let world = World::new();
        match round % 3 {
            0 => world.sink.fail(Fault::on("POST", "/v1/traces").status(503).forever()),
            1 => world.sink.fail(Fault::on("POST", "/v1/traces").hang().forever()),
            _ => world.sink.fail(Fault::on("POST", "/v1/traces").cut().forever()),
        }
        for run in 0..5 {
            let mut process = world.start();
            process.ask("pulse");
            let numbers = world.emit(&mut process, 300, 200, Scopes::Each);
            match run % 3 {
                0 => {
                    process.line(&format!("emitted {}", numbers.start));
                    world.end(process);
                }
                1 => {
                    random_pause(&mut random, 150_000);
                    world.kill(process);
                }
                _ => {
                    process.line(&format!("emitted {}", numbers.start));
                    assert!(process.waits_for("disk"));
                    process.signal("TERM");
                    let ended = process.wait();
                    assert!(!ended.status.success(), "nobody handles it");
                    world.note(&ended);
                }
            }
        }
        world.settle();
    }
}
