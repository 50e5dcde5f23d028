//! `ask iam`: cases in, answers in their order out.

use std::io::Cursor;

use serde_json::{Value, json};
use tenantproof::cli::ask::{self, IamSummary};

use super::answers::{Case, allow, deny};

fn ask_about(questions: impl AsRef<[u8]>) -> (String, IamSummary) {
    let mut answers = Vec::new();
    let summary = ask::iam(Cursor::new(questions), &mut answers).unwrap();
    (String::from_utf8(answers).unwrap(), summary)
}

#[test]
fn answers_in_order_with_the_id_as_it_came() {
    let case = |id: Value, case: Case| {
        let mut case = case.json();
        case["id"] = id;
        // Other fields are somebody's own.
        case["expected"] = json!("allowed");
        format!("{case}\n")
    };
    let everything = json!([allow(&json!({}))]);
    let questions = [
        case(json!("a"), Case::new().identity(everything.clone())),
        case(json!(7), Case::new().identity(json!([allow(&json!({})), deny(&json!({"Action": "s3:*"}))]))),
        case(json!({"any": ["value"]}), Case::new()),
        case(Value::Null, Case::new().identity(json!([allow(&json!({"Condition": {"Foo": {"a:b": 1}}}))]))),
        case(json!("e"), Case::new().identity(everything.clone()).policy("boundary", json!({"Statement": {}}))),
    ];
    let (answers, summary) = ask_about(questions.concat());
    insta::assert_snapshot!(answers);
    assert_eq!((summary.asked, summary.errors, summary.exit_code()), (5, 0, 0));
    assert_eq!((summary.allowed, summary.denied, summary.unknown), (1, 2, 2));
    assert_eq!(
        summary.accounting,
        [
            "boundary (statement 1: Effect is missing)",
            "boundary (statement 1: Action is missing)",
            "boundary (statement 1: Resource is missing)"
        ]
    );
}

/// A case with one value changed, as a line.
fn changed(pointer: &str, value: Value) -> String {
    let mut case = Case::new().identity(json!([allow(&json!({}))])).json();
    case["policies"].as_object_mut().unwrap().extend([("scps".to_owned(), json!([])), ("rcps".to_owned(), json!([]))]);
    *case.pointer_mut(pointer).unwrap() = value;
    case.to_string()
}

#[test]
fn a_malformed_line_has_an_answer_in_its_place() {
    let good = changed("/id", json!("good"));
    let lines = [
        good.clone(),
        "not json".to_owned(),
        "[]".to_owned(),
        json!({"id": 2, "policies": {}}).to_string(),
        json!({"id": 3, "request": {}, "policies": {}}).to_string(),
        changed("/request/principal/type", json!("Federated")),
        changed("/request/principal/type", json!("User")),
        changed("/request/principal/type", json!("Service")),
        changed("/request/principal/arn", json!("ann")),
        changed("/request/principal/role", json!("arn:aws:iam::111122223333:role/other")),
        changed("/request/principal/account", json!("999999999999")),
        changed("/request/principal/account", json!(111_122_223_333_i64)),
        changed("/request/action", json!("s3:*")),
        changed("/request/action", Value::Null),
        changed("/request/resource", json!("shop/app/x")),
        changed("/request/resourceAccount", json!("12")),
        changed("/request/context", json!([])),
        changed("/request/context", json!({"aws:username": {"a": 1}})),
        changed("/policies", json!([])),
        changed("/policies/identity", json!({})),
        changed("/policies/identity/0", json!({"name": "p"})),
        changed("/policies/scps", json!([{"name": "p", "document": {}}])),
        changed("/policies", json!({"identiy": []})),
        r#"{"id": 1, "request": {}, "request": {}, "policies": {}}"#.to_owned(),
        changed("/request/context", json!({})).replace(r#""context":{}"#, r#""context":{"a:b":1,"a:b":2}"#),
        good.clone(),
    ];
    let (answers, summary) = ask_about(format!("\u{feff}{}\n\n", lines.join("\r\n")));
    let read: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read.len(), lines.len(), "one line for each question, and none for empty lines at the end");
    assert_eq!((&read[0]["verdict"], &read[25]["verdict"]), (&json!("allowed"), &json!("allowed")));
    let errors: Vec<&str> = answers.lines().filter(|line| line.contains("\"error\"")).collect();
    insta::assert_snapshot!(errors.join("\n"));
    assert_eq!((summary.asked, summary.errors, summary.exit_code()), (26, 24, 2));
}

/// Fields that are null are fields that are not there.
#[test]
fn null_is_nothing() {
    let mut case = Case::new().identity(json!([allow(&json!({"Condition": {"Null": {"a:b": "true"}}}))])).json();
    for name in ["boundary", "session", "scps", "rcps", "resource"] {
        case["policies"][name] = Value::Null;
    }
    case["request"]["principal"]["service"] = Value::Null;
    case["request"]["context"] = json!({"a:b": null});
    let (answers, _) = ask_about(case.to_string());
    assert!(answers.contains("\"verdict\":\"allowed\""), "{answers}");
}
