//! One test's world: a collector, a spool directory, processes that come and go, and the books of what they did.

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::books::{Books, Emission, Toll};
use crate::clock::{ms, now, until};
use crate::process::{Ended, Process, command, program};
use crate::sink::Sink;
use crate::wire::Item;

pub const KEY: &str = "sk_live_of+account/1";
pub const OTHER_KEY: &str = "sk_live_of+account/2";

const PATIENCE: Duration = Duration::from_secs(30);
/// Where nobody listens.
const DOWN: &str = "http://127.0.0.1:1/v1/traces";

pub struct World {
    pub sink: Sink,
    base: PathBuf,
    senders: AtomicU32,
    numbers: AtomicU64,
    books: Mutex<Books>,
}

/// How signals are scoped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scopes {
    One,
    Each,
}

impl World {
    pub fn new() -> World {
        static WORLDS: AtomicU32 = AtomicU32::new(0);
        let name = format!("spool-{}-{}", std::process::id(), WORLDS.fetch_add(1, Ordering::Relaxed));
        // Another disk shows another side: SPOOL_DISK says where.
        let disk = std::env::var("SPOOL_DISK").unwrap_or_else(|_| env!("CARGO_TARGET_TMPDIR").into());
        let base = Path::new(&disk).join(name);
        std::fs::create_dir_all(&base).unwrap();
        World {
            sink: Sink::start(),
            base,
            senders: AtomicU32::new(0),
            numbers: AtomicU64::new(0),
            books: Mutex::default(),
        }
    }

    /// The spool directory that processes share unless they are told otherwise.
    pub fn dir(&self) -> PathBuf {
        self.base.join("spool")
    }

    /// A path of this test's own, outside the spool directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.base.join(name)
    }

    /// A process to be started.
    pub fn set_up(&self) -> Setup<'_> {
        Setup {
            world: self,
            key: KEY.into(),
            down: false,
            spool: Some(self.dir()),
            command: command(program("emitter")),
        }
    }

    /// One that reaches the collector.
    pub fn start(&self) -> Process {
        self.set_up().start()
    }

    /// One whose collector is down.
    pub fn start_cut_off(&self) -> Process {
        self.set_up().down().start()
    }

    /// Has a process emit so many signals, one every so many microseconds.
    pub fn emit(&self, process: &mut Process, count: u64, pause: u64, scopes: Scopes) -> Range<u64> {
        let numbers = self.expect(process, count, scopes);
        let scopes = if scopes == Scopes::Each { "each" } else { "one" };
        process.tell(&format!("emit {} {count} {pause} {scopes}", numbers.start));
        numbers
    }

    /// Has it emit at once, in one scope, and waits until it has.
    #[track_caller]
    pub fn emit_and_wait(&self, process: &mut Process, count: u64) -> Range<u64> {
        let numbers = self.emit(process, count, 0, Scopes::One);
        process.line(&format!("emitted {}", numbers.start));
        numbers
    }

    /// Has it emit at once, in one scope, and waits until all of it is on disk.
    #[track_caller]
    pub fn emit_to_disk(&self, process: &mut Process, count: u64) -> Range<u64> {
        let numbers = self.emit_and_wait(process, count);
        assert!(process.waits_for("disk"));
        numbers
    }

    /// Numbers for a process to emit.
    pub fn expect(&self, process: &Process, count: u64, scopes: Scopes) -> Range<u64> {
        let from = self.numbers.fetch_add(count, Ordering::Relaxed);
        self.expect_numbers(process, from..from + count, scopes);
        from..from + count
    }

    pub fn expect_numbers(&self, process: &Process, numbers: Range<u64>, scopes: Scopes) {
        let (each, key) = (scopes == Scopes::Each, process.key.clone());
        let (start, emission) = (numbers.start, Emission { numbers, each, key });
        self.books.lock().unwrap().emissions.insert(start, emission);
    }

    /// These must arrive.
    pub fn must(&self, items: impl IntoIterator<Item = Item>) {
        self.books.lock().unwrap().must.extend(items.into_iter().map(|item| (item, None)));
    }

    /// Signals of these numbers must arrive, with the scope that they are in.
    pub fn must_all(&self, numbers: Range<u64>) {
        self.must([Item::Scope(numbers.start)]);
        self.must(numbers.map(Item::Signal));
    }

    /// What must arrive by now.
    pub fn expected(&self) -> Vec<Item> {
        self.books.lock().unwrap().must.keys().copied().collect()
    }

    /// Enters in the books what an ended process was answered: after a kill, all but the last moment's.
    pub fn note(&self, ended: &Ended) {
        self.books.lock().unwrap().note(ended);
    }

    #[track_caller]
    pub fn kill(&self, process: Process) -> Ended {
        let ended = process.kill();
        self.note(&ended);
        ended
    }

    /// Ends it normally.
    #[track_caller]
    pub fn end(&self, process: Process) -> Ended {
        let ended = process.end();
        assert!(ended.status.success(), "{:?}: {}", ended.status, ended.log);
        self.note(&ended);
        ended
    }

    /// Ends it normally while it delivers: then the collector may be told again what it took in the last second.
    #[track_caller]
    pub fn end_amid_delivery(&self, process: Process) {
        self.books.lock().unwrap().hasty_ends.insert(process.sender, now());
        self.end(process);
    }

    /// Waits until everything that must arrive has.
    #[track_caller]
    pub fn wait(&self) {
        let missing = self.sink.missing(self.expected(), PATIENCE);
        let books = self.books.lock().unwrap();
        let known: Vec<_> = missing
            .iter()
            .take(20)
            .map(|item| match books.must[item] {
                Some(age) => format!("{item:?} (answered {:.1} ms before a kill)", ms(age)),
                None => format!("{item:?}"),
            })
            .collect();
        assert!(known.is_empty(), "{} are lost, such as {known:?}", missing.len());
    }

    /// Waits until a living process has removed what was delivered: then it knows that it was, too.
    #[track_caller]
    pub fn wait_for_removal(&self) {
        until("what was delivered is removed", PATIENCE, || !holds_spans(&self.dir()));
    }

    /// Lets one more process of each key deliver the rest, which leaves nothing behind, and checks the books.
    #[track_caller]
    pub fn settle(&self) -> Toll {
        self.sink.heal();
        let keys: HashSet<String> = self.books.lock().unwrap().keys.values().cloned().collect();
        let last: Vec<Process> = keys.iter().map(|key| self.set_up().key(key).start()).collect();
        self.wait();
        let alone = || names(&self.dir()).len() == last.len() && !holds_spans(&self.dir());
        until("what was delivered is removed", PATIENCE, alone);
        last.into_iter().for_each(|process| drop(self.end(process)));
        assert_eq!(names(&self.dir()), [""; 0], "something is left");
        self.check()
    }

    /// Everything that must arrive did, as often as it may, with its own key, and nothing else.
    #[track_caller]
    pub fn check(&self) -> Toll {
        self.books.lock().unwrap().check(self.sink.exchanges())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // After a failure, its files may tell why.
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.base);
        }
    }
}

/// Whether there are files of spans in a spool directory.
pub fn holds_spans(dir: &Path) -> bool {
    let folders = names(dir).into_iter().map(|name| dir.join(name)).filter(|path| path.is_dir());
    // One that is gone by now holds none.
    let mut files = folders.flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
    files.any(|file| file.path().extension().is_some_and(|kind| kind == "spans"))
}

/// What is in a folder, in order.
pub fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

pub struct Setup<'a> {
    world: &'a World,
    key: String,
    down: bool,
    spool: Option<PathBuf>,
    command: Command,
}

impl Setup<'_> {
    pub fn key(mut self, key: &str) -> Self {
        self.key = key.into();
        self
    }

    pub fn down(mut self) -> Self {
        self.down = true;
        self
    }

    pub fn spool(mut self, dir: impl Into<Option<PathBuf>>) -> Self {
        self.spool = dir.into();
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Another program, such as one that starts the usual one in its place.
    pub fn command(mut self, command: Command) -> Self {
        self.command = command;
        self
    }

    /// Starts it, and waits until it traces.
    #[track_caller]
    pub fn start(self) -> Process {
        let process = self.spawn();
        process.line("ready");
        process
    }

    pub fn spawn(mut self) -> Process {
        let sender = self.world.senders.fetch_add(1, Ordering::Relaxed);
        let endpoint = if self.down { DOWN.into() } else { self.world.sink.endpoint(sender) };
        self.command.env("PAID_API_KEY", &self.key).env("PAID_OTEL_COLLECTOR_ENDPOINT", endpoint);
        if let Some(dir) = &self.spool {
            self.command.env("PAID_SPOOL_DIR", dir);
        }
        self.world.books.lock().unwrap().keys.insert(sender, self.key.clone());
        Process::start(self.command, sender, &self.key)
    }
}
