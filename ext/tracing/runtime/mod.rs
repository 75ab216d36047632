//! The pipelines of the process: which one a scope records to, and how tracing starts and ends.

mod default_account;
mod error;
mod exit;
mod registry;

use std::cell::Cell;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::options::TracingOptions;
use crate::account::Account;
use crate::ext::delivery::{DeliveryStats, Pipeline, fingerprint};
use crate::ext::log::log;
use crate::ext::process;
use crate::{Token, environment};
use registry::{Running, registry};

pub use default_account::AsDefault;
pub(super) use default_account::{run_as_default, scoped as scoped_default};
pub use error::TracingError;
pub(super) use exit::close;
pub(crate) use exit::flush_before_exit;
pub use exit::{FlushGuard, flush_guard};

/// The collector, unless a setting or `PAID_OTEL_COLLECTOR_ENDPOINT` names another.
const DEFAULT_ENDPOINT: &str = "https://collector.agentpaid.io:4318/v1/traces";
const ENDPOINT: &str = "PAID_OTEL_COLLECTOR_ENDPOINT";
/// How long `require_spool` waits for the directory to be opened.
const SPOOL_TIMEOUT: Duration = Duration::from_secs(5);
const ENABLED: &str = "PAID_ENABLED";

/// The account that a scope traces under.
#[derive(Clone)]
pub(crate) enum ScopeAccount {
    /// The default where the scope opens.
    Default,
    /// That of a client.
    Of(Arc<Account>),
}

/// `PAID_ENABLED`: 0 not read yet, 1 on, 2 off.
static SWITCH: AtomicU8 = AtomicU8::new(0);

/// Starts tracing for the process, and names the default account: that of scopes which are not opened from a client.
///
/// It is not needed: the first scope starts tracing by itself, under the key of the process's clients or under
/// `PAID_API_KEY`. Called again with the same settings it does nothing; after [`shutdown`](super::shutdown) it starts
/// anew. With `PAID_ENABLED=false` it does nothing and answers `Ok`. Python:
/// `initialize_tracing(api_key, collector_endpoint)`.
///
/// # Errors
///
/// [`TracingError`]; the program can ignore it and runs untraced.
pub fn initialize_tracing(options: TracingOptions) -> Result<(), TracingError> {
    if !is_enabled() {
        return Ok(());
    }
    default_account::forget_failure();
    let account = match options.token.clone() {
        Some(token) => Arc::new(Account::of(token)),
        None => default_account::implied()?,
    };
    let pipeline = start(&account, &options)?;
    let mut default = registry().default_mut();
    match default.as_ref().filter(|known| known.is_open()) {
        Some(known) if !Arc::ptr_eq(known, &pipeline) => Err(TracingError::AlreadyInitialized),
        _ => {
            make_default(&mut default, pipeline);
            Ok(())
        }
    }
}

/// Starts tracing for a client, and for the process if no other account is traced in it.
pub(super) fn initialize_for(account: &Arc<Account>, options: &TracingOptions) -> Result<(), TracingError> {
    if !is_enabled() {
        return Ok(());
    }
    let pipeline = start(account, options)?;
    let others = |known: &Running| known.pipeline.is_open() && !known.token.same(&account.token);
    let is_first = !registry().running().iter().any(others);
    let mut default = registry().default_mut();
    if is_first && !default.as_ref().is_some_and(|known| known.is_open()) {
        make_default(&mut default, pipeline);
    }
    Ok(())
}

fn make_default(default: &mut Option<Arc<Pipeline>>, pipeline: Arc<Pipeline>) {
    *default = Some(pipeline);
    default_account::forget_failure();
}

/// Whether scopes of this account are known to run untraced, so that nothing has to be prepared for them.
pub(super) fn is_off(account: &ScopeAccount) -> bool {
    match account {
        ScopeAccount::Of(_) => !is_enabled(),
        ScopeAccount::Default => !is_enabled() || default_account::is_known_to_be_missing(),
    }
}

/// The pipeline of an account, started if need be.
///
/// # Errors
///
/// Why it can't be traced; reported once.
pub(super) fn pipeline(account: &ScopeAccount) -> Result<Arc<Pipeline>, TracingError> {
    let pipeline = match account {
        ScopeAccount::Of(account) => pipeline_of(account),
        ScopeAccount::Default => default_pipeline(),
    };
    pipeline.inspect_err(report)
}

fn pipeline_of(account: &Arc<Account>) -> Result<Arc<Pipeline>, TracingError> {
    let running = registry().running();
    if let Some(known) = running.iter().find(|known| known.token.same(&account.token)) {
        known.check_endpoint(account.collector_endpoint.as_deref())?;
        // Shut down is a choice: nothing starts again by itself.
        return open(&known.pipeline);
    }
    drop(running);
    start(account, &TracingOptions::default())
}

fn default_pipeline() -> Result<Arc<Pipeline>, TracingError> {
    if let Some(account) = default_account::scoped() {
        return pipeline_of(&account);
    }
    if let Some(pipeline) = registry().default().as_ref() {
        return open(pipeline);
    }
    pipeline_of(&default_account::implied()?)
}

fn open(pipeline: &Arc<Pipeline>) -> Result<Arc<Pipeline>, TracingError> {
    if pipeline.is_open() { Ok(pipeline.clone()) } else { Err(TracingError::ShutDown) }
}

/// Why scopes of the default account would be untraced, as far as that is known without starting anything.
pub(super) fn disabled_reason() -> Option<TracingError> {
    if let Some(account) = default_account::scoped() {
        let running = registry().running();
        let known = running.iter().find(|known| known.token.same(&account.token))?;
        return open(&known.pipeline).err();
    }
    if let Some(pipeline) = registry().default().as_ref() {
        return open(pipeline).err();
    }
    default_account::implied().err()
}

/// Once per kind: every scope would repeat it.
///
/// A program without a subscriber for it gets one line on standard error: nothing is billed then, and nothing else
/// would show it.
fn report(error: &TracingError) {
    static REPORTED: AtomicU32 = AtomicU32::new(0);
    let kind = match error {
        TracingError::NoKey => 0,
        TracingError::NoDefaultAccount => 1,
        TracingError::Invalid(_) => 2,
        TracingError::AlreadyInitialized => 3,
        TracingError::Conflict(_) => 4,
        // A choice of the program's own.
        TracingError::ShutDown => return,
        TracingError::SpoolUnusable(_) => 5,
    };
    if REPORTED.load(Ordering::Relaxed) & (1 << kind) != 0
        || REPORTED.fetch_or(1 << kind, Ordering::Relaxed) & (1 << kind) != 0
    {
        return;
    }
    if tracing::event_enabled!(target: "paid", tracing::Level::ERROR) {
        log(|| tracing::error!(target: "paid", "tracing is off, and nothing is billed: {error}"));
    } else if crate::logging::is_error_wanted() {
        // A closed standard error is no reason to disturb the program.
        let _ = writeln!(std::io::stderr(), "paid: tracing is off, and nothing is billed: {error}");
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

fn start(account: &Arc<Account>, options: &TracingOptions) -> Result<Arc<Pipeline>, TracingError> {
    let token = &account.token;
    if let Some(known) = known(&registry().running(), account, options) {
        return known;
    }
    let invalid = |error: &dyn std::fmt::Display| TracingError::Invalid(error.to_string());
    // Without a lock: a function may come back here, or end the process.
    let account_label = fingerprint(&check_key(token)?);
    let chosen = options.endpoint.as_deref().or(account.collector_endpoint.as_deref());
    let of_environment = match chosen {
        Some(_) => None,
        None => environment::read(ENDPOINT).map_err(|error| invalid(&error))?,
    };
    let is_default = chosen.is_none() && of_environment.is_none();
    let url = endpoint(chosen.or(of_environment.as_deref()).unwrap_or(DEFAULT_ENDPOINT))?;
    let settings = options.settings(token.clone(), url.clone())?;

    let mut running = registry().running_mut();
    running.retain(|known| known.pipeline.is_open() || !known.token.same(token));
    // Another thread may have been first.
    if let Some(known) = known(&running, account, options) {
        return known;
    }
    let spool_dir = settings.spool.as_ref().map(|spool| spool.dir.clone());
    let pipeline = Arc::new(Pipeline::new(settings));
    process::flush_at_exit();
    running.push(Running {
        token: token.clone(),
        endpoint: url.clone(),
        exit_timeout: options.exit_patience(),
        options: options.clone(),
        pipeline: pipeline.clone(),
    });
    drop(running);
    pipeline.start();
    if options.requires_spool()
        && let Err(problem) = pipeline.wait_for_spool(SPOOL_TIMEOUT)
    {
        pipeline.close();
        return Err(TracingError::SpoolUnusable(problem));
    }
    log(|| crate::transport::warn_of_plain_http(&url));
    report_start(account, is_default, &pipeline, &account_label, spool_dir.as_deref());
    Ok(pipeline)
}

thread_local! {
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

/// Whether the account has a key. A function that gives it may open scopes itself: those are untraced.
fn check_key(token: &Token) -> Result<String, TracingError> {
    let invalid = |problem: &str| TracingError::Invalid(problem.to_string());
    if ASKING.try_with(|asking| asking.replace(true)).unwrap_or(true) {
        return Err(invalid("the function that gives the key traces under it: it can't"));
    }
    let key = catch_unwind(AssertUnwindSafe(|| token.text()));
    let _ = ASKING.try_with(|asking| asking.set(false));
    match key {
        Ok(key) => key.map_err(|error| invalid(&error.to_string())),
        Err(_) => Err(invalid("the function that gives the key panicked")),
    }
}

fn report_start(
    account: &Account,
    is_default: bool,
    pipeline: &Pipeline,
    label: &str,
    spool_dir: Option<&std::path::Path>,
) {
    log(|| {
        tracing::debug!(
            target: "paid",
            endpoint = pipeline.endpoint(),
            account = label,
            spool_dir = spool_dir.map(tracing::field::debug),
            "tracing starts"
        )
    });
    if let Some(server) = account.other_server.as_deref().filter(|_| is_default) {
        log(|| {
            tracing::warn!(
                target: "paid",
                "the client's base URL is {server}, but its traces go to Paid's own collector: set collector_endpoint on \
                 the client's builder, or {ENDPOINT}"
            )
        });
    }
}

/// A collector's URL, checked.
fn endpoint(text: &str) -> Result<reqwest::Url, TracingError> {
    crate::config::check_url(ENDPOINT, text).map_err(|error| {
        TracingError::Invalid(format!(
            "the collector endpoint can't be used: {error}; set collector_endpoint or {ENDPOINT}"
        ))
    })
}

/// The pipeline of an account, if it has one. A key has one collector and one set of settings: others are an error,
/// not a second pipeline.
fn known(
    running: &[Running],
    account: &Account,
    options: &TracingOptions,
) -> Option<Result<Arc<Pipeline>, TracingError>> {
    let known = running.iter().find(|known| known.pipeline.is_open() && known.token.same(&account.token))?;
    let chosen = options.endpoint.as_deref().or(account.collector_endpoint.as_deref());
    let checked = known.check_endpoint(chosen).and_then(|()| match options.differences(&known.options) {
        names if names.is_empty() => Ok(()),
        names => Err(TracingError::Conflict(format!("{} would change", names.join(", ")))),
    });
    Some(checked.map(|()| known.pipeline.clone()))
}

impl Running {
    /// One key with two collectors is an error: which of them would get a signal?
    fn check_endpoint(&self, chosen: Option<&str>) -> Result<(), TracingError> {
        let Some(chosen) = chosen else { return Ok(()) };
        let chosen = endpoint(chosen)?;
        let path = |url: &reqwest::Url| url.path().trim_end_matches('/').to_string();
        let same = chosen.origin() == self.endpoint.origin()
            && path(&chosen) == path(&self.endpoint)
            && chosen.query() == self.endpoint.query();
        if same {
            return Ok(());
        }
        Err(TracingError::Conflict(format!(
            "its collector is {}, not {chosen}: one key has one collector",
            self.endpoint
        )))
    }
}

fn pipelines() -> Vec<Arc<Pipeline>> {
    let running = registry().running();
    running.iter().map(|known| known.pipeline.clone()).collect()
}

/// Does something to every pipeline, within one bound of time; whether all of it was done.
pub(super) fn each(timeout: Duration, one: impl Fn(&Pipeline, Duration) -> bool) -> bool {
    // A timeout that is meant to be endless would be too much for an instant.
    let end = Instant::now() + timeout.min(Duration::from_secs(365 * 24 * 60 * 60));
    let mut done = true;
    for pipeline in pipelines() {
        done &= one(&pipeline, end.saturating_duration_since(Instant::now()));
    }
    done
}

pub(super) fn stats() -> DeliveryStats {
    pipelines().iter().map(|pipeline| pipeline.stats()).fold(DeliveryStats::default(), |sum, one| sum + one)
}

pub(super) fn is_durable() -> bool {
    let pipelines = pipelines();
    !pipelines.is_empty() && pipelines.iter().all(|pipeline| pipeline.is_durable())
}

pub(super) fn problem() -> Option<String> {
    let pipelines = pipelines();
    let (pipeline, problem) = pipelines.iter().find_map(|pipeline| Some((pipeline, pipeline.problem()?)))?;
    Some(match pipeline.account() {
        Some(account) if pipelines.len() > 1 => format!("account {account}: {problem}"),
        _ => problem,
    })
}
