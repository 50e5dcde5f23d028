//! What a probe writes, it deletes again.

use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::json;
use tenantproof::probe::wire::cloud::{Class, NetworkFault};

use super::scene::{Scene, calls, delete, get, list, order, put, s3, s3_error, s3_headers};
use super::stand_in::{Answer, StandIn};

fn deletions(server: &StandIn) -> Vec<String> {
    server.seen().iter().filter(|seen| seen.method == "DELETE").map(|seen| seen.target.clone()).collect()
}

#[test]
fn whatever_was_written_is_deleted_at_the_end() {
    let server = StandIn::start(|seen| match (seen.bucket(), seen.method.as_str()) {
        ("denied", "PUT") => s3_error(403, "AccessDenied", "Access Denied", ""),
        // It may have been written, though the answer was lost.
        ("lost", "PUT") => Answer::Reset,
        _ => s3(seen),
    });
    let series = ["own", "denied", "lost"]
        .iter()
        .zip([1, 11, 21])
        .map(|(bucket, id)| json!([{"i": id, "s": 1, "d": put(bucket)}, {"i": id + 1, "s": 1, "d": get(bucket)}]));
    let report = Scene::with_keys(&server.url()).order(1, order(series.collect()));
    let told: Vec<_> = report.calls.iter().map(|told| &told.class).collect();
    assert_eq!((told[0], told[4]), (&Class::Allowed, &Class::Network(NetworkFault::Closed)));
    assert!(told[2].is_denial());
    let mut deleted = deletions(&server);
    deleted.sort();
    assert_eq!(deleted, ["/lost/tenantproof/r1/x", "/own/tenantproof/r1/x"], "and nothing where nothing was written");
    assert!(report.remains.is_empty());
}

#[test]
fn what_the_order_deletes_itself_is_not_deleted_again() {
    let server = StandIn::start(s3);
    let series = vec![json!([{"i": 1, "s": 1, "d": put("own")}, {"i": 2, "s": 1, "d": delete("own")}])];
    let report = Scene::with_keys(&server.url()).order(1, order(series));
    assert_eq!(deletions(&server), ["/own/tenantproof/r1/x"]);
    assert!(report.remains.is_empty() && report.calls.iter().all(|told| told.class.is_allowed()));
}

#[test]
fn what_remains_is_told() {
    let server = StandIn::start(|seen| match seen.method.as_str() {
        "DELETE" => s3_error(403, "AccessDenied", "Access Denied", ""),
        _ => s3(seen),
    });
    let multipart = json!({"multipart": {"bucket": "own", "key": "tenantproof/r1/m", "end": "abort"}});
    let report = Scene::with_keys(&server.url()).order(1, calls([put("own"), multipart]));
    assert_eq!(report.remains.len(), 2, "{:?}", report.remains);
    assert!(report.remains.iter().all(|remains| remains.class.is_denial() && remains.bucket == "own"));
    let upload = report.remains.iter().find(|remains| remains.key == "tenantproof/r1/m").expect("the upload");
    assert_eq!(upload.upload.as_deref(), Some("VXBsb2FkLTE"));
    // Nothing is forgotten by the next round, nor taken over: it has a record of its own.
    assert_eq!(report.remains.iter().filter(|remains| remains.key == "tenantproof/r1/x").count(), 1);
}

#[test]
fn versions_are_deleted_as_versions() {
    let versioned = |version: &str, marker: bool| {
        let mut headers = s3_headers();
        headers.push(("x-amz-version-id", version.to_owned()));
        headers.push(("etag", "\"9b2cf535f27731c974343645a3985328\"".to_owned()));
        if marker {
            headers.push(("x-amz-delete-marker", "true".to_owned()));
        }
        Answer::Whole(if marker { 204 } else { 200 }, headers, String::new())
    };
    let server = StandIn::start(move |seen| match (seen.bucket(), seen.method.as_str()) {
        ("no-versions", "DELETE") if seen.target.contains("versionId") => {
            s3_error(403, "AccessDenied", "Access Denied", "")
        }
        (_, "PUT") => versioned("v1", false),
        (_, "DELETE") if !seen.target.contains("versionId") => versioned("m1", true),
        _ => s3(seen),
    });
    let series = vec![
        json!([{"i": 1, "s": 1, "d": put("kept")}, {"i": 2, "s": 1, "d": delete("kept")}]),
        json!([{"i": 3, "s": 1, "d": put("no-versions")}]),
    ];
    let report = Scene::with_keys(&server.url()).order(1, order(series));
    let deleted = deletions(&server);
    for expected in
        ["/kept/tenantproof/r1/x?versionId=v1", "/kept/tenantproof/r1/x?versionId=m1", "/no-versions/tenantproof/r1/x"]
    {
        assert!(deleted.iter().any(|deleted| deleted == expected), "`{expected}` is not among {deleted:?}");
    }
    assert_eq!(report.remains.len(), 1, "{:?}", report.remains);
    assert_eq!(report.remains[0].version.as_deref(), Some("v1"), "hidden, and still there");
}

/// A probe that is told to end, or whose deadline comes, in the middle of its calls.
#[test]
fn a_probe_that_ends_leaves_nothing() {
    let first = Mutex::new(true);
    let server = StandIn::start(move |seen| {
        if seen.method == "GET" && std::mem::take(&mut *first.lock().expect("no panic")) {
            return Answer::Silence(Duration::from_secs(20));
        }
        s3(seen)
    });
    let mut scene = Scene::with_keys(&server.url());
    let mut asked = order(vec![json!([{"i": 1, "s": 1, "d": put("own")}, {"i": 2, "s": 1, "d": list("own")}])]);
    asked["timeout_ms"] = json!(20_000);
    scene.probe.write(&json!({"round": 1, "step": {"cloud": asked}}).to_string());
    let began = Instant::now();
    while server.seen().len() < 2 {
        assert!(began.elapsed() < Duration::from_secs(10), "it has written, and lists");
        std::thread::sleep(Duration::from_millis(10));
    }
    let status = Command::new("kill").args(["-s", "TERM", &scene.probe.child.id().to_string()]).status();
    assert!(status.expect("kill runs").success());
    assert_eq!(scene.probe.child.wait().expect("it ended").code(), Some(0));
    assert_eq!(deletions(&server), ["/own/tenantproof/r1/x"]);
    scene.nothing_secret_was_told();
}
