//! The routes of the contract that the benchmark calls, over keep-alive HTTP/1.1 connections.
//!
//! Every request carries the key; any reply outside 2xx is an error with its body. Knows nothing of measuring.

use crate::server::API_KEY;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// One request, ready to be sent any number of times.
#[derive(Clone, Debug)]
pub struct Call {
    /// Method.
    pub method: Method,
    /// Path and query, from `/api/`.
    pub path: String,
    /// JSON, or empty.
    pub body: Bytes,
}

impl Call {
    /// A POST with a JSON body.
    pub fn post(path: String, body: impl Into<Bytes>) -> Self {
        Self { method: Method::POST, path, body: body.into() }
    }

    /// A GET.
    pub fn get(path: String) -> Self {
        Self { method: Method::GET, path, body: Bytes::new() }
    }

    /// A PATCH with a JSON body.
    pub fn patch(path: String, body: impl Into<Bytes>) -> Self {
        Self { method: Method::PATCH, path, body: body.into() }
    }
}

/// Longest wait for one reply: more than the server allows a request by default.
const REPLY_MAX: Duration = Duration::from_mins(2);
/// Bytes of an answer that are quoted in an error.
const REFUSAL_BYTES: usize = 600;
/// Longest wait for a file.
const DOWNLOAD_MAX: Duration = Duration::from_hours(1);
/// Longest wait for the first list of many rows.
const FIRST_MAX: Duration = Duration::from_mins(15);

/// A client of one server. Cloning shares the connections.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    url: String,
}

impl Api {
    /// A client of the server at `url`.
    pub fn new(url: &str) -> Result<Self> {
        let client = Client::builder().no_proxy().build()?;
        Ok(Self { client, url: url.to_owned() })
    }

    async fn reply(&self, call: &Call) -> Result<Response> {
        self.reply_within(REPLY_MAX, call).await
    }

    async fn reply_within(&self, most: Duration, call: &Call) -> Result<Response> {
        let mut request = self.client.request(call.method.clone(), format!("{}{}", self.url, call.path));
        request = request.bearer_auth(API_KEY).timeout(most);
        if !call.body.is_empty() {
            request = request.header("content-type", "application/json").body(call.body.clone());
        }
        request.send().await.with_context(|| format!("{} {}", call.method, call.path))
    }

    /// Sends a call and reads the whole reply.
    pub async fn send(&self, call: &Call) -> Result<Bytes> {
        let reply = self.reply(call).await?;
        let status = reply.status();
        let body = reply.bytes().await?;
        ensure!(status.is_success(), refusal(call, status, &body));
        Ok(body)
    }

    /// Sends a call and parses the reply.
    pub async fn json(&self, call: &Call) -> Result<Value> {
        let body = self.send(call).await?;
        serde_json::from_slice(&body).with_context(|| format!("the reply to {} is not JSON", call.path))
    }

    /// Sends a call again and again while the server says that it took too long (504), as what it makes for it goes on
    /// meanwhile. The time until it is answered.
    pub async fn first(&self, call: &Call) -> Result<Duration> {
        let start = Instant::now();
        loop {
            let reply = self.reply(call).await?;
            let status = reply.status();
            let body = reply.bytes().await?;
            if status.is_success() {
                return Ok(start.elapsed());
            }
            let again = status == StatusCode::GATEWAY_TIMEOUT && start.elapsed() < FIRST_MAX;
            ensure!(again, refusal(call, status, &body));
        }
    }

    /// The value of one of the server's own metrics.
    pub async fn metric(&self, name: &str) -> Result<f64> {
        let body = self.send(&Call::get("/metrics".to_owned())).await?;
        let text = std::str::from_utf8(&body)?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.with_context(|| format!("the server has no metric {name}"))?.trim().parse()?)
    }

    /// Creates an empty dataset; its id.
    pub async fn create_dataset(&self, name: &str) -> Result<String> {
        let body = json!({ "name": name, "is_empty": true }).to_string();
        let reply = self.json(&Call::post("/api/datasets/".to_owned(), body)).await?;
        Ok(reply["id"].as_str().context("the new dataset has no id")?.to_owned())
    }

    /// Sends a bulk body of `rows` rows to a bulk route. Fails unless all of them were taken.
    pub async fn bulk(&self, path: &str, body: impl Into<Bytes>, rows: u64) -> Result<u64> {
        let reply = self.json(&Call::post(path.to_owned(), body)).await?;
        let taken = reply["success_count"].as_u64();
        ensure!(taken == Some(rows), "{rows} rows sent, {taken:?} taken: {}", reply["errors"]);
        Ok(rows)
    }

    /// Ids of the rows on one page, newest first.
    pub async fn ids(&self, dataset: &str, page: u64) -> Result<Vec<String>> {
        let query = format!("page={page}&page_size=100&include_fields=unique_id");
        let page = self.json(&Call::post(format!("/api/datasets/{dataset}/logs/list/?{query}"), "{}")).await?;
        let rows = page["results"].as_array().context("the reply has no results")?;
        Ok(rows.iter().filter_map(|row| row["unique_id"].as_str().map(str::to_owned)).collect())
    }

    /// Starts an export of all rows; the reply, or `None` when the server offers no file for it.
    pub async fn export(&self, dataset: &str, format: &str) -> Result<Option<Value>> {
        let body = json!({ "is_exporting": true, "export_format": format, "name": "bench" }).to_string();
        let call = Call::post(format!("/api/datasets/{dataset}/logs/list/"), body);
        let reply = self.reply(&call).await?;
        if matches!(reply.status(), StatusCode::NOT_FOUND | StatusCode::NOT_IMPLEMENTED) {
            return Ok(None);
        }
        let status = reply.status();
        let text = reply.text().await?;
        ensure!(status.is_success(), "the export was answered {status}: {text}");
        let reply: Value = serde_json::from_str(&text).context("the reply to the export is not JSON")?;
        Ok(reply["download_url"].is_string().then_some(reply))
    }

    /// Reads a file to its end without keeping it: bytes and lines.
    pub async fn download(&self, path: &str) -> Result<(u64, u64)> {
        let mut reply = self.reply_within(DOWNLOAD_MAX, &Call::get(path.to_owned())).await?;
        ensure!(reply.status().is_success(), "GET {path} was answered {}", reply.status());
        let (mut bytes, mut lines) = (0, 0);
        while let Some(chunk) = reply.chunk().await? {
            bytes += chunk.len() as u64;
            lines += memchr::memchr_iter(b'\n', &chunk).count() as u64;
        }
        Ok((bytes, lines))
    }
}

/// The path of a URL, absolute or not.
pub fn path_of(url: &str) -> &str {
    match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
        None => url,
    }
}

/// What a call was answered instead of what it asked for; of a long answer the beginning.
fn refusal(call: &Call, status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(REFUSAL_BYTES)]);
    format!("{} {} was answered {status}: {text}", call.method, call.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_and_relative_urls_give_the_path() {
        assert_eq!(path_of("http://localhost:1/api/exports/1/download/?a=b"), "/api/exports/1/download/?a=b");
        assert_eq!(path_of("/api/exports/1/download/"), "/api/exports/1/download/");
        assert_eq!(path_of("http://localhost:1"), "/");
    }
}
