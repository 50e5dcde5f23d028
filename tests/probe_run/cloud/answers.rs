//! What services answer, and what it means.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::json;
use tenantproof::probe::wire::cloud::{Class, Denial, Layer, NetworkFault, Part};

use super::scene::{
    KEY_ID, SECRET, SESSION, Scene, USER, answer, calls, classes, delete, denied, error_body, get, list, order, put,
    s3, s3_error, s3_headers,
};
use super::stand_in::{Answer, Seen, StandIn};
use crate::harness::free_port;

/// What one bucket answers, made anew for every request.
fn of_bucket(seen: &Seen) -> Answer {
    match seen.bucket() {
        "denied" => s3_error(403, "AccessDenied", "Access Denied", ""),
        "denied-by-deny" => s3_error(
            403,
            "AccessDenied",
            &format!(
                "{USER} s3:ListBucket on resource: &quot;arn:aws:s3:::t&quot; with an explicit deny in a resource-based policy"
            ),
            "",
        ),
        "denied-by-key" => s3_error(
            403,
            "AccessDenied",
            &format!(
                "{USER} kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/k because no identity-based \
                      policy allows the kms:Decrypt action"
            ),
            "",
        ),
        "no-bucket" => {
            s3_error(404, "NoSuchBucket", "The specified bucket does not exist", "<BucketName>no-bucket</BucketName>")
        }
        "no-key" => s3_error(404, "NoSuchKey", "The specified key does not exist.", "<Key>x</Key>"),
        "failing" => s3_error(500, "InternalError", "We encountered an internal error. Please try again.", ""),
        "overloaded" => Answer::Whole(503, vec![], "<html><body>Service Unavailable</body></html>".to_owned()),
        "expired" => {
            s3_error(400, "ExpiredToken", "The provided token has expired.", &format!("<Token-0>{SESSION}</Token-0>"))
        }
        "unknown-key" => s3_error(
            403,
            "InvalidAccessKeyId",
            &format!("The AWS Access Key Id {KEY_ID} you provided does not exist in our records."),
            &format!("<AWSAccessKeyId>{KEY_ID}</AWSAccessKeyId>"),
        ),
        "bad-signature" => s3_error(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
            &format!(
                "<StringToSign>x-amz-security-token:{SESSION}</StringToSign><CanonicalRequest>{SESSION}</CanonicalRequest>"
            ),
        ),
        "wrong-clock" => {
            let mut headers = s3_headers();
            headers.push(("date", "Sun, 06 Nov 1994 08:49:37 GMT".to_owned()));
            Answer::Whole(403, headers, error_body("SignatureDoesNotMatch", "does not match", ""))
        }
        "too-skewed" => s3_error(403, "RequestTimeTooSkewed", "The difference is too large.", ""),
        "rejected" => s3_error(400, "InvalidRequest", "Missing required header", ""),
        // Whoever stands between may say 403, or 200, of its own.
        "page-403" => {
            Answer::Whole(403, s3_headers(), "<html><head><title>Access Denied</title></head></html>".to_owned())
        }
        "page-200" => Answer::Whole(200, s3_headers(), "<html><body>Sign in to continue</body></html>".to_owned()),
        "empty-200" => Answer::Whole(200, s3_headers(), String::new()),
        "json-403" => Answer::Whole(403, vec![], "{\"Message\":\"Forbidden\"}".to_owned()),
        "echo" => s3_error(403, &SECRET[..12], &format!("{SECRET} {SESSION} key={KEY_ID}"), ""),
        // Bodies that are not what their head says.
        "cut-xml" => {
            let body = error_body("AccessDenied", "Access Denied", "");
            Answer::Whole(403, s3_headers(), body[..body.len() - 9].to_owned())
        }
        "long-length" => {
            let body = error_body("AccessDenied", "Access Denied", "");
            Answer::Bytes(format!("HTTP/1.1 403 F\r\ncontent-length: {}\r\n\r\n{body}", body.len() + 100).into_bytes())
        }
        "short-length" => {
            let body = error_body("AccessDenied", "Access Denied", "");
            Answer::Bytes(format!("HTTP/1.1 403 F\r\ncontent-length: {}\r\n\r\n{body}", body.len() - 20).into_bytes())
        }
        "huge" => {
            let body = error_body("AccessDenied", "Access Denied", &"<A>filling</A>".repeat(100_000));
            Answer::Whole(403, s3_headers(), body)
        }
        "silent" => Answer::Silence(Duration::from_secs(5)),
        "slow" => {
            let head = b"HTTP/1.1 403 F\r\ncontent-length: 5000\r\n\r\n".to_vec();
            Answer::Drip([head, vec![b' '; 5000]].concat(), Duration::from_millis(20))
        }
        "closed" => Answer::Bytes(Vec::new()),
        "reset" => Answer::Reset,
        "no-http" => Answer::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()),
        _ => s3(seen),
    }
}

#[test]
fn each_answer_has_its_class() {
    let server = StandIn::start(of_bucket);
    let expected = [
        ("tenant-1", Class::Allowed),
        ("denied", denied(Layer::Untold, false, None)),
        ("denied-by-deny", denied(Layer::Resource, true, Some("s3:ListBucket"))),
        ("no-bucket", Class::NotFound),
        ("no-key", Class::NotFound),
        ("failing", Class::Busy),
        ("overloaded", Class::Busy),
        ("expired", Class::Expired),
        ("unknown-key", Class::UnknownCredentials),
        ("bad-signature", Class::BadSignature),
        ("wrong-clock", Class::ClockSkew),
        ("too-skewed", Class::ClockSkew),
        ("rejected", Class::Rejected),
        ("page-403", Class::Foreign),
        ("page-200", Class::Foreign),
        ("empty-200", Class::Foreign),
        ("json-403", Class::Foreign),
        ("cut-xml", Class::Foreign),
        ("short-length", Class::Foreign),
        ("huge", Class::Foreign),
        ("long-length", Class::Network(NetworkFault::Cut)),
        ("silent", Class::Network(NetworkFault::Timeout)),
        ("slow", Class::Network(NetworkFault::Timeout)),
        ("closed", Class::Network(NetworkFault::Closed)),
        ("reset", Class::Network(NetworkFault::Closed)),
        ("no-http", Class::Network(NetworkFault::NotHttp)),
    ];
    let scene = Scene::with_keys(&server.url());
    let mut asked = calls(expected.iter().map(|(bucket, _)| list(bucket)));
    asked["timeout_ms"] = json!(1500);
    let report = scene.order(1, asked);
    assert_eq!(report.calls.len(), expected.len());
    for ((id, (bucket, class)), told) in (1..).zip(&expected).zip(&report.calls) {
        assert_eq!((told.id, &told.class), (id, class), "{bucket}: {told:?}");
        let is_denial = bucket.starts_with("denied");
        assert_eq!(told.class.is_denial(), is_denial, "{bucket}: nothing but a denial is one");
        assert_eq!(told.class.is_allowed(), *bucket == "tenant-1", "{bucket}");
    }
    let told =
        |bucket: &str| &report.calls[expected.iter().position(|(found, _)| *found == bucket).expect("it is asked")];
    assert_eq!(told("denied").request_id.as_deref(), Some("4442587FB7D0A2F9"));
    assert_eq!((told("denied").status, told("denied").code.as_deref()), (Some(403), Some("AccessDenied")));
    assert_eq!((told("failing").requests, told("overloaded").requests), (3, 3), "as often as the order says");
    assert_eq!((told("rejected").requests, told("closed").requests), (1, 1));
    assert_eq!(told("long-length").status, Some(403), "the status came before the end");
    assert_eq!(told("slow").status, Some(403));
    assert!(told("wrong-clock").skew_s.expect("a date came") < -900_000_000);
    assert_eq!(told("tenant-1").region.as_deref(), Some("eu-west-1"));
}

/// An answer that repeats what it was sent must not make the probe tell it.
#[test]
fn what_a_server_repeats_is_not_told() {
    let server = StandIn::start(of_bucket);
    let scene = Scene::with_keys(&server.url());
    let report = scene.order(1, calls(["echo", "unknown-key", "bad-signature", "expired"].map(list)));
    let echo = answer(&report, 1);
    assert_eq!((&echo.class, echo.code.as_deref()), (&Class::Rejected, None));
    assert_eq!(echo.said.as_deref(), Some("… … key=…"));
    let unknown = answer(&report, 2).said.as_deref();
    assert_eq!(unknown, Some("The AWS Access Key Id … you provided does not exist in our records."));
}

#[test]
fn a_key_that_refuses_is_told_apart_from_the_bucket() {
    let server = StandIn::start(of_bucket);
    let report = Scene::with_keys(&server.url()).order(1, calls([get("denied-by-key")]));
    let action = Some("kms:Decrypt".to_owned());
    let denial = Denial { layer: Layer::Identity, explicit: false, action };
    assert_eq!(classes(&report), [&Class::KeyDenied(denial)]);
}

#[test]
fn a_long_object_is_not_read_to_its_end() {
    let server = StandIn::start(|_| {
        let mut headers = s3_headers();
        headers.push(("etag", "\"9b2cf535f27731c974343645a3985328\"".to_owned()));
        Answer::Whole(200, headers, "x".repeat(50_000_000))
    });
    let began = Instant::now();
    let report = Scene::with_keys(&server.url()).order(1, calls([get("tenant-1")]));
    assert_eq!(classes(&report), [&Class::Allowed]);
    assert!(began.elapsed() < Duration::from_secs(3));
}

/// The region of a request's signature.
fn region_of(seen: &Seen) -> String {
    let credential = seen.header("authorization").expect("it is signed");
    credential.split('/').nth(2).expect("a scope").to_owned()
}

fn elsewhere(seen: &Seen) -> Answer {
    let asked = region_of(seen);
    let with_region =
        |region: &str| s3_headers().into_iter().chain([("x-amz-bucket-region", region.to_owned())]).collect();
    match (seen.bucket(), asked.as_str()) {
        ("redirected" | "malformed" | "in-body" | "bare", "us-west-2") => s3(seen),
        ("redirected", _) => {
            Answer::Whole(301, with_region("us-west-2"), error_body("PermanentRedirect", "Use the endpoint", ""))
        }
        ("bare", _) => Answer::Whole(301, with_region("us-west-2"), String::new()),
        ("malformed", _) => Answer::Whole(
            400,
            with_region("us-west-2"),
            error_body("AuthorizationHeaderMalformed", "the region 'eu-west-1' is wrong; expecting 'us-west-2'", ""),
        ),
        ("in-body", _) => {
            s3_error(400, "AuthorizationHeaderMalformed", "the region is wrong", "<Region>us-west-2</Region>")
        }
        // One that sends whoever asks on and on, and one that sends nowhere.
        ("endless", "eu-west-1") => {
            Answer::Whole(301, with_region("us-west-2"), error_body("PermanentRedirect", "", ""))
        }
        ("endless", _) => Answer::Whole(301, with_region("eu-west-1"), error_body("PermanentRedirect", "", "")),
        ("to-a-host", _) => Answer::Whole(301, with_region("x.evil.example/"), error_body("PermanentRedirect", "", "")),
        _ => s3_error(301, "PermanentRedirect", "Use the endpoint", "<Endpoint>x.evil.example</Endpoint>"),
    }
}

#[test]
fn a_bucket_elsewhere_is_asked_there_once() {
    let server = StandIn::start(elsewhere);
    let buckets = ["redirected", "malformed", "in-body", "bare", "endless", "to-a-host", "nowhere"];
    let report = Scene::with_keys(&server.url()).order(1, calls(buckets.map(list)));
    let told: Vec<_> = report.calls.iter().map(|told| (told.class.clone(), told.requests)).collect();
    let (found, lost) = ((Class::Allowed, 2), (Class::OtherRegion, 1));
    assert_eq!(told, [&found, &found, &found, &found, &(Class::OtherRegion, 2), &lost, &lost].map(Clone::clone));
    assert_eq!(report.calls[0].region.as_deref(), Some("us-west-2"));
}

#[test]
fn who_is_busy_is_asked_again() {
    let count = Mutex::new(BTreeMap::<String, u32>::new());
    let server = StandIn::start(move |seen| {
        let mut count = count.lock().expect("no panic");
        let asked = count.entry(seen.bucket().to_owned()).or_default();
        *asked += 1;
        match (seen.bucket(), *asked) {
            ("slow-down", 1) => s3_error(503, "SlowDown", "Please reduce your request rate.", ""),
            ("throttled", 1 | 2) => Answer::Whole(429, vec![], String::new()),
            _ => s3(seen),
        }
    });
    let report = Scene::with_keys(&server.url()).order(1, calls([list("slow-down"), list("throttled")]));
    assert_eq!(classes(&report), [&Class::Allowed, &Class::Allowed]);
    assert_eq!((report.calls[0].requests, report.calls[1].requests), (2, 3));
}

#[test]
fn presigned_requests_have_their_signature_in_the_link() {
    let server = StandIn::start(|seen| {
        if seen.target.contains("X-Amz-Expires=60&") {
            s3_error(403, "AccessDenied", "Request has expired", "<Expires>2026-11-27T06:00:00Z</Expires>")
        } else {
            s3(seen)
        }
    });
    let presigned = |expires: u32, back: u32| json!({"presigned": {"expires_s": expires, "back_s": back}});
    let series = vec![json!([
        {"i": 1, "s": 1, "m": presigned(300, 0), "d": get("tenant-1")},
        {"i": 2, "s": 1, "m": presigned(60, 900), "d": get("tenant-1")},
        {"i": 3, "s": 1, "m": presigned(300, 0), "d": put("tenant-1")},
        {"i": 4, "s": 1, "m": {"dated": {"back_s": 86_400}}, "d": get("tenant-1")},
        {"i": 5, "d": get("tenant-1")},
    ])];
    let report = Scene::with_keys(&server.url()).order(1, order(series));
    let expected = [&Class::Allowed, &Class::Expired, &Class::Allowed, &Class::Allowed, &Class::Allowed];
    assert_eq!(classes(&report), expected);
    let seen = server.seen();
    for presigned in &seen[..3] {
        assert!(presigned.header("authorization").is_none(), "{presigned:?}");
        assert!(presigned.target.contains("X-Amz-Signature=") && presigned.target.contains("X-Amz-Security-Token="));
    }
    let date = |seen: &Seen| seen.header("x-amz-date").expect("it is dated")[..8].to_owned();
    assert!(date(&seen[3]) < date(&seen[5]), "signed as if it were yesterday: {seen:?}");
    assert!(seen[4].header("authorization").is_none() && !seen[4].target.contains("X-Amz"), "nobody's");
}

#[test]
fn an_upload_in_parts_ends_as_it_shall() {
    let server = StandIn::start(|seen| match (seen.bucket(), seen.method.as_str()) {
        ("no-parts", "PUT") | ("no-begin", "POST") => s3_error(403, "AccessDenied", "Access Denied", ""),
        ("late-error", "POST") if seen.target.contains("uploadId=") => {
            Answer::Whole(200, s3_headers(), error_body("AccessDenied", "Access Denied", ""))
        }
        _ => s3(seen),
    });
    let upload =
        |bucket: &str, end: &str| json!({"multipart": {"bucket": bucket, "key": "tenantproof/r1/m", "end": end}});
    let deeds = [
        upload("whole", "complete"),
        upload("given-up", "abort"),
        upload("no-begin", "complete"),
        upload("no-parts", "complete"),
        upload("late-error", "complete"),
    ];
    let report = Scene::with_keys(&server.url()).order(1, calls(deeds));
    let refused = denied(Layer::Untold, false, None);
    let told: Vec<_> = report.calls.iter().map(|told| (told.class.clone(), told.part)).collect();
    assert_eq!(
        told,
        [
            (Class::Allowed, Some(Part::Complete)),
            (Class::Allowed, Some(Part::Abort)),
            (refused.clone(), Some(Part::Create)),
            (refused.clone(), Some(Part::Upload)),
            (refused, Some(Part::Complete)),
        ]
    );
    assert!(report.remains.is_empty(), "{:?}", report.remains);
    let asked: Vec<String> = server.seen().iter().map(|seen| format!("{} {}", seen.method, seen.target)).collect();
    for expected in [
        "DELETE /whole/tenantproof/r1/m",
        "DELETE /given-up/tenantproof/r1/m?uploadId=VXBsb2FkLTE",
        "DELETE /no-parts/tenantproof/r1/m?uploadId=VXBsb2FkLTE",
        "DELETE /late-error/tenantproof/r1/m?uploadId=VXBsb2FkLTE",
    ] {
        assert!(asked.iter().any(|asked| asked == expected), "`{expected}` is not among {asked:#?}");
    }
}

#[test]
fn who_is_not_there_is_a_failure_of_the_network() {
    for (endpoint, fault) in [
        (format!("http://127.0.0.1:{}", free_port()), NetworkFault::Refused),
        ("http://no..name".to_owned(), NetworkFault::Dns),
    ] {
        let report = Scene::with_keys(&endpoint).order(1, calls([list("tenant-1"), json!("caller-identity")]));
        assert_eq!(classes(&report), [&Class::Network(fault), &Class::Network(fault)], "{endpoint}");
    }
}

#[test]
fn what_can_t_be_made_says_why() {
    let nowhere = Scene::new(&[("AWS_ACCESS_KEY_ID", KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET)]);
    let report = nowhere.order(1, calls([list("tenant-1")]));
    assert_eq!(classes(&report), [&Class::NotMade("nothing names a region".to_owned())]);
    let report = Scene::with_keys("ftp://nothing").order(1, calls([list("tenant-1")]));
    assert_eq!(classes(&report), [&Class::NotMade("the endpoint that is configured is no address".to_owned())]);
    let nobody = Scene::new(&[("AWS_REGION", "eu-west-1"), ("AWS_EC2_METADATA_DISABLED", "true")]);
    let report = nobody.order(1, calls([list("tenant-1"), delete("tenant-1")]));
    assert_eq!(classes(&report), [&Class::NoCredentials, &Class::NoCredentials]);
}

#[test]
fn an_order_that_would_harm_is_told_and_not_carried_out() {
    let server = StandIn::start(s3);
    let scene = Scene::with_keys(&server.url());
    let harmful = calls([json!({"delete": {"bucket": "tenant-1", "key": "invoices/1"}})]);
    scene.probe.write(&json!({"round": 1, "step": {"cloud": harmful}}).to_string());
    let complaint = scene.probe.wait("complaint", |log| log.complaints.first().cloned());
    assert!(complaint.message.contains("does not begin with the order's marker"), "{complaint:?}");
    assert!(server.seen().is_empty());
    assert_eq!(scene.order(2, calls([list("tenant-1")])).calls.len(), 1, "it goes on");
}
