//! Generated cases for property tests and the oracle: a few policies each, dense in edge cases, as the JSON that
//! `ask iam` reads.

use std::borrow::Cow;

use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::answers::{OTHER, OWN};

/// What a case may hold besides what the documentation decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What it decides.
    Plain,
    /// Operators that nobody knows, values of the wrong kind, elements that the grammar has not, canonical users.
    Wild,
}

const PRINCIPALS: [&str; 4] = ["app", "db", "ann", "pods"];

fn principal(name: &str) -> Value {
    match name {
        "ann" => json!({"type": "User", "arn": "arn:aws:iam::111122223333:user/ann", "account": OWN}),
        "pods" => json!({"type": "Service", "service": "pods.eks.amazonaws.com"}),
        role => json!({
            "type": "AssumedRole", "arn": format!("arn:aws:sts::{OWN}:assumed-role/{role}/s1"),
            "role": format!("arn:aws:iam::{OWN}:role/{role}"), "account": OWN,
        }),
    }
}

/// Actions, each with resources that it is asked of; `{}` is the resource's account.
const ASKED: [(&str, &[&str]); 8] = [
    ("s3:GetObject", &["arn:aws:s3:::shop/app/x", "arn:aws:s3:::pay/app/x", "arn:aws:s3:::shop/db/*"]),
    ("s3:PutObject", &["arn:aws:s3:::shop/app/x", "arn:aws:s3:::shop/app:x"]),
    ("s3:ListBucket", &["arn:aws:s3:::shop", "arn:aws:s3:::pay"]),
    ("sqs:SendMessage", &["arn:aws:sqs:eu-west-1:{}:jobs-1", "arn:aws:sqs:us-east-1:{}:app"]),
    ("kms:Decrypt", &["arn:aws:kms:eu-west-1:{}:key/1234abcd-12ab-34cd-56ef-1234567890ab"]),
    ("sts:AssumeRole", &["arn:aws:iam::{}:role/target"]),
    ("dynamodb:GetItem", &["arn:aws:dynamodb:eu-west-1:{}:table/app", "arn:aws:dynamodb:eu-west-1:{}:table/t"]),
    ("secretsmanager:GetSecretValue", &["arn:aws:secretsmanager:eu-west-1:{}:secret:app-AbCdEf"]),
];

const ACTIONS: [&str; 17] = [
    "*",
    "*",
    "s3:*",
    "s3:Get*",
    "S3:getobject",
    "s3:?etObject",
    "s3:*Object",
    "s3:ListBucket",
    "sqs:*",
    "sqs:SendMessage",
    "kms:*",
    "kms:Decrypt",
    "sts:*",
    "sts:AssumeRole",
    "dynamodb:Get*",
    "secretsmanager:*",
    "ec2:*",
];

const RESOURCES: [&str; 23] = [
    "*",
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::shop/*",
    "arn:aws:s3:::shop",
    "arn:aws:s3:::shop/app/x",
    "arn:aws:s3:::s*p/app/?",
    "arn:aws:s3:::shop/${aws:PrincipalTag/team}/*",
    "arn:aws:s3:::shop/${aws:PrincipalTag/team, 'app'}/*",
    "arn:aws:s3:::shop/db/${*}",
    "arn:*:s3:::pay/*",
    "arn:aws:sqs:*:*:jobs-*",
    "arn:aws:sqs:eu-west-1:111122223333:*",
    "arn:aws:sqs:us-*-1:*:${aws:PrincipalTag/team}",
    "arn:aws:kms:*:*:key/*",
    "arn:aws:iam::*:role/*",
    "arn:aws:iam::111122223333:role/target",
    "arn:aws:dynamodb:*:111122223333:table/*",
    "arn:aws:dynamodb:eu-west-?:*:table/t",
    "arn:aws:s3:::${aws:PrincipalTag/none}/*",
    "arn:aws:sqs:*:*:${aws:PrincipalTag/team, 'app'}",
    "arn:aws:secretsmanager:*:secret:app-??????",
    "arn:aws:secretsmanager:eu-*:*:secret:*",
];

const TEXTS: [&str; 6] = ["app", "APP", "pay", "a*", "a*", "x"];
const TEXT_VALUES: [&str; 11] = [
    "app",
    "APP",
    "pay",
    "a*",
    "?pp",
    "*",
    "${aws:PrincipalTag/team}",
    "${aws:PrincipalTag/none}",
    "${aws:PrincipalTag/none, 'app'}",
    "a${*}",
    "a${*}",
];
const STRING_OPERATORS: [&str; 6] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
];
const NUMBERS: [&str; 5] = ["300", "300.0", "0", "299.5", "1000"];
const NUMERIC_OPERATORS: [&str; 6] = [
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
];
const DATES: [&str; 5] = [
    "2026-01-01T00:00:00Z",
    "2026-01-01T01:00:00+01:00",
    "2025-12-31T23:59:59Z",
    "2026-01-01T00:00:01Z",
    "2026-06-01T00:00:00Z",
];
const DATE_OPERATORS: [&str; 6] =
    ["DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"];
const ADDRESSES: [&str; 4] = ["203.0.113.7", "198.51.100.1", "2001:db8::7", "10.0.0.1"];
const BLOCKS: [&str; 6] =
    ["203.0.113.0/24", "203.0.113.7", "198.51.100.1", "2001:db8::/32", "0.0.0.0/0", "203.0.113.99/25"];
const ARNS: [&str; 7] = [
    "arn:aws:iam::111122223333:role/app",
    "arn:aws:iam::444455556666:role/app",
    "arn:aws:eks:eu-west-1:111122223333:cluster/one",
    "arn:aws:s3:::shop:x",
    // The documentation's own example of what an ARN operator does not match, and a string operator does.
    "arn:aws:sqs:us-east-2:444455556666:store/abc:111122223333:finance/document.txt",
    "arn:aws:sqs:us-east-2:444455556666:store/abc:111122223333:finance/document.txt",
    "arn:aws:sqs:us-east-2:444455556666:store/abc:111122223333:finance/document.txt",
];
const ARN_PATTERNS: [&str; 9] = [
    "arn:aws:iam::111122223333:role/app",
    "arn:aws:iam::*:role/*",
    "arn:aws:eks:*:111122223333:cluster/o?e",
    "arn:aws:s3:::sh*",
    "arn:aws:sqs:*:111122223333:finance/*",
    "arn:aws:sqs:*:111122223333:finance/*",
    "arn:aws:sqs:*:111122223333:finance/*",
    "arn:aws:iam::111122223333:role/${aws:PrincipalTag/team}",
    "arn:*:*:*:*:*",
];
const ARN_OPERATORS: [&str; 4] = ["ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"];

fn texts(pool: impl Into<Cow<'static, [&'static str]>>, most: usize) -> impl Strategy<Value = Value> {
    prop::collection::vec(select(pool), 1..=most).prop_map(|texts| {
        let mut unique: Vec<&str> = Vec::new();
        for text in texts {
            if !unique.contains(&text) {
                unique.push(text);
            }
        }
        if let [one] = unique.as_slice() { json!(one) } else { json!(unique) }
    })
}

/// An operator with `IfExists` or without.
fn operator(pool: &'static [&'static str]) -> impl Strategy<Value = String> {
    (select(pool), prop::bool::weighted(0.25))
        .prop_map(|(name, if_exists)| format!("{name}{}", if if_exists { "IfExists" } else { "" }))
}

/// One operator of one key, with values.
fn condition(kind: Kind) -> BoxedStrategy<(String, String, Value)> {
    let of = |operators: &'static [&'static str], keys: &'static [&'static str], values: &'static [&'static str]| {
        (operator(operators), select(keys), texts(values, 3))
            .prop_map(|(operator, key, values)| (operator, key.to_owned(), values))
    };
    let set = (select(&["ForAllValues", "ForAnyValue"][..]), operator(&STRING_OPERATORS), texts(&TEXT_VALUES, 3))
        .prop_map(|(set, operator, values)| (format!("{set}:{operator}"), "aws:TagKeys".to_owned(), values));
    let null = (select(&["aws:PrincipalTag/team", "aws:TagKeys", "aws:SourceIp"][..]), any::<bool>())
        .prop_map(|(key, missing)| ("Null".to_owned(), key.to_owned(), json!(missing.to_string())));
    let plain = prop_oneof![
        6 => of(&STRING_OPERATORS, &["aws:PrincipalTag/team", "AWS:principaltag/TEAM", "aws:PrincipalTag/none"], &TEXT_VALUES),
        5 => set,
        2 => of(&NUMERIC_OPERATORS, &["aws:MultiFactorAuthAge"], &NUMBERS),
        2 => of(&DATE_OPERATORS, &["aws:TokenIssueTime"], &DATES),
        2 => of(&["Bool"], &["aws:SecureTransport"], &["true", "false"]),
        4 => of(&["IpAddress", "NotIpAddress"], &["aws:SourceIp"], &BLOCKS),
        3 => of(&ARN_OPERATORS, &["aws:PrincipalArn", "aws:SourceArn"], &ARN_PATTERNS),
        3 => null,
    ];
    if kind == Kind::Plain {
        return plain.boxed();
    }
    let wild = prop_oneof![
        of(&["StringStartsWith", "NumericBetween"], &["aws:PrincipalTag/team"], &TEXT_VALUES),
        of(&NUMERIC_OPERATORS, &["aws:MultiFactorAuthAge"], &["ten", "300"]),
        of(&STRING_OPERATORS, &["aws:TagKeys"], &TEXT_VALUES),
        of(&["Bool"], &["aws:SecureTransport"], &["yes", "true"]),
    ];
    prop_oneof![3 => plain, 1 => wild].boxed()
}

fn conditions(kind: Kind) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        2 => Just(None),
        3 => prop::collection::vec(condition(kind), 1..=2).prop_map(|conditions| {
            let mut operators: Map<String, Value> = Map::new();
            for (operator, key, values) in conditions {
                let keys = operators.entry(operator).or_insert_with(|| json!({}));
                // Names of keys in other letters are the same key: one object has it once.
                let there = keys.as_object().unwrap().keys().any(|other| other.eq_ignore_ascii_case(&key));
                if !there {
                    keys[key] = values;
                }
            }
            Some(Value::Object(operators))
        }),
    ]
}

/// What of a policy's statements differs from kind to kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Principal,
    Resource,
    Trust,
    Organization,
    ResourceControl,
}

fn named(kind: Kind) -> BoxedStrategy<Value> {
    let aws = texts(
        &[
            "arn:aws:iam::111122223333:role/app",
            "arn:aws:iam::111122223333:role/db",
            "arn:aws:sts::111122223333:assumed-role/app/s1",
            "arn:aws:sts::111122223333:assumed-role/app/s2",
            "arn:aws:iam::111122223333:user/ann",
            "arn:aws:iam::111122223333:root",
            "111122223333",
            "444455556666",
        ],
        3,
    )
    .prop_map(|names| json!({"AWS": names}));
    let plain = prop_oneof![
        6 => aws,
        2 => Just(json!("*")),
        3 => texts(&["pods.eks.amazonaws.com", "ec2.amazonaws.com"], 2).prop_map(|names| json!({"Service": names})),
        1 => Just(json!({"Federated": "accounts.google.com"})),
    ];
    if kind == Kind::Plain {
        return plain.boxed();
    }
    let wild = Just(json!({"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}));
    prop_oneof![8 => plain, 1 => wild].boxed()
}

fn statement(kind: Kind, of: Of, denies: f64, service: &'static str) -> impl Strategy<Value = Value> {
    let not = if of == Of::ResourceControl { 0.0 } else { 0.12 };
    let actions = match of {
        Of::ResourceControl => {
            texts(&["s3:*", "s3:Get*", "sqs:*", "kms:*", "sts:*", "dynamodb:*", "secretsmanager:*"], 2).boxed()
        }
        Of::Trust => texts(&["sts:AssumeRole", "sts:AssumeRole", "sts:*", "sts:TagSession"], 2).boxed(),
        _ => prop_oneof![1 => Just(json!("*")), 2 => texts(&ACTIONS, 3)].boxed(),
    };
    let near: Vec<&str> = RESOURCES.into_iter().filter(|resource| resource.contains(service)).collect();
    let resources = match of {
        Of::Organization => Just(json!("*")).boxed(),
        _ => prop_oneof![1 => Just(json!("*")), 2 => texts(&RESOURCES, 3), 2 => texts(near, 2)].boxed(),
    };
    let odd = if kind == Kind::Wild { 0.08 } else { 0.0 };
    (
        prop::bool::weighted(if of == Of::ResourceControl { 1.0 } else { denies }),
        (actions, prop::bool::weighted(not)),
        (resources, prop::bool::weighted(0.2)),
        conditions(kind),
        named(kind),
        prop::bool::weighted(odd),
    )
        .prop_map(move |(denies, (actions, not_action), (resources, not_resource), condition, named, odd)| {
            let mut statement = json!({"Effect": if denies { "Deny" } else { "Allow" }});
            statement[if not_action && of != Of::Trust { "NotAction" } else { "Action" }] = actions;
            if of != Of::Trust {
                let not = not_resource && of != Of::Organization;
                statement[if not { "NotResource" } else { "Resource" }] = resources;
            }
            if let Some(condition) = condition {
                statement["Condition"] = condition;
            }
            match of {
                Of::Resource | Of::Trust => statement["Principal"] = named,
                Of::ResourceControl => statement["Principal"] = json!("*"),
                Of::Principal | Of::Organization => {}
            }
            if odd {
                statement["Foo"] = json!("bar");
            }
            statement
        })
}

fn document(kind: Kind, of: Of, denies: f64, service: &'static str) -> impl Strategy<Value = Value> {
    let version = prop_oneof![6 => Just(Some("2012-10-17")), 1 => Just(Some("2008-10-17")), 1 => Just(None)];
    let version = if matches!(of, Of::ResourceControl | Of::Organization) {
        Just(Some("2012-10-17")).boxed()
    } else {
        version.boxed()
    };
    (version, prop::collection::vec(statement(kind, of, denies, service), 1..=3)).prop_map(|(version, statements)| {
        let mut document = json!({"Statement": statements});
        if let Some(version) = version {
            document["Version"] = json!(version);
        }
        document
    })
}

fn full_access() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
}

fn listed(documents: Vec<Value>) -> Value {
    let named = |(number, document)| json!({"name": format!("p{number}"), "document": document});
    (1..).zip(documents).map(named).collect()
}

fn levels(kind: Kind) -> impl Strategy<Value = Value> {
    let level = prop_oneof![
        3 => Just(vec![full_access()]),
        2 => document(kind, Of::Organization, 0.8, "*").prop_map(|more| vec![full_access(), more]),
        1 => document(kind, Of::Organization, 0.3, "*").prop_map(|only| vec![only]),
    ];
    prop_oneof![
        3 => Just(json!([])),
        3 => prop::collection::vec(level.prop_map(listed), 1..=2).prop_map(Value::Array),
    ]
}

fn rcps(kind: Kind, service: &'static str) -> impl Strategy<Value = Value> {
    prop_oneof![
        5 => Just(json!([])),
        2 => document(kind, Of::ResourceControl, 1.0, service).prop_map(|document| json!([listed(vec![document])])),
    ]
}

/// One time in two they allow everything, so that the other policies decide.
fn identity(kind: Kind, service: &'static str) -> impl Strategy<Value = Vec<Value>> {
    (any::<bool>(), prop::collection::vec(document(kind, Of::Principal, 0.15, service), 0..=2)).prop_map(
        |(all, mut documents)| {
            if all {
                documents.push(full_access());
            }
            documents
        },
    )
}

/// Keys with values, of the right types.
fn context() -> impl Strategy<Value = Value> {
    let tag_keys = prop::collection::vec(select(&TEXTS[..]), 0..=3).prop_map(|keys| json!(keys));
    let one = |pool: &'static [&'static str]| select(pool).prop_map(|text| json!(text));
    let keys = (
        weighted(0.7, one(&TEXTS)),
        weighted(0.6, tag_keys),
        weighted(0.5, one(&NUMBERS)),
        weighted(0.6, one(&DATES)),
        weighted(0.7, one(&["true", "false"])),
        weighted(0.7, one(&ADDRESSES)),
        weighted(0.6, one(&ARNS)),
        weighted(0.4, one(&ARNS)),
    );
    keys.prop_map(|(team, tag_keys, age, issued, secure, address, principal, source)| {
        let all = [
            ("aws:PrincipalTag/team", team),
            ("aws:TagKeys", tag_keys),
            ("aws:MultiFactorAuthAge", age),
            ("aws:TokenIssueTime", issued),
            ("aws:SecureTransport", secure),
            ("aws:SourceIp", address),
            ("aws:PrincipalArn", principal),
            ("aws:SourceArn", source),
        ];
        let mut context = Map::new();
        for (key, value) in all {
            if let Some(value) = value {
                context.insert(key.to_owned(), value);
            }
        }
        Value::Object(context)
    })
}

/// A case.
pub(crate) fn case(kind: Kind) -> impl Strategy<Value = Value> {
    let request =
        (select(&PRINCIPALS[..]), select(&ASKED[..]), any::<prop::sample::Index>(), prop::bool::weighted(0.3));
    (request, context()).prop_flat_map(move |((name, (action, resources), which, other), context)| {
        let account = if other { OTHER } else { OWN };
        let resource = which.get(resources).replace("{}", account);
        let trust = action == "sts:AssumeRole";
        let of = if trust { Of::Trust } else { Of::Resource };
        let service = resources[0].split(':').nth(2).unwrap();
        let policies = (
            identity(kind, service),
            weighted(0.3, document(kind, Of::Principal, 0.1, service)),
            // An IAM user has no session that a policy could be passed for.
            weighted(0.25, document(kind, Of::Principal, 0.1, service))
                .prop_map(move |session| session.filter(|_| name != "ann")),
            levels(kind),
            rcps(kind, service),
            weighted(0.7, document(kind, of, 0.2, service)),
        );
        policies.prop_map(move |(identity, boundary, session, scps, rcps, policy)| {
            json!({
                "id": 1,
                "request": {
                    "principal": principal(name), "action": action, "resource": resource,
                    "resourceAccount": account, "context": context,
                },
                "policies": {
                    "identity": listed(identity), "boundary": boundary, "session": session, "scps": scps, "rcps": rcps,
                    "resource": policy,
                },
            })
        })
    })
}
