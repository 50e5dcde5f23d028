//! Tenancy, roles and bindings in; cases and questions out, each with what the rules say. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::parameters::{Action, Place, RbacParameters, Who};
use super::question::Question;
use super::{NAME, subjects};
use crate::families::{PlanInput, Stance};
use crate::model::{CaseId, Family, Namespace};
use crate::plan::Case;
use crate::semantics::kinds::{CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES};
use crate::semantics::rbac::{Granted, RbacObjects, ReadFrom, Rules, Scope, Standing, Subject};
use crate::semantics::{Answer, Snapshot};
use crate::suite::{Access, Check};
use crate::tenancy::Party;

/// What stands for `*` beside whatever the rules grant: what would hurt most.
const SAMPLE: [(&str, &str); 6] = [
    ("", "pods"),
    ("", "secrets"),
    ("", "configmaps"),
    ("", "services"),
    ("apps", "deployments"),
    (super::GROUP, "rolebindings"),
];
/// Resources that belong to no namespace: a rule about them says nothing of one.
const OF_THE_CLUSTER: [&str; 16] = [
    "nodes",
    "namespaces",
    "persistentvolumes",
    "clusterroles",
    "clusterrolebindings",
    "storageclasses",
    "priorityclasses",
    "ingressclasses",
    "runtimeclasses",
    "certificatesigningrequests",
    "customresourcedefinitions",
    "validatingwebhookconfigurations",
    "mutatingwebhookconfigurations",
    "apiservices",
    "componentstatuses",
    "clustertrustbundles",
];
/// Groups whose resources are questions about oneself, or to the API server.
const OF_NOBODY: [&str; 2] = ["authorization.k8s.io", "authentication.k8s.io"];

/// What a case asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ask {
    /// Where.
    pub(super) place: Place,
    /// The subjects.
    pub(super) subjects: BTreeSet<String>,
    /// The keys of its questions.
    pub(super) asked: Vec<String>,
}

/// What the rules say of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Computed {
    pub(super) question: Question,
    pub(super) stance: Stance,
    pub(super) because: String,
}

/// Everything that a run of this family will ask.
pub(super) struct RbacPlan {
    pub(super) cases: Vec<Case>,
    /// The questions, by key.
    pub(super) questions: BTreeMap<String, Computed>,
    /// The subjects, by name.
    pub(super) subjects: BTreeMap<String, Subject>,
    /// Objects that were read and judged.
    pub(super) judged: usize,
    /// Objects that could not be understood.
    pub(super) not_understood: Vec<String>,
}

/// The objects of RBAC in a snapshot.
pub(super) fn objects(snapshot: &Snapshot) -> RbacObjects {
    let ours = [ROLES, ROLE_BINDINGS, CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS].map(|kind| kind.name());
    RbacObjects {
        roles: snapshot.typed(&ROLES),
        cluster_roles: snapshot.typed(&CLUSTER_ROLES),
        role_bindings: snapshot.typed(&ROLE_BINDINGS),
        cluster_role_bindings: snapshot.typed(&CLUSTER_ROLE_BINDINGS),
        read_from: ReadFrom::Cluster,
        unreadable: snapshot.unreadable.iter().filter(|one| ours.contains(&one.resource)).cloned().collect(),
        ..RbacObjects::default()
    }
}

/// Makes the plan.
pub(super) fn plan(input: &PlanInput<'_>) -> RbacPlan {
    let objects = objects(input.snapshot);
    let rules = Rules::compile(&objects);
    let judged = objects.roles.len()
        + objects.cluster_roles.len()
        + objects.role_bindings.len()
        + objects.cluster_role_bindings.len();
    let not_understood = objects.unreadable.iter().map(|one| format!("{}: {}", one.resource, one.why)).collect();
    let mut plan =
        RbacPlan { cases: Vec::new(), questions: BTreeMap::new(), subjects: BTreeMap::new(), judged, not_understood };
    let mut standings: BTreeMap<String, Standing<'_>> = BTreeMap::new();
    for (check, parameters) in input.suite.checks_with::<RbacParameters>() {
        for from in &input.tenancy.parties {
            let none = Vec::new();
            let own = input.namespaces.get(&from.id).unwrap_or(&none);
            let subjects = match parameters.who {
                Who::Tenant => subjects::of_tenant(&from.subjects, own, &objects),
                Who::Everybody => subjects::everybody(),
            };
            for (to, namespaces) in targets(input, from, &parameters) {
                if !input.asks_for(&from.id, &to.id) {
                    continue;
                }
                let mut ask = Ask { place: parameters.place, subjects: BTreeSet::new(), asked: Vec::new() };
                for (name, subject) in &subjects {
                    let standing = standings.entry(name.clone()).or_insert_with(|| rules.standing(subject.clone()));
                    plan.subjects.entry(name.clone()).or_insert_with(|| subject.clone());
                    ask.subjects.insert(name.clone());
                    for question in questions(name, standing, &parameters, &namespaces) {
                        let key = question.key();
                        plan.questions.entry(key.clone()).or_insert_with(|| compute(standing, question));
                        ask.asked.push(key);
                    }
                }
                plan.cases.push(case(check, &parameters, from, to, &ask));
            }
        }
    }
    plan
}

/// The parties on whom a check tries what a party may do, and the namespaces in question: one that is empty is the
/// whole cluster.
fn targets<'a>(input: &PlanInput<'a>, from: &'a Party, parameters: &RbacParameters) -> Vec<(&'a Party, Vec<String>)> {
    let of = |party: &Party| -> Vec<String> {
        input.namespaces.get(&party.id).into_iter().flatten().map(Namespace::to_string).collect()
    };
    match parameters.place {
        Place::AnotherTenant => {
            input.tenancy.parties.iter().filter(|to| to.id != from.id).map(|to| (to, of(to))).collect()
        }
        Place::OwnNamespaces => vec![(from, of(from))],
        Place::Cluster => vec![(from, vec![String::new()])],
    }
}

fn questions(
    subject: &str,
    standing: &Standing<'_>,
    parameters: &RbacParameters,
    namespaces: &[String],
) -> BTreeSet<Question> {
    let mut questions = BTreeSet::new();
    for action in &parameters.actions {
        for namespace in namespaces {
            let mut resources: BTreeSet<(String, String)> = BTreeSet::new();
            for resource in &action.resources {
                if resource == "*" {
                    resources.extend(SAMPLE.map(|(group, resource)| (group.to_owned(), resource.to_owned())));
                    resources.extend(granted_resources(standing, action, namespace));
                } else {
                    resources.insert((action.api_group.clone(), resource.clone()));
                }
            }
            for (api_group, resource) in resources {
                let (resource, subresource) = resource.split_once('/').unwrap_or((&resource, ""));
                questions.extend(action.verbs.iter().map(|verb| Question {
                    subject: subject.to_owned(),
                    verb: verb.clone(),
                    api_group: api_group.clone(),
                    resource: resource.to_owned(),
                    subresource: subresource.to_owned(),
                    namespace: namespace.clone(),
                }));
            }
        }
    }
    questions
}

/// The resources of a namespace that some rule grants with one of the action's verbs.
fn granted_resources(standing: &Standing<'_>, action: &Action, namespace: &str) -> BTreeSet<(String, String)> {
    let mut resources = BTreeSet::new();
    for Granted { scope, rule, .. } in standing.granted() {
        let holds_there = matches!(scope, Scope::Cluster) || scope.namespace() == Some(namespace);
        let Some(rule) = rule.filter(|_| holds_there) else { continue };
        if !rule.verbs().any(|verb| verb == "*" || action.verbs.iter().any(|wanted| wanted == verb)) {
            continue;
        }
        for group in rule.api_groups().filter(|group| !OF_NOBODY.contains(group)) {
            for resource in rule.resources() {
                let whole = resource.split('/').next().unwrap_or_default();
                if !OF_THE_CLUSTER.contains(&whole) {
                    resources.insert((group.to_owned(), resource.to_owned()));
                }
            }
        }
    }
    resources
}

fn compute(standing: &Standing<'_>, question: Question) -> Computed {
    let decision = standing.decide(&question.request());
    let stance = match decision.answer {
        Answer::Allowed => Stance::Allowed,
        Answer::Denied => Stance::Denied,
        Answer::Unknown => Stance::Unknown,
    };
    Computed { question, stance, because: decision.because() }
}

fn case(check: &Check, parameters: &RbacParameters, from: &Party, to: &Party, ask: &Ask) -> Case {
    let who = match parameters.who {
        Who::Tenant => format!("no subject of {}", from.id),
        Who::Everybody => "nobody, by being anybody,".to_owned(),
    };
    let place = match parameters.place {
        Place::AnotherTenant => format!("in {}", to.id),
        Place::OwnNamespaces => format!("in {}", from.id),
        Place::Cluster => "on the cluster".to_owned(),
    };
    let id = match parameters.place {
        Place::AnotherTenant => format!("{}:{}>{}", check.id, from.id, to.id),
        Place::OwnNamespaces | Place::Cluster => format!("{}:{}", check.id, from.id),
    };
    Case {
        id: CaseId::new(id),
        check: check.id.clone(),
        family: Family::new(NAME),
        title: format!("{who} may {} {place}", in_words(&parameters.actions)),
        from: from.id.clone(),
        to: to.id.clone(),
        expect: Access::Denied,
        ask: serde_json::to_value(ask).unwrap_or_default(),
    }
}

/// The first action in words, and that there are more.
fn in_words(actions: &[Action]) -> String {
    let Some(first) = actions.first() else { return "do anything".to_owned() };
    let resources: Vec<&str> =
        first.resources.iter().map(|one| if one == "*" { "anything" } else { one.as_str() }).collect();
    let more = if actions.len() > 1 || resources.len() > 3 { " and more" } else { "" };
    format!("{} {}{more}", first.verbs.join(", "), resources.iter().take(3).copied().collect::<Vec<_>>().join(", "))
}
