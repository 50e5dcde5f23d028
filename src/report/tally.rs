//! Counts of verdicts, planned cases that were not judged among them.

use std::collections::{BTreeMap, HashSet};

use crate::model::{CaseId, Counts, Family, Verdict};
use crate::plan::Case;
use crate::run::RunRecord;

/// What some cases came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// The judged ones.
    pub(crate) counts: Counts,
    /// Planned ones that were not judged.
    pub(crate) unjudged: usize,
}

impl Tally {
    /// All cases together.
    pub(crate) const fn total(&self) -> usize {
        self.counts.total() + self.unjudged
    }

    /// Takes in the cases of another tally.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.unjudged += other.unjudged;
        self.counts.pass += other.counts.pass;
        self.counts.fail += other.counts.fail;
        self.counts.inconclusive += other.counts.inconclusive;
        self.counts.skipped += other.counts.skipped;
        self.counts.waived += other.counts.waived;
    }

    /// How many cases are to be shown under this verdict: an unjudged one is not proved.
    pub(crate) const fn shown(&self, verdict: Verdict) -> usize {
        match verdict {
            Verdict::Inconclusive => self.counts.inconclusive + self.unjudged,
            other => self.counts.of(other),
        }
    }

    /// The worst verdict with at least one case; `None` without any case. What was not tried speaks
    /// only where nothing was: it is told apart, with its reason, beside what is not covered.
    pub(crate) fn worst(&self) -> Option<Verdict> {
        let tried = Verdict::ALL.into_iter().filter(|verdict| *verdict != Verdict::Skipped);
        tried.chain([Verdict::Skipped]).find(|verdict| self.shown(*verdict) > 0)
    }

    /// The cases among which [`Self::worst`] was found.
    pub(crate) fn tried(&self) -> usize {
        if self.worst() == Some(Verdict::Skipped) { self.total() } else { self.total() - self.counts.skipped }
    }
}

/// The planned cases that were not judged, also of a record that is still being made.
pub(crate) fn unjudged(record: &RunRecord) -> Vec<&Case> {
    if record.unjudged.is_empty() || record.results.is_empty() {
        return record.unjudged.iter().collect();
    }
    let judged: HashSet<&CaseId> = record.results.iter().map(|result| &result.case.id).collect();
    record.unjudged.iter().filter(|case| !judged.contains(&case.id)).collect()
}

/// The tally of each family.
pub(crate) fn by_family(record: &RunRecord) -> BTreeMap<&Family, Tally> {
    let mut families: BTreeMap<&Family, Tally> = BTreeMap::new();
    for result in &record.results {
        families.entry(&result.case.family).or_default().counts.add(result.judgement.verdict);
    }
    for case in unjudged(record) {
        families.entry(&case.family).or_default().unjudged += 1;
    }
    families
}

/// The tally of the whole run.
pub(crate) fn of_run(record: &RunRecord) -> Tally {
    let mut all = Tally::default();
    for tally in by_family(record).values() {
        all.absorb(tally);
    }
    all
}

/// What was not tried, and why: the plan's own list, then skipped cases by their reasons.
pub(crate) fn not_tried(record: &RunRecord) -> Vec<String> {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for result in record.results.iter().filter(|result| result.judgement.verdict == Verdict::Skipped) {
        *reasons.entry(result.judgement.reason.as_str()).or_default() += 1;
    }
    let skipped = reasons.into_iter().map(|(reason, cases)| {
        let noun = if cases == 1 { "case" } else { "cases" };
        format!("{cases} {noun}: {reason}")
    });
    skipped.chain(record.coverage.not_tried.iter().cloned()).collect()
}
