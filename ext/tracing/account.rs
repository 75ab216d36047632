//! Accounts: which key traces go out under, where to, and how tracing starts and ends.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::options::TracingOptions;
use super::registry::{Running, registry};
use crate::ext::delivery::{DeliveryStats, Pipeline};
use crate::ext::log::log;
use crate::ext::process;
use crate::{Token, environment};

/// The collector, unless `PAID_OTEL_COLLECTOR_ENDPOINT` says another.
const DEFAULT_ENDPOINT: &str = "https://collector.agentpaid.io:4318/v1/traces";
const ENDPOINT: &str = "PAID_OTEL_COLLECTOR_ENDPOINT";
/// What the end of the process may take with a collector that does not answer.
const EXIT_PATIENCE_IN_VAIN: Duration = Duration::from_secs(1);
const ENABLED: &str = "PAID_ENABLED";

/// Whose trace a scope is.
#[derive(Clone)]
pub(crate) enum Account {
    /// The process default.
    Default,
    /// That of a client.
    Of(Token),
}

/// Why tracing did not start. The program goes on untraced.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TracingError {
    /// `PAID_ENABLED` is false.
    Disabled,
    /// There is no API key.
    NoKey,
    /// The key or the endpoint can't be used; the text says why.
    Invalid(String),
    /// The process traces under another key or to another collector already.
    AlreadyInitialized,
    /// The system has no thread for it.
    System(String),
}

impl fmt::Display for TracingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TracingError::Disabled => f.write_str("PAID_ENABLED is false"),
            TracingError::NoKey => f.write_str("there is no API key: set PAID_API_KEY, or initialize with one"),
            TracingError::Invalid(problem) => f.write_str(problem),
            TracingError::AlreadyInitialized => f.write_str(
                "the process traces under another key or to another collector already: open scopes from a client to \
                 trace under its key",
            ),
            TracingError::System(problem) => write!(f, "the sender could not start: {problem}"),
        }
    }
}

impl std::error::Error for TracingError {}

/// The environment was tried and could not start the default; it is not tried, and not reported, again.
static GAVE_UP: AtomicBool = AtomicBool::new(false);
/// Why tracing could not start, as it was reported.
static REPORTED: OnceLock<TracingError> = OnceLock::new();
/// `PAID_ENABLED`: 0 not read yet, 1 on, 2 off.
static SWITCH: AtomicU8 = AtomicU8::new(0);

/// Starts tracing for the process: the default of scopes that are not opened from a client.
///
/// It is not needed: the first scope starts tracing by itself from `PAID_API_KEY`. Called again with the same key and
/// collector it does nothing; after [`shutdown`](super::shutdown) it starts anew. Python: `initialize_tracing(api_key, collector_endpoint)`.
///
/// # Errors
///
/// [`TracingError`]; the program can ignore it and runs untraced.
pub fn initialize_tracing(options: TracingOptions) -> Result<(), TracingError> {
    let token = match options.token.clone() {
        Some(token) => token,
        None => key_of_environment()?.ok_or(TracingError::NoKey)?,
    };
    let pipeline = start(token, &options)?;
    let mut default = registry().default_mut();
    match default.as_ref().filter(|known| known.is_open()) {
        Some(known) if !Arc::ptr_eq(known, &pipeline) => Err(TracingError::AlreadyInitialized),
        _ => {
            make_default(&mut default, pipeline);
            Ok(())
        }
    }
}

fn make_default(default: &mut Option<Arc<Pipeline>>, pipeline: Arc<Pipeline>) {
    *default = Some(pipeline);
    GAVE_UP.store(false, Ordering::Relaxed);
}

/// Starts tracing for a client, and for the process if nothing was started before.
pub(crate) fn initialize_for(token: Token, options: TracingOptions) -> Result<(), TracingError> {
    let pipeline = start(token, &options)?;
    let mut default = registry().default_mut();
    if !default.as_ref().is_some_and(|known| known.is_open()) {
        make_default(&mut default, pipeline);
    }
    Ok(())
}

/// Whether scopes of this account are known to run untraced, so that nothing has to be prepared for them.
pub(crate) fn is_off(account: &Account) -> bool {
    match account {
        Account::Of(_) => !is_enabled(),
        Account::Default => !is_enabled() || GAVE_UP.load(Ordering::Relaxed),
    }
}

/// The pipeline of an account, started if need be; none if tracing is off or can't start.
pub(crate) fn pipeline(account: &Account) -> Option<Arc<Pipeline>> {
    if !is_enabled() {
        return None;
    }
    match account {
        Account::Of(token) => pipeline_of(token),
        Account::Default => default_pipeline(),
    }
}

fn pipeline_of(token: &Token) -> Option<Arc<Pipeline>> {
    let running = registry().running();
    if let Some(known) = running.iter().find(|known| known.token.same(token)) {
        // Shut down is a choice: nothing starts again by itself.
        return known.pipeline.is_open().then(|| known.pipeline.clone());
    }
    drop(running);
    start(token.clone(), &TracingOptions::default()).inspect_err(report).ok()
}

fn default_pipeline() -> Option<Arc<Pipeline>> {
    if let Some(pipeline) = registry().default().as_ref() {
        // Shut down is a choice: nothing starts again by itself.
        return pipeline.is_open().then(|| pipeline.clone());
    }
    if GAVE_UP.load(Ordering::Relaxed) {
        return None;
    }
    match initialize_tracing(TracingOptions::new()) {
        Ok(()) => registry().default().clone(),
        // Another thread was first.
        Err(TracingError::AlreadyInitialized) => registry().default().clone(),
        Err(error) => {
            GAVE_UP.store(true, Ordering::Relaxed);
            report(&error);
            None
        }
    }
}

/// Why there is no default pipeline, if there is none.
pub(crate) fn why_off() -> Option<String> {
    if !is_enabled() {
        return Some(TracingError::Disabled.to_string());
    }
    match registry().default().as_ref() {
        Some(pipeline) if pipeline.is_open() => None,
        Some(_) => Some("it was shut down".into()),
        None => REPORTED.get().map(TracingError::to_string),
    }
}

/// Once per process: every scope would say the same.
fn report(error: &TracingError) {
    if REPORTED.set(error.clone()).is_ok() {
        log(|| tracing::error!(target: "paid", "tracing is off: {error}"));
    }
}

/// Whether `PAID_ENABLED` lets anything be traced.
pub(crate) fn is_enabled() -> bool {
    match SWITCH.load(Ordering::Relaxed) {
        1 => true,
        2 => false,
        _ => {
            let off = std::env::var(ENABLED).is_ok_and(|value| {
                matches!(value.trim().to_ascii_lowercase().as_str(), "false" | "0" | "no" | "off")
            });
            SWITCH.store(if off { 2 } else { 1 }, Ordering::Relaxed);
            !off
        }
    }
}

fn key_of_environment() -> Result<Option<Token>, TracingError> {
    let key =
        environment::read(environment::API_KEY).map_err(|error| TracingError::Invalid(error.to_string()))?;
    Ok(key.map(Token::from))
}

fn start(token: Token, options: &TracingOptions) -> Result<Arc<Pipeline>, TracingError> {
    if !is_enabled() {
        return Err(TracingError::Disabled);
    }
    if let Some(known) = known(&registry().running(), &token, options) {
        return known;
    }
    let mut running = registry().running_mut();
    running.retain(|known| known.pipeline.is_open() || !known.token.same(&token));
    // Another thread may have been first.
    if let Some(known) = known(&running, &token, options) {
        return known;
    }
    token.text().map_err(|error| TracingError::Invalid(error.to_string()))?;
    let endpoint = match &options.endpoint {
        Some(endpoint) => endpoint.clone(),
        None => environment::read(ENDPOINT)
            .map_err(|error| TracingError::Invalid(error.to_string()))?
            .unwrap_or_else(|| DEFAULT_ENDPOINT.to_string()),
    };
    let url = reqwest::Url::parse(endpoint.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some())
        .ok_or_else(|| {
            TracingError::Invalid(format!(
                "the collector endpoint is not an http or https URL: set {ENDPOINT} to one"
            ))
        })?;
    let settings = options.settings(token.clone(), url)?;
    let pipeline = Arc::new(Pipeline::start(settings));
    process::flush_at_exit();
    running.push(Running {
        token,
        endpoint,
        exit_timeout: options.exit_patience(),
        pipeline: pipeline.clone(),
    });
    Ok(pipeline)
}

/// The pipeline of a key, if it has one. A key has one collector: another is an error, not a second pipeline.
fn known(
    running: &[Running],
    token: &Token,
    options: &TracingOptions,
) -> Option<Result<Arc<Pipeline>, TracingError>> {
    let known = running.iter().find(|known| known.pipeline.is_open() && known.token.same(token))?;
    match &options.endpoint {
        Some(endpoint) if *endpoint != known.endpoint => Some(Err(TracingError::AlreadyInitialized)),
        _ => Some(Ok(known.pipeline.clone())),
    }
}

fn all() -> Vec<Arc<Pipeline>> {
    let running = registry().running();
    running.iter().map(|known| known.pipeline.clone()).collect()
}

/// Does something to every pipeline, within one bound of time; whether all of it was done.
pub(super) fn each(timeout: Duration, one: impl Fn(&Pipeline, Duration) -> bool) -> bool {
    // A timeout that is meant to be endless would be too much for an instant.
    let end = Instant::now() + timeout.min(Duration::from_secs(365 * 24 * 60 * 60));
    let mut done = true;
    for pipeline in all() {
        done &= one(&pipeline, end.saturating_duration_since(Instant::now()));
    }
    done
}

pub(super) fn stats() -> DeliveryStats {
    all().iter().map(|pipeline| pipeline.stats()).fold(DeliveryStats::default(), |sum, one| sum + one)
}

pub(super) fn problem() -> Option<String> {
    let all = all();
    let pipeline = all.iter().find(|pipeline| pipeline.problem().is_some())?;
    let problem = pipeline.problem()?;
    Some(match pipeline.account() {
        Some(account) if all.len() > 1 => format!("account {account}: {problem}"),
        _ => problem,
    })
}

/// Before the process ends: nothing more will be recorded.
pub(super) fn leave() {
    all().iter().for_each(|pipeline| pipeline.leave());
}

/// At the normal end of the process.
pub(crate) fn flush_before_exit() {
    let start = Instant::now();
    let running = registry().running().clone();
    for Running { exit_timeout, pipeline, .. } in &running {
        let left = |most: Duration| most.min(*exit_timeout).saturating_sub(start.elapsed());
        // Within a second, it is known whether the disk can be used.
        let on_disk = [EXIT_PATIENCE_IN_VAIN, *exit_timeout]
            .into_iter()
            .any(|most| pipeline.has_spool() && pipeline.flush_to_disk(left(most)));
        // By the end of the first flush an attempt has shown whether the collector answers.
        let in_vain = on_disk && !pipeline.is_answering();
        if !in_vain && !pipeline.flush(left(EXIT_PATIENCE_IN_VAIN)) && pipeline.is_answering() && !on_disk {
            pipeline.flush(left(*exit_timeout));
        }
        if !in_vain {
            pipeline.drain(left(EXIT_PATIENCE_IN_VAIN));
        }
        pipeline.leave();
    }
}
/// Flushes when it is dropped, at most for the given time: to be held in `main`.
///
/// The end of the process flushes by itself for up to 5 s; hold this where that is not enough, or where the process
/// ends otherwise.
///
/// ```no_run
/// let _guard = paid::tracing::flush_guard(std::time::Duration::from_secs(10));
/// ```
pub fn flush_guard(timeout: Duration) -> FlushGuard {
    FlushGuard { timeout }
}

/// See [`flush_guard`].
#[must_use = "it flushes when it is dropped: give it a name such as _guard, and hold it to the end of main"]
#[derive(Debug)]
pub struct FlushGuard {
    timeout: Duration,
}

impl Drop for FlushGuard {
    fn drop(&mut self) {
        super::flush(self.timeout);
    }
}
