//! OpenTelemetry's context of the thread, where there still is one.
//!
//! At the end of a thread its thread-local values are destroyed one by one, and their destructors are the host's code:
//! they may signal or trace when the context is gone already. Such code is outside of every scope.

use std::cell::Cell;

use opentelemetry::{Context, ContextGuard};

thread_local! {
    /// It needs no destructor, so it can be read until the thread is gone.
    static ENDED: Cell<bool> = const { Cell::new(false) };
    static END: End = {
        // Values are destroyed in the reverse order of their first use: the context and Tokio's outlive this one.
        Context::map_current(|_| ());
        let _ = tokio::task::try_id();
        End
    };
}

struct End;

impl Drop for End {
    fn drop(&mut self) {
        ENDED.set(true);
    }
}

/// Whether the thread has a context.
pub(crate) fn is_usable() -> bool {
    !ENDED.get() && END.try_with(|_| ()).is_ok()
}

/// Reads the current context; none at the end of the thread.
pub(crate) fn with_context<R>(read: impl FnOnce(&Context) -> R) -> Option<R> {
    is_usable().then(|| Context::map_current(read))
}

/// Attaches a context, until the guard is dropped; not at the end of the thread.
pub(crate) fn attach(context: Context) -> Option<ContextGuard> {
    is_usable().then(|| context.attach())
}

/// The current context; an empty one at the end of the thread.
pub(crate) fn current() -> Context {
    with_context(Context::clone).unwrap_or_default()
}

/// The current context with a value in it.
pub(crate) fn current_with<T: Send + Sync + 'static>(value: T) -> Context {
    if is_usable() { Context::current_with_value(value) } else { Context::new().with_value(value) }
}
