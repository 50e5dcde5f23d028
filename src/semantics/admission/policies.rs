//! All policies of a cluster, and how they stand to a request.

use std::collections::BTreeMap;

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, ValidatingWebhookConfiguration,
};

use super::matching::Labels;
use super::{Asked, Away, Concern, Effect, Engine, Policy, builtin, gatekeeper, kyverno, standards, webhook};
use crate::semantics::snapshot::EVERY;
use crate::semantics::{Extent, ObjectKind, Snapshot};

const WHY: &str = "to compute which policies are asked about a tenant's objects";

const REGISTRATION: &str = "admissionregistration.k8s.io";

const WEBHOOKS: ObjectKind =
    kind(REGISTRATION, "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", Extent::Cluster);
const POLICIES: ObjectKind =
    kind(REGISTRATION, "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", Extent::Cluster);
const BINDINGS: ObjectKind =
    kind(REGISTRATION, "v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", Extent::Cluster);
const CONSTRAINTS: ObjectKind = kind("constraints.gatekeeper.sh", "v1beta1", "", EVERY, Extent::Cluster);
const GATEKEEPER: ObjectKind = kind("config.gatekeeper.sh", "v1alpha1", "Config", "configs", Extent::Everywhere);
const KYVERNO: ObjectKind = kind("kyverno.io", "v1", "ClusterPolicy", "clusterpolicies", Extent::Cluster);
const KYVERNO_OWN: ObjectKind = kind("kyverno.io", "v1", "Policy", "policies", Extent::Tenancy);
const VALIDATING: ObjectKind =
    kind("policies.kyverno.io", "v1", "ValidatingPolicy", "validatingpolicies", Extent::Cluster);

/// The kinds that are read.
pub const KINDS: [ObjectKind; 8] =
    [WEBHOOKS, POLICIES, BINDINGS, CONSTRAINTS, GATEKEEPER, KYVERNO, KYVERNO_OWN, VALIDATING];

const fn kind(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    extent: Extent,
) -> ObjectKind {
    ObjectKind { group, version, kind, plural, extent, why: WHY, optional: true }
}

/// The policies of a cluster, as they were read.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    namespaces: BTreeMap<String, Labels>,
    webhooks: Vec<ValidatingWebhookConfiguration>,
    builtin: Vec<ValidatingAdmissionPolicy>,
    bindings: Vec<ValidatingAdmissionPolicyBinding>,
    constraints: Vec<gatekeeper::Constraint>,
    configs: Vec<gatekeeper::Config>,
    kyverno: Vec<kyverno::KyvernoPolicy>,
    validating: Vec<kyverno::ValidatingPolicy>,
    unread: Vec<String>,
}

impl Policies {
    /// Takes them from what was read.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        let labels = |namespace: &k8s_openapi::api::core::v1::Namespace| {
            let name = namespace.metadata.name.clone().unwrap_or_default();
            (name, namespace.metadata.labels.clone().unwrap_or_default())
        };
        let mut kyverno: Vec<kyverno::KyvernoPolicy> = snapshot.typed(&KYVERNO);
        kyverno.extend(snapshot.typed::<kyverno::KyvernoPolicy>(&KYVERNO_OWN));
        let ours: Vec<String> = KINDS.iter().map(ObjectKind::name).collect();
        let unread = snapshot.unreadable.iter().filter(|one| ours.contains(&one.resource));
        Self {
            namespaces: snapshot.namespaces.iter().map(labels).collect(),
            webhooks: snapshot.typed(&WEBHOOKS),
            builtin: snapshot.typed(&POLICIES),
            bindings: snapshot.typed(&BINDINGS),
            constraints: snapshot.typed(&CONSTRAINTS),
            configs: snapshot.typed(&GATEKEEPER),
            kyverno,
            validating: snapshot.typed(&VALIDATING),
            unread: unread.map(|one| format!("{}: {}", one.resource, one.why)).collect(),
        }
    }

    /// How many were read.
    #[must_use]
    pub fn count(&self) -> usize {
        self.builtin.len() + self.bindings.len() + self.constraints.len() + self.kyverno.len() + self.validating.len()
    }

    /// Kinds that could not be read, each with its reason: what they would have said is unknown.
    #[must_use]
    pub fn unread(&self) -> &[String] {
        &self.unread
    }

    /// Whether the cluster has Kyverno's webhooks or any policy of its.
    #[must_use]
    pub fn has_kyverno(&self) -> bool {
        let webhooks = self.webhooks.iter().flat_map(|one| one.webhooks.iter().flatten());
        let called = webhooks.map(webhook::engine_of).any(|engine| engine == Some(Engine::Kyverno));
        called || !self.kyverno.is_empty() || !self.validating.is_empty()
    }

    /// The labels of a namespace.
    #[must_use]
    pub fn labels_of(&self, namespace: &str) -> Labels {
        self.namespaces.get(namespace).cloned().unwrap_or_default()
    }

    /// How each policy that is about such objects stands to a request, in the order in which the API server asks them.
    #[must_use]
    pub fn concern(&self, asked: &Asked<'_>) -> Vec<Concern> {
        let own = self.labels_of(asked.namespace);
        let all: Vec<&Labels> = self.namespaces.values().collect();
        let mut concerns: Vec<Concern> = pod_security(asked, &own).into_iter().collect();
        concerns.extend(
            self.builtin.iter().filter_map(|policy| builtin::concern(policy, &self.bindings, asked, &own, &all)),
        );
        if !self.constraints.is_empty() {
            let called = webhook::called(&self.webhooks, Engine::Gatekeeper, asked, &own, |_| true);
            concerns.extend(
                self.constraints.iter().filter_map(|one| gatekeeper::concern(one, &self.configs, &called, asked, &own)),
            );
        }
        concerns.extend(self.kyverno.iter().filter_map(|one| kyverno::concern(one, &self.webhooks, asked, &own)));
        concerns.extend(self.validating.iter().filter_map(|one| kyverno::validating(one, &self.webhooks, asked, &own)));
        concerns
    }
}

/// Pod Security is asked about pods and what is added to them, never about templates. Where no label names a level,
/// what holds is the API server's own default, which it does not show.
fn pod_security(asked: &Asked<'_>, own: &Labels) -> Option<Concern> {
    let of_pods = asked.group.is_empty() && asked.resource == "pods";
    if !of_pods || !matches!(asked.subresource, "" | "ephemeralcontainers") {
        return None;
    }
    let (name, effect) = if let Some(level) = standards::enforced(own) {
        (level.as_str(), Effect::Refuses)
    } else {
        let why = match own.get(standards::ENFORCE) {
            Some(_) => format!("{} of namespace {} is privileged", standards::ENFORCE, asked.namespace),
            None => format!("namespace {} has no label {}", asked.namespace, standards::ENFORCE),
        };
        ("privileged", Effect::Spares(why))
    };
    Some(Concern {
        policy: Policy::new(Engine::PodSecurity, name),
        effect,
        away: Away::Refuses,
        unclear: None,
        keys: [standards::ENFORCE.to_owned()].into(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::{BINDINGS, CONSTRAINTS, POLICIES, Policies, WEBHOOKS};
    use crate::semantics::Snapshot;
    use crate::semantics::admission::{Asked, Effect, Operation};

    #[test]
    fn each_engine_says_what_it_can_do_about_a_pod() {
        let rules =
            json!([{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["pods"]}]);
        let namespace =
            json!({"metadata": {"name": "a", "labels": {"pod-security.kubernetes.io/enforce": "baseline"}}});
        let objects = [
            (POLICIES, json!({"metadata": {"name": "p"}, "spec": {"matchConstraints": {"resourceRules": rules}}})),
            (BINDINGS, json!({"metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": ["Deny"]}})),
            (
                CONSTRAINTS,
                json!({"apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": "Phi",
                "metadata": {"name": "phi"}, "spec": {"enforcementAction": "dryrun"}}),
            ),
            (
                WEBHOOKS,
                json!({"metadata": {"name": "gk"}, "webhooks": [{"name": "validation.gatekeeper.sh",
                "sideEffects": "None", "admissionReviewVersions": ["v1"], "clientConfig": {}, "rules": rules}]}),
            ),
        ];
        let snapshot = Snapshot {
            namespaces: vec![serde_json::from_value(namespace).unwrap()],
            objects: objects.into_iter().map(|(kind, object)| (kind.name(), vec![object])).collect(),
            ..Snapshot::default()
        };
        let policies = Policies::of(&snapshot);
        let labels = BTreeMap::new();
        let told: Vec<(String, Effect)> = policies
            .concern(&Asked::pod(Operation::Create, "a", &labels))
            .into_iter()
            .map(|concern| (concern.policy.to_string(), concern.effect))
            .collect();
        assert_eq!(
            told,
            [
                ("Pod Security baseline".to_owned(), Effect::Refuses),
                ("ValidatingAdmissionPolicy p".to_owned(), Effect::Refuses),
                ("Gatekeeper constraint phi".to_owned(), Effect::Reports("enforcementAction: dryrun".to_owned())),
            ]
        );
        assert!(!policies.has_kyverno());
        assert_eq!(policies.count(), 3);
    }
}
