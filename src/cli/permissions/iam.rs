//! What a run asks of AWS, as a policy of IAM.

use serde::Serialize;

use crate::aws::permissions::{ACTIONS, Action};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: &'static str,
    effect: &'static str,
    action: Vec<&'static str>,
    resource: &'static str,
}

/// The policy in JSON: what has one purpose and one resource is one statement.
pub(super) fn policy() -> String {
    let mut statement: Vec<Statement> = Vec::new();
    for Action { action, resource, purpose, .. } in ACTIONS {
        match statement.iter_mut().find(|one| (one.sid, one.resource) == (*purpose, *resource)) {
            Some(one) => one.action.push(action),
            None => statement.push(Statement { sid: purpose, effect: "Allow", action: vec![action], resource }),
        }
    }
    let policy = Policy { version: "2012-10-17", statement };
    serde_json::to_string_pretty(&policy).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::policy;
    use crate::aws::permissions::ACTIONS;

    #[test]
    fn every_action_is_allowed_once_and_nothing_else_is() {
        let policy: Value = serde_json::from_str(&policy()).unwrap();
        let statements = policy["Statement"].as_array().unwrap();
        let of = |key: &str| statements.iter().map(|one| one[key].as_str().unwrap()).collect::<BTreeSet<_>>();
        assert_eq!(of("Sid").len(), statements.len(), "a statement's id is its own");
        assert_eq!(of("Effect"), BTreeSet::from(["Allow"]));
        let actions: Vec<&Value> = statements.iter().flat_map(|one| one["Action"].as_array().unwrap()).collect();
        assert_eq!(actions.len(), ACTIONS.len());
        assert!(ACTIONS.iter().all(|action| actions.iter().any(|one| *one == action.action)));
    }
}
