//! The tenants' roles and buckets, as AWS tells of them.

use rstest::rstest;
use serde_json::json;
use tenantproof::model::Verdict;

use super::api::Api;
use super::estate_there::{ACCOUNT, CLUSTER, Estate, Refusal, There, own};
use super::scene::{Ended, Scene};

const ONLY: [&str; 4] = ["--family", "identity", "--check", "identity.outside.*"];
const CHECKS: [&str; 8] = [
    "identity.outside.shared-role",
    "identity.outside.target-role",
    "identity.outside.session-tags",
    "identity.outside.trust",
    "identity.outside.role-reach",
    "identity.outside.bucket-policy",
    "identity.outside.public-access-block",
    "identity.outside.tags",
];

fn tenancy(bucket_of_b: &str) -> String {
    let tenant = |id: &str, bucket: &str| {
        format!(
            "- id: {id}\n  namespaces: [{id}]\n  cloud:\n    serviceAccounts: [{{name: app}}]\n    buckets: [{{name: {bucket}}}]\n"
        )
    };
    format!(
        "apiVersion: tenantproof.dev/v1\nkind: Tenancy\nname: t\ntenants:\n{}{}",
        tenant("a", "a-data"),
        tenant("b", bucket_of_b)
    )
}

fn scene(server: &str, estate: &Estate) -> Scene {
    let scene = Scene::new(server, "").on_aws("http://127.0.0.1:9").with("AWS_ENDPOINT_URL", &estate.address);
    scene.file("tenancy.yaml", &tenancy("b-data"));
    scene
}

/// A run against what is there, changed so.
fn run(change: impl FnOnce(&mut There), more: &[&str]) -> (Ended, Estate) {
    let api = Api::read_only(&["a", "b", "kube-system"]);
    let mut there = There::at(&api.address);
    change(&mut there);
    let estate = Estate::start(there);
    let arguments = [&ONLY[..], &["--eks-cluster", CLUSTER], more].concat();
    (scene(&api.address, &estate).end(&arguments), estate)
}

#[test]
fn what_keeps_tenants_apart_passes_and_only_what_the_tenancy_names_is_read() {
    let (ended, estate) = run(|_| {}, &["--expect-account", ACCOUNT]);
    let ended = ended.expect_code(0);
    for check in CHECKS {
        ended.expect(check, Verdict::Pass, "");
    }
    for told in ["account 111122223333 as arn:aws:sts", "EKS cluster shared of account 111122223333 in eu-central-1"] {
        assert!(ended.text.contains(told), "{told}:\n{}", ended.text);
    }
    let calls = estate.calls();
    assert!(calls.iter().all(|call| !call.contains("a-x")), "what is not of the tenancy is not read: {calls:?}");
    assert_eq!(calls.iter().filter(|call| call.starts_with("iam GetRole ")).count(), 2, "{calls:?}");
}

#[test]
fn a_wildcard_is_found_with_its_cause() {
    let policy = |_: &str| json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::*-data*"}});
    let (ended, _estate) = run(|there| there.policy = policy, &[]);
    let ended = ended.expect_code(1);
    ended.expect("identity.outside.role-reach", Verdict::Fail, "wildcard-resource");
}

#[test]
fn another_account_is_refused_before_anything_else_is_asked() {
    let (ended, estate) = run(|_| {}, &["--expect-account", "999999999999"]);
    let ended = ended.expect_code(2);
    assert!(ended.text.contains("999999999999") && ended.text.contains(ACCOUNT), "{}", ended.text);
    assert_eq!(estate.calls(), ["sts GetCallerIdentity"]);
}

#[test]
fn a_bucket_in_another_region_is_asked_there() {
    let (ended, estate) = run(|there| there.region = "eu-west-3", &[]);
    let ended = ended.expect_code(0);
    ended.expect("identity.outside.tags", Verdict::Pass, "");
    assert!(estate.calls().iter().filter(|call| *call == "s3 location a-data").count() > 1);
}

#[rstest]
#[case::not_allowed(|call: &str, _: usize| (call == "iam GetRole a").then_some((403, "AccessDenied")), "identity.outside.trust", "trust-unread")]
#[case::policy_not_allowed(|call: &str, _: usize| call.starts_with("iam GetPolicyVersion").then_some((403, "AccessDenied")), "identity.outside.role-reach", "not-told")]
#[case::bucket_policy_not_allowed(|call: &str, _: usize| call.starts_with("s3 policy ").then_some((403, "AccessDenied")), "identity.outside.bucket-policy", "bucket-unread")]
#[case::out_of_order(|call: &str, _: usize| call.starts_with("s3 tagging").then_some((503, "ServiceUnavailable")), "identity.outside.tags", "bucket-unread")]
#[case::associations(|call: &str, _: usize| call.ends_with("pod-identity-associations").then_some((403, "AccessDeniedException")), "identity.outside.shared-role", "associations-unread")]
#[case::no_bucket(|call: &str, _: usize| (call == "s3 location a-data").then_some((404, "NoSuchBucket")), "identity.outside.tags", "no-bucket")]
fn what_can_not_be_read_is_inconclusive(#[case] refusal: Refusal, #[case] check: &str, #[case] kind: &str) {
    let (ended, _estate) = run(|there| there.refusal = refusal, &["--tenant", "a"]);
    let ended = ended.expect_code(3);
    let of_a = ended.of(check).into_iter().find(|one| one.case.from.as_str() == "a").unwrap();
    let found = of_a.judgement.cause.map(|cause| cause.kind).unwrap_or_default();
    assert_eq!((of_a.judgement.verdict, found.as_str()), (Verdict::Inconclusive, kind), "{}", of_a.judgement.reason);
}

#[test]
fn what_is_throttled_for_a_while_costs_time_and_no_truth() {
    let refusal: Refusal = |call, times| (call.starts_with("iam") && times < 3).then_some((400, "Throttling"));
    let (ended, _estate) = run(|there| there.refusal = refusal, &[]);
    ended.expect_code(0).expect("identity.outside.trust", Verdict::Pass, "");
}

#[rstest]
#[case::expired(|call: &str, _: usize| call.starts_with("sts").then_some((403, "ExpiredToken")), "have expired")]
#[case::unknown_key(|call: &str, _: usize| call.starts_with("sts").then_some((403, "InvalidClientTokenId")), "does not recognise")]
#[case::skewed(|call: &str, _: usize| call.starts_with("s3").then_some((403, "RequestTimeTooSkewed")), "clock")]
fn credentials_that_are_not_accepted_end_it(#[case] refusal: Refusal, #[case] told: &str) {
    let (ended, _estate) = run(|there| there.refusal = refusal, &[]);
    let ended = ended.expect_code(2);
    assert!(ended.text.contains(told), "{told}:\n{}", ended.text);
}

#[test]
fn without_the_flag_nothing_is_asked_and_the_cases_are_skipped() {
    let api = Api::read_only(&["a", "b", "kube-system"]);
    let estate = Estate::start(There::at(&api.address));
    let ended = scene(&api.address, &estate).end(&ONLY).expect_code(3);
    ended.expect("identity.outside.trust", Verdict::Skipped, "no-eks-cluster");
    assert!(estate.calls().is_empty(), "{:?}", estate.calls());
}

#[test]
fn what_the_organization_denies_is_denied() {
    let api = Api::read_only(&["a", "b", "kube-system"]);
    let mut there = There::at(&api.address);
    // Whatever a's role may do, a's cases rest on the policies together.
    there.policy = |tenant| {
        if tenant == "a" {
            json!({"Version": "2012-10-17", "Statement":
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}})
        } else {
            own(tenant)
        }
    };
    let estate = Estate::start(there);
    let scene = scene(&api.address, &estate);
    let deny = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": ["arn:aws:s3:::b-data", "arn:aws:s3:::b-data/*"],
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": format!("arn:aws:iam::{ACCOUNT}:role/b")}}},
    ]});
    scene.file("org.json", &json!({"scps": [[{"name": "fence", "document": deny}]]}).to_string());
    let arguments = [&ONLY[..], &["--eks-cluster", CLUSTER, "--organization", "org.json", "--tenant", "a"]].concat();
    let ended = scene.end(&arguments);
    ended.expect("identity.outside.role-reach", Verdict::Pass, "");
}
