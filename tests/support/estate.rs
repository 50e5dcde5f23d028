//! A stand-in for STS, IAM, S3 and the EKS API in one, as far as the tenants' roles and buckets are read: queries and XML as
//! they are on the wire, buckets by path. Two tenants, a and b, each with an association, a role and a bucket.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::api::{Answer, Api, Asked};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const CLUSTER: &str = "shared";
const REGION: &str = "eu-central-1";

/// What is answered instead, to a call such as `iam GetRole a` or `s3 policy a-data`: a status and a code.
pub(crate) type Refusal = fn(&str, usize) -> Option<(u16, &'static str)>;

/// What is there.
pub(crate) struct There {
    /// The address of the cluster's API server.
    pub(crate) endpoint: String,
    pub(crate) refusal: Refusal,
    /// The text of the policy of a tenant's role.
    pub(crate) policy: fn(&str) -> Value,
    /// The region of the tenants' buckets.
    pub(crate) region: &'static str,
}

/// The stand-in; it ends with the process.
pub(crate) struct Estate {
    /// Its address, for `AWS_ENDPOINT_URL`.
    pub(crate) address: String,
    calls: Arc<Mutex<Vec<String>>>,
}

impl There {
    pub(crate) fn at(endpoint: &str) -> Self {
        Self { endpoint: endpoint.to_owned(), refusal: |_, _| None, policy: own, region: REGION }
    }
}

/// A policy for a tenant's own bucket alone.
pub(crate) fn own(tenant: &str) -> Value {
    let bucket = format!("arn:aws:s3:::{tenant}-data");
    json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        "Resource": [bucket, format!("{bucket}/*")],
    }})
}

impl Estate {
    pub(crate) fn start(there: There) -> Self {
        let calls: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&calls);
        let api = Api::serving(move |asked| {
            let call = named(asked);
            let before = {
                let mut noted = noted.lock().unwrap();
                noted.push(call.clone());
                noted.iter().filter(|one| **one == call).count()
            };
            Some(match (there.refusal)(&call, before) {
                Some((status, code)) => refused(status, code, &call),
                None => answer(&there, asked, &call),
            })
        });
        Self { address: api.address, calls }
    }

    /// The calls so far, such as `s3 policy a-data`.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

/// What is called, in words.
fn named(asked: &Asked<'_>) -> String {
    let body = String::from_utf8_lossy(asked.body).into_owned();
    let field = |name: &str| {
        let pair = body.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        pair.map(decoded).unwrap_or_default()
    };
    let service = ["sts", "iam", "s3", "eks"]
        .into_iter()
        .find(|service| asked.head.lines().any(|line| line.contains(&format!("/{service}/aws4_request"))));
    match service {
        Some(service @ ("sts" | "iam")) => {
            let about = [field("RoleName"), field("PolicyArn")].concat();
            format!("{service} {} {about}", field("Action")).trim_end().to_owned()
        }
        Some("s3") => {
            let query = asked.target.split_once('?').map_or("", |(_, query)| query);
            let what = query.split('&').map(|pair| pair.trim_end_matches('=')).find(|pair| !pair.starts_with("x-id"));
            format!("s3 {} {}", what.unwrap_or_default(), asked.path.trim_matches('/'))
        }
        Some(_) => format!("eks {}", asked.path),
        None => "unsigned".to_owned(),
    }
}

fn refused(status: u16, code: &str, call: &str) -> Answer {
    let message = "refused by the stand-in";
    let headers = format!("x-amzn-requestid: 3f0e1d2c-0000-4000-8000-000000000003\r\nx-amzn-errortype: {code}\r\n");
    let body = match call.split(' ').next() {
        Some("s3") => format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"),
        Some("sts" | "iam") => format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        ),
        _ => json!({"message": message}).to_string(),
    };
    Answer { status, headers, body }
}

fn answer(there: &There, asked: &Asked<'_>, call: &str) -> Answer {
    let words: Vec<&str> = call.split(' ').collect();
    match words.as_slice() {
        ["sts", "GetCallerIdentity"] => query(
            "GetCallerIdentity",
            &format!(
                "<Arn>arn:aws:sts::{ACCOUNT}:assumed-role/auditor/ci</Arn><UserId>U</UserId><Account>{ACCOUNT}</Account>"
            ),
        ),
        ["iam", action, about] => query(action, &iam(there, action, about)),
        ["s3", what, bucket] => s3(there, asked, what, bucket),
        ["eks", path] => eks(there, path),
        _ => refused(403, "MissingAuthenticationToken", call),
    }
}

fn query(action: &str, result: &str) -> Answer {
    (200, format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>")).into()
}

fn iam(there: &There, action: &str, about: &str) -> String {
    let tenant = about.rsplit('/').next().unwrap_or_default();
    match action {
        "GetRole" => {
            let trust = json!({"Version": "2012-10-17", "Statement": {
                "Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"},
                "Action": ["sts:AssumeRole", "sts:TagSession"],
                "Condition": {
                    "StringEquals": {"aws:RequestTag/kubernetes-namespace": tenant},
                    "ArnEquals": {"aws:RequestTag/eks-cluster-arn": cluster_arn()},
                },
            }});
            format!(
                "<Role><Path>/</Path><RoleName>{tenant}</RoleName><RoleId>AROA</RoleId><Arn>arn:aws:iam::{ACCOUNT}:role/{tenant}\
                 </Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate><AssumeRolePolicyDocument>{}\
                 </AssumeRolePolicyDocument><MaxSessionDuration>3600</MaxSessionDuration></Role>",
                encoded(&trust.to_string())
            )
        }
        "ListAttachedRolePolicies" => format!(
            "<AttachedPolicies><member><PolicyName>{tenant}</PolicyName><PolicyArn>arn:aws:iam::{ACCOUNT}:policy/{tenant}\
             </PolicyArn></member></AttachedPolicies><IsTruncated>false</IsTruncated>"
        ),
        "ListRolePolicies" => "<PolicyNames/><IsTruncated>false</IsTruncated>".to_owned(),
        "GetPolicy" => format!("<Policy><Arn>{about}</Arn><DefaultVersionId>v2</DefaultVersionId></Policy>"),
        _ => format!(
            "<PolicyVersion><Document>{}</Document><VersionId>v2</VersionId></PolicyVersion>",
            encoded(&(there.policy)(tenant).to_string())
        ),
    }
}

fn s3(there: &There, asked: &Asked<'_>, what: &str, bucket: &str) -> Answer {
    let Some(tenant) = bucket.strip_suffix("-data").filter(|tenant| ["a", "b"].contains(tenant)) else {
        return refused(404, "NoSuchBucket", "s3");
    };
    if !asked.head.contains(&format!("/{}/s3/aws4_request", there.region)) {
        let mut answer = refused(301, "PermanentRedirect", "s3");
        let _ = write!(answer.headers, "x-amz-bucket-region: {}\r\n", there.region);
        return answer;
    }
    let body = match what {
        "location" => format!("<LocationConstraint>{}</LocationConstraint>", there.region),
        "publicAccessBlock" => {
            let on = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]
                .map(|name| format!("<{name}>true</{name}>"));
            format!("<PublicAccessBlockConfiguration>{}</PublicAccessBlockConfiguration>", on.concat())
        }
        "tagging" => format!("<Tagging><TagSet><Tag><Key>tenant</Key><Value>{tenant}</Value></Tag></TagSet></Tagging>"),
        _ => return refused(404, "NoSuchBucketPolicy", "s3"),
    };
    (200, body).into()
}

fn cluster_arn() -> String {
    format!("arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{CLUSTER}")
}

fn eks(there: &There, path: &str) -> Answer {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let association = |tenant: &str| {
        json!({"clusterName": CLUSTER, "namespace": tenant, "serviceAccount": "app", "associationId": format!("a-{tenant}"),
            "roleArn": format!("arn:aws:iam::{ACCOUNT}:role/{tenant}"), "disableSessionTags": false})
    };
    let body = match parts.as_slice() {
        ["clusters", _] => json!({"cluster": {"name": CLUSTER, "arn": cluster_arn(), "endpoint": there.endpoint,
            "accessConfig": {"authenticationMode": "API"}}}),
        ["clusters", _, "access-entries"] => json!({"accessEntries": []}),
        ["clusters", _, "pod-identity-associations"] => json!({"associations": [
            association("b"), association("a"),
            {"clusterName": CLUSTER, "namespace": "kube-system", "serviceAccount": "x", "associationId": "a-x"},
        ]}),
        ["clusters", _, "pod-identity-associations", id] => {
            json!({"association": association(id.trim_start_matches("a-"))})
        }
        _ => return refused(404, "ResourceNotFoundException", "eks"),
    };
    (200, body.to_string()).into()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn decoded(text: &str) -> String {
    text.replace("%3A", ":").replace("%2F", "/")
}
