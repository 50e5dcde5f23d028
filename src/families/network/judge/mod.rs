//! A case and what was seen in, a verdict with its reason out. Pure.

use super::ask::Ask;
use super::cause::{not_proved, of_block, of_leak};
use super::controls::Controls;
use super::outcome::{Came, came, in_words};
use super::seen::{Seen, TrySeen};
use crate::families::{CaseResult, Cause, Column, JudgeError, Judgement, Stance, ask_of};
use crate::model::{ControlStrength, Verdict};
use crate::plan::Case;
use crate::suite::Access;

/// Judges cases by what was seen. The same observations give the same verdicts, whenever.
///
/// # Errors
/// [`JudgeError`] where a case's `ask` is not of this family.
pub fn judge(cases: &[Case], seen: &Seen) -> Result<Vec<CaseResult>, JudgeError> {
    let controls = Controls::of(seen);
    cases
        .iter()
        .map(|case| {
            let ask: Ask = ask_of(case)?;
            let judgement = Bench { case, ask: &ask, seen, controls: &controls }.judgement();
            Ok(CaseResult { case: case.clone(), judgement, evidence: ask.tries })
        })
        .collect()
}

/// One case on the bench.
struct Bench<'a> {
    case: &'a Case,
    ask: &'a Ask,
    seen: &'a Seen,
    controls: &'a Controls<'a>,
}

/// A verdict without its columns.
struct Ruling {
    verdict: Verdict,
    reason: String,
    control: Option<ControlStrength>,
    cause: Option<Cause>,
}

impl Bench<'_> {
    fn judgement(&self) -> Judgement {
        let tries: Vec<&TrySeen> = self.ask.tries.iter().filter_map(|key| self.seen.tries.get(key)).collect();
        let ruling = self.rule(&tries);
        let declared = match self.case.expect {
            Access::Allowed => Stance::Allowed,
            Access::Denied => Stance::Denied,
        };
        let computed = tries.first().map_or_else(
            || Column { stance: Stance::Unknown, because: "nothing was computed".to_owned() },
            |first| Column { stance: first.computed.stance, because: first.computed.because.clone() },
        );
        let observed = if tries.iter().any(|one| matches!(came(one), Came::Through | Came::OneWay)) {
            Stance::Allowed
        } else if !tries.is_empty() && tries.iter().all(|one| came(one) == Came::Blocked) {
            Stance::Denied
        } else {
            Stance::Unknown
        };
        Judgement {
            verdict: ruling.verdict,
            reason: ruling.reason,
            declared: Column { stance: declared, because: self.ask.declared.clone() },
            computed,
            observed: Column { stance: observed, because: in_words(tries.iter().copied()) },
            control: ruling.control,
            cause: ruling.cause,
        }
    }

    fn rule(&self, tries: &[&TrySeen]) -> Ruling {
        let Ask { from, to, protocol, port, .. } = self.ask;
        let pair = format!("{from} and {to} on {protocol} {port}");
        if tries.len() < self.ask.tries.len() {
            let why = format!(
                "{} of {} tries between {pair} were not made",
                self.ask.tries.len() - tries.len(),
                self.ask.tries.len()
            );
            return inconclusive("not-tried", why, "run again; the run ended before it had tried everything");
        }
        match self.case.expect {
            Access::Denied => self.rule_denial(tries, &pair),
            Access::Allowed => self.rule_allowance(tries, &pair),
        }
    }

    /// What every verdict but a seen leak needs first: that all was tried, on what was read.
    fn obstacle(&self, tries: &[&TrySeen], pair: &str) -> Option<Ruling> {
        if tries.iter().all(|one| came(one) == Came::Unsupported) {
            return Some(Ruling {
                verdict: Verdict::Skipped,
                reason: format!("the kernel of the nodes has no {}, so it is computed only", self.ask.protocol),
                control: None,
                cause: None,
            });
        }
        if let Some(fault) = tries.iter().find_map(|one| one.fault.clone()) {
            return Some(inconclusive(
                "probe-fault",
                format!("between {pair}: {fault}"),
                "mend what kept the probe away, and run again",
            ));
        }
        let changed = [&self.ask.from.namespace, &self.ask.to.namespace];
        if let Some(namespace) = changed.into_iter().find(|namespace| self.seen.changed.contains(*namespace)) {
            let why = format!("the NetworkPolicies of namespace {namespace} changed while connections were tried");
            return Some(inconclusive("policies-changed", why, "run again when nobody changes policies"));
        }
        if let Some((namespace, why)) = changed.into_iter().find_map(|one| self.seen.unconfirmed.get_key_value(one)) {
            let why = format!(
                "the NetworkPolicies of namespace {namespace} could not be read again after the tries, so they may have \
                 changed: {why}"
            );
            return Some(inconclusive("policies-unconfirmed", why, "run again when the API server can be read"));
        }
        None
    }

    fn rule_denial(&self, tries: &[&TrySeen], pair: &str) -> Ruling {
        let Ask { from, to, protocol, port, .. } = self.ask;
        if let Some(leak) = tries.iter().find(|one| matches!(came(one), Came::Through | Came::OneWay)) {
            let reason = if came(leak) == Came::Through {
                format!("{to} can be reached from {from} on {protocol} {port}")
            } else {
                format!("packets from {from} arrive at {to} on {protocol} {port}, though no answer comes back")
            };
            let cause = of_leak(self.ask, &leak.computed, self.seen);
            return Ruling { verdict: Verdict::Fail, reason, control: None, cause: Some(cause) };
        }
        if let Some(obstacle) = self.obstacle(tries, pair) {
            return obstacle;
        }
        if let Some(unclear) = tries.iter().find(|one| came(one) != Came::Blocked) {
            return self.unclear(unclear, pair);
        }
        let control = match self.control(tries) {
            Ok(control) => control,
            Err(why) => return missing_control(&why),
        };
        if let Some(open) = tries.iter().find(|one| one.computed.stance == Stance::Allowed) {
            let why = format!(
                "nothing passes between {pair}, and nothing that was read fences it ({}): what blocks it may go at any time",
                open.computed.because
            );
            return inconclusive(
                "unexplained-block",
                why,
                "find what blocks it (a mesh, a security group, a node's firewall), or add the NetworkPolicy that should",
            );
        }
        let weaker = if control == ControlStrength::OwnAddress {
            "; its control case is only a connection to its own address, since nobody else may reach it"
        } else {
            ""
        };
        let reason = match tries.iter().find(|one| one.computed.stance == Stance::Unknown) {
            Some(one) => {
                format!("{from} does not reach {to}; by what, is not computed: {}{weaker}", one.computed.because)
            }
            None => format!("{from} does not reach {to}, as the policies say{weaker}"),
        };
        Ruling { verdict: Verdict::Pass, reason, control: Some(control), cause: None }
    }

    fn rule_allowance(&self, tries: &[&TrySeen], pair: &str) -> Ruling {
        let Ask { from, to, protocol, port, .. } = self.ask;
        if let Some(obstacle) = self.obstacle(tries, pair) {
            return obstacle;
        }
        if tries.iter().all(|one| came(one) == Came::Through) {
            let lost =
                tries.iter().flat_map(|one| &one.attempts).filter(|attempt| !attempt.outcome.is_connected()).count();
            let lost = if lost == 0 { String::new() } else { format!("; {lost} attempts of it did not come about") };
            let reason = format!("{from} reaches {to} on {protocol} {port}, and the right peer answers{lost}");
            return Ruling { verdict: Verdict::Pass, reason, control: None, cause: None };
        }
        if let Some(unclear) = tries.iter().find(|one| !matches!(came(one), Came::Through | Came::Blocked)) {
            return self.unclear(unclear, pair);
        }
        let blocked: Vec<&TrySeen> = tries.iter().filter(|one| came(one) == Came::Blocked).copied().collect();
        if blocked.iter().any(|one| one.computed.stance != Stance::Denied) {
            // Nothing computed explains it: a dead target or source would look the same.
            if let Err(why) = self.control(&blocked) {
                return missing_control(&why);
            }
        }
        let reason =
            format!("{to} can't be reached from {from} on {protocol} {port}, though a declared flow allows it");
        let cause = blocked.first().map(|one| of_block(self.ask, &one.computed, self.seen));
        Ruling { verdict: Verdict::Fail, reason, control: None, cause }
    }

    fn unclear(&self, one: &TrySeen, pair: &str) -> Ruling {
        let to = &one.connection.to;
        let target = self.seen.probes.get(to).and_then(|probe| probe.fault.as_ref());
        let silent = match (one.arrivals, target) {
            (None, Some(fault)) => format!("; the probe {to} could not say who arrived: {fault}"),
            _ => String::new(),
        };
        let why = format!("what came back between {pair} proves nothing: {}{silent}", in_words(std::iter::once(one)));
        inconclusive("unclear", why, "look at the attempts of this case with `tenantproof explain`")
    }

    /// The weakest control case over all tries.
    fn control(&self, tries: &[&TrySeen]) -> Result<ControlStrength, String> {
        tries
            .iter()
            .map(|one| self.controls.strength(one))
            .try_fold(ControlStrength::AcrossNodes, |weakest, strength| Ok(weakest.min(strength?)))
    }
}

fn missing_control(why: &str) -> Ruling {
    inconclusive(
        "control-missing",
        format!("the denial has no control case: {why}"),
        "see that the network between the nodes works and that the probes listen; then run again",
    )
}

fn inconclusive(kind: &str, why: String, remedy: &str) -> Ruling {
    Ruling {
        verdict: Verdict::Inconclusive,
        reason: why.clone(),
        control: None,
        cause: Some(not_proved(kind, why, remedy)),
    }
}

#[cfg(test)]
mod tests;
