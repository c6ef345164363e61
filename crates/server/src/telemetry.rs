//! What the process tells about itself: the log on standard error, and the metrics of `/metrics`.
//!
//! Field names of the log follow OpenTelemetry's conventions. Knows no route and no store.

use crate::config::{Format, Log};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use std::time::Duration;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Target of the access log, so that it can be chosen by `log.level` too.
pub const ACCESS: &str = "evalset::access";

/// Starts the log. Later calls in the same process change nothing.
pub fn start_log(log: &Log) -> anyhow::Result<()> {
    let mut targets: Targets = log.level.parse()?;
    if !log.requests {
        targets = targets.with_target(ACCESS, tracing::level_filters::LevelFilter::OFF);
    }
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(targets);
    let started = match log.format {
        Format::Text => registry.with(lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))).try_init(),
        Format::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    if started.is_ok() {
        log_panics();
    }
    Ok(())
}

/// Panics go through the log, so that they have its form. A request's panic is answered 500 by the middleware.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let owned = || payload.downcast_ref::<String>().map(String::as_str);
        let message = payload.downcast_ref::<&str>().copied().or_else(owned).unwrap_or("(no text)");
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(exception.message = message, code.location = location, "panic");
    }));
}

const REQUESTS: &str = "evalset_http_requests_total";
const DURATION: &str = "evalset_http_request_duration_seconds";
const IN_FLIGHT: &str = "evalset_http_requests_in_flight";
const SHED: &str = "evalset_http_requests_shed_total";

/// Upper bounds of the latency histogram, seconds: fine where answers should be, coarse up to the request time limit.
const BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];

/// The recorder of this process, started on first use: metrics are global by the nature of their crate.
pub fn metrics() -> Result<&'static PrometheusHandle, String> {
    static HANDLE: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
    HANDLE.get_or_init(|| install().map_err(|error| error.to_string())).as_ref().map_err(Clone::clone)
}

fn install() -> Result<PrometheusHandle, BuildError> {
    let matcher = Matcher::Full(DURATION.to_owned());
    let handle = PrometheusBuilder::new().set_buckets_for_metric(matcher, BUCKETS)?.install_recorder()?;
    describe_counter!(REQUESTS, Unit::Count, "Requests answered, by route, method and status.");
    describe_histogram!(
        DURATION,
        Unit::Seconds,
        "Time from a request's head to its answer's head, by route and method."
    );
    describe_gauge!(IN_FLIGHT, Unit::Count, "Requests being answered.");
    describe_counter!(SHED, Unit::Count, "Requests refused because `limits.concurrent_requests` were at work.");
    gauge!(IN_FLIGHT).set(0.0);
    counter!(SHED).absolute(0);
    Ok(handle)
}

/// One request that is being answered; counted until dropped.
pub struct InFlight(());

impl InFlight {
    /// Counts a request.
    pub fn start() -> Self {
        gauge!(IN_FLIGHT).increment(1.0);
        Self(())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        gauge!(IN_FLIGHT).decrement(1.0);
    }
}

/// Counts an answered request. `route` is the template, so that ids do not make series.
pub fn answered(method: &'static str, route: &str, status: u16, took: Duration) {
    let route = route.to_owned();
    counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => status.to_string()).increment(1);
    histogram!(DURATION, "method" => method, "route" => route).record(took.as_secs_f64());
}

/// Counts a refused request.
pub fn shed() {
    counter!(SHED).increment(1);
}
