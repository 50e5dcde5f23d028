//! What a policy keeps of a request. The rules are those of `policyRuleEvaluator` in
//! `k8s.io/apiserver/pkg/audit/policy/checker.go`.

use std::collections::BTreeSet;

use super::policy::{GroupResources, Policy, Rule, Stage};
use crate::model::AuditLevel;

/// A request, as a policy sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question<'a> {
    /// Who asks: the user's name before any impersonation; `None` where it is not known and stands in no list.
    pub user: Option<&'a str>,
    /// The user's groups.
    pub groups: &'a [String],
    /// The verb.
    pub verb: &'a str,
    /// What it is about.
    pub target: Target<'a>,
}

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// An object, or all of a kind.
    Resource {
        /// The namespace; empty for none.
        namespace: &'a str,
        /// The API group; empty for the core group.
        group: &'a str,
        /// The resource.
        resource: &'a str,
        /// The subresource; empty for none.
        subresource: &'a str,
        /// The object's name as the path has it; empty for none.
        name: &'a str,
    },
    /// A path that is no resource's.
    Path(&'a str),
}

/// What is kept of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The level.
    pub level: AuditLevel,
    /// The number of the rule that decides, from 1; `None` where no rule matches, and nothing is kept.
    pub rule: Option<usize>,
    /// The stages that are left out.
    pub omits: BTreeSet<Stage>,
}

impl Policy {
    /// What is kept of a request.
    #[must_use]
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        let found = self.rules.iter().enumerate().find(|(_, rule)| rule.matches(question));
        match found {
            Some((index, rule)) => Decision {
                level: rule.level,
                rule: Some(index + 1),
                omits: self.omit_stages.union(&rule.omit_stages).copied().collect(),
            },
            None => Decision { level: AuditLevel::None, rule: None, omits: self.omit_stages.clone() },
        }
    }
}

impl Rule {
    fn matches(&self, question: &Question<'_>) -> bool {
        let named = |list: &[String], word: &str| list.is_empty() || list.iter().any(|one| one == word);
        let user = self.users.is_empty() || question.user.is_some_and(|user| named(&self.users, user));
        let groups =
            self.user_groups.is_empty() || question.groups.iter().any(|group| self.user_groups.contains(group));
        if !user || !groups || !named(&self.verbs, question.verb) {
            return false;
        }
        let of_resources = !self.namespaces.is_empty() || !self.resources.is_empty();
        match &question.target {
            Target::Resource { namespace, group, resource, subresource, name } if of_resources => {
                let object = Object { group, resource, subresource, name };
                named(&self.namespaces, namespace)
                    && (self.resources.is_empty() || self.resources.iter().any(|one| one.matches(&object)))
            }
            Target::Path(_) if of_resources => false,
            Target::Path(path) if !self.non_resource_urls.is_empty() => {
                self.non_resource_urls.iter().any(|pattern| path_matches(pattern, path))
            }
            Target::Resource { .. } if !self.non_resource_urls.is_empty() => false,
            _ => true,
        }
    }
}

/// An object as a rule's resources see it.
struct Object<'a> {
    group: &'a str,
    resource: &'a str,
    subresource: &'a str,
    name: &'a str,
}

impl GroupResources {
    fn matches(&self, object: &Object<'_>) -> bool {
        if self.group != object.group {
            return false;
        }
        if self.resources.is_empty() {
            return true;
        }
        (self.resource_names.is_empty() || self.resource_names.iter().any(|name| name == object.name))
            && self.resources.iter().any(|pattern| resource_matches(pattern, object))
    }
}

/// `pods` is no subresource of pods; `pods/*` is both; `*/status` is that of every resource.
fn resource_matches(pattern: &str, object: &Object<'_>) -> bool {
    let Object { resource, subresource, .. } = object;
    if pattern == "*" {
        return true;
    }
    match pattern.split_once('/') {
        None => subresource.is_empty() && pattern == *resource,
        Some((left, right)) => {
            (left == *resource && right == *subresource && !subresource.is_empty())
                || (left == "*" && !subresource.is_empty() && right == *subresource)
                || (right == "*" && left == *resource)
        }
    }
}

fn path_matches(pattern: &str, path: &str) -> bool {
    pattern == "*" || pattern == path || (pattern.ends_with('*') && path.starts_with(pattern.trim_end_matches('*')))
}
