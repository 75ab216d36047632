//! No room: the caller never waits for any, delivery goes on in memory, and on disk again once there is room.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use paid_sandbox::Fault;

use crate::clock::until;
use crate::process::{Process, command, program};
use crate::world::World;

/// Emits more than there is room for; in no time, since nobody waits for the disk.
#[track_caller]
fn overflow(world: &World, process: &mut Process) {
    let start = Instant::now();
    world.emit_and_wait(process, 1500);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let [emitted, .., dropped] = process.stats();
    assert!(emitted >= 1500 && dropped == 0);
    let reported = || process.log().contains("memory only, until the spool can be written again");
    until("it says that there is no room", Duration::from_secs(5), reported);
}

/// While nothing goes out, and with no room, what was recorded is in memory; then all of it goes out, and there is room.
#[track_caller]
fn overflow_and_recover(world: &World, mut process: Process, make_room: impl FnOnce(&mut Process)) {
    world.sink.fail(Fault::on("POST", "/v1/traces").status(503).forever());
    overflow(world, &mut process);
    world.sink.heal();
    assert!(process.waits_for("flush"), "from memory and from disk");
    make_room(&mut process);
    world.sink.fail(Fault::on("POST", "/v1/traces").status(503).forever());
    // It looks at the disk again after a while; what came before is still in memory, and goes out from there.
    until("it writes again", Duration::from_secs(10), || {
        world.emit_and_wait(&mut process, 10);
        let written = process.ask("disk 300")[1] == "true";
        world.sink.heal();
        assert!(process.waits_for("flush"));
        world.sink.fail(Fault::on("POST", "/v1/traces").status(503).forever());
        written
    });
    world.sink.heal();
    assert!(process.waits_for("flush"));
    let [emitted, acknowledged, ..] = process.stats();
    assert_eq!(emitted, acknowledged);
    world.end(process);
    world.settle();
}

#[test]
fn a_bound_on_the_directory_is_kept() {
    let world = World::new();
    let process = world.set_up().env("EMITTER_MAX_SPOOL_BYTES", "100000").start();
    let dir = world.dir();
    overflow_and_recover(&world, process, |_| {
        let size: u64 = size(dir);
        assert!(size <= 100_000, "{size}");
    });
}

fn size(dir: PathBuf) -> u64 {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| if entry.path().is_dir() { size(entry.path()) } else { entry.metadata().unwrap().len() })
        .sum()
}

#[test]
fn a_bound_on_files_is_kept() {
    let world = World::new();
    let mut process = world.start();
    process.ask("limit 100000");
    overflow_and_recover(&world, process, |process| drop(process.ask("limit none")));
}

/// A disk of 256 KiB that this process alone sees, if the system allows that.
#[test]
fn a_full_disk_is_waited_for() {
    let works = |way: &&str| {
        let tried = Command::new("unshare").args([way, "mount", "-t", "tmpfs", "none", "/mnt"]).output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    let Some(way) = ["-m", "-rm"].into_iter().find(works) else {
        println!("no mounts here: the bound on files stands for it");
        return;
    };
    let world = World::new();
    fs::create_dir(world.dir()).unwrap();
    let mut command = command("unshare");
    let script = "mount -t tmpfs -o size=256k none \"$PAID_SPOOL_DIR\" && exec \"$0\"";
    command.args([way, "sh", "-c", script]).arg(program("emitter"));
    let process = world.set_up().command(command).start();
    let disk =
        PathBuf::from(format!("/proc/{}/root", process.id())).join(world.dir().strip_prefix("/").unwrap());
    let ballast = disk.join("ballast");
    fs::write(&ballast, vec![1; 200 * 1024]).unwrap();
    overflow_and_recover(&world, process, |_| fs::remove_file(&ballast).unwrap());
}

#[test]
fn what_came_while_there_was_no_room_goes_to_disk_when_there_is_some() {
    let world = World::new();
    let mut process = world.start_cut_off();
    process.ask("limit 100000");
    overflow(&world, &mut process);
    assert_eq!(process.ask("disk 100")[1], "false");
    process.ask("limit none");
    // It may take one more that it writes until it sees that there is room.
    until("everything is on disk", Duration::from_secs(10), || {
        world.emit_and_wait(&mut process, 1);
        process.ask("disk 500")[1] == "true"
    });
    world.kill(process);
    world.settle();
}
