//! A collector that is told how to answer, and can be told by what is in a request.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::answer::{Answer, Ending};

/// A request as it arrived, and what it says.
#[derive(Clone)]
pub struct Request {
    pub at: Instant,
    pub wall: SystemTime,
    /// From its first byte to its last, on the wire.
    pub raw: Vec<u8>,
    pub headers: Vec<(String, String)>,
    pub otlp: ExportTraceServiceRequest,
    /// Whether the collector has its spans, whatever it said.
    pub taken: bool,
}

impl Request {
    fn new(raw: Vec<u8>, body: usize) -> Request {
        let (head, body) = raw.split_at(body);
        let lines = std::str::from_utf8(head).expect("a head of text").lines().skip(1);
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_string()))
            .collect();
        let mut request = Request {
            at: Instant::now(),
            wall: SystemTime::now(),
            headers,
            otlp: ExportTraceServiceRequest::default(),
            taken: false,
            raw: Vec::new(),
        };
        assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
        let mut plain = Vec::new();
        let body = if request.is_gzip() {
            flate2::read::MultiGzDecoder::new(body).read_to_end(&mut plain).expect("gzip");
            plain.as_slice()
        } else {
            body
        };
        request.otlp = ExportTraceServiceRequest::decode(body).expect("OTLP");
        request.raw = raw;
        request
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn is_gzip(&self) -> bool {
        self.header("content-encoding").is_some_and(|coding| coding == "gzip")
    }

    pub fn spans(&self) -> impl Iterator<Item = &Span> {
        spans_of(&self.otlp)
    }

    pub fn has(&self, event: &str) -> bool {
        self.spans().any(|span| event_of(span) == Some(event))
    }
}

pub fn spans_of(otlp: &ExportTraceServiceRequest) -> impl Iterator<Item = &Span> {
    otlp.resource_spans.iter().flat_map(|of| &of.scope_spans).flat_map(|of| &of.spans)
}

/// The `event_name` of a signal.
pub fn event_of(span: &Span) -> Option<&str> {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    let found = span.attributes.iter().find(|attribute| attribute.key == "event_name")?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

/// What is spoken on a connection.
#[derive(Clone)]
pub enum Speech {
    Plain,
    Tls(Arc<ServerConfig>),
    /// As a plain server answers what it can't read.
    BadRequest,
}

/// How much of endless bodies was written.
pub static ENDLESS_WRITTEN: AtomicUsize = AtomicUsize::new(0);

type Answering = Arc<dyn Fn(&Request) -> Answer + Send + Sync>;

struct Shared {
    answering: Mutex<Answering>,
    speech: Mutex<Speech>,
    requests: Mutex<Vec<Request>>,
    arrived: Condvar,
    /// When each connection came, and the connection.
    connections: Mutex<Vec<(Instant, Option<TcpStream>)>>,
    stopped: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub struct Collector {
    socket: socket2::Socket,
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Collector {
    pub fn start(answering: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Collector {
        let collector = Collector::closed(answering);
        collector.open();
        collector
    }

    /// One whose port is its own, but refuses connections.
    pub fn closed(answering: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Collector {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let shared = Shared {
            answering: Mutex::new(Arc::new(answering)),
            speech: Mutex::new(Speech::Plain),
            requests: Mutex::default(),
            arrived: Condvar::new(),
            connections: Mutex::default(),
            stopped: AtomicBool::new(false),
        };
        Collector { socket, address, shared: Arc::new(shared) }
    }

    /// Accepts connections from now on.
    pub fn open(&self) {
        self.socket.listen(128).unwrap();
        let listener = TcpListener::from(self.socket.try_clone().unwrap());
        let shared = self.shared.clone();
        std::thread::spawn(move || accept(&listener, &shared));
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}/v1/traces", self.address)
    }

    pub fn https_endpoint(&self) -> String {
        format!("https://localhost:{}/v1/traces", self.address.port())
    }

    pub fn answers(&self, answering: impl Fn(&Request) -> Answer + Send + Sync + 'static) {
        *lock(&self.shared.answering) = Arc::new(answering);
    }

    /// What it speaks on the connections to come.
    pub fn speaks(&self, speech: Speech) {
        *lock(&self.shared.speech) = speech;
    }

    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.requests).clone()
    }

    /// Waits until there are requests such as these.
    pub fn wait(&self, what: &str, enough: impl Fn(&[Request]) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        let mut requests = lock(&self.shared.requests);
        while !enough(&requests) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{what}: not in {} requests; {:?}", requests.len(), crate::state());
            requests = self.shared.arrived.wait_timeout(requests, left).unwrap().0;
        }
    }

    pub fn wait_for_requests(&self, count: usize) {
        self.wait(&format!("{count} requests"), |requests| requests.len() >= count);
    }

    /// The spans that it has, copies included.
    pub fn taken(&self) -> Vec<Span> {
        let requests = lock(&self.shared.requests);
        requests.iter().filter(|request| request.taken).flat_map(Request::spans).cloned().collect()
    }

    /// When connections came.
    pub fn connections(&self) -> Vec<Instant> {
        lock(&self.shared.connections).iter().map(|(at, _)| *at).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // What is accepting or reading sees the end of it.
        let _ = self.socket.shutdown(Shutdown::Both);
        for (_, connection) in lock(&self.shared.connections).iter() {
            let _ = connection.as_ref().map(|stream| stream.shutdown(Shutdown::Both));
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        lock(&shared.connections).push((Instant::now(), stream.try_clone().ok()));
        let (shared, speech) = (shared.clone(), lock(&shared.speech).clone());
        std::thread::spawn(move || {
            let socket = stream.try_clone().unwrap();
            // A connection ends as the client, or the answer, will have it.
            let _ = match speech {
                Speech::Tls(config) => {
                    let session = ServerConnection::new(config).unwrap();
                    serve(&mut StreamOwned::new(session, stream), &socket, &shared)
                }
                Speech::Plain => serve(&mut &stream, &socket, &shared),
                Speech::BadRequest => {
                    let read = (&stream).read(&mut [0; 4096]);
                    read.and_then(|_| (&stream).write_all(&Answer::status(400).bytes()))
                }
            };
            // The list of connections holds the socket, too.
            let _ = socket.shutdown(Shutdown::Both);
        });
    }
}

fn serve(stream: &mut (impl Read + Write), socket: &TcpStream, shared: &Shared) -> io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(mut request) = read(stream, &mut buffer)? {
        let answering = lock(&shared.answering).clone();
        let answer = answering(&request);
        request.taken = answer.taken;
        lock(&shared.requests).push(request);
        shared.arrived.notify_all();
        let bytes = answer.bytes();
        match answer.ending {
            Ending::Whole => stream.write_all(&bytes)?,
            Ending::Close => return Ok(()),
            Ending::Reset => return socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO)),
            Ending::Half => {
                stream.write_all(bytes.get(..bytes.len() - answer.body.len().div_ceil(2)).unwrap())?;
                return stream.flush();
            }
            Ending::CloseAfter(pause) => {
                socket.set_read_timeout(Some(pause))?;
                let _ = stream.read(&mut [0]);
                return Ok(());
            }
            Ending::Hang => return stream.read(&mut [0]).map(drop),
            Ending::Endless => {
                stream.write_all(&bytes)?;
                loop {
                    let written = stream.write(&[b'x'; 16 * 1024])?;
                    ENDLESS_WRITTEN.fetch_add(written, Ordering::SeqCst);
                }
            }
            Ending::Drip => {
                socket.set_read_timeout(Some(Duration::from_millis(100)))?;
                for byte in bytes {
                    stream.write_all(&[byte])?;
                    // The client has nothing to say, unless it leaves.
                    if matches!(stream.read(&mut [0]), Ok(0)) {
                        return Ok(());
                    }
                }
            }
        }
    }
    Ok(())
}

/// The next request; none at the end of the connection.
fn read(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let mut part = [0; 16 * 1024];
    loop {
        let end_of_head = buffer.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
        if let Some(body) = end_of_head {
            let head = String::from_utf8_lossy(&buffer[..body]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let whole = body + length.expect("a length").trim().parse::<usize>().expect("a number");
            while buffer.len() < whole {
                match stream.read(&mut part)? {
                    0 => return Ok(None),
                    read => buffer.extend_from_slice(&part[..read]),
                }
            }
            let raw = buffer.drain(..whole).collect();
            return Ok(Some(Request::new(raw, body)));
        }
        match stream.read(&mut part)? {
            0 => return Ok(None),
            read => buffer.extend_from_slice(&part[..read]),
        }
    }
}
