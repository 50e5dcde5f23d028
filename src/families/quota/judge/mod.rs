//! A case and what was seen in, a verdict with its reason out. Pure.

mod cause;
mod counts;
mod limits;
#[cfg(test)]
mod tests;

use cause::{quota_missing, quota_too_high};

use super::ask::{Ask, Locked};
use super::refusal::{Author, author};
use super::rules::{Held, held};
use super::seen::{Answer, Fault, Seen, ShareSeen, TrySeen};
use crate::families::ruling::{Ruling, broken, column, holds, inconclusive};
use crate::families::{CaseResult, Column, JudgeError, Judgement, ReviewSeen, Stance, Subject, ask_of};
use crate::model::{Namespace, Quantity};
use crate::plan::Case;

/// Judges cases by what was seen. The same observations give the same verdicts, whenever.
///
/// # Errors
/// [`JudgeError`] where a case's `ask` is not of this family.
pub fn judge(cases: &[Case], seen: &Seen) -> Result<Vec<CaseResult>, JudgeError> {
    let result = |case: &Case| {
        let ask: Ask = ask_of(case)?;
        let evidence = ask.key().map(str::to_owned).into_iter().collect();
        Ok(CaseResult { case: case.clone(), judgement: judgement(&ask, seen), evidence })
    };
    cases.iter().map(result).collect()
}

/// What a case came to: its ruling, and what the objects and the requests say.
struct Found {
    ruling: Ruling,
    declared: String,
    computed: Column,
    observed: Column,
}

fn judgement(ask: &Ask, seen: &Seen) -> Judgement {
    let Found { ruling, declared, computed, observed } = found(ask, seen);
    ruling.beside(column(Stance::Denied, declared), computed, observed)
}

fn found(ask: &Ask, seen: &Seen) -> Found {
    let share = seen.shares.get(ask.namespace());
    if let Ask::Locked { subject, objects, namespace, key } = ask {
        return locked(namespace, subject, *objects, seen.reviews.get(key));
    }
    let declared = declared(ask);
    let Some(share) = share else { return Found::nothing(declared, not_seen(ask)) };
    if let Some(fault) = &share.fault {
        return Found::nothing(declared, faulty(ask.namespace(), fault));
    }
    match ask {
        Ask::Share { namespace, resource, promised } => {
            let (ruling, computed) = shared(namespace, share, resource, *promised);
            let observed = column(
                Stance::Unknown,
                "the objects alone were read; one past the limit is tried by a check of its own",
            );
            Found { ruling, declared, computed, observed }
        }
        Ask::Edge { namespace, resource, quota, promised, key } => {
            let limit = Limit { namespace, share, resource, only: quota.as_deref(), promised: *promised };
            match (seen.edges.get(key), seen.rushes.get(key)) {
                (Some(edge), _) => counts::edge(&limit, edge, declared),
                (None, Some(rush)) => counts::one_by_one(&limit, rush, declared),
                (None, None) => Found::nothing(declared, not_seen(ask)),
            }
        }
        Ask::Rush { namespace, resource, promised, key } => {
            let limit = Limit { namespace, share, resource, only: None, promised: *promised };
            match seen.rushes.get(key) {
                Some(rush) => counts::at_once(&limit, rush, declared),
                None => Found::nothing(declared, not_seen(ask)),
            }
        }
        Ask::Container { namespace, resource, promised, key } => match seen.pairs.get(key) {
            Some(pair) => limits::container(namespace, share, resource, *promised, pair, declared),
            None => Found::nothing(declared, not_seen(ask)),
        },
        Ask::Bounds { namespace, of, bound, resource, key } => match seen.pairs.get(key) {
            Some(pair) => limits::bounded(namespace, (*of, *bound, resource), pair, declared),
            None => Found::nothing(declared, not_seen(ask)),
        },
        Ask::Defaults { namespace, promised, key } => match seen.defaults.get(key) {
            Some(defaults) => limits::defaulted(namespace, share, promised, defaults, declared),
            None => Found::nothing(declared, not_seen(ask)),
        },
        Ask::Locked { .. } => Found::nothing(declared, not_seen(ask)),
    }
}

/// What was promised, in words.
fn declared(ask: &Ask) -> String {
    match ask {
        Ask::Share { resource, promised, .. }
        | Ask::Edge { resource, promised: Some(promised), .. }
        | Ask::Rush { resource, promised: Some(promised), .. } => {
            format!("no more than {promised} of {resource} in all")
        }
        Ask::Container { resource, promised, .. } => format!("no container has more than {promised} of {resource}"),
        Ask::Defaults { promised, .. } if !promised.is_empty() => {
            let all: Vec<String> = promised.iter().map(|(name, amount)| format!("{amount} of {name}")).collect();
            format!("no container has more than {}", all.join(" or "))
        }
        Ask::Edge { .. } | Ask::Rush { .. } | Ask::Bounds { .. } | Ask::Defaults { .. } => {
            "nothing is promised; what the object says must hold".to_owned()
        }
        Ask::Locked { .. } => "a tenant never edits what limits it".to_owned(),
    }
}

impl Found {
    /// What was judged without a look at anything.
    fn nothing(declared: String, ruling: Ruling) -> Self {
        let unknown = || column(Stance::Unknown, "nothing that counts was seen");
        Self { ruling, declared, computed: unknown(), observed: unknown() }
    }
}

fn not_seen(ask: &Ask) -> Ruling {
    let reason = format!("nothing was tried in {}", ask.namespace());
    inconclusive("not-tried", reason, "run again; the run ended before it had tried everything")
}

fn faulty(namespace: &Namespace, fault: &Fault) -> Ruling {
    match fault {
        Fault::Changed(what) => inconclusive(
            "quota-changed",
            format!("somebody changed {what} in {namespace} while they were tried"),
            "run again when nobody changes quotas and limits",
        ),
        Fault::Unread(why) => inconclusive(
            "unread",
            format!("{namespace} can't be tried: {why}"),
            "give the runner what it needs, and run again",
        ),
    }
}

/// A limit that a quota sets.
struct Limit<'a> {
    namespace: &'a Namespace,
    share: &'a ShareSeen,
    resource: &'a str,
    only: Option<&'a str>,
    promised: Option<Quantity>,
}

impl Limit<'_> {
    /// What the quotas say, and the ruling where that breaks the promise by itself.
    fn by_the_objects(&self) -> (Column, Option<Ruling>) {
        let Self { namespace, share, resource, only, promised } = self;
        match held(share, resource, *only, *promised) {
            Held::Missing { scoped } => {
                let computed = column(Stance::Allowed, format!("no ResourceQuota of {namespace} holds {resource}"));
                (computed, Some(quota_missing(namespace, share, resource, *promised, &scoped)))
            }
            Held::TooHigh { quota, name, hard } => {
                let computed = column(Stance::Allowed, format!("ResourceQuota {} holds {name} to {hard}", quota.name));
                let promised = promised.unwrap_or_default();
                (computed, Some(quota_too_high(namespace, &quota.name, resource, hard, promised)))
            }
            Held::Within { quota, name, hard } => {
                let used = quota.used.get(name).map_or_else(String::new, |used| format!(", {used} are used"));
                (column(Stance::Denied, format!("ResourceQuota {} holds {name} to {hard}{used}", quota.name)), None)
            }
        }
    }
}

fn shared(namespace: &Namespace, share: &ShareSeen, resource: &str, promised: Quantity) -> (Ruling, Column) {
    let limit = Limit { namespace, share, resource, only: None, promised: Some(promised) };
    let (computed, ruling) = limit.by_the_objects();
    let ruling = ruling.unwrap_or_else(|| match held(share, resource, None, Some(promised)) {
        Held::Within { quota, name, hard } if quota.enforced.get(name) == Some(hard) => {
            let less = if hard < promised {
                format!(", which is less than the {promised} that were promised at most")
            } else {
                String::new()
            };
            holds(format!("ResourceQuota {namespace}/{} holds {resource} to {hard}{less}", quota.name))
        }
        _ => inconclusive(
            "not-counted",
            format!("the quota controller has not taken over yet how much {resource} {namespace} may have"),
            "see that the quota controller of kube-controller-manager runs, and run again",
        ),
    });
    (ruling, computed)
}

/// What a request came to, in words.
fn in_words(tried: &TrySeen) -> String {
    let way = if tried.dry_run { " (dry-run)" } else { "" };
    match &tried.answer {
        Answer::Accepted => format!("{}{way}: taken", tried.asked),
        Answer::Refused { code, message } => {
            let said = message.split_once(" is forbidden: ").map_or(message.as_str(), |(_, said)| said);
            format!("{}{way}: refused ({code} {said})", tried.asked)
        }
        Answer::Silent { why } => format!("{}{way}: no answer ({why})", tried.asked),
    }
}

/// Who refused a request; `None` where it was not refused.
fn refused_by(tried: &TrySeen) -> Option<Author> {
    match &tried.answer {
        Answer::Refused { code, message } => Some(author(*code, message)),
        _ => None,
    }
}

/// What somebody else's refusal, or none at all, proves: nothing.
fn unproved(what: &str, tried: &TrySeen) -> Ruling {
    let who = match refused_by(tried) {
        None => {
            let Answer::Silent { why } = &tried.answer else {
                return inconclusive("no-answer", format!("{what} came to nothing"), "run again");
            };
            return inconclusive(
                "no-answer",
                format!("{what} got no answer: {why}"),
                "run again when the API server answers",
            );
        }
        Some(Author::Quota { name, exceeded }) => format!("ResourceQuota {name} for its {}", exceeded.join(", ")),
        Some(Author::Unspecified { name }) => format!("ResourceQuota {name}, which wants figures"),
        Some(Author::Uncounted { name }) => format!("ResourceQuota {name}, whose use is not known yet"),
        Some(Author::LimitRange(bounds)) => {
            let bounds: Vec<String> = bounds
                .iter()
                .map(|(bound, resource, of, _)| format!("{} {resource} of a {}", bound.as_str(), of.as_str()))
                .collect();
            format!("a LimitRange for its {}", bounds.join(", "))
        }
        Some(Author::Other(who)) => who,
    };
    inconclusive(
        "other-author",
        format!("{what} was refused by {who}, which says nothing of this limit"),
        "let what is named take the run's own objects (they wear the label tenantproof.dev/run), and run again",
    )
}

fn locked(namespace: &Namespace, subject: &Subject, objects: Locked, review: Option<&ReviewSeen>) -> Found {
    let declared = "a tenant never edits what limits it".to_owned();
    let what = objects.plural();
    let Some(review) = review else {
        let ruling = inconclusive("not-tried", format!("nobody asked for {subject} of {namespace}"), "run again");
        return Found::nothing(declared, ruling);
    };
    let may = review.allowed();
    let ruling = if !may.is_empty() {
        broken(
            "tenant-may-edit",
            format!("{subject} may edit the {what} of {namespace}"),
            format!("the API server's authorizers let {subject} {} in {namespace}", may.join(", ")),
            format!("take the verbs that are named from the Roles and ClusterRoles that are bound to {subject}"),
        )
    } else if let Some(unproved) = review.unproved(subject, namespace) {
        unproved
    } else {
        holds(format!("{subject} of {namespace} can't edit its {what}, and may ask for its own rights"))
    };
    let asked = review.ways.len();
    let observed = if may.is_empty() {
        let stance = if review.silent().is_some() { Stance::Unknown } else { Stance::Denied };
        column(stance, format!("{asked} SubjectAccessReviews: none allowed"))
    } else {
        column(Stance::Allowed, format!("{asked} SubjectAccessReviews: allowed are {}", may.join(", ")))
    };
    let computed = column(Stance::Unknown, "which rule would grant it is not computed by this check");
    Found { ruling, declared, computed, observed }
}
