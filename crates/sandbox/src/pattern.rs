//! Which requests a route names: a method and a path that may have `{placeholders}`, or `*` for any.

#[cfg(feature = "providers")]
use crate::providers::below_provider;
use crate::routes::BASE_PATH;

/// Whether a request is one that the route means.
///
/// The pattern is compared with the path below the base path and with the whole path,
/// so that both `/customers/{id}` and `/api/v1/customers/{id}` name the same route.
pub(crate) fn matches(method: &str, pattern: &str, sent_method: &str, sent_path: &str) -> bool {
    let same_method = method == "*" || method.eq_ignore_ascii_case(sent_method);
    same_method
        && (pattern == "*"
            || same_path(pattern, sent_path)
            || below_base(sent_path).is_some_and(|path| same_path(pattern, path))
            || below_provider(sent_path).is_some_and(|path| same_path(pattern, path)))
}

#[cfg(not(feature = "providers"))]
fn below_provider(_: &str) -> Option<&str> {
    None
}

/// The path below the base path: `/customers` of `/api/v1/customers`.
pub(crate) fn below_base(path: &str) -> Option<&str> {
    path.strip_prefix(BASE_PATH).filter(|rest| rest.starts_with('/'))
}

fn same_path(pattern: &str, path: &str) -> bool {
    let mut wanted = pattern.split('/');
    let mut sent = path.split('/');
    loop {
        match (wanted.next(), sent.next()) {
            (None, None) => return true,
            (Some(wanted), Some(sent)) if same_segment(wanted, sent) => {}
            _ => return false,
        }
    }
}

fn same_segment(wanted: &str, sent: &str) -> bool {
    let placeholder = wanted.strip_prefix('{').and_then(|wanted| wanted.split_once('}'));
    match placeholder {
        // Gemini's methods follow a name: `{model}:generateContent`.
        Some((_, end)) => sent.strip_suffix(end).is_some_and(|name| !name.is_empty()),
        None => wanted == sent,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn routes_name_requests() {
        let sent = |method, pattern| matches(method, pattern, "GET", "/api/v1/orders/ord_1/lines");
        assert!(sent("GET", "/orders/{id}/lines"));
        assert!(sent("get", "/api/v1/orders/{id}/lines"));
        assert!(sent("*", "/orders/ord_1/lines"));
        assert!(sent("GET", "*"));
        assert!(!sent("PUT", "/orders/{id}/lines"));
        assert!(!sent("GET", "/orders/{id}"));
        assert!(!sent("GET", "/orders/{id}/lines/{line}"));
        assert!(!matches("GET", "/orders/{id}", "GET", "/api/v1/orders/"));
        assert!(matches("POST", "/v1/traces", "POST", "/v1/traces"));
        assert!(matches("POST", "/m/{m}:go", "POST", "/m/x:go"));
        assert!(!matches("POST", "/m/{m}:go", "POST", "/m/x:stop"));
        assert!(!matches("POST", "/m/{m}:go", "POST", "/m/:go"));
    }
}
