//! From objects to rules that answer fast: roles with their rules in the end, bindings indexed by subject.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use k8s_openapi::api::rbac::v1::{PolicyRule, RoleRef, Subject as ApiSubject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::aggregation::{Entry, Part, aggregate};
use super::decision::{Doubt, Missing};
use super::objects::{ObjectKind, ObjectName, RbacObjects, ReadFrom};
use super::rule::Rule;
use super::subject::{BoundSubject, user_name};
use super::validation::{Fault, check_aggregation, check_binding, check_name, check_rules};
use super::{API_GROUP, NotUnderstood};
use crate::semantics::Unreadable;

/// A role with its rules as they are in the end.
#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) name: Arc<ObjectName>,
    pub(super) entries: Vec<Entry>,
    /// Why the whole role may not be there.
    pub(super) doubt: Option<Arc<Doubt>>,
    /// Why it may grant anything else besides.
    pub(super) open: Option<Arc<Doubt>>,
}

/// What a binding binds to.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Role(usize),
    Missing(Missing),
    /// A role of which nothing is known.
    Doubtful(Arc<Doubt>),
    /// A reference that no API server follows.
    Nothing,
}

/// A binding.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub(super) name: Arc<ObjectName>,
    pub(super) subjects: Vec<BoundSubject>,
    pub(super) target: Target,
    /// Why the binding may not be there.
    pub(super) doubt: Option<Arc<Doubt>>,
}

/// The bindings of one user or group.
#[derive(Clone, Debug, Default)]
pub(super) struct Bound {
    pub(super) cluster: Vec<usize>,
    pub(super) namespaces: BTreeMap<Box<str>, Vec<usize>>,
}

/// What became of the objects that were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounting {
    /// Roles and bindings that the evaluator judges by.
    pub judged: usize,
    /// What could grant and could not be understood or read, and what the API server would refuse, each by name.
    pub not_understood: Vec<String>,
    /// Bindings to roles that do not exist.
    pub missing: Vec<Missing>,
}

/// The rules of RBAC, ready to answer.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub(super) roles: Vec<Role>,
    /// ClusterRoleBindings, then RoleBindings, each by name.
    pub(super) bindings: Vec<Binding>,
    pub(super) users: HashMap<Box<str>, Bound>,
    pub(super) groups: HashMap<Box<str>, Bound>,
    /// Why anything may be granted to anybody.
    pub(super) everywhere: Option<Arc<Doubt>>,
    /// Why anything may be granted to anybody in whichever namespace.
    pub(super) any_namespace: Option<Arc<Doubt>>,
    /// Why anything may be granted to anybody in a namespace.
    pub(super) in_namespace: HashMap<Box<str>, Arc<Doubt>>,
    accounting: Accounting,
}

impl Rules {
    /// Reads objects. Nothing is refused: what cannot be understood makes unknown what it could touch.
    #[must_use]
    pub fn compile(objects: &RbacObjects) -> Self {
        let mut compiling =
            Compiling { objects, rules: Self::default(), ids: HashMap::new(), unread: Unread::default() };
        compiling.lost();
        compiling.namespaced_roles();
        compiling.cluster_roles();
        compiling.open_roles();
        compiling.bindings();
        compiling.rules
    }

    /// What became of the objects.
    #[must_use]
    pub const fn accounting(&self) -> &Accounting {
        &self.accounting
    }

    /// The namespaces in which anything is bound.
    #[must_use]
    pub fn namespaces(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.bindings.iter().filter_map(|binding| binding.name.namespace.as_deref()).collect();
        all.dedup();
        all
    }
}

/// Roles that are there and not by which name.
#[derive(Default)]
struct Unread {
    /// Roles: in which namespace, or in whichever.
    roles: Vec<(Option<String>, Arc<Doubt>)>,
    cluster_roles: Option<Arc<Doubt>>,
    /// What aggregated ClusterRoles may select.
    selectable: Option<Arc<Doubt>>,
}

struct Compiling<'a> {
    objects: &'a RbacObjects,
    rules: Rules,
    ids: HashMap<Arc<ObjectName>, usize>,
    unread: Unread,
}

impl Compiling<'_> {
    /// What could not be read, as far as it is no role with a name.
    fn lost(&mut self) {
        for object in &self.objects.not_understood {
            self.rules.accounting.not_understood.push(object.to_string());
            let doubt = Arc::new(Doubt::NotUnderstood(object.clone()));
            self.lose(object.kind, object.namespace.as_deref(), named(object).is_some(), &doubt);
        }
        for resource in &self.objects.unreadable {
            let Some(kind) = kind_of(resource) else { continue };
            let place = resource.namespace.as_ref().map(|namespace| format!(" of {namespace}")).unwrap_or_default();
            self.rules.accounting.not_understood.push(format!("{}{place} ({})", resource.resource, resource.why));
            let doubt = Arc::new(Doubt::NotRead(resource.clone()));
            self.lose(kind, resource.namespace.as_deref(), false, &doubt);
        }
        for object in &self.objects.foreign {
            self.rules.accounting.not_understood.push(object.to_string());
            let doubt = Arc::new(Doubt::Foreign(object.clone()));
            let kind = object.namespace.as_ref().map_or(ObjectKind::ClusterRoleBinding, |_| ObjectKind::RoleBinding);
            self.lose(kind, object.namespace.as_deref(), false, &doubt);
        }
    }

    fn lose(&mut self, kind: ObjectKind, namespace: Option<&str>, named: bool, doubt: &Arc<Doubt>) {
        let doubt = || Arc::clone(doubt);
        match (kind, namespace) {
            (ObjectKind::Role, _) if named => {}
            (ObjectKind::Role, namespace) => self.unread.roles.push((namespace.map(str::to_owned), doubt())),
            (ObjectKind::ClusterRole, _) => {
                self.unread.selectable.get_or_insert_with(doubt);
                if !named {
                    self.unread.cluster_roles.get_or_insert_with(doubt);
                }
            }
            (ObjectKind::RoleBinding, Some(namespace)) => {
                self.rules.in_namespace.entry(namespace.into()).or_insert_with(doubt);
            }
            (ObjectKind::RoleBinding, None) => {
                self.rules.any_namespace.get_or_insert_with(doubt);
            }
            (ObjectKind::ClusterRoleBinding, _) => {
                self.rules.everywhere.get_or_insert_with(doubt);
            }
        }
    }

    fn namespaced_roles(&mut self) {
        let roles = ordered(&self.objects.roles, |role| name_of(ObjectKind::Role, &role.metadata));
        for (name, role, twice) in roles {
            let own = role.rules.as_deref().unwrap_or_default();
            let fault = check_name(&name.name).and_then(|()| check_rules(own, ObjectKind::Role));
            let doubt = self.doubt(&name, fault, twice);
            self.add(Role { name, entries: entries(own), doubt, open: None });
        }
    }

    fn cluster_roles(&mut self) {
        let roles = ordered(&self.objects.cluster_roles, |role| name_of(ObjectKind::ClusterRole, &role.metadata));
        let mut parts = Vec::with_capacity(roles.len());
        for (name, object, twice) in roles {
            let own = object.rules.as_deref().unwrap_or_default();
            let fault = check_name(&name.name)
                .and_then(|()| check_rules(own, ObjectKind::ClusterRole))
                .and_then(|()| object.aggregation_rule.as_ref().map_or(Ok(()), check_aggregation));
            let doubt = self.doubt(&name, fault, twice);
            parts.push(Part { name, object, own: entries(own), doubt });
        }
        let in_the_end: Vec<Vec<Entry>> = match self.objects.read_from {
            ReadFrom::Manifests => aggregate(&parts),
            ReadFrom::Cluster => parts.iter().map(|part| part.own.clone()).collect(),
        };
        for (part, entries) in parts.into_iter().zip(in_the_end) {
            let aggregated = part.object.aggregation_rule.is_some() && self.objects.read_from == ReadFrom::Manifests;
            let open = self.unread.selectable.clone().filter(|_| aggregated);
            self.add(Role { name: part.name, entries, doubt: part.doubt, open });
        }
        let admin = Arc::new(ObjectName { kind: ObjectKind::ClusterRole, namespace: None, name: ADMIN.to_owned() });
        if self.objects.read_from == ReadFrom::Manifests && !self.ids.contains_key(&admin) {
            self.add(Role { name: admin, entries: entries(&everything()), doubt: None, open: None });
        }
    }

    /// Roles that are there and cannot be read.
    fn open_roles(&mut self) {
        for object in &self.objects.not_understood {
            if let Some(name) = named(object) {
                let doubt = Some(Arc::new(Doubt::NotUnderstood(object.clone())));
                self.add(Role { name: Arc::new(name), entries: Vec::new(), doubt: None, open: doubt });
            }
        }
    }

    /// Adds a role. Two of one name are one that may have the rules of both; both are in doubt then.
    fn add(&mut self, role: Role) {
        if let Some(first) = self.ids.get(&role.name).and_then(|id| self.rules.roles.get_mut(*id)) {
            first.entries.extend(role.entries);
            first.doubt = first.doubt.take().or(role.doubt);
            first.open = first.open.take().or(role.open);
            return;
        }
        self.ids.insert(Arc::clone(&role.name), self.rules.roles.len());
        self.rules.roles.push(role);
    }

    fn bindings(&mut self) {
        let of_cluster = ordered(&self.objects.cluster_role_bindings, |binding| {
            name_of(ObjectKind::ClusterRoleBinding, &binding.metadata)
        });
        for (name, binding, twice) in of_cluster {
            self.bind(name, &binding.role_ref, binding.subjects.as_deref().unwrap_or_default(), twice);
        }
        let of_namespaces =
            ordered(&self.objects.role_bindings, |binding| name_of(ObjectKind::RoleBinding, &binding.metadata));
        for (name, binding, twice) in of_namespaces {
            self.bind(name, &binding.role_ref, binding.subjects.as_deref().unwrap_or_default(), twice);
        }
        self.rules.accounting.judged =
            self.rules.bindings.len() + self.objects.roles.len() + self.objects.cluster_roles.len();
    }

    fn bind(&mut self, name: Arc<ObjectName>, role: &RoleRef, subjects: &[ApiSubject], twice: bool) {
        let fault = check_name(&name.name).and_then(|()| check_binding(name.kind, role, subjects));
        let doubt = self.doubt(&name, fault, twice);
        let target = self.target(&name, role);
        match &target {
            Target::Missing(missing) => self.rules.accounting.missing.push(missing.clone()),
            Target::Doubtful(doubt) if matches!(**doubt, Doubt::DefaultRole(_)) => {
                self.rules.accounting.not_understood.push(doubt.to_string());
            }
            Target::Role(_) | Target::Doubtful(_) | Target::Nothing => {}
        }
        let id = self.rules.bindings.len();
        let namespace = name.namespace.clone();
        let subjects: Vec<BoundSubject> =
            subjects.iter().filter_map(|subject| BoundSubject::read(subject, namespace.as_deref())).collect();
        for subject in &subjects {
            let bound = match subject {
                BoundSubject::User(name) => self.rules.users.entry(name.as_str().into()),
                BoundSubject::Group(name) => self.rules.groups.entry(name.as_str().into()),
                BoundSubject::ServiceAccount { namespace, name } => {
                    self.rules.users.entry(user_name(namespace, name).into())
                }
            };
            let bound = bound.or_default();
            let list = match &namespace {
                Some(namespace) => bound.namespaces.entry(namespace.as_str().into()).or_default(),
                None => &mut bound.cluster,
            };
            if list.last() != Some(&id) {
                list.push(id);
            }
        }
        self.rules.bindings.push(Binding { name, subjects, target, doubt });
    }

    /// The role that a binding names (`GetRoleReferenceRules`).
    fn target(&self, binding: &Arc<ObjectName>, role: &RoleRef) -> Target {
        let (kind, namespace) = match &*role.kind {
            "Role" => (ObjectKind::Role, binding.namespace.clone()),
            "ClusterRole" => (ObjectKind::ClusterRole, None),
            _ => return Target::Nothing,
        };
        let name = ObjectName { kind, namespace, name: role.name.clone() };
        if let Some(id) = self.ids.get(&name) {
            return Target::Role(*id);
        }
        let lost = match kind {
            ObjectKind::Role => {
                let here = |place: &Option<String>| place.is_none() || *place == name.namespace;
                self.unread.roles.iter().find(|(place, _)| here(place)).map(|(_, doubt)| doubt)
            }
            _ => self.unread.cluster_roles.as_ref(),
        };
        if let Some(doubt) = lost {
            return Target::Doubtful(Arc::clone(doubt));
        }
        let by_default = kind == ObjectKind::ClusterRole && is_default(&name.name);
        let missing = Missing { binding: Arc::clone(binding), role: Arc::new(name) };
        if by_default && self.objects.read_from == ReadFrom::Manifests {
            return Target::Doubtful(Arc::new(Doubt::DefaultRole(missing)));
        }
        Target::Missing(missing)
    }

    /// Whether, and why, an object may not be there.
    fn doubt(&mut self, name: &Arc<ObjectName>, fault: Result<(), Fault>, twice: bool) -> Option<Arc<Doubt>> {
        let fault = if twice { Err(Fault::Twice) } else { fault };
        let told = || self.objects.refused.iter().find(|refused| refused.object == **name);
        let why = match fault {
            Err(fault) => fault.to_string(),
            Ok(()) => told()?.why.clone(),
        };
        self.rules.accounting.not_understood.push(format!("{name}: {why}"));
        Some(Arc::new(Doubt::Refused { object: Arc::clone(name), why }))
    }
}

/// The role that may do everything, which every API server makes and keeps as it is.
const ADMIN: &str = "cluster-admin";

/// Whether API servers make a ClusterRole of this name themselves (`bootstrappolicy.ClusterRoles`).
fn is_default(name: &str) -> bool {
    matches!(name, ADMIN | "admin" | "edit" | "view") || name.starts_with("system:")
}

fn everything() -> [PolicyRule; 2] {
    let star = || vec!["*".to_owned()];
    [
        PolicyRule { verbs: star(), api_groups: Some(star()), resources: Some(star()), ..PolicyRule::default() },
        PolicyRule { verbs: star(), non_resource_urls: Some(star()), ..PolicyRule::default() },
    ]
}

fn entries(rules: &[PolicyRule]) -> Vec<Entry> {
    rules.iter().map(|rule| Entry { rule: Arc::new(Rule::from(rule)), origin: None, doubt: None }).collect()
}

/// The name of a role that is there and cannot be read.
fn named(object: &NotUnderstood) -> Option<ObjectName> {
    let is_known = match object.kind {
        ObjectKind::Role => object.namespace.is_some(),
        ObjectKind::ClusterRole => true,
        ObjectKind::RoleBinding | ObjectKind::ClusterRoleBinding => false,
    };
    let namespace = object.namespace.clone().filter(|_| object.kind.is_namespaced());
    Some(ObjectName { kind: object.kind, namespace, name: object.name.clone().filter(|_| is_known)? })
}

fn name_of(kind: ObjectKind, metadata: &ObjectMeta) -> ObjectName {
    let namespace = metadata.namespace.clone().filter(|_| kind.is_namespaced());
    let namespace = namespace.or_else(|| kind.is_namespaced().then(|| "default".to_owned()));
    ObjectName { kind, namespace, name: metadata.name.clone().unwrap_or_default() }
}

/// Objects by name, each once; and whether another of its name says something else.
fn ordered<T: PartialEq>(objects: &[T], name: impl Fn(&T) -> ObjectName) -> Vec<(Arc<ObjectName>, &T, bool)> {
    let mut all: Vec<(Arc<ObjectName>, &T, bool)> =
        objects.iter().map(|object| (Arc::new(name(object)), object, false)).collect();
    all.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    all.dedup_by(|(a, one, _), (b, other, _)| a == b && one == other);
    let mut names: HashMap<Arc<ObjectName>, usize> = HashMap::with_capacity(all.len());
    for (name, ..) in &all {
        *names.entry(Arc::clone(name)).or_default() += 1;
    }
    for (name, _, twice) in &mut all {
        *twice = names.get(name).is_some_and(|count| *count > 1);
    }
    all
}

fn kind_of(unreadable: &Unreadable) -> Option<ObjectKind> {
    let (resource, group) = unreadable.resource.split_once('.')?;
    match resource {
        _ if group != API_GROUP => None,
        "roles" => Some(ObjectKind::Role),
        "clusterroles" => Some(ObjectKind::ClusterRole),
        "rolebindings" => Some(ObjectKind::RoleBinding),
        "clusterrolebindings" => Some(ObjectKind::ClusterRoleBinding),
        _ => None,
    }
}
