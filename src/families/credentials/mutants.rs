//! What `mutate` plants for this family: for each party a key in a ConfigMap and one in a pod, tokens that a pod has no
//! use for or that live too long, and an account with a token that never ends. Pure.

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::NAME as FAMILY;
use super::fences::sabotages;
use crate::families::{Mutant, PlanInput, restricted};
use crate::model::{Family, Namespace, TenantId};
use crate::semantics::credentials::CredentialKind;
use crate::semantics::credentials::canary::{self, Canary};

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
    if input.told.read_secrets {
        all.extend(in_secrets(namespace).into_iter().map(|(description, secret)| planted(description, Some(secret))));
    }
    // Only an image that runs there already is sure to be let in.
    let Some(image) = input.snapshot.pods.iter().find_map(|pod| image_of(pod, namespace)) else { return all };
    if let Some(key) = key() {
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

/// The key that is planted.
fn key() -> Option<Canary> {
    canary::of_each_kind(&SEED).into_iter().find(|one| one.kind == CredentialKind::AwsAccessKeyId)
}

/// What only a run that reads Secrets can find: a key in one, and one that holds a token that never ends.
fn in_secrets(namespace: &Namespace) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    if let Some(key) = key() {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": "tenantproof-planted-key", "namespace": namespace},
            "stringData": {key.name: key.text},
        });
        let description = format!("Secret {namespace}/tenantproof-planted-key: {} under {}", key.kind, key.name);
        all.push((description, secret));
    }
    all.push((
        format!("Secret {namespace}/tenantproof-planted-forever: holds a token of default that never ends"),
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
            "metadata": {
                "name": "tenantproof-planted-forever", "namespace": namespace,
                "annotations": {"kubernetes.io/service-account.name": "default"},
            },
        }),
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

#[cfg(test)]
mod tests {
    use super::in_secrets;
    use crate::semantics::credentials::objects::SecretTexts;
    use crate::semantics::credentials::{CredentialKind, Lasting, Salt, Scanner};

    #[test]
    fn a_key_and_a_token_are_planted_and_no_description_says_the_key() {
        let all = in_secrets(&"a".into());
        assert_eq!(all.len(), 2);
        for (description, secret) in &all {
            assert_eq!(secret["metadata"]["namespace"], "a");
            assert!(description.contains(secret["metadata"]["name"].as_str().unwrap()), "{description}");
        }
        let (description, secret) = &all[0];
        let (name, text) = secret["stringData"].as_object().unwrap().iter().next().unwrap();
        assert!(!description.contains(text.as_str().unwrap()), "{description}");
        // As the API server keeps it.
        let data = k8s_openapi::ByteString(text.as_str().unwrap().as_bytes().to_vec());
        let kept = serde_json::json!({"metadata": secret["metadata"], "type": "Opaque", "data": {name: data}});
        let texts = SecretTexts::of(&kept);
        let salt = Salt::new([1; 32]);
        let found: Vec<_> = texts.fields().iter().flat_map(|siblings| Scanner::new(&salt).scan(siblings)).collect();
        let long = |one: &crate::semantics::credentials::Found| {
            one.kind == CredentialKind::AwsAccessKeyId && one.lasting == Lasting::LongLived
        };
        assert!(found.iter().any(long), "{found:?}");
        assert_eq!(all[1].1["metadata"]["annotations"]["kubernetes.io/service-account.name"], "default");
    }
}
