//! NetworkPolicies that select no pod. Next to a leak they are the likeliest cause.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::classes::{PodClass, represents_a_workload};
use super::fences::isolates_ingress;
use super::seen::IdlePolicy;
use crate::model::Namespace;
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

fn nearest(selector: &LabelSelector, carried: &[&BTreeMap<String, String>]) -> Option<String> {
    let wanted: Vec<String> =
        selector.match_labels.iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
    let there = carried.iter().flat_map(|labels| labels.iter()).map(|(key, value)| format!("{key}={value}"));
    there
        .filter(|label| !wanted.contains(label))
        .filter_map(|label| {
            let likeness = wanted.iter().map(|want| strsim::jaro_winkler(want, &label)).fold(0.0, f64::max);
            (likeness > 0.85).then_some((label, likeness))
        })
        .max_by(|(a, x), (b, y)| x.total_cmp(y).then_with(|| b.cmp(a)))
        .map(|(label, _)| label)
}
