//! Aggregated ClusterRoles: what their controller would write into them, once nothing changes any more
//! (`syncClusterRole`, `pkg/controller/clusterroleaggregation`).
//!
//! The controller replaces a role's rules by those of all ClusterRoles that its selectors select, itself left out:
//! selector by selector, by name, each rule once. Roles that it selects may be aggregated themselves, and it runs again
//! after every change. So the end is the least set of rules that satisfies all: it is computed from the roles that are
//! not aggregated on. The own rules of an aggregated role are overwritten; where roles aggregate one another in a
//! cycle they may survive, depending on who is updated first, and so are in doubt.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use k8s_openapi::api::rbac::v1::ClusterRole;

use super::decision::{Doubt, Origin};
use super::objects::ObjectName;
use super::rule::Rule;
use crate::semantics::network::selects;

/// A rule of a role as it is in the end.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) rule: Arc<Rule>,
    pub(super) origin: Option<Origin>,
    /// Why it may not be there.
    pub(super) doubt: Option<Arc<Doubt>>,
}

/// A ClusterRole that takes part.
pub(super) struct Part<'a> {
    pub(super) name: Arc<ObjectName>,
    pub(super) object: &'a ClusterRole,
    /// The rules that it declares.
    pub(super) own: Vec<Entry>,
    /// Why the whole role may not be there.
    pub(super) doubt: Option<Arc<Doubt>>,
}

/// The rules of all parts, in their order. Parts are ordered by name.
pub(super) fn aggregate(parts: &[Part<'_>]) -> Vec<Vec<Entry>> {
    let empty = &BTreeMap::new();
    let selected: Vec<Option<Vec<usize>>> = parts
        .iter()
        .enumerate()
        .map(|(index, part)| {
            let selectors =
                part.object.aggregation_rule.as_ref()?.cluster_role_selectors.as_deref().unwrap_or_default();
            let matching = |selector| {
                parts.iter().enumerate().filter_map(move |(other, candidate): (usize, &Part<'_>)| {
                    let labels = candidate.object.metadata.labels.as_ref().unwrap_or(empty);
                    // A role of its own name, declared twice, is the same role.
                    let itself = other == index || candidate.name == part.name;
                    (!itself && selects(selector, labels)).then_some(other)
                })
            };
            let mut seen = HashSet::new();
            Some(selectors.iter().flat_map(matching).filter(|other| seen.insert(*other)).collect())
        })
        .collect();
    let mut rules: Vec<Vec<Entry>> = parts
        .iter()
        .enumerate()
        .map(|(index, part)| match selected.get(index) {
            Some(Some(_)) if in_cycle(index, &selected) => {
                let doubt = Arc::new(Doubt::AggregationCycle(Arc::clone(&part.name)));
                let doubtful = |entry: &Entry| Entry { doubt: Some(Arc::clone(&doubt)), ..entry.clone() };
                part.own.iter().map(doubtful).collect()
            }
            Some(Some(_)) => Vec::new(),
            _ => part.own.clone(),
        })
        .collect();
    while step(parts, &selected, &mut rules) {}
    rules
}

/// Whether a role is selected by way of those that it selects.
fn in_cycle(index: usize, selected: &[Option<Vec<usize>>]) -> bool {
    let below = |index: usize| selected.get(index).and_then(Option::as_ref).into_iter().flatten().copied();
    let mut seen = HashSet::new();
    let mut open: Vec<usize> = below(index).collect();
    while let Some(next) = open.pop() {
        if next == index {
            return true;
        }
        if seen.insert(next) {
            open.extend(below(next));
        }
    }
    false
}

/// One round of the controller; whether anything was added.
fn step(parts: &[Part<'_>], selected: &[Option<Vec<usize>>], rules: &mut [Vec<Entry>]) -> bool {
    let mut added = false;
    for (index, below) in selected.iter().enumerate() {
        let Some(below) = below else { continue };
        let Some(own) = rules.get(index) else { continue };
        let mut own = own.clone();
        let before = own.len();
        let mut seen: HashSet<(Arc<Rule>, bool)> =
            own.iter().map(|entry| (Arc::clone(&entry.rule), entry.doubt.is_some())).collect();
        for (other, part) in below.iter().filter_map(|other| Some((*other, parts.get(*other)?))) {
            for (number, entry) in (1..).zip(rules.get(other).into_iter().flatten()) {
                let doubt = entry.doubt.as_ref().or(part.doubt.as_ref());
                if seen.insert((Arc::clone(&entry.rule), doubt.is_some())) {
                    let origin =
                        entry.origin.clone().unwrap_or_else(|| Origin { role: Arc::clone(&part.name), rule: number });
                    own.push(Entry { rule: Arc::clone(&entry.rule), origin: Some(origin), doubt: doubt.cloned() });
                }
            }
        }
        added |= own.len() > before;
        if let Some(place) = rules.get_mut(index) {
            *place = own;
        }
    }
    added
}
