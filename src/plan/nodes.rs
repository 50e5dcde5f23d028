//! On which nodes probes run. Pure.

use k8s_openapi::api::core::v1::Node;

use crate::model::NodeName;

/// The nodes that may get a probe: ready, schedulable, untainted, Linux; in order of their names, so
/// that the same cluster gives the same plan.
#[must_use]
pub fn usable_nodes(nodes: &[Node]) -> Vec<NodeName> {
    let mut usable: Vec<NodeName> = nodes
        .iter()
        .filter(|node| is_usable(node))
        .filter_map(|node| node.metadata.name.as_deref().map(NodeName::from))
        .collect();
    usable.sort();
    usable
}

fn is_usable(node: &Node) -> bool {
    let spec = node.spec.clone().unwrap_or_default();
    let tainted = spec.taints.iter().flatten().any(|taint| taint.effect != "PreferNoSchedule");
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let ready = conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    let system = node.metadata.labels.as_ref().and_then(|labels| labels.get("kubernetes.io/os"));
    ready && !tainted && spec.unschedulable != Some(true) && system.is_none_or(|system| system == "linux")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::usable_nodes;

    #[rstest]
    #[case::ready(json!({}), json!("True"), true)]
    #[case::not_ready(json!({}), json!("False"), false)]
    #[case::gone(json!({}), json!("Unknown"), false)]
    #[case::cordoned(json!({"unschedulable": true}), json!("True"), false)]
    #[case::control_plane(
        json!({"taints": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]}),
        json!("True"),
        false
    )]
    #[case::preference(json!({"taints": [{"key": "spot", "effect": "PreferNoSchedule"}]}), json!("True"), true)]
    fn a_node_is_used_or_not(#[case] spec: Value, #[case] ready: Value, #[case] usable: bool) {
        let node = serde_json::from_value(json!({
            "metadata": {"name": "n", "labels": {"kubernetes.io/os": "linux"}},
            "spec": spec,
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        }))
        .unwrap();
        assert_eq!(!usable_nodes(&[node]).is_empty(), usable);
    }
}
