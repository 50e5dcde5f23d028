//! The same calls against ministack, which checks signatures and enforces policies, where it is installed.
//! It is a stand-in too: what it does not model proves nothing of AWS.

use std::io::{self, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tenantproof::probe::wire::cloud::{Class, CloudReport, Layer, Part};

use super::scene::{Scene, order};
use crate::harness::free_port;

/// The program; `TENANTPROOF_MINISTACK` names it where it is not on the path.
const PROGRAM: &str = "ministack";

struct Ministack {
    child: Child,
    endpoint: String,
}

impl Drop for Ministack {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ministack {
    fn start(folder: &str) -> Option<Self> {
        let program = std::env::var("TENANTPROOF_MINISTACK").unwrap_or_else(|_| PROGRAM.to_owned());
        let port = free_port();
        let started = Command::new(program)
            .env("AUTH", "true")
            .env("GATEWAY_PORT", port.to_string())
            .env("BIND_HOST", "127.0.0.1")
            .env("SERVICES", "s3,sts,iam,kms,dynamodb")
            .env("MINISTACK_WORKER_THREADS", "4")
            .env("TMPDIR", folder)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = started else {
            let _ =
                writeln!(io::stderr(), "not tested: ministack is not installed here (TENANTPROOF_MINISTACK names it)");
            return None;
        };
        let ministack = Self { child, endpoint: format!("http://127.0.0.1:{port}") };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(60), "ministack listens");
            thread::sleep(Duration::from_millis(50));
        }
        Some(ministack)
    }

    /// Asks as the root of its account, by curl's own signatures.
    fn root(&self, service: &str, arguments: &[&str], path: &str) -> String {
        let scope = format!("aws:amz:us-east-1:{service}");
        let output = Command::new("curl")
            .args(["-sS", "--retry", "5", "--retry-connrefused", "--aws-sigv4", &scope, "--user", "test:test"])
            .args(arguments)
            .arg(format!("{}{path}", self.endpoint))
            .output()
            .expect("curl runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn action(&self, service: &str, version: &str, form: &[(&str, &str)]) -> String {
        let pairs: Vec<String> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let version = format!("Version={version}");
        let mut arguments = vec!["--data-urlencode", &version];
        for pair in &pairs {
            arguments.extend(["--data-urlencode", pair]);
        }
        self.root(service, &arguments, "/")
    }
}

fn between<'a>(text: &'a str, name: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name} in {text}"));
    rest.split_once('<').expect("it ends").0
}

fn allow(statement: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

fn told<'a>(report: &'a CloudReport, what: &str, id: u32) -> &'a Class {
    let answer = report.calls.iter().find(|answer| answer.id == id).expect("an answer to every call");
    let is_s3 = answer.code.as_deref() != Some("AccessDeniedException");
    assert!(answer.request_id.is_some() || !is_s3, "{what}: {answer:?}");
    &answer.class
}

#[test]
fn a_role_reaches_its_own_bucket_and_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(ministack) = Ministack::start(folder.path().to_str().expect("UTF-8")) else { return };
    let trust = allow(
        &json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}),
    );
    let own = allow(&json!({"Effect": "Allow", "Action": "s3:*",
        "Resource": ["arn:aws:s3:::tenant-1-data", "arn:aws:s3:::tenant-1-data/*"]}));
    let iam = |form: &[(&str, &str)]| ministack.action("iam", "2010-05-08", form);
    iam(&[("Action", "CreateRole"), ("RoleName", "tenant-1"), ("AssumeRolePolicyDocument", &trust)]);
    iam(&[("Action", "PutRolePolicy"), ("RoleName", "tenant-1"), ("PolicyName", "own"), ("PolicyDocument", &own)]);
    for bucket in ["/tenant-1-data", "/tenant-2-data"] {
        ministack.root("s3", &["-X", "PUT"], bucket);
    }
    let assumed = ministack.action(
        "sts",
        "2011-06-15",
        &[
            ("Action", "AssumeRole"),
            ("RoleArn", "arn:aws:iam::000000000000:role/tenant-1"),
            ("RoleSessionName", "stand-in"),
        ],
    );
    let (id, secret) = (between(&assumed, "AccessKeyId"), between(&assumed, "SecretAccessKey"));
    let session = between(&assumed, "SessionToken");
    let variables = [
        ("AWS_ACCESS_KEY_ID", id),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_SESSION_TOKEN", session),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", &ministack.endpoint),
    ];
    let scene = Scene::new(&variables);
    let key = "tenantproof/r1/a b+ü=&'x";
    let of = |bucket: &str| {
        [
            json!({"list": {"bucket": bucket, "prefix": "tenantproof/r1/"}}),
            json!({"put": {"bucket": bucket, "key": key}}),
            json!({"get": {"bucket": bucket, "key": key}}),
            json!({"delete": {"bucket": bucket, "key": key}}),
        ]
    };
    let series = |first: u32, deeds: &[Value]| {
        json!((first..).zip(deeds).map(|(id, deed)| json!({"i": id, "s": 1, "d": deed})).collect::<Vec<_>>())
    };
    let upload = |bucket: &str| json!({"multipart": {"bucket": bucket, "key": "tenantproof/r1/m", "end": "complete"}});
    let read = json!({"get": {"bucket": "tenant-1-data", "key": "tenantproof/r1/p"}});
    let report = scene.order(
        1,
        order(vec![
            series(1, &of("tenant-1-data")),
            series(11, &of("tenant-2-data")),
            series(21, &[json!("caller-identity"), upload("tenant-1-data"), upload("tenant-2-data")]),
            json!([
                {"i": 31, "s": 1, "d": {"put": {"bucket": "tenant-1-data", "key": "tenantproof/r1/p"}}},
                {"i": 32, "s": 1, "m": {"presigned": {"expires_s": 300, "back_s": 0}}, "d": read},
                {"i": 33, "s": 1, "m": {"presigned": {"expires_s": 60, "back_s": 900}}, "d": read},
                {"i": 34, "s": 1, "m": {"dated": {"back_s": 7200}}, "d": read},
                {"i": 35, "d": read},
                {"i": 36, "s": 1, "d": {"get": {"bucket": "tenant-1-data", "key": "tenantproof/r1/none"}}},
                {"i": 37, "s": 1, "d": {"json": {"service": "dynamodb", "operation": "GetItem",
                    "body": {"TableName": "tenant-2", "Key": {"k": {"S": "x"}}}}}},
            ]),
        ]),
    );
    for id in [1, 2, 3, 4, 21, 22, 31, 32] {
        assert!(told(&report, "its own", id).is_allowed(), "{:#?}", report.calls.iter().find(|told| told.id == id));
    }
    for id in [11, 12, 13, 14, 23, 37] {
        let class = told(&report, "another's", id);
        assert!(class.is_denial(), "{id}: {class}");
    }
    let Class::Denied(denial) = told(&report, "another's", 13) else { unreachable!("a denial") };
    assert!(matches!(denial.layer, Layer::Identity | Layer::Untold), "{denial:?}");
    assert_eq!(told(&report, "past its time", 33), &Class::Expired);
    assert_eq!(told(&report, "signed two hours ago", 34), &Class::ClockSkew);
    assert!(told(&report, "nobody", 35).is_denial());
    assert_eq!(told(&report, "no such key", 36), &Class::NotFound);
    let answer = |id| report.calls.iter().find(|told| told.id == id).expect("an answer");
    let actor = answer(21).actor.as_ref().expect("somebody");
    assert_eq!(actor.arn, "arn:aws:sts::000000000000:assumed-role/tenant-1/stand-in");
    assert_eq!((answer(22).part, answer(23).part), (Some(Part::Complete), Some(Part::Create)));
    assert!(report.remains.is_empty(), "{:?}", report.remains);
    let left = ministack.root("s3", &[], "/tenant-1-data?list-type=2");
    assert!(!left.contains("<Key>"), "{left}");

    // A key that is none, and one whose signature is wrong.
    for (id, secret, class) in
        [("ASIA1FE1BD3224150000", secret, Class::UnknownCredentials), (id, "not-the-secret-of-it", Class::BadSignature)]
    {
        let mut wrong = variables;
        (wrong[0].1, wrong[1].1) = (id, secret);
        let report = Scene::new(&wrong).order(1, order(vec![series(1, &of("tenant-1-data")[..1])]));
        assert_eq!(report.calls[0].class, class, "{:?}", report.calls[0]);
    }
}
