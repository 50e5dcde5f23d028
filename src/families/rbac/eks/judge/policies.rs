//! What access policies grant to a tenant's principals beyond its own.

use super::{Found, and_more, by, control, count, entry_at};
use crate::families::Stance;
use crate::families::rbac::eks::ask::Ask;
use crate::families::rbac::eks::seen::EksSeen;
use crate::families::rbac::parameters::{Action, Place};
use crate::families::rbac::questions::is_of_namespaces;
use crate::families::ruling::{Ruling, broken, holds, inconclusive};
use crate::model::{Principal, TenantId};
use crate::semantics::rbac::eks::{AccessScope, Association, Doubt, Entry, Holding};
use crate::semantics::rbac::{Request, ResourceRequest, Rule, Scope, Verb};

/// Something that an access policy grants, or may.
#[derive(Clone, Debug)]
pub(super) struct Reached<'a> {
    /// The place of its entry among the entries.
    pub(super) index: usize,
    pub(super) entry: &'a Entry,
    pub(super) association: &'a Association,
    /// The namespace; `None` for the whole cluster.
    pub(super) namespace: Option<String>,
    /// What is granted, in words.
    pub(super) what: String,
    /// Why it may not be; `None` where it surely is.
    pub(super) doubt: Option<Doubt<'a>>,
}

impl Reached<'_> {
    /// Who may do what, and where.
    pub(super) fn in_words(&self) -> String {
        let place =
            self.namespace.as_ref().map_or_else(|| "for the whole cluster".to_owned(), |name| format!("in {name}"));
        let may = if self.doubt.is_some() { "might" } else { "may" };
        format!("{} {may} {} {place}", self.entry.principal, self.what)
    }
}

/// Everything of these actions that an entry's access policies grant in these places, or may: what is sure comes first.
pub(super) fn reached<'a>(
    (index, entry): (usize, &'a Entry),
    namespaces: &[String],
    actions: &[Action],
    of_cluster: bool,
) -> Vec<Reached<'a>> {
    let places: Vec<Option<&str>> =
        if of_cluster { vec![None] } else { namespaces.iter().map(|name| Some(name.as_str())).collect() };
    let mut all = Vec::new();
    for namespace in places {
        for holding in entry.holding(namespace) {
            let Some((what, doubt)) = granted(&holding, namespace, actions) else { continue };
            let namespace = namespace.map(str::to_owned);
            all.push(Reached { index, entry, association: holding.association, namespace, what, doubt });
        }
    }
    all.sort_by_key(|one| one.doubt.is_some());
    all
}

/// What of these actions a policy grants where it holds, in words, and why that is not sure.
fn granted<'a>(
    holding: &Holding<'a>,
    namespace: Option<&str>,
    actions: &[Action],
) -> Option<(String, Option<Doubt<'a>>)> {
    let rules = holding.policy.into_iter().flat_map(|policy| &policy.rules);
    let what = actions.iter().find_map(|action| rules.clone().find_map(|rule| matched(rule, action, namespace)));
    match (what, holding.is_sure) {
        (Some(what), true) => Some((what, None)),
        (Some(what), false) => Some((what, Some(Doubt::ScopeNotUnderstood(holding.association)))),
        (None, _) => Some(("do what is not known".to_owned(), Some(holding.doubt()?))),
    }
}

/// What of an action a rule grants in a place, in words.
fn matched(rule: &Rule, action: &Action, namespace: Option<&str>) -> Option<String> {
    let scope = namespace.map_or(Scope::Cluster, Scope::Namespace);
    for resource in &action.resources {
        if resource == "*" {
            let has = |verb: &&String| rule.verbs().any(|own| own == "*" || own == verb.as_str());
            let Some(verb) = action.verbs.iter().find(has) else { continue };
            let mut groups = rule.api_groups();
            let about = |group: &str| {
                let fits = |resource: &&str| namespace.is_none() || is_of_namespaces(group, resource);
                rule.resources().find(fits).map(str::to_owned)
            };
            if let Some(resource) = groups.find_map(about) {
                let everything = resource == "*";
                return Some(format!("{verb} {}", if everything { "everything" } else { resource.as_str() }));
            }
            continue;
        }
        let (of, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let request = |verb| {
            Request::Resource(ResourceRequest {
                verb: Verb::new(verb),
                api_group: &action.api_group,
                resource: of,
                subresource,
                scope,
                name: "",
            })
        };
        if let Some(verb) = action.verbs.iter().find(|verb| rule.allows(&request(verb.as_str()))) {
            return Some(format!("{verb} {resource}"));
        }
    }
    None
}

/// Whether no access policy gives a tenant's principals anything there.
pub(super) fn grant_nothing(seen: &EksSeen, tenant: &TenantId, ask: &Ask) -> Found {
    let principals: &[Principal] =
        seen.parties.get(tenant).map(|subjects| subjects.principals.as_slice()).unwrap_or_default();
    let is_of = |entry: &Entry| principals.iter().any(|principal| entry.is_of(principal));
    let entries: Vec<(usize, &Entry)> = if seen.access.mode.has_entries() {
        seen.access.entries.iter().enumerate().filter(|(_, entry)| is_of(entry)).collect()
    } else {
        Vec::new()
    };
    let all: Vec<Reached<'_>> = entries
        .iter()
        .flat_map(|one| reached(*one, &ask.namespaces, &ask.actions, ask.place == Place::Cluster))
        .collect();
    let evidence = |all: &[&Reached<'_>]| all.iter().map(|one| entry_at(one.index)).collect();
    let sure: Vec<&Reached<'_>> = all.iter().filter(|one| one.doubt.is_none()).collect();
    if let Some(first) = sure.first() {
        return by(Stance::Allowed, first.association.to_string(), finding(first, sure.len()), evidence(&sure));
    }
    if let Some((first, doubt)) = all.iter().find_map(|one| Some((one, one.doubt?))) {
        let reason = format!("{}: {doubt}", and_more(&first.in_words(), all.len()));
        let remedy = "associate a policy whose rules AWS publishes, with a scope of plain names; `tenantproof` knows those \
                      of the Amazon EKS User Guide";
        let ruling = inconclusive(doubt.rule_name(), reason, remedy);
        return by(Stance::Unknown, doubt.to_string(), ruling, evidence(&[first]));
    }
    let because = "no access policy of its entries holds there";
    let mut at: Vec<String> = entries.iter().map(|(index, _)| entry_at(*index)).collect();
    at.push(control::AT.to_owned());
    match control::in_force(seen) {
        Err(ruling) => by(Stance::Denied, because, ruling, at),
        Ok(control) => {
            let without = principals.len().saturating_sub(entries.len());
            let without = if without > 0 { format!(", {without} have none") } else { String::new() };
            let of_mode = if seen.access.mode.has_entries() {
                String::new()
            } else {
                "; in authentication mode CONFIG_MAP there are none".to_owned()
            };
            let reason = format!(
                "{} of {tenant} and {}{without}{of_mode}: none of their access policies holds {}, by the EKS API's text; \
                 {control}",
                count(principals.len(), "principal", "principals"),
                count(entries.len(), "access entry", "access entries"),
                there(ask),
            );
            by(Stance::Denied, because, holds(reason), at)
        }
    }
}

fn there(ask: &Ask) -> String {
    match ask.place {
        Place::Cluster => "for the whole cluster".to_owned(),
        _ => format!("in {}", count(ask.namespaces.len(), "namespace", "namespaces")),
    }
}

/// A grant that must not be.
fn finding(first: &Reached<'_>, all: usize) -> Ruling {
    let Reached { entry, association, namespace, .. } = first;
    let reason = and_more(&first.in_words(), all);
    let principal = &entry.principal;
    let pattern = namespace.as_ref().and_then(|name| association.scope.pattern_for(name));
    match (&association.scope, pattern) {
        (AccessScope::Namespace(_), Some(pattern)) if pattern.has_wildcard() => {
            let takes_in = namespace.as_deref().unwrap_or_default();
            let sentence = format!(
                "the access entry of {principal} has access policy {} for namespaces {pattern}, which takes {takes_in} in",
                association.name()
            );
            let remedy = "name the tenant's own namespaces in the access scope, without a wildcard: \
                          `aws eks associate-access-policy` with the same policy replaces the scope";
            broken("wildcard-scope", reason, sentence, remedy.to_owned())
        }
        (AccessScope::Cluster, _) => {
            let sentence = format!("the access entry of {principal} has {association}");
            let remedy = "scope the policy to the tenant's own namespaces: `aws eks associate-access-policy` with the same \
                          policy replaces the scope";
            broken("cluster-scope", reason, sentence, remedy.to_owned())
        }
        _ => {
            let sentence = format!("the access entry of {principal} has {association}");
            let remedy = "take the namespace out of the access scope, or disassociate the policy";
            broken("access-policy", reason, sentence, remedy.to_owned())
        }
    }
}
