//! Policies of a test's own: they choose the test's namespaces by name, so that no other test sees them.

use std::time::Duration;

use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use serde_json::{Value, json};

use super::Lab;
use super::lab::eventually;

/// The API group of what the API server carries out itself.
const REGISTRATION: &str = "admissionregistration.k8s.io";

/// Cluster-wide objects that are removed whatever becomes of the test, the last first.
pub(crate) struct Policies<'a> {
    lab: &'a Lab,
    made: Vec<Value>,
}

impl<'a> Policies<'a> {
    pub(crate) fn new(lab: &'a Lab) -> Self {
        Self { lab, made: Vec::new() }
    }

    /// Makes an object as a whole, or puts it back.
    pub(crate) fn put(&mut self, object: &Value) {
        put(self.lab, object);
        let same = |other: &&Value| other["kind"] == object["kind"] && other["metadata"] == object["metadata"];
        if !self.made.iter().any(|other| same(&other)) {
            self.made.push(object.clone());
        } else if object["kind"].as_str().is_some_and(|kind| kind.starts_with("ValidatingAdmissionPolicy")) {
            // The API server goes by a change of its own policies up to a second later; until then the old one refuses,
            // and a run rightly says so.
            std::thread::sleep(Duration::from_millis(1500));
        }
    }

    /// Takes an object away; [`Self::put`] puts it back.
    pub(crate) fn delete(&self, object: &Value) {
        delete(self.lab, object);
    }
}

impl Drop for Policies<'_> {
    fn drop(&mut self) {
        for object in self.made.iter().rev() {
            delete(self.lab, object);
        }
    }
}

fn api_of(client: Client, object: &Value) -> (Api<DynamicObject>, String) {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api_version, kind) = (text("/apiVersion"), text("/kind"));
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let gvk = GroupVersionKind::gvk(group, version, &kind);
    // The plural of a constraint is its kind in small letters.
    let resource = if group.starts_with("constraints.") {
        ApiResource::from_gvk_with_plural(&gvk, &kind.to_lowercase())
    } else {
        ApiResource::from_gvk(&gvk)
    };
    let namespace = text("/metadata/namespace");
    let api = if namespace.is_empty() {
        Api::all_with(client, &resource)
    } else {
        Api::namespaced_with(client, &namespace, &resource)
    };
    (api, text("/metadata/name"))
}

/// Writes an object as a whole: of a kind that was made just before as soon as it is served.
fn put(lab: &Lab, object: &Value) {
    let (api, name) = api_of(lab.client.clone(), object);
    let force = PatchParams::apply("tenantproof-tests").force();
    let mut why = String::new();
    eventually(&format!("{} {name}: {why}", object["kind"]), Duration::from_secs(60), || {
        match lab.wait(api.patch(&name, &force, &Patch::Apply(object))) {
            Ok(_) => true,
            Err(error) => {
                why = error.to_string();
                eprintln!("{name}: {why}");
                false
            }
        }
    });
}

fn delete(lab: &Lab, object: &Value) {
    let (api, name) = api_of(lab.client.clone(), object);
    let _ = lab.wait(api.delete(&name, &DeleteParams::default()));
}

/// Whether the lab has a custom resource of this name.
pub(crate) fn serves(lab: &Lab, crd: &str) -> bool {
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition"));
    let api: Api<DynamicObject> = Api::all_with(lab.client.clone(), &kind);
    matches!(lab.wait(api.get_opt(crd)), Ok(Some(_)))
}

/// A ValidatingAdmissionPolicy about objects, and its binding for one namespace.
pub(crate) fn builtin(name: &str, namespace: &str, rule: &Value, expression: &str) -> (Value, Value) {
    let policy = json!({
        "apiVersion": format!("{REGISTRATION}/v1"),
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": expression, "message": "against a rule"}],
        },
    });
    let binding = json!({
        "apiVersion": format!("{REGISTRATION}/v1"),
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": only(namespace)},
        },
    });
    (policy, binding)
}

/// Chooses one namespace by its name.
pub(crate) fn only(namespace: &str) -> Value {
    json!({"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": [namespace]}]})
}

/// A webhook for pods of one namespace: what it calls, how long it waits, and what becomes of the request then.
pub(crate) fn webhook(name: &str, namespace: &str, calls: &Value, failure_policy: &str) -> Value {
    json!({
        "apiVersion": format!("{REGISTRATION}/v1"),
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [{
            "name": "validation.gatekeeper.sh",
            "admissionReviewVersions": ["v1"],
            "clientConfig": calls,
            "failurePolicy": failure_policy,
            "namespaceSelector": only(namespace),
            "rules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                 "resources": ["pods", "pods/ephemeralcontainers"]},
                {"apiGroups": ["apps", "batch"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"],
                 "resources": ["deployments", "statefulsets", "jobs", "cronjobs"]},
            ],
            "sideEffects": "None",
            "timeoutSeconds": 5,
        }],
    })
}

/// How Gatekeeper of this lab is called.
pub(crate) fn calls_gatekeeper(lab: &Lab) -> Value {
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk(REGISTRATION, "v1", "ValidatingWebhookConfiguration"));
    let api: Api<DynamicObject> = Api::all_with(lab.client.clone(), &kind);
    let own = lab.wait(api.get("gatekeeper-validating-webhook-configuration")).unwrap();
    own.data["webhooks"][0]["clientConfig"].clone()
}

/// A template and a constraint of Gatekeeper: pods of one namespace with `classification: PHI` run as non-root.
pub(crate) fn gatekeeper(kind: &str, namespace: &str) -> (Value, Value) {
    let lower = kind.to_lowercase();
    let rego = format!(
        "package {lower}\n\
         pod = input.review.object {{ input.review.kind.kind == \"Pod\" }}\n\
         pod = input.review.object.spec.template {{ input.review.object.spec.template }}\n\
         pod = input.review.object.spec.jobTemplate.spec.template {{ input.review.object.spec.jobTemplate }}\n\
         all[c] {{ c := pod.spec.containers[_] }}\n\
         all[c] {{ c := pod.spec.initContainers[_] }}\n\
         all[c] {{ c := pod.spec.ephemeralContainers[_] }}\n\
         own(c) {{ c.securityContext.runAsNonRoot == true }}\n\
         own(c) {{ c.securityContext.runAsNonRoot == false }}\n\
         holds(c) {{ c.securityContext.runAsNonRoot == true }}\n\
         holds(c) {{ not own(c); pod.spec.securityContext.runAsNonRoot == true }}\n\
         violation[{{\"msg\": msg}}] {{\n  pod.metadata.labels.classification == \"PHI\"\n  c := all[_]\n  not holds(c)\n  \
         msg := sprintf(\"container %v may run as root\", [c.name])\n}}\n"
    );
    let template = json!({
        "apiVersion": "templates.gatekeeper.sh/v1",
        "kind": "ConstraintTemplate",
        "metadata": {"name": lower},
        "spec": {
            "crd": {"spec": {"names": {"kind": kind}}},
            "targets": [{"target": "admission.k8s.gatekeeper.sh", "rego": rego}],
        },
    });
    let constraint = json!({
        "apiVersion": "constraints.gatekeeper.sh/v1beta1",
        "kind": kind,
        "metadata": {"name": format!("{lower}-phi")},
        "spec": {
            "enforcementAction": "deny",
            "match": {
                "namespaces": [namespace],
                "kinds": [
                    {"apiGroups": [""], "kinds": ["Pod"]},
                    {"apiGroups": ["apps"], "kinds": ["Deployment", "StatefulSet"]},
                    {"apiGroups": ["batch"], "kinds": ["Job", "CronJob"]},
                ],
            },
        },
    });
    (template, constraint)
}
