//! Redirects: followed only where neither the method, nor the body, nor the key can go astray.

use http::{HeaderMap, Method, header};
use reqwest::Url;

/// A chain that is longer than this is taken for a loop.
pub(super) const MAX_REDIRECTS: usize = 10;

pub(super) const BASE_URL_REMEDY: &str =
    "Set base_url (PAID_BASE_URL) to the address where the API answers without a redirect";

/// What an answer says about where the request should go instead.
pub(super) enum Redirect {
    /// The answer is none.
    None,
    /// The same request, at this URL.
    Follow(Url),
    /// The answer is an error: this says where it leads, and what to do.
    Refuse(String),
}

/// Classifies an answer by its status and headers.
///
/// A POST that 301, 302 or 303 turn into a GET would be answered well and record nothing. Another
/// scheme, host or port is another server, which gets neither the key nor the body.
pub(super) fn redirect(
    status: u16,
    headers: &HeaderMap,
    method: &Method,
    from: &Url,
    base: &str,
    follow: bool,
) -> Redirect {
    let keeps_method = matches!(status, 307 | 308);
    if !keeps_method && !matches!(status, 301..=303) {
        return Redirect::None;
    }
    let location = headers.get(header::LOCATION).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let Some(target) = location.and_then(|location| from.join(location.trim()).ok()) else {
        return Redirect::None;
    };
    let why = if !follow {
        "redirects are not followed here (follow_redirects)".to_string()
    } else if target.origin() != from.origin() {
        "that is another server, so neither the key nor the request was sent there".to_string()
    } else if !keeps_method && !matches!(*method, Method::GET | Method::HEAD) {
        format!("a {method} is not repeated as a GET, which would do nothing")
    } else {
        return Redirect::Follow(target);
    };
    Redirect::Refuse(format!("a redirect to {}: {why}. {}", shown(&target), remedy(&target, from, base)))
}

/// Which base URL would have led there at once.
pub(super) fn remedy(target: &Url, from: &Url, base: &str) -> String {
    let base_path = Url::parse(base).map(|base| base.path().trim_end_matches('/').to_string());
    let below = base_path.ok().and_then(|base| from.path().strip_prefix(&base).map(str::to_string));
    let prefix = below.and_then(|below| target.path().strip_suffix(&below).map(str::to_string));
    match prefix {
        Some(prefix) if target.host_str().is_some() => {
            let mut base = target.clone();
            base.set_path(&prefix);
            format!("Set base_url (PAID_BASE_URL) to {}", shown(&base).trim_end_matches('/'))
        }
        _ => BASE_URL_REMEDY.into(),
    }
}

/// A URL without what may be secret: user, password, query, fragment.
pub(super) fn shown(url: &Url) -> String {
    const LONGEST: usize = 300;
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Fails for URLs that have no user.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.as_str().chars().take(LONGEST).collect()
}
