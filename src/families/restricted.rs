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
