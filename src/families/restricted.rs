//! What every pod of a trial says of itself: it meets the restricted Pod Security level, and no mesh looks into it.

use serde_json::{Value, json};

/// The security context of the pod.
pub(super) fn of_pod() -> Value {
    json!({"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}})
}

/// That of each of its containers.
pub(super) fn of_container() -> Value {
    json!({
        "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true,
        "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
    })
}

/// Its annotations: no sidecar is put into it.
pub(super) fn annotations() -> Value {
    json!({"linkerd.io/inject": "disabled", "sidecar.istio.io/inject": "false"})
}

/// A whole pod of that kind, small, with one container, for a dry-run: what it never is it never has to pull.
pub(super) fn pod(name: &str, image: &str) -> Value {
    let amounts = json!({"cpu": "10m", "memory": "16Mi"});
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "annotations": annotations()},
        "spec": {
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "restartPolicy": "Never",
            "securityContext": of_pod(),
            "containers": [{
                "name": "never-run", "image": image,
                "resources": {"requests": amounts, "limits": amounts},
                "securityContext": of_container(),
            }],
        },
    })
}
