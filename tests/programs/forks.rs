//! Programs that fork, for the tests of durable delivery. The argument says which; each numbered signal is sent once.

#[cfg(unix)]
#[allow(unsafe_code)]
mod program {
    use std::io::Write;
    use std::ops::Range;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Duration;

    use nix::sys::signal::{Signal, kill};
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{ForkResult, Pid, fork, pause, pipe, read};
    use paid::tracing::{TracingOptions, delivery, initialize_tracing, paid_tracing, signal};

    type Problem = Box<dyn std::error::Error>;

    const FORKS: u64 = 50;

    pub fn main() -> Result<(), Problem> {
        paid::logging::init();
        let what = std::env::args().nth(1).unwrap_or_default();
        if what == "client" {
            return client();
        }
        if what == "signals" {
            paid::tracing::flush_on_signals(Duration::from_secs(10))?;
        }
        initialize_tracing(TracingOptions::new())?;
        match what.as_str() {
            "child" => child(),
            "grandchild" => grandchild(),
            "threads" => threads(),
            "scope" => scope(),
            "orphan" => orphan(),
            "signals" => signals(),
            _ => Err(format!("what is {what:?}?").into()),
        }
    }

    /// Runs this in a child, which then ends as a program does.
    fn forked(work: impl FnOnce()) -> Result<Pid, Problem> {
        // SAFETY: the child of a program with threads may only do what the C library allows between fork and exec; what
        // it does here beyond that, such as to allocate, glibc and musl keep working, as other programs rely on too.
        match unsafe { fork()? } {
            ForkResult::Parent { child } => Ok(child),
            ForkResult::Child => {
                work();
                std::process::exit(0)
            }
        }
    }

    fn ended(child: Pid) -> Result<(), Problem> {
        match waitpid(child, None)? {
            WaitStatus::Exited(_, 0) => Ok(()),
            other => Err(format!("the child ended with {other:?}").into()),
        }
    }

    /// Clients that were used before the fork are used in the child and its child, and in the parent after.
    fn client() -> Result<(), Problem> {
        let (client, async_client) = (paid::Paid::from_env()?, paid::AsyncPaid::from_env()?);
        let call = |who: &str| -> Result<(), Problem> {
            client.customers().list().header("x-who", who).send()?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async { async_client.customers().list().header("x-who", who).await })?;
            Ok(())
        };
        call("parent")?;
        let child = forked(|| {
            let both = call("child").and_then(|()| call("child")).is_ok();
            let grandchild = forked(|| std::process::exit(call("grandchild").is_err().into()));
            let ended = grandchild.and_then(ended).is_ok();
            std::process::exit((!both || !ended).into());
        })?;
        ended(child)?;
        call("parent")?;
        Ok(())
    }

    fn emit(numbers: Range<u64>) {
        paid_tracing(format!("customer_{}", numbers.start))
            .external_agent_id("forks")
            .run(|| numbers.for_each(send));
    }

    fn send(n: u64) {
        if let Err(error) = signal("numbered").data(serde_json::json!({"n": n})).send() {
            say(&format!("refused {n} {error}"));
        }
    }

    /// Not by `println!`: a child may have been forked while another thread held its lock.
    fn say(line: &str) {
        let _ = nix::unistd::write(std::io::stdout(), format!("{line}\n").as_bytes());
    }

    fn child() -> Result<(), Problem> {
        emit(0..20);
        let child = forked(|| emit(100..120))?;
        emit(20..40);
        ended(child)
    }

    fn grandchild() -> Result<(), Problem> {
        emit(0..20);
        let child = forked(|| {
            emit(100..120);
            let grandchild = forked(|| emit(200..220)).and_then(ended);
            emit(120..140);
            if let Err(error) = grandchild {
                say(&format!("refused 200 {error}"));
            }
        })?;
        ended(child)?;
        emit(20..40);
        Ok(())
    }

    /// Forks again and again while other threads emit.
    fn threads() -> Result<(), Problem> {
        let done = Arc::new(AtomicBool::new(false));
        let emitters: Vec<_> = (1..=3_u64)
            .map(|thread| {
                let done = done.clone();
                thread::spawn(move || {
                    let mut n = thread * 100_000;
                    while !done.load(Ordering::Relaxed) {
                        emit(n..n + 5);
                        n += 5;
                        thread::sleep(Duration::from_millis(5));
                    }
                    n - 5..n
                })
            })
            .collect();
        for at in 0..FORKS {
            let child = forked(|| emit(at..at + 1))?;
            ended(child)?;
        }
        done.store(true, Ordering::Relaxed);
        for emitter in emitters {
            let last = emitter.join().map_err(|_| "a thread panicked")?;
            say(&format!("last {}", last.end));
        }
        Ok(())
    }

    /// Parent and child are in the same scope, and both leave it.
    fn scope() -> Result<(), Problem> {
        let scope = paid_tracing("customer_0").external_agent_id("forks").enter();
        send(0);
        // SAFETY: as in `forked`.
        let child = match unsafe { fork()? } {
            ForkResult::Parent { child } => Some(child),
            ForkResult::Child => None,
        };
        send(if child.is_some() { 1 } else { 100 });
        drop(scope);
        emit(if child.is_some() { 2..3 } else { 101..102 });
        child.map_or(Ok(()), ended)
    }

    /// The child outlives its parent, until the input ends.
    fn orphan() -> Result<(), Problem> {
        emit(0..20);
        delivery().flush_to_disk(Duration::from_secs(5));
        forked(|| {
            emit(100..120);
            delivery().flush_to_disk(Duration::from_secs(5));
            say("child");
            let _ = read(std::io::stdin(), &mut [0]);
        })?;
        loop {
            pause();
        }
    }

    /// The parent flushes when it is asked to end; the child dies as it always did.
    fn signals() -> Result<(), Problem> {
        let (reader, writer) = pipe()?;
        let child = forked(|| {
            let _ = std::fs::File::from(writer).write_all(b".");
            loop {
                pause();
            }
        })?;
        read(&reader, &mut [0])?;
        kill(child, Signal::SIGTERM)?;
        let status = waitpid(child, None)?;
        say(&format!("child {}", matches!(status, WaitStatus::Signaled(_, Signal::SIGTERM, _))));
        emit(0..20);
        say("emitted");
        loop {
            pause();
        }
    }
}

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    program::main()
}

#[cfg(not(unix))]
fn main() {}
