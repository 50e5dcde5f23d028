//! What a post is answered.

use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

use http::header::{ALLOW, AUTHORIZATION, CONTENT_LENGTH, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use tokio::time::timeout;

use super::{State, list};
use crate::cluster::audit::log::Marked;

/// The most that one batch may have. An API server that was not told to truncate puts 400 events into one at most, and few
/// have more than some kilobytes.
const MOST: usize = 64 << 20;
/// How long a body may take, the wait for those before it included.
const BODY: Duration = Duration::from_secs(30);

/// Why a post is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) why: &'static str,
}

const WITHOUT_TOKEN: Refusal =
    Refusal { status: StatusCode::UNAUTHORIZED, why: "it did not bring the bearer token that it must" };
const TOO_LARGE: Refusal = Refusal { status: StatusCode::PAYLOAD_TOO_LARGE, why: "its body was larger than 64 MiB" };
const TOO_SLOW: Refusal = Refusal { status: StatusCode::REQUEST_TIMEOUT, why: "its body did not come within 30 s" };
const BROKEN_OFF: Refusal = Refusal { status: StatusCode::BAD_REQUEST, why: "its body broke off" };

/// Answers one request. Only posts are batches: anything else is answered, and not counted as one that was lost.
pub(super) async fn answer(
    state: &State,
    peer: IpAddr,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.method() != Method::POST {
        let mut response = said(StatusCode::METHOD_NOT_ALLOWED, "an API server posts its audit events here");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return Ok(response);
    }
    Ok(match take(state, peer, request).await {
        Ok(()) => said(StatusCode::OK, ""),
        Err(refusal) => {
            state.refused(refusal.why);
            let mut response = said(refusal.status, refusal.why);
            if refusal == WITHOUT_TOKEN {
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            response
        }
    })
}

async fn take(state: &State, peer: IpAddr, request: Request<Incoming>) -> Result<(), Refusal> {
    let shown = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    if state.token.as_ref().is_some_and(|token| !shown.is_some_and(|shown| token.is_brought_by(shown))) {
        return Err(WITHOUT_TOKEN);
    }
    let told = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if told.is_some_and(|told| told > MOST as u64) {
        return Err(TOO_LARGE);
    }
    let reading = async {
        // It is never closed.
        let _permit = state.bodies.acquire().await.map_err(|_| BROKEN_OFF)?;
        let body = Limited::new(request.into_body(), MOST)
            .collect()
            .await
            .map_err(|error| if error.downcast_ref::<LengthLimitError>().is_some() { TOO_LARGE } else { BROKEN_OFF })?;
        let body = body.to_bytes();
        let events = list::events(&body)?;
        let lane = peer.to_canonical().to_string();
        let marked: Vec<Marked> = events
            .iter()
            .map(|event| event.get())
            .filter(|event| event.contains(&state.mark))
            .map(|event| Marked { line: event.to_owned(), lane: Some(lane.clone()) })
            .collect();
        state.with(|taken| {
            taken.lines += events.len() as u64;
            taken.marked.extend(marked);
        });
        Ok(())
    };
    timeout(BODY, reading).await.unwrap_or(Err(TOO_SLOW))
}

fn said(status: StatusCode, why: &'static str) -> Response<Full<Bytes>> {
    let body = if why.is_empty() { Bytes::new() } else { Bytes::from(format!("{why}\n")) };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
}
