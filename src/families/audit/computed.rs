//! What the policy's text keeps of the tenants' requests. Pure.

use std::collections::BTreeMap;

use super::deed::About;
use super::plan::Tenant;
use super::seen::{KeptSeen, PolicySeen};
use super::topic::Topic;
use crate::model::{AuditLevel, Namespace};
use crate::semantics::audit::{Decision, Person, Policy, Question, Stage, Target};

/// Who asks, as a policy sees them.
struct Asker {
    in_words: String,
    user: Option<String>,
    groups: Vec<String>,
}

/// What the policy keeps of each tenant's requests, those together that it does not tell apart.
pub(super) fn rows(policy: &Policy, tenants: &[Tenant]) -> Vec<PolicySeen> {
    let other = vec!["system:authenticated".to_owned()];
    let mut rows = Vec::new();
    for tenant in tenants {
        for asker in askers(policy, tenant) {
            for topic in Topic::ALL {
                let mut alike: BTreeMap<(Kept, Kept, Vec<Stage>), Vec<String>> = BTreeMap::new();
                for about in requests(topic, &tenant.namespaces) {
                    let of = |user: Option<&str>, groups: &[String]| decide(policy, user, groups, &about);
                    let decided = of(asker.user.as_deref(), &asker.groups);
                    let others = of(None, &other);
                    let key = (kept(&decided), kept(&others), decided.omits.into_iter().collect());
                    alike.entry(key).or_default().push(about.in_words());
                }
                rows.extend(alike.into_iter().map(|((kept, others, omits), requests)| PolicySeen {
                    tenant: tenant.id.clone(),
                    subject: asker.in_words.clone(),
                    topic,
                    kept: KeptSeen { level: kept.0, rule: kept.1 },
                    of_others: KeptSeen { level: others.0, rule: others.1 },
                    omits,
                    requests,
                }));
            }
        }
    }
    rows
}

/// What the policy keeps of one request of somebody.
pub(super) fn of_deed(policy: &Policy, who: &Person, about: &About) -> KeptSeen {
    let decided = decide(policy, Some(&who.username), &who.groups, about);
    KeptSeen { level: decided.level, rule: decided.rule }
}

type Kept = (AuditLevel, Option<usize>);

const fn kept(decision: &Decision) -> Kept {
    (decision.level, decision.rule)
}

fn decide(policy: &Policy, user: Option<&str>, groups: &[String], about: &About) -> Decision {
    let target = if about.resource.is_empty() {
        Target::Path("/version")
    } else {
        Target::Resource {
            namespace: &about.namespace,
            group: &about.group,
            resource: &about.resource,
            subresource: &about.subresource,
            name: &about.name,
        }
    };
    policy.decide(&Question { user, groups, verb: &about.verb, target })
}

/// The tenant's subjects, and each service account of its own that a rule names.
fn askers(policy: &Policy, tenant: &Tenant) -> Vec<Asker> {
    let member = |mut groups: Vec<String>| {
        groups.push("system:authenticated".to_owned());
        groups
    };
    let mut askers = Vec::new();
    for group in &tenant.subjects.groups {
        let groups = member(vec![group.clone()]);
        askers.push(Asker { in_words: format!("group {group}"), user: None, groups });
    }
    for user in &tenant.subjects.users {
        askers.push(Asker { in_words: format!("user {user}"), user: Some(user.clone()), groups: member(Vec::new()) });
    }
    for namespace in &tenant.namespaces {
        let all = "system:serviceaccounts";
        let groups = member(vec![all.to_owned(), format!("{all}:{namespace}")]);
        let prefix = format!("system:serviceaccount:{namespace}:");
        let named = policy.rules.iter().flat_map(|rule| &rule.users);
        let mut named: Vec<&str> = named.filter_map(|user| user.strip_prefix(&prefix)).collect();
        named.sort_unstable();
        named.dedup();
        for name in named {
            let in_words = format!("service account {namespace}/{name}");
            askers.push(Asker { in_words, user: Some(format!("{prefix}{name}")), groups: groups.clone() });
        }
        askers.push(Asker { in_words: format!("any service account of {namespace}"), user: None, groups });
    }
    askers
}

/// Each request of a topic, in each namespace.
fn requests(topic: Topic, namespaces: &[Namespace]) -> Vec<About> {
    let mut all = Vec::new();
    for namespace in namespaces {
        for kind in topic.kinds() {
            for (resource, subresource) in kind.resources {
                all.extend(kind.verbs.iter().map(|verb| About {
                    group: kind.group.to_owned(),
                    subresource: (*subresource).to_owned(),
                    ..About::of(verb, resource, namespace, "")
                }));
            }
        }
    }
    all
}
