//! Roles and their bindings.
//!
//! Only questions about RBAC need them, so none of their faults is an error that would hinder other questions: what
//! cannot be read, or would be refused, is kept with what is wrong about it, and makes unknown what it could touch.

use std::rc::Rc;

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;

use super::super::RbacSource;
use super::super::decode::{Misfit, decode};
use super::super::node::Node;
use super::{Object, Reading};
use crate::semantics::rbac::{API_GROUP, ForeignGrant, NotUnderstood, ObjectKind, ObjectName, Refused, could_grant};

const ROLE: &[&str] = &["apiVersion", "kind", "metadata", "rules"];
const CLUSTER_ROLE: &[&str] = &["apiVersion", "kind", "metadata", "rules", "aggregationRule"];
const BINDING: &[&str] = &["apiVersion", "kind", "metadata", "roleRef", "subjects"];
const RULE: &[&str] = &["verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"];
const AGGREGATION: &[&str] = &["clusterRoleSelectors"];
const SELECTOR: &[&str] = &["matchLabels", "matchExpressions"];
const REQUIREMENT: &[&str] = &["key", "operator", "values"];
const ROLE_REF: &[&str] = &["apiGroup", "kind", "name"];
const SUBJECT: &[&str] = &["apiGroup", "kind", "name", "namespace"];

impl Reading {
    /// Takes an object if it is of RBAC, or one from which some controller makes roles.
    pub(super) fn rbac(&mut self, object: Object<'_>) {
        let group = object.api_version.split_once('/').map_or("", |(group, _)| group);
        let kind = ObjectKind::parse(object.kind).filter(|_| group == API_GROUP);
        let Some(kind) = kind else {
            if let Some(stays) = could_grant(object.api_version, object.kind) {
                self.manifests.rbac.foreign.push(ForeignGrant {
                    api_version: object.api_version.to_owned(),
                    kind: object.kind.to_owned(),
                    namespace: stays.then(|| object.namespace().to_owned()),
                    name: object.name().to_owned(),
                    place: object.place(),
                });
            }
            return;
        };
        if let Err(why) = self.role_or_binding(object, kind) {
            let namespace = kind.is_namespaced().then(|| object.namespace().to_owned());
            let readable = |text: &String| !text.contains("{{");
            self.manifests.rbac.not_understood.push(NotUnderstood {
                kind,
                namespace: namespace.filter(readable),
                name: Some(object.name().to_owned()).filter(|name| !name.is_empty() && readable(name)),
                why: format!("{}: {why}", object.place()),
            });
        }
    }

    fn role_or_binding(&mut self, object: Object<'_>, kind: ObjectKind) -> Result<(), String> {
        let parts = ["metadata", "rules", "aggregationRule", "roleRef", "subjects"];
        let texts = parts.iter().filter_map(|part| object.node.get(part)).flat_map(|part| without_annotations(part));
        if let Some(node) = texts.into_iter().find_map(|node| node.find_text("{{")) {
            return Err(format!("{} is a template that was not rendered", node.describe()));
        }
        let mut metadata: ObjectMeta = part(object, "metadata")?;
        // A name that the API server will make up is one that nothing else can refer to.
        let name = metadata.name.clone().filter(|name| !name.is_empty()).or_else(|| metadata.generate_name.clone());
        let name = name.ok_or("it has no metadata.name")?;
        metadata.name = Some(name.clone());
        metadata.namespace = kind.is_namespaced().then(|| object.namespace().to_owned());
        let name = ObjectName { kind, namespace: metadata.namespace.clone(), name };
        if !self.is_another(object, &name) {
            return Ok(());
        }
        let rbac = &mut self.manifests.rbac;
        match kind {
            ObjectKind::Role => rbac.roles.push(Role { metadata, rules: part(object, "rules")? }),
            ObjectKind::ClusterRole => {
                let aggregation_rule = part(object, "aggregationRule")?;
                rbac.cluster_roles.push(ClusterRole { metadata, aggregation_rule, rules: part(object, "rules")? });
            }
            ObjectKind::RoleBinding => {
                let role_ref = part(object, "roleRef")?;
                rbac.role_bindings.push(RoleBinding { metadata, role_ref, subjects: part(object, "subjects")? });
            }
            ObjectKind::ClusterRoleBinding => {
                let (role_ref, subjects) = (part(object, "roleRef")?, part(object, "subjects")?);
                rbac.cluster_role_bindings.push(ClusterRoleBinding { metadata, role_ref, subjects });
            }
        }
        let version = object.api_version.strip_prefix(API_GROUP).unwrap_or_default();
        let old = (version != "/v1").then(|| format!("no API server serves {} any more", object.api_version));
        if let Some(why) = old.or_else(|| stray_field(object.node, kind)) {
            let why = format!("{}: {why}", object.place());
            self.manifests.rbac.refused.push(Refused { object: name.clone(), why });
        }
        let rules = object.node.get("rules").map(|rules| rules.items()).unwrap_or_default();
        let source = RbacSource {
            file: object.file.to_owned(),
            line: object.node.place.line,
            rules: rules.iter().map(|rule| rule.place.line).collect(),
        };
        self.manifests.rbac_sources.entry(name).or_insert(source);
        Ok(())
    }

    /// Whether an object says something that was not said before. Two of one name that differ are both kept, and the
    /// evaluator finds them to be in doubt.
    fn is_another(&mut self, object: Object<'_>, name: &ObjectName) -> bool {
        let namespace = name.namespace.clone().unwrap_or_default();
        let identity = (format!("{API_GROUP}/{}", name.kind), namespace, name.name.clone());
        match self.seen.get(&identity) {
            Some((first, node)) if node.says_the_same_as(object.node) => {
                self.note(format!("{name} is declared at {first} and again, the same, at {}", object.place()));
                false
            }
            Some(_) => true,
            None => {
                self.seen.insert(identity, (object.place(), Rc::clone(object.node)));
                true
            }
        }
    }
}

/// A part of an object, as its type; nothing where it is absent.
fn part<T: DeserializeOwned + Default>(object: Object<'_>, name: &str) -> Result<T, String> {
    let Some(node) = object.node.get(name) else { return Ok(T::default()) };
    decode(node).map_err(|misfit: Misfit| {
        let sentence = misfit.sentence();
        let separator = if sentence.starts_with('[') { "" } else { "." };
        format!("{name}{separator}{sentence}")
    })
}

/// What of an object's part can matter: annotations can say anything, and often hold texts for other programs.
fn without_annotations(part: &Rc<Node>) -> Vec<&Node> {
    match part.entries() {
        [] => vec![part],
        entries => entries.iter().filter(|entry| &*entry.key != "annotations").map(|entry| &*entry.node).collect(),
    }
}

/// A field that does not exist. A misspelt `resourceNames` would mean every object, so it cannot be passed over.
fn stray_field(node: &Node, kind: ObjectKind) -> Option<String> {
    let items = |name: &str| node.get(name).map(|list| list.items()).unwrap_or_default();
    let known = match kind {
        ObjectKind::Role => ROLE,
        ObjectKind::ClusterRole => CLUSTER_ROLE,
        ObjectKind::RoleBinding | ObjectKind::ClusterRoleBinding => BINDING,
    };
    let rules = items("rules").iter().find_map(|rule| stray(rule, RULE));
    let subjects = || items("subjects").iter().find_map(|subject| stray(subject, SUBJECT));
    let reference = || node.get("roleRef").and_then(|reference| stray(reference, ROLE_REF));
    let aggregation = || {
        let rule = node.get("aggregationRule")?;
        let selectors = rule.get("clusterRoleSelectors").map(|list| list.items()).unwrap_or_default();
        let requirements = |selector: &Rc<Node>| {
            let list = selector.get("matchExpressions").map(|list| list.items()).unwrap_or_default();
            list.iter().find_map(|requirement| stray(requirement, REQUIREMENT))
        };
        let within = |selector: &Rc<Node>| stray(selector, SELECTOR).or_else(|| requirements(selector));
        stray(rule, AGGREGATION).or_else(|| selectors.iter().find_map(within))
    };
    stray(node, known).or(rules).or_else(subjects).or_else(reference).or_else(aggregation)
}

fn stray(node: &Node, known: &[&str]) -> Option<String> {
    let entry = node.entries().iter().find(|entry| !known.contains(&&*entry.key))?;
    Some(format!("there is no field {:?} at {}", entry.key, entry.key_place))
}
