//! What is on disk: for whom, what is never in it, and what is not ours.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use paid_sandbox::Fault;
use sha2::{Digest, Sha256};

use crate::clock::until;
use crate::process::{command, program};
use crate::world::{KEY, World, names};

/// Everything below a folder.
fn all(dir: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    // What a process at work removes meanwhile is not there.
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            paths.extend(all(&path));
        }
        paths.push(path);
    }
    paths
}

/// A directory with all that there can be: spans, what was done, dead letters, something set aside.
fn fill(world: &World) {
    let mut command = command("sh");
    command.args(["-c", "umask 0; exec \"$0\""]).arg(program("emitter"));
    let mut process = world.set_up().command(command).start();
    world.emit_to_disk(&mut process, 20);
    assert!(process.waits_for("flush"));
    world.sink.fail(Fault::on("POST", "/v1/traces").status(400).times(200));
    world.emit_to_disk(&mut process, 1);
    assert!(process.waits_for("flush"));
    world.sink.heal();
    world.sink.fail(Fault::on("POST", "/v1/traces").status(503).forever());
    world.emit_to_disk(&mut process, 200);
    world.kill(process);
    assert!(all(&world.dir()).iter().any(|path| path.extension().is_some_and(|kind| kind == "spans")));
    assert_ne!(names(&world.dir().join("dead-letters")), [""; 0]);
}

#[test]
fn files_are_for_the_user_alone_whatever_the_umask() {
    let world = World::new();
    fill(&world);
    let mut paths = all(&world.dir());
    paths.push(world.dir());
    for path in paths {
        let metadata = fs::symlink_metadata(&path).unwrap();
        let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(metadata.permissions().mode() & 0o7777, expected, "{}", path.display());
    }
}

#[test]
fn no_form_of_the_key_is_in_a_file_or_a_name() {
    let world = World::new();
    fill(&world);
    let digest = Sha256::digest(KEY).to_vec();
    let mut forms = vec![KEY.as_bytes().to_vec(), digest.clone(), KEY.bytes().rev().collect()];
    for bytes in [KEY.as_bytes(), &digest] {
        forms.extend([hex(bytes).into_bytes(), hex(bytes).to_uppercase().into_bytes()]);
        // At any place within other text, that of a key in a header included.
        for skip in 0..3 {
            forms.push(base64(bytes.get(skip..).unwrap()).into_bytes());
            forms.push(base64(bytes.get(skip..).unwrap()).replace('+', "-").replace('/', "_").into_bytes());
        }
    }
    let holds = |text: &[u8], form: &[u8]| text.windows(form.len()).any(|piece| piece == form);
    assert!(forms.iter().all(|form| form.len() > 10 && !holds(b"paid-1-", form)));
    for path in all(&world.dir()) {
        let bytes = if path.is_dir() { Vec::new() } else { fs::read(&path).unwrap() };
        for form in &forms {
            assert!(!holds(path.to_string_lossy().as_bytes(), form), "in the name {}", path.display());
            assert!(!holds(&bytes, form), "in {}: {:?}", path.display(), String::from_utf8_lossy(form));
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As many digits as depend on these bytes alone.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let triples = bytes.chunks_exact(3);
    let digits = triples.flat_map(|triple| {
        let bits = triple.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(DIGITS[(bits >> shift & 63) as usize]))
    });
    digits.collect()
}

#[test]
fn alien_things_in_the_directory_are_left_alone() {
    let world = World::new();
    let (dir, outside) = (world.dir(), world.path("outside"));
    fs::create_dir_all(dir.join("folder/deeper")).unwrap();
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("00000001-00000000.spans"), "not a span").unwrap();
    let salt_and_tag = "0123456789abcdef-0123456789abcdef";
    for (name, text) in [
        ("notes.txt", "mine"),
        ("empty", ""),
        ("00000001-00000000.spans", "mine too"),
        ("folder/deeper/lock", ""),
        (&format!("paid-1-{salt_and_tag}"), "a file where a folder could be"),
    ] {
        fs::write(dir.join(name), text).unwrap();
    }
    fs::write(dir.join("zeros"), [0; 10_000]).unwrap();
    symlink(&outside, dir.join("link")).unwrap();
    symlink(&outside, dir.join(format!("paid-1-{}", salt_and_tag.replace('0', "f")))).unwrap();
    symlink(world.path("nowhere"), dir.join("broken")).unwrap();
    for name in [format!("paid-0-{salt_and_tag}"), format!("paid-2-{salt_and_tag}"), "paid-1-".into()] {
        fs::create_dir(dir.join(&name)).unwrap();
        fs::write(dir.join(&name).join("00000001-00000000.spans"), "of another version").unwrap();
    }
    let state = || {
        let mut state: Vec<_> = all(&dir)
            .into_iter()
            .chain(all(&outside))
            .filter_map(|path| {
                let metadata = fs::symlink_metadata(&path).ok()?;
                let bytes = if metadata.is_file() { fs::read(&path).ok()? } else { Vec::new() };
                Some((path, metadata.mode(), bytes))
            })
            .collect();
        state.sort();
        state
    };
    let before = state();

    let mut process = world.start_cut_off();
    world.emit_to_disk(&mut process, 30);
    world.kill(process);
    let next = world.start();
    world.wait();
    // All that there is more than before is the folder of the living one.
    until("what was delivered is removed", Duration::from_secs(10), || state().len() == before.len() + 2);
    world.end(next);
    assert!(state() == before, "{:?}", names(&dir));
    world.check();
}

#[test]
fn alien_things_among_a_dead_process_s_files_cost_nothing() {
    let world = World::new();
    let mut process = world.start_cut_off();
    world.emit_to_disk(&mut process, 30);
    world.kill(process);
    let mut folders = names(&world.dir()).into_iter().filter(|name| name.starts_with("paid-1-"));
    let folder = world.dir().join(folders.next().unwrap());
    let outside = world.path("outside.spans");
    fs::write(&outside, "mine").unwrap();
    fs::write(folder.join("notes.txt"), "a note of mine").unwrap();
    fs::write(folder.join("00000007-00000000.spans"), "").unwrap();
    fs::write(folder.join("00000008-00000000.spans"), [0; 5000]).unwrap();
    fs::write(folder.join("00000009-00000000.done"), "of nothing").unwrap();
    symlink(&outside, folder.join("00000010-00000000.spans")).unwrap();
    fs::create_dir(folder.join("00000011-00000000.spans")).unwrap();
    let real = all(&folder).into_iter().find(|path| {
        path.extension().is_some_and(|kind| kind == "spans") && { fs::metadata(path).unwrap().len() > 5000 }
    });
    // Zeros after the end, as a loss of power leaves them.
    fs::OpenOptions::new().append(true).open(real.unwrap()).unwrap().write_all(&[0; 3000]).unwrap();

    let next = world.start();
    world.wait();
    let spans_left =
        || all(&world.dir()).iter().any(|path| fs::read(path).is_ok_and(|bytes| bytes.len() > 5000));
    until("what was delivered is removed", Duration::from_secs(10), || !spans_left());
    world.end(next);
    assert_eq!(fs::read_to_string(&outside).unwrap(), "mine");
    let notes =
        all(&world.dir()).iter().any(|path| fs::read(path).is_ok_and(|bytes| bytes == b"a note of mine"));
    assert!(notes, "a file of the user's is gone");
    world.check();
}

#[test]
fn what_a_process_had_just_begun_is_removed_by_a_living_one() {
    let world = World::new();
    let mut process = world.start_cut_off();
    world.emit_to_disk(&mut process, 1);
    world.kill(process);
    // Killed between making the file and writing to it.
    let spans =
        all(&world.dir()).into_iter().find(|path| path.extension().is_some_and(|kind| kind == "spans"));
    fs::File::options().write(true).open(spans.unwrap()).unwrap().set_len(0).unwrap();
    let next = world.start();
    until("only its own folder is left", Duration::from_secs(15), || names(&world.dir()).len() == 1);
    world.end(next);
    assert_eq!(names(&world.dir()), [""; 0]);
}
