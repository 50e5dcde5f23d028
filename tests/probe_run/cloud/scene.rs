//! A probe with an environment, the secrets of the stand-in, and that none of them is ever told.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use tenantproof::probe::wire::Step;
use tenantproof::probe::wire::cloud::{CallAnswer, Class, CloudReport, Deed, Denial, Layer};

use super::stand_in::{Answer, Seen};
use crate::harness::{NONCE, Probe};

pub(crate) const KEY_ID: &str = "ASIAQ3EGSTANDINKEYX1";
pub(crate) const SECRET: &str = "7Jm2vYqkT9stand1nSecretW0rXzB4eHcLpQ8nUaK";
pub(crate) const SESSION: &str =
    "IQoJb3JpZ2luX2VjEstand1nSessionT0kenQhVr8sZ3nKd5wYpLc2TgXe7MbUj9fAaRk4vHx6Nq1oD//////////wEaCWV1";
pub(crate) const TOKEN: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6InN0YW5kLWluIn0.eyJhdWQiOlsicG9kcy5la3MuYW1hem9uYXdzLmNvbSJdfQ.c3RhbmQtaW4tc2lnbmF0dXJl";
pub(crate) const OTHER_TOKEN: &str =
    "eyJhbGciOiJSUzI1NiIsImtpZCI6Im90aGVyIn0.eyJhdWQiOlsic3RzLmFtYXpvbmF3cy5jb20iXX0.b3RoZXItc2lnbmF0dXJl";
/// What a session with instance metadata is known by.
pub(crate) const METADATA: &str = "AQAEAStand1nMetadataSessionW8kQ==";

/// What the words of a denial begin with.
pub(crate) const USER: &str =
    "User: arn:aws:sts::111122223333:assumed-role/tenant-1/eks-lab-web-1 is not authorized to perform:";

/// So many characters of a secret in a row may not be told.
const WINDOW: usize = 10;

pub(crate) struct Scene {
    pub(crate) probe: Probe,
    folder: TempDir,
}

impl Scene {
    /// A probe in a pod with these variables. `TOKEN` and `OTHER_TOKEN` lie in files that `{folder}` names.
    pub(crate) fn new(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_str().expect("UTF-8").to_owned();
        fs::write(folder.path().join("token"), TOKEN).expect("written");
        fs::write(folder.path().join("other-token"), OTHER_TOKEN).expect("written");
        let variables: Vec<String> =
            variables.iter().map(|(name, value)| format!("{name}={}", value.replace("{folder}", &path))).collect();
        let script = format!("exec \"$@\" 2>'{path}/errors'");
        let mut wrapper = vec!["env"];
        wrapper.extend(variables.iter().map(String::as_str));
        wrapper.extend(["sh", "-c", &script, "sh"]);
        let probe = Probe::start_as(&wrapper, "t1-web-x", NONCE, "", &[]);
        Self { probe, folder }
    }

    /// A probe that has the stand-in's keys in its environment, and asks it for every service.
    pub(crate) fn with_keys(endpoint: &str) -> Self {
        Self::new(&[
            ("AWS_ACCESS_KEY_ID", KEY_ID),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_SESSION_TOKEN", SESSION),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ENDPOINT_URL", endpoint),
        ])
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    /// Gives an order, and looks that no part of any secret is in what the probe has written so far.
    pub(crate) fn order(&self, round: u32, order: Value) -> CloudReport {
        let order = serde_json::from_value(order).expect("an order");
        let report = self.probe.order(round, Step::Cloud(order)).cloud.expect("a report of cloud calls");
        self.nothing_secret_was_told();
        report
    }

    pub(crate) fn nothing_secret_was_told(&self) {
        let mut written = self.probe.output.lock().expect("no panic").clone();
        written.extend(fs::read(self.folder.path().join("errors")).expect("the errors' file"));
        let written = String::from_utf8_lossy(&written);
        assert!(written.contains("TP1 ready"), "it is looked at");
        for secret in [KEY_ID, SECRET, SESSION, TOKEN, OTHER_TOKEN, METADATA] {
            for from in 0..=secret.len() - WINDOW {
                let part = &secret[from..from + WINDOW];
                assert!(!written.contains(part), "`{part}` of a secret was told:\n{written}");
            }
        }
    }
}

/// An order of calls with the pod's own credentials, each a series of its own.
pub(crate) fn calls(deeds: impl IntoIterator<Item = Value>) -> Value {
    let calls = (1..).zip(deeds).map(|(id, deed)| json!([{"i": id, "s": 1, "d": deed}]));
    order(calls.collect())
}

pub(crate) fn order(series: Vec<Value>) -> Value {
    let mut asked = json!({
        "version": 1, "timeout_ms": 3000, "attempts": 3, "at_once": 16, "marker": "tenantproof/r1/",
        "sources": [{"i": 1, "o": "chain"}],
    });
    asked["series"] = Value::Array(series);
    asked
}

pub(crate) fn list(bucket: &str) -> Value {
    serde_json::to_value(Deed::List { bucket: bucket.to_owned(), prefix: "tenantproof/r1/".to_owned() }).expect("JSON")
}

pub(crate) fn get(bucket: &str) -> Value {
    json!({"get": {"bucket": bucket, "key": "tenantproof/r1/x"}})
}

pub(crate) fn put(bucket: &str) -> Value {
    json!({"put": {"bucket": bucket, "key": "tenantproof/r1/x"}})
}

pub(crate) fn delete(bucket: &str) -> Value {
    json!({"delete": {"bucket": bucket, "key": "tenantproof/r1/x"}})
}

/// The headers that S3 sends with every answer.
pub(crate) fn s3_headers() -> Vec<(&'static str, String)> {
    vec![("x-amz-request-id", "4442587FB7D0A2F9".to_owned()), ("server", "AmazonS3".to_owned())]
}

/// An error as S3 writes it.
pub(crate) fn s3_error(status: u16, code: &str, message: &str, more: &str) -> Answer {
    Answer::Whole(status, s3_headers(), error_body(code, message, more))
}

pub(crate) fn error_body(code: &str, message: &str, more: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{more}\
         <RequestId>4442587FB7D0A2F9</RequestId><HostId>c3RhbmQtaW4=</HostId></Error>"
    )
}

/// What S3 answers where everything is allowed.
pub(crate) fn s3(seen: &Seen) -> Answer {
    let tagged =
        || s3_headers().into_iter().chain([("etag", "\"9b2cf535f27731c974343645a3985328\"".to_owned())]).collect();
    let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
    let is_bucket = path.trim_end_matches('/').matches('/').count() == 1;
    match (seen.method.as_str(), query) {
        ("GET", _) if is_bucket => {
            let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult \
                        xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>tenant-1</Name><Prefix/><KeyCount>0</KeyCount>\
                        <MaxKeys>1</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>";
            Answer::Whole(200, s3_headers(), body.to_owned())
        }
        ("GET", _) => Answer::Whole(200, tagged(), "what a tenant keeps".repeat(100)),
        ("POST", "uploads=") => Answer::Whole(
            200,
            s3_headers(),
            "<InitiateMultipartUploadResult><Bucket>tenant-1</Bucket><Key>k</Key><UploadId>VXBsb2FkLTE</UploadId>\
             </InitiateMultipartUploadResult>"
                .to_owned(),
        ),
        ("POST", _) => Answer::Whole(
            200,
            s3_headers(),
            "<CompleteMultipartUploadResult><ETag>&quot;3858f62230ac3c915f300c664312c11f-1&quot;</ETag>\
             </CompleteMultipartUploadResult>"
                .to_owned(),
        ),
        ("DELETE", _) => Answer::Whole(204, s3_headers(), String::new()),
        _ => Answer::Whole(200, tagged(), String::new()),
    }
}

/// The credentials that an agent gives.
pub(crate) fn credentials(key_id: &str) -> Answer {
    let body = json!({
        "AccessKeyId": key_id, "SecretAccessKey": SECRET, "Token": SESSION, "AccountId": "111122223333",
        "Expiration": "2026-11-27T13:00:00Z",
    });
    Answer::Whole(200, vec![("content-type", "application/json".to_owned())], body.to_string())
}

pub(crate) fn answer(report: &CloudReport, id: u32) -> &CallAnswer {
    report.calls.iter().find(|answer| answer.id == id).expect("an answer to every call")
}

pub(crate) fn classes(report: &CloudReport) -> Vec<&Class> {
    report.calls.iter().map(|answer| &answer.class).collect()
}

pub(crate) fn denied(layer: Layer, explicit: bool, action: Option<&str>) -> Class {
    Class::Denied(Denial { layer, explicit, action: action.map(str::to_owned) })
}
