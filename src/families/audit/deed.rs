//! The requests that are made to be found again. Each bears a mark of the run's own where every level of an audit
//! policy keeps it, in the path or the query; each is a dry-run, or asks for an object that does not exist. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::families::restricted;
use crate::model::{Namespace, RunId};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// A pod is asked for that should be accepted.
    PodCreate,
    /// A pod is asked for in another's namespace.
    Foreign,
    /// A pod is asked for whose service account does not exist: admission refuses it on every cluster.
    Admission,
    /// A privileged pod is asked for, which Pod Security or a policy engine should refuse.
    Engine,
    /// A program is to be run in a pod that does not exist.
    Exec,
    /// A Secret is read that does not exist.
    SecretRead,
    /// A NetworkPolicy is asked for.
    FenceChange,
    /// A binding is asked for.
    BindingChange,
    /// A pod is read that does not exist.
    Read,
    /// The runner asks what it may do itself: a control.
    ControlReview,
    /// The runner reads a ConfigMap that does not exist: a control.
    ControlRead,
    /// The runner asks for the version: a control.
    ControlVersion,
}

/// A request, as it is made and as its record must show it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    /// Whether it makes something, rather than reads.
    pub(super) posts: bool,
    /// Path and query.
    pub(super) path: String,
    /// Its body.
    pub(super) body: Option<Value>,
    /// What it is about.
    pub(super) about: About,
}

/// What a request is about, as its record must show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// The verb.
    pub verb: String,
    /// The API group.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The resource; empty for a path that is none's.
    pub resource: String,
    /// The subresource.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subresource: String,
    /// The namespace; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The object's name where the path has it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
}

impl About {
    /// A verb on an object of the core group.
    pub(super) fn of(verb: &str, resource: &str, namespace: &Namespace, name: &str) -> Self {
        Self {
            verb: verb.to_owned(),
            resource: resource.to_owned(),
            namespace: namespace.to_string(),
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// In words.
    #[must_use]
    pub fn in_words(&self) -> String {
        let Self { verb, group, resource, subresource, namespace, .. } = self;
        let slash = if subresource.is_empty() { "" } else { "/" };
        let point = if group.is_empty() { "" } else { "." };
        let place = if namespace.is_empty() { String::new() } else { format!(" in {namespace}") };
        format!("{verb} {resource}{slash}{subresource}{point}{group}{place}")
    }
}

/// What the marks of a run begin with. No other request of the run has it.
pub(super) fn mark_of(run: &RunId) -> String {
    format!("tenantproof-audit-{run}-")
}

/// The mark of one request: none is the beginning of another.
pub(super) fn mark(run: &RunId, number: usize) -> String {
    format!("{}{number:05}", mark_of(run))
}

impl Deed {
    /// What a tenant's subject does, in the order in which it is done.
    pub(super) const OF_A_TENANT: [Self; 9] = [
        Self::PodCreate,
        Self::Foreign,
        Self::Admission,
        Self::Engine,
        Self::Exec,
        Self::SecretRead,
        Self::FenceChange,
        Self::BindingChange,
        Self::Read,
    ];
    /// What the runner does after all of them: any policy worth the name keeps one of these.
    pub(super) const CONTROLS: [Self; 4] =
        [Self::ControlReview, Self::ControlRead, Self::ControlVersion, Self::PodCreate];

    /// The request, in a namespace.
    pub(super) fn request(self, namespace: &Namespace, mark: &str, image: &str) -> Request {
        let make = |group: &str, resource: &str, body: Value| made(group, resource, namespace, mark, body);
        match self {
            Self::PodCreate | Self::Foreign => make("", "pods", pod(mark, image, &json!({}), &json!({}))),
            Self::Admission => make("", "pods", pod(mark, image, &json!({"serviceAccountName": mark}), &json!({}))),
            Self::Engine => {
                let context = json!({"privileged": true, "allowPrivilegeEscalation": true, "capabilities": {}});
                make("", "pods", pod(mark, image, &json!({"hostNetwork": true, "hostPID": true}), &context))
            }
            Self::FenceChange => make("networking.k8s.io", "networkpolicies", fence(mark)),
            Self::BindingChange => make("rbac.authorization.k8s.io", "rolebindings", binding(namespace, mark)),
            Self::Exec => {
                let about = About { subresource: "exec".to_owned(), ..About::of("create", "pods", namespace, mark) };
                let path = format!("{}/exec?command=true&stdout=true", path_of(namespace, "pods", mark));
                Request { posts: true, path, body: None, about }
            }
            Self::SecretRead => read("secrets", namespace, mark),
            Self::Read => read("pods", namespace, mark),
            Self::ControlRead => read("configmaps", namespace, mark),
            Self::ControlReview => {
                let about = About {
                    verb: "create".to_owned(),
                    group: "authorization.k8s.io".to_owned(),
                    resource: "selfsubjectaccessreviews".to_owned(),
                    ..About::default()
                };
                let path = format!("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews?fieldManager={mark}");
                let attributes = json!({"verb": "get", "resource": "pods", "namespace": namespace.as_str()});
                let body = json!({
                    "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
                    "spec": {"resourceAttributes": attributes},
                });
                Request { posts: true, path, body: Some(body), about }
            }
            Self::ControlVersion => Request {
                posts: false,
                path: format!("/version?mark={mark}"),
                body: None,
                about: About { verb: "get".to_owned(), ..About::default() },
            },
        }
    }

    /// Whether it is done for the sake of its refusal.
    pub(super) const fn is_to_be_refused(self) -> bool {
        matches!(self, Self::Foreign | Self::Admission | Self::Engine)
    }

    /// Whether it sends an object, which a level above `Metadata` keeps where it was read.
    pub(super) const fn sends(self) -> bool {
        !matches!(self, Self::Exec | Self::SecretRead | Self::Read | Self::ControlRead | Self::ControlVersion)
    }

    /// Whether the runner's own request serves where the tenant's was refused: what matters is the object.
    pub(super) const fn may_be_the_runners(self) -> bool {
        !matches!(self, Self::Foreign)
    }

    /// In words, after "a tenant's subject".
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Self::PodCreate => "asks for a pod",
            Self::Foreign => "asks for a pod in another's namespace and is refused",
            Self::Admission => "asks for a pod that admission refuses",
            Self::Engine => "asks for a privileged pod and is refused",
            Self::Exec => "tries to run a program in a pod",
            Self::SecretRead => "reads a Secret",
            Self::FenceChange => "changes a NetworkPolicy",
            Self::BindingChange => "binds a role",
            Self::Read => "reads a pod",
            Self::ControlReview => "asks what it may do",
            Self::ControlRead => "reads a ConfigMap",
            Self::ControlVersion => "asks for the version",
        }
    }
}

fn path_of(namespace: &Namespace, resource: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/{resource}/{name}")
}

fn read(resource: &str, namespace: &Namespace, mark: &str) -> Request {
    let path = path_of(namespace, resource, mark);
    Request { posts: false, path, body: None, about: About::of("get", resource, namespace, mark) }
}

fn made(group: &str, resource: &str, namespace: &Namespace, mark: &str, body: Value) -> Request {
    let root = if group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{group}/v1") };
    let path = format!("{root}/namespaces/{namespace}/{resource}?dryRun=All&fieldManager={mark}");
    let about = About { group: group.to_owned(), ..About::of("create", resource, namespace, "") };
    Request { posts: true, path, body: Some(body), about }
}

/// A pod that meets the restricted Pod Security level, but for what is given.
fn pod(mark: &str, image: &str, spec: &Value, context: &Value) -> Value {
    let mut pod = restricted::pod(mark, image);
    for (place, part) in [("/spec/containers/0/securityContext", context), ("/spec", spec)] {
        if let Some(whole) = pod.pointer_mut(place) {
            join(whole, part);
        }
    }
    pod
}

fn join(whole: &mut Value, part: &Value) {
    if let (Some(whole), Some(part)) = (whole.as_object_mut(), part.as_object()) {
        whole.extend(part.clone());
    }
}

fn fence(mark: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": mark},
        "spec": {"podSelector": {"matchLabels": {"tenantproof.dev/nobody": mark}}, "policyTypes": ["Ingress"]},
    })
}

fn binding(namespace: &Namespace, mark: &str) -> Value {
    let group = "rbac.authorization.k8s.io";
    json!({
        "apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": {"name": mark},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "ServiceAccount", "namespace": namespace.as_str(), "name": "default"}],
    })
}

#[cfg(test)]
mod tests {
    use super::{Deed, mark, mark_of};

    #[test]
    fn every_request_bears_its_mark_and_changes_nothing() {
        let run = "20261124-140000-abcd".into();
        let mark = mark(&run, 7);
        assert!(mark.starts_with(&mark_of(&run)) && mark.len() < 63, "{mark}");
        for deed in Deed::OF_A_TENANT.into_iter().chain(Deed::CONTROLS) {
            let request = deed.request(&"a".into(), &mark, "i");
            assert!(request.path.contains(&mark), "{deed:?} should bear its mark: {}", request.path);
            if request.posts {
                let harmless = request.path.contains("dryRun=All")
                    || request.path.contains("/selfsubjectaccessreviews?")
                    // A program is run in no pod but one that is named as no pod is.
                    || request.path.starts_with(&format!("/api/v1/namespaces/a/pods/{mark}/exec?"));
                assert!(harmless, "{deed:?} should make nothing: {}", request.path);
            }
            if request.about.resource == "secrets" {
                assert!(!request.posts && request.path.ends_with(&format!("/{mark}")), "no Secret has that name");
            }
        }
    }
}
