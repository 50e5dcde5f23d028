//! Fetching credentials, the way an AWS SDK does, and in the ways that must not work.

mod container;
mod instance;
mod web_identity;

use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::calendar::Moment;
use super::http::{Ask, Client, Failure, Reply};
use super::place::Place;
use super::secret::{self, Keys, Secret};
use super::surroundings::Surroundings;
use crate::probe::greeting::random;
use crate::probe::wire::cloud::{
    ContainerSource, Exchange, InstanceSource, KeyMark, NetworkFault, Origin, Provider, Refusal, Source, SourceAnswer,
    SourceOutcome, Step, WebIdentitySource,
};

/// Bytes of a provider's answer that are read.
const KEEP: usize = 64 * 1024;
/// The longest token.
const TOKEN_MAX: u64 = 16 * 1024;
/// The first pause before a throttled or failing server is asked again; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// What is at hand for fetching.
pub(super) struct Field<'a> {
    pub(super) client: &'a Client,
    pub(super) around: Surroundings,
    pub(super) nonce: &'a str,
    pub(super) attempts: u8,
    pub(super) region: Option<&'a str>,
}

/// Credentials, or why there are none.
pub(super) struct Fetched {
    pub(super) answer: SourceAnswer,
    pub(super) keys: Option<Arc<Keys>>,
}

/// The credentials that container agents and instance metadata give, in JSON. Never shown.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    account_id: Option<String>,
    expiration: Option<String>,
}

impl Given {
    /// Credentials from an answer. What is wrong with one is not told: it may hold a key.
    fn read(reply: &Reply) -> Option<Self> {
        let given: Self = serde_json::from_str(reply.text()?).ok()?;
        (!given.access_key_id.is_empty() && !given.secret_access_key.is_empty()).then_some(given)
    }
}

impl Fetched {
    fn from(id: u32, provider: Option<Provider>) -> Self {
        let answer = SourceAnswer {
            id,
            provider,
            outcome: SourceOutcome::NotConfigured,
            key: None,
            account: None,
            expires: None,
            role: None,
            token_withheld: false,
            exchanges: Vec::new(),
        };
        Self { answer, keys: None }
    }

    fn ended(mut self, outcome: SourceOutcome) -> Self {
        self.answer.outcome = outcome;
        self
    }

    /// With credentials.
    fn given(mut self, given: Given, nonce: &str) -> Self {
        let Given { access_key_id, secret_access_key, token, account_id, expiration } = given;
        self.answer.key = Some(KeyMark::of(nonce, &access_key_id));
        self.answer.account = self.answer.account.or_else(|| secret::account(&account_id?));
        // Written anew, so that nothing else can be in it.
        self.answer.expires = expiration.and_then(|text| Moment::from_rfc3339(&text)).map(Moment::rfc3339);
        let session = token.filter(|token| !token.is_empty()).map(Secret::new);
        self.keys =
            Some(Arc::new(Keys { id: Secret::new(access_key_id), secret: Secret::new(secret_access_key), session }));
        self.ended(SourceOutcome::Given)
    }
}

/// Fetches credentials.
pub(super) async fn fetch(field: &Field<'_>, source: &Source) -> Fetched {
    let id = source.id;
    match &source.origin {
        Origin::Environment => environment(field, id),
        Origin::WebIdentity(wanted) => web_identity::fetch(field, id, wanted).await,
        Origin::Container(wanted) => container::fetch(field, id, wanted).await,
        Origin::Instance(wanted) => instance::fetch(field, id, wanted, true).await,
        Origin::Chain => chain(field, id).await,
    }
}

/// The first that is configured. Files of profiles are left out: an image of one binary has none.
async fn chain(field: &Field<'_>, id: u32) -> Fetched {
    let has = |name| field.around.get(name).is_some();
    if has("AWS_ACCESS_KEY_ID") && has("AWS_SECRET_ACCESS_KEY") {
        environment(field, id)
    } else if has("AWS_WEB_IDENTITY_TOKEN_FILE") {
        web_identity::fetch(field, id, &WebIdentitySource::default()).await
    } else if has("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") || has("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
        container::fetch(field, id, &ContainerSource::default()).await
    } else if field.around.is_true("AWS_EC2_METADATA_DISABLED") {
        Fetched::from(id, None)
    } else {
        instance::fetch(field, id, &InstanceSource { url: None, keys: true }, false).await
    }
}

fn environment(field: &Field<'_>, id: u32) -> Fetched {
    let fetched = Fetched::from(id, Some(Provider::Environment));
    let get = |name| field.around.get(name);
    match get("AWS_ACCESS_KEY_ID").zip(get("AWS_SECRET_ACCESS_KEY")) {
        None => fetched,
        Some((access_key_id, secret_access_key)) => {
            let given = Given {
                access_key_id,
                secret_access_key,
                token: get("AWS_SESSION_TOKEN"),
                account_id: get("AWS_ACCOUNT_ID"),
                expiration: get("AWS_CREDENTIAL_EXPIRATION"),
            };
            fetched.given(given, field.nonce)
        }
    }
}

/// The token in a file.
///
/// # Errors
///
/// Why there is none, without a word of what the file holds.
fn token_in(path: &str) -> Result<Secret, SourceOutcome> {
    let no_token = |why: String| SourceOutcome::NoToken(why);
    let mut text = zeroize::Zeroizing::new(Vec::new());
    let read = File::open(path).and_then(|file| file.take(TOKEN_MAX + 1).read_to_end(&mut text));
    read.map_err(|error| no_token(format!("the token's file can't be read: {}", error.kind())))?;
    token_of(str::from_utf8(&text).unwrap_or_default())
}

/// A token, which goes into one header or form.
fn token_of(text: &str) -> Result<Secret, SourceOutcome> {
    let token = text.trim();
    let max = usize::try_from(TOKEN_MAX).unwrap_or(usize::MAX);
    if token.is_empty() || token.len() > max || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(SourceOutcome::NoToken(format!("what should be a token is none: {} bytes", text.len())));
    }
    Ok(Secret::new(token.to_owned()))
}

/// A request to a provider, and what refuses it.
struct Query<'a> {
    step: Step,
    place: &'a Place,
    request: Request<Full<Bytes>>,
    /// What must not be told of the answer.
    hidden: Vec<&'a str>,
    refusal: fn(&Reply) -> (Refusal, Option<String>),
}

impl Field<'_> {
    /// Asks a provider, again where it is busy, and puts each exchange on record.
    async fn ask(&self, query: Query<'_>, record: &mut Vec<Exchange>) -> Result<Reply, SourceOutcome> {
        let Query { step, place, request, hidden, refusal } = query;
        let mut pause = PAUSE;
        for attempt in 1.. {
            let (at_ms, began) = (now_ms(), Instant::now());
            let ask = Ask { place, request: request.clone(), keep: KEEP, repeatable: true };
            let replied = self.client.ask(ask).await;
            let mut exchange = Exchange {
                step,
                status: None,
                code: None,
                said: None,
                fault: None,
                at_ms,
                micros: u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
            };
            let outcome = match replied {
                Ok(reply) => {
                    exchange.status = Some(reply.status);
                    if (200..300).contains(&reply.status) {
                        record.push(exchange);
                        return Ok(reply);
                    }
                    let (refusal, code) = refusal(&reply);
                    exchange.code = code.and_then(|code| secret::code(&code, &hidden));
                    exchange.said = reply.text().and_then(|text| secret::said(text, &hidden));
                    SourceOutcome::Refused(refusal)
                }
                Err(Failure { fault, status, why }) => {
                    exchange.status = status;
                    exchange.fault = Some(fault);
                    exchange.said = why.and_then(|why| secret::said(&why, &hidden));
                    SourceOutcome::Network(fault)
                }
            };
            record.push(exchange);
            if outcome != SourceOutcome::Refused(Refusal::Busy) || attempt >= self.attempts {
                return Err(outcome);
            }
            wait(&mut pause).await;
        }
        Err(SourceOutcome::Network(NetworkFault::Local))
    }
}

/// Pauses before the next attempt: somewhere between half the time and all of it, so that probes which were throttled
/// together don't come back together.
pub(super) async fn wait(pause: &mut Duration) {
    let half = *pause / 2;
    let part = u32::try_from(random() % 1000).unwrap_or_default();
    sleep(half + half * part / 1000).await;
    *pause = (*pause * 2).min(PAUSE_MAX);
}

/// The first pause of [`wait`].
pub(super) const fn first_pause() -> Duration {
    PAUSE
}

pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
