//! Hosts that refuse to be asked for the usage of a stream: in this process, they are not asked again.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use http::StatusCode;

/// So many are remembered.
const MOST: usize = 256;

static HOSTS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
/// Most processes have none, and look no further.
static COUNT: AtomicUsize = AtomicUsize::new(0);

pub(super) fn refuses(host: &str) -> bool {
    COUNT.load(Ordering::Relaxed) > 0 && HOSTS.lock().unwrap_or_else(PoisonError::into_inner).contains(host)
}

pub(super) fn remember(host: &str) {
    let mut hosts = HOSTS.lock().unwrap_or_else(PoisonError::into_inner);
    if hosts.len() < MOST {
        hosts.insert(host.to_string());
        COUNT.store(hosts.len(), Ordering::Relaxed);
    }
}

/// Whether an answer may refuse what was added to a request.
pub(super) fn is_refusal(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY)
}
