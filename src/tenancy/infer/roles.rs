//! Which workload roles a party's pods have: what policies tell apart, and otherwise what pods
//! call themselves.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::{Drawn, selector};
use crate::document::NameRule;
use crate::model::RoleName;
use crate::tenancy::types::Role;

/// Labels by which pods call themselves, the most telling first; asked only where no policy reads
/// any label.
const ROLE_LABELS: [&str; 4] = ["role", "app.kubernetes.io/component", "app.kubernetes.io/name", "app"];
/// Labels that controllers give, which change with each rollout and are no role.
const GENERATED_LABELS: [&str; 7] = [
    "pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "controller-uid",
    "batch.kubernetes.io/controller-uid",
];

/// Gives each party its roles.
pub(super) fn find(drawn: &mut [Drawn<'_>], pods: &[Pod], policies: &[NetworkPolicy]) {
    for party in drawn {
        let selectors = selectors(party, policies);
        let mut sets: BTreeSet<BTreeMap<String, String>> =
            selectors.iter().filter_map(|selector| selector::plain(selector)).flatten().collect();
        let keys: BTreeSet<&str> = selectors
            .iter()
            .flat_map(|selector| selector::keys(selector))
            .filter(|key| !GENERATED_LABELS.contains(key))
            .collect();
        let labels: Vec<&BTreeMap<String, String>> = pods
            .iter()
            .filter(|pod| pod.metadata.namespace.as_deref().is_some_and(|namespace| party.has(namespace)))
            .filter_map(|pod| pod.metadata.labels.as_ref())
            .collect();
        let called = || ROLE_LABELS.into_iter().find(|key| labels.iter().any(|labels| labels.contains_key(*key)));
        let keys = if keys.is_empty() { called().into_iter().collect() } else { keys };
        for labels in labels {
            for key in &keys {
                if let Some(value) = labels.get(*key) {
                    sets.insert(BTreeMap::from([((*key).to_owned(), value.clone())]));
                }
            }
        }
        // A selector without labels selects all pods, which is no role.
        sets.remove(&BTreeMap::new());
        party.party.roles = named(sets);
    }
}

/// The pod selectors that can select pods of the party.
fn selectors<'a>(party: &Drawn<'_>, policies: &'a [NetworkPolicy]) -> Vec<&'a LabelSelector> {
    let mut selectors = Vec::new();
    for policy in policies {
        let own = party.has(selector::namespace(policy));
        if own {
            selectors.extend(policy.spec.iter().filter_map(|spec| spec.pod_selector.as_ref()));
        }
        for peer in selector::rules(policy).into_iter().flat_map(|rule| rule.peers) {
            let Some(pods) = &peer.pod_selector else { continue };
            let selects = match &peer.namespace_selector {
                None => own,
                Some(namespaces) => selector::plain(namespaces).is_some_and(|sets| {
                    let named = |set: &BTreeMap<String, String>| {
                        // Labels that are read of every namespace would make every pod's label a role.
                        !set.is_empty() && party.namespaces.iter().any(|known| known.carries(set))
                    };
                    sets.iter().any(named)
                }),
            };
            if selects {
                selectors.push(pods);
            }
        }
    }
    selectors
}

fn named(sets: BTreeSet<BTreeMap<String, String>>) -> Vec<Role> {
    let mut taken = BTreeSet::new();
    let mut roles: Vec<Role> = Vec::new();
    // Those of one label first: they have the better right to the plain name.
    let mut sets: Vec<_> = sets.into_iter().collect();
    sets.sort_by_key(BTreeMap::len);
    for labels in sets {
        let values: Vec<&str> = labels.values().map(String::as_str).collect();
        let with_keys: Vec<String> =
            labels.iter().map(|(key, value)| format!("{}-{value}", key.rsplit('/').next().unwrap_or(key))).collect();
        let numbered = (1..).map(|number| format!("role-{number}"));
        let mut names = [values.join("-"), with_keys.join("-")].into_iter().chain(numbered);
        let free = |name: &String| NameRule::Id.accepts(name) && !taken.contains(name);
        if let Some(name) = names.find(free) {
            taken.insert(name.clone());
            roles.push(Role { name: RoleName::new(name), labels });
        }
    }
    roles.sort_by(|a, b| a.name.cmp(&b.name));
    roles
}
