//! Damage: the next start works, and loses at most what was touched.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use paid_sandbox::Fault;

use crate::clock::until;
use crate::rounds;
use crate::wire::Item;
use crate::world::{Scopes, World, names};

const GROUPS: u64 = 6;
const IN_GROUP: u64 = 10;

/// What a killed process left, and which of its bytes are whose.
struct Left {
    folder: String,
    spans: PathBuf,
    /// End of each group of signals in the file.
    ends: Vec<u64>,
    /// The numbers of each group.
    numbers: Vec<Range<u64>>,
}

fn files(dir: &Path, kind: &str) -> Vec<PathBuf> {
    let folders = names(dir).into_iter().filter(|name| name.starts_with("paid-1-"));
    let files = folders.flat_map(|folder| {
        names(&dir.join(&folder)).into_iter().map(move |name| Path::new(&folder).join(name))
    });
    files.filter(|path| path.extension().is_some_and(|found| found == kind)).collect()
}

/// 60 signals, each with its scope, in groups that are written one after the other. What comes first is acknowledged
/// before the collector fails.
fn record(world: &World, acknowledged: u64) -> Left {
    let mut process = world.start();
    let (mut ends, mut numbers) = (Vec::new(), Vec::new());
    for group in 0..GROUPS {
        if group == acknowledged {
            world.sink.fail(Fault::on("POST", "/v1/traces").status(503).forever());
        }
        let group = world.emit(&mut process, IN_GROUP, 0, Scopes::Each);
        process.line(&format!("emitted {}", group.start));
        assert!(process.waits_for("disk"));
        if (numbers.len() as u64) < acknowledged {
            assert!(process.waits_for("flush"));
        }
        let spans = files(&world.dir(), "spans");
        ends.push(spans.first().map_or(0, |path| fs::metadata(world.dir().join(path)).unwrap().len()));
        numbers.push(group);
    }
    world.kill(process);
    world.sink.heal();
    let spans = files(&world.dir(), "spans").remove(0);
    let folder = spans.parent().unwrap().display().to_string();
    Left { folder, spans, ends, numbers }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in names(from) {
        match from.join(&name).is_dir() {
            true => copy(&from.join(&name), &to.join(&name)),
            false => drop(fs::copy(from.join(&name), to.join(&name)).unwrap()),
        }
    }
}

/// Damages some bytes, and says which of those before were touched.
fn damage(bytes: &mut Vec<u8>, random: &mut fastrand::Rng) -> (String, Range<usize>) {
    let at = random.usize(0..bytes.len());
    let end = random.usize(at..=bytes.len().min(at + 700));
    match random.u8(0..5) {
        0 => {
            bytes[at] ^= 1 << random.u8(0..8);
            (format!("a bit at {at}"), at..at + 1)
        }
        1 => {
            bytes.truncate(at);
            (format!("cut at {at}"), at..usize::MAX)
        }
        2 => {
            bytes[at..end].fill(0);
            (format!("zeros at {at}..{end}"), at..end)
        }
        3 => {
            bytes[at..end].fill_with(|| random.u8(..));
            (format!("noise at {at}..{end}"), at..end)
        }
        _ => {
            let mut noise = vec![0; random.usize(1..200)];
            noise.fill_with(|| random.u8(..));
            bytes.splice(at..at, noise);
            // Between two groups, it touches none.
            (format!("noise put in at {at}"), at.saturating_sub(1)..at + 1)
        }
    }
}

/// Delivers a copy of what was left, and says what came, with its bytes.
#[track_caller]
fn deliver(world: &World, dir: &Path, folder: &str, what: &str) -> HashMap<Item, Vec<u8>> {
    let from = world.sink.exchanges().len();
    let mut process = world.set_up().spool(dir.to_path_buf()).start();
    until(what, Duration::from_secs(15), || !dir.join(folder).exists());
    // It works as ever.
    let numbers = world.emit_to_disk(&mut process, 2);
    assert!(process.waits_for("flush"));
    let ended = process.end();
    assert!(ended.status.success() && !ended.log.contains("panicked"), "{what}: {}", ended.log);
    let exchanges = world.sink.exchanges();
    let spans = exchanges[from..].iter().flat_map(|exchange| exchange.spans.clone());
    let mut arrived = HashMap::new();
    for span in spans {
        assert!(arrived.insert(span.item, span.bytes).is_none(), "{what}: {:?} came twice", span.item);
    }
    for item in numbers.clone().map(Item::Signal).chain([Item::Scope(numbers.start)]) {
        assert!(arrived.remove(&item).is_some(), "{what}: {item:?} of the new process is missing");
    }
    arrived
}

#[test]
fn damaged_spans_cost_only_what_was_touched_and_never_become_others() {
    let world = World::new();
    let left = record(&world, 0);
    copy(&world.dir(), &world.path("whole"));
    let whole = deliver(&world, &world.path("whole"), &left.folder, "no damage");
    assert_eq!(whole.len() as u64, GROUPS * IN_GROUP * 2);
    for round in 0..rounds(16) {
        let mut random = fastrand::Rng::with_seed(round);
        let dir = world.path(&format!("damaged-{round}"));
        copy(&world.dir(), &dir);
        let mut bytes = fs::read(dir.join(&left.spans)).unwrap();
        let (what, touched) = damage(&mut bytes, &mut random);
        fs::write(dir.join(&left.spans), bytes).unwrap();
        let arrived = deliver(&world, &dir, &left.folder, &what);
        for (item, bytes) in &arrived {
            assert_eq!(whole.get(item), Some(bytes), "{what}: {item:?} is not what it was");
        }
        let mut start = 0;
        for (end, numbers) in left.ends.iter().zip(&left.numbers) {
            let untouched = *end as usize <= touched.start || touched.end <= start;
            start = *end as usize;
            for item in numbers.clone().flat_map(|n| [Item::Signal(n), Item::Scope(n)]).filter(|_| untouched)
            {
                assert!(arrived.contains_key(&item), "{what}: {item:?} was not touched, and is lost");
            }
        }
    }
}

#[test]
fn a_damaged_note_of_what_was_delivered_costs_nothing() {
    let world = World::new();
    let left = record(&world, 2);
    let done = files(&world.dir(), "done").remove(0);
    for round in 0..rounds(8) {
        let mut random = fastrand::Rng::with_seed(round);
        let dir = world.path(&format!("damaged-{round}"));
        copy(&world.dir(), &dir);
        let mut bytes = fs::read(dir.join(&done)).unwrap();
        let (what, _) = damage(&mut bytes, &mut random);
        fs::write(dir.join(&done), bytes).unwrap();
        let arrived = deliver(&world, &dir, &left.folder, &what);
        let open = left.numbers.iter().skip(2).cloned().flatten();
        for item in open.flat_map(|n| [Item::Signal(n), Item::Scope(n)]) {
            assert!(arrived.contains_key(&item), "{what}: {item:?} is lost");
        }
    }
}
