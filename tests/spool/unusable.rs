//! A spool directory that can't be used: it is said once, and delivery goes on in memory.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;

use crate::process::{command, program};
use crate::world::{Scopes, World};

#[track_caller]
fn goes_on_in_memory(world: &World, dir: &Path, user: Option<u32>) {
    let copy = world.path("emitter");
    fs::copy(program("emitter"), &copy).unwrap();
    fs::set_permissions(&copy, PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = command(&copy);
    if let Some(user) = user {
        command.uid(user).gid(user).current_dir("/");
    }
    let mut process = world.set_up().command(command).spool(dir.to_path_buf()).start();
    for _ in 0..3 {
        let numbers = world.emit(&mut process, 10, 0, Scopes::Each);
        process.line(&format!("emitted {}", numbers.start));
        assert!(process.waits_for("flush"));
        assert!(process.waits_for("disk"));
    }
    let [emitted, acknowledged, ..] = process.stats();
    assert_eq!((emitted, acknowledged), (60, 60));
    let ended = world.end(process);
    let reports = ended.log.lines().filter(|line| line.contains(&dir.display().to_string()));
    assert_eq!(reports.count(), 1, "{}", ended.log);
    world.wait();
    world.check();
}

#[test]
fn it_is_a_file() {
    let world = World::new();
    fs::write(world.dir(), "a file").unwrap();
    goes_on_in_memory(&world, &world.dir(), None);
    assert_eq!(fs::read_to_string(world.dir()).unwrap(), "a file");
}

#[test]
fn it_is_below_a_file() {
    let world = World::new();
    fs::write(world.path("file"), "a file").unwrap();
    goes_on_in_memory(&world, &world.path("file").join("spool"), None);
}

#[test]
fn it_can_not_be_made() {
    goes_on_in_memory(&World::new(), Path::new("/proc/paid/spool"), None);
}

#[test]
fn it_is_another_user_s() {
    let world = World::new();
    fs::create_dir(world.dir()).unwrap();
    // Root may do everything, so it becomes somebody else; who is not root is kept out of the own directory.
    let is_root = fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    let mode = if is_root { 0o700 } else { 0o500 };
    fs::set_permissions(world.dir(), PermissionsExt::from_mode(mode)).unwrap();
    goes_on_in_memory(&world, &world.dir(), is_root.then_some(65534));
}
