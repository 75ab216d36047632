//! The server: its own thread with its own runtime, the connections that it accepts, and what it shares with its handle.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use crate::exchange::respond;
use crate::faults::FaultQueue;
use crate::otlp::ReceivedSpan;
use crate::recorder::{Outcome, ReceivedRequest, RequestIndex};
use crate::requests::Requests;
use crate::routes;
use crate::state::Store;

/// Told of every request when it is clear how it ends.
pub(crate) type Observer = Box<dyn Fn(&ReceivedRequest, Outcome) + Send + Sync>;

/// How a server is to be.
pub(crate) struct Settings {
    /// The only key that is accepted; without one, any is.
    pub api_key: Option<String>,
    pub observer: Option<Observer>,
    pub kept_requests: usize,
    pub hosts: Vec<String>,
}

/// What the server and the handle to it share.
pub(crate) struct Shared {
    api_key: Option<String>,
    observer: Option<Observer>,
    store: Mutex<Store>,
    requests: Mutex<Requests>,
    /// Names that are answered beside those of this machine.
    hosts: Vec<String>,
    faults: Mutex<FaultQueue>,
    #[cfg(feature = "providers")]
    scripts: Mutex<crate::providers::ScriptQueue>,
    /// How many spans there are, for those who wait for more.
    span_count: watch::Sender<usize>,
    /// The server's runtime, once it runs.
    runtime: OnceLock<Handle>,
}

impl Shared {
    pub(crate) fn new(settings: Settings) -> Self {
        let Settings { api_key, observer, kept_requests, hosts } = settings;
        Self {
            api_key,
            observer,
            store: Mutex::default(),
            requests: Mutex::new(Requests::new(kept_requests)),
            hosts,
            faults: Mutex::default(),
            #[cfg(feature = "providers")]
            scripts: Mutex::default(),
            span_count: watch::Sender::new(0),
            runtime: OnceLock::new(),
        }
    }

    /// The only key that is accepted; without one, any is.
    pub(crate) fn api_key(&self) -> Option<&str> {
        self.api_key.as_deref()
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.store)
    }

    pub(crate) fn hosts(&self) -> &[String] {
        &self.hosts
    }

    pub(crate) fn requests(&self) -> MutexGuard<'_, Requests> {
        lock(&self.requests)
    }

    /// Keeps a request, and says where.
    pub(crate) fn record(&self, request: ReceivedRequest) -> RequestIndex {
        self.requests().push(request)
    }

    /// Keeps spans, and wakes those who wait for them.
    pub(crate) fn take_spans(&self, spans: Vec<ReceivedSpan>) {
        let mut store = self.store();
        store.take_spans(spans);
        self.span_count.send_replace(store.spans().len());
    }

    /// Forgets everything but the requests and faults.
    pub(crate) fn clear_store(&self) {
        let mut store = self.store();
        *store = Store::default();
        self.span_count.send_replace(0);
    }

    /// Calls this once there are this many spans, or after this long. It is dropped
    /// without a call when the server has ended.
    pub(crate) fn when_spans(&self, count: usize, timeout: Duration, tell: impl FnOnce() + Send + 'static) {
        let mut so_far = self.span_count.subscribe();
        if let Some(runtime) = self.runtime.get() {
            runtime.spawn(async move {
                let enough = so_far.wait_for(|so_far| *so_far >= count);
                let _ = tokio::time::timeout(timeout, enough).await;
                tell();
            });
        }
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, FaultQueue> {
        lock(&self.faults)
    }

    #[cfg(feature = "providers")]
    pub(crate) fn scripts(&self) -> MutexGuard<'_, crate::providers::ScriptQueue> {
        lock(&self.scripts)
    }

    pub(crate) fn observe(&self, request: &ReceivedRequest, outcome: Outcome) {
        if let Some(observer) = &self.observer {
            observer(request, outcome);
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// A panic elsewhere must not make the sandbox unusable: what is behind the lock is
/// whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running server. It stops when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    stopped: Option<oneshot::Receiver<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server on its own thread, so that it needs no runtime of the caller and
    /// goes on whatever the caller's threads do. `ready` is told when it serves.
    pub(crate) fn spawn(
        port: u16,
        shared: Arc<Shared>,
        ready: impl FnOnce(io::Result<()>) + Send + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stop_asked) = oneshot::channel();
        let (has_stopped, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("paid-sandbox".to_owned()).spawn(move || {
            run(listener, shared, stop_asked, ready);
            drop(has_stopped);
        })?;
        Ok(Self { address, stop: Some(stop), stopped: Some(stopped), thread: Some(thread) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops the server and waits, without blocking, until all is closed.
    pub(crate) async fn shutdown(mut self) {
        drop(self.stop.take());
        if let Some(stopped) = self.stopped.take() {
            // It ends by being dropped, which counts as an error here.
            let _ = stopped.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread only drops its connections, which takes no time worth noticing.
            let _ = thread.join();
        }
    }
}

fn run(
    listener: TcpListener,
    shared: Arc<Shared>,
    stop_asked: oneshot::Receiver<()>,
    ready: impl FnOnce(io::Result<()>),
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return ready(Err(error)),
    };
    let listener = {
        let _context = runtime.enter();
        tokio::net::TcpListener::from_std(listener)
    };
    match listener {
        Ok(listener) => {
            let router = routes::router(shared.clone());
            let _ = shared.runtime.set(runtime.handle().clone());
            runtime.spawn(accept(listener, shared, router));
            ready(Ok(()));
            // Whether asked or abandoned: the end of the sender is the end of the server.
            let _ = runtime.block_on(stop_asked);
        }
        Err(error) => ready(Err(error)),
    }
    // The runtime goes, and with it every task and its connection.
}

async fn accept(listener: tokio::net::TcpListener, shared: Arc<Shared>, router: Router) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: others need time to close theirs.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (shared, router) = (shared.clone(), router.clone());
        let service = service_fn(move |request| respond(shared.clone(), router.clone(), request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // A connection that ends badly is either the client's doing or a fault's.
            let _ = connection.await;
        });
    }
}
