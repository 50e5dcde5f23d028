//! The evaluator against a second one that shares nothing with it, and laws that hold whatever the policies say.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError};
use serde_json::{Value, json};

use super::answers::{Answer, answer, answers};
use super::naive;
use super::worlds::{Kind, case};

fn compare(case: &Value) -> Result<(), TestCaseError> {
    let (ours, possible) = (answer(case), naive::possible(case));
    let shown = || format!("{ours:?}, possible: {possible:?}\n{}", serde_json::to_string_pretty(case).unwrap());
    match possible.first() {
        Some(only) if possible.len() == 1 => prop_assert_eq!(&ours.verdict, only, "{}", shown()),
        _ => prop_assert_eq!(&ours.verdict, "unknown", "{}", shown()),
    }
    Ok(())
}

/// How much an answer lets pass.
fn openness(answer: &Answer) -> u8 {
    match answer.verdict.as_str() {
        "allowed" => 2,
        // Only whether explicitly is not known.
        "unknown" if answer.because.starts_with("It is denied") => 0,
        "unknown" => 1,
        _ => 0,
    }
}

fn both(cases: [&Value; 2]) -> (Answer, Answer) {
    let [before, after]: [_; 2] = answers(cases).try_into().unwrap();
    (before, after)
}

fn changed(case: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let mut changed = case.clone();
    change(&mut changed);
    changed
}

/// The document of this name; the first where there are several.
fn document<'c>(case: &'c mut Value, name: &str) -> Option<&'c mut Value> {
    let found = match name {
        "boundary" | "session" | "resource" => &mut case["policies"][name],
        "identity" => case.pointer_mut("/policies/identity/0/document")?,
        level => case.pointer_mut(&format!("/policies/{level}/0/0/document"))?,
    };
    (!found.is_null()).then_some(found)
}

proptest! {
    #![proptest_config(Config { cases: 3000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn agrees_where_the_documentation_decides(case in case(Kind::Plain)) {
        compare(&case)?;
    }

    #[test]
    fn what_is_unknown_has_two_possible_answers(case in case(Kind::Wild)) {
        compare(&case)?;
    }
}

proptest! {
    #![proptest_config(Config { cases: 600, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_deny_more_never_allows_more(
        case in case(Kind::Wild),
        name in prop::sample::select(&["identity", "boundary", "session", "scps", "rcps", "resource"][..]),
        action in prop::sample::select(&["s3:*", "sqs:*", "kms:Decrypt", "sts:*", "dynamodb:*"][..]),
    ) {
        let after = changed(&case, |case| {
            let Some(document) = document(case, name) else { return };
            let mut deny = json!({"Effect": "Deny", "Action": action, "Resource": "*"});
            if document["Statement"][0].get("Principal").is_some() {
                deny["Principal"] = json!("*");
            }
            if document["Statement"][0].get("Resource").is_none() && document["Statement"][0].get("NotResource").is_none() {
                deny.as_object_mut().unwrap().remove("Resource");
            }
            document["Statement"].as_array_mut().unwrap().push(deny);
        });
        let (before, after) = both([&case, &after]);
        prop_assert!(openness(&after) <= openness(&before), "{:?} became {:?}", before, after);
        prop_assert!(before.verdict != "explicitDeny" || after.verdict == before.verdict);
    }

    #[test]
    fn an_allow_less_never_allows_more(case in case(Kind::Plain), which in any::<prop::sample::Index>()) {
        // Of what grants, or what every level must allow.
        let places = ["/policies/identity/0/document", "/policies/resource", "/policies/scps/0/0/document"];
        let after = changed(&case, |case| {
            let place: &str = which.get::<&str>(&places);
            let Some(document) = case.pointer_mut(place).filter(|document| document.is_object()) else { return };
            let Some(statements) = document["Statement"].as_array_mut() else { return };
            if let Some(at) = statements.iter().position(|statement| statement["Effect"] == "Allow") {
                statements.remove(at);
            }
        });
        let (before, after) = both([&case, &after]);
        prop_assert!(openness(&after) <= openness(&before), "{:?} became {:?}", before, after);
    }

    #[test]
    fn a_limit_less_never_allows_less(
        case in case(Kind::Plain),
        name in prop::sample::select(&["boundary", "session", "scps", "rcps"][..]),
    ) {
        let after = changed(&case, |case| case["policies"][name] = Value::Null);
        let (before, after) = both([&case, &after]);
        prop_assert!(openness(&after) >= openness(&before), "{:?} became {:?}", before, after);
    }

    #[test]
    fn order_and_letters_do_not_matter(case in case(Kind::Wild)) {
        let after = changed(&case, |case| {
            case["policies"]["identity"].as_array_mut().unwrap().reverse();
            for name in ["identity", "boundary", "session", "resource", "scps", "rcps"] {
                if let Some(document) = document(case, name) {
                    document["Statement"].as_array_mut().unwrap().reverse();
                }
            }
            let action = case["request"]["action"].as_str().unwrap().to_uppercase();
            case["request"]["action"] = json!(action);
            let context = case["request"]["context"].as_object().unwrap().clone();
            let upper = context.into_iter().map(|(key, value)| (key.to_uppercase(), value));
            case["request"]["context"] = Value::Object(upper.collect());
        });
        let (before, after) = both([&case, &after]);
        prop_assert_eq!(before.verdict, after.verdict);
    }

    #[test]
    fn a_list_is_as_good_as_its_items(case in case(Kind::Plain)) {
        // A statement of several actions is as many statements of one, if it does not except them.
        let after = changed(&case, |case| {
            let Some(document) = document(case, "identity") else { return };
            let statements = document["Statement"].as_array().unwrap().clone();
            let split = statements.iter().flat_map(|statement| match statement["Action"].as_array() {
                Some(actions) => actions
                    .iter()
                    .map(|action| changed(statement, |statement| statement["Action"] = action.clone()))
                    .collect(),
                None => vec![statement.clone()],
            });
            document["Statement"] = split.collect();
        });
        let (before, after) = both([&case, &after]);
        prop_assert_eq!(before.verdict, after.verdict);
    }

    #[test]
    fn without_any_allow_nothing_is_allowed(case in case(Kind::Wild)) {
        let after = changed(&case, |case| {
            case["policies"]["identity"] = json!([]);
            case["policies"]["resource"] = Value::Null;
        });
        prop_assert!(openness(&answer(&after)) < 2);
    }
}
