//! An API server that is told to post its audit events to the runner.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use k8s_openapi::ByteString;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::json;
use tempfile::TempDir;
use tenantproof::model::Verdict;

use super::super::audit::Recorded;
use super::super::support::{Lab, expect_nothing_left, lab_to_break, skipped};
use super::{alone, planes};

/// The static pod of the API server, and what it may read, on the node.
const MANIFEST: &str = "/etc/kubernetes/manifests/kube-apiserver.yaml";
const CONFIG: &str = "/etc/kubernetes/pki/tenantproof-audit-webhook.yaml";
/// What tells an API server of it.
const FLAG: &str = "--audit-webhook-config-file";

/// What a command on a node says.
fn on_node(node: &str, command: &str, input: Option<&str>) -> Result<String, String> {
    let mut child = Command::new("docker")
        .args(["exec", "-i", node, "sh", "-c", command])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut stdin = child.stdin.take().ok_or("no way in")?;
    stdin.write_all(input.unwrap_or_default().as_bytes()).map_err(|error| error.to_string())?;
    drop(stdin);
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(said) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Puts a file in place in one step: the kubelet never sees a part of it, nor a second manifest beside it.
fn put(node: &str, path: &str, text: &str) -> Result<(), String> {
    let part = "/etc/kubernetes/tenantproof.part";
    on_node(node, &format!("cat > {part} && chmod 600 {part} && mv {part} {path}"), Some(text)).map(drop)
}

/// An API server with a webhook; it is put back as it was, whatever becomes of the test.
struct Told<'a> {
    lab: &'a Lab,
    node: String,
    before: String,
}

impl<'a> Told<'a> {
    fn new(lab: &'a Lab, node: &str, config: &str) -> Self {
        let before = on_node(node, &format!("cat {MANIFEST}"), None).unwrap();
        assert!(!before.contains(FLAG), "the API server has a webhook of somebody's");
        let command = "    - kube-apiserver\n";
        assert_eq!(before.matches(command).count(), 1, "{before}");
        // What it is given in place of 30 s and 10 s.
        let flags = format!(
            "{command}    - {FLAG}={CONFIG}\n    - --audit-webhook-batch-max-wait=1s\n    - --audit-webhook-initial-backoff=1s\n"
        );
        let told = Self { lab, node: node.to_owned(), before };
        put(node, CONFIG, config).unwrap();
        put(node, MANIFEST, &told.before.replacen(command, &flags, 1)).unwrap();
        assert!(told.is_back(true), "the API server did not come back with its webhook");
        told
    }

    /// Whether the API server runs again, with the flag or without it. Its process tells: what the kubelet says of its pod
    /// is a minute late after a restart.
    fn is_back(&self, flag: bool) -> bool {
        let end = Instant::now() + Duration::from_secs(240);
        while Instant::now() < end {
            let processes = on_node(&self.node, "pgrep -a -x kube-apiserver", None).unwrap_or_default();
            let ready = http::Request::get("/readyz").body(Vec::new()).unwrap();
            if !processes.is_empty()
                && processes.lines().all(|line| line.contains(FLAG) == flag)
                && self.lab.wait(self.lab.client.request_text(ready)).is_ok()
            {
                return true;
            }
            std::thread::sleep(Duration::from_secs(1));
        }
        false
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        let put_back = put(&self.node, MANIFEST, &self.before);
        let removed = on_node(&self.node, &format!("rm -f {CONFIG}"), None);
        if put_back.is_err() || removed.is_err() || !self.is_back(false) {
            eprintln!("the API server of {} was not put back as it was: {put_back:?} {removed:?}", self.node);
        }
    }
}

/// Certificate, key and token of a webhook at this address, in a folder; and what the API server is told of it.
fn webhook(folder: &Path, address: &str, port: u16) -> String {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec![address.to_owned()]).unwrap();
    let token = tempfile::Builder::new().rand_bytes(32).tempfile().unwrap();
    let token = token.path().file_name().unwrap().to_string_lossy().replace('.', "t");
    std::fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("token"), &token).unwrap();
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "runner",
        "clusters": [{"name": "runner", "cluster": {
            "server": format!("https://{address}:{port}/"), "certificate-authority-data": ByteString(cert.pem().into()),
        }}],
        "users": [{"name": "api-server", "user": {"token": token}}],
        "contexts": [{"name": "runner", "context": {"cluster": "runner", "user": "api-server"}}],
    });
    config.to_string()
}

#[test]
fn what_an_api_server_posts_is_found_and_it_is_put_back_as_it_was() {
    let _alone = alone();
    let Some(lab) = lab_to_break() else { return };
    let Some(recorded) = Recorded::new(&lab, "webhook") else { return };
    let [node] = planes(&lab).try_into().expect("a lab has one control plane");
    // The way from a node to this machine: its own gateway.
    let route = on_node(&node, "ip route show default", None).unwrap();
    let Some(gateway) = route.split_whitespace().skip_while(|word| *word != "via").nth(1) else {
        skipped(&format!("no way from {node} to this machine is known: {route}"));
        return;
    };
    let folder = TempDir::new().unwrap();
    let port = TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    let config = webhook(folder.path(), gateway, port);
    let told = Told::new(&lab, &node, &config);
    let file = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (address, cert, key, token) = (format!("0.0.0.0:{port}"), file("cert.pem"), file("key.pem"), file("token"));
    let source = [
        ["--audit-webhook", &address],
        ["--audit-webhook-cert", &cert],
        ["--audit-webhook-key", &key],
        ["--audit-webhook-token-file", &token],
    ];
    let ended = recorded.run_on(source.as_flattened(), "30s").with(&recorded.policy()).end().expect_code(0);
    let record = ended.record();
    for one in &record.results {
        assert_eq!(one.judgement.verdict, Verdict::Pass, "{}: {}", one.case.id, one.judgement.reason);
    }
    let log = &record.observations["audit"]["log"];
    assert_eq!((&log["ways"], &log["heard"]), (&json!(["webhook"]), &json!(1)), "{log}");
    assert!(log["refused"].is_null(), "nothing of the API server's should be refused: {log}");
    let secret = std::fs::read_to_string(folder.path().join("token")).unwrap();
    assert!(!ended.text.contains(&secret) && !ended.report("run.json").contains(&secret), "the token is nowhere");
    expect_nothing_left(&lab, &recorded.story.namespaces(), &[&ended]);
    let before = told.before.clone();
    drop(told);
    assert_eq!(on_node(&node, &format!("cat {MANIFEST}"), None).unwrap(), before);
}
