//! What is bound to one subject, kept for many questions.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::aggregation::Entry;
use super::compile::{Binding, Role, Rules, Target};
use super::decision::{Because, Decision, Doubt, Grant, Missing};
use super::request::{Request, Scope};
use super::rule::Rule;
use super::subject::Subject;

/// A subject among the rules: the bindings that apply to it, in the order in which they are asked.
#[derive(Clone, Debug)]
pub struct Standing<'r> {
    pub(super) rules: &'r Rules,
    subject: Cow<'r, Subject>,
    pub(super) cluster: Vec<usize>,
    pub(super) namespaces: BTreeMap<&'r str, Vec<usize>>,
}

/// A rule that is granted to a subject.
#[derive(Clone, Debug)]
pub struct Granted<'r> {
    /// Where it holds: what is granted for the cluster holds in every namespace, too.
    pub scope: Scope<'r>,
    /// The rule; `None` where the role cannot be read, so that it may be any.
    pub rule: Option<&'r Rule>,
    /// By which chain; `None` where nothing of it is known.
    pub grant: Option<Grant>,
    /// Why it may not be granted.
    pub doubt: Option<&'r Doubt>,
}

impl Rules {
    /// Decides one request of a subject.
    #[must_use]
    pub fn decide(&self, subject: &Subject, request: &Request<'_>) -> Decision {
        self.stand(Cow::Borrowed(subject)).decide(request)
    }

    /// What is bound to a subject, for many requests.
    #[must_use]
    pub fn standing(&self, subject: Subject) -> Standing<'_> {
        self.stand(Cow::Owned(subject))
    }

    fn stand<'r>(&'r self, subject: Cow<'r, Subject>) -> Standing<'r> {
        let user = subject.user_name().and_then(|name| self.users.get(name));
        let groups = subject.groups().iter().filter_map(|group| self.groups.get(group.as_str()));
        let mut cluster = Vec::new();
        let mut namespaces: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for bound in user.into_iter().chain(groups) {
            merge(&mut cluster, &bound.cluster);
            for (namespace, ids) in &bound.namespaces {
                merge(namespaces.entry(namespace).or_default(), ids);
            }
        }
        Standing { rules: self, subject, cluster, namespaces }
    }
}

fn merge(all: &mut Vec<usize>, more: &[usize]) {
    let before = all.len();
    all.extend_from_slice(more);
    if before > 0 {
        all.sort_unstable();
        all.dedup();
    }
}

impl<'r> Standing<'r> {
    /// The subject.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The namespaces in which something is bound to the subject.
    pub fn namespaces(&self) -> impl Iterator<Item = &'r str> {
        self.namespaces.keys().copied()
    }

    /// Decides one request (`VisitRulesFor`, `Authorize`): ClusterRoleBindings first, then the RoleBindings of the
    /// request's namespace; the first rule that matches grants it, and a role that is missing hinders no other.
    #[must_use]
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        if self.subject.is_master() {
            return Decision::of(Because::Masters);
        }
        let mut doubt: Option<&Doubt> = None;
        let mut missing: Vec<&Missing> = Vec::new();
        for binding in self.applying(request.namespace()) {
            let role = match &binding.target {
                Target::Role(id) => self.rules.roles.get(*id),
                Target::Missing(role) => {
                    missing.push(role);
                    None
                }
                Target::Doubtful(why) => {
                    doubt.get_or_insert(why);
                    None
                }
                Target::Nothing => None,
            };
            let Some(role) = role else { continue };
            for (index, entry) in role.entries.iter().enumerate().filter(|(_, entry)| entry.rule.allows(request)) {
                match uncertain(binding, role, entry) {
                    Some(why) => {
                        doubt.get_or_insert(why);
                    }
                    None => {
                        if let Some(grant) = self.grant(binding, role, index, entry) {
                            return Decision::of(Because::Rule(grant));
                        }
                    }
                }
            }
            if let Some(why) = &role.open {
                doubt.get_or_insert(why);
            }
        }
        match doubt.or_else(|| self.rules.lost(request.namespace())) {
            Some(doubt) => Decision::of(Because::Doubt(doubt.clone())),
            None => Decision::of(Because::NoRule { missing: missing.into_iter().cloned().collect() }),
        }
    }

    /// Everything that is granted to the subject, rule by rule; what may be granted is among it, with its doubt.
    /// A member of `system:masters` may do everything besides.
    pub fn granted(&self) -> impl Iterator<Item = Granted<'r>> {
        let scopes = self.namespaces.iter().map(|(namespace, ids)| (Scope::Namespace(namespace), ids));
        let bound = std::iter::once((Scope::Cluster, &self.cluster)).chain(scopes);
        let by_binding = bound.flat_map(|(scope, ids)| ids.iter().map(move |id| (scope, *id)));
        by_binding.flat_map(|(scope, id)| self.granted_by(scope, id)).chain(self.rules.granted_to_anybody())
    }

    fn granted_by(&self, scope: Scope<'r>, id: usize) -> Vec<Granted<'r>> {
        let rules = self.rules;
        let Some(binding) = rules.bindings.get(id) else { return Vec::new() };
        let nothing_known = |doubt| Granted { scope, rule: None, grant: None, doubt: Some(doubt) };
        match &binding.target {
            Target::Role(id) => {
                let Some(role) = rules.roles.get(*id) else { return Vec::new() };
                let granted = role.entries.iter().enumerate().map(|(index, entry)| Granted {
                    scope,
                    rule: Some(&*entry.rule),
                    grant: self.grant(binding, role, index, entry),
                    doubt: uncertain(binding, role, entry),
                });
                granted.chain(role.open.as_deref().map(nothing_known)).collect()
            }
            Target::Doubtful(why) => vec![nothing_known(why)],
            Target::Missing(_) | Target::Nothing => Vec::new(),
        }
    }

    fn applying(&self, namespace: Option<&str>) -> impl Iterator<Item = &'r Binding> {
        let here = namespace.and_then(|namespace| self.namespaces.get(namespace));
        let ids = self.cluster.iter().chain(here.into_iter().flatten());
        let rules = self.rules;
        ids.filter_map(move |id| rules.bindings.get(*id))
    }

    fn grant(&self, binding: &Binding, role: &Role, index: usize, entry: &Entry) -> Option<Grant> {
        Some(Grant {
            subject: binding.subjects.iter().find(|subject| subject.is(&self.subject))?.clone(),
            binding: Arc::clone(&binding.name),
            role: Arc::clone(&role.name),
            rule: index + 1,
            origin: entry.origin.clone(),
        })
    }
}

/// Why a rule that matches may not be there.
fn uncertain<'r>(binding: &'r Binding, role: &'r Role, entry: &'r Entry) -> Option<&'r Doubt> {
    binding.doubt.as_deref().or(role.doubt.as_deref()).or(entry.doubt.as_deref())
}

impl Rules {
    /// Why anybody may be granted anything in a scope.
    pub(super) fn lost(&self, namespace: Option<&str>) -> Option<&Doubt> {
        let here = namespace.and_then(|namespace| self.in_namespace.get(namespace).or(self.any_namespace.as_ref()));
        self.everywhere.as_ref().or(here).map(|doubt| &**doubt)
    }

    fn granted_to_anybody(&self) -> impl Iterator<Item = Granted<'_>> {
        let lost = |scope, doubt| Granted { scope, rule: None, grant: None, doubt: Some(doubt) };
        // What may be in whichever namespace has no narrower scope than the cluster.
        let anywhere = self.everywhere.iter().chain(&self.any_namespace);
        let anywhere = anywhere.map(move |doubt| lost(Scope::Cluster, &**doubt));
        let in_one =
            self.in_namespace.iter().map(move |(namespace, doubt)| lost(Scope::Namespace(namespace), &**doubt));
        anywhere.chain(in_one)
    }
}
