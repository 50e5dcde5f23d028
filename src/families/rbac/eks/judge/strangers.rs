//! Who reaches into a tenant's namespaces and is neither a tenant's principal nor an operator.

use std::collections::BTreeMap;

use super::policies::reached;
use super::{CONFIG_MAP_AT, Found, by, control, count, entry_at};
use crate::families::Stance;
use crate::families::rbac::eks::ask::Ask;
use crate::families::rbac::eks::seen::EksSeen;
use crate::families::ruling::{broken, holds, inconclusive};
use crate::model::Principal;
use crate::plan::Case;
use crate::semantics::rbac::eks::{AuthenticationMode, ConfigMap, Entry};

/// Names that are told of many.
const TOLD: usize = 8;

/// How a stranger reaches in.
struct Way {
    sure: bool,
    sentence: String,
    evidence: String,
}

/// Whether nobody but tenants' principals and operators reaches in.
pub(super) fn keep_out(seen: &EksSeen, case: &Case, ask: &Ask) -> Found {
    let strangers: Vec<(usize, &Entry)> =
        seen.access.entries.iter().enumerate().filter(|(_, entry)| is_stranger(seen, entry)).collect();
    let mut ways: BTreeMap<String, Way> = BTreeMap::new();
    let mut add = |principal: &str, way: Way| {
        let known = ways.entry(principal.to_owned());
        let known = known.or_insert_with(|| Way { sure: false, sentence: String::new(), evidence: String::new() });
        if known.sentence.is_empty() || (way.sure && !known.sure) {
            *known = way;
        }
    };
    for one in &strangers {
        for reached in reached(*one, &ask.namespaces, &ask.actions, false) {
            let sentence = match reached.doubt {
                Some(doubt) => format!("{}: {doubt}", reached.in_words()),
                None => format!("{}, by {}", reached.in_words(), reached.association),
            };
            add(&one.1.principal, Way { sure: reached.doubt.is_none(), sentence, evidence: entry_at(one.0) });
        }
    }
    for (index, role) in seen.by_roles.get(case.id.as_str()).into_iter().flatten().enumerate() {
        let sentence = format!("{} may {}: {}", role.principal, role.what, role.because);
        let evidence = format!("/eks/by_roles/{}/{index}", pointer(case.id.as_str()));
        add(&role.principal, Way { sure: role.stance == Stance::Allowed, sentence, evidence });
    }
    let operators = seen.operators.as_deref().unwrap_or_default();
    ways.retain(|principal, _| !is_one_of(principal, operators));
    judged(seen, case, &ways, strangers.len())
}

fn judged(seen: &EksSeen, case: &Case, ways: &BTreeMap<String, Way>, strangers: usize) -> Found {
    let sure: Vec<(&String, &Way)> = ways.iter().filter(|(_, way)| way.sure).collect();
    let open = ways.values().find(|way| !way.sure);
    let told = |all: &[(&String, &Way)]| {
        let names: Vec<&str> = all.iter().take(TOLD).map(|(principal, _)| principal.as_str()).collect();
        let more = all.len().saturating_sub(TOLD);
        if more > 0 { format!("{} and {more} more", names.join(", ")) } else { names.join(", ") }
    };
    let evidence = |all: &[(&String, &Way)]| all.iter().map(|(_, way)| way.evidence.clone()).collect();
    if let Some((_, first)) = sure.first() {
        let to = &case.to;
        let who = count(sure.len(), "IAM principal of no tenant reaches", "IAM principals of no tenant reach");
        let ruling = if seen.operators.is_some() {
            let reason = format!("{who} into {to} and is no operator's: {}", told(&sure));
            let remedy = "take its access away, or list it under `operators` in the tenancy if it runs the cluster";
            broken("stranger", reason, first.sentence.clone(), remedy.to_owned())
        } else {
            let reason = format!("{who} into {to}, and the tenancy does not say who may: {}", told(&sure));
            let remedy = "list who runs the cluster under `operators` in the tenancy; whoever is not on it then fails";
            inconclusive("operators-not-told", reason, remedy)
        };
        return by(Stance::Allowed, first.sentence.clone(), ruling, evidence(&sure));
    }
    if let Some(why) = unread(seen) {
        let remedy =
            "let the runner `get` the ConfigMap aws-auth in kube-system, or set the authentication mode to API";
        return by(Stance::Unknown, why.clone(), inconclusive("aws-auth-not-read", why, remedy), at_config_map());
    }
    if seen.access.mode == AuthenticationMode::ConfigMap {
        let why = "who created the cluster may do everything and is in no configuration that can be read: the \
                   authentication mode is CONFIG_MAP";
        let remedy = "set the authentication mode to API_AND_CONFIG_MAP, and then to API: its access entries tell all";
        return by(Stance::Unknown, why, inconclusive("hidden-creator", why.to_owned(), remedy), at_config_map());
    }
    if let Some(open) = open {
        let ruling = inconclusive(
            "not-understood",
            open.sentence.clone(),
            "list it under `operators` if it runs the cluster, or give it a policy whose rules AWS publishes",
        );
        return by(Stance::Unknown, open.sentence.clone(), ruling, vec![open.evidence.clone()]);
    }
    let because = "nobody but tenants' principals and operators";
    let at = vec!["/eks/access/entries".to_owned(), control::AT.to_owned()];
    match control::in_force(seen) {
        Err(ruling) => by(Stance::Denied, because, ruling, at),
        Ok(control) => {
            let operators = seen.operators.as_ref().map_or(0, Vec::len);
            let reason = format!(
                "of {}, {strangers} are neither a tenant's, nor of nodes, nor an AWS service's own, and none of these reaches \
                 into {} beside {}, by the EKS API's text and by the rules; {control}",
                count(seen.access.entries.len(), "access entry", "access entries"),
                case.to,
                count(operators, "operator", "operators"),
            );
            by(Stance::Denied, because, holds(reason), at)
        }
    }
}

/// Whether an entry is neither a tenant's, nor of nodes, nor an AWS service's own.
fn is_stranger(seen: &EksSeen, entry: &Entry) -> bool {
    let of_tenants = || seen.parties.values().flat_map(|subjects| &subjects.principals);
    let principal = entry.as_principal();
    let own = principal.is_some_and(|own| own.is_service_linked() || of_tenants().any(|one| one.is(&own)));
    seen.access.mode.has_entries() && !entry.kind.is_of_nodes() && !own
}

fn is_one_of(arn: &str, principals: &[Principal]) -> bool {
    arn.parse::<Principal>().is_ok_and(|own| principals.iter().any(|one| one.is(&own)))
}

/// Why it is not known whom `aws-auth` lets in; `None` where it is, or where EKS reads none.
fn unread(seen: &EksSeen) -> Option<String> {
    if !seen.access.mode.has_config_map() {
        return None;
    }
    let what = "whom the ConfigMap kube-system/aws-auth lets in is not known";
    match &seen.access.config_map {
        None => Some(format!("{what}: it was not read")),
        Some(ConfigMap::Unread(why)) => Some(format!("{what}: {why}")),
        Some(ConfigMap::Absent) => None,
        Some(ConfigMap::Read(auth)) => match (auth.faults.first(), auth.accounts.first()) {
            (Some(fault), _) => Some(format!("{what}: {fault}")),
            (None, Some(account)) => {
                Some(format!("{what}: it lets every principal of account {account} in, each by its own ARN"))
            }
            (None, None) => None,
        },
    }
}

fn at_config_map() -> Vec<String> {
    vec![CONFIG_MAP_AT.to_owned()]
}

/// A key in a JSON Pointer (RFC 6901).
fn pointer(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
