//! IAM roles for service accounts: the pod's token is exchanged at STS, without a signature.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderValue, Request};
use http_body_util::Full;

use super::{Fetched, Field, Given, Query, token_in};
use crate::probe::cloud::encode;
use crate::probe::cloud::http::Reply;
use crate::probe::cloud::place::{Service, Url};
use crate::probe::cloud::secret::{self, Secret};
use crate::probe::cloud::xml::Document;
use crate::probe::greeting::random;
use crate::probe::wire::cloud::{Provider, Refusal, SourceOutcome, Step, TokenFrom, WebIdentitySource};

pub(super) async fn fetch(field: &Field<'_>, id: u32, wanted: &WebIdentitySource) -> Fetched {
    let mut fetched = Fetched::from(id, Some(Provider::WebIdentity));
    let get = |name| field.around.get(name);
    let Some(role) = wanted.role.clone().or_else(|| get("AWS_ROLE_ARN")) else { return fetched };
    let region = field.around.region().or_else(|| secret::region(field.region?));
    let Some(url) = region.and_then(|region| Service::Sts.url(&region, field.around)) else { return fetched };
    let token = match &wanted.token {
        TokenFrom::Nothing => None,
        TokenFrom::File(path) => Some(token_in(path)),
        TokenFrom::Configured => match get("AWS_WEB_IDENTITY_TOKEN_FILE") {
            Some(path) => Some(token_in(&path)),
            None => return fetched,
        },
    };
    let token = match token.transpose() {
        Ok(token) => token,
        Err(outcome) => return fetched.ended(outcome),
    };
    let session = get("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| format!("tenantproof-{:016x}", random()));
    let Some(request) = request(&url, &role, &session, token.as_ref()) else {
        return fetched.ended(SourceOutcome::NotAccepted);
    };
    let hidden = token.iter().map(Secret::expose).collect();
    let query = Query { step: Step::Sts, place: &url.place, request, hidden, refusal };
    match field.ask(query, &mut fetched.answer.exchanges).await {
        Err(outcome) => fetched.ended(outcome),
        Ok(reply) => match read(&reply) {
            None => fetched.ended(SourceOutcome::Malformed),
            Some((given, arn)) => {
                let hidden = token.iter().map(Secret::expose).chain([given.secret_access_key.as_str()]);
                fetched.answer.role = arn.and_then(|arn| secret::arn(&arn, &hidden.collect::<Vec<_>>()));
                let account = fetched.answer.role.as_ref().and_then(|arn| arn.split(':').nth(4));
                fetched.answer.account = account.and_then(secret::account);
                fetched.given(given, field.nonce)
            }
        },
    }
}

fn request(url: &Url, role: &str, session: &str, token: Option<&Secret>) -> Option<Request<Full<Bytes>>> {
    let mut form = vec![
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", role),
        ("RoleSessionName", session),
    ];
    form.extend(token.map(|token| ("WebIdentityToken", token.expose())));
    let mut request = Request::post(&url.path).body(Full::new(Bytes::from(encode::pairs(&form)))).ok()?;
    request.headers_mut().insert(HOST, HeaderValue::from_str(&url.place.authority()).ok()?);
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    Some(request)
}

fn read(reply: &Reply) -> Option<(Given, Option<String>)> {
    let document = Document::read(reply.text()?)?;
    let text = |name: &str| document.get(name).map(str::to_owned);
    let is_answer = document.root == "AssumeRoleWithWebIdentityResponse";
    let given = Given {
        access_key_id: text("AccessKeyId")?,
        secret_access_key: text("SecretAccessKey")?,
        token: Some(text("SessionToken")?),
        account_id: None,
        expiration: text("Expiration"),
    };
    is_answer.then(|| (given, text("Arn")))
}

fn refusal(reply: &Reply) -> (Refusal, Option<String>) {
    let document = reply.text().and_then(Document::read).filter(Document::is_error);
    let code = document.as_ref().and_then(|document| document.get("Code")).map(str::to_owned);
    let refusal = match (reply.status, code.as_deref()) {
        (_, Some("AccessDenied")) => Refusal::AccessDenied,
        (_, Some("InvalidIdentityToken" | "IDPRejectedClaim")) => Refusal::ForeignToken,
        (_, Some("ExpiredTokenException" | "ExpiredToken")) => Refusal::StaleToken,
        (_, Some("MissingParameter" | "ValidationError")) => Refusal::NoToken,
        (429 | 500.., _) | (_, Some("Throttling" | "IDPCommunicationError")) => Refusal::Busy,
        _ => Refusal::Other,
    };
    (refusal, code)
}
