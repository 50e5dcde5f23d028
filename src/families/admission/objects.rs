//! Objects that meet every rule of a tenancy, and changes that make one of them break a rule. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::families::restricted;
use crate::model::TenantId;
use crate::semantics::admission::standards::{PUBLIC_ACCESS_BLOCK, breaks};
use crate::tenancy::{AdmissionRule, Requirement};

/// The gate that keeps a pod from ever being scheduled.
const GATE: &str = "tenantproof.dev/never";
/// An image of no registry that a rule allows: the host can't exist (RFC 2606).
pub(super) const ELSEWHERE: &str = "tenantproof.invalid/never-pulled:0";

/// A pod that meets these rules for a tenant, with the labels of the pods that the first is about.
pub(super) fn pod(rule: &AdmissionRule, rules: &[&AdmissionRule], tenant: &TenantId) -> Value {
    let mut labels = rule.pods.clone();
    for other in rules {
        if !holds_for(other, &labels) {
            continue;
        }
        if let Requirement::Labels(marks) = &other.require {
            let own = marks.iter().map(|mark| (mark.key.clone(), mark.value_for(tenant).to_owned()));
            labels.extend(own.collect::<BTreeMap<_, _>>());
        }
    }
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "labels": labels,
            "annotations": restricted::annotations(),
        },
        "spec": {
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "terminationGracePeriodSeconds": 0,
            "schedulingGates": [{"name": GATE}],
            "securityContext": restricted::of_pod(),
            "containers": [container("c0", &image(rules))],
        },
    })
}

/// Whether a rule is about pods with these labels.
fn holds_for(rule: &AdmissionRule, labels: &BTreeMap<String, String>) -> bool {
    rule.pods.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// A container that meets every level, and asks for next to nothing.
pub(super) fn container(name: &str, image: &str) -> Value {
    json!({
        "name": name,
        "image": image,
        "resources": {"requests": {"cpu": "1m", "memory": "4Mi"}, "limits": {"cpu": "10m", "memory": "16Mi"}},
        "securityContext": restricted::of_container(),
    })
}

/// An image that every rule about registries allows, where there is one. It is never pulled.
fn image(rules: &[&AdmissionRule]) -> String {
    let registries = |rule: &&&AdmissionRule| matches!(rule.require, Requirement::Registries(_));
    let rules: Vec<&&AdmissionRule> = rules.iter().filter(registries).collect();
    let prefixes = rules.iter().filter_map(|rule| match &rule.require {
        Requirement::Registries(prefixes) => Some(prefixes),
        _ => None,
    });
    let tenant = TenantId::from("");
    let allowed = |image: &String| {
        let pod = json!({"spec": {"containers": [{"image": image}]}});
        rules.iter().all(|rule| breaks(rule, &tenant, &pod).is_none())
    };
    let made = prefixes.flatten().map(|prefix| {
        // A prefix that names one image whole is that image.
        let last = prefix.rsplit('/').next().unwrap_or_default();
        let whole = last.contains('@') || (last.contains(':') && prefix.contains('/'));
        let slash = if prefix.ends_with('/') { "" } else { "/" };
        if whole { prefix.clone() } else { format!("{prefix}{slash}tenantproof/never-pulled:0") }
    });
    made.into_iter().find(allowed).unwrap_or_else(|| "registry.k8s.io/pause:3.10".to_owned())
}

/// A bucket that meets these rules for a tenant. It is asked for by dry-run alone.
pub(super) fn bucket(rules: &[&AdmissionRule], tenant: &TenantId) -> Value {
    let mut tags: BTreeMap<String, String> = BTreeMap::new();
    for rule in rules {
        if let Requirement::Bucket { tags: marks, .. } = &rule.require {
            tags.extend(marks.iter().map(|mark| (mark.key.clone(), mark.value_for(tenant).to_owned())));
        }
    }
    let block: Map<String, Value> = PUBLIC_ACCESS_BLOCK.iter().map(|way| ((*way).to_owned(), json!(true))).collect();
    json!({
        "apiVersion": "s3.services.k8s.aws/v1alpha1",
        "kind": "Bucket",
        "metadata": {},
        "spec": {
            "name": "tenantproof-never-made",
            "tagging": {"tagSet": tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect::<Vec<_>>()},
            "publicAccessBlock": block,
        },
    })
}

/// One change of one field: its path, and its value; `None` takes it away. A number in a path is an index of containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    path: Vec<String>,
    value: Option<Value>,
}

impl Edit {
    /// Sets a field.
    pub(super) fn set(path: &[&str], value: Value) -> Self {
        Self { path: path.iter().map(|part| (*part).to_owned()).collect(), value: Some(value) }
    }

    /// Takes a field away.
    pub(super) fn remove(path: &[&str]) -> Self {
        Self { path: path.iter().map(|part| (*part).to_owned()).collect(), value: None }
    }

    /// The same change of what lies in `spec.template` of a workload.
    pub(super) fn of_template(self) -> Self {
        let path = ["spec", "template"].map(str::to_owned).into_iter().chain(self.path).collect();
        Self { path, ..self }
    }

    /// Makes the change.
    pub(super) fn apply(&self, object: &mut Value) {
        let Some((last, path)) = self.path.split_last() else { return };
        let mut at = object;
        for part in path {
            at = match part.parse::<usize>().ok() {
                Some(index) => match at.get_mut(index) {
                    Some(container) => container,
                    None => return,
                },
                None => field(at, part),
            };
        }
        match (&self.value, at) {
            (Some(value), at) => *field(at, last) = value.clone(),
            (None, Value::Object(fields)) => drop(fields.remove(last)),
            (None, _) => {}
        }
    }

    /// The change as a patch: a container is told by its name.
    pub(super) fn patch(&self) -> Value {
        let value = self.value.clone().unwrap_or(Value::Null);
        self.path.iter().rev().fold(value, |inner, part| match part.parse::<usize>() {
            Ok(index) => {
                let mut inner = inner;
                inner["name"] = json!(format!("c{index}"));
                json!([inner])
            }
            Err(_) => json!({part: inner}),
        })
    }
}

/// A field of an object, which is made where it is missing.
fn field<'a>(object: &'a mut Value, name: &str) -> &'a mut Value {
    if !object.is_object() {
        *object = json!({});
    }
    &mut object[name]
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::{Edit, bucket, image, pod};
    use crate::model::TenantId;
    use crate::semantics::admission::standards::breaks;
    use crate::tenancy::{AdmissionRule, Mark, PodSecurityLevel, Requirement};

    fn rule(require: Requirement) -> AdmissionRule {
        AdmissionRule {
            id: "r".into(),
            tenants: Vec::new(),
            pods: [("class".to_owned(), "PHI".to_owned())].into(),
            require,
        }
    }

    #[test]
    fn what_meets_the_rules_meets_all_of_them() {
        let mark = |value: Option<&str>| Mark { key: "tenant".to_owned(), value: value.map(str::to_owned) };
        let tenant = TenantId::from("a");
        let rules = [
            rule(Requirement::RunAsNonRoot),
            rule(Requirement::PodSecurity(PodSecurityLevel::Restricted)),
            rule(Requirement::Registries(vec!["registry.example.com/".to_owned()])),
            rule(Requirement::Labels(vec![mark(None)])),
        ];
        let all: Vec<&AdmissionRule> = rules.iter().collect();
        for rule in &rules {
            assert_eq!(breaks(rule, &tenant, &pod(rule, &all, &tenant)), None, "{rule:?}");
        }
        assert_eq!(pod(&rules[0], &all, &tenant)["metadata"]["labels"], json!({"class": "PHI", "tenant": "a"}));
        let of_buckets = rule(Requirement::Bucket { tags: vec![mark(Some("x"))], public_access_block: true });
        assert_eq!(breaks(&of_buckets, &tenant, &bucket(&[&of_buckets], &tenant)), None);
    }

    #[rstest]
    #[case(&["registry.example.com/"], "registry.example.com/tenantproof/never-pulled:0")]
    #[case(&["registry.example.com/team"], "registry.example.com/team/tenantproof/never-pulled:0")]
    #[case(&["localhost:5000"], "localhost:5000/tenantproof/never-pulled:0")]
    #[case(&["registry.example.com/app:1"], "registry.example.com/app:1")]
    #[case(&[], "registry.k8s.io/pause:3.10")]
    fn an_image_is_one_that_is_allowed(#[case] prefixes: &[&str], #[case] expected: &str) {
        let prefixes: Vec<String> = prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
        let rules = if prefixes.is_empty() { Vec::new() } else { vec![rule(Requirement::Registries(prefixes))] };
        assert_eq!(image(&rules.iter().collect::<Vec<_>>()), expected);
    }

    #[rstest]
    #[case(
        Edit::set(&["spec", "containers", "0", "image"], json!("x")),
        json!({"spec": {"containers": [{"name": "c0", "image": "x"}]}}),
        json!({"spec": {"containers": [{"name": "c0", "image": "x"}]}, "metadata": {"labels": {"a/b": "c"}}})
    )]
    #[case(
        Edit::remove(&["metadata", "labels", "a/b"]),
        json!({"metadata": {"labels": {"a/b": null}}}),
        json!({"spec": {"containers": [{"name": "c0", "image": "i"}]}, "metadata": {"labels": {}}})
    )]
    fn a_change_is_a_patch_and_a_new_whole(#[case] edit: Edit, #[case] patch: Value, #[case] whole: Value) {
        let mut object =
            json!({"spec": {"containers": [{"name": "c0", "image": "i"}]}, "metadata": {"labels": {"a/b": "c"}}});
        assert_eq!(edit.patch(), patch);
        edit.apply(&mut object);
        assert_eq!(object, whole);
        assert_eq!(edit.of_template().patch()["spec"]["template"], patch);
    }
}
