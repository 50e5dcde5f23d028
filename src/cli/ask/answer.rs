//! An answer: one line of JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::semantics::manifests::PolicySource;
use crate::semantics::network::{Answer, Decision, Direction, Doubt, PolicyName, Side};

/// Where policies were read.
pub(super) type Sources = BTreeMap<PolicyName, PolicySource>;

/// The end of an answer's line, from `"answer"` on: it is the same for all questions of one key.
pub(super) fn ending(decision: &Decision, sources: &Sources) -> String {
    let (policy, rule) = deciding(decision);
    let fields = [
        ("answer", json!(decision.answer.as_str())),
        ("because", json!(decision.because())),
        ("policy", policy.map_or(Value::Null, |name| json!(name.to_string()))),
        ("rule", json!(rule)),
        ("egress", side(&decision.egress, Direction::Egress, sources)),
        ("ingress", side(&decision.ingress, Direction::Ingress, sources)),
    ];
    let mut line = String::new();
    for (name, value) in fields {
        line.extend([",\"", name, "\":", &value.to_string()]);
    }
    line.push_str("}\n");
    line
}

/// The policy that decided, and its rule: of a denial the first policy that isolates; of a connection that passes,
/// the rule that lets it in, or else the one that lets it out.
fn deciding(decision: &Decision) -> (Option<&PolicyName>, Option<usize>) {
    let sides = match decision.answer {
        Answer::Allowed => [&decision.ingress, &decision.egress],
        _ => [&decision.egress, &decision.ingress],
    };
    let told = sides.into_iter().filter(|side| side.answer() == decision.answer).find_map(|side| match side {
        Side::Allowed { policy, rule } => Some((&**policy, Some(*rule))),
        Side::Denied { by } => by.first().map(|policy| (&**policy, None)),
        Side::Unknown { doubt: Doubt::Address { policy, rule } | Doubt::Labels { policy, rule } } => {
            Some((&**policy, Some(*rule)))
        }
        Side::Unknown { doubt: Doubt::Subject { policy } } => Some((&**policy, None)),
        _ => None,
    });
    told.map_or((None, None), |(policy, rule)| (Some(policy), rule))
}

fn side(side: &Side, direction: Direction, sources: &Sources) -> Value {
    let mut fields = serde_json::Map::new();
    fields.insert("answer".to_owned(), json!(side.answer().as_str()));
    let mut policy = |name: &PolicyName, rule: Option<usize>| {
        fields.insert("policy".to_owned(), json!(name.to_string()));
        fields.insert("rule".to_owned(), json!(rule));
        let source = sources.get(name);
        let index = rule.and_then(|rule| rule.checked_sub(1));
        if let Some(index) = index {
            fields.insert("path".to_owned(), json!(format!("spec.{direction}[{index}]")));
        }
        if let Some(source) = source {
            let lines = match direction {
                Direction::Ingress => &source.ingress,
                Direction::Egress => &source.egress,
            };
            let line = index.and_then(|index| lines.get(index)).unwrap_or(&source.line);
            fields.insert("file".to_owned(), json!(source.file));
            fields.insert("line".to_owned(), json!(line));
        }
    };
    match side {
        Side::NotIsolated => {
            fields.insert("isolated".to_owned(), json!(false));
        }
        Side::HostNetwork | Side::OwnNode => {}
        Side::Allowed { policy: name, rule } => policy(name, Some(*rule)),
        Side::Denied { by } => {
            if let Some(first) = by.first() {
                policy(first, None);
            }
            if by.len() > 1 {
                let names: Vec<String> = by.iter().map(ToString::to_string).collect();
                fields.insert("policies".to_owned(), json!(names));
            }
        }
        Side::Unknown { doubt } => {
            match doubt {
                Doubt::Address { policy: name, rule } | Doubt::Labels { policy: name, rule } => {
                    policy(name, Some(*rule));
                }
                Doubt::Subject { policy: name } => policy(name, None),
                Doubt::Foreign { .. } | Doubt::Families | Doubt::HostNetwork => {}
            }
            fields.insert("undecided_by".to_owned(), json!(doubt.rule_name()));
            if let Doubt::Foreign { name } = doubt {
                fields.insert("touched_by".to_owned(), json!(name));
            }
        }
    }
    Value::Object(fields)
}
