//! What the texts of the policies that were seen to refuse say beside: whether they are asked about changes, what
//! becomes of requests while their engine is away, and who may take a namespace out of them.

use std::collections::BTreeSet;

use super::cause::{rule_of, skipped};
use super::tries::{authors, not_asked, silent};
use super::{Found, in_words};
use crate::families::admission::ask::Ask;
use crate::families::admission::seen::{Answer, Seen, TrySeen};
use crate::families::ruling::{Ruling, broken, column, holds, inconclusive};
use crate::families::{Column, ReviewSeen, Stance, Subject};
use crate::model::Verdict;
use crate::semantics::admission::{Away, Concern, Effect, Policy};

/// The policies that were seen to refuse the plainest request against a rule, or why there are none.
fn refusing<'a>(ask: &Ask, key: &str, seen: &'a Seen) -> Result<(&'a TrySeen, BTreeSet<Policy>), Ruling> {
    let Some(tried) = seen.tries.get(key) else { return Err(not_asked(ask)) };
    let policies = authors(tried);
    let away = tried.decisive().find_map(|one| match &one.answer {
        Answer::Silent { why } => Some(why),
        _ => None,
    });
    if let Some(why) = away {
        return Err(silent(ask, &tried.asked, why));
    }
    if policies.is_empty() {
        let served = tried.decisive().all(|one| !matches!(one.answer, Answer::Refused { code: 404, .. }));
        if !served {
            return Err(skipped(format!("the cluster does not serve what rule {} is about", rule_of(ask))));
        }
        let reason = format!(
            "nothing was seen to refuse what breaks rule {} in {}, so no policy is known whose text could be read",
            rule_of(ask),
            ask.namespace
        );
        return Err(inconclusive("nobody-refuses", reason, "see the cases of the same rule that try it"));
    }
    Ok((tried, policies))
}

/// Whether one of the policies that refuse is asked about each of the other requests, too.
pub(super) fn covered(ask: &Ask, key: &str, others: &[String], seen: &Seen) -> Found {
    let (tried, policies) = match refusing(ask, key, seen) {
        Ok(refusing) => refusing,
        Err(ruling) => return Found::nothing(ruling),
    };
    let observed = column(Stance::Unknown, format!("{}; changes are read of the policies' texts", in_words(tried)));
    let names: Vec<String> = policies.iter().map(ToString::to_string).collect();
    let names = names.join(", ");
    for other in others {
        let Some(text) = seen.tries.get(other) else { return Found::nothing(not_asked(ask)) };
        let of_them = |one: &&Concern| policies.contains(&one.policy);
        let asked: Vec<&Concern> = text.concerns.iter().filter(of_them).filter(|one| one.refuses()).collect();
        if asked.iter().any(|one| one.unclear.is_none()) {
            continue;
        }
        let (what, namespace) = (&text.asked, &ask.namespace);
        if let Some((one, why)) = asked.iter().find_map(|one| one.unclear.as_ref().map(|why| (one, why))) {
            let reason = format!("whether {} is asked about {what} in {namespace} is not known: {why}", one.policy);
            let remedy = "hold the rule by a policy whose text says by rules and selectors alone when it is asked";
            let computed = column(Stance::Unknown, format!("{}: {why}", one.policy));
            return Found { ruling: inconclusive("not-computed", reason, remedy), computed, observed };
        }
        let computed = column(Stance::Allowed, format!("{names}: not asked about {what}"));
        let reason =
            format!("{names} refuses what breaks rule {} in {namespace}, and is not asked about {what}", rule_of(ask));
        // Another policy may be asked and refuse it; nothing has shown that it does, and its text is not computed.
        let why = text.concerns.iter().filter(of_them).find_map(|one| match &one.effect {
            Effect::Reports(how) | Effect::Spares(how) => Some(format!(": {how}")),
            Effect::Refuses => None,
        });
        let sentence = format!("{names} is not asked about {what} in namespace {namespace}{}", why.unwrap_or_default());
        let remedy = format!("add {what} to the rules by which {names} and its webhook are chosen");
        return Found { ruling: broken("not-covered", reason, sentence, remedy), computed, observed };
    }
    let what: Vec<&str> = others.iter().filter_map(|key| seen.tries.get(key)).map(|one| one.asked.as_str()).collect();
    let reason = format!(
        "{names}, seen to refuse what breaks rule {}, is asked about {}, too",
        rule_of(ask),
        what.join(" and ")
    );
    Found { ruling: holds(reason), computed: column(Stance::Denied, format!("{names} is asked")), observed }
}

/// Whether one of the policies that refuse does so while its engine is away.
pub(super) fn fail_closed(ask: &Ask, key: &str, seen: &Seen) -> Found {
    let (tried, policies) = match refusing(ask, key, seen) {
        Ok(refusing) => refusing,
        Err(ruling) => return Found::nothing(ruling),
    };
    let observed = column(Stance::Unknown, format!("{}; no engine is taken down", in_words(tried)));
    let of_them: Vec<&Concern> = tried.concerns.iter().filter(|one| policies.contains(&one.policy)).collect();
    let (rule, namespace) = (rule_of(ask), &ask.namespace);
    let closed = |one: &&&Concern| one.refuses() && one.away == Away::Refuses;
    if let Some(closed) = of_them.iter().find(closed) {
        let reason = format!(
            "{} refuses what breaks rule {rule} in {namespace}, and requests are refused while it can't be asked",
            closed.policy
        );
        let computed = column(Stance::Denied, format!("{} fails closed", closed.policy));
        return Found { ruling: holds(reason), computed, observed };
    }
    let unclear = of_them.iter().find_map(|one| match &one.away {
        Away::Unclear(why) => Some((one, why)),
        _ => None,
    });
    if let Some((one, why)) = unclear {
        let reason = format!(
            "whether what breaks rule {rule} passes in {namespace} while its engine is away is not known: {why}"
        );
        let ruling =
            inconclusive("not-computed", reason, "let no webhook that asks the engine fail open, and run again");
        return Found { ruling, computed: column(Stance::Unknown, format!("{}: {why}", one.policy)), observed };
    }
    let open = of_them.iter().find_map(|one| match &one.away {
        Away::Passes(why) => Some((one, why)),
        _ => None,
    });
    let Some((open, why)) = open else {
        let names: Vec<String> = policies.iter().map(ToString::to_string).collect();
        let reason =
            format!("the text of {} was not read, so what happens while it is away is not known", names.join(", "));
        let ruling = inconclusive("policy-unread", reason, "let the runner read policies and webhooks, and run again");
        return Found { ruling, computed: column(Stance::Unknown, "its text was not read"), observed };
    };
    let reason = format!("what breaks rule {rule} passes in {namespace} while the engine of {} is away", open.policy);
    // Another policy may refuse it, too; nothing has shown that it does, and its text is not computed.
    let sentence =
        format!("{why}; so {} lets everything pass in namespace {namespace} while its engine is away", open.policy);
    let remedy = format!(
        "set failurePolicy: Fail for the objects that {} is about, or hold the rule by a ValidatingAdmissionPolicy",
        open.policy
    );
    let computed = column(Stance::Allowed, why.clone());
    Found { ruling: broken("fails-open", reason, sentence, remedy), computed, observed }
}

/// Whether a tenant may change labels by which its namespace is chosen or spared.
pub(super) fn exempt_label(ask: &Ask, labels: &[String], reviews: &[(Subject, String)], seen: &Seen) -> Found {
    let namespace = &ask.namespace;
    if labels.is_empty()
        && let Some(unread) = seen.unread.first()
    {
        let reason = format!("by which labels policies are chosen in {namespace} is not known: {unread}");
        return Found::nothing(inconclusive(
            "policy-unread",
            reason,
            "let the runner read policies and webhooks, and run again",
        ));
    }
    if labels.is_empty() {
        let reason =
            format!("no policy that is asked in {namespace} is chosen by a label of the namespace that can change");
        let computed = column(Stance::Denied, "no policy reads such a label");
        return Found { ruling: holds(reason), computed, observed: column(Stance::Unknown, "nobody was asked for") };
    }
    let labels = labels.join(", ");
    let may = |subject: &Subject, ways: &str| {
        broken(
            "tenant-may-exempt",
            format!("{subject} of {namespace} may change its labels, and policies are chosen by {labels}"),
            format!(
                "the API server's authorizers let {subject} {ways} in {namespace}, and policies are chosen by {labels}"
            ),
            format!(
                "take the verbs that are named from the roles that are bound to {subject}, or choose by another label"
            ),
        )
    };
    let held = format!("no subject of {namespace} can change its labels, by which policies are chosen ({labels})");
    let (ruling, observed) = reviewed(ask, reviews, seen, may, held);
    Found { ruling, computed: column(Stance::Unknown, format!("policies are chosen by {labels}")), observed }
}

/// Whether a tenant may make exceptions of its own.
pub(super) fn exception(ask: &Ask, engine: bool, reviews: &[(Subject, String)], seen: &Seen) -> Found {
    let namespace = &ask.namespace;
    if !engine {
        return Found::nothing(skipped("no engine of the cluster knows exceptions that lie in a namespace".to_owned()));
    }
    let may = |subject: &Subject, ways: &str| {
        broken(
            "tenant-may-exempt",
            format!("{subject} of {namespace} may make exceptions from Kyverno's policies"),
            format!("the API server's authorizers let {subject} {ways} in {namespace}"),
            format!("take the verbs that are named from the roles that are bound to {subject}"),
        )
    };
    let held = format!("no subject of {namespace} can make an exception from a policy there");
    let (ruling, observed) = reviewed(ask, reviews, seen, may, held);
    let computed = column(Stance::Unknown, "which rule would grant it is not computed by this check");
    Found { ruling, computed, observed }
}

fn reviewed(
    ask: &Ask,
    reviews: &[(Subject, String)],
    seen: &Seen,
    may: impl Fn(&Subject, &str) -> Ruling,
    held: String,
) -> (Ruling, Column) {
    let asked: Vec<(&Subject, &ReviewSeen)> =
        reviews.iter().filter_map(|(subject, key)| Some((subject, seen.reviews.get(key)?))).collect();
    let count: usize = asked.iter().map(|(_, review)| review.ways.len()).sum();
    let told = |ruling: Ruling| {
        let stance = match ruling.verdict {
            Verdict::Pass => Stance::Denied,
            Verdict::Fail => Stance::Allowed,
            _ => Stance::Unknown,
        };
        (ruling, column(stance, format!("{count} SubjectAccessReviews about {} subjects", asked.len())))
    };
    for (subject, review) in &asked {
        let ways = review.allowed();
        if !ways.is_empty() {
            return told(may(subject, &ways.join(", ")));
        }
    }
    if asked.len() < reviews.len() || asked.is_empty() {
        return told(not_asked(ask));
    }
    for (subject, review) in &asked {
        if let Some(ruling) = review.unproved(subject, &ask.namespace) {
            return told(ruling);
        }
    }
    told(holds(held))
}
