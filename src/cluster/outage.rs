//! An API server that comes back answers before it knows any role: for a moment it refuses what it
//! allows. What it refuses then is no refusal, and is tried again like everything else.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use http::{Request, Response, StatusCode};
use tower::{BoxError, Layer, Service};

/// For so long after it was away, a refusal of the API server is not believed.
const DOUBT: Duration = Duration::from_secs(20);

/// A refusal that came right after the API server had been away.
#[derive(Debug, thiserror::Error)]
#[error("the API server has just come back and answers {0}, as it does before it knows any role")]
struct JustBack(StatusCode);

/// Makes a refusal soon after an outage an error of the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutageLayer;

impl<S> Layer<S> for OutageLayer {
    type Service = Outages<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Outages { inner, last: Arc::default() }
    }
}

/// See [`OutageLayer`].
pub(super) struct Outages<S> {
    inner: S,
    last: Arc<Mutex<Option<Instant>>>,
}

impl<S, A, B> Service<Request<A>> for Outages<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<B>, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let answer = self.inner.call(request);
        let last = Arc::clone(&self.last);
        Box::pin(async move {
            let answer = answer.await.map_err(Into::into);
            // An instant can't be left half written.
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            match answer {
                Err(error) => {
                    *last = Some(Instant::now());
                    Err(error)
                }
                Ok(answer) if refuses(answer.status()) && last.is_some_and(|last| last.elapsed() < DOUBT) => {
                    Err(JustBack(answer.status()).into())
                }
                Ok(answer) => Ok(answer),
            }
        })
    }
}

fn refuses(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::future::{Ready, ready};
    use std::io;
    use std::task::{Context, Poll};

    use http::{Request, Response};
    use tower::{BoxError, Layer, Service};

    use super::OutageLayer;

    /// A server that answers as it was told to.
    struct Told(VecDeque<Option<u16>>);

    impl Service<Request<()>> for Told {
        type Response = Response<()>;
        type Error = BoxError;
        type Future = Ready<Result<Response<()>, BoxError>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<()>) -> Self::Future {
            ready(match self.0.pop_front().flatten() {
                Some(status) => Ok(Response::builder().status(status).body(()).unwrap()),
                None => Err(Box::new(io::Error::other("connection refused"))),
            })
        }
    }

    /// The statuses that come back; `None` for an error of the connection.
    async fn heard(answers: &[Option<u16>]) -> Vec<Option<u16>> {
        let mut service = OutageLayer.layer(Told(answers.iter().copied().collect()));
        let mut heard = Vec::new();
        for _ in answers {
            heard.push(service.call(Request::new(())).await.ok().map(|answer| answer.status().as_u16()));
        }
        heard
    }

    #[tokio::test]
    async fn a_refusal_is_believed_unless_the_server_was_just_away() {
        assert_eq!(heard(&[Some(403), Some(401), Some(200)]).await, [Some(403), Some(401), Some(200)]);
        assert_eq!(
            heard(&[Some(200), None, Some(403), Some(401), Some(404), Some(200)]).await,
            [Some(200), None, None, None, Some(404), Some(200)],
            "right after an outage a 401 or 403 says nothing about permissions"
        );
    }
}
