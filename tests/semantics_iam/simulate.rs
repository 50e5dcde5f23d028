//! The evaluator against two by other authors, each on at least 5,000 generated cases: `@cloud-copilot/iam-simulate`, and
//! that of ministack where it models the case.
//!
//! The first is under the AGPL and stays what it is: a program of its own, fetched by npm into a cache outside the checkout
//! (`tests/oracle-iam`), which only this test starts; the other is fetched likewise (`tests/oracle-ministack`). Without node
//! or Python, or without a way to the package, the test says so and proves nothing; `TENANTPROOF_REQUIRE_ORACLES=1` makes
//! that fail. `TENANTPROOF_SEED` is any text, for other cases.
//!
//! Where one and the documentation part, the documentation wins, and the difference has a name ([`Reading`]) that
//! `docs/semantics.md` explains. No case is excused for what its policies look like: the second evaluator reads the
//! documentation as the oracle does, and must then give the oracle's answer to every case. Each reading has a share that it
//! must stay below, and must still be needed.

use std::collections::BTreeMap;
use std::env;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::answers::answers;
use super::readings::Reading;
use super::worlds::{Kind, case};
use super::{naive, oracle};

const CASES: usize = 8_000;

/// Cases that an oracle models, each as it takes it; nothing for those that it does not.
fn cases(modelled: impl Fn(Value) -> Option<Value>) -> Vec<Value> {
    let seed = env::var("TENANTPROOF_SEED").unwrap_or_else(|_| "tenantproof against others".to_owned());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &Sha256::digest(seed));
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = case(Kind::Plain);
    let all = std::iter::repeat_with(|| strategy.new_tree(&mut runner).expect("a case").current());
    all.filter_map(modelled).take(CASES).collect()
}

/// The readings of all without which an oracle's answer would be another.
fn needed(case: &Value, theirs: &str, all: &[Reading]) -> Vec<Reading> {
    let without = |one: Reading| all.iter().copied().filter(|reading| *reading != one).collect::<Vec<_>>();
    all.iter().copied().filter(|one| naive::verdict(case, &without(*one)) != theirs).collect()
}

fn hold_against(oracle: &oracle::Oracle, cases: &[Value], readings: &[Reading]) {
    let lines: Vec<String> = cases.iter().map(Value::to_string).collect();
    let theirs = oracle::ask(oracle, &lines);
    let mut agreed = BTreeMap::<String, usize>::new();
    let mut differs = BTreeMap::<&str, usize>::new();
    let mut differences = Vec::new();
    for ((case, ours), theirs) in cases.iter().zip(answers(cases)).zip(theirs) {
        assert_ne!(ours.verdict, "unknown", "the documentation decides: {case}");
        let theirs: String = serde_json::from_str(&theirs).unwrap();
        assert!(!theirs.starts_with("error"), "{theirs}\n{case}");
        let read = naive::verdict(case, readings);
        if read != theirs || naive::verdict(case, &[]) != ours.verdict {
            differences.push(format!("ours {}, theirs {theirs}, read {read}: {}\n{case}", ours.verdict, ours.because));
        } else if ours.verdict == theirs {
            *agreed.entry(ours.verdict).or_default() += 1;
        } else {
            for reading in needed(case, &theirs, readings) {
                *differs.entry(reading.name()).or_default() += 1;
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{} differences, such as\n{}",
        differences.len(),
        differences.iter().take(5).cloned().collect::<Vec<_>>().join("\n\n")
    );
    let (all, compared) = (cases.len(), agreed.values().sum::<usize>());
    assert!(compared >= 5_000, "only {compared} cases agree");
    for (verdict, count) in &agreed {
        assert!(*count * 100 / compared >= 5, "{verdict} has too small a share: {agreed:?}");
    }
    for reading in readings {
        let count = differs.get(reading.name()).copied().unwrap_or_default();
        assert!(count > 0, "{} is not needed any more: {differs:?}", reading.name());
        assert!(count * 1000 <= all * reading.share(), "{} has too large a share: {differs:?}", reading.name());
    }
    oracle::say(&format!("of {all} cases {compared} agree, {agreed:?}; the others differ by {differs:?}"));
}

#[test]
fn agrees_with_a_simulator() {
    let Some(oracle) = oracle::oracle("oracle-iam", "agrees_with_a_simulator") else { return };
    // It takes a `*` in a request's resource for a question about all that it matches; to IAM it is a character.
    let one_resource = |case: &Value| case["request"]["resource"].as_str().is_some_and(|arn| !arn.contains('*'));
    hold_against(&oracle, &cases(|case| one_resource(&case).then_some(case)), Reading::SIMULATOR);
}

/// A case as ministack takes it: without an organization, and with the keys that it gives every request itself.
fn as_ministack_takes_it(mut case: Value) -> Option<Value> {
    let request = &mut case["request"];
    if request["principal"]["type"] == "Service" || request["action"] == "sts:AssumeRole" {
        return None;
    }
    let caller = request["principal"]["arn"].clone();
    let context = request["context"].as_object_mut()?;
    context.insert("aws:PrincipalArn".to_owned(), caller);
    for (key, value) in [("aws:SourceIp", "203.0.113.7"), ("aws:SecureTransport", "true")] {
        context.entry(key).or_insert_with(|| json!(value));
    }
    for level in ["scps", "rcps"] {
        case["policies"][level] = json!([]);
    }
    Some(case)
}

#[test]
fn agrees_with_ministack() {
    let Some(oracle) = oracle::oracle("oracle-ministack", "agrees_with_ministack") else { return };
    hold_against(&oracle, &cases(as_ministack_takes_it), Reading::MINISTACK);
}
