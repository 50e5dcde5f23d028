//! Cases, and what `ask iam` answers to them.

use std::io::Cursor;

use serde_json::{Map, Value, json};
use tenantproof::cli::ask;

/// The account of all principals, unless a test says another.
pub(crate) const OWN: &str = "111122223333";
/// Another account.
pub(crate) const OTHER: &str = "444455556666";

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) verdict: String,
    pub(crate) because: String,
    /// The rule by which it is unknown.
    pub(crate) rule: Option<String>,
}

/// The answers to cases, which must all be well formed.
pub(crate) fn answers<'a>(cases: impl IntoIterator<Item = &'a Value>) -> Vec<Answer> {
    let questions: String = cases.into_iter().map(|case| format!("{case}\n")).collect();
    let mut out = Vec::new();
    ask::iam(Cursor::new(&questions), &mut out).unwrap();
    let read = |(line, question): (&str, &str)| {
        let answer: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        let verdict = text("verdict").unwrap();
        let because = text("because").unwrap_or_else(|| panic!("{line}\n{question}"));
        Answer { verdict, because, rule: text("undecidedBy") }
    };
    let text = String::from_utf8(out).unwrap();
    text.lines().zip(questions.lines()).map(read).collect()
}

pub(crate) fn answer(case: &Value) -> Answer {
    answers([case]).remove(0)
}

/// A policy document of version 2012-10-17.
pub(crate) fn document(statements: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// One document with its name, as levels and identities have them.
pub(crate) fn named(statements: Value) -> Value {
    json!([{"name": "p", "document": document(statements)}])
}

pub(crate) fn session() -> Value {
    json!({
        "type": "AssumedRole", "account": OWN,
        "arn": "arn:aws:sts::111122223333:assumed-role/app/s1", "role": "arn:aws:iam::111122223333:role/app",
    })
}

pub(crate) fn user() -> Value {
    json!({"type": "User", "account": OWN, "arn": "arn:aws:iam::111122223333:user/ann"})
}

pub(crate) fn service(name: &str) -> Value {
    json!({"type": "Service", "service": name})
}

/// A case that is changed field by field.
#[derive(Clone, Debug)]
pub(crate) struct Case(Value);

impl Case {
    /// A session of the role `app` that asks for an object, under no policy at all.
    pub(crate) fn new() -> Self {
        Self(json!({
            "id": 1,
            "request": {
                "principal": session(), "action": "s3:GetObject", "resource": "arn:aws:s3:::shop/app/x",
                "resourceAccount": OWN, "context": {},
            },
            "policies": {},
        }))
    }

    pub(crate) fn by(self, principal: Value) -> Self {
        self.with("/request/principal", principal)
    }

    pub(crate) fn action(self, action: &str) -> Self {
        self.with("/request/action", json!(action))
    }

    /// The resource, in an account.
    pub(crate) fn of(self, resource: &str, account: &str) -> Self {
        self.with("/request/resource", json!(resource)).with("/request/resourceAccount", json!(account))
    }

    pub(crate) fn context(self, context: Value) -> Self {
        self.with("/request/context", context)
    }

    /// Statements of one identity policy.
    pub(crate) fn identity(self, statements: Value) -> Self {
        self.policy("identity", named(statements))
    }

    /// Statements of a boundary, a session policy or the resource's own.
    pub(crate) fn one(self, name: &str, statements: Value) -> Self {
        self.policy(name, document(statements))
    }

    pub(crate) fn policy(mut self, name: &str, value: Value) -> Self {
        self.0["policies"].as_object_mut().unwrap().insert(name.to_owned(), value);
        self
    }

    fn with(mut self, pointer: &str, value: Value) -> Self {
        *self.0.pointer_mut(pointer).unwrap() = value;
        self
    }

    pub(crate) fn json(self) -> Value {
        self.0
    }

    pub(crate) fn answer(&self) -> Answer {
        answer(&self.0)
    }

    pub(crate) fn verdict(&self) -> String {
        self.answer().verdict
    }

    /// The rule by which it is unknown.
    pub(crate) fn rule(&self) -> Option<String> {
        self.answer().rule
    }
}

/// `{"Effect": "Allow", "Action": …, "Resource": …}` with more fields, or others.
pub(crate) fn allow(more: &Value) -> Value {
    statement("Allow", more)
}

pub(crate) fn deny(more: &Value) -> Value {
    statement("Deny", more)
}

fn statement(effect: &str, more: &Value) -> Value {
    let mut statement = Map::new();
    statement.insert("Effect".to_owned(), json!(effect));
    let more = more.as_object().unwrap();
    for (name, but, all) in [("Action", "NotAction", "*"), ("Resource", "NotResource", "*")] {
        if !more.contains_key(but) {
            statement.insert(name.to_owned(), json!(all));
        }
    }
    statement.extend(more.clone());
    Value::Object(statement)
}
