//! From documents to objects: each is taken, irrelevant, a policy that is not modelled, or an error.

mod rbac;

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use serde::de::DeserializeOwned;

use super::decode::{Misfit, decode};
use super::node::{Node, Place, Value};
use super::{ManifestError, ManifestErrors, Manifests, PolicySource, TEMPLATE_HELP, Workload, check};
use crate::model::Namespace;
use crate::semantics::network::{Endpoint, PolicyName, is_foreign_policy, is_namespaced};
use crate::semantics::{ForeignPolicy, Unreadable};

/// Workloads: their API version and kind, where their pod template is, and labels that their controllers set.
const WORKLOADS: [(&str, &str, &[&str], &[&str]); 7] = [
    ("apps/v1", "Deployment", &["spec", "template"], &["pod-template-hash"]),
    ("apps/v1", "ReplicaSet", &["spec", "template"], &[]),
    ("v1", "ReplicationController", &["spec", "template"], &[]),
    (
        "apps/v1",
        "StatefulSet",
        &["spec", "template"],
        &["controller-revision-hash", "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"],
    ),
    ("apps/v1", "DaemonSet", &["spec", "template"], &["controller-revision-hash", "pod-template-generation"]),
    ("batch/v1", "Job", &["spec", "template"], &JOB_LABELS),
    ("batch/v1", "CronJob", &["spec", "jobTemplate", "spec", "template"], &JOB_LABELS),
];

const JOB_LABELS: [&str; 5] = [
    "controller-uid",
    "job-name",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "batch.kubernetes.io/job-completion-index",
];

/// An object's identity, and where it was read first.
type Identity = (String, String, String);

/// What has been read so far.
#[derive(Default)]
pub(super) struct Reading {
    manifests: Manifests,
    seen: HashMap<Identity, (String, Rc<Node>)>,
    notes: BTreeMap<String, usize>,
    pub(super) errors: Vec<ManifestError>,
}

/// One object and where it is.
#[derive(Clone, Copy)]
struct Object<'a> {
    file: &'a str,
    node: &'a Rc<Node>,
    api_version: &'a str,
    kind: &'a str,
}

impl Object<'_> {
    fn metadata(&self, key: &str) -> Option<&str> {
        self.node.get("metadata")?.get(key)?.text().filter(|text| !text.is_empty())
    }

    fn name(&self) -> &str {
        self.metadata("name").unwrap_or_default()
    }

    /// Its namespace; `default` where it has none, as the API has it.
    fn namespace(&self) -> &str {
        self.metadata("namespace").unwrap_or("default")
    }

    fn place(&self) -> String {
        format!("{}:{}", self.file, self.node.place.line)
    }
}

impl Reading {
    /// All that was read, or all errors.
    pub(super) fn finish(mut self) -> Result<Manifests, ManifestErrors> {
        if !self.errors.is_empty() {
            return Err(ManifestErrors(self.errors));
        }
        for (note, times) in self.notes {
            self.manifests.notes.push(if times == 1 { note } else { format!("{note} ({times} times)") });
        }
        Ok(self.manifests)
    }

    fn error(&mut self, file: &str, place: Place, message: String, help: Option<&str>) {
        let help = help.map(str::to_owned);
        self.errors.push(ManifestError { file: file.to_owned(), place: Some(place), message, help });
    }

    fn note(&mut self, note: String) {
        *self.notes.entry(note).or_default() += 1;
    }

    /// Takes one document.
    pub(super) fn document(&mut self, file: &str, node: &Rc<Node>) {
        match &node.value {
            Value::Null => {}
            Value::List(items) => items.iter().for_each(|item| self.document(file, item)),
            Value::Map(_) => self.mapping(file, node, None),
            _ => self.note(format!("{file} holds a document that is no Kubernetes object")),
        }
    }

    fn mapping(&mut self, file: &str, node: &Rc<Node>, of_list: Option<(&str, &str)>) {
        let text = |key: &str| node.get(key).and_then(|value| value.text());
        let (api_version, kind) = match (text("apiVersion"), text("kind"), of_list) {
            (Some(api_version), Some(kind), _) => (api_version, kind),
            (None, None, Some(of_list)) => of_list,
            (Some(_), None, _) if node.get("metadata").is_some() => {
                return self.error(file, node.place, "this object has no kind".to_owned(), None);
            }
            (None, Some(kind), _) if kind != "Kustomization" && node.get("metadata").is_some() => {
                let message = format!("this {kind} has no apiVersion");
                return self.error(file, node.place, message, None);
            }
            (_, Some("Kustomization"), _) => ("kustomize.config.k8s.io/v1beta1", "Kustomization"),
            _ => return self.note(format!("{file} holds a document that is no Kubernetes object")),
        };
        let object = Object { file, node, api_version, kind };
        match kind.strip_suffix("List").filter(|_| node.get("items").is_some_and(|items| !items.is_map())) {
            Some(of) => self.list(object, of),
            None => self.object(object),
        }
    }

    /// A `List`, whose items say what they are, or a typed list, whose items need not.
    fn list(&mut self, list: Object<'_>, of: &str) {
        for item in list.node.get("items").into_iter().flat_map(|items| items.items()) {
            if item.is_map() {
                let of_list = (!of.is_empty()).then_some((list.api_version, of));
                self.mapping(list.file, item, of_list);
            } else if !matches!(item.value, Value::Null) {
                let message = format!("expected an object in this list, found {}", item.describe());
                self.error(list.file, item.place, message, None);
            }
        }
    }

    fn object(&mut self, object: Object<'_>) {
        match (object.api_version, object.kind) {
            ("v1", "Namespace") => self.take(object, false, |m| &mut m.snapshot.namespaces),
            ("v1", "Pod") => self.take(object, true, |m| &mut m.snapshot.pods),
            ("networking.k8s.io/v1", "NetworkPolicy") => self.policy(object),
            ("v1", "Service") => self.take_leniently(object, "services", |m| &mut m.snapshot.services),
            ("policy/v1", "PodDisruptionBudget") => {
                self.take_leniently(object, "poddisruptionbudgets.policy", |m| &mut m.snapshot.disruption_budgets);
            }
            ("autoscaling/v2", "HorizontalPodAutoscaler") => {
                self.take_leniently(object, "horizontalpodautoscalers.autoscaling", |m| &mut m.snapshot.autoscalers);
            }
            ("v1", "ResourceQuota") => self.take_leniently(object, "resourcequotas", |m| &mut m.snapshot.quotas),
            ("v1", "LimitRange") => self.take_leniently(object, "limitranges", |m| &mut m.snapshot.limit_ranges),
            ("v1", "Node") => self.take_leniently(object, "nodes", |m| &mut m.snapshot.nodes),
            (api_version, kind @ ("Pod" | "Namespace")) if !api_version.contains('/') => {
                let message = format!("there is no {kind} of apiVersion {api_version}; it is v1");
                self.error(object.file, object.node.place, message, None);
            }
            (api_version, kind) if is_foreign_policy(api_version, kind) => self.foreign(object),
            (api_version, kind) => {
                self.rbac(object);
                if let Some((_, _, path, labels)) =
                    WORKLOADS.iter().find(|(version, workload, _, _)| *version == api_version && *workload == kind)
                {
                    self.workload(object, path, labels);
                }
                if kind == "Kustomization" {
                    self.note(format!(
                        "{} is not built: what it changes is not seen; give the output of `kustomize build` instead",
                        object.file
                    ));
                }
                *self.manifests.irrelevant.entry(format!("{api_version} {kind}")).or_default() += 1;
            }
        }
    }

    /// Whether an object is new. One that says the same as before is passed over with a note; one that differs is
    /// an error, for which of the two a cluster would have depends on the order in which they are applied.
    fn is_new(&mut self, object: Object<'_>, namespaced: bool) -> bool {
        if object.name().is_empty() {
            if object.kind == "Pod" && object.metadata("generateName").is_some() {
                return true;
            }
            let message = format!("this {} has no metadata.name", object.kind);
            self.error(object.file, object.node.place, message, None);
            return false;
        }
        let namespace = if namespaced { object.namespace() } else { "" };
        let group = object.api_version.split_once('/').map_or("", |(group, _)| group);
        let identity = (format!("{group}/{}", object.kind), namespace.to_owned(), object.name().to_owned());
        let title = match namespace {
            "" => format!("{} {}", object.kind, object.name()),
            namespace => format!("{} {namespace}/{}", object.kind, object.name()),
        };
        match self.seen.get(&identity) {
            None => {
                self.seen.insert(identity, (object.place(), Rc::clone(object.node)));
                true
            }
            Some((first, node)) if node.says_the_same_as(object.node) => {
                let twice = format!("{title} is declared at {first} and again, the same, at {}", object.place());
                self.note(twice);
                false
            }
            Some((first, _)) => {
                let message = format!("{title} is declared twice and differently; it is first at {first}");
                let help = "leave one of them, or give a folder that holds only one layer";
                self.error(object.file, object.node.place, message, Some(help));
                false
            }
        }
    }

    fn decoded<T: DeserializeOwned>(&mut self, object: Object<'_>) -> Option<T> {
        if let Some(node) = template_in(object.node) {
            let message = format!("{} of this {} is a template", node.describe(), object.kind);
            self.error(object.file, node.place, message, Some(TEMPLATE_HELP));
            return None;
        }
        match decode(object.node) {
            Ok(value) => Some(value),
            Err(misfit) => {
                self.misfit(object, &misfit);
                None
            }
        }
    }

    fn misfit(&mut self, object: Object<'_>, misfit: &Misfit) {
        let message = format!("{} {}: {}", object.kind, object.name(), misfit.sentence());
        self.error(object.file, misfit.place.unwrap_or(object.node.place), message, None);
    }

    fn take<T: DeserializeOwned>(
        &mut self,
        object: Object<'_>,
        namespaced: bool,
        list: impl FnOnce(&mut Manifests) -> &mut Vec<T>,
    ) {
        if let Some(value) = self.decoded(object)
            && self.is_new(object, namespaced)
        {
            list(&mut self.manifests).push(value);
        }
    }

    /// Takes an object of which only some families need to know: one that doesn't fit is unreadable, not an error.
    fn take_leniently<T: DeserializeOwned>(
        &mut self,
        object: Object<'_>,
        resource: &str,
        list: impl FnOnce(&mut Manifests) -> &mut Vec<T>,
    ) {
        match decode(object.node) {
            Ok(value) => list(&mut self.manifests).push(value),
            Err(misfit) => self.manifests.snapshot.unreadable.push(Unreadable {
                resource: resource.to_owned(),
                namespace: object.metadata("namespace").map(str::to_owned),
                why: format!("{}: {}", object.place(), misfit.sentence()),
            }),
        }
    }

    fn policy(&mut self, object: Object<'_>) {
        let Some(mut policy) = self.decoded::<NetworkPolicy>(object) else { return };
        let faults = check::policy(object.node);
        for (place, message) in &faults {
            let message = format!("NetworkPolicy {}/{}: {message}", object.namespace(), object.name());
            self.error(object.file, *place, message, None);
        }
        if !faults.is_empty() || !self.is_new(object, true) {
            return;
        }
        policy.metadata.namespace = Some(object.namespace().to_owned());
        let spec = object.node.get("spec");
        let lines = |direction: &str| {
            let rules = spec.and_then(|spec| spec.get(direction)).map(|rules| rules.items()).unwrap_or_default();
            rules.iter().map(|rule| rule.place.line).collect()
        };
        let source = PolicySource {
            file: object.file.to_owned(),
            line: object.node.place.line,
            ingress: lines("ingress"),
            egress: lines("egress"),
        };
        let name = PolicyName { namespace: object.namespace().to_owned(), name: object.name().to_owned() };
        self.manifests.policies.insert(name, source);
        self.manifests.snapshot.network_policies.push(policy);
    }

    fn foreign(&mut self, object: Object<'_>) {
        if !self.is_new(object, true) {
            return;
        }
        let namespace = match is_namespaced(object.api_version, object.kind) {
            Some(true) => Some(object.namespace()),
            Some(false) => None,
            None => object.metadata("namespace"),
        };
        self.manifests.snapshot.foreign.push(ForeignPolicy {
            api_version: object.api_version.to_owned(),
            kind: object.kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: object.name().to_owned(),
            place: object.place(),
            object: object.node.to_json(),
        });
    }

    fn workload(&mut self, object: Object<'_>, path: &[&str], controller_labels: &[&str]) {
        let template = path.iter().try_fold(object.node, |node, step| node.get(step));
        let Some(template) = template else { return };
        let template: PodTemplateSpec = match decode(template) {
            Ok(template) => template,
            Err(misfit) => return self.misfit(object, &misfit),
        };
        let labels = template.metadata.and_then(|metadata| metadata.labels).unwrap_or_default();
        let spec = template.spec.unwrap_or_default();
        let namespace = Namespace::from(object.namespace());
        let mut endpoint = Endpoint::from_template(namespace, labels, &spec);
        let unset = controller_labels.iter().filter(|key| !endpoint.labels.contains_key(**key));
        endpoint.labels_not_known = unset.map(|key| (*key).to_owned()).collect();
        self.manifests.workloads.push(Workload {
            kind: object.kind.to_owned(),
            name: object.name().to_owned(),
            endpoint,
            place: object.place(),
        });
    }
}

/// A text of an object's metadata or of a policy's spec that is a template which nobody rendered.
fn template_in(object: &Node) -> Option<&Node> {
    let metadata = object.get("metadata")?;
    let named = ["name", "namespace", "labels"].iter().filter_map(|key| metadata.get(key));
    let spec = object.get("spec").filter(|spec| spec.get("podSelector").is_some());
    named.chain(spec).find_map(|node| node.find_text("{{"))
}
