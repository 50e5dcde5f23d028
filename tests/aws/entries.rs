//! Access entries, as the EKS API gives them.

use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};
use tenantproof::families::Stance;
use tenantproof::model::Verdict;

use super::api::{self, Api, Asked};
use super::eks::{Eks, Entry, NAME, There, arn};
use super::scene::{Ended, Scene};

const NAMED: [&str; 4] = ["--family", "rbac", "--eks-cluster", NAME];
/// As whom the cluster knows the runner.
const RUNNER: &str = "arn:aws:sts::111122223333:assumed-role/auditor/ci";

/// A cluster that knows the runner, on which nobody is granted anything but to ask for itself; it has this `aws-auth`.
fn cluster(aws_auth: Option<Value>) -> Api {
    Api::serving(move |asked| Some(answer(asked, aws_auth.as_ref()).into()))
}

fn answer(asked: &Asked<'_>, aws_auth: Option<&Value>) -> (u16, String) {
    match (asked.method, asked.path.rsplit('/').next().unwrap_or_default()) {
        ("POST", "selfsubjectreviews") => {
            let info = json!({"username": RUNNER, "groups": ["auditors", "system:authenticated"]});
            (201, json!({"status": {"userInfo": info}}).to_string())
        }
        ("POST", "subjectaccessreviews") => {
            let review: Value = serde_json::from_slice(asked.body).unwrap();
            let own = review["spec"]["resourceAttributes"]["resource"] == "selfsubjectaccessreviews"
                || review["spec"]["nonResourceAttributes"]["path"] == "/version";
            // A group is granted something by no role that is read: as another authorizer would.
            let groups = review["spec"]["groups"].as_array().cloned().unwrap_or_default();
            let attributes = &review["spec"]["resourceAttributes"];
            let by_group = groups.contains(&json!("b-admins")) && attributes["namespace"] == "b";
            let by_group = by_group || groups.contains(&json!("system:masters"));
            (201, json!({"spec": {}, "status": {"allowed": own || by_group, "reason": ""}}).to_string())
        }
        ("GET", "aws-auth") => match aws_auth {
            Some(data) => {
                let object = json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "aws-auth"}, "data": data});
                (200, object.to_string())
            }
            None => (404, json!({"kind": "Status", "status": "Failure", "code": 404, "message": "not found"}).to_string()),
        },
        _ => api::read_only(&["a", "b", "kube-system"], asked.method, asked.path),
    }
}

/// The tenancy: a's principal has a path; who runs the cluster is said.
fn tenancy() -> String {
    format!(
        "apiVersion: tenantproof.dev/v1\nkind: Tenancy\nname: t\ntenants:\n\
         - {{id: a, namespaces: [a], subjects: {{principals: ['{}']}}}}\n\
         - {{id: b, namespaces: [b], subjects: {{groups: [b-dev]}}}}\noperators: {{principals: ['{}', '{}']}}\n",
        arn("eng/a-dev"),
        arn("ops"),
        arn("auditor")
    )
}

fn scene(server: &str, eks: &Eks) -> Scene {
    let scene = Scene::new(server, "").on_aws("http://127.0.0.1:9").with("AWS_ENDPOINT_URL_EKS", &eks.address);
    scene.file("tenancy.yaml", &tenancy());
    scene
}

fn auditor() -> Entry {
    Entry::role("auditor").in_groups(&["auditors"])
}

fn operator() -> Entry {
    Entry::role("ops").with("AmazonEKSClusterAdminPolicy", &[])
}

/// A run on a cluster with these entries.
fn run(entries: Vec<Entry>, change: impl FnOnce(&mut There), aws_auth: Option<Value>) -> (Ended, Eks) {
    let api = cluster(aws_auth);
    let mut there = There::at(&api.address, [vec![auditor(), operator()], entries].concat());
    change(&mut there);
    let eks = Eks::start(there);
    (scene(&api.address, &eks).end(&NAMED), eks)
}

const CHECKS: [&str; 6] = [
    "rbac.eks.namespaces",
    "rbac.eks.cluster",
    "rbac.eks.elsewhere",
    "rbac.eks.identity",
    "rbac.eks.config-map",
    "rbac.eks.operators",
];

#[test]
fn entries_that_keep_tenants_apart_pass_and_the_cluster_is_told_before_anything_is_tried() {
    let own = Entry::role("eng/a-dev").in_groups(&["a-dev"]).with("AmazonEKSEditPolicy", &["a"]);
    let (ended, eks) = run(vec![own, Entry::role("idle")], |_| {}, None);
    let ended = ended.expect_code(0);
    for check in CHECKS {
        ended.expect(check, Verdict::Pass, "");
        for one in ended.of(check) {
            assert_eq!(one.judgement.observed.stance, Stance::Unknown, "{}", one.case.id);
            assert!(one.judgement.reason.contains("knows the runner as the access entry of"), "{}", one.judgement.reason);
        }
    }
    let (told, tried) = (ended.text.find("EKS cluster shared of account 111122223333 in eu-central-1"), ended.text.find("rbac: observe"));
    assert!(told.is_some() && told < tried, "{}", ended.text);
    let record = ended.record();
    assert_eq!(record.cluster.eks.as_ref().unwrap().region, "eu-central-1");
    let seen = &record.observations["rbac"]["eks"]["access"];
    assert_eq!(seen["entries"].as_array().unwrap().len(), 4, "all pages are read: {seen}");
    assert!(ended.of("rbac.cross-tenant.read").iter().any(|one| {
        one.case.ask["subjects"].as_array().unwrap().iter().any(|name| name == &json!(format!("principal {}", arn("eng/a-dev"))))
    }));
    let calls = eks.calls();
    assert!(calls.iter().all(|call| call.starts_with("GET /clusters/shared")), "it only reads: {calls:?}");
    // One for the cluster, two pages of principals, and for each of four an entry and a page of policies.
    assert_eq!(calls.len(), 1 + 2 + 4 + 4, "{calls:?}");
}

#[rstest]
#[case::by_name(&["a", "b"], "access-policy", "b")]
#[case::by_a_wildcard(&["*"], "wildcard-scope", "b")]
#[case::for_the_cluster(&[], "cluster-scope", "b")]
fn a_policy_that_reaches_another_tenant_is_found(#[case] namespaces: &[&str], #[case] kind: &str, #[case] to: &str) {
    let own = Entry::role("eng/a-dev").with("AmazonEKSViewPolicy", namespaces);
    let (ended, _eks) = run(vec![own], |_| {}, None);
    let ended = ended.expect_code(1);
    ended.expect("rbac.eks.namespaces", Verdict::Fail, kind);
    let found = &ended.of("rbac.eks.namespaces")[0];
    assert_eq!(found.case.to.as_str(), to);
    let cause = found.judgement.cause.as_ref().unwrap();
    assert!(cause.sentence.contains("role/eng/a-dev") && cause.sentence.contains("AmazonEKSViewPolicy"), "{}", cause.sentence);
    for check in ["rbac.eks.identity", "rbac.eks.config-map", "rbac.eks.operators"] {
        ended.expect(check, Verdict::Pass, "");
    }
}

#[test]
fn a_group_of_an_entry_is_asked_of_the_api_server() {
    let own = Entry::role("eng/a-dev").in_groups(&["b-admins"]);
    let (ended, _eks) = run(vec![own], |_| {}, None);
    let ended = ended.expect_code(1);
    let of = ended.of("rbac.cross-tenant.secrets");
    let found = of.iter().find(|one| one.judgement.verdict == Verdict::Fail).unwrap();
    assert!(found.judgement.reason.contains("principal arn:aws:iam::111122223333:role/eng/a-dev"), "{}", found.judgement.reason);
    assert_eq!(found.judgement.cause.as_ref().unwrap().kind, "granted-elsewhere");
}

#[test]
fn who_reaches_in_and_is_on_no_list_is_found() {
    let consultant = Entry { principal: "arn:aws:iam::444455556666:user/consultant".to_owned(), ..Entry::role("x") };
    let (ended, _eks) = run(vec![consultant.with("AmazonEKSAdminViewPolicy", &[])], |_| {}, None);
    let ended = ended.expect_code(1);
    ended.expect("rbac.eks.operators", Verdict::Fail, "stranger");
    assert!(ended.of("rbac.eks.operators")[0].judgement.reason.contains("444455556666:user/consultant"));
    let node = Entry { kind: "EC2_LINUX", ..Entry::role("nodes") };
    let (ended, _eks) = run(vec![node.in_groups(&["system:nodes"])], |_| {}, None);
    ended.expect_code(0).expect("rbac.eks.operators", Verdict::Pass, "");
}

#[test]
fn what_aws_auth_lets_in_is_read_where_the_mode_has_it() {
    let map = |roles: &str| Some(json!({"mapRoles": roles}));
    let roles = "- rolearn: arn:aws:iam::111122223333:role/a-dev\n  username: dev\n  groups: [system:masters]\n";
    let both: fn(&mut There) = |there| there.mode = "API_AND_CONFIG_MAP";
    let (ended, _eks) = run(Vec::new(), both, map(roles));
    let ended = ended.expect_code(1);
    ended.expect("rbac.eks.config-map", Verdict::Fail, "config-map");
    ended.expect("rbac.eks.identity", Verdict::Fail, "system-group");
    ended.expect("rbac.cluster.read", Verdict::Fail, "granted");
    let (ended, _eks) = run(vec![Entry::role("eng/a-dev")], both, map(roles));
    ended.expect_code(1).expect("rbac.eks.config-map", Verdict::Fail, "leftover");
    let (ended, _eks) = run(vec![Entry::role("eng/a-dev")], both, None);
    ended.expect_code(0).expect("rbac.eks.config-map", Verdict::Pass, "");
    // Without access entries the API is not even asked for them.
    let (ended, eks) = run(Vec::new(), |there| there.mode = "CONFIG_MAP", None);
    let ended = ended.expect_code(3);
    ended.expect("rbac.eks.config-map", Verdict::Inconclusive, "hidden-creator");
    ended.expect("rbac.eks.operators", Verdict::Inconclusive, "hidden-creator");
    assert_eq!(eks.calls().len(), 1, "{:?}", eks.calls());
}

#[test]
fn another_cluster_is_refused_before_anything_is_asked_of_it() {
    let (api, other) = (cluster(None), cluster(None));
    let eks = Eks::start(There::at(&other.address, vec![auditor()]));
    let ended = scene(&api.address, &eks).end(&NAMED).expect_code(2);
    let text = unbroken(&ended.text);
    for words in ["EKS cluster shared of account 111122223333 in eu-central-1", "another cluster", "--eks-cluster", "--context"] {
        assert!(text.contains(words), "{words}:\n{}", ended.text);
    }
    assert!(text.contains(&other.address) && text.contains(&api.address), "{}", ended.text);
    assert_eq!(eks.calls(), ["GET /clusters/shared"], "no entry of another cluster is read");
}

/// What was said, without the ends of lines that are made where it is shown.
fn unbroken(text: &str) -> String {
    text.replace(['│', '\n'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

type Refusal = fn(&str) -> Option<(u16, &'static str, &'static str)>;

#[rstest]
#[case::no_cluster(
    |path| (path == "clusters shared").then_some((404, "ResourceNotFoundException", "No cluster found for name: shared.")),
    &["DescribeCluster of EKS in eu-central-1", "found no such thing", "AWS_REGION"]
)]
#[case::not_allowed(
    |path| path.ends_with("access-entries").then_some((403, "AccessDeniedException", "not authorized")),
    &["ListAccessEntries of EKS", "is not allowed", "eks:ListAccessEntries"]
)]
#[case::one_entry_not_allowed(
    |path| path.ends_with("access-policies").then_some((403, "AccessDeniedException", "not authorized")),
    &["ListAssociatedAccessPolicies of EKS", "eks:ListAssociatedAccessPolicies", "role/"]
)]
fn what_can_not_be_read_ends_it_before_anything_is_done(#[case] refusal: Refusal, #[case] told: &[&str]) {
    let (ended, _eks) = run(vec![Entry::role("eng/a-dev")], |there| there.refusal = refusal, None);
    let ended = ended.expect_code(2);
    for words in told {
        assert!(unbroken(&ended.text).contains(words), "{words}:\n{}", ended.text);
    }
}

#[test]
fn an_entry_that_is_deleted_meanwhile_is_left_out() {
    let gone: Refusal = |path| path.ends_with("role/idle").then_some((404, "ResourceNotFoundException", "gone"));
    let (ended, _eks) = run(vec![Entry::role("idle"), Entry::role("eng/a-dev")], |there| there.refusal = gone, None);
    let ended = ended.expect_code(0);
    assert_eq!(ended.record().observations["rbac"]["eks"]["access"]["entries"].as_array().unwrap().len(), 3);
}

#[test]
fn many_entries_are_read_at_once() {
    let entries: Vec<Entry> = (0..150).map(|number| Entry::role(&format!("r{number:03}"))).collect();
    let begun = Instant::now();
    let (ended, eks) = run(entries, |there| there.page = 100, None);
    ended.expect_code(0);
    assert!(eks.calls().len() > 300 && begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn without_the_flag_aws_is_not_asked_and_the_cases_are_skipped() {
    let api = cluster(None);
    let eks = Eks::start(There::at(&api.address, vec![auditor()]));
    let ended = scene(&api.address, &eks).end(&NAMED[..2]).expect_code(0);
    for check in CHECKS {
        ended.expect(check, Verdict::Skipped, "no-eks-cluster");
    }
    assert!(eks.calls().is_empty());
    let coverage = ended.record().coverage;
    assert!(coverage.not_tried.iter().any(|one| one.contains("--eks-cluster")), "{:?}", coverage.not_tried);
}
