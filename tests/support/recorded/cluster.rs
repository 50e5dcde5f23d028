//! A cluster of EKS, as far as the audit family asks it: it answers, and tells of each marked request what EKS would keep on
//! record of it.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::api::{self, Api, Asked};

/// Who the runner is to it.
pub(crate) const RUNNER: &str = "arn:aws:iam::111122223333:user/auditor";
/// What every mark begins with.
pub(crate) const MARK: &str = "tenantproof-audit-";

/// Starts it. `keep` is given each event, and the number of the API server that had the request.
pub(crate) fn start(servers: usize, keep: impl Fn(usize, Value) + Send + Sync + 'static) -> Api {
    let requests = AtomicUsize::new(0);
    Api::serving(move |asked| {
        let (status, body) = answer(servers, asked);
        if asked.target.contains(MARK) && asked.path != "/version" {
            let number = requests.fetch_add(1, Ordering::Relaxed);
            keep(number % servers, event(number, asked, status, &body));
        }
        Some((status, body).into())
    })
}

fn answer(servers: usize, asked: &Asked<'_>) -> (u16, String) {
    let last = asked.path.rsplit('/').next().unwrap_or_default();
    match (asked.method, last) {
        ("POST", "selfsubjectreviews") => {
            (201, json!({"status": {"userInfo": {"username": RUNNER, "groups": ["system:authenticated"]}}}).to_string())
        }
        // The runner may take nobody's name.
        ("POST", "selfsubjectaccessreviews") => (201, json!({"spec": {}, "status": {"allowed": false}}).to_string()),
        ("GET", "kubernetes") => {
            let endpoints: Vec<Value> = (1..=servers).map(|n| json!({"addresses": [format!("10.0.0.{n}")]})).collect();
            let slice = json!({"metadata": {"name": "kubernetes"}, "addressType": "IPv4", "endpoints": endpoints});
            (200, slice.to_string())
        }
        ("POST", "exec") => (404, status(404, "pods \"x\" not found")),
        ("POST", "pods") if body(asked)["spec"]["serviceAccountName"].is_string() => (
            403,
            status(
                403,
                "pods \"x\" is forbidden: error looking up service account a/x: serviceaccount \"x\" not found",
            ),
        ),
        ("POST", _) if asked.target.contains("dryRun=All") => (201, body(asked).to_string()),
        ("GET", name) if name.starts_with(MARK) => (404, status(404, "\"x\" not found")),
        _ => api::read_only(&["a", "b", "kube-system"], asked.method, asked.path),
    }
}

fn body(asked: &Asked<'_>) -> Value {
    serde_json::from_slice(asked.body).unwrap_or_default()
}

fn status(code: u16, message: &str) -> String {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code, "message": message})
        .to_string()
}

/// What EKS keeps of a request.
fn event(number: usize, asked: &Asked<'_>, code: u16, answered: &str) -> Value {
    let words: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
    let (group, rest) = match words.as_slice() {
        ["api", _, rest @ ..] => ("", rest),
        ["apis", group, _, rest @ ..] => (*group, rest),
        other => panic!("no path of a resource: {other:?}"),
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] => (*namespace, rest),
        rest => ("", rest),
    };
    let part = |number: usize| rest.get(number).copied().unwrap_or_default();
    let (resource, name, subresource) = (part(0), part(1), part(2));
    let verb = if asked.method == "POST" { "create" } else { "get" };
    let level = match (verb, resource) {
        (_, "secrets" | "configmaps") => "Metadata",
        ("get", _) => "Request",
        _ => "RequestResponse",
    };
    let answered: Value = serde_json::from_str(answered).unwrap();
    let message = answered["message"].as_str().unwrap_or_default();
    let mut event = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": level, "auditID": format!("audit-{number}"),
        "stage": "ResponseComplete", "requestURI": asked.target, "verb": verb,
        "user": {"username": RUNNER, "groups": ["system:authenticated"]},
        "objectRef": {"resource": resource, "namespace": namespace, "name": name, "apiGroup": group, "subresource": subresource},
        "responseStatus": {"code": code, "message": message},
        "requestReceivedTimestamp": "2026-11-27T06:00:00.000000Z", "stageTimestamp": "2026-11-27T06:00:00.000001Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "EKS Access Policy"},
    });
    if level == "RequestResponse" {
        event["responseObject"] = answered;
        if !asked.body.is_empty() {
            event["requestObject"] = body(asked);
        }
    }
    event
}
