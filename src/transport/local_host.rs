//! Plain http to another machine, where anyone on the way can read the API key.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use reqwest::Url;

/// The hosts that were warned of in this process.
static WARNED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Warns once per host.
pub(crate) fn warn_of_plain_http(url: &Url) {
    let Some(host) = url.host_str().filter(|host| url.scheme() == "http" && !is_local(host)) else {
        return;
    };
    // The log's own code runs after the lock is released.
    let is_new = WARNED.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_string());
    if is_new {
        tracing::warn!(
            target: "paid",
            host,
            "the URL is plain http: the API key can be read on the way. Use https"
        );
    }
}

/// Whether a host is this machine.
fn is_local(host: &str) -> bool {
    let host = host.trim_end_matches('.').trim_matches(['[', ']']);
    let address: Option<std::net::IpAddr> = host.parse().ok();
    host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost")
        || address.is_some_and(|address| address.to_canonical().is_loopback() || address.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_this_machine_is_local() {
        for host in [
            "localhost",
            "LOCALHOST.",
            "api.localhost",
            "127.0.0.1",
            "127.8.8.8",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "0.0.0.0",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in ["api.agentpaid.io", "localhost.example", "10.0.0.1", "192.168.0.1", "[2001:db8::1]"] {
            assert!(!is_local(host), "{host}");
        }
    }
}
