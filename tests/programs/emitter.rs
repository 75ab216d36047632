//! A program that the tests of durable delivery start, talk to and kill. It traces as its environment says, does what
//! the lines on its standard input say, and tells what was answered, and when, on its standard output.
//!
//! - `emit FROM COUNT PAUSE_US one|each`: numbered signals, in one scope or each in its own; `signal N T`, `scope N T`
//!   for each that was answered, `emitted FROM` at the end
//! - `bulk FROM COUNT`: as fast as they are taken, without a word in between
//! - `disk MS`, `sync MS`, `flush MS`, `shutdown MS`: `disk T true|false`, where T is when it was called
//! - `stats`, `limit BYTES|none` (of the size of a file), `end`
//! - `pulse`: `pulse T` on standard error every millisecond, which shows how often the system let it run
//!
//! Times are nanoseconds of the monotonic clock. It ends at the end of its input too.

#[cfg(unix)]
mod program {
    use std::io::{BufRead, Write};
    use std::ops::Range;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::thread;
    use std::time::Duration;

    use nix::libc::rlim_t;
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    use nix::time::{ClockId, clock_gettime};
    use paid::tracing::{
        Delivery, SignalError, TracingOptions, delivery, initialize_tracing, paid_tracing, signal,
    };

    type Problem = Box<dyn std::error::Error>;

    pub fn main() -> Result<(), Problem> {
        paid::logging::init();
        // The disk's answer counts, not the system's default of ending the process.
        signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
        if std::env::var_os("EMITTER_FLUSHES_ON_SIGNALS").is_some() {
            paid::tracing::flush_on_signals(Duration::from_secs(10))?;
        }
        initialize_tracing(options()?)?;
        say(format_args!("ready"));
        for line in std::io::stdin().lock().lines() {
            let line = line?;
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["emit", from, count, pause, scopes] => {
                    let numbers = numbers(from, count)?;
                    let (pause, each) = (Duration::from_micros(pause.parse()?), *scopes == "each");
                    thread::spawn(move || emit(numbers, pause, each));
                }
                ["bulk", from, count] => {
                    let numbers = numbers(from, count)?;
                    thread::spawn(move || bulk(numbers));
                }
                ["disk", ms] => wait("disk", ms, Delivery::flush_to_disk)?,
                ["sync", ms] => wait("sync", ms, Delivery::sync)?,
                ["flush", ms] => wait("flush", ms, Delivery::flush)?,
                ["shutdown", ms] => wait("shutdown", ms, Delivery::shutdown)?,
                ["stats"] => {
                    let s = delivery().stats();
                    say(format_args!(
                        "stats {} {} {} {} {}",
                        s.emitted, s.acknowledged, s.held, s.dead_lettered, s.dropped
                    ));
                }
                ["pulse"] => {
                    thread::spawn(|| {
                        loop {
                            let line = format!("pulse {}\n", now());
                            let _ = std::io::stderr().write_all(line.as_bytes());
                            thread::sleep(Duration::from_millis(1));
                        }
                    });
                    say(format_args!("pulse"));
                }
                ["limit", bytes] => limit(bytes)?,
                ["end"] => break,
                _ => return Err(format!("what is {line:?}?").into()),
            }
        }
        Ok(())
    }

    fn options() -> Result<TracingOptions, Problem> {
        let options = TracingOptions::new()
            .on_loss(|loss| say(format_args!("loss {:?} {}", loss.cause, loss.spans)))
            .on_dead_letter(|letter| {
                let file = letter.file.as_ref().map(|file| file.display().to_string());
                say(format_args!(
                    "dead {} {} {}",
                    letter.status,
                    letter.spans,
                    file.unwrap_or_else(|| "-".into())
                ));
            });
        Ok(match std::env::var("EMITTER_MAX_SPOOL_BYTES") {
            Ok(bytes) => options.max_spool_bytes(bytes.parse()?),
            Err(_) => options,
        })
    }

    fn numbers(from: &str, count: &str) -> Result<Range<u64>, Problem> {
        let from: u64 = from.parse()?;
        Ok(from..from + count.parse::<u64>()?)
    }

    fn emit(numbers: Range<u64>, pause: Duration, each: bool) {
        let from = numbers.start;
        if each {
            for n in numbers {
                scope(n).run(|| send(n));
                say(format_args!("scope {n} {}", now()));
                thread::sleep(pause);
            }
        } else {
            scope(from).run(|| {
                for n in numbers {
                    send(n);
                    thread::sleep(pause);
                }
            });
            say(format_args!("scope {from} {}", now()));
        }
        say(format_args!("emitted {from}"));
    }

    fn scope(n: u64) -> paid::tracing::PaidTracing {
        paid_tracing(format!("customer_{n}")).external_agent_id("emitter")
    }

    fn send(n: u64) {
        match signal("numbered").data(serde_json::json!({"n": n})).send() {
            Ok(()) => say(format_args!("signal {n} {}", now())),
            Err(error) => say(format_args!("refused {n} {error}")),
        }
    }

    fn bulk(numbers: Range<u64>) {
        let from = numbers.start;
        scope(from).run(|| {
            for n in numbers {
                while signal("numbered").data(serde_json::json!({"n": n})).send()
                    == Err(SignalError::QueueFull)
                {
                    thread::sleep(Duration::from_millis(1));
                }
            }
        });
        say(format_args!("emitted {from}"));
    }

    /// On a thread of its own, so that everything else goes on.
    fn wait(name: &'static str, ms: &str, what: fn(&Delivery, Duration) -> bool) -> Result<(), Problem> {
        let timeout = Duration::from_millis(ms.parse()?);
        thread::spawn(move || {
            let called = now();
            let done = what(&delivery(), timeout);
            say(format_args!("{name} {called} {done}"));
        });
        Ok(())
    }

    fn limit(bytes: &str) -> Result<(), Problem> {
        let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE)?;
        let soft = if bytes == "none" { hard } else { bytes.parse::<rlim_t>()? };
        setrlimit(Resource::RLIMIT_FSIZE, soft, hard)?;
        say(format_args!("limited"));
        Ok(())
    }

    fn now() -> i128 {
        clock_gettime(ClockId::CLOCK_MONOTONIC)
            .map_or(0, |now| i128::from(now.tv_sec()) * 1_000_000_000 + i128::from(now.tv_nsec()))
    }

    /// One write a line: what was said before a kill is read after it.
    fn say(line: std::fmt::Arguments<'_>) {
        // Who does not listen any more has ended the input too.
        let _ = std::io::stdout().write_all(format!("{line}\n").as_bytes());
    }
}

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    program::main()
}

#[cfg(not(unix))]
fn main() {}
