//! The HTTP client of a `Transport`: set up when it is first needed, and anew in a forked child.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::reason;
use crate::error::{Error, InvalidRequest, TransportError};

/// Servers close idle connections after 5 s (Node) or 60 s (load balancers). A connection that is
/// kept for longer is closed by the server just as a request goes out on it.
pub(crate) const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// How the client is set up, if the caller gave none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpSettings {
    /// Without TLS, no certificates are needed: a system that has none can still speak http.
    pub tls: bool,
    pub pool_idle_timeout: Duration,
}

enum Source {
    Settings(HttpSettings),
    /// The caller's own client, and the process it was given in.
    Given(reqwest::Client, u32),
}

/// A client that is built when it can be: certificates that are installed later are found, and a
/// forked child does not use the connections of its parent.
pub(crate) struct HttpClient {
    source: Source,
    /// Read without a lock by every call.
    first: OnceLock<Built>,
    /// The client of a forked child.
    forked: Mutex<Option<Built>>,
}

struct Built {
    process: u32,
    client: reqwest::Client,
}

impl HttpClient {
    pub fn given(client: reqwest::Client) -> Self {
        Self::of(Source::Given(client, std::process::id()))
    }

    pub fn from_settings(settings: HttpSettings) -> Self {
        let client = Self::of(Source::Settings(settings));
        // Certificates take time to load, which the first call should not have to wait for. A
        // failure is reported by the calls, each of which tries again.
        let _ = client.get();
        client
    }

    fn of(source: Source) -> Self {
        HttpClient { source, first: OnceLock::new(), forked: Mutex::default() }
    }

    /// The client to send with in this process.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] if TLS can't be set up, [`Error::InvalidRequest`] if the caller's own
    /// client comes from the parent of this process.
    pub fn get(&self) -> Result<reqwest::Client, Error> {
        let process = std::process::id();
        let settings = match &self.source {
            Source::Given(client, home) if *home == process => return Ok(client.clone()),
            Source::Given(..) => {
                let problem = "was made before this process was forked, and its connections belong to the parent: \
                               build the client again in the child";
                return Err(InvalidRequest::new("reqwest_client", problem).into());
            }
            Source::Settings(settings) => settings,
        };
        if let Some(built) = self.first.get() {
            return if built.process == process { Ok(built.client.clone()) } else { self.in_child(settings) };
        }
        let client = settings.build()?;
        // Of two threads that get here at once, one keeps its client and the other's is used once.
        let _ = self.first.set(Built { process, client: client.clone() });
        Ok(client)
    }

    fn in_child(&self, settings: &HttpSettings) -> Result<reqwest::Client, Error> {
        let process = std::process::id();
        let mut forked = self.forked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(built) = forked.as_ref().filter(|built| built.process == process) {
            return Ok(built.client.clone());
        }
        let client = settings.build()?;
        *forked = Some(Built { process, client: client.clone() });
        Ok(client)
    }
}

impl HttpSettings {
    fn build(&self) -> Result<reqwest::Client, Error> {
        // Redirects are followed by `redirect`, which keeps method, body and key where they belong.
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .pool_idle_timeout(self.pool_idle_timeout)
            .tcp_nodelay(true);
        let builder = without_certificates(builder, self.tls);
        builder.build().map_err(|error| {
            let reason = format!("TLS could not be set up: {}", reason::of(&error));
            TransportError::new("the client", reason, false, 0).into()
        })
    }
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn without_certificates(builder: reqwest::ClientBuilder, tls: bool) -> reqwest::ClientBuilder {
    if tls { builder } else { builder.tls_certs_only([]) }
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
fn without_certificates(builder: reqwest::ClientBuilder, _: bool) -> reqwest::ClientBuilder {
    builder
}
