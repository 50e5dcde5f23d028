//! Documents that are none: nothing stops the parser, and nothing that it does not understand is lost.

use std::io::Cursor;

use proptest::prelude::*;
use proptest::sample::select;
use rstest::rstest;
use serde_json::{Value, json};
use tenantproof::cli::ask;
use tenantproof::semantics::iam::{
    Action, Context, Document, Policies, PolicyKind, Principal, Request, Resource, Verdict,
};

use super::worlds::{Kind, case};

const KINDS: [PolicyKind; 7] = [
    PolicyKind::Identity,
    PolicyKind::Boundary,
    PolicyKind::Session,
    PolicyKind::ServiceControl,
    PolicyKind::ResourceControl,
    PolicyKind::Resource,
    PolicyKind::Trust,
];

fn faults(text: &str, kind: PolicyKind) -> Vec<String> {
    Document::parse("p", text, kind).faults().iter().map(ToString::to_string).collect()
}

/// What a document of its own says to a session that asks for an object.
fn verdict(document: &Document) -> Verdict {
    let principal = Principal::session("arn:aws:sts::111122223333:assumed-role/app/s1", None).unwrap();
    let (action, context) = (Action::parse("s3:GetObject").unwrap(), Context::new());
    let resource = Resource::parse("arn:aws:s3:::shop/x", principal.account()).unwrap();
    let request = Request { principal: &principal, action: &action, resource: &resource, context: &context };
    let identity = std::slice::from_ref(document);
    Policies { identity, ..Policies::default() }.decide(&request).verdict
}

/// What readers of JSON drop without a word.
#[rstest]
#[case(r#"{"Statement": [], "Statement": []}"#, "\"Statement\" is here twice")]
#[case(
    r#"{"Statement": {"Effect": "Deny", "Effect": "Allow", "Action": "*", "Resource": "*"}}"#,
    "statement 1: \"Effect\" is here twice"
)]
#[case(
    r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Sid": "B", "Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"Bool": {"a:b": "true"}, "Bool": {"a:c": "true"}}}]}"#,
    "statement 2 (\"B\"): \"Bool\" is here twice"
)]
#[case(
    r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"a:b": "true", "a:b": "false"}}}}"#,
    "statement 1: \"a:b\" is here twice"
)]
#[case("", "this is no JSON: EOF while parsing a value")]
#[case("{", "this is no JSON")]
#[case(r#"{"Statement": []} x"#, "trailing characters")]
fn keys_that_are_there_twice(#[case] text: &str, #[case] says: &str) {
    let faults = faults(text, PolicyKind::Identity);
    assert!(faults.iter().any(|fault| fault.contains(says)), "{faults:?}");
    assert_eq!(verdict(&Document::parse("p", text, PolicyKind::Identity)), Verdict::Unknown);
}

/// All that is wrong is told, each with its place.
#[test]
fn every_fault_is_told() {
    let text = r#"{"Version": "2013-01-01", "Comment": "x", "Statement": [
        {"Sid": "One", "Effect": "Alow", "Action": ["s3", "s3:Get*"], "Ressource": "*", "Principal": {"AWS": "*"}},
        {"Effect": "Deny", "Action": "*", "Resource": ["bucket", "arn:aws:s3:::b"], "Condition": {"Bool": "true"}}
    ]}"#;
    insta::assert_snapshot!(faults(text, PolicyKind::Identity).join("\n"));
    let trust = r#"{"Statement": {"Effect": "Allow", "Principal": {"Service": "*", "AWS": "ann"}, "Action": "sts:AssumeRole",
        "Resource": "*"}}"#;
    insta::assert_snapshot!(faults(trust, PolicyKind::Trust).join("\n"));
    let rcp = r#"{"Version": "2008-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "NotAction": "s3:*",
        "Resource": "*"}, {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]}"#;
    insta::assert_snapshot!(faults(rcp, PolicyKind::ResourceControl).join("\n"));
}

#[test]
fn deep_nesting_is_refused_and_does_not_stop_anything() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(faults(&deep, PolicyKind::Identity).len(), 1);
    let long = "*a".repeat(3000);
    let text =
        json!({"Statement": {"Effect": "Allow", "Action": format!("s3:{long}"), "Resource": format!("arn:{long}")}});
    let document = Document::parse("p", &text.to_string(), PolicyKind::Identity);
    assert_eq!(verdict(&document), Verdict::ImplicitDeny);
}

/// Any JSON, with the words of the grammar in it.
fn tree() -> impl Strategy<Value = Value> {
    let word = select(
        &[
            "Version",
            "2012-10-17",
            "Id",
            "Statement",
            "Sid",
            "Effect",
            "Allow",
            "Deny",
            "Action",
            "NotAction",
            "s3:*",
            "*",
            "Resource",
            "NotResource",
            "arn:aws:s3:::b",
            "${aws:username",
            "Principal",
            "NotPrincipal",
            "AWS",
            "Service",
            "Condition",
            "StringLike",
            "ForAllValues:Bool",
            "Null",
            "IpAddress",
            "DateLessThan",
            "ä",
            "",
        ][..],
    );
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(word.clone(), inner, 0..6)
                .prop_map(|map| map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

/// A document of the grammar, in which one value is another.
fn mutated() -> impl Strategy<Value = String> {
    (case(Kind::Wild), tree(), any::<prop::sample::Index>()).prop_map(|(case, other, at)| {
        let mut document = case["policies"]["identity"][0]["document"].clone();
        let mut pointers = Vec::new();
        pointers_of(&document, "", &mut pointers);
        if let Some(place) = document.pointer_mut(at.get(&pointers).as_str()) {
            *place = other;
        }
        document.to_string()
    })
}

fn pointers_of(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers_of(item, &format!("{at}/{index}"), all);
            }
        }
        Value::Object(entries) => {
            for (key, item) in entries {
                pointers_of(item, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), all);
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_stops_it(text in "\\PC{0,60}", tree in tree(), mutated in mutated(), kind in select(&KINDS[..])) {
        for text in [text, tree.to_string(), mutated] {
            let document = Document::parse("p", &text, kind);
            let identity = Document::parse("p", &text, PolicyKind::Identity);
            // What is refused allows nothing for sure.
            prop_assert!(identity.faults().is_empty() || verdict(&identity) != Verdict::Allowed);
            let again = Document::parse("q", &text, kind);
            prop_assert_eq!(document.faults(), again.faults());
        }
    }

    #[test]
    fn every_line_has_its_answer(lines in prop::collection::vec("[\\PC&&[^\r\n]]{1,40}|\\{\"request\":[a-z\"{}:]{0,20}", 1..6)) {
        let lines: Vec<String> = lines.into_iter().filter(|line| !line.trim().is_empty()).collect();
        let mut answers = Vec::new();
        let summary = ask::iam(Cursor::new(lines.join("\n")), &mut answers).unwrap();
        let answers: Vec<Value> =
            String::from_utf8(answers).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        prop_assert_eq!((summary.asked, answers.len()), (lines.len(), lines.len()));
        prop_assert!(answers.iter().all(|answer| answer["verdict"] == "unknown" && answer["error"].is_string()));
    }
}
