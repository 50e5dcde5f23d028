use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{AdmissionPlan, plan};
use crate::families::PlanInput;
use crate::families::admission::FAMILY;
use crate::families::admission::ask::{Ask, Question};
use crate::families::scene::Scene;
use crate::model::TenantId;
use crate::plan::Mode;
use crate::semantics::Snapshot;

const TENANCY: &str = "
apiVersion: tenantproof.dev/v1
kind: Tenancy
name: test
tenants:
- {id: a, namespaces: [a], subjects: {groups: [a-dev]}}
- {id: b, namespaces: [b]}
- {id: c, namespaces: [c]}
shared:
- {id: s, namespaces: [s]}
admission:
- {id: phi, tenants: [a], pods: {classification: PHI}, require: {runAsNonRoot: true}}
- {id: low, tenants: [b], require: {podSecurity: baseline}}
- {id: from, tenants: [b], require: {registries: [docker.io/]}}
- {id: own, tenants: [a], require: {labels: [{key: tenant}]}}
- {id: buckets, tenants: [b], require: {bucket: {publicAccessBlock: true}}}
";

fn made(snapshot: &Snapshot, mode: Mode, tenants: &[&str]) -> AdmissionPlan {
    let tenants: BTreeSet<TenantId> = tenants.iter().map(|tenant| TenantId::from(*tenant)).collect();
    plan(&PlanInput { mode, tenants: &tenants, ..Scene::of(&FAMILY, TENANCY).input(snapshot) })
}

fn snapshot() -> Snapshot {
    let labels = json!({"pod-security.kubernetes.io/enforce": "restricted"});
    let namespace = json!({"metadata": {"name": "a", "labels": labels}});
    Snapshot { namespaces: vec![serde_json::from_value(namespace).unwrap()], ..Snapshot::default() }
}

fn ask(plan: &AdmissionPlan, id: &str) -> Ask {
    let case = plan.cases.iter().find(|case| case.id.as_str() == id).unwrap();
    serde_json::from_value(case.ask.clone()).unwrap()
}

#[test]
fn each_rule_is_tried_by_every_way_that_it_has() {
    let plan = made(&snapshot(), Mode::Throwaway, &[]);
    let ids: Vec<&str> = plan.cases.iter().map(|case| case.id.as_str().trim_start_matches("admission.")).collect();
    let expected = [
        "non-root.pod:a/phi",
        "non-root.container:a/phi",
        "non-root.override:a/phi",
        "non-root.init:a/phi",
        "non-root.ephemeral:a/phi",
        "non-root.workload:a/phi",
        "non-root.update:a/phi",
        "pod-security.privileged:b/low",
        "pod-security.host:b/low",
        "pod-security.capabilities:b/low",
        // Baseline asks for no hardening: no case.
        "pod-security.init:b/low",
        "pod-security.ephemeral:b/low",
        "pod-security.workload:b/low",
        "registries.pod:b/from",
        "registries.lookalike:b/from",
        "registries.init:b/from",
        "registries.ephemeral:b/from",
        "registries.workload:b/from",
        "registries.update:b/from",
        "labels.pod:a/own",
        "labels.value:a/own",
        "labels.workload:a/own",
        "labels.update:a/own",
        // No tag is promised.
        "bucket.public-access:b/buckets",
        "bucket.update:b/buckets",
        "policy.covers:a/phi",
        "policy.covers:a/own",
        "policy.covers:b/low",
        "policy.covers:b/from",
        "policy.covers:b/buckets",
        "policy.fails-closed:a/phi",
        "policy.fails-closed:a/own",
        "policy.fails-closed:b/low",
        "policy.fails-closed:b/from",
        "policy.fails-closed:b/buckets",
        "exempt.label:a",
        "exempt.label:b",
        "exempt.exception:a",
        "exempt.exception:b",
    ];
    assert_eq!(ids, expected);
    assert_eq!(plan.not_tried, ["what admission refuses c: no rule is promised for it"]);
    let unasked = plan.trials.keys().filter(|key| !key.contains(":a/") && !key.contains(":b/"));
    assert_eq!(unasked.count(), 0, "nothing is tried where no rule is promised, nor in shared parts");
}

#[test]
fn every_pair_has_a_twin_and_the_same_world_gives_the_same_plan() {
    let (plan, again) = (made(&snapshot(), Mode::Throwaway, &[]), made(&snapshot(), Mode::Throwaway, &[]));
    assert_eq!(plan.cases, again.cases);
    for case in &plan.cases {
        if let Question::Refused { pairs } = serde_json::from_value::<Ask>(case.ask.clone()).unwrap().question {
            assert!(!pairs.is_empty(), "{}", case.id);
            for (key, twin) in pairs {
                assert!(plan.trials.contains_key(&key) && plan.trials.contains_key(&twin), "{key} {twin}");
            }
        }
    }
}

#[test]
fn what_would_touch_what_is_there_is_not_tried_in_production() {
    let plan = made(&snapshot(), Mode::Production, &[]);
    for (key, trial) in &plan.trials {
        let makes = key.contains("/ephemeral/") || (key.contains("/update/") && !key.contains("/buckets/"));
        let text = key.starts_with("text:");
        assert_eq!(trial.not_tried.is_some(), makes || text, "{key}: {:?}", trial.not_tried);
    }
}

#[test]
fn what_policies_say_is_part_of_the_plan() {
    let plan = made(&snapshot(), Mode::Throwaway, &[]);
    let trial = &plan.trials["try:a/phi/pod/unset"];
    assert_eq!(trial.beyond.as_deref(), Some("restricted"), "its namespace enforces the level");
    assert!(trial.concerns.iter().any(|one| one.policy.to_string() == "Pod Security restricted" && one.refuses()));
    assert_eq!(plan.trials["twin:a/phi/pod/unset"].beyond, None);
    let Question::ExemptLabel { labels, reviews } = ask(&plan, "admission.exempt.label:a").question else {
        panic!("the case should ask for labels")
    };
    assert_eq!(labels, ["pod-security.kubernetes.io/enforce"]);
    assert_eq!(reviews.len(), 2, "the group and all service accounts: {reviews:?}");
    let Question::Exception { engine, reviews } = ask(&plan, "admission.exempt.exception:a").question else {
        panic!("the case should ask for exceptions")
    };
    assert!(!engine && reviews.is_empty(), "the cluster has no Kyverno");
}

#[test]
fn a_change_of_a_bucket_is_tried_on_one_that_is_there() {
    let name = |plan: &AdmissionPlan| match &plan.trials["try:b/buckets/update/patch"].request {
        super::Request::BucketChange { name, .. } => name.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(name(&made(&snapshot(), Mode::Throwaway, &[])), "");
    let mut snapshot = snapshot();
    let bucket: Value = json!({"metadata": {"namespace": "b", "name": "records"}});
    snapshot.objects.insert("buckets.s3.services.k8s.aws".to_owned(), vec![bucket]);
    assert_eq!(name(&made(&snapshot, Mode::Throwaway, &[])), "records");
}

#[test]
fn tenants_that_are_not_asked_for_are_not_tried() {
    let plan = made(&snapshot(), Mode::Throwaway, &["b"]);
    assert!(plan.cases.iter().all(|case| case.from.as_str() == "b"));
    assert!(plan.trials.keys().all(|key| key.contains(":b/")));
}
