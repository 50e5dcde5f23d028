//! NetworkPolicies that select no pod. Next to a leak they are the likeliest cause.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::classes::{PodClass, represents_a_workload};
use super::fences::isolates_ingress;
use super::seen::IdlePolicy;
use crate::model::{self, Namespace, pair_nearness};
use crate::semantics::Snapshot;
use crate::semantics::network::selects;

/// The policies of a namespace that select none of its pods and no declared role.
pub(super) fn idle_policies(namespace: &Namespace, classes: &[PodClass], snapshot: &Snapshot) -> Vec<IdlePolicy> {
    let none = BTreeMap::new();
    let pods = snapshot.pods.iter().filter(|pod| represents_a_workload(pod, namespace));
    let mut carried: Vec<&BTreeMap<String, String>> =
        pods.map(|pod| pod.metadata.labels.as_ref().unwrap_or(&none)).collect();
    carried.extend(classes.iter().filter(|class| &class.end.namespace == namespace).map(|class| &class.labels));
    let policies = snapshot.network_policies.iter();
    policies
        .filter(|policy| policy.metadata.namespace.as_deref() == Some(namespace.as_str()))
        .filter_map(|policy| {
            let everything = LabelSelector::default();
            let selector = policy.spec.as_ref().and_then(|spec| spec.pod_selector.as_ref()).unwrap_or(&everything);
            let selected = carried.iter().any(|labels| selects(selector, labels));
            (!selected).then(|| IdlePolicy {
                namespace: namespace.clone(),
                name: policy.metadata.name.clone().unwrap_or_default(),
                selector: in_words(selector),
                nearest: nearest(selector, &carried),
                isolates_ingress: policy.spec.as_ref().is_none_or(isolates_ingress),
            })
        })
        .collect()
}

/// A selector in kubectl's notation.
fn in_words(selector: &LabelSelector) -> String {
    let labels = selector.match_labels.iter().flatten().map(|(key, value)| format!("{key}={value}"));
    let expressions = selector.match_expressions.iter().flatten().map(|expression| {
        let values = expression.values.as_deref().unwrap_or_default().join(",");
        match expression.operator.as_str() {
            "In" => format!("{} in ({values})", expression.key),
            "NotIn" => format!("{} notin ({values})", expression.key),
            "DoesNotExist" => format!("!{}", expression.key),
            _ => expression.key.clone(),
        }
    });
    labels.chain(expressions).collect::<Vec<_>>().join(",")
}

fn nearest<'a>(selector: &'a LabelSelector, carried: &[&'a BTreeMap<String, String>]) -> Option<String> {
    let pair = |(key, value): (&'a String, &'a String)| (key.as_str(), value.as_str());
    let wanted: Vec<(&str, &str)> = selector.match_labels.iter().flatten().map(pair).collect();
    // In their own order, which decides between equals.
    let there: BTreeSet<(&str, &str)> = carried.iter().flat_map(|labels| labels.iter()).map(pair).collect();
    let others = there.into_iter().filter(|label| !wanted.contains(label));
    let nearness = |label| wanted.iter().map(|want| pair_nearness(*want, label)).fold(0.0, f64::max);
    model::nearest(others, nearness).map(|(key, value)| format!("{key}={value}"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[rstest]
    #[case::value(&[("role", "webb")], Some("role=web"))]
    #[case::key(&[("rol", "api")], Some("role=api"))]
    #[case::one_of_two_is_carried(&[("role", "web"), ("teir", "gold")], Some("tier=gold"))]
    #[case::the_first_of_equals(&[("role", "wep")], Some("role=web"))]
    #[case::only_the_key_is_shared(&[("role", "database")], None)]
    #[case::what_is_carried_is_no_suggestion(&[("role", "api")], None)]
    #[case::no_labels_wanted(&[], None)]
    fn the_nearest_label_that_pods_carry(#[case] wanted: &[(&str, &str)], #[case] nearest: Option<&str>) {
        let (one, other) = (labels(&[("role", "wex")]), labels(&[("role", "web"), ("tier", "gold")]));
        let third = labels(&[("role", "api")]);
        let selector = LabelSelector { match_labels: Some(labels(wanted)), match_expressions: None };
        let found = super::nearest(&selector, &[&one, &other, &third]);
        assert_eq!(found.as_deref(), nearest);
    }
}
