//! A server that answers every request alike, byte for byte as a case says.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::cases::{Answer, Case};

pub struct Scripted {
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

#[derive(Clone)]
pub struct Received {
    /// In small letters.
    pub head: String,
    pub body: Vec<u8>,
}

impl Scripted {
    /// Answers as the case says; to a request without `stream_options`, as it says of that.
    pub fn start(case: &Case) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let (case, log) = (case.clone(), received.clone());
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let Ok(connection) = connection else { return };
                serve(connection, &case, &log);
            }
        });
        Scripted { address, received }
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// The case's address, on this server, and its host.
    pub fn url(&self, case: &Case) -> (String, String) {
        let (host, path) = case.url.strip_prefix("https://").unwrap().split_once('/').unwrap();
        (format!("http://{host}:{}/{path}", self.address.port()), host.to_string())
    }

    /// A client for which all hosts are here.
    pub fn client(&self, host: &str) -> reqwest::Client {
        reqwest::Client::builder().no_proxy().resolve(host, self.address).build().unwrap()
    }
}

fn serve(mut connection: TcpStream, case: &Case, log: &Mutex<Vec<Received>>) {
    let Some(received) = read(&mut connection) else { return };
    let asks = received.body.windows(14).any(|part| part == b"stream_options");
    log.lock().unwrap().push(received);
    let answer = match &case.then {
        Some(then) if !asks => then,
        _ => &case.answer,
    };
    let _ = write(&mut connection, answer);
}

fn read(connection: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let head = bytes.windows(4).position(|part| part == b"\r\n\r\n");
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
            let length =
                text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if bytes.len() >= head + 4 + length.unwrap_or_default() {
                return Some(Received { head: text, body: bytes[head + 4..].to_vec() });
            }
        }
        match connection.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

fn write(connection: &mut TcpStream, answer: &Answer) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Scripted\r\nconnection: close\r\n", answer.status);
    for (name, value) in &answer.response_headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    connection.write_all(format!("{head}\r\n").as_bytes())?;
    for chunk in answer.chunks() {
        connection.write_all(&chunk)?;
        connection.flush()?;
    }
    Ok(())
}

impl Case {
    /// That the caller of a hook that asks gets what it has to of an answer.
    #[track_caller]
    pub fn assert_passed(&self, status: u16, body: &[u8], how: &str) {
        let answer = self.then.as_ref().unwrap_or(&self.answer);
        let at = format!("{} {how}", self.id);
        assert_eq!(status, answer.status, "{at}");
        let chunks = answer.chunks();
        let caller = self.expect.caller.as_ref();
        let events = caller.and_then(|caller| caller.data_events.clone());
        if let Some(part) = caller.and_then(|caller| caller.must_not_contain.as_ref()) {
            assert!(!String::from_utf8_lossy(body).contains(part.as_str()), "{at}");
        }
        // Usage that a hook has asked for is hidden; a case that does not say so has none, or asks itself.
        if let Some(events) = events {
            let expected: Vec<u8> = events.iter().flat_map(|at| chunks[*at].clone()).collect();
            assert_eq!(String::from_utf8_lossy(body), String::from_utf8_lossy(&expected), "{at}");
        } else if !self.id.starts_with("g-") {
            assert!(body == chunks.concat(), "{at}");
        }
    }
}
