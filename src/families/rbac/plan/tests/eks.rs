//! What is planned of a cluster of EKS.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::{RbacPlan, plan};
use super::ask;
use crate::families::rbac::FAMILY;
use crate::families::scene::Scene;
use crate::families::{PlanInput, Stance, Told};
use crate::semantics::Snapshot;
use crate::semantics::rbac::eks::Access;

const TENANCY: &str = "
apiVersion: tenantproof.dev/v1
kind: Tenancy
name: t
tenants:
- {id: a, namespaces: [a], subjects: {principals: ['arn:aws:iam::111122223333:role/eng/a-dev']}}
- {id: b, namespaces: [b]}
shared:
- {id: c, namespaces: [c]}
";

fn made(snapshot: &Snapshot) -> RbacPlan {
    let told = Told { most_reviews: Some(usize::MAX), ..Told::default() };
    plan(&PlanInput { told, ..Scene::of(&FAMILY, TENANCY).input(snapshot) })
}

fn entry(name: &str, groups: &[&str]) -> Value {
    let (principal, of) = (format!("arn:aws:iam::111122223333:role/{name}"), "arn:aws:sts::111122223333:assumed-role");
    json!({"principal": principal, "type": "STANDARD", "username": format!("{of}/{name}/{{{{SessionName}}}}"),
        "groups": groups, "policies": []})
}

/// A cluster with these entries, on which these subjects are bound to what reads all of b.
fn cluster(entries: &[Value], bound: &[Value]) -> Snapshot {
    let access: Access = serde_json::from_value(json!({
        "cluster": {"name": "shared", "arn": "", "account": "111122223333", "region": "eu-west-1"},
        "mode": "API_AND_CONFIG_MAP", "entries": entries,
        "config_map": {"read": {"accounts": [], "faults": [], "mappings": [
            {"arn": "arn:aws:iam::111122223333:role/nodes", "username": "system:node:{{EC2PrivateDNSName}}",
                "groups": ["system:bootstrappers", "system:nodes"]},
            {"arn": "arn:aws:iam::111122223333:role/old-admin", "username": "admin", "groups": ["system:masters"]},
            {"arn": "arn:aws:iam::111122223333:role/ops", "username": "gone", "groups": ["system:masters"]},
        ]}},
    }))
    .unwrap();
    let group = "rbac.authorization.k8s.io";
    let role = json!({"metadata": {"namespace": "b", "name": "reader"},
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]});
    let binding = json!({"metadata": {"namespace": "b", "name": "oops"},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "reader"}, "subjects": bound});
    let namespace = |name: &str| serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
    Snapshot {
        eks: Some(access),
        namespaces: ["a", "b", "c", "kube-system"].map(namespace).to_vec(),
        objects: BTreeMap::from([
            (format!("roles.{group}"), vec![role]),
            (format!("rolebindings.{group}"), vec![binding]),
        ]),
        ..Snapshot::default()
    }
}

fn group(name: &str) -> Value {
    json!({"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": name})
}

/// The parties of the cases of a check, as their ids have them.
fn cases<'a>(plan: &'a RbacPlan, check: &str) -> Vec<&'a str> {
    let of = plan.cases.iter().filter_map(|case| case.id.as_str().strip_prefix(check)?.strip_prefix(':'));
    of.collect()
}

#[test]
fn cases_are_there_whatever_is_asked_of_aws_for_tenants_with_principals_and_of_operators_for_all() {
    for snapshot in [Snapshot::default(), cluster(&[], &[])] {
        let plan = made(&snapshot);
        assert_eq!(cases(&plan, "rbac.eks.namespaces"), ["a>b", "a>c"]);
        for check in ["rbac.eks.cluster", "rbac.eks.elsewhere", "rbac.eks.identity", "rbac.eks.config-map"] {
            assert_eq!(cases(&plan, check), ["a"], "{check}");
        }
        assert_eq!(cases(&plan, "rbac.eks.operators"), ["a", "b", "c"]);
        assert_eq!(plan.eks.is_some(), snapshot.eks.is_some());
    }
}

#[test]
fn a_case_names_the_namespaces_in_question() {
    let plan = made(&cluster(&[], &[]));
    let of = |id: &str| plan.cases.iter().find(|case| case.id.as_str() == id).unwrap().ask["namespaces"].clone();
    assert_eq!(of("rbac.eks.namespaces:a>b"), json!(["b"]));
    assert_eq!(of("rbac.eks.elsewhere:a"), json!(["kube-system"]));
    assert_eq!(of("rbac.eks.operators:c"), json!(["c"]));
    assert_eq!(of("rbac.eks.cluster:a"), Value::Null, "the whole cluster is no namespace");
}

#[test]
fn a_principal_is_asked_about_as_its_entry_lets_it_in() {
    let principal = "principal arn:aws:iam::111122223333:role/eng/a-dev";
    let plan = made(&cluster(&[entry("a-dev", &["developers"])], &[group("developers")]));
    assert!(ask(&plan, "rbac.cross-tenant.secrets:a>b").subjects.contains(principal));
    assert!(!ask(&plan, "rbac.cross-tenant.secrets:b>a").subjects.contains(principal));
    let allowed: Vec<_> = plan.questions.values().filter(|one| one.stance == Stance::Allowed).collect();
    assert!(!allowed.is_empty());
    for one in &allowed {
        assert_eq!((one.question.subject.as_str(), one.question.namespace.as_str()), (principal, "b"));
        assert!(one.because.contains("b/oops"), "{}", one.because);
    }
    assert!(plan.not_tried.is_empty(), "{:?}", plan.not_tried);
}

#[test]
fn a_session_that_a_binding_names_is_asked_about_too() {
    let user = "arn:aws:sts::111122223333:assumed-role/a-dev/ann";
    let bound = json!({"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user});
    let plan = made(&cluster(&[entry("a-dev", &[])], &[bound]));
    let allowed = plan.questions.values().find(|one| one.stance == Stance::Allowed).unwrap();
    assert!(allowed.question.subject.ends_with(&format!("a-dev as {user}")), "{}", allowed.question.subject);
}

#[test]
fn without_the_eks_api_it_is_told_that_principals_were_not_asked_about() {
    let plan = made(&Snapshot::default());
    assert!(plan.not_tried.iter().any(|one| one.contains("1 IAM principals") && one.contains("--eks-cluster")));
    assert!(plan.subjects.keys().all(|name| !name.starts_with("principal")));
}

#[test]
fn what_rbac_grants_to_those_of_no_tenant_is_found_for_each_party() {
    let entries = [entry("ops", &["platform"]), entry("idle", &["nobody"]), entry("a-dev", &["platform"])];
    let plan = made(&cluster(&entries, &[group("platform")]));
    let eks = plan.eks.unwrap();
    let found = |party: &str| -> Vec<&str> {
        let all = &eks.by_roles[&format!("rbac.eks.operators:{party}")];
        assert!(all.iter().all(|one| one.stance == Stance::Allowed));
        all.iter().map(|one| one.principal.rsplit('/').next().unwrap()).collect()
    };
    // A mapping that no entry overrides is in force, and its group may do everything.
    assert_eq!(found("b"), ["ops", "old-admin"]);
    assert_eq!(found("a"), ["old-admin"]);
    let why = &eks.by_roles["rbac.eks.operators:b"][0];
    assert!(why.because.contains("b/oops") && why.what.contains("secrets in b"), "{why:?}");
}

#[test]
fn what_is_asked_of_the_api_server_is_the_same_whatever_the_eks_api_grants() {
    let wide = json!([{"policy": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
        "scope": {"type": "cluster"}}]);
    let narrow = entry("a-dev", &[]);
    let mut with_policy = narrow.clone();
    with_policy["policies"] = wide;
    let (one, other) = (made(&cluster(&[narrow], &[])), made(&cluster(&[with_policy], &[])));
    assert_eq!(one.questions, other.questions);
    assert_eq!(one.cases, other.cases);
    assert!(one.subjects.keys().any(|name| name.starts_with("principal")));
}
