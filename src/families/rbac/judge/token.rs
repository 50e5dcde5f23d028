//! What came of requests with a tenant's own token.

use super::{bound, place};
use crate::families::rbac::ask::Ask;
use crate::families::rbac::request;
use crate::families::rbac::seen::{Seen, TokenSeen, TriedSeen};
use crate::families::ruling::{Ruling, broken, column, holds, inconclusive, or_nothing, skipped};
use crate::families::{CaseResult, Column, Stance};
use crate::model::Verdict;
use crate::plan::Case;

/// The flag without which no token is asked for.
const FLAG: &str = "--request-tokens";

/// Judges a case by what was tried.
pub(super) fn judged(of: &Case, ask: &Ask, seen: &Seen) -> CaseResult {
    let tried: Vec<Tried<'_>> = ask.asked.iter().filter_map(|key| Tried::of(seen.tried.get(key)?, seen)).collect();
    let judgement = rule(of, ask, &tried, seen).beside(
        column(Stance::Denied, "no tenant acts beyond its own"),
        worst(ask, &tried, |one| (one.seen.computed, one.seen.because.clone())),
        worst(ask, &tried, |one| (one.answer, one.in_words())),
    );
    let decisive = |one: &&Tried<'_>| judgement.verdict != Verdict::Fail || one.answer == Stance::Allowed;
    let keys = tried.iter().filter(decisive).map(|one| format!("tried/{}", one.seen.question.key()));
    let tokens = ask.subjects.iter().filter(|subject| seen.tokens.contains_key(*subject));
    let evidence = keys.chain(tokens.map(|subject| format!("tokens/{subject}"))).collect();
    CaseResult { case: of.clone(), judgement, evidence }
}

/// A request and what its answer says.
struct Tried<'a> {
    seen: &'a TriedSeen,
    answer: Stance,
}

impl<'a> Tried<'a> {
    fn of(seen: &'a TriedSeen, all: &Seen) -> Option<Self> {
        let token = all.tokens.get(&seen.question.subject)?;
        Some(Self { seen, answer: answer_of(seen, token) })
    }

    /// Who asked for what, and what was answered.
    fn in_words(&self) -> String {
        let TriedSeen { question, code, message, .. } = self.seen;
        match (*code, message.as_str()) {
            (0, why) => format!("{}: no answer: {}", question.what(), or_nothing(why)),
            (code, "") => format!("{}: {code}", question.what()),
            (code, said) => format!("{}: {code}, {said}", question.what()),
        }
    }
}

/// What an answer says of the authorization of its request. Only its own refusal is one; what was not found was looked
/// for. Anything else says nothing of it.
fn answer_of(tried: &TriedSeen, token: &TokenSeen) -> Stance {
    let TriedSeen { question, code, message, .. } = tried;
    match *code {
        200..=299 => Stance::Allowed,
        403 if request::refuses(message, &token.user, question) => Stance::Denied,
        404 if message.starts_with(&question.resource) && message.ends_with("\" not found") => Stance::Allowed,
        _ => Stance::Unknown,
    }
}

fn rule(of: &Case, ask: &Ask, tried: &[Tried<'_>], seen: &Seen) -> Ruling {
    if !seen.told_to_request_tokens {
        let why = format!("nothing was tried with a tenant's own token: tokens are asked for only with {FLAG}");
        return skipped(
            "no-tokens",
            why,
            &format!("give {FLAG}, and the runner the right that `tenantproof permissions {FLAG}` prints"),
        );
    }
    let mut allowed = tried.iter().filter(|one| one.answer == Stance::Allowed);
    if let Some(first) = allowed.next() {
        return granted(first, allowed.count());
    }
    if let Some(ruling) = ask.subjects.iter().find_map(|subject| untrusted(subject, seen.tokens.get(subject))) {
        return ruling;
    }
    if tried.len() < ask.asked.len() || (tried.is_empty() && ask.rest.is_none()) {
        let why = format!("{} of {} requests were not made", ask.asked.len() - tried.len(), ask.asked.len());
        return inconclusive("not-tried", why, "run again; the run ended before it had tried everything");
    }
    if let Some(ruling) = tried.iter().find_map(unproved) {
        return ruling;
    }
    let rest = &ask.rest;
    if rest.allowed + rest.unknown > 0 {
        let why = format!("what the rules don't refuse was not tried ({}): {}", bound(rest), rest.because);
        return inconclusive("not-tried", why, "take the binding away, or raise --max-reviews to see it tried");
    }
    if tried.is_empty() {
        let why = format!("none of {} requests was made ({}): others were", rest.count(), bound(rest));
        return skipped("not-tried", why, "raise --max-reviews, or choose tenants with --tenant");
    }
    let sample =
        if rest.is_none() { String::new() } else { format!(" (of {}, {})", tried.len() + rest.count(), bound(rest)) };
    holds(format!(
        "{} requests{sample} {} with the own tokens of {} service accounts are all refused by the API server's \
         authorization, as the rules and its reviews say; it knows each by its name",
        tried.len(),
        place(of, ask.place),
        ask.subjects.len()
    ))
}

/// A request that was not refused.
fn granted(first: &Tried<'_>, more: usize) -> Ruling {
    let TriedSeen { question, computed, because, review, review_said, code, .. } = first.seen;
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let reason = format!(
        "{}, with its own token, is not refused to {} (the API server answers {code}){more}",
        question.subject,
        question.what()
    );
    if *computed == Stance::Allowed {
        let remedy = "take the subject out of the binding, or the rule out of the role";
        return broken("granted", reason, because.clone(), remedy.to_owned());
    }
    let says = match review {
        Stance::Allowed => format!("the API server's review allows it too (it says: {})", or_nothing(review_said)),
        Stance::Denied => "the API server's own review refuses it".to_owned(),
        Stance::Unknown => format!("the API server gave no review of it ({})", or_nothing(review_said)),
    };
    let sentence = format!("no role grants it, and the request was served: another authorizer grants it; {says}");
    let remedy = "look at the API server's other authorizers: webhooks, EKS access entries and their policies";
    broken("granted-elsewhere", reason, sentence, remedy.to_owned())
}

/// Why a token shows nothing; `None` where the API server knows it.
fn untrusted(subject: &str, token: Option<&TokenSeen>) -> Option<Ruling> {
    let Some(token) = token else {
        let why = format!("no token of {subject} was asked for");
        return Some(inconclusive("no-token", why, "run again; the run ended before it had tried everything"));
    };
    match &token.known_as {
        Some(user) if *user == token.user => None,
        Some(user) => {
            let why = format!("the API server knows who has the token of {subject} as {user}, not as {}", token.user);
            Some(inconclusive(
                "other-name",
                why,
                "look at what stands between the runner and the API server, and at its authenticators",
            ))
        }
        None => {
            let why =
                format!("there is no token of {subject} that the API server knows: {}", or_nothing(&token.trouble));
            let remedy = format!(
                "grant `create` on serviceaccounts/token to the runner (`tenantproof permissions {FLAG}` prints the rule), \
                 and see that the service account exists"
            );
            Some(inconclusive("no-token", why, &remedy))
        }
    }
}

/// Why a request that was not granted does not show a refusal; `None` where it does.
fn unproved(one: &Tried<'_>) -> Option<Ruling> {
    let TriedSeen { question, computed, because, review, review_said, code, message, .. } = one.seen;
    let (who, what) = (&question.subject, question.what());
    if one.answer == Stance::Unknown {
        let (kind, by) = match code {
            0 => ("no-answer", "there was no answer".to_owned()),
            401 => ("token-refused", "the API server did not take the token (401)".to_owned()),
            code => ("other-author", format!("it was answered {code} by somebody else than its authorization")),
        };
        let why = format!("whether {who} may {what} with its own token was not seen: {by}: {}", or_nothing(message));
        return Some(inconclusive(kind, why, "see who answers there, and run again"));
    }
    let odd = match (computed, review) {
        (Stance::Unknown, _) => {
            return Some(inconclusive("not-understood", because.clone(), "make what is named readable to the runner"));
        }
        (_, Stance::Unknown) => {
            let why =
                format!("{who} is refused to {what}, and its own review gave no answer: {}", or_nothing(review_said));
            return Some(inconclusive("not-answered", why, "see that every authorizer of the API server answers"));
        }
        (Stance::Allowed, _) => format!("roles grant it ({because})"),
        (_, Stance::Allowed) => format!("the API server's review allows it ({})", or_nothing(review_said)),
        (Stance::Denied, Stance::Denied) => return None,
    };
    let why = format!("{who} is refused to {what}, although {odd}");
    Some(inconclusive(
        "not-confirmed",
        why,
        "run again; where it stays, an authorizer denies what another grants, and may stop to",
    ))
}

/// The column over all requests: what one was granted outweighs what all others were refused.
fn worst(ask: &Ask, tried: &[Tried<'_>], of: impl Fn(&Tried<'_>) -> (Stance, String)) -> Column {
    let all: Vec<(Stance, String)> = tried.iter().map(of).collect();
    for wanted in [Stance::Allowed, Stance::Unknown] {
        if let Some((stance, because)) = all.iter().find(|(stance, _)| *stance == wanted) {
            return column(*stance, because.clone());
        }
    }
    let rest = if ask.rest.is_none() {
        String::new()
    } else {
        format!("; {} more were not tried: {}", ask.rest.count(), bound(&ask.rest))
    };
    if all.is_empty() {
        return column(Stance::Unknown, format!("nothing was tried{rest}"));
    }
    column(Stance::Denied, format!("all {} requests{rest}", all.len()))
}
