//! How tracing starts, and the bounds of delivery.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::INSTRUMENTATION;
use super::TracingError;
use crate::ext::delivery::{Callbacks, DeadLetter, Loss, Settings, SpoolSettings};
use crate::{Token, environment};

const SPOOL_DIR: &str = "PAID_SPOOL_DIR";
const MAX_QUEUE_BYTES: usize = 8 * 1024 * 1024;
const MAX_SPOOL_BYTES: u64 = 256 * 1024 * 1024;
const MAX_SPOOL_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const EXIT_TIMEOUT: Duration = Duration::from_secs(5);

/// How tracing starts: the key, the collector, where spans wait, and for how long. Python: the arguments of
/// `initialize_tracing`.
///
/// ```no_run
/// use paid::tracing::{TracingOptions, initialize_tracing};
///
/// let options = TracingOptions::new()
///     .spool_dir("/var/lib/my-agent/paid")
///     .on_loss(|loss| eprintln!("{} spans lost: {}", loss.spans, loss.cause));
/// if let Err(error) = initialize_tracing(options) {
///     eprintln!("untraced: {error}");
/// }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "options do nothing until initialize_tracing(..)"]
pub struct TracingOptions {
    pub(super) token: Option<Token>,
    pub(super) endpoint: Option<String>,
    max_queue_bytes: Option<usize>,
    spool_dir: Option<PathBuf>,
    require_spool: bool,
    max_spool_bytes: Option<u64>,
    max_spool_age: Option<Duration>,
    compression: Option<bool>,
    no_proxy: Option<bool>,
    exit_timeout: Option<Duration>,
    strict_cost_tracing: Option<bool>,
    callbacks: Callbacks,
    #[cfg(feature = "mirror")]
    mirror: Option<crate::ext::delivery::Mirror>,
}

impl TracingOptions {
    /// Everything as it is elsewhere: the key of the process's clients or `PAID_API_KEY`, and
    /// `PAID_OTEL_COLLECTOR_ENDPOINT`, `PAID_SPOOL_DIR`.
    pub fn new() -> Self {
        Self::default()
    }

    /// The API key.
    pub fn api_key(mut self, key: impl Into<Token>) -> Self {
        self.token = Some(key.into());
        self
    }

    /// Any OTLP/HTTP collector, with its whole path, such as `http://gateway:4318/v1/traces`.
    pub fn collector_endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// The most memory that waiting spans may take, in bytes; 8 MiB by default. What comes beyond is dropped and counted.
    pub fn max_queue_bytes(mut self, bytes: usize) -> Self {
        self.max_queue_bytes = Some(bytes);
        self
    }

    /// Makes delivery durable: spans go to this directory within milliseconds, and what this process does not deliver,
    /// the next one with the same key does. It is made if it is missing; processes and accounts can share it.
    ///
    /// By default that of `PAID_SPOOL_DIR`, or none: spans are in memory only.
    pub fn spool_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.spool_dir = Some(directory.into());
        self
    }

    /// Makes [`initialize_tracing`](super::initialize_tracing) fail where there is no spool directory that can be used. By
    /// default that is logged, [`problem()`](super::Delivery::problem) says it, and delivery goes on in memory until the
    /// directory can be used.
    pub fn require_spool(mut self) -> Self {
        self.require_spool = true;
        self
    }

    /// The most that the spool directory may hold, in bytes, of all processes that share it; 256 MiB by default. Beyond
    /// it, spans wait in memory.
    pub fn max_spool_bytes(mut self, bytes: u64) -> Self {
        self.max_spool_bytes = Some(bytes);
        self
    }

    /// How long spans may wait in the spool directory; 7 days by default. Older ones are dropped and counted.
    pub fn max_spool_age(mut self, age: Duration) -> Self {
        self.max_spool_age = Some(age);
        self
    }

    /// Whether requests are compressed by gzip, as they are by default; a collector that refuses that is sent plain ones
    /// all the same.
    pub fn compression(mut self, on: bool) -> Self {
        self.compression = Some(on);
        self
    }

    /// Sends to the collector itself, whatever `HTTP_PROXY`, `HTTPS_PROXY` and `ALL_PROXY` say.
    ///
    /// By default they are heeded, except for the hosts in `NO_PROXY`. A proxy on the way to an `http://` collector sees
    /// the API key.
    pub fn no_proxy(mut self) -> Self {
        self.no_proxy = Some(true);
        self
    }

    /// The most time that the normal end of the process waits for delivery; 5 s by default. A collector that does not
    /// answer is given up after 1 s, and with a spool directory it is enough that everything is on disk.
    pub fn exit_timeout(mut self, timeout: Duration) -> Self {
        self.exit_timeout = Some(timeout);
        self
    }

    /// Whether a second signal with `enable_cost_tracing` in one trace is an error,
    /// [`SignalError::CostsAlreadyJoined`](super::SignalError::CostsAlreadyJoined). By default it is sent and logged
    /// once at WARN: the costs of the trace count for both signals.
    pub fn strict_cost_tracing(mut self, strict: bool) -> Self {
        self.strict_cost_tracing = Some(strict);
        self
    }

    /// Called when spans are lost: once for a cause, and again after a minute if it goes on. It runs on the SDK's thread,
    /// and holds up delivery while it does.
    pub fn on_loss(mut self, callback: impl Fn(&Loss) + Send + Sync + 'static) -> Self {
        self.callbacks.on_loss = Some(Arc::new(callback));
        self
    }

    /// Called when the collector refuses spans for good, with those spans. It runs on the SDK's thread, and holds up
    /// delivery while it does.
    pub fn on_dead_letter(mut self, callback: impl Fn(&DeadLetter) + Send + Sync + 'static) -> Self {
        self.callbacks.on_dead_letter = Some(Arc::new(callback));
        self
    }

    /// Sends a copy of every span to a backend of your own too, through a processor of OpenTelemetry's SDK. It gets what
    /// Paid gets but the key, on the thread that records; what becomes of it there changes nothing about delivery to
    /// Paid. Needs the feature `mirror`.
    ///
    #[cfg_attr(not(doctest), doc = include_str!("../../docs/examples/tracing_options.md"))]
    #[cfg(feature = "mirror")]
    pub fn mirror(mut self, processor: impl opentelemetry_sdk::trace::SpanProcessor + 'static) -> Self {
        self.mirror = Some(crate::ext::delivery::Mirror::new(processor, INSTRUMENTATION));
        self
    }

    /// The settings that are given here and differ from what is in force, by name.
    pub(super) fn differences(&self, in_force: &TracingOptions) -> Vec<&'static str> {
        fn differs<T: PartialEq>(given: &Option<T>, in_force: &Option<T>, default: T) -> bool {
            given.as_ref().is_some_and(|given| *given != *in_force.as_ref().unwrap_or(&default))
        }
        let spool_dir = || environment::read(SPOOL_DIR).ok().flatten().map(PathBuf::from).unwrap_or_default();
        let Self { max_queue_bytes, spool_dir: dir, max_spool_bytes, max_spool_age, .. } = in_force;
        let names = [
            (differs(&self.max_queue_bytes, max_queue_bytes, MAX_QUEUE_BYTES), "max_queue_bytes"),
            (self.spool_dir.is_some() && differs(&self.spool_dir, dir, spool_dir()), "spool_dir"),
            (differs(&self.max_spool_bytes, max_spool_bytes, MAX_SPOOL_BYTES), "max_spool_bytes"),
            (differs(&self.max_spool_age, max_spool_age, MAX_SPOOL_AGE), "max_spool_age"),
            (differs(&self.compression, &in_force.compression, true), "compression"),
            (differs(&self.no_proxy, &in_force.no_proxy, false), "no_proxy"),
            (differs(&self.exit_timeout, &in_force.exit_timeout, EXIT_TIMEOUT), "exit_timeout"),
            (differs(&self.strict_cost_tracing, &in_force.strict_cost_tracing, false), "strict_cost_tracing"),
            (!self.callbacks.on_loss_is_that_of(&in_force.callbacks), "on_loss"),
            (!self.callbacks.on_dead_letter_is_that_of(&in_force.callbacks), "on_dead_letter"),
            #[cfg(feature = "mirror")]
            (
                self.mirror.as_ref().is_some_and(|mirror| !mirror.is_that_of(in_force.mirror.as_ref())),
                "mirror",
            ),
        ];
        names.into_iter().filter(|(differs, _)| *differs).map(|(_, name)| name).collect()
    }

    pub(super) fn requires_spool(&self) -> bool {
        self.require_spool
    }

    pub(super) fn exit_patience(&self) -> Duration {
        self.exit_timeout.unwrap_or(EXIT_TIMEOUT)
    }

    /// What a pipeline is started with.
    pub(super) fn settings(&self, token: Token, endpoint: reqwest::Url) -> Result<Settings, TracingError> {
        let directory = match &self.spool_dir {
            Some(directory) => Some(directory.clone()),
            None => environment::read(SPOOL_DIR)
                .map_err(|error| TracingError::Invalid(error.to_string()))?
                .map(PathBuf::from),
        };
        // The program may change its working directory later.
        let absolute = |dir: PathBuf| std::path::absolute(&dir).unwrap_or(dir);
        let spool = directory.map(|dir| SpoolSettings {
            dir: absolute(dir),
            max_bytes: self.max_spool_bytes.unwrap_or(MAX_SPOOL_BYTES),
            max_age: self.max_spool_age.unwrap_or(MAX_SPOOL_AGE),
        });
        Ok(Settings {
            token,
            endpoint,
            scope: INSTRUMENTATION,
            max_queue_bytes: self.max_queue_bytes.unwrap_or(MAX_QUEUE_BYTES),
            compression: self.compression.unwrap_or(true),
            no_proxy: self.no_proxy.unwrap_or(false),
            spool,
            strict_cost_tracing: self.strict_cost_tracing.unwrap_or(false),
            callbacks: self.callbacks.clone(),
            #[cfg(feature = "mirror")]
            mirror: self.mirror.clone(),
        })
    }
}
