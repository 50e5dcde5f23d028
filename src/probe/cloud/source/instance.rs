//! Instance metadata: the role of the node, which no pod of a tenant should get.

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Method, Request};
use http_body_util::Full;

use super::{Fetched, Field, Given, Query};
use crate::probe::cloud::http::Reply;
use crate::probe::cloud::place::Url;
use crate::probe::cloud::secret::{self, Secret};
use crate::probe::wire::cloud::{Exchange, InstanceSource, Provider, Refusal, SourceOutcome, Step};

const IPV4: &str = "http://169.254.169.254";
const IPV6: &str = "http://[fd00:ec2::254]";
const ROLES: &str = "latest/meta-data/iam/security-credentials/";
const TOKEN: &str = "x-aws-ec2-metadata-token";
/// Seconds for which the session with the metadata is asked for: more than one fetch takes.
const SESSION: &str = "60";

/// Fetches the node's role; `thoroughly` as an attack does, which looks whether version 1 answers as well.
pub(super) async fn fetch(field: &Field<'_>, id: u32, wanted: &InstanceSource, thoroughly: bool) -> Fetched {
    let mut fetched = Fetched::from(id, Some(Provider::Instance));
    let base = match &wanted.url {
        Some(url) => Url::parse(url).filter(|url| url.place.is_metadata()),
        None => Url::parse(&configured(field)),
    };
    let Some(base) = base else { return fetched.ended(SourceOutcome::NotAccepted) };
    let record = &mut fetched.answer.exchanges;
    let put = ask(field, &base, Step::MetadataToken, "latest/api/token", None, record).await;
    let unread = |reply: &Reply| reply.text().is_none_or(|text| text.trim().is_empty());
    let session = match put {
        Ok(reply) if unread(&reply) => Err(SourceOutcome::Malformed),
        Ok(reply) => Ok(reply.text().map(|text| Secret::new(text.trim().to_owned()))),
        Err(outcome) => Err(outcome),
    };
    let mut is_open = false;
    if thoroughly {
        is_open = ask(field, &base, Step::MetadataVersion1, "latest/meta-data/", None, record).await.is_ok();
    }
    let session = match session {
        Ok(session) => session,
        // Where version 1 answers, nobody needs a session.
        Err(_) if is_open => None,
        Err(outcome) => return fetched.ended(outcome),
    };
    let named = match ask(field, &base, Step::MetadataRole, ROLES, session.as_ref(), record).await {
        Ok(reply) => reply,
        Err(SourceOutcome::Refused(Refusal::Other)) if record.last().is_some_and(|last| last.status == Some(404)) => {
            return fetched.ended(SourceOutcome::NoRole);
        }
        Err(outcome) => return fetched.ended(outcome),
    };
    let hidden: Vec<&str> = session.iter().map(Secret::expose).collect();
    let first = named.text().and_then(|text| text.lines().next()).unwrap_or_default();
    let is = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter);
    let Some(role) = secret::word(first.trim(), is, 64, &hidden) else {
        return fetched.ended(SourceOutcome::Malformed);
    };
    let path = format!("{ROLES}{role}");
    fetched.answer.role = Some(role);
    if !wanted.keys {
        return fetched.ended(SourceOutcome::Named);
    }
    match ask(field, &base, Step::MetadataKeys, &path, session.as_ref(), &mut fetched.answer.exchanges).await {
        Err(outcome) => fetched.ended(outcome),
        Ok(reply) => match Given::read(&reply) {
            Some(given) => fetched.given(given, field.nonce),
            None => fetched.ended(SourceOutcome::Malformed),
        },
    }
}

fn configured(field: &Field<'_>) -> String {
    field.around.get("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| {
        let mode = field.around.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
        let is_v6 = mode.is_some_and(|mode| mode.eq_ignore_ascii_case("ipv6"));
        if is_v6 { IPV6 } else { IPV4 }.to_owned()
    })
}

async fn ask(
    field: &Field<'_>,
    base: &Url,
    step: Step,
    path: &str,
    session: Option<&Secret>,
    record: &mut Vec<Exchange>,
) -> Result<Reply, SourceOutcome> {
    let request = request(base, step, path, session).ok_or(SourceOutcome::NotAccepted)?;
    let hidden = session.iter().map(|session| session.expose()).collect();
    field.ask(Query { step, place: &base.place, request, hidden, refusal }, record).await
}

fn request(base: &Url, step: Step, path: &str, session: Option<&Secret>) -> Option<Request<Full<Bytes>>> {
    let is_token = step == Step::MetadataToken;
    let method = if is_token { Method::PUT } else { Method::GET };
    let target = format!("{}/{path}", base.path.trim_end_matches('/'));
    let mut request = Request::builder().method(method).uri(target).body(Full::default()).ok()?;
    request.headers_mut().insert(HOST, HeaderValue::from_str(&base.place.authority()).ok()?);
    if is_token {
        request.headers_mut().insert("x-aws-ec2-metadata-token-ttl-seconds", HeaderValue::from_static(SESSION));
    }
    if let Some(session) = session {
        request.headers_mut().insert(TOKEN, session.header()?);
    }
    Some(request)
}

fn refusal(reply: &Reply) -> (Refusal, Option<String>) {
    let refusal = match reply.status {
        401 => Refusal::TokenRequired,
        429 | 500.. => Refusal::Busy,
        _ => Refusal::Other,
    };
    (refusal, None)
}
