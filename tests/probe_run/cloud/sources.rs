//! Where credentials come from, and how their providers refuse.

use std::sync::Mutex;
use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use tenantproof::probe::wire::cloud::{
    Class, CloudReport, KeyMark, NetworkFault, Provider, Refusal, SourceAnswer, SourceOutcome, Step,
};

use super::scene::{
    KEY_ID, OTHER_TOKEN, SECRET, SESSION, Scene, TOKEN, classes, credentials, list, order, s3, s3_error,
};
use super::stand_in::{Answer, StandIn};
use crate::harness::NONCE;

pub(crate) fn fetch(scene: &Scene, round: u32, origins: impl IntoIterator<Item = Value>) -> Vec<SourceAnswer> {
    let sources: Vec<Value> = (1..).zip(origins).map(|(id, origin)| json!({"i": id, "o": origin})).collect();
    let mut asked = order(vec![]);
    asked["sources"] = json!(sources);
    asked["timeout_ms"] = json!(1000);
    let CloudReport { sources, calls, .. } = scene.order(round, asked);
    assert!(calls.is_empty());
    sources
}

pub(crate) fn one(scene: &Scene, origin: Value) -> SourceAnswer {
    fetch(scene, 1, [origin]).remove(0)
}

/// The environment that EKS Pod Identity's webhook gives to a pod, with the stand-in as the agent.
fn pod_identity(agent: &StandIn) -> Scene {
    let url = format!("{}/v1/credentials", agent.url());
    Scene::new(&[
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "{folder}/token"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ENDPOINT_URL", &agent.url()),
    ])
}

pub(crate) fn plain(status: u16, body: &str) -> Answer {
    Answer::Whole(status, vec![("content-type", "text/plain".to_owned())], body.to_owned())
}

#[test]
fn an_agent_is_asked_as_sdks_do() {
    let agent = StandIn::start(|_| credentials(KEY_ID));
    let scene = pod_identity(&agent);
    let told = one(&scene, json!("chain"));
    assert_eq!((told.provider, &told.outcome), (Some(Provider::Container), &SourceOutcome::Given));
    assert_eq!(told.key, Some(KeyMark::of(NONCE, KEY_ID)));
    assert_eq!(told.account.as_deref(), Some("111122223333"));
    assert_eq!(told.expires.as_deref(), Some("2026-11-27T13:00:00Z"));
    assert_eq!((told.exchanges.len(), told.exchanges[0].step, told.exchanges[0].status), (1, Step::Agent, Some(200)));
    let seen = agent.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].target.as_str()), ("GET", "/v1/credentials"));
    assert_eq!(seen[0].header("authorization"), Some(TOKEN), "the token itself, nothing before it");
    assert_eq!(seen[0].header("host"), Some(format!("127.0.0.1:{}", agent.port).as_str()));
}

#[test]
fn two_fetches_tell_whether_the_key_is_the_same() {
    let count = Mutex::new(0);
    let agent = StandIn::start(move |_| {
        let mut count = count.lock().expect("no panic");
        *count += 1;
        credentials(if *count <= 2 { KEY_ID } else { "ASIAQ3EGSTANDINKEYX2" })
    });
    let scene = pod_identity(&agent);
    let mark = |round| fetch(&scene, round, [json!("chain")]).remove(0).key.expect("a key").mark;
    let (first, second, third) = (mark(1), mark(2), mark(3));
    assert_eq!(first, second);
    assert_ne!(first, third, "it was rotated");
}

/// The agent of EKS Pod Identity, word for word as it refuses.
#[rstest]
#[case::address(
    403,
    "Access Denied. Called agent through invalid address, please use either [169.254.170.23 fd00:ec2::23] \
    address not 10.0.0.1",
    Refusal::Address,
    None
)]
#[case::empty(400, "Service account token cannot be empty", Refusal::NoToken, None)]
#[case::unreadable(
    400,
    "Service account token cannot be parsed: token contains an invalid number of segments",
    Refusal::UnreadableToken,
    None
)]
#[case::stale(
    400,
    "Service account token failed basic claim validations: token has invalid claims: token is expired",
    Refusal::StaleToken,
    None
)]
#[case::no_association(
    404,
    "[6a4b0ab5-4b24-4a51-9be4-c1dcf9a0b0b1]: (ResourceNotFoundException): No association found, \
    fault: client",
    Refusal::NoAssociation,
    Some("ResourceNotFoundException")
)]
#[case::trust(
    400,
    "[6a4b0ab5]: (AccessDeniedException): Unauthorized Exception! EKS does not have permissions to assume the \
    associated role., fault: client",
    Refusal::AccessDenied,
    Some("AccessDeniedException")
)]
#[case::foreign(
    400,
    "[6a4b0ab5]: (InvalidTokenException): audience, fault: client",
    Refusal::ForeignToken,
    Some("InvalidTokenException")
)]
#[case::expired(
    400,
    "[6a4b0ab5]: (ExpiredTokenException): x, fault: client",
    Refusal::StaleToken,
    Some("ExpiredTokenException")
)]
#[case::no_route(404, "404 page not found", Refusal::Other, None)]
fn an_agents_refusals_are_told_apart(
    #[case] status: u16,
    #[case] body: &'static str,
    #[case] refusal: Refusal,
    #[case] code: Option<&str>,
) {
    let agent = StandIn::start(move |_| plain(status, body));
    let told = one(&pod_identity(&agent), json!("chain"));
    assert_eq!(told.outcome, SourceOutcome::Refused(refusal));
    assert_eq!((told.exchanges.len(), told.exchanges[0].status), (1, Some(status)));
    assert_eq!(told.exchanges[0].code.as_deref(), code);
    assert!(told.exchanges[0].said.is_some() && told.key.is_none());
}

#[test]
fn an_agent_that_repeats_the_token_does_not_make_it_told() {
    let agent = StandIn::start(|seen| {
        let token = seen.header("authorization").unwrap_or_default();
        plain(400, &format!("[x]: ({token}): your token {token} and {} are bad", &token[..30]))
    });
    let told = one(&pod_identity(&agent), json!("chain"));
    assert_eq!(told.exchanges[0].said.as_deref(), Some("[x]: (…): your token … and … are bad"));
    assert_eq!(told.exchanges[0].code, None);
}

#[rstest]
#[case::throttled(429, 3)]
#[case::failing(500, 3)]
#[case::refusing(400, 1)]
fn an_agent_that_is_busy_is_asked_again(#[case] status: u16, #[case] times: usize) {
    let agent = StandIn::start(move |_| plain(status, "no"));
    let told = one(&pod_identity(&agent), json!("chain"));
    assert_eq!(told.exchanges.len(), times);
    assert_eq!(agent.seen().len(), times);
}

#[rstest]
#[case::no_json(Answer::Whole(200, vec![], format!("here you are: {SECRET}")), SourceOutcome::Malformed)]
#[case::half(Answer::Whole(200, vec![], format!("{{\"AccessKeyId\":\"{KEY_ID}\",\"Secret")), SourceOutcome::Malformed)]
#[case::empty_key(Answer::Whole(200, vec![], "{\"AccessKeyId\":\"\",\"SecretAccessKey\":\"\"}".to_owned()), SourceOutcome::Malformed)]
#[case::huge(Answer::Whole(200, vec![], "x".repeat(1_000_000)), SourceOutcome::Malformed)]
#[case::cut(Answer::Bytes(format!("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{{\"SecretAccessKey\":\"{SECRET}").into_bytes()),
    SourceOutcome::Network(NetworkFault::Cut))]
#[case::silent(Answer::Silence(Duration::from_secs(3)), SourceOutcome::Network(NetworkFault::Timeout))]
fn what_is_no_credentials_is_none(#[case] answer: Answer, #[case] outcome: SourceOutcome) {
    let answer = Mutex::new(Some(answer));
    let agent = StandIn::start(move |_| answer.lock().expect("no panic").take().unwrap_or(Answer::Reset));
    let told = one(&pod_identity(&agent), json!("chain"));
    assert_eq!((told.outcome, told.key), (outcome, None));
}

#[test]
fn fields_that_hold_a_secret_instead_are_not_told() {
    let body = json!({
        "AccessKeyId": KEY_ID, "SecretAccessKey": SECRET, "Token": SESSION, "AccountId": SECRET, "Expiration": SESSION,
    });
    let agent = StandIn::start(move |_| Answer::Whole(200, vec![], body.to_string()));
    let told = one(&pod_identity(&agent), json!("chain"));
    assert_eq!((told.outcome, told.account, told.expires), (SourceOutcome::Given, None, None));
}

#[test]
fn another_token_or_none_and_another_host_are_sent_where_the_order_says_so() {
    let agent = StandIn::start(|seen| match seen.header("authorization") {
        None => plain(400, "Service account token cannot be empty"),
        Some(token) if token == OTHER_TOKEN => {
            plain(400, "[x]: (InvalidTokenException): wrong audience, fault: client")
        }
        Some(_) if seen.header("host") == Some("10.0.0.1") => {
            plain(403, "Access Denied. Called agent through invalid address")
        }
        Some(_) => credentials(KEY_ID),
    });
    let scene = pod_identity(&agent);
    let told = fetch(
        &scene,
        1,
        [
            json!({"container": {"token": "nothing"}}),
            json!({"container": {"token": {"file": scene.path("other-token")}}}),
            json!({"container": {"host": "10.0.0.1"}}),
            json!({"container": {"token": {"file": scene.path("no-such-file")}}}),
            json!({"container": {}}),
        ],
    );
    let outcomes: Vec<&SourceOutcome> = told.iter().map(|told| &told.outcome).collect();
    assert_eq!(
        outcomes,
        [
            &SourceOutcome::Refused(Refusal::NoToken),
            &SourceOutcome::Refused(Refusal::ForeignToken),
            &SourceOutcome::Refused(Refusal::Address),
            &SourceOutcome::NoToken("the token's file can't be read: entity not found".to_owned()),
            &SourceOutcome::Given,
        ]
    );
}

#[test]
fn a_file_that_holds_no_token_is_not_sent() {
    let agent = StandIn::start(|_| credentials(KEY_ID));
    let scene = pod_identity(&agent);
    std::fs::write(scene.path("token"), "two words\nand a line").expect("written");
    let told = one(&scene, json!("chain"));
    assert_eq!(told.outcome, SourceOutcome::NoToken("what should be a token is none: 20 bytes".to_owned()));
    assert!(agent.seen().is_empty());
}

/// An address that SDKs accept from nobody: what the environment names is not asked at all, what the order names is
/// asked without a token.
#[test]
fn no_token_leaves_the_pod_for_any_other_address() {
    let agent = StandIn::start_at("0.0.0.0", |_| plain(403, "Access Denied. Called agent through invalid address"));
    let url = format!("http://0.0.0.0:{}/v1/credentials", agent.port);
    let token = ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "{folder}/token");
    let configured = Scene::new(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url), token]);
    assert_eq!(one(&configured, json!("chain")).outcome, SourceOutcome::NotAccepted);
    assert!(agent.seen().is_empty());

    let ordered = Scene::new(&[token]);
    let told = one(&ordered, json!({"container": {"url": url, "host": "169.254.170.23"}}));
    assert_eq!((told.outcome, told.token_withheld), (SourceOutcome::Refused(Refusal::Address), true));
    let seen = agent.seen();
    assert_eq!(
        (seen.len(), seen[0].header("authorization"), seen[0].header("host")),
        (1, None, Some("169.254.170.23"))
    );

    // Not even by TLS: an order must not send a token to a host of its own.
    let told = one(&Scene::new(&[token]), json!({"container": {"url": format!("https://0.0.0.0:{}/", agent.port)}}));
    assert!(told.token_withheld);
}

#[test]
fn a_token_may_lie_in_the_environment() {
    let agent = StandIn::start(|_| credentials(KEY_ID));
    let url = format!("{}/get", agent.url());
    let scene =
        Scene::new(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url), ("AWS_CONTAINER_AUTHORIZATION_TOKEN", TOKEN)]);
    assert_eq!(one(&scene, json!("chain")).outcome, SourceOutcome::Given);
    assert_eq!(agent.seen()[0].header("authorization"), Some(TOKEN));
}

#[test]
fn the_first_that_is_configured_is_taken() {
    let agent = StandIn::start(|_| credentials(KEY_ID));
    let url = format!("{}/v1/credentials", agent.url());
    let container = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str());
    let web = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "{folder}/no-such-file"),
        ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/r"),
    ];
    let keys = [("AWS_ACCESS_KEY_ID", "AKIAQ3EGSTANDINKEYX9"), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    let region = ("AWS_REGION", "eu-west-1");

    let all = Scene::new(&[container, web[0], web[1], keys[0], keys[1], region]);
    let told = one(&all, json!("chain"));
    assert_eq!((told.provider, told.key.expect("a key").kind.as_str()), (Some(Provider::Environment), "AKIA"));

    let two = Scene::new(&[container, web[0], web[1], region]);
    let told = one(&two, json!("chain"));
    assert_eq!(told.provider, Some(Provider::WebIdentity));
    assert!(matches!(told.outcome, SourceOutcome::NoToken(_)), "one that fails is not followed by the next: {told:?}");

    let told = one(&Scene::new(&[container]), json!("chain"));
    assert_eq!(told.provider, Some(Provider::Container));

    let told = one(&Scene::new(&[("AWS_EC2_METADATA_DISABLED", "true")]), json!("chain"));
    assert_eq!((told.provider, told.outcome), (None, SourceOutcome::NotConfigured));
    let told = one(&Scene::new(&[]), json!("environment"));
    assert_eq!((told.provider, told.outcome), (Some(Provider::Environment), SourceOutcome::NotConfigured));
}

fn web_identity(sts: &StandIn) -> Scene {
    Scene::new(&[
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "{folder}/token"),
        ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/tenant-1"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ENDPOINT_URL_STS", &sts.url()),
    ])
}

#[test]
fn a_token_is_exchanged_at_sts_without_a_signature() {
    let sts = StandIn::start(|_| {
        let body = format!(
            "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <AssumeRoleWithWebIdentityResult><AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId>\
             <Arn>arn:aws:sts::111122223333:assumed-role/tenant-1/x</Arn></AssumedRoleUser><Credentials>\
             <AccessKeyId>{KEY_ID}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>{SESSION}</SessionToken>\
             <Expiration>2026-11-27T08:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
             </AssumeRoleWithWebIdentityResponse>"
        );
        Answer::Whole(200, vec![], body)
    });
    let told = one(&web_identity(&sts), json!("chain"));
    assert_eq!((told.provider, told.outcome), (Some(Provider::WebIdentity), SourceOutcome::Given));
    assert_eq!(told.role.as_deref(), Some("arn:aws:sts::111122223333:assumed-role/tenant-1/x"));
    assert_eq!(told.account.as_deref(), Some("111122223333"));
    assert_eq!(told.key, Some(KeyMark::of(NONCE, KEY_ID)));
    let seen = sts.seen();
    assert!(seen[0].header("authorization").is_none());
    assert!(seen[0].body.contains("Action=AssumeRoleWithWebIdentity&Version=2011-06-15"), "{}", seen[0].body);
    assert!(seen[0].body.ends_with(&format!("WebIdentityToken={TOKEN}")));
}

#[rstest]
#[case(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", Refusal::AccessDenied)]
#[case(400, "InvalidIdentityToken", "Incorrect token audience", Refusal::ForeignToken)]
#[case(400, "ExpiredTokenException", "Token expired", Refusal::StaleToken)]
#[case(400, "ValidationError", "1 validation error detected", Refusal::NoToken)]
#[case(400, "IDPCommunicationError", "try again", Refusal::Busy)]
fn stss_refusals_are_told_apart(
    #[case] status: u16,
    #[case] code: &'static str,
    #[case] words: &'static str,
    #[case] refusal: Refusal,
) {
    let sts = StandIn::start(move |seen| {
        assert!(seen.body.contains(OTHER_TOKEN), "the token that the order names");
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{words}</Message></Error></ErrorResponse>"
        );
        Answer::Whole(status, vec![], body)
    });
    let scene = web_identity(&sts);
    let told = one(&scene, json!({"web-identity": {"token": {"file": scene.path("other-token")}}}));
    assert_eq!(told.outcome, SourceOutcome::Refused(refusal));
    assert_eq!(told.exchanges[0].code.as_deref(), Some(code));
}

#[test]
fn calls_of_several_sources_are_signed_with_their_own() {
    let server = StandIn::start(|seen| match seen.path() {
        "/v1/credentials" => credentials(KEY_ID),
        "/refused" => plain(404, "[x]: (ResourceNotFoundException): none, fault: client"),
        _ if seen.header("authorization").is_some_and(|value| value.contains(KEY_ID)) => s3(seen),
        _ => s3_error(403, "AccessDenied", "Access Denied", ""),
    });
    let mut asked = order(vec![json!([
        {"i": 1, "s": 7, "d": list("tenant-1")},
        {"i": 2, "s": 9, "d": list("tenant-1")},
        {"i": 3, "d": list("tenant-1")},
    ])]);
    let refused = format!("{}/refused", server.url());
    asked["sources"] = json!([{"i": 7, "o": "chain"}, {"i": 9, "o": {"container": {"url": refused}}}]);
    let report = pod_identity(&server).order(1, asked);
    let told = classes(&report);
    assert_eq!((told[0], told[1]), (&Class::Allowed, &Class::NoCredentials));
    assert!(told[2].is_denial(), "{told:?}");
}
