//! Tokens of service accounts: which pods hold one, for how long, and who needs it. Pure.

use std::collections::BTreeMap;

use self::names::{name_of, owner_of};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::seen::{TokenSecret, TokenSeen};

/// What a pod asks for where nobody says anything else (`ServiceAccountTokenProjection.expirationSeconds`).
const DEFAULT_SECONDS: i64 = 3600;
/// What the API server's own bindings carry: they are the defaults, and give nobody a need.
const BOOTSTRAPPING: &str = "kubernetes.io/bootstrapping";
/// What Kubernetes before 1.24 put between a service account's name and five letters.
const LEGACY: &str = "-token-";

/// What binds subjects to roles.
#[derive(Default)]
pub(super) struct Bindings {
    pub(super) in_namespaces: Vec<RoleBinding>,
    pub(super) in_cluster: Vec<ClusterRoleBinding>,
}

impl Bindings {
    /// What binds this service account, by name; the API server's own defaults left out.
    pub(super) fn of(&self, namespace: &str, account: &str) -> Option<String> {
        let own = |metadata: &ObjectMeta| metadata.labels.iter().flatten().all(|(key, _)| key != BOOTSTRAPPING);
        let cluster = self.in_cluster.iter().filter(|one| own(&one.metadata)).find_map(|one| {
            let bound = binds(one.subjects.as_deref(), "", namespace, account);
            bound.then(|| format!("ClusterRoleBinding {}", name_of(&one.metadata)))
        });
        cluster.or_else(|| {
            self.in_namespaces.iter().filter(|one| own(&one.metadata)).find_map(|one| {
                let home = one.metadata.namespace.as_deref().unwrap_or_default();
                let bound = binds(one.subjects.as_deref(), home, namespace, account);
                bound.then(|| format!("RoleBinding {home}/{}", name_of(&one.metadata)))
            })
        })
    }
}

/// Whether one of these subjects of a binding in the namespace `home` is this service account, or a group
/// that it always belongs to.
fn binds(subjects: Option<&[Subject]>, home: &str, namespace: &str, account: &str) -> bool {
    subjects.into_iter().flatten().any(|subject| match subject.kind.as_str() {
        "ServiceAccount" => {
            let at = subject.namespace.as_deref().filter(|at| !at.is_empty()).unwrap_or(home);
            at == namespace && subject.name == account
        }
        "Group" => {
            subject.name == "system:authenticated"
                || subject.name == "system:serviceaccounts"
                || subject.name.strip_prefix("system:serviceaccounts:") == Some(namespace)
        }
        "User" => subject.name == format!("system:serviceaccount:{namespace}:{account}"),
        _ => false,
    })
}

/// The tokens that the pods of a namespace hold: those of running pods, since the API server puts the
/// volume into each pod that did not forbid it. Pods of one owner that hold the same are told once.
pub(super) fn of_pods<'a>(
    namespace: &str,
    pods: impl IntoIterator<Item = &'a Pod>,
    bindings: &Bindings,
) -> Vec<TokenSeen> {
    let mut all: BTreeMap<_, TokenSeen> = BTreeMap::new();
    for pod in pods {
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        let Some(spec) = pod.spec.as_ref().filter(|_| !matches!(phase, Some("Succeeded" | "Failed"))) else { continue };
        let account = spec.service_account_name.as_deref().filter(|name| !name.is_empty()).unwrap_or("default");
        for volume in spec.volumes.iter().flatten() {
            let sources = volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
            for token in sources.filter_map(|source| source.service_account_token.as_ref()) {
                let audience = token.audience.clone().filter(|audience| !audience.is_empty());
                let seconds = token.expiration_seconds.unwrap_or(DEFAULT_SECONDS);
                // The name of the volume that the API server adds differs from pod to pod.
                let volume =
                    volume.name.strip_prefix("kube-api-access-").map_or(volume.name.as_str(), |_| "kube-api-access");
                let key = (owner_of(&pod.metadata), account, volume.to_owned(), audience.clone(), seconds);
                all.entry(key).and_modify(|seen| seen.alike += 1).or_insert_with(|| TokenSeen {
                    pod: format!("{namespace}/{}", name_of(&pod.metadata)),
                    alike: 0,
                    account: format!("{namespace}/{account}"),
                    volume: volume.to_owned(),
                    audience,
                    seconds,
                    bound_by: bindings.of(namespace, account),
                });
            }
        }
    }
    all.into_values().collect()
}

/// The Secrets with tokens that service accounts name, as the token controller made them before 1.24.
pub(super) fn named_by_accounts<'a>(accounts: impl IntoIterator<Item = &'a ServiceAccount>) -> Vec<TokenSecret> {
    let mut all = Vec::new();
    for account in accounts {
        let name = name_of(&account.metadata);
        for secret in account.secrets.iter().flatten().filter_map(|secret| secret.name.as_deref()) {
            let letters = secret.strip_prefix(name).and_then(|rest| rest.strip_prefix(LEGACY));
            if letters.is_some_and(|letters| letters.len() == 5) {
                all.push(TokenSecret { name: secret.to_owned(), because: format!("ServiceAccount {name} names it") });
            }
        }
    }
    all
}

/// Names of objects, without a client's help.
pub(super) mod names {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    pub(in super::super) fn name_of(metadata: &ObjectMeta) -> &str {
        metadata.name.as_deref().unwrap_or_default()
    }

    /// The controller that owns an object, or the object itself.
    pub(in super::super) fn owner_of(metadata: &ObjectMeta) -> String {
        let owners = metadata.owner_references.iter().flatten();
        let controller = owners.into_iter().find(|owner| owner.controller == Some(true));
        controller.map_or_else(|| name_of(metadata).to_owned(), |owner| format!("{} {}", owner.kind, owner.name))
    }
}

/// Two pods alike, one with a binding and one without: what of it is not told apart.
pub(super) fn missed_canaries() -> Vec<String> {
    let pod = |account: &str| -> Option<Pod> {
        serde_json::from_value(serde_json::json!({
            "metadata": {"name": account, "namespace": "canary"},
            "spec": {"serviceAccountName": account, "containers": [], "volumes": [{
                "name": "kube-api-access-abcde",
                "projected": {"sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}]},
            }]},
        }))
        .ok()
    };
    let binding = serde_json::from_value(serde_json::json!({
        "metadata": {"name": "canary", "namespace": "canary"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "canary"},
        "subjects": [{"kind": "ServiceAccount", "name": "bound"}],
    }));
    let bindings = Bindings { in_namespaces: binding.into_iter().collect(), in_cluster: Vec::new() };
    let pods: Vec<Pod> = ["bound", "unbound"].into_iter().filter_map(pod).collect();
    let seen = of_pods("canary", &pods, &bindings);
    let there = |account: &str, bound: bool| {
        seen.iter()
            .any(|token| token.account.ends_with(account) && token.bound_by.is_some() == bound && token.seconds == 3607)
    };
    let mut missed = Vec::new();
    if !there("/unbound", false) {
        missed.push("a pod whose service account nothing binds".to_owned());
    }
    if !there("/bound", true) {
        missed.push("a pod whose service account is bound".to_owned());
    }
    missed
}
