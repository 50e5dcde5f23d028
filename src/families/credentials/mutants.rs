//! What `mutate` plants for this family: for each party a key in a ConfigMap and one in a pod, tokens that a pod has no
//! use for or that live too long, and an account with a token that never ends. Pure.

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::NAME as FAMILY;
use super::fences::sabotages;
use crate::families::{Mutant, PlanInput, restricted};
use crate::model::{Family, Namespace, TenantId};
use crate::semantics::credentials::CredentialKind;
use crate::semantics::credentials::canary;

/// From what the keys of mutants are made: a mutant is the same each time, and opens nothing.
const SEED: [u8; 32] = [0x6d; 32];
/// A week: longer than any token should live.
const WEEK_SECONDS: u32 = 604_800;

/// All of them.
pub(super) fn mutants(input: &PlanInput<'_>) -> Vec<Mutant> {
    let first = |party: &TenantId| Some((party.clone(), input.namespaces.get(party)?.first()?.clone()));
    let parties = input.tenancy.parties.iter().filter_map(|party| first(&party.id));
    parties.flat_map(|(party, namespace)| of_party(input, &party, &namespace)).collect()
}

fn of_party(input: &PlanInput<'_>, party: &TenantId, namespace: &Namespace) -> Vec<Mutant> {
    let planted = |description: String, broken: Option<Value>| Mutant {
        family: Family::new(FAMILY),
        description,
        whole: None,
        broken,
        tenants: [party.clone()].into(),
        harmless: None,
    };
    let mut all = Vec::new();
    if let Some(one) = sabotages(std::slice::from_ref(namespace), &SEED)
        .into_iter()
        .find(|one| one.kind == CredentialKind::AwsAccessKeyId)
    {
        all.push(planted(one.description, serde_json::to_value(&one.planted).ok()));
    }
    let account = "tenantproof-planted";
    all.push(planted(
        format!("ServiceAccount {namespace}/{account}: names a Secret with a token that never ends"),
        Some(json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": account, "namespace": namespace},
            "automountServiceAccountToken": false,
            "secrets": [{"name": format!("{account}-token-abcde")}],
        })),
    ));
    // Only an image that runs there already is sure to be let in.
    let Some(image) = input.snapshot.pods.iter().find_map(|pod| image_of(pod, namespace)) else { return all };
    let key = canary::of_each_kind(&SEED).into_iter().find(|one| one.kind == CredentialKind::AwsAccessKeyId);
    if let Some(key) = key {
        let env = json!([{"name": key.name, "value": key.text}]);
        all.push(planted(
            format!("Pod {namespace}/tenantproof-planted-key: {} under {}", key.kind, key.name),
            Some(pod(namespace, "key", &image, &env, false, &json!([]))),
        ));
    }
    all.push(planted(
        format!("Pod {namespace}/tenantproof-planted-token: holds a token that it has no use for"),
        Some(pod(namespace, "token", &image, &json!([]), true, &json!([]))),
    ));
    let long = json!({"path": "token", "audience": "tenantproof.dev", "expirationSeconds": WEEK_SECONDS});
    let volumes = json!([{"name": "long", "projected": {"sources": [{"serviceAccountToken": long}]}}]);
    all.push(planted(
        format!("Pod {namespace}/tenantproof-planted-week: asks for a token that lives {WEEK_SECONDS} s"),
        Some(pod(namespace, "week", &image, &json!([]), false, &volumes)),
    ));
    all
}

fn image_of(pod: &Pod, namespace: &Namespace) -> Option<String> {
    let here = pod.metadata.namespace.as_deref() == Some(namespace.as_str());
    pod.spec.as_ref().filter(|_| here)?.containers.first()?.image.clone()
}

/// A pod that a gate keeps from ever running, as small and as harmless as may be.
fn pod(namespace: &Namespace, what: &str, image: &str, env: &Value, token: bool, volumes: &Value) -> Value {
    let little = json!({"cpu": "10m", "memory": "16Mi"});
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": format!("tenantproof-planted-{what}"), "namespace": namespace},
        "spec": {
            "schedulingGates": [{"name": "tenantproof.dev/never"}],
            "automountServiceAccountToken": token,
            "securityContext": restricted::of_pod(),
            "containers": [{
                "name": "planted",
                "image": image,
                "env": env,
                "resources": {"requests": little, "limits": little},
                "securityContext": restricted::of_container(),
            }],
            "volumes": volumes,
        },
    })
}
