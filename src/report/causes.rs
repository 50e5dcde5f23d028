//! Findings of one cause, told once: a network that enforces nothing breaks every pair, and is
//! still one thing to mend.

use std::borrow::Cow;
use std::collections::HashMap;

use super::wording::count;
use crate::model::Verdict;
use crate::run::Finding;

/// Findings that share verdict, cause and remedy.
pub(crate) struct Cause<'a> {
    /// Their verdict.
    pub(crate) verdict: Verdict,
    /// What to do.
    pub(crate) remedy: &'a str,
    /// How many cases they have together.
    pub(crate) cases: usize,
    /// The first of these cases.
    pub(crate) first_case: &'a str,
    first: &'a Finding,
    pairs: usize,
}

impl Cause<'_> {
    /// What broke, with the number of other pairs for which it did.
    pub(crate) fn sentence(&self) -> Cow<'_, str> {
        if self.pairs == 1 {
            return Cow::Borrowed(&self.first.sentence);
        }
        let others = count(self.pairs - 1, "other pair", "other pairs");
        let first = self.first.sentence.trim_end_matches('.');
        Cow::Owned(format!("{first}; the same holds for {others}"))
    }

    /// Why; empty where that is what the sentence says already.
    pub(crate) fn cause(&self) -> &str {
        if self.first.cause == self.first.sentence { "" } else { &self.first.cause }
    }
}

/// The findings by their cause, in the order of the first of each.
pub(crate) fn by_cause(findings: &[Finding]) -> Vec<Cause<'_>> {
    let mut places = HashMap::new();
    let mut causes: Vec<Cause<'_>> = Vec::new();
    for finding in findings {
        let key = (finding.verdict, &finding.kind, &finding.cause, &finding.remedy);
        let place = *places.entry(key).or_insert(causes.len());
        if let Some(cause) = causes.get_mut(place) {
            cause.pairs += 1;
            cause.cases += finding.cases.len();
        } else {
            causes.push(Cause {
                verdict: finding.verdict,
                remedy: &finding.remedy,
                cases: finding.cases.len(),
                first_case: finding.cases.first().map_or("", |case| case.as_str()),
                first: finding,
                pairs: 1,
            });
        }
    }
    causes
}
