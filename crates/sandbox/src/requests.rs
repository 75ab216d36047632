//! The last requests, so that a sandbox that runs for days stays within its memory.

use std::collections::VecDeque;

use crate::recorder::{ReceivedRequest, RequestIndex};

/// How many requests are kept unless the builder is told another number.
pub(crate) const DEFAULT_KEPT: usize = 10_000;

/// How much memory the bodies of kept requests may take.
const MAX_BODY_BYTES: usize = 512 * 1024 * 1024;

/// The last requests, in the order of arrival.
#[derive(Debug)]
pub(crate) struct Requests {
    kept: VecDeque<ReceivedRequest>,
    /// How many came before the first that is kept.
    forgotten: usize,
    body_bytes: usize,
    max: usize,
}

impl Requests {
    pub(crate) fn new(max: usize) -> Self {
        Self { kept: VecDeque::new(), forgotten: 0, body_bytes: 0, max }
    }

    /// Keeps a request, and forgets those before it that are too many or too large.
    pub(crate) fn push(&mut self, request: ReceivedRequest) -> RequestIndex {
        self.body_bytes += request.body().len();
        self.kept.push_back(request);
        let index = self.count() - 1;
        while self.kept.len() > self.max || (self.body_bytes > MAX_BODY_BYTES && self.kept.len() > 1) {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.body_bytes -= oldest.body().len();
            self.forgotten += 1;
        }
        RequestIndex(index)
    }

    pub(crate) fn kept(&self) -> Vec<ReceivedRequest> {
        self.kept.iter().cloned().collect()
    }

    /// How many came since the start or the last `clear`, forgotten ones included.
    pub(crate) fn count(&self) -> usize {
        self.forgotten + self.kept.len()
    }

    pub(crate) fn forgotten(&self) -> usize {
        self.forgotten
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.max);
    }
}
