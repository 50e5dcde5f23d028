//! Which namespaces belong to whom.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::networking::v1::NetworkPolicy;

use super::{Drawn, InferError, InferOptions, Known, selector};
use crate::document::NameRule;
use crate::model::{self, Nearest, TenantId};
use crate::tenancy::cloud::TenantCloud;
use crate::tenancy::types::{Internal, NamespaceSelector, Party, PartyKind, Share, Subjects};

/// Labels of namespaces that tell tenants, the most deliberate first: our own, the plain word,
/// Capsule's, Flux's, the plain word's cousin, Rancher's.
const TENANT_LABELS: [&str; 6] = [
    "tenantproof.dev/tenant",
    "tenant",
    "capsule.clastix.io/tenant",
    "toolkit.fluxcd.io/tenant",
    "team",
    "field.cattle.io/projectId",
];
/// Labels of namespaces that tell tiers.
const TIER_LABELS: [&str; 2] = ["tenantproof.dev/tier", "tier"];
/// Labels of namespaces that several tenants use, where they are `true`.
const SHARED_LABELS: [&str; 2] = ["tenantproof.dev/shared", "shared"];
/// The Hierarchical Namespace Controller labels each namespace with every ancestor of its tree,
/// `ANCESTOR.tree.hnc.x-k8s.io/depth`, and the number of steps up to it.
const HNC_SUFFIX: &str = ".tree.hnc.x-k8s.io/depth";

/// Namespaces of the system and of what is usually installed beside the tenants.
const SYSTEM: [&str; 30] = [
    "default",
    "argocd",
    "calico-apiserver",
    "calico-system",
    "capsule-system",
    "cattle-system",
    "cert-manager",
    "cilium",
    "cilium-secrets",
    "cilium-system",
    "external-dns",
    "external-secrets",
    "flux-system",
    "gatekeeper-system",
    "hnc-system",
    "ingress-nginx",
    "istio-system",
    "karpenter",
    "keda",
    "kyverno",
    "linkerd",
    "local-path-storage",
    "metallb-system",
    "monitoring",
    "ack-system",
    "openshift",
    "policy-reporter",
    "tigera-operator",
    "trivy-system",
    "velero",
];
const SYSTEM_PREFIXES: [&str; 6] = ["kube-", "openshift-", "cattle-", "fleet-", "linkerd-", "amazon-"];

/// How tenants are told.
enum ToldBy {
    /// By the value of a label.
    Label(String),
    /// By the root of the tree that the Hierarchical Namespace Controller keeps.
    Tree,
    /// Each namespace is a tenant.
    Namespace,
}

/// Draws the parties, tenants first, each kind by id.
pub(super) fn draw<'a>(
    namespaces: &'a [Namespace],
    policies: &[NetworkPolicy],
    options: &InferOptions,
    notes: &mut Vec<String>,
) -> Result<Vec<Drawn<'a>>, InferError> {
    static NO_LABELS: BTreeMap<String, String> = BTreeMap::new();
    let mut all: Vec<Known<'a>> = namespaces
        .iter()
        .filter_map(|namespace| {
            let labels = namespace.metadata.labels.as_ref().unwrap_or(&NO_LABELS);
            namespace.metadata.name.as_deref().map(|name| Known { name, labels })
        })
        .collect();
    all.sort_by_key(|known| known.name);
    let told_by = told_by(&all, options)?;
    let (mut tenants, mut shared, mut left_out) = (BTreeMap::<String, Vec<Known<'a>>>::new(), Vec::new(), Vec::new());
    let users = users(&all, policies);
    for known in &all {
        if is_shared(known) {
            shared.push((*known, format!("namespace `{}` is labelled as shared", known.name)));
        } else if let Some(id) = told_by.tenant(known) {
            tenants.entry(id).or_default().push(*known);
        } else if is_system(known.name) {
            left_out.push(known.name);
        } else if let ToldBy::Namespace = told_by {
            match users.get(known.name).filter(|users| users.len() > 1) {
                Some(users) => {
                    let users: Vec<_> = users.iter().map(|user| format!("`{user}`")).collect();
                    let why = format!("policies open namespace `{}` to {}", known.name, users.join(" and "));
                    shared.push((*known, why));
                }
                None => tenants.entry(known.name.to_owned()).or_default().push(*known),
            }
        } else {
            shared.push((*known, format!("namespace `{}` {}", known.name, told_by.lacking())));
        }
    }
    notes.push(told_by.note(&tenants));
    if !left_out.is_empty() {
        let names: Vec<_> = left_out.iter().map(|name| format!("`{name}`")).collect();
        notes.push(format!("Left out as the system's own, and so not judged: {}.", names.join(", ")));
    }
    let drawn = assemble(&told_by, tenants, shared, options, notes);
    match drawn.as_slice() {
        [] => Err(InferError::NoNamespaces { left_out: left_out.into_iter().map(str::to_owned).collect() }),
        [only] => Err(InferError::OnlyOneParty { party: only.party.id.to_string() }),
        _ if drawn.iter().all(|drawn| drawn.party.kind == PartyKind::Shared) => {
            // Nobody is a tenant: the labels say only what is shared.
            Err(InferError::NoNamespaces { left_out: left_out.into_iter().map(str::to_owned).collect() })
        }
        _ => Ok(drawn),
    }
}

fn told_by(all: &[Known<'_>], options: &InferOptions) -> Result<ToldBy, InferError> {
    let occurs = |label: &str| all.iter().any(|known| known.labels.get(label).is_some_and(|value| !value.is_empty()));
    if let Some(label) = &options.tenant_label {
        if occurs(label) {
            return Ok(ToldBy::Label(label.clone()));
        }
        let seen: BTreeSet<&str> = all.iter().flat_map(|known| known.labels.keys()).map(String::as_str).collect();
        let nearest = Nearest::of(label, seen.iter().copied());
        let seen = seen.into_iter().map(str::to_owned).collect();
        return Err(InferError::UnknownLabel { label: label.clone(), nearest, seen });
    }
    if let Some(label) = TENANT_LABELS.iter().find(|label| occurs(label)) {
        return Ok(ToldBy::Label((*label).to_owned()));
    }
    let in_tree = all.iter().any(|known| !is_system(known.name) && tree_root(known).is_some());
    Ok(if in_tree { ToldBy::Tree } else { ToldBy::Namespace })
}

impl ToldBy {
    fn tenant(&self, known: &Known<'_>) -> Option<String> {
        match self {
            Self::Label(label) => known.labels.get(label).filter(|value| NameRule::Id.accepts(value)).cloned(),
            // The controller labels system namespaces too, each as its own tree.
            Self::Tree => tree_root(known).filter(|_| !is_system(known.name)).map(str::to_owned),
            Self::Namespace => None,
        }
    }

    fn lacking(&self) -> String {
        match self {
            Self::Label(label) => format!("has no label `{label}`"),
            Self::Tree | Self::Namespace => "belongs to no tree".to_owned(),
        }
    }

    fn note(&self, tenants: &BTreeMap<String, Vec<Known<'_>>>) -> String {
        let how = match self {
            Self::Label(label) => format!("Tenants are told by the label `{label}` of their namespaces"),
            Self::Tree => "Tenants are told by the roots of the hierarchical namespaces' trees".to_owned(),
            Self::Namespace => {
                return "No label that tells tenants was found, so each namespace is a tenant of its own. Where a \
                        tenant has several, join them or name their label."
                    .to_owned();
            }
        };
        let tenants: Vec<_> = tenants
            .iter()
            .map(|(id, namespaces)| {
                let names: Vec<_> = namespaces.iter().map(|known| known.name).collect();
                format!("{id} ({})", names.join(", "))
            })
            .collect();
        format!("{how}: {}.", tenants.join(", "))
    }
}

fn tree_root<'a>(known: &Known<'a>) -> Option<&'a str> {
    let depth = |(key, value): (&'a String, &'a String)| {
        Some((value.parse::<u32>().ok()?, key.strip_suffix(HNC_SUFFIX)?)).filter(|(_, root)| NameRule::Id.accepts(root))
    };
    known.labels.iter().filter_map(depth).max().map(|(_, root)| root)
}

fn is_system(name: &str) -> bool {
    SYSTEM.contains(&name) || SYSTEM_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn is_shared(known: &Known<'_>) -> bool {
    SHARED_LABELS.iter().any(|label| known.labels.get(*label).is_some_and(|value| value == "true"))
}

/// Who uses a namespace, by the policies that name the two: its own rules for the way in, and the
/// others' for the way out.
fn users<'a>(all: &[Known<'a>], policies: &'a [NetworkPolicy]) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut users: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for policy in policies {
        let own = selector::namespace(policy);
        for rule in selector::rules(policy) {
            for peer in rule.peers {
                let Some(sets) = peer.namespace_selector.as_ref().and_then(selector::plain) else { continue };
                let named = |known: &&Known<'a>| sets.iter().any(|set| known.carries(set));
                let named: Vec<&Known<'a>> = all.iter().filter(named).collect();
                // A rule that names many namespaces at once says nothing of any one of them.
                let [other] = named.as_slice() else { continue };
                let (from, to) = if rule.ingress { (other.name, own) } else { (own, other.name) };
                if from != to && !is_system(from) {
                    users.entry(to).or_default().insert(from);
                }
            }
        }
    }
    users
}

fn assemble<'a>(
    told_by: &ToldBy,
    tenants: BTreeMap<String, Vec<Known<'a>>>,
    shared: Vec<(Known<'a>, String)>,
    options: &InferOptions,
    notes: &mut Vec<String>,
) -> Vec<Drawn<'a>> {
    let mut drawn = Vec::new();
    let mut taken: BTreeSet<String> = tenants.keys().cloned().collect();
    for (id, namespaces) in tenants {
        let tier = tier(&id, &namespaces, options, notes);
        let selected_too = |label: &String| shared.iter().any(|(known, _)| known.labels.get(label) == Some(&id));
        let selector = match told_by {
            // A label holds for namespaces to come too.
            ToldBy::Label(label) if !selected_too(label) => {
                let match_labels = BTreeMap::from([(label.clone(), id.clone())]);
                NamespaceSelector { names: Vec::new(), match_labels }
            }
            ToldBy::Label(_) | ToldBy::Tree | ToldBy::Namespace => by_name(&namespaces),
        };
        drawn.push(Drawn { party: party(id, PartyKind::Tenant, tier, selector), namespaces });
    }
    for (known, why) in shared {
        let mut id = known.name.to_owned();
        while !taken.insert(id.clone()) {
            id.push_str("-shared");
        }
        notes.push(format!("`{id}` is taken as shared: {why}. It is fenced as a tenant is."));
        let namespaces = vec![known];
        let selector = by_name(&namespaces);
        drawn.push(Drawn { party: party(id, PartyKind::Shared, None, selector), namespaces });
    }
    drawn
}

fn by_name(namespaces: &[Known<'_>]) -> NamespaceSelector {
    let names = namespaces.iter().map(|known| model::Namespace::from(known.name)).collect();
    NamespaceSelector { names, match_labels: BTreeMap::new() }
}

fn party(id: String, kind: PartyKind, tier: Option<String>, namespaces: NamespaceSelector) -> Party {
    Party {
        id: TenantId::new(id),
        kind,
        tier,
        namespaces,
        roles: Vec::new(),
        internal: Internal::default(),
        subjects: Subjects::default(),
        share: Share::default(),
        cloud: TenantCloud::default(),
    }
}

fn tier(id: &str, namespaces: &[Known<'_>], options: &InferOptions, notes: &mut Vec<String>) -> Option<String> {
    let labels: Vec<&str> = match &options.tier_label {
        Some(label) => vec![label],
        None => TIER_LABELS.to_vec(),
    };
    for label in labels {
        let tiers: BTreeSet<&String> = namespaces.iter().filter_map(|known| known.labels.get(label)).collect();
        let tiers: Vec<_> = tiers.into_iter().filter(|tier| NameRule::Id.accepts(tier)).collect();
        match tiers.as_slice() {
            [] => {}
            [tier] => return Some((*tier).clone()),
            several => {
                let tiers: Vec<_> = several.iter().map(|tier| format!("`{tier}`")).collect();
                notes.push(format!(
                    "The namespaces of `{id}` carry several values of `{label}` ({}), so it has no tier.",
                    tiers.join(", ")
                ));
                return None;
            }
        }
    }
    None
}
