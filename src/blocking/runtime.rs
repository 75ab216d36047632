//! The background thread that serves a blocking client's connections.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::error::{Error, InvalidRequest, TransportError};

/// A thread with a Tokio runtime. It ends when this is dropped; calls under way are cancelled.
#[derive(Debug)]
pub(crate) struct Runtime {
    thread: Background,
    /// The thread of a forked child: a fork copies no thread but its own.
    forked: Mutex<Option<Background>>,
}

#[derive(Debug)]
struct Background {
    process: u32,
    handle: Handle,
    _stop: oneshot::Sender<()>,
}

impl Runtime {
    /// # Errors
    ///
    /// [`Error::Transport`] if the system has no thread or no event queue to give.
    pub fn start() -> Result<Self, Error> {
        Ok(Runtime { thread: Background::start()?, forked: Mutex::default() })
    }

    /// The runtime of this process.
    fn handle(&self) -> Result<Handle, Error> {
        let process = std::process::id();
        if self.thread.process == process {
            return Ok(self.thread.handle.clone());
        }
        let mut forked = self.forked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = forked.as_ref().filter(|thread| thread.process == process) {
            return Ok(thread.handle.clone());
        }
        let thread = Background::start()?;
        let handle = thread.handle.clone();
        // The parent's runtime is not for this process to end, so what was there is forgotten, not dropped.
        std::mem::forget(forked.replace(thread));
        Ok(handle)
    }

    /// Runs a future on this thread; its connections and timers are served by the background thread.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] inside an async task, which must not block.
    pub fn wait<F: Future>(&self, future: F) -> Result<F::Output, Error> {
        if in_async_task() {
            return Err(InvalidRequest::new(
                "client",
                "is the blocking one, called inside an async task, which it would block: use paid::AsyncPaid there, \
                 or tokio::task::spawn_blocking",
            )
            .into());
        }
        let handle = self.handle()?;
        let _entered = handle.enter();
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(bell.clone());
        let mut context = Context::from_waker(&waker);
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return Ok(value);
            }
            bell.wait();
        }
    }
}

impl Background {
    fn start() -> Result<Self, Error> {
        let failed = |error: std::io::Error| {
            let reason = format!("its background thread could not start: {error}");
            TransportError::new("the blocking client", reason, false, 0)
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::Builder::new()
            .name("paid-blocking".into())
            .spawn(move || {
                // Ends with an error when the sender is dropped, which is the sign to stop.
                let _ = runtime.block_on(stopped);
            })
            .map_err(failed)?;
        Ok(Background { process: std::process::id(), handle, _stop: stop })
    }
}

/// Wakes the thread that waits. Not by `thread::park`, whose token may be meant for the host.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    fn wait(&self) {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        while !std::mem::take(&mut *rung) {
            rung = self.changed.wait(rung).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }
}

/// Whether this is inside the poll of a Tokio task, where blocking is wrong.
///
/// A runtime handle is there in `spawn_blocking` and `block_in_place` too, where blocking is right.
/// What tells them apart is the budget that Tokio gives to each poll of a task: only inside one can
/// it be used up. It is used up only when the answer is an error anyway.
fn in_async_task() -> bool {
    if Handle::try_current().is_err() {
        return false;
    }
    let mut context = Context::from_waker(Waker::noop());
    // Tokio's budget is 128; twice as much leaves it room to grow.
    (0..256).any(|_| {
        pin!(tokio::task::coop::cooperative(std::future::ready(()))).poll(&mut context) == Poll::Pending
    })
}
