//! A case and what the EKS API told in, a verdict out. Pure.

mod config_map;
mod control;
mod identity;
mod policies;
mod strangers;
#[cfg(test)]
mod tests;

use super::ask::Ask;
use super::seen::EksSeen;
use crate::families::rbac::parameters::{By, Who};
use crate::families::ruling::{Ruling, column, skipped};
use crate::families::{CaseResult, Column, Stance};
use crate::plan::Case;

/// Judges a case by what the EKS API told; `None` where it was not asked.
pub(in crate::families::rbac) fn judged(case: &Case, ask: &Ask, seen: Option<&EksSeen>) -> CaseResult {
    let found = match (seen, ask.by, ask.who) {
        (None, ..) => not_asked(),
        (Some(seen), By::AccessEntry, _) => identity::nobody_else(seen, &case.from),
        (Some(seen), By::ConfigMap, _) => config_map::not_let_in(seen, &case.from),
        (Some(seen), _, Who::Strangers) => strangers::keep_out(seen, case, ask),
        (Some(seen), ..) => policies::grant_nothing(seen, &case.from, ask),
    };
    let Found { ruling, computed, evidence } = found;
    let declared = column(Stance::Denied, "no tenant acts beyond its own");
    let judgement = ruling.beside(declared, computed, column(Stance::Unknown, BY_TEXT));
    CaseResult { case: case.clone(), judgement, evidence }
}

/// What is told beside every verdict here.
const BY_TEXT: &str = "the EKS API's text alone: no access review and no impersonation sees access policies";

/// What a case came to.
struct Found {
    ruling: Ruling,
    computed: Column,
    /// Where in the observations it is, as JSON Pointers.
    evidence: Vec<String>,
}

fn not_asked() -> Found {
    let ruling = skipped(
        "no-eks-cluster",
        "the EKS API was not asked (--eks-cluster), so what its access entries grant was not judged",
        "on EKS, give the cluster's name with --eks-cluster, and AWS credentials that may read its access entries",
    );
    Found { ruling, computed: column(Stance::Unknown, "the EKS API was not asked"), evidence: Vec::new() }
}

/// The text that decides, in the words of a column.
fn by(stance: Stance, because: impl Into<String>, ruling: Ruling, evidence: Vec<String>) -> Found {
    Found { ruling, computed: column(stance, because), evidence }
}

/// An access entry in the observations.
fn entry_at(index: usize) -> String {
    format!("/eks/access/entries/{index}")
}

const CONFIG_MAP_AT: &str = "/eks/access/config_map";

/// So many of something.
fn count(number: usize, one: &str, more: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {more}") }
}

/// The first of several, and how many more there are.
fn and_more(first: &str, all: usize) -> String {
    if all > 1 { format!("{first}, and {} more", all - 1) } else { first.to_owned() }
}
