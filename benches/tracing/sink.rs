//! A collector that takes everything: HTTP/1.1 with keep-alive, a thread per connection. It counts what it takes.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

/// A collector that runs until the process ends.
pub struct Sink {
    pub endpoint: String,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    bytes: AtomicU64,
    /// Whether bodies are read, which costs more than everything else here.
    reads: AtomicBool,
    ids: Mutex<HashSet<Vec<u8>>>,
}

/// What came since this was last asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taken {
    pub requests: u64,
    /// Of bodies, as they came.
    pub bytes: u64,
    /// Different span ids; 0 if bodies are not read.
    pub unique: u64,
}

impl Sink {
    pub fn start() -> io::Result<Self> {
        let counts = Arc::new(Counts::default());
        let shared = counts.clone();
        let endpoint = listen(move |stream| {
            let counts = shared.clone();
            // A connection that breaks is the other side's to report.
            std::thread::spawn(move || take(stream, &counts));
        })?;
        Ok(Sink { endpoint, counts })
    }

    /// Whether bodies are decoded from now on, and their spans counted.
    pub fn read_bodies(&self, read: bool) {
        self.counts.reads.store(read, Ordering::Relaxed);
    }

    pub fn taken(&self) -> Taken {
        let Counts { requests, bytes, ids, .. } = &*self.counts;
        let unique = std::mem::take(&mut *ids.lock().unwrap_or_else(PoisonError::into_inner)).len();
        Taken {
            requests: requests.swap(0, Ordering::Relaxed),
            bytes: bytes.swap(0, Ordering::Relaxed),
            unique: unique as u64,
        }
    }
}

/// A collector that accepts connections, and never answers.
pub fn hung() -> io::Result<String> {
    let held = Mutex::new(Vec::new());
    listen(move |stream| held.lock().unwrap_or_else(PoisonError::into_inner).push(stream))
}

/// Where nothing listens.
pub fn down() -> io::Result<String> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    Ok(format!("http://127.0.0.1:{port}/v1/traces"))
}

fn listen(accepted: impl Fn(TcpStream) + Send + 'static) -> io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let endpoint = format!("http://{}/v1/traces", listener.local_addr()?);
    std::thread::spawn(move || listener.incoming().flatten().for_each(accepted));
    Ok(endpoint)
}

fn take(stream: TcpStream, counts: &Counts) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut answers = stream.try_clone()?;
    let mut requests = BufReader::with_capacity(64 * 1024, stream);
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let (mut length, mut compressed) = (0, false);
        loop {
            line.clear();
            if requests.read_line(&mut line)? == 0 {
                return Ok(());
            }
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().unwrap_or(0);
                }
                Some((name, _)) if name.eq_ignore_ascii_case("content-encoding") => compressed = true,
                None if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        body.clear();
        requests.by_ref().take(length).read_to_end(&mut body)?;
        counts.requests.fetch_add(1, Ordering::Relaxed);
        counts.bytes.fetch_add(length, Ordering::Relaxed);
        if counts.reads.load(Ordering::Relaxed) {
            counts.read(&body, compressed)?;
        }
        answers.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n",
        )?;
    }
}

impl Counts {
    fn read(&self, body: &[u8], compressed: bool) -> io::Result<()> {
        let mut plain = Vec::new();
        if compressed {
            GzDecoder::new(body).read_to_end(&mut plain)?;
        }
        let request = ExportTraceServiceRequest::decode(if compressed { &plain } else { body })?;
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        let ids = scopes.flat_map(|scope| scope.spans).map(|span| span.span_id);
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
        Ok(())
    }
}
