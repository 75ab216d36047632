//! Which names the server goes by.
//!
//! A web page can make its own name lead to 127.0.0.1 and then read what a local server answers (DNS
//! rebinding). Such a name stands in the `Host` header, so that only names of this machine are answered.

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{header, uri::Authority};

/// Whether a request is for this machine, or for a name that was allowed.
pub(crate) fn is_allowed(parts: &Parts, allowed: &[String]) -> bool {
    let named = parts.headers.get_all(header::HOST).iter();
    let mut named = named.map(|value| value.to_str().ok().and_then(|text| text.parse::<Authority>().ok()));
    let in_target = parts.uri.authority().is_none_or(|authority| is_local(authority.host(), allowed));
    // A request without a name does not come from a browser.
    in_target && named.all(|authority| authority.is_some_and(|name| is_local(name.host(), allowed)))
}

fn is_local(host: &str, allowed: &[String]) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    match address {
        Some(address) => address.to_canonical().is_loopback(),
        // Nobody owns a public name without a dot: it comes from this machine or its network.
        None => {
            !host.contains('.')
                || host.ends_with(".localhost")
                || allowed.contains(&host)
                || is_stood_in_for(&host)
        }
    }
}

/// Whether the sandbox stands in for the owner of this name, who lends it to no attacker. Clients that think that they
/// speak to it send it.
fn is_stood_in_for(host: &str) -> bool {
    const NAMES: [&str; 6] = [
        "api.agentpaid.io",
        "collector.agentpaid.io",
        "api.openai.com",
        "api.anthropic.com",
        "generativelanguage.googleapis.com",
        "api.mistral.ai",
    ];
    NAMES.contains(&host)
        || host.ends_with(".openai.azure.com")
        || (host.starts_with("bedrock-runtime.") && host.ends_with(".amazonaws.com"))
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn names_of_this_machine_are_local() {
        for host in [
            "127.0.0.1",
            "127.1.2.3",
            "[::1]",
            "localhost",
            "LocalHost.",
            "a.localhost",
            "sandbox",
            "api.openai.com",
        ] {
            assert!(is_local(host, &[]), "{host}");
        }
        for host in [
            "evil.test",
            "localhost.evil.test",
            "127.0.0.1.evil.test",
            "10.0.0.1",
            "[2001:db8::1]",
            "0.0.0.0",
        ] {
            assert!(!is_local(host, &[]), "{host}");
        }
        assert!(is_local("Sandbox.Internal", &["sandbox.internal".to_owned()]));
    }
}
