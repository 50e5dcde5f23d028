//! Patience: an API server that restarts costs time, not truth.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long a request is tried again while the API server does not answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How long admission may take to see an object that was made just before.
const LAG: Duration = Duration::from_secs(15);

/// How often an object is read and written that others write, too.
const WRITES: usize = 20;

/// Whether an error says nothing about the request itself, only that it was not served now.
pub(crate) fn is_transient(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => {
            let busy =
                matches!(status.code, 429 | 500 | 502 | 503 | 504) && !status.message.contains("admission webhook");
            busy || (status.code == 409 && is_counted_meanwhile(&status.message))
        }
        kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_) => true,
        _ => false,
    }
}

/// Whether an object was refused since somebody else's was counted against the same quota at that moment: it says nothing
/// of the object, and whoever asks again is served.
pub(super) fn is_counted_meanwhile(message: &str) -> bool {
    message.contains("Operation cannot be fulfilled on resourcequotas")
}

/// Whether an error says that there is no API server now, not even one that can't reach a node.
pub(crate) fn is_outage(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => matches!(status.code, 429 | 503),
        other => is_transient(other),
    }
}

/// Whether an error says that the API server's admission has not yet seen what was made just before: it
/// reads PriorityClasses and service accounts from a cache.
fn lags(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 403
        && (status.message.contains("no PriorityClass with name") || status.message.contains("error looking up service account")))
}

/// As [`patiently`], for what refers to an object that was made just before.
///
/// # Errors
/// As [`patiently`]; an object that does not exist after [`LAG`] is an error.
pub(crate) async fn after_lag<T, F, Fut>(request: F) -> Result<T, kube::Error>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, kube::Error>>,
{
    after_lag_of(LAG, request).await
}

async fn after_lag_of<T, F, Fut>(lag: Duration, mut request: F) -> Result<T, kube::Error>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, kube::Error>>,
{
    let end = Instant::now() + lag;
    loop {
        match patiently(&mut request).await {
            Err(error) if lags(&error) && Instant::now() < end => {
                tracing::debug!(%error, "not seen yet; trying again");
                sleep(Duration::from_millis(200)).await;
            }
            outcome => return outcome,
        }
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

/// Reads and writes an object anew where somebody else wrote it in between, at most [`WRITES`] times: a controller that
/// keeps its status writes it moments after it was made.
///
/// # Errors
/// The first error that is another, or the last conflict.
pub(crate) async fn despite_others<T, F, Fut>(mut read_and_write: F) -> Result<T, kube::Error>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, kube::Error>>,
{
    for _ in 1..WRITES {
        match read_and_write().await {
            Err(kube::Error::Api(status)) if status.code == 409 && status.reason == "Conflict" => {
                tracing::debug!(message = status.message, "somebody else wrote it meanwhile; trying again");
                sleep(Duration::from_millis(100)).await;
            }
            outcome => return outcome,
        }
    }
    read_and_write().await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use kube::core::Status;
    use rstest::rstest;

    use super::{WRITES, after_lag, after_lag_of, despite_others, is_transient, lags};

    fn forbidden(message: &str) -> kube::Error {
        kube::Error::Api(Box::new(Status { code: 403, message: message.to_owned(), ..Status::default() }))
    }

    #[rstest]
    #[case::busy(429, "too many requests", true)]
    #[case::away(503, "the server is currently unable to handle the request", true)]
    #[case::a_webhook(500, "admission webhook \"x\" denied the request: no", false)]
    #[case::counted_meanwhile(
        409,
        "Operation cannot be fulfilled on resourcequotas \"share\": the object has been modified; please apply your \
         changes to the latest version and try again",
        true
    )]
    #[case::changed_meanwhile(409, "Operation cannot be fulfilled on pods \"p\": the object has been modified", false)]
    #[case::there_already(409, "pods \"p\" already exists", false)]
    fn what_says_nothing_of_a_request_is_told_from_answers(
        #[case] code: u16,
        #[case] message: &str,
        #[case] expected: bool,
    ) {
        let error = kube::Error::Api(Box::new(Status { code, message: message.to_owned(), ..Status::default() }));
        assert_eq!(is_transient(&error), expected);
    }

    #[rstest]
    #[case("pods \"p\" is forbidden: no PriorityClass with name tenantproof-1 was found", true)]
    #[case(
        "pods \"p\" is forbidden: error looking up service account a/default: serviceaccount \"default\" not found",
        true
    )]
    #[case("pods \"p\" is forbidden: exceeded quota: share, requested: pods=1, used: pods=1, limited: pods=1", false)]
    fn a_lag_is_told_from_a_refusal(#[case] message: &str, #[case] expected: bool) {
        assert_eq!(lags(&forbidden(message)), expected);
    }

    #[tokio::test]
    async fn what_was_made_just_before_is_waited_for_and_not_for_ever() {
        let asked = Cell::new(0);
        let outcome = after_lag(|| {
            asked.set(asked.get() + 1);
            let seen = asked.get() > 3;
            async move { if seen { Ok(()) } else { Err(forbidden("no PriorityClass with name tenantproof-1 was found")) } }
        });
        assert!(outcome.await.is_ok());
        let never = after_lag_of(Duration::from_millis(300), || async {
            Err::<(), _>(forbidden("no PriorityClass with name x was found"))
        });
        assert!(never.await.is_err());
    }

    fn conflict() -> kube::Error {
        let reason = "Conflict".to_owned();
        let message = "the object has been modified".to_owned();
        kube::Error::Api(Box::new(Status { code: 409, reason, message, ..Status::default() }))
    }

    #[rstest]
    #[case::nobody(0, Ok(1))]
    #[case::a_controller(3, Ok(4))]
    #[case::for_ever(usize::MAX, Err(WRITES))]
    #[tokio::test]
    async fn what_others_write_meanwhile_is_read_and_written_anew(
        #[case] others: usize,
        #[case] expected: Result<usize, usize>,
    ) {
        let asked = Cell::new(0);
        let outcome = despite_others(|| {
            asked.set(asked.get() + 1);
            std::future::ready(if asked.get() > others { Ok(asked.get()) } else { Err(conflict()) })
        });
        assert_eq!(outcome.await.map_err(|_| asked.get()), expected);
    }

    #[tokio::test]
    async fn another_error_is_told_at_once() {
        let asked = Cell::new(0);
        let outcome: Result<(), _> = despite_others(|| {
            asked.set(asked.get() + 1);
            std::future::ready(Err(forbidden("no")))
        })
        .await;
        assert!(outcome.is_err() && asked.get() == 1);
    }
}
