//! `evalset serve`: opens the store, listens, says where, and stops in order when asked to.

use super::print;
use crate::config::Config;
use crate::config::flags::Further;
use crate::http::{connections, middleware, router};
use crate::{open, telemetry};
use anyhow::Context as _;
use evalset_model::key::Environment;
use evalset_product::app::App;
use evalset_product::jobs;
use evalset_product::ops::keys;
use secrecy::{ExposeSecret, SecretString};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::Instant;

/// Arguments of `serve`: every option is one.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Options of the configuration.
    #[command(flatten)]
    pub options: Further,
}

/// How often the metrics recorder folds its samples.
const UPKEEP: Duration = Duration::from_secs(5);
/// The store gets this long to close when requests and jobs have used up their time.
const CLOSE: Duration = Duration::from_millis(700);

/// Serves until SIGTERM or SIGINT.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let signals = Signals::new().context("listening for signals")?;
    // The port comes first: a key that is made and then not shown would be lost.
    let listener = listen(&config.listen).await?;
    let address = listener.local_addr().context("reading the listening address")?;
    let app = open::app(&config).await?;
    let key = first_key(&app, &config).await?;
    jobs::start(&app);
    let upkeep = telemetry::metrics().map_err(|error| anyhow::anyhow!("starting metrics: {error}"))?;
    let stopping = app.stopping.clone();
    app.tasks.spawn(async move {
        while tokio::time::timeout(UPKEEP, stopping.cancelled()).await.is_err() {
            upkeep.run_upkeep();
        }
    });
    print(&greeting(&config, address, &key))?;
    if !address.ip().is_loopback() {
        tracing::warn!(
            server.address = %address.ip(),
            "listening beyond this machine without TLS: keys and logs travel in the clear unless a proxy in front adds it"
        );
    }
    tracing::info!(server.address = %address.ip(), server.port = address.port(), "listening");
    serve(app, listener, signals).await
}

async fn listen(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow::anyhow!("{address} is in use by another program; choose a free port with --listen HOST:PORT")
        }
        std::io::ErrorKind::PermissionDenied => {
            anyhow::anyhow!(
                "no permission to listen on {address}; ports below 1024 need privileges: choose another with --listen"
            )
        }
        std::io::ErrorKind::AddrNotAvailable => {
            anyhow::anyhow!("{address} is no address of this machine; see --listen HOST:PORT")
        }
        _ => anyhow::anyhow!("cannot listen on {address}: {error}"),
    })
}

/// Serves until a signal, then stops accepting, lets requests and jobs finish, and closes the store.
async fn serve(app: App, listener: TcpListener, mut signals: Signals) -> anyhow::Result<()> {
    let routes = middleware::wrap(&app, router::router(&app)?);
    let mut server = std::pin::pin!(connections::serve(listener, routes, &app.limits, app.stopping.clone()));
    tokio::select! {
        () = &mut server => anyhow::bail!("the server ended without being asked to"),
        signal = signals.next() => tracing::info!(signal, "stopping"),
    }
    let deadline = Instant::now() + Duration::from_secs(app.limits.shutdown_seconds);
    app.stopping.cancel();
    app.tasks.close();
    let drained = async {
        server.await;
        app.tasks.wait().await;
    };
    tokio::select! {
        () = drained => {}
        () = tokio::time::sleep_until(deadline) => {
            let seconds = app.limits.shutdown_seconds;
            tracing::warn!(tasks = app.tasks.len(), "not all work ended within {seconds} s (`limits.shutdown_seconds`)");
        }
        signal = signals.next() => tracing::warn!(signal, "asked again: not waiting for the rest"),
    }
    if tokio::time::timeout_at(deadline.max(Instant::now() + CLOSE), app.stores.health.close()).await.is_err() {
        tracing::warn!("the store did not close in time; it will recover at the next start");
    }
    tracing::info!("stopped");
    Ok(())
}

/// How the server's key came to be.
enum FirstKey {
    /// Made now, to be shown once.
    Made(SecretString),
    /// Brought along.
    Installed,
    /// Keys were there.
    Kept,
}

/// Makes sure that there is a key.
async fn first_key(app: &App, config: &Config) -> anyhow::Result<FirstKey> {
    let store = app.stores.keys.as_ref();
    if let Some(secret) = config.api_key() {
        let organization = keys::organization(store, &app.clock, keys::DEFAULT_ORGANIZATION).await?;
        let installed = keys::install(store, &app.clock, &organization, secret, Environment::Prod).await;
        installed.context("`api_key` (EVALSET_API_KEY) cannot be used")?;
        return Ok(FirstKey::Installed);
    }
    if !store.keys(None).await?.is_empty() {
        return Ok(FirstKey::Kept);
    }
    let organization = keys::organization(store, &app.clock, keys::DEFAULT_ORGANIZATION).await?;
    let made = keys::create(store, &app.clock, &organization, "first", Environment::Prod).await?;
    Ok(FirstKey::Made(made.secret))
}

fn greeting(config: &Config, address: SocketAddr, key: &FirstKey) -> String {
    let url = config.public_url().unwrap_or_else(|| format!("http://{}", reachable(address)));
    let (shown, used) = match key {
        FirstKey::Made(secret) => (format!("{}   (shown this once)", secret.expose_secret()), secret.expose_secret()),
        FirstKey::Installed => ("as given by EVALSET_API_KEY".to_owned(), "$EVALSET_API_KEY"),
        FirstKey::Kept => {
            (format!("as made before; `evalset key create --data {}` makes another", config.data.display()), "$KEY")
        }
    };
    let quote = if used.starts_with('$') { '"' } else { '\'' };
    format!(
        "\n  evalset {version}\n\n  URL        {url}\n  API key    {shown}\n  Data       {data}\n  Reference  {url}/docs\n\n  \
         Try it:\n    curl -X POST {url}/api/datasets/list/ -H {quote}Authorization: Bearer {used}{quote}\n\n",
        version = env!("CARGO_PKG_VERSION"),
        data = config.data.display(),
    )
}

/// An address a program on this machine can call: "any address" is none.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let local = if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        address.set_ip(local);
    }
    address
}

/// What asks the process to stop.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// Takes over the signals: from now on they do not end the process by themselves.
    fn new() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// The name of the next one.
    #[cfg(unix)]
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// The name of the next one.
    #[cfg(not(unix))]
    async fn next(&mut self) -> &'static str {
        tokio::signal::ctrl_c().await.ok();
        "interrupt"
    }
}

#[cfg(test)]
mod tests {
    use super::reachable;

    #[test]
    fn any_address_is_shown_as_this_machine() {
        for (bound, shown) in [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80"), ("10.0.0.1:80", "10.0.0.1:80")]
        {
            assert_eq!(reachable(bound.parse().unwrap()).to_string(), shown);
        }
    }
}
