//! Which questions are asked, of whom, and how many.

mod eks;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Ask, RbacPlan, plan};
use crate::families::rbac::{By, FAMILY};
use crate::families::scene::Scene;
use crate::families::{PlanInput, Stance, Told};
use crate::semantics::Snapshot;

/// So many tenants, each with a namespace of its own name and a group.
fn made(tenants: usize, snapshot: &Snapshot, most_reviews: usize) -> RbacPlan {
    told_so(tenants, snapshot, Told { most_reviews: Some(most_reviews), request_tokens: true, ..Told::default() })
}

fn told_so(tenants: usize, snapshot: &Snapshot, told: Told) -> RbacPlan {
    use std::fmt::Write as _;
    let mut text = "apiVersion: tenantproof.dev/v1\nkind: Tenancy\nname: t\ntenants:\n".to_owned();
    for name in (0..tenants).map(|number| format!("t{number:03}")) {
        let _ = writeln!(text, "- {{id: {name}, namespaces: [{name}], subjects: {{groups: [{name}-dev]}}}}");
    }
    plan(&PlanInput { told, ..Scene::of(&FAMILY, &text).input(snapshot) })
}

/// A Role in t001 that a ServiceAccount of t000 is bound to.
fn bound() -> Snapshot {
    let group = "rbac.authorization.k8s.io";
    let role: Value = json!({"metadata": {"namespace": "t001", "name": "reader"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]});
    let binding: Value = json!({"metadata": {"namespace": "t001", "name": "oops"},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "namespace": "t000", "name": "default"}]});
    Snapshot {
        objects: BTreeMap::from([
            (format!("roles.{group}"), vec![role]),
            (format!("rolebindings.{group}"), vec![binding]),
        ]),
        ..Snapshot::default()
    }
}

fn ask(plan: &RbacPlan, id: &str) -> Ask {
    let case = plan.cases.iter().find(|case| case.id.as_str() == id).unwrap_or_else(|| panic!("no case {id}"));
    serde_json::from_value(case.ask.clone()).unwrap()
}

#[test]
fn within_the_bound_everything_is_asked_and_no_case_has_a_rest() {
    let plan = made(3, &bound(), usize::MAX);
    for case in plan.cases.iter().filter(|case| !case.check.as_str().starts_with("rbac.eks.")) {
        let ask: Ask = serde_json::from_value(case.ask.clone()).unwrap();
        assert!(ask.rest.is_none() && !ask.asked.is_empty(), "{}: {ask:?}", case.id);
        assert!(case.ask.get("rest").is_none(), "what is whole says nothing of a rest");
        let known = |key: &String| match ask.by {
            By::Review => plan.questions.contains_key(key),
            By::Token => plan.tries.contains_key(key),
            By::AccessPolicy | By::AccessEntry | By::ConfigMap => false,
        };
        assert!(ask.asked.iter().all(known), "{}", case.id);
    }
}

#[test]
fn a_service_account_that_is_bound_elsewhere_is_tried_with_its_own_token_and_the_chain_is_named() {
    let plan = made(2, &bound(), usize::MAX);
    let ask = ask(&plan, "rbac.token.namespace:t000>t001");
    assert_eq!(ask.by, By::Token);
    assert_eq!(ask.subjects, BTreeSet::from(["service account t000/default".to_owned()]));
    let allowed: Vec<_> = plan.tries.values().filter(|one| one.stance == Stance::Allowed).collect();
    assert_eq!(allowed.len(), 1, "{allowed:?}");
    assert_eq!(allowed[0].question.what(), "list pods in t001");
    assert!(
        allowed[0].because.contains("t001/oops") && allowed[0].because.contains("reader"),
        "{}",
        allowed[0].because
    );
    assert!(plan.not_tried.is_empty(), "all that the built-in suite names can be tried: {:?}", plan.not_tried);
}

#[test]
fn beyond_the_bound_each_subject_is_asked_about_and_what_the_rules_allow_above_all() {
    let (tenants, most) = (30, 600);
    let plan = made(tenants, &bound(), most);
    assert_eq!(plan.questions.len(), most, "the bound is used, and held");
    let mut of: BTreeMap<&str, usize> = BTreeMap::new();
    let mut places: BTreeSet<(&str, &str)> = BTreeSet::new();
    for computed in plan.questions.values() {
        *of.entry(computed.question.subject.as_str()).or_default() += 1;
        places.insert((computed.question.subject.as_str(), computed.question.namespace.as_str()));
    }
    // Each tenant's group, its service accounts as one, the one that is named, and everybody's groups.
    assert_eq!(of.len(), 2 * tenants + 1 + 3);
    assert!(of.values().all(|count| *count >= 5), "a subject was left out: {of:?}");
    assert!(places.len() > most * 3 / 4, "they should be spread: {} places", places.len());
    let asked: Vec<_> = plan.questions.values().filter(|one| one.stance == Stance::Allowed).collect();
    assert_eq!(asked.len(), 1, "what the rules allow is asked first: {asked:?}");
    let with_rest = plan.cases.iter().filter(|case| case.ask.get("rest").is_some()).count();
    assert!(with_rest > plan.cases.len() / 2, "{with_rest} of {} cases say what was not asked", plan.cases.len());
    let again = made(tenants, &bound(), most);
    assert_eq!(plan.cases, again.cases, "the same cluster gives the same questions");
}

#[test]
fn many_tenants_are_planned_within_the_bound() {
    let (tenants, most) = (40, 1_000);
    let plan = made(tenants, &Snapshot::default(), most);
    assert_eq!((plan.questions.len(), plan.tries.len()), (most, most));
    assert!(plan.cases.len() > 8 * tenants * (tenants - 1), "{} cases", plan.cases.len());
    let told: Vec<_> = plan.not_tried.iter().filter(|one| one.contains("beyond --max-reviews 1000")).collect();
    assert_eq!(told.len(), 2, "of questions, and of requests with tokens: {:?}", plan.not_tried);
}

#[test]
fn without_the_flag_no_request_with_a_token_is_planned() {
    let told = Told { request_tokens: false, ..Told::default() };
    let plan = told_so(2, &bound(), told);
    assert!(plan.tries.is_empty() && !plan.questions.is_empty());
    assert!(
        ask(&plan, "rbac.token.namespace:t000>t001").asked.is_empty(),
        "the case is there, to say why it is skipped"
    );
}
