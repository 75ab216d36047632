//! Waking the threads of a pipeline. A wake while nobody sleeps is kept for the next sleep.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::Duration;

use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(super) struct Wake {
    sender: Notify,
    /// The sender has nothing to do: the next thing written is news.
    idle: AtomicBool,
    /// With a spool: the thread that takes from the queue. Without one, the sender does.
    writer: Option<OnceLock<Thread>>,
}

impl Wake {
    pub fn new(has_writer: bool) -> Self {
        Wake { sender: Notify::new(), idle: AtomicBool::new(false), writer: has_writer.then(OnceLock::new) }
    }

    /// Whether there is a spool.
    pub fn has_writer(&self) -> bool {
        self.writer.is_some()
    }

    /// This thread is the writer.
    pub fn i_am_writer(&self) {
        if let Some(writer) = &self.writer {
            // There is one, and it says so once.
            let _ = writer.set(std::thread::current());
        }
    }

    /// Whoever takes from the queue.
    pub fn taker(&self) {
        match &self.writer {
            None => self.sender(),
            // One that has not started yet looks by itself when it does.
            Some(writer) => drop(writer.get().map(Thread::unpark)),
        }
    }

    pub fn sender(&self) {
        self.sender.notify_one();
    }

    /// The sender says whether it has nothing to do. It says so before it looks, so that nothing is missed.
    pub fn sender_idles(&self, idle: bool) {
        self.idle.store(idle, Ordering::SeqCst);
    }

    /// Something was written: news for a sender that idles.
    pub fn idle_sender(&self) {
        if self.idle.swap(false, Ordering::SeqCst) {
            self.sender();
        }
    }

    pub fn both(&self) {
        self.taker();
        self.sender();
    }

    /// Until the sender is woken, or so long.
    pub async fn sender_sleeps(&self, most: Duration) {
        // Whichever it was, the sender looks for itself what there is to do.
        let _ = tokio::time::timeout(most, self.sender.notified()).await;
    }
}
