//! The exporter's HTTP client.

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};

use crate::ext::delivery::Settings;
use crate::transport;

/// A client for the collector.
///
/// # Errors
///
/// TLS can't be set up, such as where the system has no certificates. An `http://` collector needs none.
pub(super) fn build(settings: &Settings) -> Result<Client, String> {
    let built = match builder(settings).build() {
        Err(error) => match settings.endpoint.scheme() {
            "http" => without_certificates(builder(settings)).build().map_err(|_| error),
            _ => Err(error),
        },
        built => built,
    };
    built.map_err(|error| transport::reason(&error))
}

fn builder(settings: &Settings) -> ClientBuilder {
    // A redirect is never followed: the body holds the key. Nothing is unpacked: an answer may be a bomb.
    let builder = Client::builder()
        .redirect(Policy::none())
        .tcp_nodelay(true)
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate();
    if settings.no_proxy { builder.no_proxy() } else { builder }
}

/// Trusts nobody, so that the system's certificates are not read.
#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn without_certificates(builder: ClientBuilder) -> ClientBuilder {
    builder.tls_certs_only([])
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
fn without_certificates(builder: ClientBuilder) -> ClientBuilder {
    builder
}
