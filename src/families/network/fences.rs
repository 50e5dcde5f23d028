//! How each fence of this family is taken down, and put back. Pure.
//!
//! The sabotage tests break the fences of a lab with it and expect the run to find each; later
//! `mutate` does the same with the fences that a throwaway cluster really has. What a way of breaking
//! opens depends on the other policies: one that isolates the same pods may still hold. So whether a
//! suite should have noticed is asked of the evaluator, with the policies as they are while broken.

mod narrow;

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

/// A label that nobody carries, for a selector that shall select nothing.
const NOBODY: (&str, &str) = ("tenantproof.dev/nobody", "wears-this");
/// The longest value that a label may have.
const LONGEST_VALUE: usize = 63;

/// One way to break one fence.
#[derive(Clone, Debug, PartialEq)]
pub struct Sabotage {
    /// What is done to the policy.
    pub how: How,
    /// The same in one sentence, with the policy by name.
    pub description: String,
    /// The policy as it is while broken; `None` where it is deleted.
    pub broken: Option<NetworkPolicy>,
    /// The policy as it was, without what the API server sets: to put back.
    pub whole: NetworkPolicy,
}

/// What is done to a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    /// It is deleted.
    Deleted,
    /// Its podSelector no longer selects what it was meant for.
    SelectsNothing,
    /// A namespaceSelector of one of its peers also matches namespaces that it was not meant for.
    PeerWidened,
    /// One of several that a rule of its lets in is left out.
    PeerNarrowed,
    /// It lets one protocol in from everywhere.
    ProtocolUnfenced,
}

/// Every way to break these policies, in their order. A policy with neither namespace nor name is no
/// object of a cluster, and is left out.
#[must_use]
pub fn sabotages(policies: &[NetworkPolicy]) -> Vec<Sabotage> {
    policies.iter().flat_map(of_one).collect()
}

fn of_one(policy: &NetworkPolicy) -> Vec<Sabotage> {
    let whole = without_server_fields(policy);
    let (Some(namespace), Some(name)) = (&whole.metadata.namespace, &whole.metadata.name) else {
        return Vec::new();
    };
    let spec = whole.spec.clone().unwrap_or_default();
    let policy_name = format!("NetworkPolicy {namespace}/{name}");
    let broken = |how: How, what: String, spec: NetworkPolicySpec| Sabotage {
        how,
        description: format!("{policy_name}: {what}"),
        broken: Some(NetworkPolicy { metadata: whole.metadata.clone(), spec: Some(spec) }),
        whole: whole.clone(),
    };
    let mut all = vec![Sabotage {
        how: How::Deleted,
        description: format!("{policy_name}: deleted"),
        broken: None,
        whole: whole.clone(),
    }];
    for (what, selector) in misspelt(&spec.pod_selector.clone().unwrap_or_default()) {
        all.push(broken(How::SelectsNothing, what, NetworkPolicySpec { pod_selector: Some(selector), ..spec.clone() }));
    }
    for (what, spec) in widened(&spec) {
        all.push(broken(How::PeerWidened, what, spec));
    }
    for (what, spec) in narrow::narrowed(&spec) {
        all.push(broken(How::PeerNarrowed, what, spec));
    }
    if isolates_ingress(&spec) {
        all.push(broken(
            How::ProtocolUnfenced,
            "a rule more, which lets UDP in from everywhere".to_owned(),
            unfenced(&spec, "UDP"),
        ));
    }
    all
}

/// The policy as somebody would write it: what the API server set would be refused, or ignored, when
/// it is put back.
fn without_server_fields(policy: &NetworkPolicy) -> NetworkPolicy {
    let ObjectMeta { namespace, name, labels, annotations, finalizers, owner_references, .. } = policy.metadata.clone();
    let metadata =
        ObjectMeta { namespace, name, labels, annotations, finalizers, owner_references, ..ObjectMeta::default() };
    NetworkPolicy { metadata, spec: policy.spec.clone() }
}

/// A podSelector with one word misspelt, for each word of it that selects; where there is none, as in
/// the empty one that selects every pod, one that asks for a label that nobody carries.
fn misspelt(selector: &LabelSelector) -> Vec<(String, LabelSelector)> {
    let mut all = Vec::new();
    for (key, value) in selector.match_labels.iter().flatten() {
        let wrong = misspell(value);
        let mut broken = selector.clone();
        broken.match_labels.get_or_insert_default().insert(key.clone(), wrong.clone());
        all.push((format!("its podSelector misspelt, {key}={wrong} in place of {key}={value}"), broken));
    }
    for (index, expression) in selector.match_expressions.iter().flatten().enumerate() {
        // NotIn and DoesNotExist select more, not less, when a word of theirs is misspelt.
        let (what, wrong) = match expression.operator.as_str() {
            "In" => {
                let values: Vec<String> = expression.values.iter().flatten().map(|value| misspell(value)).collect();
                let what = format!("{} in ({})", expression.key, values.join(","));
                (what, Some((expression.key.clone(), Some(values))))
            }
            "Exists" => {
                let key = misspell_key(&expression.key);
                (key.clone(), Some((key, None)))
            }
            _ => (String::new(), None),
        };
        let mut broken = selector.clone();
        let place = broken.match_expressions.as_mut().and_then(|expressions| expressions.get_mut(index));
        if let (Some((key, values)), Some(place)) = (wrong, place) {
            place.key = key;
            place.values = values;
            all.push((format!("its podSelector misspelt, {what}"), broken));
        }
    }
    if all.is_empty() {
        let (key, value) = NOBODY;
        let mut broken = selector.clone();
        broken.match_labels.get_or_insert_default().insert(key.to_owned(), value.to_owned());
        all.push((format!("its podSelector narrowed to pods with {key}={value}, which nobody carries"), broken));
    }
    all
}

/// A label's value, misspelt and still valid: its last letter doubled, or replaced where there is no
/// room for one more.
fn misspell(value: &str) -> String {
    let mut letters: Vec<char> = value.chars().collect();
    match letters.last().copied() {
        None => letters.push('x'),
        Some(last) if letters.len() < LONGEST_VALUE => letters.push(last),
        Some(last) => {
            letters.pop();
            letters.push(if last == 'x' { 'y' } else { 'x' });
        }
    }
    letters.into_iter().collect()
}

/// A label's key, misspelt in the part after its prefix.
fn misspell_key(key: &str) -> String {
    match key.split_once('/') {
        Some((prefix, name)) => format!("{prefix}/{}", misspell(name)),
        None => misspell(key),
    }
}

/// The spec with one requirement less in the namespaceSelector of one peer, for each of them. The
/// last requirement less is a selector that matches every namespace.
fn widened(spec: &NetworkPolicySpec) -> Vec<(String, NetworkPolicySpec)> {
    with_other_peers(spec, wider_peers)
}

/// Ways in which a rule's peers can be others: what is done, and the peers.
type OtherPeers = fn(&[NetworkPolicyPeer]) -> Vec<(String, Vec<NetworkPolicyPeer>)>;

/// The spec with other peers in one rule of either direction, for each way in which these can be others.
fn with_other_peers(spec: &NetworkPolicySpec, others: OtherPeers) -> Vec<(String, NetworkPolicySpec)> {
    let mut all = Vec::new();
    for (index, rule) in spec.ingress.iter().flatten().enumerate() {
        for (what, peers) in others(rule.from.as_deref().unwrap_or_default()) {
            let mut broken = spec.clone();
            if let Some(rule) = broken.ingress.as_mut().and_then(|rules| rules.get_mut(index)) {
                rule.from = Some(peers);
                all.push((format!("ingress rule {}: {what}", index + 1), broken));
            }
        }
    }
    for (index, rule) in spec.egress.iter().flatten().enumerate() {
        for (what, peers) in others(rule.to.as_deref().unwrap_or_default()) {
            let mut broken = spec.clone();
            if let Some(rule) = broken.egress.as_mut().and_then(|rules| rules.get_mut(index)) {
                rule.to = Some(peers);
                all.push((format!("egress rule {}: {what}", index + 1), broken));
            }
        }
    }
    all
}

fn wider_peers(peers: &[NetworkPolicyPeer]) -> Vec<(String, Vec<NetworkPolicyPeer>)> {
    let mut all = Vec::new();
    for (index, peer) in peers.iter().enumerate() {
        let Some(selector) = &peer.namespace_selector else { continue };
        for (what, wider) in wider_selectors(selector) {
            let mut broken = peers.to_vec();
            if let Some(peer) = broken.get_mut(index) {
                peer.namespace_selector = Some(wider);
                all.push((what, broken));
            }
        }
    }
    all
}

fn wider_selectors(selector: &LabelSelector) -> Vec<(String, LabelSelector)> {
    let mut all = Vec::new();
    for (key, value) in selector.match_labels.iter().flatten() {
        let mut labels: BTreeMap<String, String> = selector.match_labels.clone().unwrap_or_default();
        labels.remove(key);
        let wider = LabelSelector { match_labels: (!labels.is_empty()).then_some(labels), ..selector.clone() };
        all.push((format!("its namespaceSelector no longer asks for {key}={value}"), wider));
    }
    for (index, expression) in selector.match_expressions.iter().flatten().enumerate() {
        let mut expressions = selector.match_expressions.clone().unwrap_or_default();
        expressions.remove(index);
        let wider =
            LabelSelector { match_expressions: (!expressions.is_empty()).then_some(expressions), ..selector.clone() };
        all.push((
            format!("its namespaceSelector no longer asks for {} {}", expression.key, expression.operator),
            wider,
        ));
    }
    all
}

/// Whether a policy isolates the pods that it selects for what they receive. Without policyTypes it
/// always does.
pub(super) fn isolates_ingress(spec: &NetworkPolicySpec) -> bool {
    spec.policy_types.as_ref().is_none_or(|types| types.is_empty() || types.iter().any(|kind| kind == "Ingress"))
}

fn unfenced(spec: &NetworkPolicySpec, protocol: &str) -> NetworkPolicySpec {
    let mut broken = spec.clone();
    broken.ingress.get_or_insert_default().push(NetworkPolicyIngressRule {
        from: None,
        ports: Some(vec![NetworkPolicyPort { protocol: Some(protocol.to_owned()), ..NetworkPolicyPort::default() }]),
    });
    broken
}

#[cfg(test)]
mod tests {
    use super::How::{Deleted, PeerWidened, ProtocolUnfenced, SelectsNothing};
    use super::*;
    use rstest::rstest;

    fn policy(spec: &str) -> NetworkPolicy {
        let text = format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{namespace: b, name: fence}}\nspec: {spec}"
        );
        serde_saphyr::from_str(&text).unwrap()
    }

    fn of(how: How, spec: &str) -> Vec<Sabotage> {
        sabotages(&[policy(spec)]).into_iter().filter(|one| one.how == how).collect()
    }

    fn specs(how: How, spec: &str) -> Vec<NetworkPolicySpec> {
        of(how, spec).into_iter().map(|one| one.broken.unwrap().spec.unwrap()).collect()
    }

    #[rstest]
    #[case::every_pod("{podSelector: {}}", &["{matchLabels: {tenantproof.dev/nobody: wears-this}}"])]
    #[case::no_selector_selects_every_pod("{}", &["{matchLabels: {tenantproof.dev/nobody: wears-this}}"])]
    #[case::one_label("{podSelector: {matchLabels: {role: web}}}", &["{matchLabels: {role: webb}}"])]
    #[case::each_label_by_itself(
        "{podSelector: {matchLabels: {app: x, role: web}}}",
        &["{matchLabels: {app: xx, role: web}}", "{matchLabels: {app: x, role: webb}}"]
    )]
    #[case::an_empty_value("{podSelector: {matchLabels: {role: ''}}}", &["{matchLabels: {role: x}}"])]
    #[case::all_values_of_an_expression(
        "{podSelector: {matchExpressions: [{key: role, operator: In, values: [web, api]}]}}",
        &["{matchExpressions: [{key: role, operator: In, values: [webb, apii]}]}"]
    )]
    #[case::a_key(
        "{podSelector: {matchExpressions: [{key: example.com/role, operator: Exists}]}}",
        &["{matchExpressions: [{key: example.com/rolee, operator: Exists}]}"]
    )]
    #[case::what_selects_more_when_misspelt_is_narrowed(
        "{podSelector: {matchExpressions: [{key: role, operator: NotIn, values: [web]}]}}",
        &["{matchExpressions: [{key: role, operator: NotIn, values: [web]}], \
           matchLabels: {tenantproof.dev/nobody: wears-this}}"]
    )]
    fn a_misspelt_pod_selector(#[case] spec: &str, #[case] selectors: &[&str]) {
        let broken: Vec<LabelSelector> =
            specs(How::SelectsNothing, spec).into_iter().map(|spec| spec.pod_selector.unwrap()).collect();
        let wanted: Vec<LabelSelector> = selectors.iter().map(|text| serde_saphyr::from_str(text).unwrap()).collect();
        assert_eq!(broken, wanted, "each word that selects should be misspelt by itself");
    }

    #[rstest]
    #[case::short("web")]
    #[case::empty("")]
    #[case::with_dashes("a-b")]
    #[case::the_longest("a123456789b123456789c123456789d123456789e123456789f123456789g12")]
    #[case::the_longest_with_an_x("a123456789b123456789c123456789d123456789e123456789f123456789g1x")]
    fn a_misspelt_value_is_another_and_a_valid_one(#[case] value: &str) {
        let wrong = misspell(value);
        assert_ne!(wrong, value, "a misspelt value should be another");
        assert!((1..=LONGEST_VALUE).contains(&wrong.len()), "{wrong} should be as long as a label's value may be");
        assert!(wrong.ends_with(|c: char| c.is_ascii_alphanumeric()), "{wrong} should end as a label's value must");
    }

    #[rstest]
    #[case::no_peer("{ingress: [{}]}", &[])]
    #[case::without_namespaces("{ingress: [{from: [{podSelector: {}}]}]}", &[])]
    #[case::matches_every_namespace_already("{ingress: [{from: [{namespaceSelector: {}}]}]}", &[])]
    #[case::the_only_label(
        "{ingress: [{from: [{namespaceSelector: {matchLabels: {tenant: b}}, podSelector: {}}]}]}",
        &["{ingress: [{from: [{namespaceSelector: {}, podSelector: {}}]}]}"]
    )]
    #[case::each_label_by_itself(
        "{ingress: [{from: [{namespaceSelector: {matchLabels: {tenant: b, tier: gold}}}]}]}",
        &[
            "{ingress: [{from: [{namespaceSelector: {matchLabels: {tier: gold}}}]}]}",
            "{ingress: [{from: [{namespaceSelector: {matchLabels: {tenant: b}}}]}]}",
        ]
    )]
    #[case::an_expression(
        "{ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: tenant, operator: In, values: [b]}]}}]}]}",
        &["{ingress: [{from: [{namespaceSelector: {}}]}]}"]
    )]
    #[case::the_other_peers_stay(
        "{ingress: [{from: [{podSelector: {}}, {namespaceSelector: {matchLabels: {tenant: b}}}]}]}",
        &["{ingress: [{from: [{podSelector: {}}, {namespaceSelector: {}}]}]}"]
    )]
    #[case::the_other_direction(
        "{egress: [{}, {to: [{namespaceSelector: {matchLabels: {tenant: b}}}]}]}",
        &["{egress: [{}, {to: [{namespaceSelector: {}}]}]}"]
    )]
    fn a_wider_namespace_selector(#[case] spec: &str, #[case] wider: &[&str]) {
        let wanted: Vec<NetworkPolicySpec> = wider.iter().map(|text| serde_saphyr::from_str(text).unwrap()).collect();
        assert_eq!(specs(How::PeerWidened, spec), wanted, "each requirement should be dropped by itself");
    }

    #[test]
    fn a_widened_rule_is_named() {
        let spec = "{egress: [{}, {to: [{namespaceSelector: {matchLabels: {tenant: b}}}]}]}";
        let description = of(How::PeerWidened, spec).pop().unwrap().description;
        assert_eq!(
            description,
            "NetworkPolicy b/fence: egress rule 2: its namespaceSelector no longer asks for tenant=b"
        );
    }

    #[rstest]
    #[case::types_not_said("{ingress: []}", true)]
    #[case::ingress("{policyTypes: [Ingress]}", true)]
    #[case::both("{policyTypes: [Egress, Ingress]}", true)]
    #[case::egress_only("{policyTypes: [Egress]}", false)]
    fn one_protocol_is_unfenced_where_ingress_is_fenced(#[case] spec: &str, #[case] fences_ingress: bool) {
        let broken = specs(How::ProtocolUnfenced, spec);
        assert_eq!(broken.len(), usize::from(fences_ingress), "only a fence for ingress can be opened for ingress");
        for spec in broken {
            let rule = spec.ingress.unwrap().pop().unwrap();
            assert_eq!(rule.from, None, "the rule should let everybody in");
            let ports = rule.ports.unwrap();
            assert_eq!(ports.len(), 1, "the rule should open one protocol");
            assert_eq!((ports[0].protocol.as_deref(), &ports[0].port), (Some("UDP"), &None));
        }
    }

    #[test]
    fn what_the_server_set_is_not_put_back() {
        let mut policy = policy("{podSelector: {}}");
        policy.metadata.resource_version = Some("7".to_owned());
        policy.metadata.uid = Some("u".to_owned());
        policy.metadata.generation = Some(3);
        policy.metadata.managed_fields = Some(Vec::new());
        policy.metadata.labels = Some(BTreeMap::from([("team".to_owned(), "net".to_owned())]));
        let all = sabotages(&[policy]);
        assert!(!all.is_empty());
        for one in all {
            for object in std::iter::once(&one.whole).chain(&one.broken) {
                let wanted = ObjectMeta {
                    namespace: Some("b".to_owned()),
                    name: Some("fence".to_owned()),
                    labels: Some(BTreeMap::from([("team".to_owned(), "net".to_owned())])),
                    ..ObjectMeta::default()
                };
                assert_eq!(object.metadata, wanted, "only what somebody wrote should be put back");
            }
        }
    }

    #[test]
    fn every_sabotage_changes_its_policy_and_no_two_are_the_same() {
        let spec = "{podSelector: {matchLabels: {app: x, role: web}}, policyTypes: [Ingress, Egress], \
                    ingress: [{from: [{namespaceSelector: {matchLabels: {tenant: b, tier: gold}}}]}], \
                    egress: [{to: [{namespaceSelector: {matchLabels: {tenant: b}}}]}]}";
        let all = sabotages(&[policy(spec)]);
        let hows: Vec<How> = all.iter().map(|one| one.how).collect();
        assert_eq!(
            hows,
            [Deleted, SelectsNothing, SelectsNothing, PeerWidened, PeerWidened, PeerWidened, ProtocolUnfenced]
        );
        for (index, one) in all.iter().enumerate() {
            assert_ne!(one.broken.as_ref(), Some(&one.whole), "{} should change something", one.description);
            let again = all.iter().skip(index + 1).find(|other| other.broken == one.broken);
            assert_eq!(again, None, "no other way should come to the same as {}", one.description);
            assert!(one.description.contains("b/fence"), "{} should name the policy", one.description);
        }
    }

    #[test]
    fn a_policy_without_a_name_is_left_out() {
        assert_eq!(sabotages(&[NetworkPolicy::default()]), Vec::new());
    }
}
