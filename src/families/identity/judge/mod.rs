//! A case and what was seen in, a verdict with its reason out. Pure.
//!
//! A denial counts only beside its control cases: with the same key the same call was allowed on what is the tenant's own,
//! and the owner's own call on the same thing was. Whatever is no denial in the service's own form proves nothing.

mod attacks;
mod calls;
mod credentials;

use super::ask::Ask;
use super::computed::computed;
use super::outside;
use super::parameters::Attempt;
use super::seen::{CallSeen, Phase, Seen, Way, fetch_key};
use crate::families::ruling::{Ruling, column, inconclusive};
use crate::families::{CaseResult, Column, JudgeError, Stance, ask_of};
use crate::model::Verdict;
use crate::plan::{Case, ProbeName};
use crate::probe::wire::cloud::{SourceAnswer, SourceOutcome};
use crate::suite::Access;

/// Judges cases.
///
/// # Errors
/// [`JudgeError`] for a case that is not of this family's shape.
pub fn judge(cases: &[Case], seen: &Seen) -> Result<Vec<CaseResult>, JudgeError> {
    let told = outside::Bench::new(seen.outside.as_ref());
    cases.iter().map(|case| told.judged(case).map_or_else(|| judge_one(case, seen), Ok)).collect()
}

fn judge_one(case: &Case, seen: &Seen) -> Result<CaseResult, JudgeError> {
    let ask: Ask = ask_of(case)?;
    let bench = Bench { ask: &ask, seen };
    let mut evidence = Vec::new();
    let ruling = bench.rule(&mut evidence);
    let declared = match case.expect {
        Access::Allowed => column(Stance::Allowed, "the tenancy promises it"),
        Access::Denied => column(Stance::Denied, "the tenancy does not allow it"),
    };
    let observed = bench.observed(case, &ruling, &evidence);
    evidence.retain(|key| seen.calls.contains_key(key) || seen.fetches.contains_key(key));
    let judgement = ruling.beside(declared, computed(seen, &ask), observed);
    Ok(CaseResult { case: case.clone(), judgement, evidence })
}

/// What a case is judged from.
struct Bench<'a> {
    ask: &'a Ask,
    seen: &'a Seen,
}

impl<'a> Bench<'a> {
    /// The verdict. What it rests on goes to `evidence`, what it is about first.
    fn rule(&self, evidence: &mut Vec<String>) -> Ruling {
        if let Some(fault) = self.fault(&self.ask.probe) {
            let reason = format!("the probe of {} could not try: {fault}", self.ask.account);
            return inconclusive("probe", reason, "see why its pod does not run or is not heard, and run again");
        }
        match self.ask.attempt {
            Attempt::Credentials => self.credentials(evidence),
            Attempt::Rotation => self.rotation(evidence),
            Attempt::Own => self.own(evidence),
            Attempt::Others => self.others(evidence),
            Attempt::WrongAudience => self.wrong_audience(evidence),
            Attempt::NoAssociation => self.no_association(evidence),
            Attempt::InstanceMetadata => self.instance_metadata(evidence),
            Attempt::AgentAddress => self.agent_address(evidence),
            Attempt::Expired => self.expired(evidence),
        }
    }

    /// Why a probe could not try; `None` where it could.
    fn fault(&self, probe: &ProbeName) -> Option<&str> {
        match self.seen.probes.get(probe) {
            Some(seen) => seen.fault.as_deref(),
            None => Some("nothing was seen of it"),
        }
    }

    fn call(&self, key: String, evidence: &mut Vec<String>) -> Option<&'a CallSeen> {
        let call = self.seen.calls.get(&key);
        evidence.push(key);
        call
    }

    fn fetch(
        &self,
        probe: &ProbeName,
        phase: Phase,
        from: Way,
        evidence: &mut Vec<String>,
    ) -> Option<&'a SourceAnswer> {
        let key = fetch_key(probe, phase, from);
        let fetch = self.seen.fetches.get(&key);
        evidence.push(key);
        fetch
    }

    /// The column of what was observed: what came back of what the case is about.
    fn observed(&self, case: &Case, ruling: &Ruling, evidence: &[String]) -> Column {
        let other = match case.expect {
            Access::Allowed => (Stance::Allowed, Stance::Denied),
            Access::Denied => (Stance::Denied, Stance::Allowed),
        };
        let stance = match ruling.verdict {
            Verdict::Pass => other.0,
            Verdict::Fail => other.1,
            _ => Stance::Unknown,
        };
        let back = |key: &String| {
            let call = self.seen.calls.get(key).map(told);
            call.or_else(|| self.seen.fetches.get(key).map(|fetch| brought(&fetch.outcome)))
        };
        column(stance, evidence.iter().find_map(back).unwrap_or_else(|| "nothing came back".to_owned()))
    }
}

/// What came back of a call, with the error's own code and the request's id.
fn told(call: &CallSeen) -> String {
    let code = call.answer.code.as_ref().map(|code| format!(", {code}")).unwrap_or_default();
    let request = call.answer.request_id.as_ref().map(|id| format!(", request {id}")).unwrap_or_default();
    format!("{}: {}{code}{request}", call.deed, call.class())
}

/// What a fetch brought, in words.
fn brought(outcome: &SourceOutcome) -> String {
    match outcome {
        SourceOutcome::Given => "credentials were given".to_owned(),
        SourceOutcome::Named => "the role's name was told".to_owned(),
        SourceOutcome::Refused(refusal) => format!("refused ({})", refused(*refusal)),
        SourceOutcome::NotConfigured => "nothing in the pod says where credentials are".to_owned(),
        SourceOutcome::NotAccepted => "an address that SDKs do not accept".to_owned(),
        SourceOutcome::NoToken(why) => format!("no token: {why}"),
        SourceOutcome::Malformed => "an answer that is no credentials".to_owned(),
        SourceOutcome::Network(fault) => fault.to_string(),
        SourceOutcome::NoRole => "the instance has no role".to_owned(),
    }
}

fn refused(refusal: crate::probe::wire::cloud::Refusal) -> &'static str {
    use crate::probe::wire::cloud::Refusal;
    match refusal {
        Refusal::Address => "it was asked by an address that is not its own",
        Refusal::NoToken => "no token came",
        Refusal::UnreadableToken => "what came is no token",
        Refusal::StaleToken => "the token is expired or not valid yet",
        Refusal::ForeignToken => "the token is of another audience, issuer or cluster",
        Refusal::NoAssociation => "the service account has no association",
        Refusal::AccessDenied => "the role does not let itself be assumed",
        Refusal::TokenRequired => "it asks for a token of its own first",
        Refusal::Busy => "it is overloaded or fails",
        Refusal::Other => "for another reason",
    }
}

#[cfg(test)]
mod tests;
