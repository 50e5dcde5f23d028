//! Whom a bucket's policy opens the bucket to, by itself.

use super::decide::Found;
use super::ready::Ready;
use super::session::of_role;
use super::{Estate, Owner, Part};
use crate::semantics::Answer;
use crate::semantics::iam::arn::AccountId;
use crate::semantics::iam::decision::Verdict;
use crate::semantics::iam::document::{Document, PolicyKind};
use crate::semantics::iam::evaluate::Policies;
use crate::semantics::iam::request::{Action, Principal, Request, RequestError, Resource};

/// What a principal of another account can have by its own account's will: everything.
const EVERYTHING: &str =
    r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;

impl Ready<'_> {
    /// Whether the policy of a bucket grants it to a role, by the role's ARN: with no policy of the role's own where it is of
    /// the bucket's account, with every policy that it could have where it is of another.
    ///
    /// What a policy leaves to its account's own policies is no grant here.
    #[must_use]
    pub fn grants(&self, bucket: &str, role: &str, action: &str, resource: &str) -> Found {
        let unknown = |because: String| Found { answer: Answer::Unknown, explicit: false, because };
        let Some(there) = self.buckets.get(bucket) else {
            return unknown(format!("the bucket {bucket} was not read"));
        };
        if let Some(why) = &there.unread {
            return unknown(why.clone());
        }
        let owner = match there.info.map(|info| &info.owner) {
            Some(Owner::Account(account)) => AccountId::parse(account),
            _ => None,
        };
        let everything = [Document::parse("whatever its account grants", EVERYTHING, PolicyKind::Identity)];
        let of = AccountId::of_arn(role);
        let is_own = of.is_some() && of == owner;
        let asked = (|| {
            let principal = Principal::session(role, None)?;
            Ok::<_, RequestError>((principal, Action::parse(action)?, Resource::parse(resource, owner)?))
        })();
        let (principal, action, resource) = match asked {
            Ok(asked) => asked,
            Err(why) => return unknown(why.to_string()),
        };
        let mut context = of_role(role);
        context.set_absent("aws:SourceArn");
        context.set_absent("aws:SourceAccount");
        let policies = Policies {
            identity: if is_own { &[] } else { &everything },
            resource: there.policy.as_ref(),
            ..Policies::default()
        };
        let request = Request { principal: &principal, action: &action, resource: &resource, context: &context };
        let decision = policies.decide(&request);
        let answer = match decision.verdict {
            Verdict::Allowed => Answer::Allowed,
            Verdict::ExplicitDeny | Verdict::ImplicitDeny => Answer::Denied,
            Verdict::Unknown if super::decide::is_denied_anyway(&decision) => Answer::Denied,
            Verdict::Unknown => Answer::Unknown,
        };
        Found { answer, explicit: decision.verdict == Verdict::ExplicitDeny, because: decision.because() }
    }

    /// A bucket's policy, where it has one; one that was not read may say anything.
    #[must_use]
    pub fn policy_of(&self, bucket: &str) -> Option<&Document> {
        self.buckets.get(bucket)?.policy.as_ref()
    }

    /// What of a role was not read, and why.
    #[must_use]
    pub fn unread_of(&self, role: &str) -> &[String] {
        self.roles.get(role).map(|role| role.unread.as_slice()).unwrap_or_default()
    }
}

impl Estate {
    /// The texts under `AWS` in the principals of a bucket's policy: accounts, and ARNs.
    #[must_use]
    pub fn principals_of(&self, bucket: &str) -> Vec<String> {
        let text = self.buckets.get(bucket).and_then(Part::read).and_then(|info| info.policy.read());
        let policy: serde_json::Value = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let statements = each(&policy["Statement"]);
        let allowing = statements.into_iter().filter(|statement| statement["Effect"] == "Allow");
        let principals = allowing.flat_map(|statement| each(&statement["Principal"]["AWS"]));
        let mut names: Vec<String> = principals.filter_map(|name| name.as_str().map(ToOwned::to_owned)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Keys of objects that policies could mean: of each ARN of S3 in a role's policies and in a bucket's, the part behind
    /// the bucket, with a letter for each wildcard. A grant of a part of a bucket is found by them.
    #[must_use]
    pub fn keys_meant(&self, role: &str, bucket: &str) -> Vec<String> {
        let policies = self.roles.get(role).and_then(Part::read).and_then(|role| role.policies.read());
        let of_role = policies.into_iter().flatten().filter_map(|policy| policy.text.read());
        let of_bucket = self.buckets.get(bucket).and_then(Part::read).and_then(|info| info.policy.read());
        let mut keys = Vec::new();
        for text in of_role.chain(of_bucket) {
            if let Ok(policy) = serde_json::from_str(text) {
                add_keys(&policy, &mut keys);
            }
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

fn each(value: &serde_json::Value) -> Vec<&serde_json::Value> {
    match value {
        serde_json::Value::Array(all) => all.iter().collect(),
        serde_json::Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn add_keys(value: &serde_json::Value, keys: &mut Vec<String>) {
    match value {
        serde_json::Value::Array(all) => all.iter().for_each(|one| add_keys(one, keys)),
        serde_json::Value::Object(all) => all.values().for_each(|one| add_keys(one, keys)),
        serde_json::Value::String(text) if text.starts_with("arn:") => {
            let resource = text.splitn(6, ':').nth(5).unwrap_or_default();
            if let Some((_, key)) = resource.split_once('/').filter(|(_, key)| !key.is_empty()) {
                keys.push(without_variables(key).replace(['*', '?'], "x"));
            }
        }
        _ => {}
    }
}

/// A key without policy variables: what they stand for is the request's own.
fn without_variables(key: &str) -> String {
    let mut text = String::new();
    let mut rest = key;
    while let Some((before, after)) = rest.split_once("${") {
        text.push_str(before);
        text.push('x');
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    text + rest
}
