//! Tenancy, roles and bindings in; cases and questions out, each with what the rules say. Pure.

mod deal;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::NAME;
use super::ask::Ask;
use super::eks::{self, EksPlan};
use super::parameters::{Action, By, Place, RbacParameters, Who};
use super::question::Question;
use super::subjects::{self, Account};
use crate::families::{PlanInput, Stance, Told};
use crate::model::{CaseId, Family, Namespace};
use crate::plan::Case;
use crate::semantics::Snapshot;
use crate::semantics::kinds::{CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES};
use crate::semantics::rbac::{RbacObjects, ReadFrom, Rules, Subject};
use crate::suite::{Access, Check};
use crate::tenancy::Party;

use deal::Deal;

/// What the rules say of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Computed {
    pub(super) question: Question,
    pub(super) stance: Stance,
    pub(super) because: String,
}

/// Everything that a run of this family will ask.
#[derive(Default)]
pub(super) struct RbacPlan {
    pub(super) cases: Vec<Case>,
    /// The questions that are asked by review, by key.
    pub(super) questions: BTreeMap<String, Computed>,
    /// Their subjects, by name.
    pub(super) subjects: BTreeMap<String, Subject>,
    /// The questions that are asked by requests with a token of their subject, by key.
    pub(super) tries: BTreeMap<String, Computed>,
    /// Their subjects, by name.
    pub(super) accounts: BTreeMap<String, Account>,
    /// What the EKS API tells; `None` where it was not asked.
    pub(super) eks: Option<EksPlan>,
    /// Objects that were read and judged.
    pub(super) judged: usize,
    /// Objects that could not be understood.
    pub(super) not_understood: Vec<String>,
    /// What is not tried, and why.
    pub(super) not_tried: Vec<String>,
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

/// A case whose questions are not chosen yet.
struct Draft<'a> {
    check: &'a Check,
    parameters: usize,
    from: &'a Party,
    to: &'a Party,
    namespaces: Vec<String>,
    ask: Ask,
}

/// One subject with all cases that ask about it: it gets its share of the questions as a whole.
struct Line {
    subject: Subject,
    drafts: Vec<usize>,
}

/// Makes the plan.
pub(super) fn plan(input: &PlanInput<'_>) -> RbacPlan {
    let objects = objects(input.snapshot);
    let rules = Rules::compile(&objects);
    let mut plan = RbacPlan {
        judged: objects.roles.len()
            + objects.cluster_roles.len()
            + objects.role_bindings.len()
            + objects.cluster_role_bindings.len(),
        not_understood: objects.unreadable.iter().map(|one| format!("{}: {}", one.resource, one.why)).collect(),
        not_tried: eks::unknown_principals(input),
        ..RbacPlan::default()
    };
    let (checks, parameters): (Vec<&Check>, Vec<RbacParameters>) = input.suite.checks_with().into_iter().unzip();
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    let mut lines: BTreeMap<(By, String), Line> = BTreeMap::new();
    let mut known: BTreeMap<(usize, By, Who), BTreeMap<String, Subject>> = BTreeMap::new();
    for (number, (check, of_check)) in checks.iter().zip(&parameters).enumerate() {
        // What the EKS API's text is judged by has no question to an API server.
        if of_check.by.is_of_eks() {
            continue;
        }
        for (index, from) in input.tenancy.parties.iter().enumerate() {
            let subjects = known
                .entry((index, of_check.by, of_check.who))
                .or_insert_with(|| subjects_of(input, from, of_check, &objects, &mut plan.accounts));
            for (to, namespaces) in targets(input, from, of_check.place) {
                if !input.asks_for(&from.id, &to.id) {
                    continue;
                }
                for (name, subject) in subjects.iter() {
                    let line = lines.entry((of_check.by, name.clone()));
                    line.or_insert_with(|| Line { subject: subject.clone(), drafts: Vec::new() })
                        .drafts
                        .push(drafts.len());
                }
                let ask = Ask {
                    by: of_check.by,
                    place: of_check.place,
                    subjects: subjects.keys().cloned().collect(),
                    ..Ask::default()
                };
                drafts.push(Draft { check, parameters: number, from, to, namespaces, ask });
            }
        }
    }
    for by in [By::Review, By::Token] {
        let lines: Vec<(&String, &Line)> =
            lines.iter().filter(|((own, _), _)| *own == by).map(|((_, name), line)| (name, line)).collect();
        let Told { most_reviews, request_tokens, .. } = input.told;
        let most = most_reviews.unwrap_or(usize::MAX);
        let deal = Deal { rules: &rules, parameters: &parameters, by, most, request_tokens };
        deal.out(&lines, &mut drafts, &mut plan);
    }
    let asked = drafts
        .iter()
        .filter_map(|draft| Some((draft.parameters, case(draft.check, parameters.get(draft.parameters)?, draft))));
    let mut cases: Vec<(usize, Case)> = asked.collect();
    let (of_eks, seen) = eks::plan(input, &checks, &parameters, &objects, &rules);
    cases.extend(of_eks);
    // In the order of the suite.
    cases.sort_by_key(|(number, _)| *number);
    plan.cases = cases.into_iter().map(|(_, case)| case).collect();
    plan.eks = seen;
    plan
}

fn subjects_of(
    input: &PlanInput<'_>,
    party: &Party,
    parameters: &RbacParameters,
    objects: &RbacObjects,
    accounts: &mut BTreeMap<String, Account>,
) -> BTreeMap<String, Subject> {
    let none = Vec::new();
    let own: &Vec<Namespace> = input.namespaces.get(&party.id).unwrap_or(&none);
    match (parameters.by, parameters.who) {
        (By::Review, Who::Tenant) => {
            let mut subjects = subjects::of_tenant(&party.subjects, own, objects);
            subjects.extend(eks::subjects(input.snapshot.eks.as_ref(), &party.subjects.principals, objects));
            subjects
        }
        (By::Review, Who::Everybody) => subjects::everybody(),
        (By::Token, Who::Tenant) => {
            let of_party = subjects::accounts(own, &input.snapshot.pods, objects);
            let subjects = of_party.iter().map(|(name, account)| (name.clone(), account.subject())).collect();
            accounts.extend(of_party);
            subjects
        }
        // Nobody has a token of everybody, or of a stranger.
        _ => BTreeMap::new(),
    }
}

/// The parties on whom a check tries what a party may do, and the namespaces in question: one that is empty is the
/// whole cluster.
pub(super) fn targets<'a>(input: &PlanInput<'a>, from: &'a Party, place: Place) -> Vec<(&'a Party, Vec<String>)> {
    let of = |party: &Party| -> Vec<String> {
        input.namespaces.get(&party.id).into_iter().flatten().map(Namespace::to_string).collect()
    };
    match place {
        Place::AnotherTenant => {
            input.tenancy.parties.iter().filter(|to| to.id != from.id).map(|to| (to, of(to))).collect()
        }
        Place::OwnNamespaces => vec![(from, of(from))],
        Place::Elsewhere => vec![(from, of_nobody(input))],
        Place::Cluster => vec![(from, vec![String::new()])],
    }
}

/// The namespaces of the cluster that belong to no party.
fn of_nobody(input: &PlanInput<'_>) -> Vec<String> {
    let of_parties: BTreeSet<&str> = input.namespaces.values().flatten().map(Namespace::as_str).collect();
    let all = input.snapshot.namespaces.iter().filter_map(|namespace| namespace.metadata.name.clone());
    all.filter(|name| !of_parties.contains(name.as_str())).collect()
}

fn case(check: &Check, parameters: &RbacParameters, draft: &Draft<'_>) -> Case {
    let from = &draft.from.id;
    let who = match (parameters.who, parameters.by) {
        (Who::Everybody, _) => "nobody, by being anybody,".to_owned(),
        (_, By::Token) => format!("no service account of {from}, by its own token,"),
        _ => format!("no subject of {from}"),
    };
    let title =
        format!("{who} may {} {}", in_words(&parameters.actions), place(parameters.place, draft.from, draft.to));
    made(check, parameters.place, (draft.from, draft.to), title, &draft.ask)
}

/// A case of a check, for these two.
pub(super) fn made(
    check: &Check,
    place: Place,
    (from, to): (&Party, &Party),
    title: String,
    ask: &impl Serialize,
) -> Case {
    let id = match place {
        Place::AnotherTenant => format!("{}:{}>{}", check.id, from.id, to.id),
        Place::OwnNamespaces | Place::Elsewhere | Place::Cluster => format!("{}:{}", check.id, from.id),
    };
    Case {
        id: CaseId::new(id),
        check: check.id.clone(),
        family: Family::new(NAME),
        title,
        from: from.id.clone(),
        to: to.id.clone(),
        expect: Access::Denied,
        ask: serde_json::to_value(ask).unwrap_or_default(),
    }
}

/// Where, in words.
pub(super) fn place(place: Place, from: &Party, to: &Party) -> String {
    match place {
        Place::AnotherTenant => format!("in {}", to.id),
        Place::OwnNamespaces => format!("in {}", from.id),
        Place::Elsewhere => "in namespaces of no tenant".to_owned(),
        Place::Cluster => "on the cluster".to_owned(),
    }
}

/// The first action in words, and that there are more.
pub(super) fn in_words(actions: &[Action]) -> String {
    let Some(first) = actions.first() else { return "do anything".to_owned() };
    let resources: Vec<&str> =
        first.resources.iter().map(|one| if one == "*" { "anything" } else { one.as_str() }).collect();
    let more = if actions.len() > 1 || resources.len() > 3 { " and more" } else { "" };
    format!("{} {}{more}", first.verbs.join(", "), resources.iter().take(3).copied().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests;
