//! Patience: an API server that restarts costs time, not truth.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long a request is tried again while the API server does not answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Whether an error says nothing about the request itself, only that it was not served now.
pub(crate) fn is_transient(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => {
            matches!(status.code, 429 | 500 | 502 | 503 | 504) && !status.message.contains("admission webhook")
        }
        kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_) => true,
        _ => false,
    }
}

/// Whether an error says that there is no API server now, not even one that can't reach a node.
pub(crate) fn is_outage(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => matches!(status.code, 429 | 503),
        other => is_transient(other),
    }
}

/// Tries a request until it is served, for at most [`PATIENCE`].
///
/// # Errors
/// The first error that is no matter of time, or the last one when patience is over.
pub(crate) async fn patiently<T, F, Fut>(request: F) -> Result<T, kube::Error>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, kube::Error>>,
{
    patiently_for(PATIENCE, request).await
}

/// As [`patiently`], for a time of the caller's own.
pub(crate) async fn patiently_for<T, F, Fut>(patience: Duration, mut request: F) -> Result<T, kube::Error>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, kube::Error>>,
{
    let end = Instant::now() + patience;
    let mut pause = Duration::from_millis(200);
    loop {
        match request().await {
            Err(error) if is_transient(&error) && Instant::now() + pause < end => {
                tracing::debug!(%error, "not served; trying again");
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
            outcome => return outcome,
        }
    }
}
