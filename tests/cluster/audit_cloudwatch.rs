//! The lab's own record of requests, by way of CloudWatch Logs: what an API server really writes, served as AWS serves it.

use tenantproof::model::Verdict;

use super::audit::Recorded;
use super::cloudwatch::{CloudWatch, Habits};
use super::support::{Relay, Run, expect_nothing_left, first_lab};

const GROUP: &str = "/aws/eks/lab/cluster";
const FROM_IT: [&str; 2] = ["--audit-cloudwatch", GROUP];

/// With credentials that open nothing.
fn on_aws(run: Run, logs: &CloudWatch) -> Run {
    run.env("AWS_ACCESS_KEY_ID", "nobody")
        .env("AWS_SECRET_ACCESS_KEY", "nothing")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", &logs.address)
}

#[test]
fn what_an_api_server_writes_is_found_in_cloudwatch_logs() {
    if let Some(lab) = first_lab() {
        let Some(recorded) = Recorded::new(&lab, "cloudwatch") else { return };
        let logs = CloudWatch::start(&[GROUP], Habits { page: 500, ..Habits::default() });
        let write = logs.writer(GROUP);
        let _relay = Relay::start(&recorded.files.log, "", move |_, line| {
            write("kube-apiserver-audit-0123456789abcdef0123456789abcdef", line.trim_end().to_owned());
            None
        });
        let run = || on_aws(recorded.run_on(&FROM_IT, "60s"), &logs);
        let ended = run().with(&recorded.policy()).end().expect_code(0);
        for one in &ended.record().results {
            assert_eq!(one.judgement.verdict, Verdict::Pass, "{}: {}", one.case.id, one.judgement.reason);
        }
        assert_eq!(ended.record().observations["audit"]["log"]["ways"], serde_json::json!(["cloud-watch"]));
        // What AWS publishes is not what this lab runs: that is told, and accuses nobody.
        let published = run().end().expect_code(3);
        assert_eq!(published.record().counts.fail, 0, "{}", published.text);
        let in_force =
            published.record().results.iter().filter(|one| one.case.check.as_str() == "audit.policy.in-force");
        for one in in_force {
            let kind = one.judgement.cause.as_ref().map(|cause| cause.kind.as_str());
            assert_eq!(
                (one.judgement.verdict, kind),
                (Verdict::Inconclusive, Some("another-policy")),
                "{}",
                one.case.id
            );
        }
        expect_nothing_left(&lab, &recorded.story.namespaces(), &[&ended, &published]);
    }
}
