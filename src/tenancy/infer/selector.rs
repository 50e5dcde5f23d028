//! Label selectors as far as a draft understands them: those that name values.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

/// The most label sets that one selector is written out as.
const MOST: usize = 32;

/// A selector as label sets of which a pod must carry one: `matchLabels` and `In` multiplied out.
/// A set without labels selects everything. `None` where the selector says more than that.
pub(super) fn plain(selector: &LabelSelector) -> Option<Vec<BTreeMap<String, String>>> {
    let mut sets = vec![selector.match_labels.clone().unwrap_or_default()];
    for requirement in selector.match_expressions.iter().flatten() {
        let values = requirement.values.as_deref().unwrap_or_default();
        if requirement.operator != "In" || values.is_empty() || sets.len() * values.len() > MOST {
            return None;
        }
        let mut multiplied = Vec::with_capacity(sets.len() * values.len());
        for set in &sets {
            for value in values {
                // A label that is asked for twice must have both values: none if they differ.
                if set.get(&requirement.key).is_none_or(|asked| asked == value) {
                    let mut set = set.clone();
                    set.insert(requirement.key.clone(), value.clone());
                    multiplied.push(set);
                }
            }
        }
        sets = multiplied;
    }
    sets.sort();
    sets.dedup();
    Some(sets)
}

/// The label keys that a selector reads.
pub(super) fn keys(selector: &LabelSelector) -> impl Iterator<Item = &str> {
    let labels = selector.match_labels.iter().flatten().map(|(key, _)| key.as_str());
    labels.chain(selector.match_expressions.iter().flatten().map(|requirement| requirement.key.as_str()))
}

/// A policy's rule, whichever way it opens.
pub(super) struct Rule<'a> {
    /// Whether it opens the way in.
    pub(super) ingress: bool,
    /// Its place among the rules of its kind, counted from 1.
    pub(super) number: usize,
    /// Its peers; empty means everybody.
    pub(super) peers: &'a [k8s_openapi::api::networking::v1::NetworkPolicyPeer],
    /// Its ports; empty means all.
    pub(super) ports: &'a [k8s_openapi::api::networking::v1::NetworkPolicyPort],
}

/// The rules of a policy that have an effect.
pub(super) fn rules(policy: &NetworkPolicy) -> Vec<Rule<'_>> {
    let Some(spec) = &policy.spec else { return Vec::new() };
    // Without types a policy is of type Ingress, and of type Egress if it has such rules.
    let has = |kind: &str| spec.policy_types.as_ref().is_none_or(|types| types.iter().any(|it| it == kind));
    let ingress = spec.ingress.iter().flatten().enumerate().filter(|_| has("Ingress")).map(|(index, rule)| Rule {
        ingress: true,
        number: index + 1,
        peers: rule.from.as_deref().unwrap_or_default(),
        ports: rule.ports.as_deref().unwrap_or_default(),
    });
    let egress = spec.egress.iter().flatten().enumerate().filter(|_| has("Egress")).map(|(index, rule)| Rule {
        ingress: false,
        number: index + 1,
        peers: rule.to.as_deref().unwrap_or_default(),
        ports: rule.ports.as_deref().unwrap_or_default(),
    });
    ingress.chain(egress).collect()
}

/// The namespace of a policy.
pub(super) fn namespace(policy: &NetworkPolicy) -> &str {
    policy.metadata.namespace.as_deref().unwrap_or("default")
}
