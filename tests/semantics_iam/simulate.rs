//! The evaluator against `@cloud-copilot/iam-simulate`, a simulator by other authors, on at least 5,000 generated cases.
//!
//! It is under the AGPL and stays what it is: a program of its own, fetched by npm into a cache outside the checkout
//! (`tests/oracle-iam`), which only this test starts. Without node, or without a way to the package, the test says so and
//! proves nothing; `TENANTPROOF_REQUIRE_ORACLES=1` makes that fail. `TENANTPROOF_SEED` is any text, for other cases.
//!
//! Where it and the documentation part, the documentation wins, and the difference has a name ([`Reading`]) that
//! `docs/semantics.md` explains. No case is excused for what its policies look like: the second evaluator reads the
//! documentation as the simulator does, and must then give the simulator's answer to every case. Each reading has a share
//! that it must stay below, and must still be needed.

use std::collections::BTreeMap;
use std::env;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::answers::answers;
use super::readings::Reading;
use super::worlds::{Kind, case};
use super::{naive, oracle};

const CASES: usize = 8_000;

/// Whether the request is about a pattern to the simulator, which is another question: `*` is a character to IAM.
fn is_about_a_pattern(case: &Value) -> bool {
    case["request"]["resource"].as_str().is_some_and(|resource| resource.contains('*'))
}

fn cases() -> Vec<Value> {
    let seed = env::var("TENANTPROOF_SEED").unwrap_or_else(|_| "tenantproof against iam-simulate".to_owned());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &Sha256::digest(seed));
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = case(Kind::Plain).prop_filter("a pattern", |case| !is_about_a_pattern(case));
    (0..CASES).map(|_| strategy.new_tree(&mut runner).expect("a case").current()).collect()
}

/// The readings without which the simulator's answer would be another.
fn needed(case: &Value, theirs: &str) -> Vec<Reading> {
    let without = |one: Reading| Reading::ALL.into_iter().filter(|reading| *reading != one).collect::<Vec<_>>();
    Reading::ALL.into_iter().filter(|one| naive::verdict(case, &without(*one)) != theirs).collect()
}

#[test]
fn agrees_with_a_simulator() {
    let Some(oracle) = oracle::oracle("oracle-iam", "agrees_with_a_simulator") else { return };
    let cases = cases();
    let lines: Vec<String> = cases.iter().map(Value::to_string).collect();
    let theirs = oracle::ask(&oracle, &lines);
    let mut agreed = BTreeMap::<String, usize>::new();
    let mut differs = BTreeMap::<Reading, usize>::new();
    let mut differences = Vec::new();
    for ((case, ours), theirs) in cases.iter().zip(answers(&cases)).zip(theirs) {
        assert_ne!(ours.verdict, "unknown", "the documentation decides: {case}");
        let theirs: String = serde_json::from_str(&theirs).unwrap();
        assert!(!theirs.starts_with("error"), "{theirs}\n{case}");
        let read = naive::verdict(case, &Reading::ALL);
        if read != theirs || naive::verdict(case, &[]) != ours.verdict {
            differences.push(format!("ours {}, theirs {theirs}, read {read}: {}\n{case}", ours.verdict, ours.because));
        } else if ours.verdict == theirs {
            *agreed.entry(ours.verdict).or_default() += 1;
        } else {
            for reading in needed(case, &theirs) {
                *differs.entry(reading).or_default() += 1;
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{} differences, such as\n{}",
        differences.len(),
        differences.iter().take(5).cloned().collect::<Vec<_>>().join("\n\n")
    );
    let compared: usize = agreed.values().sum();
    assert!(compared >= 5_000, "only {compared} cases agree");
    for (verdict, count) in &agreed {
        assert!(*count * 100 / compared >= 10, "{verdict} has too small a share: {agreed:?}");
    }
    for reading in Reading::ALL {
        let count = differs.get(&reading).copied().unwrap_or_default();
        assert!(count > 0, "{} is not needed any more: {differs:?}", reading.name());
        assert!(count * 1000 <= CASES * reading.share(), "{} has too large a share: {differs:?}", reading.name());
    }
    let differs: BTreeMap<&str, usize> = differs.into_iter().map(|(reading, count)| (reading.name(), count)).collect();
    oracle::say(&format!("of {CASES} cases {compared} agree, {agreed:?}; the others differ by {differs:?}"));
}
