//! Every pipeline of the process, and which of them is the default.
//!
//! A fork copies locks as they were, perhaps taken by a thread that the child does not have. So each process has its own
//! registry; a child begins with what its parent had, as far as that was not being changed at that moment.

use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use crate::Token;
use crate::ext::delivery::Pipeline;
use crate::ext::process;
use crate::ext::tracing::TracingOptions;

/// A running pipeline with what it was started for.
#[derive(Clone)]
pub(super) struct Running {
    pub token: Token,
    pub endpoint: reqwest::Url,
    pub exit_timeout: Duration,
    /// What it was started with.
    pub options: TracingOptions,
    pub pipeline: Arc<Pipeline>,
}

pub(super) struct Registry {
    forks: u64,
    running: RwLock<Vec<Running>>,
    default: RwLock<Option<Arc<Pipeline>>>,
    child: OnceLock<Box<Registry>>,
}

static FIRST: Registry = Registry::new(0, Vec::new(), None);

/// That of this process.
pub(super) fn registry() -> &'static Registry {
    let forks = process::forks();
    let mut registry = &FIRST;
    while registry.forks != forks {
        registry = registry.child.get_or_init(|| Box::new(registry.inherited(forks)));
    }
    registry
}

impl Registry {
    const fn new(forks: u64, running: Vec<Running>, default: Option<Arc<Pipeline>>) -> Self {
        Registry {
            forks,
            running: RwLock::new(running),
            default: RwLock::new(default),
            child: OnceLock::new(),
        }
    }

    fn inherited(&self, forks: u64) -> Self {
        let running = self.running.try_read().map(|running| running.clone()).unwrap_or_default();
        let default = self.default.try_read().map(|default| default.clone()).unwrap_or_default();
        Registry::new(forks, running, default)
    }

    pub fn running(&self) -> RwLockReadGuard<'_, Vec<Running>> {
        self.running.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn running_mut(&self) -> RwLockWriteGuard<'_, Vec<Running>> {
        self.running.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn default(&self) -> RwLockReadGuard<'_, Option<Arc<Pipeline>>> {
        self.default.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn default_mut(&self) -> RwLockWriteGuard<'_, Option<Arc<Pipeline>>> {
        self.default.write().unwrap_or_else(PoisonError::into_inner)
    }
}
