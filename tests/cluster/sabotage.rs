//! Each fence, broken on purpose: the suite finds it, names the right tenants and the right cause, and
//! is content again once the fence is back.

use super::support::{Story, labs};
use tenantproof::run::Finding;

/// The finding for a pair of tenants; panics with all of them where there is none.
fn finding<'a>(findings: &'a [Finding], from: &str, to: &str) -> &'a Finding {
    findings
        .iter()
        .find(|finding| finding.from.as_str() == from && finding.to.as_str() == to)
        .unwrap_or_else(|| panic!("no finding from {from} to {to} in {findings:#?}"))
}

#[test]
fn a_deleted_policy_is_found_and_missed_no_more_once_it_is_back() {
    for lab in labs() {
        let story = Story::new(&lab, "deleted");
        let whole = lab.run(&story.tenancy()).end().expect_code(0);
        assert!(whole.record().findings.is_empty());

        lab.delete("networking.k8s.io/v1", "NetworkPolicy", &story.b, "fence");
        let broken = lab.run(&story.tenancy()).end().expect_code(1);
        let leak = finding(&broken.record().findings, "a", "b");
        assert_eq!(leak.kind, "policy-missing", "{leak:#?}");
        assert!(leak.cause.contains(&story.b), "the cause should name the namespace: {}", leak.cause);
        let hit: Vec<_> = broken.record().findings.iter().map(|finding| finding.to.as_str()).collect();
        assert!(hit.iter().all(|to| *to == "b"), "nobody but b is open: {hit:?}");

        lab.apply(&super::support::fence(&story.b, "fence", "{}", "[{podSelector: {}}]", ""));
        lab.run(&story.tenancy()).end().expect_code(0);
    }
}
