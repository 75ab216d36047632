//! A program under test as a child process, and what it said.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::clock::{now, until};
use crate::wire::Item;

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    ended: bool,
}

#[derive(Default)]
struct Log {
    text: String,
    pulse: Vec<i128>,
}

pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    said: Arc<(Mutex<Said>, Condvar)>,
    readers: Vec<JoinHandle<()>>,
    log: Arc<Mutex<Log>>,
    pub sender: u32,
    pub key: String,
}

/// What is known of a process that has ended.
pub struct Ended {
    pub sender: u32,
    pub status: ExitStatus,
    pub lines: Vec<String>,
    pub log: String,
    /// When it ran.
    pub pulse: Vec<i128>,
    /// Just before it was killed; none if it ended by itself.
    pub killed: Option<i128>,
}

impl Process {
    pub fn start(mut command: Command, sender: u32, key: &str) -> Process {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = Arc::<(Mutex<Said>, Condvar)>::default();
        let log = Arc::<Mutex<Log>>::default();
        let (output, errors) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (told, logged) = (said.clone(), log.clone());
        let readers = vec![
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines() {
                    told.0.lock().unwrap().lines.push(line.unwrap());
                    told.1.notify_all();
                }
                told.0.lock().unwrap().ended = true;
                told.1.notify_all();
            }),
            std::thread::spawn(move || {
                for line in BufReader::new(errors).lines() {
                    let (line, mut log) = (line.unwrap(), logged.lock().unwrap());
                    match line.strip_prefix("pulse ").map(str::parse) {
                        Some(time) => log.pulse.push(time.unwrap()),
                        None => log.text += &(line + "\n"),
                    }
                }
            }),
        ];
        let input = child.stdin.take();
        Process { child, input, said, readers, log, sender, key: key.into() }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn tell(&mut self, line: &str) {
        self.input.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().text.clone()
    }

    pub fn lines(&self) -> Vec<String> {
        self.said.0.lock().unwrap().lines.clone()
    }

    /// The next line that starts so, after so many lines.
    #[track_caller]
    pub fn line_after(&self, from: usize, start: &str) -> String {
        let end = Instant::now() + Duration::from_secs(30);
        let mut said = self.said.0.lock().unwrap();
        loop {
            if let Some(line) = said.lines.iter().skip(from).find(|line| line.starts_with(start)) {
                return line.clone();
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !said.ended, "it never said {start:?}; its log: {}", self.log());
            said = self.said.1.wait_timeout(said, left).unwrap().0;
        }
    }

    #[track_caller]
    pub fn line(&self, start: &str) -> String {
        self.line_after(0, start)
    }

    /// Tells it something, and waits for the answer, which starts with the same word; what comes after that.
    #[track_caller]
    pub fn ask(&mut self, line: &str) -> Vec<String> {
        let from = self.lines().len();
        self.tell(line);
        let word = line.split(' ').next().unwrap();
        self.line_after(from, word).split(' ').skip(1).map(str::to_string).collect()
    }

    /// Whether flush_to_disk, sync, flush or shutdown was in time.
    #[track_caller]
    pub fn waits_for(&mut self, what: &str) -> bool {
        self.ask(&format!("{what} 10000"))[1] == "true"
    }

    /// Emitted, acknowledged, held, dead-lettered, dropped.
    #[track_caller]
    pub fn stats(&mut self) -> [u64; 5] {
        let stats = self.ask("stats");
        let stats: Vec<u64> = stats.iter().map(|count| count.parse().unwrap()).collect();
        assert_eq!(stats[0], stats[1..].iter().sum::<u64>(), "{stats:?}");
        stats.try_into().unwrap()
    }

    pub fn kill(mut self) -> Ended {
        let killed = now();
        self.child.kill().unwrap();
        self.ended(Some(killed))
    }

    /// Kills it alone: children of it may go on with its output, and with its input as long as that is held.
    pub fn kill_leaving_children(mut self) -> ChildStdin {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.input.take().unwrap()
    }

    /// Sends it a signal by name.
    pub fn signal(&self, name: &str) {
        signal(self.id(), name);
    }

    /// The normal end.
    #[track_caller]
    pub fn end(mut self) -> Ended {
        drop(self.input.take());
        self.wait()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(mut self) -> Ended {
        until("the program ends", Duration::from_secs(30), || self.child.try_wait().unwrap().is_some());
        self.ended(None)
    }

    fn ended(mut self, killed: Option<i128>) -> Ended {
        let status = self.child.wait().unwrap();
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
        Ended {
            sender: self.sender,
            status,
            lines: self.lines(),
            log: self.log(),
            pulse: self.log.lock().unwrap().pulse.clone(),
            killed,
        }
    }

    /// The most memory that it ever had, in bytes.
    pub fn most_memory(&self) -> u64 {
        let mut status = String::new();
        let path = format!("/proc/{}/status", self.id());
        std::fs::File::open(path).unwrap().read_to_string(&mut status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Ended {
    /// What was answered, and when.
    pub fn answered(&self) -> impl Iterator<Item = (Item, i128)> + '_ {
        self.lines.iter().filter_map(|line| {
            let mut words = line.split(' ');
            let item: fn(u64) -> Item = match words.next()? {
                "signal" => Item::Signal,
                "scope" => Item::Scope,
                _ => return None,
            };
            Some((item(words.next()?.parse().ok()?), words.next()?.parse().ok()?))
        })
    }

    /// When the last wait for the disk began that was not in vain.
    pub fn safe_since(&self) -> Option<i128> {
        let times =
            self.lines.iter().filter_map(|line| match line.split(' ').collect::<Vec<_>>().as_slice() {
                ["disk" | "sync" | "flush", called, "true"] => called.parse().ok(),
                _ => None,
            });
        times.max()
    }
}

pub fn signal(id: u32, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &id.to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Cargo puts tests in `deps` and examples in `examples` beside it.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(program.exists(), "there is no {}: run `cargo build --example {name}` first", program.display());
    program
}

/// A program with these variables and no others that could matter.
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if ["PAID_", "OTEL_", "EMITTER_"].iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command.env("NO_PROXY", "127.0.0.1");
    command
}
