//! What organizations' policies reach ([RCPs]).
//!
//! [RCPs]: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html

use super::doubt::{Held, Rule};
use super::request::Action;

/// Services that resource control policies apply to, as the documentation listed them in September 2026. The list grows.
const SERVICES: [&str; 62] = [
    "aoss",
    "appconfig",
    "appstream",
    "autoscaling",
    "autoscaling-plans",
    "budgets",
    "clouddirectory",
    "cloudfront",
    "cloudsearch",
    "cloudtrail-data",
    "codeartifact",
    "codebuild",
    "codecommit",
    "codepipeline",
    "cognito-identity",
    "cognito-idp",
    "comprehend",
    "comprehendmedical",
    "compute-optimizer",
    "cost-optimization-hub",
    "dax",
    "dsql",
    "dynamodb",
    "ecr",
    "ecr-public",
    "events",
    "firehose",
    "fis",
    "fms",
    "gamelift",
    "health",
    "inspector-scan",
    "kendra",
    "kinesisvideo",
    "kms",
    "logs",
    "memorydb",
    "networkmonitor",
    "notifications",
    "opensearch",
    "pca-connector-ad",
    "personalize",
    "polly",
    "pricing",
    "resource-groups",
    "rolesanywhere",
    "s3",
    "secretsmanager",
    "servicediscovery",
    "signin",
    "sqs",
    "sts",
    "support",
    "swf",
    "textract",
    "timestream-influxdb",
    "transcribe",
    "transfer",
    "translate",
    "wafv2",
    "workspaces",
    "xray",
];

/// Whether resource control policies restrict the action.
pub(super) fn rcps_apply(action: &Action) -> Held<'_> {
    if *action.lower == *"kms:retiregrant" {
        // "RCPs do not impact the kms:RetireGrant permission."
        return Held::No;
    }
    let service = action.service();
    if SERVICES.contains(&service) { Held::Yes(()) } else { Held::doubtful(Rule::ServiceWithoutRcps, service) }
}
