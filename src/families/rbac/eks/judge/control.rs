//! The control case: what was read is in force on this very cluster. Where the runner itself is let in by an access entry,
//! the API server must know it as that entry says.

use crate::families::rbac::eks::seen::{EksSeen, RunnerSeen};
use crate::families::ruling::{Ruling, inconclusive};
use crate::semantics::rbac::eks::{ConfigMap, Entry, Mapping, Template};

/// Where it is in the observations.
pub(super) const AT: &str = "/eks/runner";

/// Why the entries that were read show nothing of this cluster; otherwise how it is known that they do, in words.
pub(super) fn in_force(seen: &EksSeen) -> Result<String, Ruling> {
    let runner = match &seen.runner {
        Ok(runner) => runner,
        Err(why) => return Ok(format!("as whom the API server knows the runner was not told ({why})")),
    };
    let entries = seen.access.entries.iter().filter(|entry| named(&entry.username, &entry.principal, &runner.user));
    let entries: Vec<&Entry> = entries.collect();
    if let Some(entry) = entries.iter().find(|entry| has(runner, &entry.groups, &entry.principal)) {
        return Ok(format!("the API server knows the runner as the access entry of {} says", entry.principal));
    }
    let again = "access entries take some seconds to come into force: run again, and see that AWS is asked about the \
                 cluster that is judged";
    if let Some(entry) = entries.first() {
        let groups = runner.groups.join(", ");
        let why = format!(
            "the API server knows the runner as {} in groups {groups}, and the access entry of {} has others: what was read \
             is not what is in force",
            runner.user, entry.principal
        );
        return Err(inconclusive("control-differs", why, again));
    }
    let is_of_iam = runner.user.starts_with("arn:aws");
    if is_of_iam && seen.access.mode.has_entries() && !by_config_map(seen, runner) {
        let why = format!(
            "the API server knows the runner as {}, whom no access entry that was read lets in: what was read is not what \
             is in force",
            runner.user
        );
        return Err(inconclusive("control-missing", why, again));
    }
    Ok("the runner is let in by no access entry, so none of them was seen to be in force".to_owned())
}

/// Whether `aws-auth` lets the runner in, or may.
fn by_config_map(seen: &EksSeen, runner: &RunnerSeen) -> bool {
    let mapped = |mapping: &Mapping| named(&mapping.username, &mapping.arn, &runner.user);
    match &seen.access.config_map {
        None | Some(ConfigMap::Absent) => false,
        Some(ConfigMap::Unread(_)) => true,
        Some(ConfigMap::Read(auth)) => {
            !auth.faults.is_empty()
                || auth.mappings.iter().any(mapped)
                || auth.accounts.iter().any(|account| runner.user.contains(&format!("::{account}:")))
        }
    }
}

/// Whether a principal's name on the cluster may be this user's.
fn named(template: &Template, principal: &str, user: &str) -> bool {
    match principal.parse() {
        Ok(principal) => template.of(&principal).may_be(user),
        Err(_) => template.may_be(user),
    }
}

/// Whether the runner is in all of these groups.
fn has(runner: &RunnerSeen, groups: &[Template], principal: &str) -> bool {
    groups.iter().all(|group| runner.groups.iter().any(|own| named(group, principal, own)))
}
