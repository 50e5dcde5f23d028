//! Whether the ConfigMap `aws-auth` lets a tenant's principals in, which the EKS API does not tell.

use super::{CONFIG_MAP_AT, Found, by, control, count};
use crate::families::Stance;
use crate::families::rbac::eks::seen::EksSeen;
use crate::families::ruling::{broken, holds, inconclusive};
use crate::model::TenantId;
use crate::semantics::rbac::eks::{AuthenticationMode, Identity, Template};

const TO_API: &str = "make an access entry for it, delete it from aws-auth, and set the authentication mode to API";

/// Whether no principal of a tenant is let in by `aws-auth`, or would be once its access entry is gone.
pub(super) fn not_let_in(seen: &EksSeen, tenant: &TenantId) -> Found {
    let none = Vec::new();
    let principals = seen.parties.get(tenant).map_or(&none, |subjects| &subjects.principals);
    let access = &seen.access;
    let evidence = || vec![CONFIG_MAP_AT.to_owned()];
    let mut unknown = None;
    for principal in principals {
        let of_map = access.in_config_map(principal);
        let how = match &of_map {
            Identity::Mapping(mapping) => {
                let groups: Vec<&str> = mapping.groups.iter().map(Template::as_str).collect();
                let groups =
                    if groups.is_empty() { "no group".to_owned() } else { format!("groups {}", groups.join(", ")) };
                format!("as {} in {groups}", mapping.username)
            }
            Identity::Account(account) => format!("with all principals of account {account}"),
            Identity::Unknown(why) => {
                unknown.get_or_insert_with(|| why.clone());
                continue;
            }
            Identity::Entry(_) | Identity::Nothing => continue,
        };
        let (kind, reason) = if matches!(access.identity(principal), Identity::Entry(_)) {
            let text = format!("{principal} has an access entry, and aws-auth lets it in {how} once that is deleted");
            ("leftover", text)
        } else {
            ("config-map", format!("{principal} is let in by the ConfigMap aws-auth, {how}"))
        };
        let sentence = format!(
            "{reason}: whoever may change one ConfigMap of kube-system gives it any group, and neither the EKS API nor \
             CloudTrail tells"
        );
        return by(Stance::Allowed, how, broken(kind, reason, sentence, TO_API.to_owned()), evidence());
    }
    if let Some(why) = unknown {
        let remedy =
            "let the runner `get` the ConfigMap aws-auth in kube-system, or set the authentication mode to API";
        return by(Stance::Unknown, why.clone(), inconclusive("aws-auth-not-read", why, remedy), evidence());
    }
    if access.mode == AuthenticationMode::ConfigMap {
        let why =
            "in authentication mode CONFIG_MAP who created the cluster is let in by no configuration that can be read";
        let remedy = "set the authentication mode to API_AND_CONFIG_MAP, and then to API: its access entries tell all";
        return by(Stance::Unknown, why, inconclusive("hidden-creator", why.to_owned(), remedy), evidence());
    }
    let because = if access.mode.has_config_map() { "aws-auth names none" } else { "EKS reads no aws-auth" };
    match control::in_force(seen) {
        Err(ruling) => by(Stance::Denied, because, ruling, vec![control::AT.to_owned()]),
        Ok(control) => {
            let reason = format!(
                "authentication mode {}: {because} of {} of {tenant}; {control}",
                access.mode,
                count(principals.len(), "principal", "principals"),
            );
            by(Stance::Denied, because, holds(reason), vec![CONFIG_MAP_AT.to_owned(), control::AT.to_owned()])
        }
    }
}
