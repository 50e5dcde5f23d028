//! What AWS refuses, before a run and in the middle of one: each with its remedy, and none with a credential.

use rstest::rstest;
use tenantproof::model::Verdict;

use super::api::Api;
use super::cloudwatch::{CloudWatch, Habits};
use super::cluster;
use super::scene::{PLANTED, Scene};

const GROUP: &str = "/aws/eks/shared/cluster";
const FROM_IT: [&str; 2] = ["--audit-cloudwatch", GROUP];

type Refusal = fn(usize) -> Option<(u16, &'static str, &'static str)>;

/// What was said, without the ends of lines that are made where it is shown.
fn unbroken(text: &str) -> String {
    text.replace(['│', '\n'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn nowhere() -> Api {
    Api::read_only(&["a", "b"])
}

const ECHO: &str = "The Canonical String for this request should have been\n'POST\nx-amz-security-token:planted-token'";

#[rstest]
#[case::not_allowed(
    |_| Some((400, "AccessDeniedException", "User: arn:aws:iam::111122223333:user/auditor is not authorized to perform: logs:FilterLogEvents on resource: arn:aws:logs:eu-central-1:111122223333:log-group:/aws/eks/shared/cluster:log-stream:")),
    &["is not allowed", "logs:FilterLogEvents", "AccessDeniedException", "3f0e1d2c", "tenantproof permissions --aws"]
)]
#[case::another_region(
    |_| Some((400, "ResourceNotFoundException", "The specified log group does not exist.")),
    &["found no such thing", "eu-central-1", "does not exist", "AWS_REGION"]
)]
#[case::expired(
    |_| Some((400, "ExpiredTokenException", "The security token included in the request is expired")),
    &["the AWS credentials have expired", "aws sso login"]
)]
#[case::unknown_key(
    |_| Some((400, "UnrecognizedClientException", "The security token included in the request is invalid.")),
    &["AWS does not recognise the credentials", "region eu-central-1 not enabled"]
)]
#[case::a_signature_that_is_explained_with_the_token(
    |_| Some((403, "InvalidSignatureException", ECHO)),
    &["AWS does not recognise the credentials", "InvalidSignatureException", "clock"]
)]
#[case::throttled(
    |_| Some((400, "ThrottlingException", "Rate exceeded")),
    &["was throttled", "Rate exceeded", "use up the account's rate"]
)]
#[case::out_of_order(|_| Some((503, "ServiceUnavailableException", "")), &["was not served", "ServiceUnavailableException"])]
#[case::anything_else(
    |_| Some((400, "InvalidOperationException", "not supported for the log class")),
    &["was refused", "not supported for the log class"]
)]
fn what_is_refused_at_first_ends_it_before_anything_is_done(#[case] refusal: Refusal, #[case] told: &[&str]) {
    let logs = CloudWatch::start(&[GROUP], Habits { refusal, ..Habits::default() });
    let api = nowhere();
    let ended = Scene::new(&api.address, "").on_aws(&logs.address).end(&FROM_IT).expect_code(2);
    let text = unbroken(&ended.text);
    for words in told {
        assert!(text.contains(words), "{words:?} should be told:\n{}", ended.text);
    }
    assert!(text.contains("FilterLogEvents of CloudWatch Logs in eu-central-1"), "{}", ended.text);
}

#[test]
fn a_group_that_is_not_there_is_told() {
    let logs = CloudWatch::start(&[], Habits::default());
    let ended = Scene::new(&nowhere().address, "").on_aws(&logs.address).end(&FROM_IT).expect_code(2);
    assert!(unbroken(&ended.text).contains("ResourceNotFoundException"), "{}", ended.text);
}

#[test]
fn without_credentials_region_or_a_way_it_says_what_is_missing() {
    let logs = CloudWatch::start(&[GROUP], Habits::default());
    let api = nowhere();
    let scene = || Scene::new(&api.address, "").with("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", &logs.address);
    let ended = scene().end(&FROM_IT).expect_code(2);
    assert!(
        unbroken(&ended.text).contains("no AWS region is set") && unbroken(&ended.text).contains("AWS_REGION"),
        "{}",
        ended.text
    );
    let ended = scene().with("AWS_REGION", "eu-central-1").end(&FROM_IT).expect_code(2);
    assert!(unbroken(&ended.text).contains("no AWS credentials were found"), "{}", ended.text);
    let ended = scene().with("AWS_REGION", "eu-central-1").with("AWS_PROFILE", "nobodys").end(&FROM_IT).expect_code(2);
    assert!(unbroken(&ended.text).contains("AWS credentials"), "{}", ended.text);
    assert!(logs.calls().is_empty(), "nothing was asked without credentials");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ended = Scene::new(&api.address, "").on_aws(&format!("http://{closed}")).end(&FROM_IT).expect_code(2);
    assert!(
        unbroken(&ended.text).contains("did not come through") && unbroken(&ended.text).contains("AWS_ENDPOINT_URL"),
        "{}",
        ended.text
    );
}

#[test]
fn what_a_profile_says_is_heeded_and_a_program_that_gives_credentials_says_no_secret() {
    let logs = CloudWatch::start(&[GROUP], Habits::default());
    let scene = Scene::new(&nowhere().address, "")
        .with("AWS_PROFILE", "audit")
        .with("AWS_CONFIG_FILE", "aws-config")
        .with("PATH", "/usr/bin:/bin");
    scene.file("say", &format!("#!/bin/sh\necho {PLANTED}-in-the-answer\necho {PLANTED}-in-an-error >&2\nexit 1\n"));
    scene.file(
        "aws-config",
        &format!(
            "[profile audit]\nregion = eu-west-3\nendpoint_url = {}\ncredential_process = sh ./say\n",
            logs.address
        ),
    );
    let ended = scene.end(&FROM_IT).expect_code(2);
    let text = unbroken(&ended.text);
    assert!(text.contains("in eu-west-3") && text.contains("no AWS credentials could be had"), "{}", ended.text);
}

#[rstest]
#[case::expired(|call| (call > 1).then_some((400, "ExpiredTokenException", "expired")), "expired")]
#[case::gone(|call| (call > 1).then_some((400, "ResourceNotFoundException", "does not exist")), "found no such thing")]
fn what_goes_away_midway_shows_nothing_and_says_why(#[case] refusal: Refusal, #[case] told: &str) {
    let logs = CloudWatch::start(&[GROUP], Habits { refusal, ..Habits::default() });
    let api = cluster::start(1, |_, _| {});
    let ended = Scene::new(&api.address, "").on_aws(&logs.address).end(&FROM_IT).expect_code(3);
    ended.expect("audit.record.pod-create", Verdict::Inconclusive, "log-unread");
    let reason = &ended.of("audit.record.pod-create")[0].judgement.reason;
    assert!(reason.contains(told), "{reason}");
}

#[test]
fn what_is_throttled_for_a_while_costs_time_and_no_truth() {
    let refusal: Refusal = |call| (2..5).contains(&call).then_some((400, "ThrottlingException", "Rate exceeded"));
    let logs = CloudWatch::start(&[GROUP], Habits { refusal, ..Habits::default() });
    let write = logs.writer(GROUP);
    let api = cluster::start(1, move |_, event| write("kube-apiserver-audit-1", event.to_string()));
    let ended = Scene::new(&api.address, "").on_aws(&logs.address).end(&FROM_IT).expect_code(0);
    ended.expect("audit.record.pod-create", Verdict::Pass, "");
    assert!(logs.calls().len() > 5, "{:?}", logs.calls().len());
}

/// However much it is asked to say: the SDK tells whole requests at that level, if it is let.
#[test]
fn no_credential_is_ever_logged() {
    let logs = CloudWatch::start(&[GROUP], Habits::default());
    let write = logs.writer(GROUP);
    let api = cluster::start(1, move |_, event| write("kube-apiserver-audit-1", event.to_string()));
    for log in ["trace", "aws_smithy_runtime=trace,aws_sigv4=trace,aws_runtime=trace,aws_config=trace"] {
        let scene = Scene::new(&api.address, "").on_aws(&logs.address).with("TENANTPROOF_LOG", log);
        let ended = scene.end(&FROM_IT).expect_code(0);
        assert!(log != "trace" || ended.text.contains("TRACE"), "something should be logged");
    }
}
