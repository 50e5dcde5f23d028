//! The record in CloudWatch Logs, as EKS brings it there.

use std::collections::BTreeSet;
use std::time::Duration;

use rstest::rstest;
use serde_json::Value;
use tenantproof::model::Verdict;

use super::cloudwatch::{CloudWatch, Habits};
use super::cluster::{self, MARK};
use super::scene::{Ended, Scene};

const GROUP: &str = "/aws/eks/shared/cluster";
const FROM_IT: [&str; 2] = ["--audit-cloudwatch", GROUP];
/// What EKS' policy holds.
const PROMISED: &str = "pods: RequestResponse, changes: RequestResponse, reads: Request";

/// A run on a cluster with so many API servers, whose events `change` brings into the group, or others in their place.
fn run(
    servers: usize,
    habits: Habits,
    promised: &str,
    more: &[&str],
    change: impl Fn(usize, Value) -> Vec<(usize, String)> + Send + Sync + 'static,
) -> (Ended, CloudWatch) {
    let logs = CloudWatch::start(&[GROUP], habits);
    let write = logs.writer(GROUP);
    for number in 0..5 {
        write("kube-apiserver-1", format!("line {number} of another log that has {MARK} as well"));
    }
    let api = cluster::start(servers, move |server, event| {
        for (server, line) in change(server, event) {
            // Most of what a cluster keeps is nobody's of this run: pages of it have nothing to give.
            (0..7).for_each(|_| write(&stream(server), "{\"kind\":\"Event\"}".to_owned()));
            write(&stream(server), line);
        }
    });
    let ended = Scene::new(&api.address, promised).on_aws(&logs.address).end(&[&FROM_IT[..], more].concat());
    (ended, logs)
}

fn stream(server: usize) -> String {
    format!("kube-apiserver-audit-{:032x}", 0xa5_u64 + server as u64)
}

fn all(server: usize, event: &Value) -> Vec<(usize, String)> {
    vec![(server, event.to_string())]
}

/// Whether it is one of a Secret in tenant b's namespace.
fn is_bs_secret(event: &Value) -> bool {
    (&event["objectRef"]["resource"], &event["objectRef"]["namespace"]) == (&"secrets".into(), &"b".into())
}

#[test]
fn everything_is_found_and_held_against_what_aws_publishes() {
    let habits = Habits { page: 3, repeats: true, ..Habits::default() };
    let (ended, logs) = run(2, habits, PROMISED, &[], |server, event| all(server, &event));
    let ended = ended.expect_code(0);
    for check in ["pod-create", "admission-refusal", "exec", "secret-read", "fence-change", "binding-change", "read"] {
        ended.expect(&format!("audit.record.{check}"), Verdict::Pass, "");
    }
    ended.expect("audit.policy.in-force", Verdict::Pass, "");
    for check in ["pods", "changes", "exec", "reads", "secrets", "exemptions", "stages"] {
        ended.expect(&format!("audit.policy.{check}"), Verdict::Skipped, "policy-of-eks");
    }
    let judged = &ended.of("audit.record.pod-create")[0].judgement;
    assert!(judged.declared.because.contains("within 300 s"), "{}", judged.declared.because);
    assert!(judged.computed.because.contains("AWS publishes for EKS"), "{}", judged.computed.because);
    assert!(judged.reason.contains("on record in CloudWatch Logs after"), "{}", judged.reason);
    assert_eq!(ended.log()["ways"], serde_json::json!(["cloud-watch"]));
    let seen = &ended.record().observations["audit"];
    assert_eq!(seen["policyOrigin"], "eks-published");
    for deed in seen["deeds"].as_object().unwrap().values() {
        assert_eq!(deed["events"].as_array().unwrap().len(), 1, "what is given twice is one: {deed}");
    }
    let calls = logs.calls();
    let keys: BTreeSet<_> = calls.iter().flat_map(|call| call.as_object().unwrap().keys().cloned()).collect();
    let expected = ["filterPattern", "limit", "logGroupName", "logStreamNamePrefix", "nextToken", "startTime"];
    assert_eq!(keys, expected.map(str::to_owned).into());
    assert!(calls.iter().all(|call| call["logStreamNamePrefix"] == "kube-apiserver-audit"), "{calls:?}");
    let run = ended.record().run.id.to_string();
    let pattern = format!("%{MARK}{run}-%");
    let before = "%tenantproof-audit-before-the-run%";
    let of_run = calls.iter().filter(|call| call["filterPattern"] != before);
    assert!(of_run.clone().count() > 1 && of_run.clone().all(|call| call["filterPattern"] == pattern), "{calls:?}");
}

#[rstest]
#[case::a_minute_ahead(60_000)]
#[case::a_minute_behind(-60_000)]
fn clocks_that_differ_by_a_minute_change_nothing(#[case] skew: i64) {
    let habits = Habits { skew, ..Habits::default() };
    let (ended, _) = run(1, habits, PROMISED, &[], |server, event| all(server, &event));
    ended.expect_code(0).expect("audit.record.pod-create", Verdict::Pass, "");
}

#[test]
fn what_comes_later_than_was_promised_is_late_and_what_was_not_promised_is_not() {
    let habits = || Habits { lag: Duration::from_millis(4800), ..Habits::default() };
    let (ended, _) = run(1, habits(), PROMISED, &[], |server, event| all(server, &event));
    ended.expect_code(0).expect("audit.record.pod-create", Verdict::Pass, "");
    // The first look is before, the second one some seconds after it was there: when it came is not known so well.
    let (ended, _) = run(1, habits(), &format!("within: 4s, {PROMISED}"), &[], |server, event| all(server, &event));
    ended.expect_code(3).expect("audit.record.pod-create", Verdict::Inconclusive, "hardly-late");
    let habits = Habits { lag: Duration::from_secs(8), ..Habits::default() };
    let (ended, _) = run(1, habits, &format!("within: 4s, {PROMISED}"), &[], |server, event| all(server, &event));
    ended.expect_code(1).expect("audit.record.pod-create", Verdict::Fail, "late");
}

fn without_bs_secret(server: usize, event: &Value) -> Vec<(usize, String)> {
    if is_bs_secret(event) { Vec::new() } else { all(server, event) }
}

#[test]
fn what_is_missing_is_found_where_its_api_server_was_heard_of_afterwards() {
    let promised = format!("within: 4s, {PROMISED}");
    let waiting = ["--audit-wait", "5"];
    let (ended, _) = run(1, Habits::default(), &promised, &waiting, |server, event| without_bs_secret(server, &event));
    let ended = ended.expect_code(1);
    let [of_a, of_b] = ended.of("audit.record.secret-read").try_into().unwrap();
    assert_eq!((of_a.judgement.verdict, of_b.judgement.verdict), (Verdict::Pass, Verdict::Fail));
    assert_eq!(of_b.judgement.cause.unwrap().kind, "not-recorded");

    // Two API servers, both heard of: the same.
    let (ended, _) = run(2, Habits::default(), &promised, &waiting, |server, event| without_bs_secret(server, &event));
    assert_eq!(ended.expect_code(1).log()["heard"], 2);

    // One of the two sends nothing: what is missing may be with it.
    let (ended, _) =
        run(
            2,
            Habits::default(),
            &promised,
            &waiting,
            |server, event| {
                if server == 1 { Vec::new() } else { all(server, &event) }
            },
        );
    let ended = ended.expect_code(3);
    assert_eq!((ended.record().counts.fail, ended.log()["heard"].clone()), (0, 1.into()), "{}", ended.text);
    let kinds: BTreeSet<String> = ended
        .record()
        .results
        .iter()
        .filter(|one| one.judgement.verdict == Verdict::Inconclusive)
        .map(|one| one.judgement.cause.clone().unwrap().kind)
        .collect();
    assert!(kinds.contains("other-servers"), "{kinds:?}");
}

#[test]
fn what_was_not_waited_for_is_not_missing() {
    let waiting = ["--audit-wait", "2"];
    let (ended, _) = run(1, Habits::default(), PROMISED, &waiting, |server, event| without_bs_secret(server, &event));
    let ended = ended.expect_code(3);
    let of_b = &ended.of("audit.record.secret-read")[1].judgement;
    assert_eq!((of_b.verdict, of_b.cause.as_ref().unwrap().kind.as_str()), (Verdict::Inconclusive, "not-waited"));
}

#[test]
fn a_line_that_was_cut_is_counted_and_makes_what_is_missing_inconclusive() {
    let promised = format!("within: 4s, {PROMISED}");
    let (ended, _) = run(1, Habits::default(), &promised, &["--audit-wait", "5"], |server, event| {
        let line = event.to_string();
        let cut = format!("{}[Truncated...]", &line[..line.len() - 40]);
        vec![(server, if is_bs_secret(&event) { cut } else { line })]
    });
    let ended = ended.expect_code(3);
    assert_eq!(ended.log()["torn"], 1);
    let of_b = &ended.of("audit.record.secret-read")[1].judgement;
    assert_eq!((of_b.verdict, of_b.cause.as_ref().unwrap().kind.as_str()), (Verdict::Inconclusive, "log-torn"));
}

#[test]
fn a_group_to_which_nothing_comes_shows_nothing() {
    let (ended, _) = run(1, Habits::default(), PROMISED, &["--audit-wait", "2"], |_, _| Vec::new());
    let ended = ended.expect_code(3);
    ended.expect("audit.record.pod-create", Verdict::Inconclusive, "log-mute");
    let reason = &ended.of("audit.record.pod-create")[0].judgement.reason;
    assert!(reason.contains("audit logs may be off"), "{reason}");
}

#[test]
fn another_policy_than_the_published_one_is_no_finding() {
    let (ended, _) = run(1, Habits::default(), "", &[], |server, mut event| {
        if event["objectRef"]["resource"] == "networkpolicies" {
            event["level"] = "Request".into();
        }
        all(server, &event)
    });
    let ended = ended.expect_code(3);
    ended.expect("audit.policy.in-force", Verdict::Inconclusive, "another-policy");
    // Nor is it anything that the tenancy promised.
    ended.expect("audit.record.fence-change", Verdict::Pass, "");
}
