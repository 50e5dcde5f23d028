//! Every way to a verdict by the EKS API's text, by table.

use rstest::rstest;
use serde_json::{Value, json};

use super::super::ask::Ask;
use super::super::seen::EksSeen;
use super::judged;
use crate::families::rbac::parameters::{Action, By, Place, Who};
use crate::families::{CaseResult, Stance};
use crate::model::Verdict;
use crate::plan::Case;
use crate::suite::Access;

const DEV: &str = "arn:aws:iam::111122223333:role/a-dev";
const OPS: &str = "arn:aws:iam::111122223333:role/ops";
const RUNNER: &str = "arn:aws:iam::111122223333:user/auditor";

fn role_name(arn: &str) -> String {
    format!("arn:aws:sts::111122223333:assumed-role/{}/{{{{SessionName}}}}", arn.rsplit('/').next().unwrap())
}

/// An access entry with these policies: each a name and a scope.
fn entry(arn: &str, policies: &[(&str, Value)]) -> Value {
    let policies: Vec<Value> = policies
        .iter()
        .map(
            |(name, scope)| json!({"policy": format!("arn:aws:eks::aws:cluster-access-policy/{name}"), "scope": scope}),
        )
        .collect();
    let username = if arn.contains(":user/") { arn.to_owned() } else { role_name(arn) };
    json!({"principal": arn, "type": "STANDARD", "username": username, "groups": [], "policies": policies})
}

fn namespaces(names: &[&str]) -> Value {
    json!({"type": "namespace", "namespaces": names})
}

fn cluster() -> Value {
    json!({"type": "cluster"})
}

/// What was seen: these entries in this mode, beside the runner's own.
#[allow(clippy::similar_names, reason = "both are plain")]
fn seen(mode: &str, entries: &[Value], more: &Value) -> Value {
    let entries = [vec![entry(RUNNER, &[])], entries.to_vec()].concat();
    let mut seen = json!({
        "access": {
            "cluster": {"name": "shared", "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/shared",
                "account": "111122223333", "region": "eu-west-1"},
            "mode": mode, "entries": entries, "config_map": null,
        },
        "runner": {"Ok": {"user": RUNNER, "groups": ["system:authenticated"]}},
        "parties": {
            "a": {"groups": ["a-dev"], "users": [], "principals": [DEV]},
            "b": {"groups": ["b-dev"], "users": ["bob"], "principals": ["arn:aws:iam::111122223333:role/b-dev"]},
        },
        "operators": [OPS, RUNNER],
        "by_roles": {},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        *seen.pointer_mut(key).unwrap_or_else(|| panic!("nothing is at {key}")) = value.clone();
    }
    seen
}

fn judge(ask: &Ask, seen: Option<Value>) -> CaseResult {
    let of_tenant = ask.who == Who::Tenant && ask.place == Place::AnotherTenant;
    let case = Case {
        id: "rbac.eks.x:a".into(),
        check: "rbac.eks.x".into(),
        family: "rbac".into(),
        title: String::new(),
        from: "a".into(),
        to: if of_tenant { "b" } else { "a" }.into(),
        expect: Access::Denied,
        ask: serde_json::to_value(ask).unwrap(),
    };
    let seen: Option<EksSeen> = seen.map(|seen| serde_json::from_value(seen).unwrap());
    if let Some(seen) = &seen {
        let kept = serde_json::to_value(seen).unwrap();
        assert_eq!(serde_json::from_value::<EksSeen>(kept).unwrap(), *seen, "what is kept is read back");
    }
    judged(&case, ask, seen.as_ref())
}

fn told(result: &CaseResult) -> (Verdict, &str) {
    let judgement = &result.judgement;
    (judgement.verdict, judgement.cause.as_ref().map_or("", |cause| cause.kind.as_str()))
}

fn action(verbs: &[&str], resources: &[&str]) -> Action {
    let texts = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Action { verbs: texts(verbs), api_group: String::new(), resources: texts(resources) }
}

fn anything(place: Place) -> Ask {
    let namespaces = match place {
        Place::AnotherTenant => vec!["b".to_owned(), "b-prod".to_owned()],
        Place::Elsewhere => vec!["kube-system".to_owned()],
        _ => Vec::new(),
    };
    let actions = vec![action(&["get", "list", "create"], &["*"])];
    Ask { by: By::AccessPolicy, who: Who::Tenant, place, namespaces, actions }
}

fn by(by: By) -> Ask {
    Ask { by, who: Who::Tenant, place: Place::Cluster, namespaces: Vec::new(), actions: Vec::new() }
}

fn strangers() -> Ask {
    let actions = vec![action(&["get", "list"], &["secrets"]), action(&["create"], &["pods/eviction"])];
    Ask {
        by: By::AccessPolicy,
        who: Who::Strangers,
        place: Place::OwnNamespaces,
        namespaces: vec!["a".to_owned()],
        actions,
    }
}

use Verdict::{Fail, Inconclusive, Pass, Skipped};

const VIEW: &str = "AmazonEKSViewPolicy";

#[rstest]
#[case::its_own_namespaces(&[(VIEW, namespaces(&["a", "a-*"]))], Pass, "")]
#[case::no_policy(&[], Pass, "")]
#[case::another_by_name(&[(VIEW, namespaces(&["a", "b"]))], Fail, "access-policy")]
#[case::another_by_a_wildcard(&[(VIEW, namespaces(&["a", "b-*"]))], Fail, "wildcard-scope")]
#[case::everything_by_a_wildcard(&[(VIEW, namespaces(&["*"]))], Fail, "wildcard-scope")]
#[case::the_cluster(&[(VIEW, cluster())], Fail, "cluster-scope")]
#[case::by_name_before_by_wildcard(&[(VIEW, namespaces(&["b*", "b"]))], Fail, "access-policy")]
#[case::nothing_of_a_namespace(&[("AmazonEKSHybridPolicy", cluster())], Pass, "")]
#[case::a_policy_that_is_not_known(&[("AmazonEKSNewPolicy", namespaces(&["b"]))], Inconclusive, "access-policy-not-known")]
#[case::one_that_is_not_known_elsewhere(&[("AmazonEKSNewPolicy", namespaces(&["a"]))], Pass, "")]
#[case::a_policy_in_words(&[("AmazonEKSACKPolicy", cluster())], Inconclusive, "access-policy-in-words")]
#[case::a_wildcard_that_is_not_known(&[(VIEW, namespaces(&["?"]))], Inconclusive, "access-scope-not-understood")]
#[case::a_scope_of_another_type(
    &[(VIEW, json!({"type": "unknown", "namespaces": "world"}))], Inconclusive, "access-scope-not-understood"
)]
#[case::what_is_sure_before_what_is_not(
    &[("AmazonEKSNewPolicy", cluster()), (VIEW, namespaces(&["b"]))], Fail, "access-policy"
)]
fn a_policy_that_holds_in_anothers_namespace_is_found(
    #[case] policies: &[(&str, Value)],
    #[case] verdict: Verdict,
    #[case] kind: &str,
) {
    let result = judge(&anything(Place::AnotherTenant), Some(seen("API", &[entry(DEV, policies)], &json!({}))));
    assert_eq!(told(&result), (verdict, kind), "{}", result.judgement.reason);
    assert_eq!(result.judgement.observed.stance, Stance::Unknown, "nothing is observed");
    if verdict == Fail {
        let cause = result.judgement.cause.unwrap();
        assert!(cause.sentence.contains(DEV) && cause.sentence.contains(VIEW), "{}", cause.sentence);
        assert_eq!(result.evidence[0], "/eks/access/entries/1");
    }
}

#[rstest]
#[case::the_cluster(Place::Cluster, &[(VIEW, cluster())], Fail, "cluster-scope")]
#[case::nodes(Place::Cluster, &[("AmazonEKSHybridPolicy", cluster())], Fail, "cluster-scope")]
#[case::namespaces_are_not_the_cluster(Place::Cluster, &[(VIEW, namespaces(&["b"]))], Pass, "")]
#[case::perhaps_the_cluster(Place::Cluster, &[(VIEW, namespaces(&["*"]))], Inconclusive, "access-scope-not-understood")]
#[case::of_nobody(Place::Elsewhere, &[(VIEW, namespaces(&["kube-system"]))], Fail, "access-policy")]
#[case::of_nobody_by_a_wildcard(Place::Elsewhere, &[(VIEW, namespaces(&["kube-*"]))], Fail, "wildcard-scope")]
#[case::not_of_nobody(Place::Elsewhere, &[(VIEW, namespaces(&["b"]))], Pass, "")]
fn the_cluster_and_namespaces_of_nobody_are_looked_at_too(
    #[case] place: Place,
    #[case] policies: &[(&str, Value)],
    #[case] verdict: Verdict,
    #[case] kind: &str,
) {
    let result = judge(&anything(place), Some(seen("API", &[entry(DEV, policies)], &json!({}))));
    assert_eq!(told(&result), (verdict, kind), "{}", result.judgement.reason);
}

#[test]
fn without_the_eks_api_nothing_is_judged_and_the_flag_is_told() {
    for ask in [anything(Place::Cluster), by(By::AccessEntry), by(By::ConfigMap), strangers()] {
        let result = judge(&ask, None);
        assert_eq!(told(&result), (Skipped, "no-eks-cluster"));
        assert!(result.judgement.reason.contains("--eks-cluster"), "{}", result.judgement.reason);
    }
}

#[rstest]
#[case::known_by_its_entry(json!({}), Pass, "", "as the access entry of")]
#[case::of_no_entry(json!({"/runner/Ok/user": "kubernetes-admin"}), Pass, "", "was seen to be in force")]
#[case::not_told(json!({"/runner": {"Err": "forbidden"}}), Pass, "", "was not told (forbidden)")]
#[case::of_an_entry_that_was_not_read(
    json!({"/runner/Ok/user": "arn:aws:iam::111122223333:user/other"}), Inconclusive, "control-missing", "user/other"
)]
#[case::in_other_groups(json!({"/access/entries/0/groups": ["auditors"]}), Inconclusive, "control-differs", "has others")]
#[case::in_its_groups(
    json!({"/access/entries/0/groups": ["auditors"], "/runner/Ok/groups": ["auditors", "system:authenticated"]}),
    Pass, "", "as the access entry of"
)]
fn what_was_read_counts_only_where_the_runners_own_entry_is_in_force(
    #[case] change: Value,
    #[case] verdict: Verdict,
    #[case] kind: &str,
    #[case] said: &str,
) {
    let seen = seen("API", &[entry(DEV, &[])], &change);
    for ask in [anything(Place::AnotherTenant), by(By::AccessEntry), by(By::ConfigMap), strangers()] {
        let result = judge(&ask, Some(seen.clone()));
        assert_eq!(told(&result), (verdict, kind), "{}", result.judgement.reason);
        assert!(result.judgement.reason.contains(said), "{}", result.judgement.reason);
    }
}

/// What `aws-auth` says, as it is kept.
fn map(mappings: &Value) -> Value {
    json!({"read": {"mappings": mappings, "accounts": [], "faults": []}})
}

fn mapped(arn: &str, username: &str, groups: &[&str]) -> Value {
    json!({"arn": arn, "username": username, "groups": groups})
}

#[rstest]
#[case::its_own("API", json!({}), Pass, "")]
#[case::a_group_of_its_own("API", json!({"/access/entries/1/groups": ["a-dev"]}), Pass, "")]
#[case::a_group_of_another("API", json!({"/access/entries/1/groups": ["b-dev"]}), Fail, "anothers-group")]
#[case::a_group_of_the_cluster("API", json!({"/access/entries/1/groups": ["system:masters"]}), Fail, "system-group")]
#[case::a_group_that_is_chosen("API", json!({"/access/entries/1/groups": ["x-{{SessionName}}"]}), Fail, "chosen-group")]
#[case::a_name_of_another("API", json!({"/access/entries/1/username": "bob"}), Fail, "anothers-name")]
#[case::a_name_of_the_cluster("API", json!({"/access/entries/1/username": "system:admin"}), Fail, "system-name")]
#[case::a_name_that_is_chosen("API", json!({"/access/entries/1/username": "{{SessionName}}"}), Fail, "chosen-name")]
#[case::a_node("API", json!({"/access/entries/1/type": "EC2_LINUX"}), Fail, "node-entry")]
#[case::not_let_in("API", json!({"/access/entries/1/principal": OPS}), Pass, "")]
#[case::by_the_map(
    "API_AND_CONFIG_MAP",
    json!({"/access/entries/1/principal": OPS, "/access/config_map": map(&json!([mapped(DEV, "x", &["b-dev"])]))}),
    Fail,
    "anothers-group"
)]
#[case::the_map_is_not_read(
    "API_AND_CONFIG_MAP",
    json!({"/access/entries/1/principal": OPS, "/access/config_map": {"unread": "forbidden"}}),
    Inconclusive,
    "identity-unknown"
)]
#[case::an_entry_is_enough("API_AND_CONFIG_MAP", json!({"/access/config_map": {"unread": "forbidden"}}), Pass, "")]
fn a_principal_is_nobody_but_its_tenants(
    #[case] mode: &str,
    #[case] change: Value,
    #[case] verdict: Verdict,
    #[case] kind: &str,
) {
    let result = judge(&by(By::AccessEntry), Some(seen(mode, &[entry(DEV, &[])], &change)));
    assert_eq!(told(&result), (verdict, kind), "{}", result.judgement.reason);
}

#[test]
fn two_tenants_under_one_name_are_found() {
    let b = entry("arn:aws:iam::111122223333:role/b-dev", &[]);
    let change = json!({"/access/entries/1/username": "dev", "/access/entries/2/username": "dev"});
    let result = judge(&by(By::AccessEntry), Some(seen("API", &[entry(DEV, &[]), b], &change)));
    assert_eq!(told(&result), (Fail, "anothers-name"), "{}", result.judgement.reason);
}

#[rstest]
#[case::no_map("API", json!(null), Pass, "")]
#[case::none_there("API_AND_CONFIG_MAP", json!("absent"), Pass, "")]
#[case::of_others("API_AND_CONFIG_MAP", map(&json!([mapped(OPS, "ops", &["system:masters"])])), Pass, "")]
#[case::leftover("API_AND_CONFIG_MAP", map(&json!([mapped(DEV, "dev", &["system:masters"])])), Fail, "leftover")]
#[case::not_read("API_AND_CONFIG_MAP", json!({"unread": "forbidden"}), Inconclusive, "aws-auth-not-read")]
#[case::the_only_way("CONFIG_MAP", map(&json!([mapped(DEV, "dev", &[])])), Fail, "config-map")]
#[case::the_whole_account(
    "CONFIG_MAP", json!({"read": {"mappings": [], "accounts": ["111122223333"], "faults": []}}), Fail, "config-map"
)]
#[case::not_understood(
    "API_AND_CONFIG_MAP",
    json!({"read": {"mappings": [], "accounts": [], "faults": ["mapRoles: not YAML"]}}),
    Inconclusive,
    "aws-auth-not-read"
)]
#[case::who_created_it("CONFIG_MAP", json!("absent"), Inconclusive, "hidden-creator")]
fn what_aws_auth_lets_in_is_found_and_what_is_not_read_is_no_pass(
    #[case] mode: &str,
    #[case] config_map: Value,
    #[case] verdict: Verdict,
    #[case] kind: &str,
) {
    let change = json!({"/access/config_map": config_map});
    let result = judge(&by(By::ConfigMap), Some(seen(mode, &[entry(DEV, &[])], &change)));
    assert_eq!(told(&result), (verdict, kind), "{}", result.judgement.reason);
}

const ADMIN: &str = "AmazonEKSClusterAdminPolicy";
const STRANGER: &str = "arn:aws:iam::444455556666:role/consultant";

#[rstest]
#[case::nobody(&[], json!({}), Pass, "")]
#[case::an_operator(&[entry(OPS, &[(ADMIN, cluster())])], json!({}), Pass, "")]
#[case::a_tenants_own(&[entry(DEV, &[(ADMIN, cluster())])], json!({}), Pass, "")]
#[case::a_stranger(&[entry(STRANGER, &[(ADMIN, cluster())])], json!({}), Fail, "stranger")]
#[case::a_stranger_who_may_only_look(&[entry(STRANGER, &[(VIEW, cluster())])], json!({}), Pass, "")]
#[case::who_reads_secrets(&[entry(STRANGER, &[("AmazonEKSAdminViewPolicy", cluster())])], json!({}), Fail, "stranger")]
#[case::elsewhere(&[entry(STRANGER, &[(ADMIN, namespaces(&["b"]))])], json!({}), Pass, "")]
#[case::nobody_says_who_may(
    &[entry(STRANGER, &[(ADMIN, cluster())])], json!({"/operators": null}), Inconclusive, "operators-not-told"
)]
#[case::nobody_need_say(&[entry(STRANGER, &[])], json!({"/operators": null}), Pass, "")]
#[case::a_policy_in_words(&[entry(STRANGER, &[("AmazonEKSKROPolicy", cluster())])], json!({}), Inconclusive, "not-understood")]
#[case::an_operators_policy_in_words(&[entry(OPS, &[("AmazonEKSKROPolicy", cluster())])], json!({}), Pass, "")]
#[case::of_aws_itself(
    &[entry("arn:aws:iam::1:role/x", &[])],
    json!({"/access/entries/1": entry(
        "arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS",
        &[("AmazonEKSEventPolicy", cluster())],
    )}),
    Pass,
    ""
)]
#[case::by_roles(
    &[entry(STRANGER, &[])],
    json!({"/by_roles": {"rbac.eks.x:a": [{"principal": STRANGER, "stance": "allowed", "what": "get secrets in a",
        "because": "ClusterRoleBinding ops binds it"}]}}),
    Fail,
    "stranger"
)]
#[case::an_operator_by_roles(
    &[],
    json!({"/by_roles": {"rbac.eks.x:a": [{"principal": OPS, "stance": "allowed", "what": "get secrets in a",
        "because": "ClusterRoleBinding ops binds it"}]}}),
    Pass,
    ""
)]
#[case::roles_that_are_not_known(
    &[entry(STRANGER, &[])],
    json!({"/by_roles": {"rbac.eks.x:a": [{"principal": STRANGER, "stance": "unknown", "what": "get secrets in a",
        "because": "it cannot be told"}]}}),
    Inconclusive,
    "not-understood"
)]
fn who_reaches_into_a_tenant_is_its_own_or_an_operator(
    #[case] entries: &[Value],
    #[case] change: Value,
    #[case] verdict: Verdict,
    #[case] kind: &str,
) {
    let result = judge(&strangers(), Some(seen("API", entries, &change)));
    assert_eq!(told(&result), (verdict, kind), "{}", result.judgement.reason);
    if verdict == Fail {
        assert!(result.judgement.reason.contains(STRANGER), "{}", result.judgement.reason);
    }
}

#[rstest]
#[case::node("EC2_LINUX", Pass)]
#[case::auto_mode("EC2", Pass)]
#[case::another_type("CAPABILITY", Inconclusive)]
fn what_nodes_are_let_in_as_is_theirs(#[case] kind: &str, #[case] verdict: Verdict) {
    let node = entry(STRANGER, &[("AmazonEKSAutoNodePolicy", cluster())]);
    let result = judge(&strangers(), Some(seen("API", &[node], &json!({"/access/entries/1/type": kind}))));
    assert_eq!(result.judgement.verdict, verdict, "{}", result.judgement.reason);
}

#[rstest]
#[case::unread("API_AND_CONFIG_MAP", json!({"unread": "forbidden"}), "aws-auth-not-read")]
#[case::accounts(
    "API_AND_CONFIG_MAP", json!({"read": {"mappings": [], "accounts": ["444455556666"], "faults": []}}), "aws-auth-not-read"
)]
#[case::the_creator("CONFIG_MAP", json!("absent"), "hidden-creator")]
fn who_can_come_by_aws_auth_unseen_makes_it_inconclusive(
    #[case] mode: &str,
    #[case] config_map: Value,
    #[case] kind: &str,
) {
    let result = judge(&strangers(), Some(seen(mode, &[], &json!({"/access/config_map": config_map}))));
    assert_eq!(told(&result), (Inconclusive, kind), "{}", result.judgement.reason);
}

/// One more policy, whichever and wherever, never turns a verdict for the better.
#[test]
fn one_policy_more_never_makes_a_verdict_better() {
    let rank = |verdict: Verdict| match verdict {
        Pass => 0,
        Inconclusive => 1,
        Fail => 2,
        other => panic!("{other:?}"),
    };
    let scopes = [namespaces(&["a"]), namespaces(&["b"]), namespaces(&["?"]), namespaces(&["*"]), cluster()];
    let policies: Vec<(&str, Value)> =
        [VIEW, "AmazonEKSNewPolicy", "AmazonEKSHybridPolicy", "AmazonEKSSecretReaderPolicy"]
            .iter()
            .flat_map(|name| scopes.iter().map(move |scope| (*name, scope.clone())))
            .collect();
    for ask in [anything(Place::AnotherTenant), anything(Place::Cluster), anything(Place::Elsewhere)] {
        for one in &policies {
            let of = |all: &[(&str, Value)]| {
                judge(&ask, Some(seen("API", &[entry(DEV, all)], &json!({})))).judgement.verdict
            };
            let alone = of(std::slice::from_ref(one));
            for more in &policies {
                let both = of(&[one.clone(), more.clone()]);
                assert!(rank(both) >= rank(alone), "{one:?} and {more:?}: {both:?} after {alone:?}");
            }
        }
    }
}
