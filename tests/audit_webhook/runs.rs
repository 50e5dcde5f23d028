//! Whole runs that are told by the API servers themselves.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tenantproof::model::Verdict;

use super::api::Api;
use super::cluster;
use super::scene::{Ended, PLANTED, Scene};

/// What EKS' policy holds, which the cluster that stands in runs as well.
const PROMISED: &str = "pods: RequestResponse, changes: RequestResponse, reads: Request";

/// An API server's side: batches of events that are posted until they are taken, each twice.
fn poster(address: SocketAddr, token: &'static str) -> Sender<Value> {
    let (sender, events) = channel::<Value>();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = reqwest::Client::new();
        while let Ok(first) = events.recv() {
            thread::sleep(Duration::from_millis(300));
            let batch: Vec<Value> = [first].into_iter().chain(events.try_iter()).collect();
            let list = json!({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": batch});
            for _ in 0..2 {
                let request = client.post(format!("http://{address}/")).bearer_auth(token).body(list.to_string());
                let _ = runtime.block_on(request.send());
            }
        }
    });
    sender
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn run(
    servers: usize,
    promised: &str,
    token: &'static str,
    more: &[&str],
    keep: impl Fn(&Value) -> bool + Send + Sync + 'static,
) -> Ended {
    let address = free();
    let sender = std::sync::Mutex::new(poster(address, token));
    let api: Api = cluster::start(servers, move |_, event| {
        if keep(&event) {
            sender.lock().unwrap().send(event).unwrap();
        }
    });
    let scene = Scene::new(&api.address, promised);
    scene.file("token", &format!("{PLANTED}-token-of-the-webhook"));
    let webhook = format!("http://{address}");
    scene.end(&[&["--audit-webhook", &webhook, "--audit-webhook-token-file", "token"], more].concat())
}

const TOKEN: &str = "planted-token-of-the-webhook";

#[test]
fn everything_is_found_in_what_is_posted_late_and_twice() {
    let ended = run(1, PROMISED, TOKEN, &[], |_| true).expect_code(0);
    for check in ["pod-create", "admission-refusal", "exec", "secret-read", "fence-change", "binding-change", "read"] {
        ended.expect(&format!("audit.record.{check}"), Verdict::Pass, "");
    }
    // What AWS publishes is that of EKS alone, and nothing tells that this is one.
    ended.expect("audit.policy.in-force", Verdict::Skipped, "no-policy");
    let judged = &ended.of("audit.record.pod-create")[0].judgement;
    assert!(judged.reason.contains("on record at the webhook after"), "{}", judged.reason);
    assert!(judged.declared.because.contains("within 60 s"), "{}", judged.declared.because);
    let deeds = &ended.record().observations["audit"]["deeds"];
    assert!(deeds.as_object().unwrap().values().all(|deed| deed["events"].as_array().unwrap().len() == 1), "{deeds}");
    let warned = ended.record().warnings;
    assert!(warned.iter().any(|warning| warning.message.contains("no TLS")), "{warned:?}");
    assert!(!warned.iter().any(|warning| warning.message.contains("everybody")), "it asks for a token: {warned:?}");
    assert_eq!(ended.log()["ways"], serde_json::json!(["webhook"]));
}

#[test]
fn what_is_missing_is_a_finding_where_nothing_was_refused() {
    let without = |event: &Value| event["objectRef"]["resource"] != "secrets";
    let promised = format!("within: 3s, {PROMISED}");
    let ended = run(1, &promised, TOKEN, &["--audit-wait", "4"], without).expect_code(1);
    ended.expect("audit.record.secret-read", Verdict::Fail, "not-recorded");
    // Of several API servers that post from one address it can't be told which were heard of.
    let ended = run(2, &promised, TOKEN, &["--audit-wait", "4"], without).expect_code(3);
    ended.expect("audit.record.secret-read", Verdict::Inconclusive, "other-servers");
}

#[test]
fn posts_that_are_refused_make_it_inconclusive_and_say_why() {
    let ended = run(1, PROMISED, "another-token-than-that", &["--audit-wait", "2"], |_| true).expect_code(3);
    ended.expect("audit.record.pod-create", Verdict::Inconclusive, "log-mute");
    let reason = &ended.of("audit.record.pod-create")[0].judgement.reason;
    assert!(reason.contains("it did not bring the bearer token"), "{reason}");
}

#[test]
fn who_never_posts_leaves_nothing_proved() {
    let ended = run(1, PROMISED, TOKEN, &["--audit-wait", "1"], |_| false).expect_code(3);
    ended.expect("audit.record.pod-create", Verdict::Inconclusive, "log-mute");
}

#[test]
fn a_webhook_that_cannot_be_opened_ends_it_before_anything_is_done() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let api = Api::read_only(&["a", "b"]);
    let scene = || Scene::new(&api.address, "");
    let ended = scene().end(&["--audit-webhook", &format!("http://{address}")]).expect_code(2);
    assert!(ended.text.contains(&address.to_string()) && ended.text.contains("nothing was done yet"), "{}", ended.text);
    let ended = scene().end(&["--audit-webhook", &address.to_string()]).expect_code(2);
    assert!(ended.text.contains("has no certificate") && ended.text.contains("http://"), "{}", ended.text);
}
