//! How fast the evaluator of IAM is.
//!
//! `cargo bench --bench iam` makes 50 tenants, each with a role that has three identity policies (five statements each,
//! with variables, wildcards and conditions on session tags), a boundary, a bucket with its own policy; beside three
//! levels of service control policies and a resource control policy. It takes the times of:
//! 1. compiling all documents,
//! 2. 10,000 (principal, action, resource) triples: every role, four actions, on an object of every bucket,
//! 3. `ask iam` from end to end: the same 10,000 as lines of JSON, each with all its policies.
//!
//! It fails if 2 takes 200 ms or more.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a bench prints, and stops where it cannot go on")]

use std::io::BufReader;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tenantproof::cli::ask;
use tenantproof::semantics::iam::{
    AccountId, Action, Context, Document, Policies, PolicyKind, Principal, Request, Resource, Verdict,
};

const TENANTS: usize = 50;
const ACTIONS: [&str; 4] = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectTagging"];
const ACCOUNT: &str = "111122223333";

struct Tenant {
    principal: Principal,
    context: Context,
    identity: Vec<Document>,
    boundary: Document,
    resource: Resource,
    policy: Document,
}

fn main() {
    let ((tenants, scps, rcps), compile) = timed(|| {
        let tenants: Vec<Tenant> = (0..TENANTS).map(tenant).collect();
        let scps: Vec<Vec<Document>> =
            scps().iter().map(|scp| vec![read("scp", scp, PolicyKind::ServiceControl)]).collect();
        (tenants, scps, vec![vec![read("rcp", &rcp(), PolicyKind::ResourceControl)]])
    });
    let actions: Vec<Action> = ACTIONS.iter().map(|action| Action::parse(action).expect("an action")).collect();
    let decide = || {
        let mut counts = [0; 4];
        for from in &tenants {
            for to in &tenants {
                let policies = Policies {
                    identity: &from.identity,
                    boundary: Some(&from.boundary),
                    session: None,
                    scps: &scps,
                    rcps: &rcps,
                    resource: Some(&to.policy),
                };
                for action in &actions {
                    let (principal, context) = (&from.principal, &from.context);
                    let verdict =
                        policies.decide(&Request { principal, action, resource: &to.resource, context }).verdict;
                    counts[verdict as usize] += 1;
                }
            }
        }
        counts
    };
    decide();
    let (counts, all) = timed(decide);
    let triples: usize = counts.iter().sum();
    println!("{TENANTS} roles × {} actions × {TENANTS} buckets", ACTIONS.len());
    println!("  compile {compile:.1?}, all {triples} triples {all:.1?}");
    println!(
        "  {} allowed, {} denied by a statement, {} not allowed, {} unknown",
        counts[Verdict::Allowed as usize],
        counts[Verdict::ExplicitDeny as usize],
        counts[Verdict::ImplicitDeny as usize],
        counts[Verdict::Unknown as usize]
    );
    let questions = questions();
    let mut answers = Vec::with_capacity(triples * 256);
    let (summary, asked) = timed(|| ask::iam(BufReader::new(questions.as_bytes()), &mut answers));
    let summary = summary.expect("answers");
    assert_eq!((summary.asked, summary.errors, summary.allowed), (triples, 0, counts[Verdict::Allowed as usize]));
    println!("  ask iam: {triples} lines, {} MB, from end to end {asked:.2?}", questions.len() / 1_000_000);
    assert_eq!(triples, 10_000);
    assert!(all < Duration::from_millis(200), "{triples} triples took {all:?}");
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

fn read(name: &str, document: &Value, kind: PolicyKind) -> Document {
    let document = Document::parse(name, &document.to_string(), kind);
    assert!(document.faults().is_empty(), "{:?}", document.faults());
    document
}

fn session(number: usize) -> String {
    format!("arn:aws:sts::{ACCOUNT}:assumed-role/tenant-{number}/eks-one-app-1")
}

fn role(number: usize) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/tenant-{number}")
}

fn object(number: usize) -> String {
    format!("arn:aws:s3:::bucket-{number}/tenant-{number}/data.json")
}

fn tags(number: usize) -> [(&'static str, String); 4] {
    [
        ("aws:PrincipalTag/kubernetes-namespace", format!("tenant-{number}")),
        ("aws:PrincipalTag/eks-cluster-name", "one".to_owned()),
        ("aws:PrincipalArn", role(number)),
        ("aws:SecureTransport", "true".to_owned()),
    ]
}

fn tenant(number: usize) -> Tenant {
    let account = AccountId::parse(ACCOUNT);
    Tenant {
        principal: Principal::session(&session(number), Some(&role(number))).expect("a session"),
        context: tags(number).into_iter().collect(),
        identity: identity(number).iter().map(|policy| read("identity", policy, PolicyKind::Identity)).collect(),
        boundary: read("boundary", &boundary(), PolicyKind::Boundary),
        resource: Resource::parse(&object(number), account).expect("a resource"),
        policy: read("bucket", &bucket(number), PolicyKind::Resource),
    }
}

fn identity(number: usize) -> [Value; 3] {
    let statement = |n: usize| {
        let other = (number + n) % TENANTS;
        match n % 5 {
            0 => json!({"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": "arn:aws:s3:::bucket-*/${aws:PrincipalTag/kubernetes-namespace}/*",
                "Condition": {"StringEquals": {"aws:PrincipalTag/eks-cluster-name": ["one", "two"]}}}),
            1 => {
                json!({"Effect": "Allow", "Action": ["sqs:*", "sns:Publish"], "Resource": format!("arn:aws:sqs:*:*:tenant-{other}-*")})
            }
            2 => json!({"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*",
                "Condition": {"StringNotLike": {"aws:PrincipalTag/kubernetes-namespace": ["admin-*", "ops"]}}}),
            3 => {
                json!({"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": format!("arn:aws:kms:*:*:key/{other}")})
            }
            _ => {
                json!({"Effect": "Allow", "NotAction": ["s3:*", "iam:*", "kms:*"], "NotResource": format!("arn:aws:s3:::bucket-{other}/*")})
            }
        }
    };
    [0, 5, 10].map(
        |first| json!({"Version": "2012-10-17", "Statement": (first..first + 5).map(statement).collect::<Vec<_>>()}),
    )
}

fn boundary() -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["s3:*", "sqs:*", "kms:*"], "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::*-logs/*"},
    ]})
}

fn bucket(number: usize) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": format!("arn:aws:s3:::bucket-{number}/*"),
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Effect": "Allow", "Principal": {"AWS": [role((number + 7) % TENANTS), role((number + 8) % TENANTS)]},
            "Action": "s3:GetObject*", "Resource": format!("arn:aws:s3:::bucket-{number}/*")},
    ]})
}

fn scps() -> [Value; 3] {
    let full = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    [
        json!({"Version": "2012-10-17", "Statement": [full]}),
        json!({"Version": "2012-10-17", "Statement": [full, {"Effect": "Deny", "NotAction": ["s3:*", "sqs:*", "kms:*"], "Resource": "*"}]}),
        json!({"Version": "2012-10-17", "Statement": [full, {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*",
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/tenant-*"}}}]}),
    ]
}

fn rcp() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": ["s3:*", "kms:*"], "Resource": "*",
        "Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}}}]})
}

/// All triples as lines, in the same order.
fn questions() -> String {
    let named = |documents: &[Value]| -> Value {
        documents.iter().map(|document| json!({"name": "p", "document": document})).collect()
    };
    let scps: Value = scps().iter().map(|scp| named(std::slice::from_ref(scp))).collect();
    let mut lines = String::new();
    for from in 0..TENANTS {
        let identity = named(&identity(from));
        let context: Value = tags(from).into_iter().map(|(key, value)| (key.to_owned(), json!(value))).collect();
        for to in 0..TENANTS {
            let policies = json!({
                "identity": identity, "boundary": boundary(), "session": null, "scps": scps, "rcps": [named(&[rcp()])],
                "resource": bucket(to),
            });
            for action in ACTIONS {
                let line = json!({
                    "id": format!("{from}-{to}-{action}"),
                    "request": {
                        "principal": {"type": "AssumedRole", "arn": session(from), "role": role(from), "account": ACCOUNT},
                        "action": action, "resource": object(to), "resourceAccount": ACCOUNT, "context": context,
                    },
                    "policies": policies,
                });
                lines.push_str(&line.to_string());
                lines.push('\n');
            }
        }
    }
    lines
}
