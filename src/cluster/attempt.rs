//! One request as it stands, in the runner's own name or another's, and what the API server said of it.

use std::time::Duration;

use http::{HeaderValue, Request};
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use tokio::time::sleep;

use super::error::in_words;
use super::retry::is_transient;

/// Times that a request is made which was not served.
const TRIES: u32 = 4;

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Its body; `None` for none.
    pub body: Option<Value>,
    /// In whose name it is made; `None` for the runner's own.
    pub name: Option<Name>,
}

/// Methods that a request may have here: what changes something that exists is none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// To read.
    Get,
    /// To make.
    Post,
}

/// Another's name, taken by impersonation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The user.
    pub user: String,
    /// Groups, beside those that the API server adds.
    pub groups: Vec<String>,
}

/// What the API server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub code: u16,
    /// Its words; empty where it did what it was asked.
    pub message: String,
    /// The time of the answer by the API server's clock, as HTTP writes it; empty where it told none.
    pub date: String,
}

/// With what a request is made, beside its own words.
#[derive(Clone, Copy, Default)]
pub(super) struct Manner<'a> {
    /// A credential that the client does not have.
    pub(super) bearer: Option<&'a HeaderValue>,
    /// Whether the body of what was granted is left unread.
    pub(super) unread: bool,
}

/// What came back, as it came.
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) date: String,
    /// Empty where it was left unread.
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// Its words: the message of a `Status`, or what stands there instead of one.
    pub(super) fn words(&self) -> String {
        words_of(&self.body)
    }

    /// Without what was granted.
    pub(super) fn answer(self) -> Answer {
        let message = if self.code < 400 { String::new() } else { self.words() };
        Answer { code: self.code, message, date: self.date }
    }
}

/// Makes a request. One that is not served is made again.
///
/// # Errors
/// Why there was no answer.
pub async fn attempt(client: &Client, attempt: &Attempt) -> Result<Answer, String> {
    exchange(client, attempt, Manner::default()).await.map(Reply::answer)
}

/// As [`attempt`], in a manner of the caller's own.
pub(super) async fn exchange(client: &Client, attempt: &Attempt, manner: Manner<'_>) -> Result<Reply, String> {
    let mut tries = 0;
    loop {
        tries += 1;
        let outcome = once(client, attempt, manner).await;
        let again = match &outcome {
            Ok(reply) => matches!(reply.code, 429 | 503),
            Err(Failure::Client(error)) => is_transient(error),
            Err(Failure::Request(_)) => false,
        };
        if !again || tries == TRIES {
            return outcome.map_err(|failure| match failure {
                Failure::Client(error) => in_words(&error),
                Failure::Request(why) => why,
            });
        }
        sleep(Duration::from_millis(300) * tries).await;
    }
}

enum Failure {
    Client(kube::Error),
    Request(String),
}

async fn once(client: &Client, attempt: &Attempt, manner: Manner<'_>) -> Result<Reply, Failure> {
    let method = match attempt.method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
    };
    let unusable = |error: &dyn std::fmt::Display| Failure::Request(error.to_string());
    let body = attempt.body.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut request = Request::builder()
        .method(method)
        .uri(&attempt.path)
        .header(http::header::ACCEPT, "application/json")
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.into_bytes()))
        .map_err(|error| unusable(&error))?;
    let headers = request.headers_mut();
    if let Some(bearer) = manner.bearer {
        headers.insert(http::header::AUTHORIZATION, bearer.clone());
    }
    if let Some(name) = &attempt.name {
        let value = |text: &str| HeaderValue::from_str(text).map_err(|error| unusable(&error));
        headers.insert("impersonate-user", value(&name.user)?);
        for group in &name.groups {
            headers.append("impersonate-group", value(group)?);
        }
    }
    let response = client.send(request).await.map_err(Failure::Client)?;
    let code = response.status().as_u16();
    let date =
        response.headers().get(http::header::DATE).and_then(|date| date.to_str().ok()).unwrap_or_default().to_owned();
    if manner.unread && code < 400 {
        return Ok(Reply { code, date, body: Vec::new() });
    }
    let body = response.into_body().collect_bytes().await.map_err(Failure::Client)?.to_vec();
    Ok(Reply { code, date, body })
}

/// The message of a `Status`, or what stands there instead of one.
fn words_of(body: &[u8]) -> String {
    let status: Option<Value> = serde_json::from_slice(body).ok();
    let message = status.as_ref().and_then(|status| status.get("message")).and_then(Value::as_str);
    message.map_or_else(|| String::from_utf8_lossy(body).trim().chars().take(500).collect(), str::to_owned)
}
