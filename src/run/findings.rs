//! Cases with the same cause become one finding.

use std::collections::BTreeMap;

use super::record::Finding;
use crate::families::CaseResult;
use crate::model::Verdict;

/// Groups what is broken or not proved by verdict, tenants and cause; worst first.
pub(crate) fn group(results: &[CaseResult]) -> Vec<Finding> {
    let mut findings: BTreeMap<_, Finding> = BTreeMap::new();
    for result in results {
        let judgement = &result.judgement;
        if !matches!(judgement.verdict, Verdict::Fail | Verdict::Inconclusive) {
            continue;
        }
        let (kind, cause, remedy) = judgement.cause.as_ref().map_or_else(
            || ("unexplained", judgement.reason.as_str(), ""),
            |cause| (cause.kind.as_str(), cause.sentence.as_str(), cause.remedy.as_str()),
        );
        findings
            .entry((judgement.verdict, &result.case.from, &result.case.to, kind, cause))
            .or_insert_with(|| Finding {
                verdict: judgement.verdict,
                from: result.case.from.clone(),
                to: result.case.to.clone(),
                sentence: judgement.reason.clone(),
                cause: cause.to_owned(),
                kind: kind.to_owned(),
                remedy: remedy.to_owned(),
                cases: Vec::new(),
            })
            .cases
            .push(result.case.id.clone());
    }
    findings.into_values().collect()
}
