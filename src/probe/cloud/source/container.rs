//! Container credentials: what the agent of EKS Pod Identity gives, and ECS.

use http::header::{ACCEPT, AUTHORIZATION, HOST};
use http::{HeaderValue, Request};
use http_body_util::Full;

use super::{Fetched, Field, Given, Query, token_in, token_of};
use crate::probe::cloud::http::Reply;
use crate::probe::cloud::place::Url;
use crate::probe::cloud::secret::Secret;
use crate::probe::wire::cloud::{ContainerSource, Provider, Refusal, SourceOutcome, Step, TokenFrom};

/// Where ECS' agent answers relative addresses.
const ECS: &str = "http://169.254.170.2";

pub(super) async fn fetch(field: &Field<'_>, id: u32, wanted: &ContainerSource) -> Fetched {
    let mut fetched = Fetched::from(id, Some(Provider::Container));
    let get = |name| field.around.get(name);
    let relative = || get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map(|path| format!("{ECS}{path}"));
    let configured = || relative().or_else(|| get("AWS_CONTAINER_CREDENTIALS_FULL_URI"));
    let Some(address) = wanted.url.clone().or_else(configured) else { return fetched };
    let Some(url) = Url::parse(&address) else { return fetched.ended(SourceOutcome::NotAccepted) };
    let token = match token(field, &wanted.token) {
        Ok(token) => token,
        Err(outcome) => return fetched.ended(outcome),
    };
    // What the environment names is taken as SDKs take it. Where an order names another address, a token leaves the
    // pod for link-local and loopback addresses alone.
    let is_trusted = url.place.is_agent() || wanted.url.is_none() && url.place.https;
    if !is_trusted && wanted.url.is_none() {
        return fetched.ended(SourceOutcome::NotAccepted);
    }
    fetched.answer.token_withheld = !is_trusted && token.is_some();
    let token = token.filter(|_| is_trusted);
    let Some(request) = request(&url, wanted.host.as_deref(), token.as_ref()) else {
        return fetched.ended(SourceOutcome::NotAccepted);
    };
    let hidden = token.iter().map(Secret::expose).collect();
    let query = Query { step: Step::Agent, place: &url.place, request, hidden, refusal };
    match field.ask(query, &mut fetched.answer.exchanges).await {
        Err(outcome) => fetched.ended(outcome),
        Ok(reply) => match Given::read(&reply) {
            Some(given) => fetched.given(given, field.nonce),
            None => fetched.ended(SourceOutcome::Malformed),
        },
    }
}

fn token(field: &Field<'_>, from: &TokenFrom) -> Result<Option<Secret>, SourceOutcome> {
    match from {
        TokenFrom::Nothing => Ok(None),
        TokenFrom::File(path) => token_in(path).map(Some),
        TokenFrom::Configured => match field.around.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            Some(path) => token_in(&path).map(Some),
            None => field.around.get("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(|token| token_of(&token)).transpose(),
        },
    }
}

fn request(url: &Url, host: Option<&str>, token: Option<&Secret>) -> Option<Request<Full<bytes::Bytes>>> {
    let target = match &url.query {
        Some(query) => format!("{}?{query}", url.path),
        None => url.path.clone(),
    };
    let mut request = Request::get(target).body(Full::default()).ok()?;
    let host = host.map_or_else(|| url.place.authority(), str::to_owned);
    request.headers_mut().insert(HOST, HeaderValue::from_str(&host).ok()?);
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(token) = token {
        request.headers_mut().insert(AUTHORIZATION, token.header()?);
    }
    Some(request)
}

/// What the agent of EKS Pod Identity says, in plain text: words of its own, or `[request]: (Code): words` of EKS Auth's.
fn refusal(reply: &Reply) -> (Refusal, Option<String>) {
    let text = reply.text().unwrap_or_default();
    let code = text.split_once(": (").and_then(|(_, rest)| rest.split_once("):")).map(|(code, _)| code.to_owned());
    let refusal = match (reply.status, code.as_deref()) {
        (429 | 500.., _) | (_, Some("ThrottlingException")) => Refusal::Busy,
        (_, Some("ResourceNotFoundException")) => Refusal::NoAssociation,
        (_, Some("AccessDeniedException")) => Refusal::AccessDenied,
        (_, Some("ExpiredTokenException")) => Refusal::StaleToken,
        (_, Some("InvalidTokenException")) => Refusal::ForeignToken,
        (403, None) if text.contains("Called agent through invalid address") => Refusal::Address,
        (400, None) if text.contains("token cannot be empty") => Refusal::NoToken,
        (400, None) if text.contains("token cannot be parsed") => Refusal::UnreadableToken,
        (400, None) if text.contains("failed basic claim validations") => Refusal::StaleToken,
        _ => Refusal::Other,
    };
    (refusal, code)
}
