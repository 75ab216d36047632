//! The accounts that the process's clients were built for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::token::Token;

/// The account of a client: its key, and where its traces go.
#[derive(Debug)]
pub(crate) struct Account {
    pub token: Token,
    /// None: that of the environment, or the production collector.
    pub collector_endpoint: Option<String>,
    /// The base URL, where it is not one of the API's own servers.
    pub other_server: Option<String>,
}

impl Account {
    /// An account without settings of a client.
    pub fn of(token: Token) -> Self {
        Account { token, collector_endpoint: None, other_server: None }
    }
}

static FIRST: OnceLock<Arc<Account>> = OnceLock::new();
static SEVERAL_KEYS: AtomicBool = AtomicBool::new(false);

/// The accounts of all clients that the process has built.
pub(crate) enum Clients {
    None,
    /// All clients have one key; the account is that of the first client.
    OneKey(&'static Arc<Account>),
    SeveralKeys,
}

/// Notes the account of a client that was built.
pub(crate) fn note_client(account: &Arc<Account>) {
    let first = FIRST.get_or_init(|| account.clone());
    if !first.token.same(&account.token) {
        SEVERAL_KEYS.store(true, Ordering::Relaxed);
    }
}

/// The accounts of the clients that were built so far.
pub(crate) fn clients() -> Clients {
    match FIRST.get() {
        None => Clients::None,
        Some(_) if SEVERAL_KEYS.load(Ordering::Relaxed) => Clients::SeveralKeys,
        Some(first) => Clients::OneKey(first),
    }
}
