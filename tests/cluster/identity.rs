//! What tenants' pods reach in AWS, on a lab that has AWS' side (`kind-configs/lab up --aws`): the matrix of tenants and
//! buckets is right in all cells, and what is broken is found with its cause.

use tenantproof::model::Verdict;

use super::support::{Cloud, Ended, Lab, Story, expect_nothing_left, first_lab};

const FAMILY: &[&str] = &["identity"];

fn run(lab: &Lab, tenancy: &str) -> Ended {
    lab.run(tenancy).families(FAMILY).end()
}

/// Check, tenants, and kind of cause of every case that failed.
fn broken(ended: &Ended) -> Vec<(String, String, String)> {
    let failed = ended.record().results.iter().filter(|one| one.judgement.verdict == Verdict::Fail);
    let told = failed.map(|one| {
        let cause = one.judgement.cause.as_ref().map_or("", |cause| cause.kind.as_str());
        let pair = format!("{}>{}", one.case.from, one.case.to);
        (one.case.check.to_string(), pair, cause.to_owned())
    });
    told.collect()
}

#[test]
fn each_tenant_reaches_its_own_bucket_and_no_other() {
    let Some(lab) = first_lab() else { return };
    let story = Story::new(&lab, "cloud");
    let Some(cloud) = Cloud::new(&lab, &story) else { return };
    let ended = run(&lab, &cloud.tenancy(&story)).expect_code(0);
    let record = ended.record();
    for (from, to) in [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")] {
        let kind = if from == to { "identity.own-bucket." } else { "identity.other-bucket." };
        for operation in ["list", "get", "put", "delete", "multipart", "presigned"] {
            let mut cell = record.results.iter().filter(|one| {
                let case = &one.case;
                case.check.as_str() == format!("{kind}{operation}")
                    && (case.from.as_str(), case.to.as_str()) == (from, to)
            });
            let one =
                cell.next().unwrap_or_else(|| panic!("{operation}: no case from {from} to {to}:\n{}", ended.text));
            assert_eq!(one.judgement.verdict, Verdict::Pass, "{}: {}", one.case.id, one.judgement.reason);
            assert!(!one.evidence.is_empty(), "{}", one.case.id);
        }
    }
    let texts = ["run.json", "junit.xml", "summary.md"].map(|name| ended.report(name));
    for text in texts.iter().chain([&ended.text]) {
        assert!(!text.contains("eyJ") && !has_key(text), "a key or a token is shown");
    }
    expect_nothing_left(&lab, &story.namespaces(), &[&ended]);
}

/// Whether a whole access key id stands in the text: four letters and sixteen characters.
fn has_key(text: &str) -> bool {
    text.match_indices("ASIA").any(|(at, _)| {
        let rest = &text[at + 4..];
        rest.chars().take_while(|one| one.is_ascii_uppercase() || one.is_ascii_digit()).count() >= 16
    })
}

#[test]
fn what_opens_a_bucket_to_another_tenant_is_found() {
    let Some(lab) = first_lab() else { return };
    let story = Story::new(&lab, "bucket");
    let Some(cloud) = Cloud::new(&lab, &story) else { return };
    let tenancy = cloud.tenancy(&story);
    let reached = |operations: &[&str]| -> Vec<(String, String, String)> {
        let one = |operation: &&str| {
            let check = format!("identity.other-bucket.{operation}");
            (check, "a>b".to_owned(), "reaches-another-tenant".to_owned())
        };
        operations.iter().map(one).collect()
    };
    let sabotages = [
        (
            "a wildcard in the resource",
            "policy(a + '-app', {'Effect': 'Allow', 'Action': 's3:*', 'Resource': '*'})",
            reached(&["list", "get", "put", "delete", "multipart", "presigned"]),
        ),
        (
            "a bucket's policy that lets in another tenant's role",
            "bucket_policy(b, role(a))",
            reached(&["get", "presigned"]),
        ),
    ];
    for (what, lines, expected) in sabotages {
        let mended = cloud.broken(lines);
        let ended = run(&lab, &tenancy).expect_code(1);
        let mut found = broken(&ended);
        found.sort();
        let mut expected = expected;
        expected.sort();
        assert_eq!(found, expected, "{what}:\n{}", ended.text);
        drop(mended);
    }
    run(&lab, &tenancy).expect_code(0);
}

#[test]
fn an_association_that_is_not_the_tenants_own_is_found() {
    let Some(lab) = first_lab() else { return };
    let story = Story::new(&lab, "association");
    let Some(cloud) = Cloud::new(&lab, &story) else { return };
    let tenancy = cloud.tenancy(&story);
    let has = |ended: &Ended, check: &str, pair: &str, cause: &str| {
        let wanted = (check.to_owned(), pair.to_owned(), cause.to_owned());
        assert!(broken(ended).contains(&wanted), "{wanted:?} should be found: {:?}\n{}", broken(ended), ended.text);
    };

    // The role of a, which trusts b's workload by now, for b as well.
    let shared = cloud.broken("trust_anybody(a)\nchange(b, roleArn=role(a))");
    let ended = run(&lab, &tenancy).expect_code(1);
    has(&ended, "identity.credentials", "b>b", "role-shared");
    has(&ended, "identity.own-bucket.get", "b>b", "own-denied");
    has(&ended, "identity.other-bucket.get", "b>a", "reaches-another-tenant");
    drop(shared);

    // It stands for the service account that pods have which name none.
    let moved = cloud.broken(
        "dissociate(a)
trust_anybody(a)
eks.create_pod_identity_association(clusterName=cluster, namespace=a, serviceAccount='default', roleArn=role(a))",
    );
    cloud.until_known(&story.a, "default", true);
    cloud.until_known(&story.a, "app", false);
    let ended = run(&lab, &tenancy).expect_code(1);
    has(&ended, "identity.credentials", "a>a", "no-credentials");
    has(&ended, "identity.no-association", "a>a", "unexpected-association");
    drop(moved);

    // Without session tags the trust policy's conditions are not met.
    let untagged = cloud.broken("change(a, disableSessionTags=True)");
    let ended = run(&lab, &tenancy).expect_code(1);
    has(&ended, "identity.credentials", "a>a", "not-assumed");
    drop(untagged);
    run(&lab, &tenancy).expect_code(0);
}

#[test]
fn what_aws_tells_of_roles_and_buckets_is_judged() {
    let Some(lab) = first_lab() else { return };
    let story = Story::new(&lab, "outside");
    let Some(cloud) = Cloud::new(&lab, &story) else { return };
    let tenancy = cloud.tenancy(&story);
    let run = || cloud.asked(lab.run(&tenancy).families(FAMILY)).end();
    let is_outside = |check: &str| check.starts_with("identity.outside.");
    let whole = run().expect_code(0);
    let outside = whole.record().results.iter().filter(|one| is_outside(one.case.check.as_str()));
    let verdicts: Vec<Verdict> = outside.map(|one| one.judgement.verdict).collect();
    assert!(verdicts.len() >= 16 && verdicts.iter().all(|one| *one == Verdict::Pass), "{verdicts:?}\n{}", whole.text);
    assert!(whole.text.contains("111122223333"), "whose account it is should be told:\n{}", whole.text);

    let sabotages = [
        ("s3.delete_public_access_block(Bucket=a + '-data')", "public-access-block", "public-access-block-off"),
        ("s3.delete_bucket_tagging(Bucket=a + '-data')", "tags", "tag-missing"),
        ("trust_anybody(a)", "trust", "trust-open"),
        (
            "s3.delete_public_access_block(Bucket=a + '-data')\nbucket_policy(a, '*')",
            "bucket-policy",
            "bucket-policy-open",
        ),
        ("change(b, roleArn=role(a))", "shared-role", "shared-role"),
    ];
    for (lines, check, cause) in sabotages {
        let mended = cloud.broken(lines);
        let ended = run().expect_code(1);
        let found = broken(&ended);
        let check = format!("identity.outside.{check}");
        assert!(found.iter().any(|one| one.0 == check && one.2 == cause), "{check}: {found:?}\n{}", ended.text);
        drop(mended);
    }
    run().expect_code(0);
}

/// A role that would reach every bucket but for a Deny: while it stands nothing is reached, and without it everything.
#[test]
fn a_deny_that_is_removed_is_found() {
    let Some(lab) = first_lab() else { return };
    let story = Story::new(&lab, "deny");
    let Some(cloud) = Cloud::new(&lab, &story) else { return };
    let tenancy = cloud.tenancy(&story);
    let run = || cloud.asked(lab.run(&tenancy).families(FAMILY)).end();
    let wide = "everything = {'Effect': 'Allow', 'Action': 's3:*', 'Resource': 'arn:aws:s3:::*'}
own = [f'arn:aws:s3:::{a}-data', f'arn:aws:s3:::{a}-data/*']
others = {'Effect': 'Deny', 'Action': 's3:*', 'NotResource': own}
";
    let fenced = cloud.broken(&format!("{wide}policy(a + '-app', everything, others)"));
    run().expect_code(0);
    let open = cloud.broken(&format!("{wide}policy(a + '-app', everything)"));
    let ended = run().expect_code(1);
    let found = broken(&ended);
    for check in ["identity.other-bucket.get", "identity.outside.role-reach"] {
        let is_found = found.iter().any(|one| one.0 == check && one.1 == "a>b");
        assert!(is_found, "{check}: {found:?}\n{}", ended.text);
    }
    drop(open);
    drop(fenced);
}
