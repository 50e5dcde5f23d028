//! A rule that lets in less than it was meant to: whoever is left out is refused, by whatever way, while others that the
//! same rule names still pass. Pure.

use k8s_openapi::api::networking::v1::{NetworkPolicyPeer, NetworkPolicySpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

/// The spec with one of several peers of a rule left out, or one of several values that a peer's selector takes, for each
/// of them.
pub(super) fn narrowed(spec: &NetworkPolicySpec) -> Vec<(String, NetworkPolicySpec)> {
    super::with_other_peers(spec, fewer_peers)
}

fn fewer_peers(peers: &[NetworkPolicyPeer]) -> Vec<(String, Vec<NetworkPolicyPeer>)> {
    let mut all = Vec::new();
    for (index, peer) in peers.iter().enumerate() {
        // The only peer less would be a rule for everybody.
        if peers.len() > 1 {
            let mut broken = peers.to_vec();
            broken.remove(index);
            all.push((format!("its peer {} left out", index + 1), broken));
        }
        for (what, narrower) in narrower_peers(peer) {
            let mut broken = peers.to_vec();
            if let Some(place) = broken.get_mut(index) {
                *place = narrower;
                all.push((what, broken));
            }
        }
    }
    all
}

fn narrower_peers(peer: &NetworkPolicyPeer) -> Vec<(String, NetworkPolicyPeer)> {
    let of_pods = peer.pod_selector.iter().flat_map(narrower_selectors).map(|(what, selector)| {
        (format!("its podSelector {what}"), NetworkPolicyPeer { pod_selector: Some(selector), ..peer.clone() })
    });
    let of_namespaces = peer.namespace_selector.iter().flat_map(narrower_selectors).map(|(what, selector)| {
        (
            format!("its namespaceSelector {what}"),
            NetworkPolicyPeer { namespace_selector: Some(selector), ..peer.clone() },
        )
    });
    of_pods.chain(of_namespaces).collect()
}

fn narrower_selectors(selector: &LabelSelector) -> Vec<(String, LabelSelector)> {
    let mut all = Vec::new();
    for (index, expression) in selector.match_expressions.iter().flatten().enumerate() {
        let values = expression.values.as_deref().unwrap_or_default();
        if expression.operator != "In" || values.len() < 2 {
            continue;
        }
        for (number, value) in values.iter().enumerate() {
            let mut broken = selector.clone();
            let place = broken.match_expressions.as_mut().and_then(|expressions| expressions.get_mut(index));
            if let Some(values) = place.and_then(|place| place.values.as_mut()) {
                values.remove(number);
                all.push((format!("no longer takes {}={value}", expression.key), broken));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::networking::v1::NetworkPolicySpec;
    use rstest::rstest;

    use super::narrowed;

    #[rstest]
    #[case::everybody("{ingress: [{}]}", &[])]
    #[case::one_peer("{ingress: [{from: [{podSelector: {matchLabels: {role: web}}}]}]}", &[])]
    #[case::one_value("{ingress: [{from: [{podSelector: {matchExpressions: [{key: role, operator: In, values: [a]}]}}]}]}", &[])]
    #[case::not_these("{ingress: [{from: [{podSelector: {matchExpressions: [{key: role, operator: NotIn, values: [a, b]}]}}]}]}", &[])]
    #[case::each_value_by_itself(
        "{ingress: [{from: [{podSelector: {matchExpressions: [{key: role, operator: In, values: [a, b]}]}}]}]}",
        &[
            ("ingress rule 1: its podSelector no longer takes role=a",
             "{ingress: [{from: [{podSelector: {matchExpressions: [{key: role, operator: In, values: [b]}]}}]}]}"),
            ("ingress rule 1: its podSelector no longer takes role=b",
             "{ingress: [{from: [{podSelector: {matchExpressions: [{key: role, operator: In, values: [a]}]}}]}]}"),
        ]
    )]
    #[case::each_peer_by_itself(
        "{egress: [{to: [{podSelector: {}}, {namespaceSelector: {}}]}]}",
        &[
            ("egress rule 1: its peer 1 left out", "{egress: [{to: [{namespaceSelector: {}}]}]}"),
            ("egress rule 1: its peer 2 left out", "{egress: [{to: [{podSelector: {}}]}]}"),
        ]
    )]
    fn what_is_left_out_is_one_thing(#[case] spec: &str, #[case] expected: &[(&str, &str)]) {
        let spec: NetworkPolicySpec = serde_saphyr::from_str(spec).unwrap();
        let expected: Vec<(String, NetworkPolicySpec)> =
            expected.iter().map(|(what, spec)| ((*what).to_owned(), serde_saphyr::from_str(spec).unwrap())).collect();
        assert_eq!(narrowed(&spec), expected);
    }
}
