//! Requests that break a rule, each beside its twin.

use std::collections::BTreeSet;

use super::cause::{self, skipped};
use super::{Found, in_words, shortened};
use crate::families::admission::ask::Ask;
use crate::families::admission::refusal::{Author, author, away};
use crate::families::admission::seen::{Answer, Seen, TrySeen};
use crate::families::ruling::{Ruling, column, holds, inconclusive};
use crate::families::{Column, Stance};
use crate::semantics::admission::{Concern, Effect, Engine, Policy};

/// Whether each of these requests is refused, while its twin is taken.
pub(super) fn refused(ask: &Ask, pairs: &[(String, String)], seen: &Seen) -> Found {
    let tried: Vec<(Option<&TrySeen>, Option<&TrySeen>)> =
        pairs.iter().map(|(key, twin)| (seen.tries.get(key), seen.tries.get(twin))).collect();
    let broken: Vec<&TrySeen> = tried.iter().filter_map(|(broken, _)| *broken).collect();
    let computed = computed(&broken);
    let observed = observed(&broken);
    let mut rulings: Vec<Ruled> = tried.iter().map(|(broken, twin)| pair(ask, *broken, *twin, seen)).collect();
    // What fails outweighs what is not known, and that what holds.
    rulings.sort_by_key(Ruled::rank);
    let ruling = match rulings.into_iter().next() {
        None => not_asked(ask),
        Some(Ruled::Fails(ruling) | Ruled::Unknown(ruling) | Ruled::Skipped(ruling)) => ruling,
        Some(Ruled::Holds) => holds(summary(&broken)),
    };
    Found { ruling, computed, observed }
}

enum Ruled {
    Fails(Ruling),
    Unknown(Ruling),
    Skipped(Ruling),
    Holds,
}

impl Ruled {
    const fn rank(&self) -> u8 {
        match self {
            Self::Fails(_) => 0,
            Self::Unknown(_) => 1,
            Self::Skipped(_) => 2,
            Self::Holds => 3,
        }
    }
}

fn pair(ask: &Ask, broken: Option<&TrySeen>, twin: Option<&TrySeen>, seen: &Seen) -> Ruled {
    let (Some(broken), Some(twin)) = (broken, twin) else { return Ruled::Unknown(not_asked(ask)) };
    if let Some(why) = &broken.not_tried {
        return Ruled::Skipped(skipped(format!("{} was not tried: {why}", broken.asked)));
    }
    let taken = broken.decisive().filter_map(|one| match &one.answer {
        Answer::Accepted { breaks: Some(why) } => Some((one, why)),
        _ => None,
    });
    let taken: Vec<_> = taken.collect();
    if let Some((one, why)) = taken.first() {
        let all = broken.decisive().count();
        let often = if taken.len() == all { String::new() } else { format!(" {} of {all} times", taken.len()) };
        let reason = format!("{} was taken in {}{often} ({}): {why}", broken.asked, ask.namespace, one.step);
        return Ruled::Fails(cause::taken(ask, reason, &broken.concerns, &seen.unread));
    }
    if broken.decisive().next().is_none() {
        return Ruled::Unknown(not_asked(ask));
    }
    for one in broken.decisive() {
        if let Some(ruled) = unproved(ask, &broken.asked, &one.answer) {
            return ruled;
        }
    }
    if twin.decisive().next().is_none() {
        return Ruled::Unknown(not_asked(ask));
    }
    for one in twin.decisive() {
        match &one.answer {
            Answer::Accepted { .. } => {}
            Answer::Refused { code, message } => {
                let who = who(&author(*code, message));
                let reason = format!(
                    "{} was refused, too ({who}: {}), so the refusal of what breaks the rule shows nothing",
                    twin.asked,
                    shortened(message)
                );
                let remedy = "let what is named take an object that meets every rule of the tenancy, and run again";
                return Ruled::Unknown(inconclusive("twin-refused", reason, remedy));
            }
            Answer::Silent { why } => return Ruled::Unknown(silent(ask, &twin.asked, why)),
        }
    }
    Ruled::Holds
}

/// Why an answer proves nothing; `None` where policies refused, or the object came to meet the rule.
fn unproved(ask: &Ask, asked: &str, answer: &Answer) -> Option<Ruled> {
    match answer {
        Answer::Accepted { .. } => None,
        Answer::Silent { why } => Some(Ruled::Unknown(silent(ask, asked, why))),
        Answer::Refused { code, message } => match author(*code, message) {
            Author::Policies(_) => None,
            Author::NotServed => {
                Some(Ruled::Skipped(skipped(format!("the cluster does not serve what is asked for: {message}"))))
            }
            Author::Runner(said) => {
                Some(Ruled::Skipped(skipped(format!("{asked} was not tried: the runner may not ask for it ({said})"))))
            }
            Author::Other(who) => {
                let reason = format!("{asked} was refused by {who}, which says nothing of the rule");
                let remedy = "let what is named take the run's own objects (they wear the label tenantproof.dev/run), \
                              and run again";
                Some(Ruled::Unknown(inconclusive("other-author", reason, remedy)))
            }
        },
    }
}

pub(super) fn silent(ask: &Ask, asked: &str, why: &str) -> Ruling {
    if let Some(webhook) = away(why) {
        // A request that is refused since nobody could be asked shows that the engine is away, not that it refuses.
        let reason =
            format!("webhook {webhook} could not be called in {}, so {asked} was not judged: {why}", ask.namespace);
        return inconclusive("engine-away", reason, "bring the engine back that serves the webhook, and run again");
    }
    inconclusive("no-answer", format!("{asked} got no answer: {why}"), "run again when the API server answers")
}

pub(super) fn not_asked(ask: &Ask) -> Ruling {
    let reason = format!("not everything was tried in {}", ask.namespace);
    inconclusive("not-tried", reason, "run again; the run ended before it had tried everything")
}

fn who(author: &Author) -> String {
    match author {
        Author::Policies(policies) => policies.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        Author::NotServed => "the API server".to_owned(),
        Author::Runner(_) => "the API server's authorizers".to_owned(),
        Author::Other(who) => who.clone(),
    }
}

/// The policies that refused a request.
pub(super) fn authors(tried: &TrySeen) -> BTreeSet<Policy> {
    let named = tried.decisive().filter_map(|one| match &one.answer {
        Answer::Refused { code, message } => match author(*code, message) {
            Author::Policies(policies) => Some(policies),
            _ => None,
        },
        _ => None,
    });
    named.flatten().collect()
}

fn summary(broken: &[&TrySeen]) -> String {
    let all: BTreeSet<Policy> = broken.iter().flat_map(|tried| authors(tried)).collect();
    let names: Vec<String> = all.iter().map(ToString::to_string).collect();
    let answers: usize = broken.iter().map(|tried| tried.decisive().count()).sum();
    let met = broken.iter().flat_map(|tried| tried.decisive());
    let mended = met.filter(|one| matches!(one.answer, Answer::Accepted { breaks: None })).count();
    let what = match broken {
        [one] => one.asked.clone(),
        all => format!("{} variants", all.len()),
    };
    if mended == answers {
        return format!("{what}: taken only after it was changed to meet the rule, {answers} times; so is each twin");
    }
    let also = if mended > 0 { format!(", {mended} times changed to meet the rule") } else { String::new() };
    format!("{what}: refused {} of {answers} times by {}{also}; each twin is taken", answers - mended, names.join(", "))
}

/// What the policies' texts say of these requests together.
fn computed(broken: &[&TrySeen]) -> Column {
    let Some(first) = broken.first() else { return column(Stance::Unknown, "nothing was asked") };
    let level = |tried: &&&TrySeen| tried.beyond.is_some();
    let at_pods =
        |tried: &TrySeen| tried.concerns.iter().any(|one| one.policy.engine == Engine::PodSecurity && one.refuses());
    if broken.iter().all(|tried| level(&tried) && at_pods(tried)) {
        let level = first.beyond.as_deref().unwrap_or_default();
        return column(Stance::Denied, format!("Pod Security {level} refuses it"));
    }
    let nobody = broken.iter().find(|tried| !tried.concerns.iter().any(Concern::refuses));
    if let Some(tried) = nobody {
        let why: Vec<String> = tried
            .concerns
            .iter()
            .map(|one| match &one.effect {
                Effect::Reports(how) | Effect::Spares(how) => format!("{}: {how}", one.policy),
                Effect::Refuses => one.policy.to_string(),
            })
            .collect();
        let why = if why.is_empty() { "no policy is asked about it".to_owned() } else { why.join("; ") };
        return column(Stance::Allowed, why);
    }
    let mut able: BTreeSet<String> = BTreeSet::new();
    for one in broken.iter().flat_map(|tried| &tried.concerns).filter(|one| one.refuses()) {
        let unclear = one.unclear.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
        able.insert(format!("{}{unclear}", one.policy));
    }
    let able: Vec<String> = able.into_iter().collect();
    column(Stance::Unknown, format!("asked are {}; what they mean is not computed", able.join(", ")))
}

fn observed(broken: &[&TrySeen]) -> Column {
    let taken =
        |tried: &&&TrySeen| tried.decisive().any(|one| matches!(one.answer, Answer::Accepted { breaks: Some(_) }));
    if let Some(tried) = broken.iter().find(taken) {
        return column(Stance::Allowed, in_words(tried));
    }
    let proved = |tried: &&TrySeen| {
        tried.decisive().next().is_some()
            && tried.decisive().all(|one| match &one.answer {
                Answer::Accepted { .. } => true,
                Answer::Refused { code, message } => matches!(author(*code, message), Author::Policies(_)),
                Answer::Silent { .. } => false,
            })
    };
    match broken.iter().find(|tried| !proved(tried)).or(broken.first()) {
        None => column(Stance::Unknown, "nothing was asked"),
        Some(tried) if proved(tried) => column(Stance::Denied, in_words(tried)),
        Some(tried) => column(Stance::Unknown, in_words(tried)),
    }
}
