//! The cases about what the EKS API says, and what RBAC grants to those of no tenant. Pure.

use std::collections::BTreeMap;

use super::ask::Ask;
use super::principals::sessions;
use super::seen::ByRoles;
use crate::families::rbac::parameters::{By, Place, RbacParameters, Who};
use crate::families::rbac::plan::{in_words, made, place, targets};
use crate::families::rbac::questions::questions;
use crate::families::{PlanInput, Stance};
use crate::model::{Principal, TenantId};
use crate::plan::Case;
use crate::semantics::Answer;
use crate::semantics::rbac::eks::{Access, ConfigMap, KnownAs, Mapping, Template};
use crate::semantics::rbac::{RbacObjects, Rules};
use crate::suite::Check;
use crate::tenancy::{Party, Subjects};

/// What the plan knows of the EKS API's text.
#[derive(Clone, Debug)]
pub(in crate::families::rbac) struct EksPlan {
    pub(in crate::families::rbac) access: Access,
    pub(in crate::families::rbac) parties: BTreeMap<TenantId, Subjects>,
    pub(in crate::families::rbac) operators: Option<Vec<Principal>>,
    pub(in crate::families::rbac) by_roles: BTreeMap<String, Vec<ByRoles>>,
}

/// The cases, each with the place of its check in the suite.
pub(in crate::families::rbac) fn plan(
    input: &PlanInput<'_>,
    checks: &[&Check],
    parameters: &[RbacParameters],
    objects: &RbacObjects,
    rules: &Rules,
) -> (Vec<(usize, Case)>, Option<EksPlan>) {
    let mut cases = Vec::new();
    let mut by_roles = BTreeMap::new();
    let strangers = input.snapshot.eks.as_ref().map(|access| strangers(input, access)).unwrap_or_default();
    for (number, (check, of_check)) in
        checks.iter().zip(parameters).enumerate().filter(|(_, (_, one))| one.by.is_of_eks())
    {
        for from in input.tenancy.parties.iter().filter(|party| concerns(of_check, party)) {
            for (to, namespaces) in targets(input, from, of_check.place) {
                if !input.asks_for(&from.id, &to.id) {
                    continue;
                }
                let case = case(check, of_check, (from, to), &namespaces);
                if of_check.who == Who::Strangers && !strangers.is_empty() {
                    let granted = strangers.iter().filter_map(|(principal, known_as)| {
                        by_role(rules, objects, of_check, &namespaces, (principal, known_as))
                    });
                    by_roles.insert(case.id.to_string(), granted.collect());
                }
                cases.push((number, case));
            }
        }
    }
    let seen = input.snapshot.eks.clone().map(|access| EksPlan {
        access,
        parties: input.tenancy.parties.iter().map(|party| (party.id.clone(), party.subjects.clone())).collect(),
        operators: input.tenancy.operators.as_ref().map(|operators| operators.principals.clone()),
        by_roles,
    });
    (cases, seen)
}

/// Whether a check says something of a party: of one for which no principal acts nothing is promised.
fn concerns(parameters: &RbacParameters, party: &Party) -> bool {
    parameters.who == Who::Strangers || !party.subjects.principals.is_empty()
}

fn case(check: &Check, parameters: &RbacParameters, (from, to): (&Party, &Party), namespaces: &[String]) -> Case {
    let RbacParameters { who, place: of_check, by, actions } = parameters;
    let (id, deed, there) = (&from.id, in_words(actions), place(*of_check, from, to));
    let title = match (by, who) {
        (By::AccessEntry, _) => format!("no access entry makes a principal of {id} anybody but {id}"),
        (By::ConfigMap, _) => format!("no principal of {id} is let in by the ConfigMap aws-auth"),
        (_, Who::Strangers) => format!("nobody but {id} and the operators may {deed} {there}, by IAM principal"),
        _ => format!("no access policy lets a principal of {id} {deed} {there}"),
    };
    // The whole cluster is no namespace.
    let namespaces =
        namespaces.iter().filter(|name| !name.is_empty() && *of_check != Place::Cluster).cloned().collect();
    let ask = Ask { by: *by, who: *who, place: *of_check, namespaces, actions: actions.clone() };
    made(check, *of_check, (from, to), title, &ask)
}

/// Who is let in and is no tenant's principal: its ARN, and as whom. What AWS's own services and nodes are let in as is
/// theirs.
fn strangers(input: &PlanInput<'_>, access: &Access) -> Vec<(String, KnownAs)> {
    let of_tenants: Vec<&Principal> =
        input.tenancy.parties.iter().flat_map(|party| &party.subjects.principals).collect();
    let mut strangers = Vec::new();
    let mut add = |arn: &str, username: &Template, groups: &[Template]| {
        let principal: Option<Principal> = arn.parse().ok();
        if principal.as_ref().is_some_and(|own| of_tenants.iter().any(|one| one.is(own))) {
            return;
        }
        let filled = |template: &Template| principal.as_ref().map_or_else(|| template.clone(), |own| template.of(own));
        let known_as = KnownAs { username: filled(username), groups: groups.iter().map(filled).collect() };
        strangers.push((arn.to_owned(), known_as));
    };
    let of_others = |arn: &str| !arn.parse::<Principal>().is_ok_and(|principal| principal.is_service_linked());
    for entry in access.entries.iter().filter(|entry| !entry.kind.is_of_nodes() && of_others(&entry.principal)) {
        add(&entry.principal, &entry.username, &entry.groups);
    }
    if let Some(ConfigMap::Read(auth)) = &access.config_map {
        let in_force = |mapping: &&Mapping| !mapping.is_of_nodes() && !access.overrides(mapping);
        for mapping in auth.mappings.iter().filter(in_force) {
            add(&mapping.arn, &mapping.username, &mapping.groups);
        }
    }
    strangers
}

/// What the rules grant to a stranger, or may: the first of either.
fn by_role(
    rules: &Rules,
    objects: &RbacObjects,
    parameters: &RbacParameters,
    namespaces: &[String],
    (principal, known_as): (&String, &KnownAs),
) -> Option<ByRoles> {
    let mut open = None;
    for (name, subject) in sessions(principal, known_as, objects) {
        let standing = rules.standing(subject);
        for question in questions(&name, &standing, parameters, namespaces) {
            let decision = standing.decide(&question.request());
            let told = |stance| ByRoles {
                principal: principal.clone(),
                stance,
                what: question.what(),
                because: decision.because(),
            };
            match decision.answer {
                Answer::Allowed => return Some(told(Stance::Allowed)),
                Answer::Unknown => {
                    open.get_or_insert_with(|| told(Stance::Unknown));
                }
                Answer::Denied => {}
            }
        }
    }
    open
}
