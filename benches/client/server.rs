//! The least server that answers both sides: HTTP/1.1 with keep-alive, on a thread of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CUSTOMER: &str = r#"{"id":"9a4f3c52-6f0e-4a43-9d3f-5d2f0b7c1e88","organizationId":"3b7e6e0a-52d1-4b5e-8f53-0a8f4b1f9c21","name":"Acme, Inc.","email":"billing@acme.test","externalId":"acme","phone":"+44 20 7946 0000","employeeCount":250,"annualRevenue":12500000.5,"taxExemptStatus":"none","creationSource":"api","creationState":"active","website":"https://acme.test","billingAddress":{"line1":"1 Long Street","line2":"Floor 2","city":"London","state":"Greater London","zipCode":"N1 9GU","country":"GB"},"vatNumber":"GB123456789","research":{"industry":"manufacturing","products":["anvils","rockets"],"founded":1949}}"#;
const TAKEN: &str = r#"{"success":true}"#;

/// It serves until the process ends.
pub struct Server {
    base_url: String,
}

impl Server {
    pub fn start(port: u16) -> io::Result<Server> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        listener.set_nonblocking(true)?;
        let base_url = format!("http://{}/api/v1", listener.local_addr()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        std::thread::Builder::new()
            .name("server".into())
            .spawn(move || runtime.block_on(accept(listener)))?;
        Ok(Server { base_url })
    }

    pub fn base_url(&self) -> &str {
        &self.base_url
    }
}

async fn accept(listener: TcpListener) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let [customer, taken] = [CUSTOMER, TAKEN].map(answer);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // A connection ends when its client goes away.
        tokio::spawn(serve(stream, customer.clone(), taken.clone()));
    }
}

async fn serve(mut stream: TcpStream, customer: bytes::Bytes, taken: bytes::Bytes) -> io::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    let mut filled = 0;
    loop {
        let read = stream.read(buffer.get_mut(filled..).unwrap_or_default()).await?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        let received = buffer.get(..filled).unwrap_or_default();
        let Some(head) = Head::parse(received) else { continue };
        let mut rest = (head.length + head.body).saturating_sub(filled);
        while rest > 0 {
            let read = stream.read(&mut buffer).await?;
            if read == 0 {
                return Ok(());
            }
            rest = rest.saturating_sub(read);
        }
        filled = 0;
        stream.write_all(if head.get { &customer } else { &taken }).await?;
    }
}

/// What the server wants to know of a request.
struct Head {
    get: bool,
    length: usize,
    body: usize,
}

impl Head {
    /// The head, once all of it is there. The clients don't pipeline, and send bodies with their length.
    fn parse(received: &[u8]) -> Option<Head> {
        const END: &[u8] = b"\r\n\r\n";
        let length = received.windows(END.len()).position(|window| window == END)? + END.len();
        let text = std::str::from_utf8(received.get(..length)?).ok()?;
        let body = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse().ok())
            .unwrap_or(0);
        Some(Head { get: text.starts_with("GET "), length, body })
    }
}

fn answer(body: &str) -> bytes::Bytes {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\n\
         content-type: application/json; charset=utf-8\r\n\
         content-length: {length}\r\n\
         cache-control: no-store\r\n\
         x-request-id: 5f0c6a5e-1c6b-4a5b-8f6e-0c5d6e7f8a9b\r\n\
         date: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n{body}"
    )
    .into()
}
