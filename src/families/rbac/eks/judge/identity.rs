//! As whom a tenant's principals are let in: nobody but the tenant.

use super::{CONFIG_MAP_AT, Found, by, control, count, entry_at};
use crate::families::Stance;
use crate::families::rbac::eks::seen::EksSeen;
use crate::families::ruling::{Ruling, broken, holds, inconclusive};
use crate::model::{Principal, TenantId};
use crate::semantics::rbac::eks::{Identity, KnownAs, Template};

/// Whether no principal of a tenant is let in under the name or with a group of anybody else.
pub(super) fn nobody_else(seen: &EksSeen, tenant: &TenantId) -> Found {
    let none = Vec::new();
    let principals = seen.parties.get(tenant).map_or(&none, |subjects| &subjects.principals);
    let mut unknown = None;
    let (mut let_in, mut at) = (Vec::new(), Vec::new());
    for principal in principals {
        let identity = seen.access.identity(principal);
        let evidence = evidence(seen, &identity);
        if let Identity::Unknown(why) = &identity {
            unknown.get_or_insert_with(|| (format!("{principal}: {why}"), evidence.clone()));
        }
        if let Some(ruling) = of_nodes(principal, &identity) {
            return by(Stance::Allowed, ruling.reason.clone(), ruling, vec![evidence]);
        }
        let Some(known_as) = identity.known_as(principal) else { continue };
        if let Some(ruling) = another(seen, tenant, principal, &known_as) {
            return by(Stance::Allowed, ruling.reason.clone(), ruling, vec![evidence]);
        }
        let_in.push(format!("{principal} as {}", known_as.username));
        at.push(evidence);
    }
    if let Some((why, evidence)) = unknown {
        let reason = format!("as whom a principal of {tenant} is let in is not known: {why}");
        let remedy =
            "let the runner `get` the ConfigMap aws-auth in kube-system, or set the authentication mode to API";
        return by(Stance::Unknown, why, inconclusive("identity-unknown", reason, remedy), vec![evidence]);
    }
    at.push(control::AT.to_owned());
    let because = if let_in.is_empty() { "none is let in".to_owned() } else { let_in.join("; ") };
    match control::in_force(seen) {
        Err(ruling) => by(Stance::Denied, because, ruling, at),
        Ok(control) => {
            let reason = format!(
                "of {} of {tenant}, {} let in, under names and in groups that are nobody else's, by the EKS API's text; \
                 {control}",
                count(principals.len(), "principal", "principals"),
                count(let_in.len(), "is", "are"),
            );
            by(Stance::Denied, because, holds(reason), at)
        }
    }
}

fn evidence(seen: &EksSeen, identity: &Identity<'_>) -> String {
    match identity {
        Identity::Entry(entry) => {
            let index = seen.access.entries.iter().position(|one| std::ptr::eq(one, *entry));
            entry_at(index.unwrap_or_default())
        }
        Identity::Nothing => "/eks/access/entries".to_owned(),
        Identity::Mapping(_) | Identity::Account(_) | Identity::Unknown(_) => CONFIG_MAP_AT.to_owned(),
    }
}

/// An entry for nodes: who has it is a node to the API server.
fn of_nodes(principal: &Principal, identity: &Identity<'_>) -> Option<Ruling> {
    let Identity::Entry(entry) = identity else { return None };
    entry.kind.is_of_nodes().then(|| {
        let reason = format!("{principal} is let in as a node: its access entry is of type {}", entry.kind);
        let remedy = "give nodes a role of their own, that no tenant may assume";
        broken("node-entry", reason.clone(), reason, remedy.to_owned())
    })
}

/// What makes a principal somebody else; `None` where nothing does.
fn another(seen: &EksSeen, tenant: &TenantId, principal: &Principal, known_as: &KnownAs) -> Option<Ruling> {
    let KnownAs { username, groups } = known_as;
    let found =
        |kind: &str, reason: String, remedy: &str| Some(broken(kind, reason.clone(), reason, remedy.to_owned()));
    for group in groups {
        if group.is_chosen() {
            let reason =
                format!("{principal} is in group {group}: whoever assumes it chooses the group by its session's name");
            return found("chosen-group", reason, "write the group out");
        }
        if group.as_str().starts_with("system:") {
            let reason = format!("{principal} is in group {group}, which is the cluster's own");
            return found("system-group", reason, "take the group out: a tenant needs none of the cluster's own");
        }
    }
    if username.as_str().starts_with("system:") {
        let reason = format!("{principal} is let in as {username}, a name of the cluster's own");
        return found("system-name", reason, "leave the user's name out: EKS makes one of the principal's ARN");
    }
    if username.is_chosen() && username.may_be("system:admin") {
        let reason = format!("{principal} is let in as {username}: whoever assumes it chooses the whole name");
        return found("chosen-name", reason, "begin the name with what is the principal's own and a colon");
    }
    let others = seen.parties.iter().filter(|(id, _)| *id != tenant);
    for (other, subjects) in others {
        if let Some(group) = subjects.groups.iter().find(|theirs| groups.iter().any(|group| group.may_be(theirs))) {
            let reason = format!("{principal} of {tenant} is in group {group}, which acts for {other}");
            return found("anothers-group", reason, "take the group out of the access entry");
        }
        if let Some(user) = subjects.users.iter().find(|theirs| username.may_be(theirs)) {
            let reason = format!("{principal} of {tenant} may be user {user}, who acts for {other}");
            return found("anothers-name", reason, "give the access entry a user's name of its own, or none");
        }
        let named = |theirs: &&Principal| same_name(username, seen, theirs);
        if let Some(theirs) = subjects.principals.iter().find(named) {
            let reason =
                format!("{principal} of {tenant} and {theirs} of {other} are let in under one name, {username}");
            return found("anothers-name", reason, "give each access entry a user's name of its own, or none");
        }
    }
    None
}

/// Whether another principal may be known by the same name.
fn same_name(username: &Template, seen: &EksSeen, other: &Principal) -> bool {
    let theirs = seen.access.identity(other).known_as(other);
    theirs.is_some_and(|theirs| {
        theirs.username == *username
            || (theirs.username.is_plain() && username.may_be(theirs.username.as_str()))
            || (username.is_plain() && theirs.username.may_be(username.as_str()))
    })
}
