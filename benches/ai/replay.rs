//! Answers as the sandbox's providers do, from memory: the sandbox is asked once for each request.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use paid_sandbox::Sandbox;

/// A server that runs until the process ends, with a thread for each connection.
pub struct Replay {
    address: SocketAddr,
}

type Answers = Arc<Mutex<HashMap<Vec<u8>, Arc<Vec<u8>>>>>;

impl Replay {
    pub fn start(sandbox: &Sandbox, pace: Option<Pace>) -> io::Result<Self> {
        let base = sandbox.base_url();
        let host = base.trim_start_matches("http://").split('/').next().unwrap_or_default();
        let upstream: SocketAddr = host.parse().map_err(io::Error::other)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let answers = Answers::default();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answers = answers.clone();
                // A connection that breaks is the other side's to report.
                std::thread::spawn(move || serve(stream, upstream, &answers, pace));
            }
        });
        Ok(Replay { address })
    }

    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn serve(stream: TcpStream, upstream: SocketAddr, answers: &Answers, pace: Option<Pace>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = Request::read(&mut reader)? {
        let known = answers.lock().unwrap_or_else(PoisonError::into_inner).get(&request.key).cloned();
        let answer = match known {
            Some(answer) => answer,
            None => {
                let answer = Arc::new(ask(upstream, &request)?);
                let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
                answers.insert(request.key, answer.clone());
                answer
            }
        };
        match pace {
            None => writer.write_all(&answer)?,
            Some(pace) => {
                std::thread::sleep(pace.first);
                for piece in pieces(&answer) {
                    writer.write_all(piece)?;
                    std::thread::sleep(pace.chunk);
                }
            }
        }
    }
    Ok(())
}

/// The chunks of a chunked answer, its head with the first; else all of it.
fn pieces(answer: &[u8]) -> Vec<&[u8]> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").map_or(answer.len(), |end| end + 4);
    let (head, _) = answer.split_at(end);
    if !String::from_utf8_lossy(head).to_ascii_lowercase().contains("chunked") {
        return vec![answer];
    }
    let (mut pieces, mut rest, mut at) = (Vec::new(), answer, end);
    while let Some((piece, after)) =
        chunk(rest.get(at..).unwrap_or_default()).and_then(|length| rest.split_at_checked(at + length))
    {
        pieces.push(piece);
        (rest, at) = (after, 0);
    }
    pieces
}

/// How long the chunk is that these bytes begin with, its size and line ends included.
fn chunk(bytes: &[u8]) -> Option<usize> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let size = usize::from_str_radix(std::str::from_utf8(bytes.get(..digits)?).ok()?, 16).ok()?;
    Some(digits + 2 + size + 2)
}

/// How a provider answers.
#[derive(Clone, Copy)]
pub struct Pace {
    /// Before anything comes.
    pub first: Duration,
    /// Between the chunks of a stream.
    pub chunk: Duration,
}

struct Request {
    /// Without its last, empty line.
    head: Vec<u8>,
    body: Vec<u8>,
    /// The first line and the body: headers hold dates and signatures.
    key: Vec<u8>,
}

impl Request {
    fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let (mut head, mut length) = (Vec::new(), 0);
        loop {
            let start = head.len();
            if reader.read_until(b'\n', &mut head)? == 0 {
                return Ok(None);
            }
            let line = String::from_utf8_lossy(head.get(start..).unwrap_or_default()).to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            if line.starts_with("transfer-encoding:") {
                return Err(io::Error::other("bodies have to come with their length"));
            }
            if line == "\r\n" {
                head.truncate(start);
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let mut key: Vec<u8> = head.iter().copied().take_while(|byte| *byte != b'\n').collect();
        key.extend_from_slice(&body);
        Ok(Some(Request { head, body, key }))
    }
}

/// The sandbox's whole answer, as one that keeps the connection.
fn ask(upstream: SocketAddr, request: &Request) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(upstream)?;
    stream.write_all(&request.head)?;
    stream.write_all(b"connection: close\r\n\r\n")?;
    stream.write_all(&request.body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or_default();
    let (head, body) = answer.split_at(end);
    let head = String::from_utf8_lossy(head);
    let kept = head.split("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let mut answer = kept.collect::<Vec<_>>().join("\r\n").into_bytes();
    answer.extend_from_slice(body);
    Ok(answer)
}
