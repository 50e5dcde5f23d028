//! The kinds that can fence or open a connection, and how each says whom it applies to.

use serde_json::Value;

use super::super::labels::{Requirement, Selector};
use super::{Namespaces, Outsider, Scope, Tier, calico};
use crate::semantics::ForeignPolicy;

/// Kinds that hold no rule by themselves, though their names say policy: staged policies are not enforced, and the
/// others are derived from NetworkPolicies or are about something else.
const HARMLESS: [&str; 5] = [
    "StagedNetworkPolicy",
    "StagedGlobalNetworkPolicy",
    "StagedKubernetesNetworkPolicy",
    "PodSecurityPolicy",
    "BackendTrafficPolicy",
];

/// Kinds of one group that can fence or open a connection, beside those whose names tell it.
const BY_GROUP: [(&str, &[&str]); 9] = [
    ("cilium.io", &["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "CiliumCIDRGroup"]),
    ("projectcalico.org", &["Profile", "HostEndpoint"]),
    ("crd.projectcalico.org", &["Profile", "HostEndpoint"]),
    ("security.istio.io", &["AuthorizationPolicy", "PeerAuthentication"]),
    ("policy.linkerd.io", &["Server", "ServerAuthorization", "AuthorizationPolicy"]),
    ("k8s.ovn.org", &["EgressFirewall", "UserDefinedNetwork", "ClusterUserDefinedNetwork"]),
    ("kubeovn.io", &["SecurityGroup", "Subnet"]),
    ("consul.hashicorp.com", &["ServiceIntentions"]),
    ("kuma.io", &["MeshTrafficPermission", "TrafficPermission"]),
];

/// Kinds, by group, that can fence or open a connection though not all of their names tell it.
#[must_use]
pub const fn foreign_kinds() -> &'static [(&'static str, &'static [&'static str])] {
    &BY_GROUP
}

/// Parts of kinds that say that an object may fence or open connections, in whichever group.
const TELLING: [&str; 7] = [
    "NetworkPolicy",
    "AuthorizationPolicy",
    "SecurityGroupPolicy",
    "SecurityPolicy",
    "FirewallPolicy",
    "TrafficPermission",
    "NetworkFirewall",
];

fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// Whether an object of this kind can fence or open a connection between pods without being a NetworkPolicy v1.
///
/// Whoever reads a cluster or manifests keeps such objects whole, as [`ForeignPolicy`].
#[must_use]
pub fn is_foreign_policy(api_version: &str, kind: &str) -> bool {
    if (api_version == "networking.k8s.io/v1" && kind == "NetworkPolicy")
        || HARMLESS.contains(&kind)
        || group(api_version) == "gateway.envoyproxy.io"
        || kind.ends_with("List")
        || kind == "CustomResourceDefinition"
    {
        return false;
    }
    BY_GROUP.iter().any(|(g, kinds)| *g == group(api_version) && kinds.contains(&kind))
        || TELLING.iter().any(|part| kind.contains(part))
}

/// Whether objects of this kind belong to a namespace: `None` where the kind is not known.
///
/// Manifests often leave the namespace out; whether that means `default` or the whole cluster depends on the kind.
#[must_use]
pub fn is_namespaced(api_version: &str, kind: &str) -> Option<bool> {
    const NAMESPACED: [(&str, &str); 14] = [
        ("cilium.io", "CiliumNetworkPolicy"),
        ("projectcalico.org", "NetworkPolicy"),
        ("crd.projectcalico.org", "NetworkPolicy"),
        ("security.istio.io", "AuthorizationPolicy"),
        ("security.istio.io", "PeerAuthentication"),
        ("policy.linkerd.io", "Server"),
        ("policy.linkerd.io", "ServerAuthorization"),
        ("policy.linkerd.io", "AuthorizationPolicy"),
        ("networking.k8s.aws", "ApplicationNetworkPolicy"),
        ("crd.antrea.io", "NetworkPolicy"),
        ("k8s.ovn.org", "EgressFirewall"),
        ("k8s.ovn.org", "UserDefinedNetwork"),
        ("k8s.cni.cncf.io", "MultiNetworkPolicy"),
        ("vpcresources.k8s.aws", "SecurityGroupPolicy"),
    ];
    let wide = ["Cluster", "Global", "Admin"].iter().any(|word| kind.contains(word))
        || matches!(kind, "Subnet" | "SecurityGroup" | "HostEndpoint" | "Profile" | "ServiceIntentions")
        || group(api_version) == "kuma.io";
    let namespaced = NAMESPACED.contains(&(group(api_version), kind)) || api_version == "extensions/v1beta1";
    if wide { Some(false) } else { namespaced.then_some(true) }
}

/// What a foreign policy could touch.
pub(super) fn read(policy: &ForeignPolicy) -> Vec<Outsider> {
    let spec = policy.object.get("spec").unwrap_or(&Value::Null);
    let kind = policy.kind.as_str();
    match group(&policy.api_version) {
        "cilium.io" => cilium(policy),
        "projectcalico.org" | "crd.projectcalico.org" => calico(policy, spec),
        "policy.networking.k8s.io" => tiered(policy, spec),
        "networking.k8s.aws" if kind == "ClusterNetworkPolicy" => tiered(policy, spec),
        "security.istio.io" => istio(policy, spec),
        "policy.linkerd.io" if kind == "Server" => receivers(policy, labels(spec.get("podSelector"))),
        "policy.linkerd.io" => receivers(policy, Selector::default()),
        "crd.antrea.io" => antrea(policy, spec),
        "k8s.ovn.org" if kind == "ClusterUserDefinedNetwork" => {
            vec![outsider(policy, Namespaces::Selected(labels(spec.get("namespaceSelector"))), Selector::default())]
        }
        "k8s.ovn.org" if kind == "EgressFirewall" => {
            let mut outsider = outsider(policy, own(policy), Selector::default());
            outsider.ingress = false;
            vec![outsider]
        }
        "kubeovn.io" if kind == "Subnet" && !subnet_fences(spec) => Vec::new(),
        _ => {
            let mut outsider = outsider(policy, own(policy), labels(spec.get("podSelector")));
            if !kind.contains("NetworkPolicy") {
                outsider.tier = Tier::Mesh;
            }
            vec![outsider]
        }
    }
}

/// How the policy is named to people.
fn title(policy: &ForeignPolicy) -> String {
    let name = match &policy.namespace {
        Some(namespace) => format!("{} {namespace}/{} of {}", policy.kind, policy.name, policy.api_version),
        None => format!("{} {} of {}", policy.kind, policy.name, policy.api_version),
    };
    if policy.place.is_empty() { name } else { format!("{name} ({})", policy.place) }
}

/// The policy's namespace; the whole cluster for kinds that reach further than where they are.
fn own(policy: &ForeignPolicy) -> Namespaces {
    if is_namespaced(&policy.api_version, &policy.kind) == Some(false) {
        return Namespaces::All;
    }
    policy.namespace.clone().map_or(Namespaces::All, Namespaces::One)
}

fn outsider(policy: &ForeignPolicy, namespaces: Namespaces, pods: Selector) -> Outsider {
    let mut scope = Scope::new(namespaces, pods);
    scope.nodes = policy.namespace.is_none();
    Outsider { name: title(policy), scope, ingress: true, egress: true, tier: Tier::Ordinary }
}

fn receivers(policy: &ForeignPolicy, pods: Selector) -> Vec<Outsider> {
    let mut outsider = outsider(policy, own(policy), pods);
    (outsider.egress, outsider.tier) = (false, Tier::Mesh);
    vec![outsider]
}

/// A label selector of the API's shape; whatever cannot be read is left out, so that it selects more.
fn labels(selector: Option<&Value>) -> Selector {
    requirements(selector, |key| Some(key.to_owned()))
}

/// `rename` gives the key of the label that is read, or `None` where that is not plain.
fn requirements(selector: Option<&Value>, rename: impl Fn(&str) -> Option<String>) -> Selector {
    let mut all = Vec::new();
    let Some(selector) = selector else { return Selector::default() };
    for (key, value) in selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten() {
        if let (Some(key), Some(value)) = (rename(key), value.as_str()) {
            all.push(Requirement::In(key, vec![value.to_owned()]));
        }
    }
    for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let key = expression.get("key").and_then(Value::as_str).and_then(&rename);
        let values: Option<Vec<String>> = expression
            .get("values")
            .and_then(Value::as_array)
            .map_or(Some(Vec::new()), |values| values.iter().map(|v| v.as_str().map(str::to_owned)).collect());
        let operator = expression.get("operator").and_then(Value::as_str);
        match (key, operator, values) {
            (Some(key), Some("In"), Some(values)) if !values.is_empty() => all.push(Requirement::In(key, values)),
            (Some(key), Some("NotIn"), Some(values)) if !values.is_empty() => all.push(Requirement::NotIn(key, values)),
            (Some(key), Some("Exists"), _) => all.push(Requirement::Exists(key)),
            (Some(key), Some("DoesNotExist"), _) => all.push(Requirement::DoesNotExist(key)),
            _ => {}
        }
    }
    Selector::new(all)
}

const NAMESPACE_LABELS: &str = "io.cilium.k8s.namespace.labels.";
const POD_NAMESPACE: &str = "io.kubernetes.pod.namespace";

/// A Cilium label key without its source; `None` for sources other than Kubernetes.
fn cilium_key(key: &str) -> Option<&str> {
    match key.split_once(':') {
        None => Some(key),
        Some(("k8s" | "any", key)) => Some(key),
        Some(_) => None,
    }
}

/// Cilium's own policies: `spec` or each of `specs`; a section that is there concerns its direction.
fn cilium(policy: &ForeignPolicy) -> Vec<Outsider> {
    if policy.kind == "CiliumCIDRGroup" {
        return Vec::new();
    }
    let spec = policy.object.get("spec").filter(|spec| spec.is_object());
    let specs = policy.object.get("specs").and_then(Value::as_array);
    let all: Vec<&Value> = spec.into_iter().chain(specs.into_iter().flatten()).collect();
    if all.is_empty() {
        return vec![outsider(policy, own(policy), Selector::default())];
    }
    all.into_iter().map(|spec| cilium_rules(policy, spec)).collect()
}

fn cilium_rules(policy: &ForeignPolicy, spec: &Value) -> Outsider {
    let selector = spec.get("endpointSelector");
    let pods = requirements(selector, |key| {
        cilium_key(key).filter(|key| !key.starts_with("io.cilium.") && *key != POD_NAMESPACE).map(str::to_owned)
    });
    let namespaces = match own(policy) {
        Namespaces::All => Namespaces::Selected(requirements(selector, |key| match cilium_key(key)? {
            POD_NAMESPACE => Some("kubernetes.io/metadata.name".to_owned()),
            key => key.strip_prefix(NAMESPACE_LABELS).map(str::to_owned),
        })),
        one => one,
    };
    let mut outsider = outsider(policy, namespaces, pods);
    if spec.get("nodeSelector").is_some_and(Value::is_object) && selector.is_none_or(Value::is_null) {
        outsider.scope.ordinary = false;
        outsider.scope.nodes = true;
    }
    let has = |names: [&str; 2]| names.iter().any(|name| spec.get(name).is_some());
    let (ingress, egress) = (has(["ingress", "ingressDeny"]), has(["egress", "egressDeny"]));
    if ingress != egress && spec.get("enableDefaultDeny").is_none() {
        (outsider.ingress, outsider.egress) = (ingress, egress);
    }
    outsider
}

/// Calico's own policies: a selector in Calico's language, and `types`.
fn calico(policy: &ForeignPolicy, spec: &Value) -> Vec<Outsider> {
    let selector = |name: &str| spec.get(name).and_then(Value::as_str).map_or_else(Selector::default, calico::selector);
    match policy.kind.as_str() {
        "NetworkPolicy" | "GlobalNetworkPolicy" => {
            let namespaces = match own(policy) {
                Namespaces::All => Namespaces::Selected(selector("namespaceSelector")),
                one => one,
            };
            let mut outsider = outsider(policy, namespaces, selector("selector"));
            if let Some(types) = spec.get("types").and_then(Value::as_array).filter(|types| !types.is_empty()) {
                outsider.ingress = types.iter().any(|t| t == "Ingress");
                outsider.egress = types.iter().any(|t| t == "Egress");
            }
            vec![outsider]
        }
        "HostEndpoint" => {
            let mut outsider = Outsider::opaque(title(policy), None);
            outsider.scope.ordinary = false;
            vec![outsider]
        }
        _ => vec![outsider(policy, own(policy), Selector::default())],
    }
}

/// Admin, baseline and cluster network policies: `spec.subject`; a direction without rules is no concern of theirs.
fn tiered(policy: &ForeignPolicy, spec: &Value) -> Vec<Outsider> {
    let subject = spec.get("subject").unwrap_or(&Value::Null);
    let (namespaces, pods) = match (subject.get("namespaces"), subject.get("pods")) {
        (Some(namespaces), None) => (labels(Some(namespaces)), Selector::default()),
        (None, Some(pods)) => (labels(pods.get("namespaceSelector")), labels(pods.get("podSelector"))),
        _ => (Selector::default(), Selector::default()),
    };
    let mut outsider = outsider(policy, Namespaces::Selected(namespaces), pods);
    let rules = |name: &str| spec.get(name).is_some_and(|rules| rules.as_array().is_none_or(|rules| !rules.is_empty()));
    (outsider.ingress, outsider.egress) = (rules("ingress"), rules("egress"));
    let baseline = policy.kind == "BaselineAdminNetworkPolicy"
        || (policy.kind == "ClusterNetworkPolicy" && spec.get("tier").is_some_and(|tier| tier == "Baseline"));
    if baseline {
        outsider.tier = Tier::Baseline;
    }
    if outsider.ingress || outsider.egress { vec![outsider] } else { Vec::new() }
}

/// Istio: the receiving workloads; the root namespace's policies apply to the whole mesh. The root namespace is
/// `istio-system` unless the mesh is set up otherwise, which no object read here tells.
fn istio(policy: &ForeignPolicy, spec: &Value) -> Vec<Outsider> {
    if policy.kind == "PeerAuthentication" && !policy.object.to_string().contains("\"STRICT\"") {
        return Vec::new();
    }
    let namespaces = match own(policy) {
        Namespaces::One(namespace) if namespace == "istio-system" => Namespaces::All,
        other => other,
    };
    let targeted = spec.get("targetRef").is_some() || spec.get("targetRefs").is_some();
    let pods = if targeted { Selector::default() } else { labels(spec.get("selector")) };
    let mut outsider = outsider(policy, namespaces, pods);
    (outsider.egress, outsider.tier) = (false, Tier::Mesh);
    vec![outsider]
}

/// Antrea: `spec.appliedTo`, one scope for each entry; entries of other shapes and rules with their own `appliedTo`
/// may apply anywhere that the policy can.
fn antrea(policy: &ForeignPolicy, spec: &Value) -> Vec<Outsider> {
    let entries = spec.get("appliedTo").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let plain = |entry: &Value| {
        entry.as_object().is_some_and(|entry| {
            !entry.is_empty() && entry.keys().all(|key| key == "podSelector" || key == "namespaceSelector")
        })
    };
    if entries.is_empty() || !entries.iter().all(plain) {
        return vec![outsider(policy, own(policy), Selector::default())];
    }
    let scoped = |entry: &Value| {
        let namespaces = match own(policy) {
            Namespaces::All => Namespaces::Selected(labels(entry.get("namespaceSelector"))),
            one => one,
        };
        outsider(policy, namespaces, labels(entry.get("podSelector")))
    };
    entries.iter().map(scoped).collect()
}

/// Whether a Kube-OVN subnet fences: it is private, or has access rules.
fn subnet_fences(spec: &Value) -> bool {
    spec.get("private") == Some(&Value::Bool(true))
        || spec.get("acls").and_then(Value::as_array).is_some_and(|acls| !acls.is_empty())
}
