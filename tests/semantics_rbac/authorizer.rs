//! The evaluator against the RBAC authorizer of the API server, k8s.io/kubernetes v1.34.4, on at least 20,000 generated
//! questions.
//!
//! The oracle is a Go program of this repository's (`tests/oracle-rbac`), built once into a cache: some minutes the first
//! time. Without Go, or without a way to its modules, the test says so and proves nothing;
//! `TENANTPROOF_REQUIRE_ORACLES=1` makes that fail. Nothing is written around: the worlds hold what an API server takes.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use tenantproof::semantics::rbac::Answer;

use super::laws::answers;
use super::oracle;
use super::worlds::{Kind, World, world};

const WORLDS: usize = 400;
const QUESTIONS: usize = 100;

#[test]
fn agrees_with_the_api_servers_authorizer() {
    let Some(oracle) = oracle::oracle("oracle-rbac", "agrees_with_the_api_servers_authorizer") else { return };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, b"tenantproof against kubernetes,1");
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = world(Kind::Plain, QUESTIONS);
    let worlds: Vec<World> = (0..WORLDS).map(|_| strategy.new_tree(&mut runner).expect("a world").current()).collect();
    let lines: Vec<String> = worlds.iter().map(|world| line(world).to_string()).collect();
    let (mut compared, mut allowed) = (0, 0);
    for (world, theirs) in worlds.iter().zip(oracle::ask(&oracle, &lines)) {
        let ours = answers(world);
        assert_eq!(ours.len(), theirs.len(), "one answer for each question");
        for ((question, decision), theirs) in world.questions.iter().zip(ours).zip(theirs.chars()) {
            let theirs = if theirs == '1' { Answer::Allowed } else { Answer::Denied };
            assert_eq!(
                decision.answer,
                theirs,
                "ours and the authorizer's, {question}: {}\n{}",
                decision.because(),
                serde_json::to_string_pretty(&world.list()).unwrap()
            );
            compared += 1;
            allowed += usize::from(theirs == Answer::Allowed);
        }
    }
    assert!(compared >= 20_000, "only {compared} questions were compared");
    let share = allowed * 100 / compared;
    assert!((10..=90).contains(&share), "{share} % are allowed: the worlds say too little");
    oracle::say(&format!("{compared} questions, {share} % of them allowed: all as the authorizer has them"));
}

/// A world as the oracle wants it.
fn line(world: &World) -> Value {
    json!({
        "roles": world.roles, "clusterRoles": world.cluster_roles, "roleBindings": world.role_bindings,
        "clusterRoleBindings": world.cluster_role_bindings, "questions": world.questions,
    })
}
