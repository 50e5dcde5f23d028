//! Whether what came back agrees with the policies that were read. Engines take a change of a policy over some time
//! after it was made; until then an answer says nothing of the policies as they are. Pure.

use super::refusal::{Author, author, away};
use super::seen::{Answer, TrySeen};
use crate::semantics::admission::Concern;

/// Why the answers to a request don't agree with the policies; `None` where they do. `twin` says whether it meets the
/// rules: then policies may well let it pass.
pub(super) fn unsettled(seen: &TrySeen, twin: bool) -> Option<String> {
    if seen.not_tried.is_some() {
        return None;
    }
    for answer in seen.decisive() {
        match &answer.answer {
            Answer::Accepted { breaks: Some(_) } if !twin => {
                let able: Vec<String> = seen.concerns.iter().filter(|one| one.refuses()).map(named).collect();
                if !able.is_empty() {
                    return Some(format!("it was taken, though {} can refuse it", able.join(", ")));
                }
            }
            Answer::Refused { code, message } => {
                if let Author::Policies(policies) = author(*code, message) {
                    let stands = |one: &Concern| one.refuses() && policies.contains(&one.policy);
                    if !seen.concerns.iter().any(stands) {
                        let names: Vec<String> = policies.iter().map(ToString::to_string).collect();
                        return Some(format!("{} refused it, which is not to be asked now", names.join(", ")));
                    }
                }
            }
            Answer::Silent { why } => {
                if let Some(webhook) = away(why) {
                    return Some(format!("webhook {webhook} could not be called"));
                }
            }
            Answer::Accepted { .. } => {}
        }
    }
    None
}

fn named(concern: &Concern) -> String {
    concern.policy.to_string()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::seen::{Answer, AnswerSeen, TrySeen};
    use super::unsettled;
    use crate::semantics::admission::{Away, Concern, Effect, Engine, Policy};

    fn refused(by: &str) -> Answer {
        let message = format!("admission webhook \"validation.gatekeeper.sh\" denied the request: [{by}] no");
        Answer::Refused { code: 403, message }
    }

    fn taken(breaks: Option<&str>) -> Answer {
        Answer::Accepted { breaks: breaks.map(str::to_owned) }
    }

    #[rstest]
    #[case::refused_by_who_can(refused("phi"), Effect::Refuses, false, false)]
    #[case::refused_by_who_is_gone(refused("old"), Effect::Refuses, false, true)]
    #[case::refused_by_who_only_tells(refused("phi"), Effect::Reports("dryrun".to_owned()), false, true)]
    #[case::a_twin_that_is_refused_by_who_is_gone(refused("old"), Effect::Refuses, true, true)]
    #[case::taken_though_somebody_can_refuse(taken(Some("root")), Effect::Refuses, false, true)]
    #[case::taken_where_nobody_can(taken(Some("root")), Effect::Spares("x".to_owned()), false, false)]
    #[case::mended(taken(None), Effect::Refuses, false, false)]
    #[case::a_twin_that_is_taken(taken(None), Effect::Refuses, true, false)]
    #[case::a_quota(
        Answer::Refused { code: 403, message: "pods \"p\" is forbidden: exceeded quota: q, requested: pods=1".to_owned() },
        Effect::Refuses,
        true,
        false
    )]
    #[case::away(
        Answer::Silent { why: "Internal error occurred: failed calling webhook \"validation.gatekeeper.sh\": x".to_owned() },
        Effect::Refuses,
        false,
        true
    )]
    fn answers_agree_with_the_policies_or_not(
        #[case] answer: Answer,
        #[case] effect: Effect,
        #[case] twin: bool,
        #[case] expected: bool,
    ) {
        let concern = Concern {
            policy: Policy::new(Engine::Gatekeeper, "phi"),
            effect,
            away: Away::Refuses,
            unclear: None,
            keys: std::collections::BTreeSet::new(),
        };
        let answer = AnswerSeen { step: String::new(), at: String::new(), decides: true, answer };
        let seen = TrySeen { concerns: vec![concern], answers: vec![answer], ..TrySeen::default() };
        assert_eq!(unsettled(&seen, twin).is_some(), expected, "{:?}", unsettled(&seen, twin));
    }
}
