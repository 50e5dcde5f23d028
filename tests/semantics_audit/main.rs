//! The evaluator of audit policies against that of the API server, k8s.io/apiserver v0.34.4, on generated policies.
//!
//! The oracle is a Go program of this repository's (`tests/oracle-audit`), built once into a cache. Without Go, or
//! without a way to its modules, the test says so and proves nothing; `TENANTPROOF_REQUIRE_ORACLES=1` makes that fail.

#![cfg(test)]

#[path = "../support/oracle.rs"]
mod oracle;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use tenantproof::semantics::audit::{Policy, Question, Target};

const POLICIES: usize = 1000;
const QUESTIONS: usize = 40;

const LEVELS: [&str; 4] = ["None", "Metadata", "Request", "RequestResponse"];
const STAGES: [&str; 4] = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"];

fn words(from: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![2 => Just(Vec::new()), 1 => subsequence(from, 1..=2.min(from.len()))]
}

fn resources() -> impl Strategy<Value = Value> {
    let patterns = words(&["pods", "pods/log", "pods/*", "*/log", "*", "secrets", "*/*", "secrets/log"]);
    (select(vec!["", "", "", "apps", "apps", "apps", "apps/v1"]), patterns, words(&["p", "q"]))
        .prop_map(|(group, resources, names)| json!({"group": group, "resources": resources, "resourceNames": names}))
}

fn rule() -> impl Strategy<Value = Value> {
    let paths = words(&["*", "/healthz", "/healthz*", "/api/*", "/version", "healthz", "/a*b"]);
    let who = (words(&["ann", "bob"]), words(&["x", "y"]), words(&["get", "create"]));
    let what = (words(&["a", "b", ""]), prop_oneof![2 => vec(resources(), 0..1), 1 => vec(resources(), 1..3)], paths);
    (select(LEVELS.to_vec()), who, what, words(&STAGES)).prop_map(
        |(level, (users, groups, verbs), (namespaces, resources, paths), omits)| {
            json!({
                "level": level, "users": users, "userGroups": groups, "verbs": verbs, "namespaces": namespaces,
                "resources": resources, "nonResourceURLs": paths, "omitStages": omits,
            })
        },
    )
}

fn question() -> impl Strategy<Value = Value> {
    let of = (select(vec!["", "apps"]), select(vec!["pods", "secrets"]), select(vec!["", "log", "exec"]));
    let path = prop_oneof![4 => Just(""), 1 => select(vec!["/healthz", "/healthz/ping", "/version", "/api/v1"])];
    let who = (select(vec!["ann", "bob", "eve"]), words(&["x", "y", "z"]), select(vec!["get", "create", "list"]));
    (who, select(vec!["a", "b", ""]), of, select(vec!["", "p"]), path).prop_map(
        |((user, groups, verb), namespace, (group, resource, subresource), name, path)| {
            json!({
                "user": user, "groups": groups, "verb": verb, "namespace": namespace, "apiGroup": group,
                "resource": resource, "subresource": subresource, "name": name, "path": path,
            })
        },
    )
}

fn world() -> impl Strategy<Value = Value> {
    (vec(rule(), 1..6), words(&STAGES), vec(question(), QUESTIONS)).prop_map(|(rules, omits, questions)| {
        let policy = json!({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules, "omitStages": omits});
        json!({"policy": policy, "questions": questions})
    })
}

/// Our answers, in the oracle's words.
fn ours(world: &Value) -> String {
    let Ok(policy) = Policy::read(&world["policy"].to_string()) else { return "refused".to_owned() };
    let answers = world["questions"].as_array().unwrap().iter().map(|question| {
        let text = |key: &str| question[key].as_str().unwrap();
        let groups: Vec<String> = serde_json::from_value(question["groups"].clone()).unwrap();
        let target = if text("path").is_empty() {
            Target::Resource {
                namespace: text("namespace"),
                group: text("apiGroup"),
                resource: text("resource"),
                subresource: text("subresource"),
                name: text("name"),
            }
        } else {
            Target::Path(text("path"))
        };
        let decided =
            policy.decide(&Question { user: Some(text("user")), groups: &groups, verb: text("verb"), target });
        let mut stages: Vec<String> = decided.omits.iter().map(|stage| format!("{stage:?}")).collect();
        stages.sort();
        format!("{}/{}", decided.level, stages.join(","))
    });
    answers.collect::<Vec<_>>().join(" ")
}

#[test]
fn agrees_with_the_api_servers_evaluator() {
    let Some(oracle) = oracle::oracle("oracle-audit", "agrees_with_the_api_servers_evaluator") else { return };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, b"tenantproof against audit policy");
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let worlds: Vec<Value> = (0..POLICIES).map(|_| world().new_tree(&mut runner).unwrap().current()).collect();
    let lines: Vec<String> = worlds.iter().map(ToString::to_string).collect();
    let (mut compared, mut refused, mut kept) = (0, 0, 0);
    for (world, theirs) in worlds.iter().zip(oracle::ask(&oracle, &lines)) {
        assert_eq!(ours(world), theirs, "{}", serde_json::to_string_pretty(&world["policy"]).unwrap());
        if theirs == "refused" {
            refused += 1;
        } else {
            compared += QUESTIONS;
            kept += theirs.split(' ').filter(|answer| !answer.starts_with("None/")).count();
        }
    }
    let share = kept * 100 / compared;
    assert!(
        compared >= 10_000 && (10..=90).contains(&share),
        "{compared} compared, {share} % kept: too little is said"
    );
    oracle::say(&format!(
        "{compared} questions, {share} % of them kept, {refused} policies refused: all as the API server"
    ));
}
