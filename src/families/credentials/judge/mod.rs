//! A case and what was seen in, a verdict with its reason out. Pure.

mod tokens;

use super::ask::Ask;
use super::parameters::Look;
use super::seen::{Credential, NamespaceSeen, Scanned, Seen};
use crate::families::{CaseResult, Cause, Column, JudgeError, Judgement, Stance, ask_of};
use crate::model::Verdict;
use crate::plan::Case;
use crate::semantics::credentials::Lasting;

/// Places that a sentence names; all are in the observations.
const SHOWN: usize = 4;
/// The flag without which no Secret is read.
const FLAG: &str = "--read-secrets";

/// Judges cases by what was seen. The same observations give the same verdicts, whenever.
///
/// # Errors
/// [`JudgeError`] where a case's `ask` is not of this family.
pub fn judge(cases: &[Case], seen: &Seen) -> Result<Vec<CaseResult>, JudgeError> {
    cases
        .iter()
        .map(|case| {
            let ask: Ask = ask_of(case)?;
            let evidence = vec![format!("namespaces/{}", ask.namespace)];
            let judgement = Bench { ask: &ask, seen }.judgement();
            Ok(CaseResult { case: case.clone(), judgement, evidence })
        })
        .collect()
}

/// What the objects say of a promise, before it is asked whether the looking worked.
enum Says {
    /// It is broken: what is wrong, in one sentence, by which kind of cause, and what to do.
    Broken { sentence: String, kind: &'static str, remedy: String },
    /// It can't be told, for this reason.
    Unknown { sentence: String, kind: &'static str, remedy: String },
    /// Nothing was asked, for this reason.
    NotAsked(String),
    /// It is kept: what was looked at.
    Kept(String),
}

/// One case on the bench.
struct Bench<'a> {
    ask: &'a Ask,
    seen: &'a Seen,
}

impl Bench<'_> {
    fn judgement(&self) -> Judgement {
        let says = self.says();
        let missed = self.missed();
        let computed = match &says {
            Says::Broken { sentence, .. } => Column { stance: Stance::Allowed, because: sentence.clone() },
            Says::Unknown { sentence, .. } | Says::NotAsked(sentence) => {
                Column { stance: Stance::Unknown, because: sentence.clone() }
            }
            Says::Kept(what) => Column { stance: Stance::Denied, because: what.clone() },
        };
        let (verdict, reason, cause) = match says {
            Says::Broken { sentence, kind, remedy } => {
                (Verdict::Fail, sentence.clone(), Some((kind, sentence, remedy)))
            }
            Says::NotAsked(why) => (Verdict::Skipped, why, None),
            Says::Unknown { sentence, kind, remedy } => {
                (Verdict::Inconclusive, sentence.clone(), Some((kind, sentence, remedy)))
            }
            Says::Kept(what) => match &missed {
                None => (Verdict::Pass, format!("{what}; {}", self.control()), None),
                Some(missed) => {
                    let sentence = format!("nothing was found, but neither was what this run planted itself: {missed}");
                    let remedy = "report this as an error of tenantproof, with the observations".to_owned();
                    (Verdict::Inconclusive, sentence.clone(), Some(("canary-missed", sentence, remedy)))
                }
            },
        };
        let observed = match (verdict, &missed) {
            (Verdict::Fail, _) => Stance::Allowed,
            (Verdict::Pass, None) => Stance::Denied,
            _ => Stance::Unknown,
        };
        let seen_because = match (&missed, observed) {
            (Some(missed), _) => format!("planted and not found: {missed}"),
            (None, Stance::Unknown) => "nothing was scanned".to_owned(),
            (None, _) => self.control(),
        };
        Judgement {
            verdict,
            reason,
            declared: Column {
                stance: Stance::Denied,
                because: format!(
                    "every tenancy promises that namespace {} {}",
                    self.ask.namespace,
                    self.ask.look.promise()
                ),
            },
            computed,
            observed: Column { stance: observed, because: seen_because },
            control: None,
            cause: cause.map(|(kind, sentence, remedy)| Cause { kind: kind.to_owned(), sentence, remedy }),
        }
    }

    /// The canaries that were not found; `None` where all were, or none is needed.
    fn missed(&self) -> Option<String> {
        if self.ask.look == Look::TokenSecrets {
            return None;
        }
        match self.seen.missed.get(&self.ask.look) {
            Some(missed) if missed.is_empty() => None,
            Some(missed) => Some(listed(missed)),
            None => Some("no canary was planted".to_owned()),
        }
    }

    /// The control case, in words.
    fn control(&self) -> String {
        let canaries = self.seen.canaries.get(&self.ask.look).copied().unwrap_or_default();
        match self.ask.look {
            Look::Pods | Look::ConfigMaps | Look::Secrets => {
                format!("in the same run a planted fake of each of {canaries} kinds was found in each form")
            }
            Look::UnneededTokens | Look::TokenLifetimes => {
                "in the same run a planted pod with a token was found, and told from its twin".to_owned()
            }
            Look::TokenSecrets => "the type of each Secret was read".to_owned(),
        }
    }

    fn says(&self) -> Says {
        let namespace = &self.ask.namespace;
        let Some(seen) = self.seen.namespaces.get(namespace) else {
            let why = self.seen.fault.clone().unwrap_or_else(|| format!("namespace {namespace} was not looked into"));
            let remedy = "run again; the run ended before it had looked into everything".to_owned();
            return Says::Unknown { sentence: why, kind: "not-looked-into", remedy };
        };
        match self.ask.look {
            Look::Pods => self.scanned(seen, &seen.pods, "pods"),
            Look::ConfigMaps => self.scanned(seen, &seen.config_maps, "configmaps"),
            Look::Secrets if self.seen.told_to_read_secrets => self.scanned(seen, &seen.secrets, "secrets"),
            Look::Secrets => Says::NotAsked(format!("Secrets are read only with {FLAG}")),
            Look::UnneededTokens => self.unneeded(seen),
            Look::TokenLifetimes => self.lifetimes(seen),
            Look::TokenSecrets => self.token_secrets(seen),
        }
    }

    /// What a scan says.
    fn scanned(&self, seen: &NamespaceSeen, scanned: &Scanned, plural: &str) -> Says {
        let namespace = &self.ask.namespace;
        let counts = |one: &&Credential| {
            one.found.lasting == Lasting::LongLived
                && !(self.ask.look == Look::Secrets && one.found.kind.belongs_in_a_secret())
        };
        let found: Vec<String> = scanned.found.iter().filter(counts).map(place).collect();
        if !found.is_empty() {
            let (kind, remedy) = match self.ask.look {
                Look::Pods => (
                    "long-lived-credential-in-pod",
                    "take it out of the workload's manifest, revoke it where it was issued, and let the workload assume \
                     a role (EKS Pod Identity, IRSA) or mount a Secret as a file",
                ),
                Look::Secrets => (
                    "long-lived-credential-in-secret",
                    "revoke it where it was issued, and let the workload assume a role (EKS Pod Identity, IRSA) or have \
                     a short-lived key written by a secrets manager",
                ),
                _ => (
                    "long-lived-credential-in-config-map",
                    "take it out of the ConfigMap, revoke it where it was issued, and let the workload assume a role \
                     (EKS Pod Identity, IRSA) or mount a Secret as a file",
                ),
            };
            return Says::Broken { sentence: listed(&found), kind, remedy: remedy.to_owned() };
        }
        if let Some(unread) = self.unread(seen, &[plural]) {
            return unread;
        }
        let rest = scanned.found.len() - found.len();
        let aside =
            if rest == 0 { String::new() } else { format!(", {rest} that are temporary or belong there aside") };
        let opaque = if scanned.opaque == 0 {
            String::new()
        } else {
            format!("; {} values are no text and were not looked into", scanned.opaque)
        };
        let (objects, texts) = (scanned.objects, scanned.texts);
        Says::Kept(format!(
            "{texts} texts of {objects} {plural} in namespace {namespace} hold no long-lived credential{aside}{opaque}"
        ))
    }

    /// Why one of these kinds could not be read, where it could not.
    fn unread(&self, seen: &NamespaceSeen, plurals: &[&str]) -> Option<Says> {
        let (plural, why) = plurals.iter().find_map(|plural| seen.unread.get_key_value(*plural))?;
        Some(Says::Unknown {
            sentence: format!("{plural} can't be read for namespace {}: {why}", self.ask.namespace),
            kind: "not-read",
            remedy: format!("allow reading {plural}; `tenantproof permissions` prints the ClusterRole"),
        })
    }
}

/// A place and what is there, in words; never the value.
fn place(one: &Credential) -> String {
    let more = if one.alike == 0 { String::new() } else { format!(" (and {} more of {})", one.alike, one.owner) };
    format!("{}{more}, {}: {} (fingerprint {})", one.object, one.found.at, one.found.kind, one.found.fingerprint)
}

/// The first of a list, and how many more there are.
fn listed(all: &[String]) -> String {
    let shown: Vec<&str> = all.iter().take(SHOWN).map(String::as_str).collect();
    let more = all.len() - shown.len();
    let shown = shown.join("; ");
    if more == 0 { shown } else { format!("{shown}; and {more} more") }
}

#[cfg(test)]
mod tests;
