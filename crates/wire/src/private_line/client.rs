//! Asking over a private line.

use super::{LineError, LineIdentity};
use crate::{CallError, Problem};
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

/// The greatest answer that is read, in bytes.
const MAX_ANSWER: usize = 256 * 1024;

/// The other end of a private line. Its name in the address is checked against its certificate.
#[derive(Debug, Clone)]
pub struct LineClient {
    http: reqwest::Client,
    url: String,
}

impl LineClient {
    /// The line to `url`, such as `https://registry.example:7443`.
    pub fn new(own: &LineIdentity, url: &str) -> Result<LineClient, LineError> {
        let parsed = reqwest::Url::parse(url).map_err(|_| LineError::Url)?;
        if parsed.scheme() != "https" || parsed.host_str().is_none() {
            return Err(LineError::Url);
        }
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(own.client_config()?)
            .https_only(true)
            .timeout(Duration::from_secs(20))
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|_| LineError::Refused("tls"))?;
        Ok(LineClient { http, url: url.trim_end_matches('/').to_string() })
    }

    /// Posts a question as JSON to a path, and reads the answer. The line is the proof of who
    /// answers, so that a problem that comes over it is the other side's own word.
    pub async fn ask<A: DeserializeOwned>(
        &self,
        path: &str,
        question: &(impl Serialize + Sync),
    ) -> Result<A, CallError> {
        let gone = |error: reqwest::Error| CallError::Network(kind(&error).to_string());
        let request = self.http.post(format!("{}{path}", self.url)).json(question);
        let mut response = request.send().await.map_err(gone)?;
        let status = response.status();
        let mut body = zeroize::Zeroizing::new(Vec::new());
        while let Some(piece) = response.chunk().await.map_err(gone)? {
            if body.len() + piece.len() > MAX_ANSWER {
                return Err(CallError::Network("the answer is too large".to_string()));
            }
            body.extend_from_slice(&piece);
        }
        if status.is_success() {
            let read = serde_json::from_slice(&body);
            return read.map_err(|_| CallError::Network("the answer cannot be read".to_string()));
        }
        let unread = || Problem::new(status.as_u16(), "http", "the line answers no problem", None);
        Err(CallError::Problem(serde_json::from_slice(&body).unwrap_or_else(|_| unread())))
    }
}

/// What happened, without the address: it may be logged.
fn kind(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "timed out"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    }
}
