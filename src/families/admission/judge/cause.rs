//! What is wrong, by name: the policy that is missing, only tells, or spares the object; an engine that is away; or why
//! nothing was proved.

use crate::families::admission::ask::Ask;
use crate::families::ruling::{Ruling, broken};
use crate::model::Verdict;
use crate::semantics::admission::{Away, Concern, Effect};

/// Policies that are asked nowhere and are named in one cause.
const MOST_NAMED: usize = 5;

/// What was not tried, for this reason.
pub(super) fn skipped(reason: String) -> Ruling {
    Ruling { verdict: Verdict::Skipped, reason, cause: None }
}

/// Why an object that breaks a rule was taken: what policies that are about such objects say.
pub(super) fn taken(ask: &Ask, reason: String, concerns: &[Concern], unread: &[String]) -> Ruling {
    let (rule, namespace) = (rule_of(ask), &ask.namespace);
    let able: Vec<&Concern> = concerns.iter().filter(|one| one.refuses()).collect();
    let find = |wanted: fn(&Effect) -> Option<&String>| {
        concerns.iter().find_map(|one| wanted(&one.effect).map(|how| (one, how)))
    };
    let reports = find(|effect| if let Effect::Reports(how) = effect { Some(how) } else { None });
    let spares = find(|effect| if let Effect::Spares(how) = effect { Some(how) } else { None });
    if let Some((one, how)) = reports {
        return broken(
            "policy-only-reports",
            reason,
            format!("{} only tells of what breaks a rule in namespace {namespace}: {how}", one.policy),
            format!(
                "let {} refuse: enforcementAction deny, failureAction Enforce or validationActions Deny",
                one.policy
            ),
        );
    }
    // One that leaves this namespace out by name is meant, whoever else was asked.
    let meant = |how: &String| how.contains("excludedNamespaces");
    let left_out = concerns.iter().find_map(|one| match &one.effect {
        Effect::Spares(how) if meant(how) => Some((one, how)),
        _ => None,
    });
    if let Some((one, how)) = left_out {
        return broken(
            "policy-spares",
            reason,
            format!("{} is not asked in namespace {namespace}: {how}", one.policy),
            format!("let {} choose namespace {namespace}", one.policy),
        );
    }
    if let [one] = able.as_slice()
        && let Away::Passes(why) = &one.away
    {
        return broken(
            "policy-lets-pass",
            reason,
            format!(
                "{} is asked in namespace {namespace} and let it pass, or its engine was away: {}",
                one.policy, why
            ),
            format!("see that {} covers rule {rule}, and let its webhook fail closed", one.policy),
        );
    }
    if !able.is_empty() {
        let names: Vec<String> = able.iter().map(|one| one.policy.to_string()).collect();
        let dead = |how: &str| how.contains("selects no namespace") || how.contains("no binding names");
        let not_asked = concerns.iter().filter_map(|one| match &one.effect {
            Effect::Spares(how) if dead(how) => Some(format!("{}: {how}", one.policy)),
            _ => None,
        });
        let not_asked: Vec<String> = not_asked.take(MOST_NAMED).collect();
        let also =
            if not_asked.is_empty() { String::new() } else { format!("; asked nowhere are {}", not_asked.join("; ")) };
        return broken(
            "policy-lets-pass",
            reason,
            format!(
                "of all that are asked in namespace {namespace} ({}) none refuses what breaks rule {rule}{also}",
                names.join(", ")
            ),
            format!("add what rule {rule} asks for to one of them, or a policy of its own"),
        );
    }
    if let Some((one, how)) = spares.filter(|(_, how)| !how.starts_with("namespace ")) {
        return broken(
            "policy-spares",
            reason,
            format!("{} is not asked in namespace {namespace}: {how}", one.policy),
            format!("let {} choose namespace {namespace}", one.policy),
        );
    }
    if let Some(unread) = unread.first() {
        return broken(
            "policy-missing",
            reason,
            format!(
                "no policy that the runner can read refuses what breaks rule {rule} in namespace {namespace} ({unread})"
            ),
            format!("add a policy for rule {rule} that chooses namespace {namespace}"),
        );
    }
    let more = spares.map_or_else(String::new, |(_, how)| format!("; {how}"));
    broken(
        "policy-missing",
        reason,
        format!("no policy is asked about what breaks rule {rule} in namespace {namespace}{more}"),
        format!("add a policy for rule {rule} that chooses namespace {namespace}"),
    )
}

/// The rule of a case, in words.
pub(super) fn rule_of(ask: &Ask) -> String {
    ask.rule.as_ref().map_or_else(|| "of the tenancy".to_owned(), ToString::to_string)
}
