//! A crash or an error at every single step.

use super::model::{DIR, KEYS, World};
use super::sim::Fault;
use super::*;

/// A little of everything, in the same order each time.
fn scenario(world: &mut World) {
    world.start(0);
    world.append(0, 40);
    world.sync(0);
    world.append(0, 3);
    world.next(0);
    world.settle(0, true);
    world.persist(0);
    world.sync(0);
    // Enough for a new segment.
    world.append(0, 2500);
    world.append(0, 50);
    while world.next(0) {}
    while world.processes[0].held.len() > 3 {
        world.settle(0, false);
    }
    world.persist(0);
    world.sync(0);
    world.start(1);
    world.append(1, 10);
    world.sim.kill(world.processes[0].number);
    world.bury_dead();
    world.start(0);
    world.tidy(2);
    world.append(2, 5);
    while world.next(2) {}
    while !world.processes[2].held.is_empty() {
        world.settle(2, false);
    }
    world.persist(2);
    world.sync(2);
    world.close(1);
    world.close(2);
}

fn at_every_step(faults: &[Fault]) {
    for fault in faults {
        for step in 1.. {
            let mut world = World::new(step);
            world.fails = true;
            world.sim.fault_at(step, *fault);
            scenario(&mut world);
            let over = world.sim.steps() < step;
            world.bury_dead();
            if *fault == Fault::Power && !over {
                world.restart();
            }
            // A process goes on after the trouble.
            let at = world.processes.len() - 1;
            world.append(at, 7);
            world.check();
            if over {
                assert!(step > 50, "{step}");
                break;
            }
        }
    }
}

#[test]
fn a_crash_at_any_step_loses_nothing() {
    at_every_step(&[Fault::Power, Fault::Kill]);
}

#[test]
fn an_error_at_any_step_loses_nothing() {
    at_every_step(&[Fault::Full, Fault::Fails, Fault::Short]);
}

#[test]
fn dead_letters_outlive_a_crash_at_any_step() {
    for seed in 0..4 {
        for fault in [Fault::Power, Fault::Kill, Fault::Full, Fault::Fails, Fault::Short] {
            let steps =
                (1..).take_while(|step| !dead_letters_outlive(fault, *step, seed << 32 | step)).count();
            assert!(steps > 20, "{steps}");
        }
    }
}

/// Whether everything was over before that step.
fn dead_letters_outlive(fault: Fault, step: u64, seed: u64) -> bool {
    let mut world = World::new(seed);
    world.start(0);
    let note = DeadLetterNote { status: 400, reason: "no".into(), refused: 0 };
    let step = world.sim.steps() + step;
    world.sim.fault_at(step, fault);
    let kept = [records(0..40), records(40..45)].map(|records| {
        let spool = world.processes[0].spool.as_ref().unwrap();
        spool.dead_letter(&records, &note).is_ok()
    });
    world.bury_dead();
    // A tool sends the first again.
    let (_, tool) = world.sim.process();
    let groups = dead_letters::list_on(tool.as_ref(), Path::new(DIR)).unwrap_or_default();
    if let Some(group) = groups.first() {
        let _ = dead_letters::resend_on(tool.as_ref(), Path::new(DIR), &group.id);
    }
    let over = world.sim.steps() < step;
    match fault {
        Fault::Power if !over => world.restart(),
        _ => world.sim.heal(),
    }
    world.processes[0].spool = None;

    let (_, disk) = world.sim.process();
    let mut found = Vec::new();
    for group in dead_letters::list_on(disk.as_ref(), Path::new(DIR)).unwrap() {
        assert_eq!(group.note, Some(note.clone()));
        found.extend(numbers(&group.read_on(disk.as_ref()).unwrap()));
    }
    assert!(!over || found == (40..45).collect::<Vec<_>>());
    let heir = Spool::open_on(disk, settings(Path::new(DIR)), KEYS[0]).unwrap();
    heir.tidy();
    found.extend(all_numbers(&drain(&heir).0));
    for (kept, numbers) in kept.into_iter().zip([0..40, 40..45]) {
        assert!(!kept || numbers.clone().all(|number| found.contains(&number)), "{fault:?} {step}");
    }
    assert!(!over || found.len() == 45, "doubled");
    over
}
