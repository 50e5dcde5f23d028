//! What is posted, by a client that speaks HTTP as others do, and what is thrown at it by those that don't.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;
use tenantproof::cluster::audit::{AuditLog, AuditSource, Webhook};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(super) const MARK: &str = "tenantproof-audit-20261127-060000-abcd-";
const TOKEN: &str = "a-token-of-the-test";

/// An address that nobody listens at.
pub(super) async fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// A webhook without TLS that is listened for, with a token or without.
struct Open {
    log: AuditLog,
    address: SocketAddr,
    url: String,
    _folder: TempDir,
}

async fn open(token: bool) -> Open {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, format!("{TOKEN}\n")).unwrap();
    let address = free().await;
    let webhook = Webhook { address, identity: None, token: token.then_some(path) };
    let log = AuditLog::open(&[AuditSource::Webhook(webhook)], MARK).await.unwrap();
    Open { log, address, url: format!("http://{address}/any/path?timeout=30s"), _folder: folder }
}

pub(super) fn event(number: usize, stage: &str) -> Value {
    json!({
        "level": "Metadata", "auditID": format!("audit-{number}"), "stage": stage,
        "requestURI": format!("/api/v1/namespaces/a/pods?fieldManager={MARK}{number:05}"), "verb": "create",
    })
}

pub(super) fn list(events: &[Value]) -> String {
    json!({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": events}).to_string()
}

async fn post(url: &str, body: impl Into<reqwest::Body>) -> (StatusCode, String) {
    let response = Client::new().post(url).header("content-type", "application/json").body(body).send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

#[tokio::test]
async fn what_bears_the_mark_is_given_and_all_is_counted() {
    let mut open = open(false).await;
    let batch = list(&[event(1, "ResponseComplete"), json!({"level": "Metadata"}), event(2, "ResponseStarted")]);
    assert_eq!(post(&open.url, batch.clone()).await.0, StatusCode::OK);
    assert_eq!(post(&open.url, batch).await.0, StatusCode::OK, "a batch may come again");
    let found = open.log.look().await;
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found.iter().all(|one| one.line.contains(MARK) && one.lane.as_deref() == Some("127.0.0.1")), "{found:?}");
    assert_eq!((open.log.reading().lines, open.log.reading().refused.len()), (6, 0));
    assert!(open.log.look().await.is_empty(), "everything is given once");
    assert!(open.log.looked().is_some());
}

#[rstest]
#[case::no_json("no json", 400, "no EventList")]
#[case::nothing("", 400, "no EventList")]
#[case::another_list(r#"{"kind":"PodList","apiVersion":"v1","items":[]}"#, 400, "audit.k8s.io/v1")]
#[case::cut_short(r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{"#, 400, "no EventList")]
#[case::deep(&"[".repeat(200_000), 400, "no EventList")]
#[tokio::test]
async fn junk_is_refused_with_a_reason_and_counted(#[case] body: &str, #[case] status: u16, #[case] why: &str) {
    let mut open = open(false).await;
    let (answered, text) = post(&open.url, body.to_owned()).await;
    assert_eq!(answered.as_u16(), status);
    assert!(text.contains(why), "{text}");
    assert!(open.log.look().await.is_empty());
    let refused = &open.log.reading().refused;
    assert_eq!(refused.values().sum::<u64>(), 1, "{refused:?}");
    assert_eq!(post(&open.url, list(&[event(1, "ResponseComplete")])).await.0, StatusCode::OK, "it goes on");
    assert_eq!(open.log.look().await.len(), 1);
}

#[tokio::test]
async fn without_the_token_nothing_is_taken() {
    let mut open = open(true).await;
    let batch = || list(&[event(1, "ResponseComplete")]);
    let with = |header: String| Client::new().post(&open.url).header("authorization", header).body(batch()).send();
    let (status, text) = post(&open.url, batch()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(text.contains("bearer token") && !text.contains(TOKEN), "{text}");
    for wrong in
        ["Bearer another-token-of-the-test", "Bearer a-token-of-the-tes", "Basic a-token-of-the-test", "Bearer"]
    {
        let response = with(wrong.to_owned()).await.unwrap();
        assert_eq!(
            (response.status(), &response.headers()["www-authenticate"]),
            (StatusCode::UNAUTHORIZED, &"Bearer".parse().unwrap())
        );
    }
    assert_eq!(with(format!("Bearer {TOKEN}")).await.unwrap().status(), StatusCode::OK);
    assert_eq!(open.log.look().await.len(), 1);
    assert_eq!(open.log.reading().refused.values().sum::<u64>(), 5);
    assert!(!format!("{:?}", open.log).contains(TOKEN));
}

#[tokio::test]
async fn only_posts_are_batches() {
    let mut open = open(true).await;
    let response = Client::new().get(&open.url).send().await.unwrap();
    assert_eq!(
        (response.status(), &response.headers()["allow"]),
        (StatusCode::METHOD_NOT_ALLOWED, &"POST".parse().unwrap())
    );
    open.log.look().await;
    assert!(open.log.reading().refused.is_empty(), "nothing was lost");
}

/// Sends bytes and gives what is answered first.
async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = vec![0; 1000];
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut answer)).await;
    String::from_utf8_lossy(&answer[..read.unwrap().unwrap_or_default()]).into_owned()
}

#[tokio::test]
async fn a_body_without_end_is_not_read() {
    let mut open = open(false).await;
    let told = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", 1_u64 << 40);
    assert!(raw(open.address, told.as_bytes()).await.starts_with("HTTP/1.1 413"));
    // The same, without saying so beforehand.
    let mut stream = TcpStream::connect(open.address).await.unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
    let chunk = [b"100000\r\n", vec![b' '; 1 << 20].as_slice(), b"\r\n"].concat();
    let mut sent = 0;
    while sent < 100 && stream.write_all(&chunk).await.is_ok() {
        sent += 1;
    }
    assert!(sent > 60, "{sent} MiB were taken");
    for _ in 0..50 {
        open.log.look().await;
        if open.log.reading().refused.len() == 1 && open.log.reading().refused.values().sum::<u64>() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let refused = &open.log.reading().refused;
    assert_eq!(refused.values().sum::<u64>(), 2, "{refused:?}");
}

#[tokio::test]
async fn what_is_no_http_hurts_nobody() {
    let mut open = open(false).await;
    for junk in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], b"\0\0\0\0\r\n\r\n", b"POST\r\n\r\n", &[0xff; 70_000]]
    {
        let answer = raw(open.address, junk).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    // A body that breaks off.
    let mut stream = TcpStream::connect(open.address).await.unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").await.unwrap();
    drop(stream);
    assert_eq!(post(&open.url, list(&[event(1, "ResponseComplete")])).await.0, StatusCode::OK);
    assert_eq!(open.log.look().await.len(), 1);
}

#[tokio::test]
async fn who_holds_connections_open_does_not_hold_more_than_there_may_be() {
    let mut open = open(false).await;
    let mut held = Vec::new();
    for _ in 0..80 {
        held.push(TcpStream::connect(open.address).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    open.log.look().await;
    assert_eq!(open.log.reading().refused.get("too many connections at once"), Some(&16));
    drop(held);
    let mut taken = None;
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        // One that is too many is broken off without an answer.
        taken = Client::new().post(&open.url).body(list(&[event(1, "ResponseComplete")])).send().await.ok();
        if taken.is_some() {
            break;
        }
    }
    assert_eq!(taken.map(|answer| answer.status()), Some(StatusCode::OK), "it goes on");
}

#[tokio::test]
async fn an_address_is_free_again_when_nobody_listens_any_more() {
    let open = open(false).await;
    let (address, url) = (open.address, open.url.clone());
    let webhook = Webhook { address, identity: None, token: None };
    let taken = AuditLog::open(&[AuditSource::Webhook(webhook.clone())], MARK).await.unwrap_err();
    assert!(taken.to_string().contains(&address.to_string()), "{taken}");
    drop(open);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut log = AuditLog::open(&[AuditSource::Webhook(webhook)], MARK).await.unwrap();
    assert_eq!(post(&url, list(&[event(1, "ResponseComplete")])).await.0, StatusCode::OK);
    assert_eq!(log.look().await.len(), 1);
}
