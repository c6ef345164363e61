//! A running server, spoken to over HTTP: requests are retried as the server asks. Knows no command.

use super::Usage;
use crate::config::Config;
use anyhow::{Context as _, bail};
use evalset_model::ids::DatasetId;
use reqwest::{Client, Method, Response, StatusCode, header};
use serde_json::{Value, json};
use std::io::Write as _;
use std::time::Duration;

/// Times a request is sent before giving up.
const ATTEMPTS: u32 = 7;
/// How a dataset comes to be, for who names one that is not there.
pub const NEW_DATASET: &str = "POST /api/datasets/ {\"name\": …, \"is_empty\": true}";
/// Pause before the second attempt when the server names none; it doubles with each more.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause, whatever the server asks for.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Time to connect.
const CONNECT: Duration = Duration::from_secs(10);
/// Silence after which a request is taken for lost.
const SILENCE: Duration = Duration::from_mins(2);

/// Which server a command goes through, if any.
#[derive(Debug, clap::Args)]
pub struct Through {
    /// Go through the server at this URL; without it `import`, `export` and `compare` open the data folder directly
    ///
    /// Without it EVALSET_URL counts, unless --data or --organization say that a data folder is meant. [env:
    /// EVALSET_URL]
    #[arg(long)]
    url: Option<String>,
    /// Key for --url; EVALSET_API_KEY keeps it out of process lists
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
    /// Organization, when the data folder has several
    #[arg(long, value_name = "NAME", conflicts_with = "url")]
    organization: Option<String>,
}

impl Through {
    /// The server; `None` when the data folder is to be opened. That the environment chose it is said on standard
    /// error.
    pub fn server(&self, config: &Config) -> anyhow::Result<Option<Remote>> {
        let environment = config.url.as_deref().filter(|_| self.organization.is_none());
        let Some(url) = self.url.as_deref().or(environment) else {
            if self.api_key.is_some() {
                return Err(Usage("--api-key is for a server: name it with --url or EVALSET_URL".to_owned()).into());
            }
            return Ok(None);
        };
        let origin = if self.url.is_some() { "--url" } else { "EVALSET_URL" };
        let key = self.api_key.as_deref().or(config.api_key());
        let remote = Remote::new(url, key).with_context(|| format!("the server of {origin}"))?;
        if self.url.is_none() {
            writeln!(std::io::stderr(), "going through {} (EVALSET_URL)", remote.base()).ok();
        }
        Ok(Some(remote))
    }

    /// Organization of the data folder, if one was named.
    pub fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }
}

/// A server and the key for it.
#[derive(Clone, Debug)]
pub struct Remote {
    client: Client,
    base: String,
    key: String,
}

/// The answer to a request that went through.
#[derive(Debug)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// JSON body; null when it is none.
    pub body: Value,
}

impl Reply {
    /// What the server says went wrong.
    pub fn detail(&self) -> String {
        match self.body.get("detail").and_then(Value::as_str) {
            Some(detail) => format!("{detail} (status {})", self.status.as_u16()),
            None => format!("status {}", self.status),
        }
    }
}

impl Remote {
    /// A server by its URL, with or without `/api` at the end.
    pub fn new(url: &str, key: Option<&str>) -> anyhow::Result<Self> {
        let Some(key) = key else {
            bail!("{url} needs a key: set EVALSET_API_KEY, or pass --api-key");
        };
        let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("http") => {}
            Some("https") => bail!("{url}: this build speaks no TLS; use the server's own http:// address"),
            _ => bail!("{url} is no URL of a server, such as http://127.0.0.1:8080"),
        }
        let base = url.trim_end_matches('/').trim_end_matches("/api").trim_end_matches('/');
        let client = Client::builder().connect_timeout(CONNECT).read_timeout(SILENCE).build().context("HTTP client")?;
        Ok(Self { client, base: base.to_owned(), key: key.to_owned() })
    }

    /// The server's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a JSON request, again when the server is busy or out of reach. `Err` when it stays so, or the key is
    /// refused.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Reply> {
        read(self.send(method, path, body).await?, path).await
    }

    /// As [`Remote::call`], but never sent again: for what must not happen twice.
    pub async fn call_once(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Reply> {
        read(self.send_up_to(1, method, path, body).await?, path).await
    }

    /// As [`Remote::call`], with the body of the answer still to be read.
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Response> {
        self.send_up_to(ATTEMPTS, method, path, body).await
    }

    async fn send_up_to(
        &self,
        attempts: u32,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Response> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let request = self.client.request(method.clone(), format!("{}{path}", self.base));
            let request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.key));
            let request = match &body {
                Some(body) => request.json(body),
                None => request,
            };
            let wait = match request.send().await {
                Ok(response) if !is_passing(response.status()) => return accepted(response, &self.base),
                Ok(response) if attempt == attempts => bail!("{} stays busy: status {}", self.base, response.status()),
                Ok(response) => retry_after(&response).unwrap_or(pause),
                Err(error) if attempt == attempts || error.is_builder() => {
                    return Err(error).with_context(|| format!("cannot reach {}", self.base));
                }
                Err(_) => pause,
            };
            tokio::time::sleep(wait.min(LONGEST_PAUSE)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        bail!("cannot reach {}", self.base)
    }

    /// The path segment of a dataset given by id or name, checked to exist.
    pub async fn dataset(&self, dataset: &str) -> anyhow::Result<String> {
        if dataset == "_saved_logs" {
            return Ok(dataset.to_owned());
        }
        if let Ok(id) = dataset.parse::<DatasetId>() {
            let reply = self.call(Method::GET, &format!("/api/datasets/{id}/"), None).await?;
            anyhow::ensure!(reply.status.is_success(), "dataset {id}: {}", reply.detail());
            return Ok(id.to_string());
        }
        let filter = json!({ "filters": { "name": { "operator": "", "value": dataset } } });
        let reply = self.call(Method::POST, "/api/datasets/list/", Some(filter)).await?;
        anyhow::ensure!(reply.status.is_success(), "looking up the dataset `{dataset}`: {}", reply.detail());
        let found = reply.body.get("results").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let ids: Vec<&str> = found.iter().filter_map(|one| one.get("id")?.as_str()).collect();
        match ids.as_slice() {
            [id] => Ok((*id).to_owned()),
            [] => bail!("there is no dataset called `{dataset}`; create it first: {NEW_DATASET}"),
            several => bail!("several datasets are called `{dataset}`: name one by id: {}", several.join(", ")),
        }
    }
}

async fn read(response: Response, path: &str) -> anyhow::Result<Reply> {
    let status = response.status();
    let text = response.text().await.with_context(|| format!("reading the answer of {path}"))?;
    Ok(Reply { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) })
}

/// Whether the same request may go through later.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

fn accepted(response: Response, base: &str) -> anyhow::Result<Response> {
    anyhow::ensure!(
        response.status() != StatusCode::UNAUTHORIZED,
        "{base} does not accept the key; `evalset key list` on the server shows those that work"
    );
    Ok(response)
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::{Remote, Through};
    use crate::config::{self, Sources};
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        through: Through,
    }

    /// The server that these flags and EVALSET_URL choose.
    fn chosen(words: &[&str], url: Option<&str>) -> anyhow::Result<Option<String>> {
        let mut environment = vec![("EVALSET_API_KEY".to_owned(), "a-key-of-16-characters".to_owned())];
        environment.extend(url.map(|url| ("EVALSET_URL".to_owned(), url.to_owned())));
        let config = config::load(&Sources { environment, ..Sources::default() })?;
        let through = Cli::try_parse_from(std::iter::once(&"x").chain(words))?.through;
        Ok(through.server(&config)?.map(|remote: Remote| remote.base().to_owned()))
    }

    #[test]
    fn the_environment_names_the_server_unless_the_command_line_says_otherwise() {
        let environment = Some("http://of.environment/api/");
        assert_eq!(chosen(&[], environment).unwrap().as_deref(), Some("http://of.environment"));
        assert_eq!(chosen(&["--url", "http://said"], environment).unwrap().as_deref(), Some("http://said"));
        assert_eq!(chosen(&["--organization", "o"], environment).unwrap(), None);
        assert_eq!(chosen(&[], None).unwrap(), None);
        assert!(chosen(&["--api-key", "k"], environment).unwrap().is_some());
        assert!(chosen(&["--api-key", "k"], None).unwrap_err().to_string().contains("--url or EVALSET_URL"));
        let error = format!("{:#}", chosen(&[], Some("somewhere")).unwrap_err());
        assert!(error.contains("EVALSET_URL") && error.contains("is no URL of a server"), "{error}");
    }
}
