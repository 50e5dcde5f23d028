//! Services but S3: STS, and those that speak JSON.

use rstest::rstest;
use serde_json::{Value, json};
use tenantproof::probe::wire::cloud::{Actor, Class, Layer};

use super::scene::{SESSION, Scene, USER, calls, classes, denied};
use super::stand_in::{Answer, StandIn};

fn sts(body: &str) -> Answer {
    Answer::Whole(200, vec![("x-amzn-requestid", "01234567-89ab-cdef-0123-456789abcdef".to_owned())], body.to_owned())
}

#[test]
fn sts_tells_who_they_are() {
    let server = StandIn::start(|_| {
        sts("<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Arn>arn:aws:sts::111122223333:assumed-role/tenant-1/eks-lab-web-1</Arn><UserId>AROA:eks-lab-web-1</UserId>\
             <Account>111122223333</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>01234567</RequestId>\
             </ResponseMetadata></GetCallerIdentityResponse>")
    });
    let report = Scene::with_keys(&server.url()).order(1, calls([json!("caller-identity")]));
    let arn = "arn:aws:sts::111122223333:assumed-role/tenant-1/eks-lab-web-1".to_owned();
    let actor = Actor { account: "111122223333".to_owned(), arn };
    assert_eq!((&report.calls[0].class, &report.calls[0].actor), (&Class::Allowed, &Some(actor)));
    let seen = server.seen();
    assert_eq!(seen[0].body, "Action=GetCallerIdentity&Version=2011-06-15");
    assert_eq!(seen[0].header("x-amz-security-token"), Some(SESSION));
    let agent = seen[0].header("user-agent").expect("it says who it is");
    assert!(agent.starts_with("tenantproof-probe/") && agent.ends_with(" tenantproof/r1"), "{agent}");
}

#[rstest]
#[case::nobody("<GetCallerIdentityResponse></GetCallerIdentityResponse>", Class::Foreign)]
#[case::another_form("<Arn>arn:aws:sts::111122223333:assumed-role/r/s</Arn>", Class::Foreign)]
fn an_identity_that_is_none_is_no_success(#[case] body: &'static str, #[case] class: Class) {
    let server = StandIn::start(move |_| sts(body));
    let report = Scene::with_keys(&server.url()).order(1, calls([json!("caller-identity")]));
    assert_eq!(classes(&report), [&class]);
}

fn json_call(service: &str, operation: &str, mut body: Value, answered: &str) -> Value {
    body["Answer"] = json!(answered);
    let mut call = json!({"json": {"service": service, "operation": operation}});
    call["json"]["body"] = body;
    call
}

#[test]
fn services_that_speak_json_are_understood() {
    let server = StandIn::start(|seen| {
        let asked: Value = serde_json::from_str(&seen.body).expect("JSON");
        let headers = |named: Option<&str>| {
            let id = ("x-amzn-requestid", "E2SG1LFT4J3NTE".to_owned());
            [id].into_iter().chain(named.map(|name| ("x-amzn-errortype", name.to_owned()))).collect::<Vec<_>>()
        };
        let refused =
            format!("{USER} kms:Decrypt on resource: k because no resource-based policy allows the kms:Decrypt action");
        match asked["Answer"].as_str().expect("it says") {
            "ok" => Answer::Whole(200, headers(None), "{\"Plaintext\":\"c2VjcmV0\"}".to_owned()),
            "page" => Answer::Whole(200, headers(None), "<html></html>".to_owned()),
            "nobody" => Answer::Whole(200, vec![], "{}".to_owned()),
            "dry" => Answer::Whole(412, headers(Some("DryRunOperationException")), "{}".to_owned()),
            "denied" => Answer::Whole(
                400,
                headers(None),
                json!({"__type": "AccessDeniedException", "Message": refused}).to_string(),
            ),
            "by-header" => Answer::Whole(400, headers(Some("AccessDeniedException:http://internal.amazon.com/")), "{}".to_owned()),
            "condition" => Answer::Whole(
                400,
                headers(None),
                "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException\",\"message\":\"failed\"}".to_owned(),
            ),
            "no-table" => Answer::Whole(
                400,
                headers(None),
                "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException\",\"message\":\"none\"}".to_owned(),
            ),
            _ => Answer::Whole(400, headers(None), "{\"__type\":\"UnrecognizedClientException\"}".to_owned()),
        }
    });
    let item = || json!({"TableName": "t", "ConditionExpression": "attribute_exists(k) AND attribute_not_exists(k)"});
    let report = Scene::with_keys(&server.url()).order(
        1,
        calls([
            json_call("kms", "Decrypt", json!({}), "ok"),
            json_call("kms", "Decrypt", json!({}), "page"),
            json_call("kms", "Decrypt", json!({}), "nobody"),
            json_call("kms", "GenerateDataKey", json!({"DryRun": true}), "dry"),
            json_call("kms", "Decrypt", json!({}), "denied"),
            json_call("kms", "Decrypt", json!({}), "by-header"),
            json_call("dynamodb", "PutItem", item(), "condition"),
            json_call("dynamodb", "Query", json!({}), "no-table"),
            json_call("dynamodb", "GetItem", json!({}), "unknown"),
        ]),
    );
    let expected = [
        Class::Allowed,
        Class::Foreign,
        Class::Foreign,
        Class::Allowed,
        denied(Layer::Resource, false, Some("kms:Decrypt")),
        denied(Layer::Untold, false, None),
        Class::Allowed,
        Class::NotFound,
        Class::UnknownCredentials,
    ];
    assert_eq!(classes(&report), expected.iter().collect::<Vec<_>>());
    let told = serde_json::to_string(&report).expect("JSON");
    assert!(!told.contains("c2VjcmV0"), "what was decrypted is not told");
    let targets: Vec<_> =
        server.seen().iter().filter_map(|seen| seen.header("x-amz-target").map(str::to_owned)).collect();
    assert!(targets.contains(&"TrentService.GenerateDataKey".to_owned()));
    assert!(targets.contains(&"DynamoDB_20120810.PutItem".to_owned()));
}
