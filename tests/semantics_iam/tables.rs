//! A table for each rule of `docs/semantics.md`, from the documentation's own examples.

use rstest::rstest;
use serde_json::{Value, json};

use super::answers::{Case, OTHER, OWN, allow, deny, document, named, service, session, user};

const ALLOWED: &str = "allowed";
const EXPLICIT: &str = "explicitDeny";
const IMPLICIT: &str = "implicitDeny";
const UNKNOWN: &str = "unknown";

/// A case whose only policy is one identity policy of one statement.
fn identity(more: &Value) -> Case {
    Case::new().identity(json!([allow(more)]))
}

#[rstest]
#[case(json!({"Action": "s3:GetObject"}), "s3:GetObject", ALLOWED)]
#[case(json!({"Action": "S3:getobject"}), "s3:GetObject", ALLOWED)]
#[case(json!({"Action": "s3:GetObject"}), "S3:GETOBJECT", ALLOWED)]
#[case(json!({"Action": ["s3:Put*", "s3:Get*"]}), "s3:GetObject", ALLOWED)]
#[case(json!({"Action": "s3:?etObject"}), "s3:GetObject", ALLOWED)]
#[case(json!({"Action": "s3:GetObject?"}), "s3:GetObject", IMPLICIT)]
#[case(json!({"Action": "iam:*AccessKey*"}), "iam:UpdateAccessKey", ALLOWED)]
#[case(json!({"Action": "iam:*AccessKey*"}), "iam:ListUsers", IMPLICIT)]
#[case(json!({"Action": "*"}), "s3:GetObject", ALLOWED)]
#[case(json!({"Action": []}), "s3:GetObject", IMPLICIT)]
#[case(json!({"NotAction": "iam:*"}), "s3:GetObject", ALLOWED)]
#[case(json!({"NotAction": ["iam:*", "s3:get*"]}), "s3:GetObject", IMPLICIT)]
fn actions(#[case] statement: Value, #[case] action: &str, #[case] wanted: &str) {
    assert_eq!(identity(&statement).action(action).verdict(), wanted);
}

#[rstest]
#[case(json!({"Resource": "*"}), ALLOWED)]
#[case(json!({"Resource": "arn:aws:s3:::shop/app/x"}), ALLOWED)]
#[case(json!({"Resource": "arn:aws:s3:::shop/APP/x"}), IMPLICIT)]
#[case(json!({"Resource": "arn:aws:s3:::shop"}), IMPLICIT)]
#[case(json!({"Resource": "arn:aws:s3:::shop/*"}), ALLOWED)]
#[case(json!({"Resource": "arn:aws:s3:::sh*/x"}), ALLOWED)]
#[case(json!({"Resource": "arn:aws:s3:::shop/???/?"}), ALLOWED)]
#[case(json!({"Resource": "arn:*:s3:::shop/app/x"}), ALLOWED)]
#[case(json!({"Resource": ["arn:aws:s3:::pay/*", "arn:aws:s3:::shop/app/*"]}), ALLOWED)]
#[case(json!({"Resource": []}), IMPLICIT)]
#[case(json!({"Resource": "arn:aws:s3"}), ALLOWED)]
#[case(json!({"Resource": "arn:aws:s3*"}), ALLOWED)]
#[case(json!({"Resource": "arn:aws:sqs"}), IMPLICIT)]
#[case(json!({"Resource": "arn:aws:s3:*/x"}), IMPLICIT)]
#[case(json!({"Resource": "arn:aws:s3:*:app/x"}), IMPLICIT)]
#[case(json!({"NotResource": "arn:aws:s3:::pay/*"}), ALLOWED)]
#[case(json!({"NotResource": ["arn:aws:s3:::pay/*", "arn:aws:s3:::shop/*"]}), IMPLICIT)]
fn resources(#[case] statement: Value, #[case] wanted: &str) {
    assert_eq!(identity(&statement).verdict(), wanted);
}

/// "If the `*` wildcard is the last character of a resource ARN segment, it can expand to match beyond the colon
/// boundaries."
#[rstest]
#[case("arn:aws:logs:*:log-group:web", ALLOWED, None)]
#[case("arn:aws:logs:eu-*:log-group:web", ALLOWED, None)]
#[case("arn:aws:logs:*:*:log-group:web", ALLOWED, None)]
#[case("arn:aws:logs:eu-west-1:111122223333:log*:web", ALLOWED, None)]
#[case("arn:aws:logs:eu-west-1:111122223333:l*b", ALLOWED, None)]
#[case("arn:aws:logs:us-*:log-group:web", IMPLICIT, None)]
#[case("arn:aws:logs:eu*3:log-group:web", UNKNOWN, Some("wildcard-across-parts"))]
#[case("arn:aws:logs:eu-west-1?111122223333:log-group:web", UNKNOWN, Some("wildcard-across-parts"))]
#[case("arn:aws:logs:us-*-1:*:log-group:web", IMPLICIT, None)]
// Fewer than six parts are completed; a star that ends one of them may reach over all that is missing, too.
#[case("arn:aws:logs", ALLOWED, None)]
#[case("arn:aws:logs:us-west-1", IMPLICIT, None)]
#[case("arn:aws:logs:*:web", UNKNOWN, Some("incomplete-arn"))]
#[case("arn:aws:logs:eu*b", IMPLICIT, None)]
fn wildcards_and_colons(#[case] resource: &str, #[case] wanted: &str, #[case] rule: Option<&str>) {
    let answer = identity(&json!({"Resource": resource}))
        .action("logs:PutLogEvents")
        .of("arn:aws:logs:eu-west-1:111122223333:log-group:web", OWN)
        .answer();
    assert_eq!((answer.verdict.as_str(), answer.rule.as_deref()), (wanted, rule));
}

/// A request about no resource in particular.
#[rstest]
#[case("*", ALLOWED)]
#[case("arn:aws:s3:::*", UNKNOWN)]
#[case("arn:aws:s3:::shop", IMPLICIT)]
#[case("arn:aws:sqs:*:*:*", IMPLICIT)]
fn no_resource_in_particular(#[case] resource: &str, #[case] wanted: &str) {
    let case = identity(&json!({"Resource": resource})).action("s3:ListAllMyBuckets").of("*", OWN);
    assert_eq!(case.verdict(), wanted);
    // The account is the principal's own where it is not told.
    assert_eq!(Case::of(case, "*", "").verdict(), wanted);
}

#[rstest]
#[case("arn:aws:s3:::shop/${aws:PrincipalTag/team}/*", json!({"aws:PrincipalTag/team": "app"}), ALLOWED)]
#[case("arn:aws:s3:::shop/${AWS:principaltag/TEAM}/*", json!({"aws:PrincipalTag/team": "app"}), ALLOWED)]
#[case("arn:aws:s3:::shop/${aws:PrincipalTag/team}/*", json!({"aws:PrincipalTag/team": "pay"}), IMPLICIT)]
// A value is never a wildcard.
#[case("arn:aws:s3:::shop/${aws:PrincipalTag/team}/*", json!({"aws:PrincipalTag/team": "*"}), IMPLICIT)]
#[case("arn:aws:s3:::shop/${aws:PrincipalTag/team}/*", json!({"aws:PrincipalTag/team": "a?p"}), IMPLICIT)]
#[case("arn:aws:s3:::shop/${aws:PrincipalTag/team}/*", json!({}), IMPLICIT)]
#[case("arn:aws:s3:::shop/${aws:PrincipalTag/team}/*", json!({"aws:PrincipalTag/team": ["app", "pay"]}), UNKNOWN)]
#[case("arn:aws:s3:::shop/${aws:PrincipalTag/team, 'app'}/*", json!({}), ALLOWED)]
#[case("arn:aws:s3:::shop/${aws:PrincipalTag/team, 'app'}/*", json!({"aws:PrincipalTag/team": "pay"}), IMPLICIT)]
#[case("arn:aws:s3:::shop/${*}/*", json!({}), IMPLICIT)]
#[case("arn:aws:s3:::shop/app/${aws:PrincipalTag/team", json!({}), UNKNOWN)]
#[case("arn:aws:s3::${aws:PrincipalTag/team}:shop/*", json!({"aws:PrincipalTag/team": ""}), UNKNOWN)]
fn variables_in_resources(#[case] resource: &str, #[case] context: Value, #[case] wanted: &str) {
    assert_eq!(identity(&json!({"Resource": resource})).context(context).verdict(), wanted);
}

/// The documentation's example begins what is behind the fifth colon with a variable, too.
#[rstest]
#[case("arn:aws:sns:*:*:${aws:PrincipalTag/project}-${aws:PrincipalTag/team}-*", ALLOWED)]
#[case("arn:aws:sns:*-west-1:*:${aws:PrincipalTag/project}-a*", ALLOWED)]
#[case("arn:aws:sns:*:*:${aws:PrincipalTag/team}-*", IMPLICIT)]
fn variables_that_begin_a_resource(#[case] resource: &str, #[case] wanted: &str) {
    let case = identity(&json!({"Resource": resource}))
        .action("sns:DeleteTopic")
        .of("arn:aws:sns:eu-west-1:111122223333:peg-app-topic", OWN)
        .context(json!({"aws:PrincipalTag/project": "peg", "aws:PrincipalTag/team": "app"}));
    assert_eq!(case.verdict(), wanted);
}

/// "The resource that includes a policy variable with no value will not match any resource": under `NotResource` the
/// `Deny` stands.
#[rstest]
#[case(json!({}), EXPLICIT)]
#[case(json!({"aws:PrincipalTag/team": "pay"}), EXPLICIT)]
#[case(json!({"aws:PrincipalTag/team": "app"}), ALLOWED)]
fn a_variable_without_value_under_not_resource(#[case] context: Value, #[case] wanted: &str) {
    let statement = deny(&json!({"NotResource": "arn:aws:s3:::shop/${aws:PrincipalTag/team}/*"}));
    let case = Case::new().identity(json!([allow(&json!({})), statement])).context(context);
    assert_eq!(case.verdict(), wanted);
}

#[rstest]
#[case(json!("2012-10-17"), ALLOWED)]
#[case(json!("2008-10-17"), IMPLICIT)]
#[case(Value::Null, IMPLICIT)]
fn variables_belong_to_a_version(#[case] version: Value, #[case] wanted: &str) {
    let statement = allow(&json!({"Resource": "arn:aws:s3:::shop/${aws:PrincipalTag/team}/*"}));
    let mut document = json!({"Statement": statement});
    if version != Value::Null {
        document["Version"] = version;
    }
    let case = Case::new()
        .policy("identity", json!([{"name": "p", "document": document}]))
        .context(json!({"aws:PrincipalTag/team": "app"}));
    assert_eq!(case.verdict(), wanted);
    // In the older language it is a text like any other.
    let literal = case.of("arn:aws:s3:::shop/${aws:PrincipalTag/team}/x", OWN);
    assert_eq!(literal.verdict(), if wanted == ALLOWED { IMPLICIT } else { ALLOWED });
}

/// Whether a condition is met.
fn meets(condition: &Value, context: &Value) -> String {
    let case = Case::new().context(context.clone());
    let allowed = case.clone().identity(json!([allow(&json!({"Condition": condition}))])).verdict();
    // The same condition of a Deny says the same.
    let denied = case.identity(json!([allow(&json!({})), deny(&json!({"Condition": condition}))])).verdict();
    let met = |verdict: &str| match verdict {
        ALLOWED | EXPLICIT => "met",
        UNKNOWN => "unknown",
        _ => "not met",
    };
    let denied = if denied == ALLOWED { "not met" } else { met(&denied) };
    assert_eq!(met(&allowed), denied, "{condition} {context}");
    met(&allowed).to_owned()
}

#[rstest]
#[case("StringEquals", json!("iamuser-admin"), json!("iamuser-admin"), "met")]
#[case("StringEquals", json!("iamuser-admin"), json!("dev-ops"), "not met")]
#[case("StringEquals", json!("iamuser-admin"), Value::Null, "not met")]
#[case("StringEquals", json!("Admin"), json!("admin"), "not met")]
#[case("StringEquals", json!("a*"), json!("ab"), "not met")]
#[case("StringEquals", json!("a*"), json!("a*"), "met")]
#[case("StringEquals", json!(["a", "b"]), json!("b"), "met")]
#[case("StringEquals", json!(""), json!(""), "met")]
#[case("StringNotEquals", json!("a"), json!("b"), "met")]
#[case("StringNotEquals", json!(["a", "b"]), json!("b"), "not met")]
#[case("StringNotEquals", json!(["a", "b"]), json!("c"), "met")]
#[case("StringNotEquals", json!("a"), Value::Null, "met")]
#[case("StringEqualsIgnoreCase", json!("PreProd"), json!("preprod"), "met")]
#[case("StringNotEqualsIgnoreCase", json!("PreProd"), json!("preprod"), "not met")]
#[case("StringLike", json!("a*"), json!("ab"), "met")]
#[case("StringLike", json!("A*"), json!("ab"), "not met")]
#[case("StringLike", json!("?b"), json!("ab"), "met")]
#[case("StringLike", json!(""), json!(""), "met")]
#[case("StringNotLike", json!(["x*", "a*"]), json!("ab"), "not met")]
#[case("StringNotLike", json!("x*"), Value::Null, "met")]
#[case("stringequals", json!("a"), json!("a"), "met")]
#[case("StringEqualsIfExists", json!("a"), Value::Null, "met")]
#[case("StringEqualsIfExists", json!("a"), json!("b"), "not met")]
#[case("StringNotEqualsIfExists", json!("a"), Value::Null, "met")]
#[case("StringLikeIfExists", json!(["t1.*", "t2.*", "m3.*"]), json!("t1.micro"), "met")]
#[case("StringLikeIfExists", json!(["t1.*", "t2.*", "m3.*"]), json!("m2.micro"), "not met")]
#[case("StringLikeIfExists", json!(["t1.*", "t2.*", "m3.*"]), Value::Null, "met")]
#[case("NumericEquals", json!(10), json!("10.0"), "met")]
#[case("NumericEquals", json!(["9", "10"]), json!(10), "met")]
#[case("NumericNotEquals", json!("10"), json!("10"), "not met")]
#[case("NumericNotEquals", json!("10"), Value::Null, "met")]
#[case("NumericLessThan", json!("10"), json!("9"), "met")]
#[case("NumericLessThan", json!("10"), json!("10"), "not met")]
#[case("NumericLessThanEquals", json!("10"), json!("10"), "met")]
#[case("NumericLessThanEquals", json!("10"), json!("9.99"), "met")]
#[case("NumericGreaterThan", json!("9"), json!("10"), "met")]
#[case("NumericGreaterThanEquals", json!("-1"), json!("-1.0"), "met")]
#[case("NumericLessThan", json!("10"), Value::Null, "not met")]
#[case("NumericLessThanIfExists", json!("10"), Value::Null, "met")]
#[case("NumericLessThan", json!("ten"), json!("9"), "unknown")]
#[case("NumericLessThan", json!("10"), json!("nine"), "unknown")]
#[case("NumericEquals", json!(["ten", "10"]), json!("10"), "met")]
#[case("NumericNotEquals", json!(["ten", "10"]), json!("10"), "not met")]
#[case("DateGreaterThan", json!("2020-01-01T00:00:01Z"), json!("2020-06-01T00:00:00Z"), "met")]
#[case("DateGreaterThan", json!("2020-01-01T00:00:01Z"), json!("2019-06-01T00:00:00Z"), "not met")]
#[case("DateGreaterThan", json!("2020-01-01T00:00:01Z"), Value::Null, "not met")]
#[case("DateLessThan", json!("2020-01-01"), json!("2019-12-31T23:59:59Z"), "met")]
#[case("DateEquals", json!("2020-01-01T02:00:00+02:00"), json!("2020-01-01T00:00:00Z"), "met")]
// Seconds since 1970, on either side.
#[case("DateGreaterThan", json!("1577836800"), json!("2020-01-01T00:00:01Z"), "met")]
#[case("DateLessThan", json!("2020-01-01T00:00:01Z"), json!(1_577_836_800), "met")]
#[case("DateNotEquals", json!("2020-01-01"), Value::Null, "met")]
#[case("DateLessThanEquals", json!("2020"), json!("2019-01-01"), "unknown")]
#[case("DateEquals", json!("tomorrow"), json!("2019-01-01"), "unknown")]
#[case("Bool", json!("false"), json!("false"), "met")]
#[case("Bool", json!(false), json!(true), "not met")]
#[case("Bool", json!("false"), Value::Null, "not met")]
#[case("Bool", json!("TRUE"), json!("true"), "met")]
#[case("BoolIfExists", json!("false"), Value::Null, "met")]
#[case("Bool", json!("yes"), json!("true"), "unknown")]
#[case("Bool", json!("${aws:username}"), json!("true"), "unknown")]
#[case("BinaryEquals", json!("QmluYXJ5VmFsdWVJbkJhc2U2NA=="), json!("QmluYXJ5VmFsdWVJbkJhc2U2NA=="), "met")]
#[case("BinaryEquals", json!("QmluYXJ5VmFsdWVJbkJhc2U2NA=="), json!("ASIAIOSFODNN7EXAMPLE"), "not met")]
#[case("BinaryEquals", json!("QmluYXJ5VmFsdWVJbkJhc2U2NA=="), Value::Null, "not met")]
#[case("BinaryEquals", json!("***"), json!("QQ=="), "unknown")]
#[case("IpAddress", json!("203.0.113.0/24"), json!("203.0.113.1"), "met")]
#[case("IpAddress", json!("203.0.113.0/24"), json!("198.51.100.1"), "not met")]
#[case("IpAddress", json!("203.0.113.7"), json!("203.0.113.7"), "met")]
#[case("IpAddress", json!("203.0.113.7"), json!("203.0.113.8"), "not met")]
#[case("IpAddress", json!(["203.0.113.0/24", "2001:DB8:1234:5678::/64"]), json!("2001:db8:1234:5678::9"), "met")]
#[case("IpAddress", json!("0.0.0.0/0"), json!("2001:db8::1"), "not met")]
#[case("IpAddress", json!("0.0.0.0/0"), json!("203.0.113.1"), "met")]
#[case("NotIpAddress", json!("0.0.0.0/0"), json!("203.0.113.1"), "not met")]
#[case("NotIpAddress", json!("0.0.0.0/0"), json!("2001:db8::1"), "met")]
#[case("NotIpAddress", json!("203.0.113.7"), json!("2001:db8::1"), "met")]
#[case("NotIpAddress", json!(["203.0.113.0/24", "198.51.100.0/24"]), json!("198.51.100.1"), "not met")]
#[case("NotIpAddress", json!("203.0.113.0/24"), json!("192.0.2.1"), "met")]
#[case("NotIpAddress", json!("203.0.113.0/24"), Value::Null, "met")]
#[case("IpAddress", json!("203.0.113.0/24"), json!("somewhere"), "unknown")]
#[case("IpAddress", json!("203.0.113.0/33"), json!("203.0.113.0"), "unknown")]
#[case("IpAddress", json!("2001:db8::1"), json!("2001:db8::1"), "met")]
#[case("IpAddress", json!("2001:db8::1"), json!("2001:db8::2"), "unknown")]
#[case("IpAddress", json!("2001:db8::1"), json!("2001:db9::1"), "not met")]
#[case("ArnEquals", json!("arn:aws:sns:us-west-2:123456789012:t"), json!("arn:aws:sns:us-west-2:123456789012:t"), "met")]
#[case("ArnEquals", json!("arn:aws:sns:us-west-2:123456789012:t"), json!("arn:aws:sns:us-west-2:777788889999:t"), "not met")]
#[case("ArnEquals", json!("arn:aws:sns:us-west-2:123456789012:t"), Value::Null, "not met")]
#[case("ArnLike", json!("arn:aws:iam::*:role/app-*"), json!("arn:aws:iam::111122223333:role/app-1"), "met")]
#[case("ArnEquals", json!("arn:aws:iam::*:role/app-*"), json!("arn:aws:iam::111122223333:role/app-1"), "met")]
// The documentation's own example of what a string operator matches and an ARN operator does not.
#[case("StringLike", json!("arn:aws:someservice:*:111122223333:finance/*"), json!("arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"), "met")]
#[case("ArnLike", json!("arn:aws:someservice:*:111122223333:finance/*"), json!("arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"), "not met")]
#[case("ArnLike", json!("arn:aws:s3:::a*"), json!("arn:aws:s3:::a:b"), "met")]
#[case("ArnNotLike", json!(["arn:aws:s3:::a", "arn:aws:s3:::b"]), json!("arn:aws:s3:::b"), "not met")]
#[case("ArnNotEquals", json!("arn:aws:s3:::a"), Value::Null, "met")]
#[case("ArnLike", json!("*"), json!("arn:aws:s3:::a"), "unknown")]
#[case("ArnLike", json!("arn:aws:s3:::a"), json!("bucket"), "unknown")]
#[case("Null", json!("true"), Value::Null, "met")]
#[case("Null", json!(true), json!("x"), "not met")]
#[case("Null", json!("false"), json!("x"), "met")]
#[case("Null", json!(["true", "false"]), json!("x"), "met")]
#[case("Null", json!("maybe"), json!("x"), "unknown")]
#[case("Null", json!("true"), json!(""), "unknown")]
#[case("StringStartsWith", json!("a"), json!("a"), "unknown")]
#[case("NullIfExists", json!("true"), Value::Null, "unknown")]
#[case("StringEquals", json!([]), json!("a"), "unknown")]
fn operators(#[case] operator: &str, #[case] values: Value, #[case] request: Value, #[case] wanted: &str) {
    let context = if request == Value::Null { json!({}) } else { json!({"X:Key": request}) };
    assert_eq!(meets(&json!({operator: {"x:kEY": values}}), &context), wanted);
}

#[rstest]
#[case("ForAllValues:StringEquals", json!(["a", "b"]), json!(["a", "b"]), "met")]
#[case("ForAllValues:StringEquals", json!(["a", "b"]), json!(["a", "c"]), "not met")]
#[case("ForAllValues:StringEquals", json!(["a", "b"]), json!([]), "met")]
#[case("ForAllValues:StringEquals", json!(["a", "b"]), Value::Null, "met")]
#[case("ForAllValues:StringEquals", json!(["a", "b"]), json!([""]), "met")]
#[case("ForAllValues:StringNotEquals", json!(["a", "b"]), json!(["c", "d"]), "met")]
#[case("ForAllValues:StringNotEquals", json!(["a", "b"]), json!(["c", "a"]), "not met")]
#[case("ForAllValues:StringNotLike", json!(["a*"]), json!(["c", "ab"]), "not met")]
#[case("ForAllValues:StringNotEquals", json!(["a", "b"]), Value::Null, "met")]
#[case("ForAnyValue:StringEquals", json!(["ID", "PostDateTime"]), json!(["UserName", "Message", "PostDateTime"]), "met")]
#[case("ForAnyValue:StringEquals", json!(["ID", "PostDateTime"]), json!(["UserName"]), "not met")]
#[case("ForAnyValue:StringEquals", json!(["a"]), Value::Null, "not met")]
#[case("ForAnyValue:StringEquals", json!(["a"]), json!([]), "not met")]
#[case("ForAnyValue:StringEquals", json!(["a"]), json!([""]), "not met")]
#[case("ForAnyValue:StringEquals", json!(["", "a"]), json!([""]), "unknown")]
#[case("ForAnyValue:StringNotEquals", json!(["a", "b"]), json!(["a", "c"]), "met")]
#[case("ForAnyValue:StringNotEquals", json!(["a", "b"]), json!(["a", "b"]), "not met")]
#[case("ForAnyValue:StringNotEquals", json!(["a"]), Value::Null, "not met")]
#[case("ForAnyValue:StringEqualsIfExists", json!(["a"]), Value::Null, "met")]
#[case("ForAllValues:StringEqualsIfExists", json!(["a"]), Value::Null, "met")]
// A list without items is "a null dataset".
#[case("ForAnyValue:StringEqualsIfExists", json!(["a"]), json!([]), "met")]
#[case("Null", json!("true"), json!([]), "met")]
#[case("Null", json!("false"), json!([]), "not met")]
#[case("ForAnyValue:StringLike", json!(["a*"]), json!(["b", "ab"]), "met")]
#[case("ForAllValues:ArnLike", json!(["arn:aws:cloudfront::123456789012:distribution/support*"]), json!(["arn:aws:cloudfront::123456789012:distribution/support2025", "arn:aws:cloudfront::123456789012:distribution/admin"]), "not met")]
#[case("ForAllValues:Bool", json!("true"), json!(["true", "false"]), "not met")]
#[case("ForAnyValue:Bool", json!("true"), json!(["true", "false"]), "met")]
#[case("forallvalues:stringequals", json!(["a"]), json!(["a", "a"]), "met")]
// Several values without a set operator: told only where every way of reading it says the same.
#[case("StringEquals", json!("a"), json!(["a", "b"]), "unknown")]
#[case("StringEquals", json!("a"), json!(["c", "b"]), "not met")]
#[case("StringEquals", json!("a"), json!(["a"]), "met")]
#[case("StringNotEquals", json!("a"), json!(["a", "b"]), "unknown")]
#[case("StringNotEquals", json!("a"), json!(["c", "b"]), "met")]
#[case("ForEachValue:StringEquals", json!("a"), json!(["a", "b"]), "unknown")]
#[case("ForAllValues:Null", json!("true"), json!(["a", "b"]), "unknown")]
fn several_values(#[case] operator: &str, #[case] values: Value, #[case] request: Value, #[case] wanted: &str) {
    let context = if request == Value::Null { json!({}) } else { json!({"aws:TagKeys": request}) };
    assert_eq!(meets(&json!({operator: {"aws:TagKeys": values}}), &context), wanted);
}

#[rstest]
#[case("StringEquals", "${aws:PrincipalTag/Team}", json!({"x:k": "a", "aws:PrincipalTag/Team": "a"}), "met")]
#[case("StringEquals", "${aws:PrincipalTag/Team}", json!({"x:k": "a"}), "not met")]
// "Inverted condition operators like StringNotEquals or StringNotLike do match against a null value."
#[case("StringNotEquals", "${aws:PrincipalTag/Team}", json!({"x:k": "a"}), "met")]
#[case("StringNotLike", "${aws:PrincipalTag/Team}*", json!({"x:k": "a"}), "met")]
#[case("ArnNotEquals", "arn:aws:s3:::${aws:PrincipalTag/Team}", json!({"x:k": "arn:aws:s3:::a"}), "met")]
#[case("StringNotEquals", "${aws:PrincipalTag/Team}", json!({}), "met")]
#[case("StringLike", "${aws:PrincipalTag/Team}*", json!({"x:k": "a*b", "aws:PrincipalTag/Team": "a*"}), "met")]
#[case("StringLike", "${aws:PrincipalTag/Team}*", json!({"x:k": "axb", "aws:PrincipalTag/Team": "a*"}), "not met")]
#[case("StringLike", "a${*}c", json!({"x:k": "abc"}), "not met")]
#[case("StringLike", "a${*}c", json!({"x:k": "a*c"}), "met")]
#[case("StringEquals", "a${*}", json!({"x:k": "a*"}), "met")]
#[case("StringNotEquals", "a${*}", json!({"x:k": "a*"}), "not met")]
#[case("StringEqualsIgnoreCase", "A${?}", json!({"x:k": "a?"}), "met")]
#[case("StringEquals", "${$}{x}", json!({"x:k": "${x}"}), "met")]
#[case("StringEquals", "${aws:PrincipalTag/Team, 'a'}", json!({"x:k": "a"}), "met")]
#[case("ArnEquals", "${aws:PrincipalArn}", json!({"x:k": "arn:aws:iam::1:role/a", "aws:PrincipalArn": "arn:aws:iam::1:role/a"}), "met")]
#[case("ArnLike", "arn:aws:s3:::${aws:PrincipalTag/Team}", json!({"x:k": "arn:aws:s3:::ab", "aws:PrincipalTag/Team": "*"}), "not met")]
#[case("StringEquals", "${aws:TagKeys}", json!({"x:k": "a", "aws:TagKeys": ["a", "b"]}), "unknown")]
#[case("StringEquals", "${oops}", json!({"x:k": "a"}), "unknown")]
#[case("StringEquals", "${oops}", json!({}), "not met")]
fn variables_in_conditions(#[case] operator: &str, #[case] value: &str, #[case] context: Value, #[case] wanted: &str) {
    assert_eq!(meets(&json!({operator: {"x:k": value}}), &context), wanted);
}

#[test]
fn all_operators_and_keys_must_be_met() {
    let condition = json!({
        "StringEqualsIgnoreCase": {"aws:RequestTag/environment": ["preprod", "storage"]},
        "ForAnyValue:StringEquals": {"aws:TagKeys": "environment"},
    });
    let tag = "aws:RequestTag/environment";
    for (context, wanted) in [
        (json!({"aws:TagKeys": ["environment"], tag: "preprod"}), "met"),
        (json!({"aws:TagKeys": ["environment", "costcenter"], tag: "PreProd"}), "met"),
        (json!({"aws:TagKeys": ["Environment"], tag: "preprod"}), "not met"),
        (json!({"aws:TagKeys": ["costcenter"], tag: "preprod"}), "not met"),
        (json!({tag: "storage"}), "not met"),
        (json!({"aws:TagKeys": ["environment"]}), "not met"),
        (json!({}), "not met"),
    ] {
        assert_eq!(meets(&condition, &context), wanted, "{context}");
    }
    assert_eq!(meets(&json!({}), &json!({})), "met");
    assert_eq!(meets(&json!({"StringEquals": {}}), &json!({})), "met");
}

#[test]
fn a_tag_in_two_spellings_is_not_guessed() {
    let context = json!({"aws:PrincipalTag/Team": "a", "aws:PrincipalTag/team": "b"});
    assert_eq!(meets(&json!({"StringEquals": {"aws:PrincipalTag/TEAM": "a"}}), &context), "unknown");
    assert_eq!(meets(&json!({"Null": {"aws:PrincipalTag/team": "true"}}), &context), "unknown");
}

// How policies decide together.

fn everything() -> Value {
    json!([allow(&json!({}))])
}

fn nothing_of_s3() -> Value {
    json!([allow(&json!({"Action": "ec2:*"}))])
}

fn resource_allows(principal: &Value) -> Value {
    json!([allow(&json!({"Principal": principal}))])
}

/// The table of the documentation: what a resource's policy grants in the same account where everything else is silent.
#[rstest]
#[case(session(), json!({"AWS": "arn:aws:iam::111122223333:role/app"}), true, IMPLICIT)]
#[case(session(), json!({"AWS": "arn:aws:iam::111122223333:role/app"}), false, ALLOWED)]
#[case(session(), json!({"AWS": "arn:aws:sts::111122223333:assumed-role/app/s1"}), true, ALLOWED)]
#[case(session(), json!({"AWS": "arn:aws:sts::111122223333:assumed-role/app/s2"}), false, IMPLICIT)]
#[case(session(), json!("*"), true, ALLOWED)]
#[case(session(), json!({"AWS": "*"}), true, ALLOWED)]
#[case(session(), json!({"AWS": "arn:aws:iam::111122223333:root"}), false, IMPLICIT)]
#[case(session(), json!({"AWS": "111122223333"}), false, IMPLICIT)]
#[case(session(), json!({"AWS": "arn:aws:iam::111122223333:role/other"}), false, IMPLICIT)]
#[case(session(), json!({"AWS": "arn:aws:iam::444455556666:role/app"}), false, IMPLICIT)]
#[case(session(), json!({"AWS": ["arn:aws:iam::111122223333:role/other", "arn:aws:iam::111122223333:role/app"]}), false, ALLOWED)]
#[case(user(), json!({"AWS": "arn:aws:iam::111122223333:user/ann"}), true, ALLOWED)]
#[case(user(), json!({"AWS": "arn:aws:iam::111122223333:user/Ann"}), false, IMPLICIT)]
#[case(user(), json!({"AWS": "arn:aws:iam::111122223333:root"}), false, IMPLICIT)]
#[case(json!({"type": "User", "arn": "arn:aws:iam::111122223333:root"}), json!({"AWS": "arn:aws:iam::111122223333:root"}), true, ALLOWED)]
#[case(session(), json!({"Service": "s3.amazonaws.com"}), false, IMPLICIT)]
#[case(session(), json!({"Federated": "cognito-identity.amazonaws.com"}), false, IMPLICIT)]
#[case(session(), json!({"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}), false, UNKNOWN)]
#[case(session(), json!({"AWS": "AROAEXAMPLEEXAMPLE12"}), false, UNKNOWN)]
#[case(session(), json!({}), false, IMPLICIT)]
fn a_grant_in_the_same_account(
    #[case] principal: Value,
    #[case] named: Value,
    #[case] limited: bool,
    #[case] wanted: &str,
) {
    let mut case = Case::new().by(principal.clone()).one("resource", resource_allows(&named));
    if limited {
        case = case.one("boundary", nothing_of_s3());
        if principal["type"] == "AssumedRole" {
            case = case.one("session", nothing_of_s3());
        }
    }
    assert_eq!(case.verdict(), wanted);
}

#[rstest]
#[case("boundary")]
#[case("session")]
fn a_limit_limits_identity_policies(#[case] limit: &str) {
    let case = Case::new().identity(everything());
    assert_eq!(case.verdict(), ALLOWED);
    assert_eq!(case.clone().one(limit, everything()).verdict(), ALLOWED);
    let limited = case.clone().one(limit, nothing_of_s3());
    assert_eq!(limited.verdict(), IMPLICIT);
    let denied = case.one(limit, json!([allow(&json!({})), deny(&json!({"Action": "s3:*"}))]));
    assert_eq!(denied.verdict(), EXPLICIT);
    // Nothing that only limits grants anything.
    assert_eq!(Case::new().one(limit, everything()).verdict(), IMPLICIT);
}

/// Carlos of the documentation, whose identity policy denies logs.
#[rstest]
#[case("arn:aws:s3:::carlossalazar-logs/x", EXPLICIT)]
#[case("arn:aws:s3:::carlossalazar/x", ALLOWED)]
#[case("arn:aws:s3:::other/x", IMPLICIT)]
fn carlos(#[case] resource: &str, #[case] wanted: &str) {
    let case = Case::new()
        .by(json!({"type": "User", "arn": "arn:aws:iam::111122223333:user/carlossalazar"}))
        .action("s3:PutObject")
        .of(resource, OWN)
        .identity(json!([
            allow(&json!({"Action": ["s3:GetBucketLocation", "s3:ListAllMyBuckets"], "Resource": "arn:aws:s3:::*"})),
            allow(
                &json!({"Action": "s3:*", "Resource": ["arn:aws:s3:::carlossalazar/*", "arn:aws:s3:::carlossalazar"]})
            ),
            deny(&json!({"Action": "s3:*", "Resource": "arn:aws:s3:::*log*"})),
        ]));
    assert_eq!(case.verdict(), wanted);
}

/// Both accounts must allow.
#[rstest]
#[case(json!({"AWS": "arn:aws:iam::111122223333:role/app"}), true, ALLOWED)]
#[case(json!({"AWS": "arn:aws:iam::111122223333:root"}), true, ALLOWED)]
#[case(json!({"AWS": "arn:aws:sts::111122223333:assumed-role/app/s1"}), true, ALLOWED)]
#[case(json!("*"), true, ALLOWED)]
#[case(json!({"AWS": "arn:aws:iam::111122223333:role/app"}), false, IMPLICIT)]
#[case(json!({"AWS": "arn:aws:sts::111122223333:assumed-role/app/s1"}), false, IMPLICIT)]
#[case(json!({"AWS": "arn:aws:iam::444455556666:role/app"}), true, IMPLICIT)]
fn across_accounts(#[case] named: Value, #[case] identity: bool, #[case] wanted: &str) {
    let mut case = Case::new().of("arn:aws:s3:::shop/app/x", OTHER).one("resource", resource_allows(&named));
    if identity {
        case = case.identity(everything());
    }
    assert_eq!(case.verdict(), wanted);
    // The principal's limits hold, however the resource's policy names it.
    assert_eq!(case.one("session", nothing_of_s3()).verdict(), IMPLICIT);
}

#[test]
fn without_a_resource_policy_nothing_crosses_accounts() {
    let case = Case::new().identity(everything());
    assert_eq!(case.clone().of("arn:aws:s3:::shop/app/x", OTHER).verdict(), IMPLICIT);
    // Of which account a bucket is its ARN does not tell.
    let unknown = case.of("arn:aws:s3:::shop/app/x", "");
    assert_eq!((unknown.verdict().as_str(), unknown.rule().as_deref()), (UNKNOWN, Some("resource-account")));
}

#[rstest]
#[case(json!([[]]), IMPLICIT)]
#[case(json!([]), ALLOWED)]
#[case(Value::Null, ALLOWED)]
#[case(json!([named(json!([allow(&json!({}))]))]), ALLOWED)]
#[case(json!([named(json!([allow(&json!({}))])), named(json!([allow(&json!({"Action": "ec2:*"}))]))]), IMPLICIT)]
#[case(json!([named(json!([allow(&json!({"Action": "ec2:*"}))])), named(json!([allow(&json!({}))]))]), IMPLICIT)]
#[case(json!([named(json!([allow(&json!({}))])), named(json!([allow(&json!({"Action": "s3:Get*"}))]))]), ALLOWED)]
#[case(json!([named(json!([allow(&json!({})), deny(&json!({"Action": "s3:*"}))]))]), EXPLICIT)]
#[case(json!([named(json!([allow(&json!({})), deny(&json!({"NotAction": "s3:*"}))]))]), ALLOWED)]
fn every_level_of_service_control_policies_must_allow(#[case] scps: Value, #[case] wanted: &str) {
    assert_eq!(Case::new().identity(everything()).policy("scps", scps.clone()).verdict(), wanted);
    // They also hold for what the resource's policy grants the session itself.
    let named = json!({"AWS": "arn:aws:sts::111122223333:assumed-role/app/s1"});
    assert_eq!(Case::new().one("resource", resource_allows(&named)).policy("scps", scps.clone()).verdict(), wanted);
    // They don't restrict service-linked roles.
    let linked = json!({
        "type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForX/s",
        "role": "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
    });
    assert_eq!(Case::new().by(linked).identity(everything()).policy("scps", scps).verdict(), ALLOWED);
}

#[rstest]
#[case(json!([]), ALLOWED)]
// RCPFullAWSAccess can't be detached: a level without it passes, too.
#[case(json!([[]]), ALLOWED)]
#[case(json!([named(json!([allow(&json!({"Principal": "*"}))]))]), ALLOWED)]
#[case(json!([named(json!([deny(&json!({"Principal": "*", "Action": "s3:*"}))]))]), EXPLICIT)]
#[case(json!([[], named(json!([deny(&json!({"Principal": "*", "Action": "s3:*"}))]))]), EXPLICIT)]
#[case(json!([named(json!([deny(&json!({"Principal": "*", "Action": "sqs:*"}))]))]), ALLOWED)]
#[case(json!([named(json!([deny(&json!({"Principal": "*", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}))]))]), ALLOWED)]
// What an organization would not take.
#[case(json!([named(json!([deny(&json!({"Principal": "*"}))]))]), UNKNOWN)]
#[case(json!([named(json!([deny(&json!({"Principal": {"AWS": OWN}, "Action": "s3:*"}))]))]), UNKNOWN)]
#[case(json!([named(json!([deny(&json!({"Principal": "*", "NotAction": "sqs:*"}))]))]), UNKNOWN)]
#[case(json!([named(json!([allow(&json!({"Principal": "*", "Action": "sqs:*"}))]))]), ALLOWED)]
fn resource_control_policies_only_deny(#[case] rcps: Value, #[case] wanted: &str) {
    assert_eq!(Case::new().identity(everything()).policy("rcps", rcps).verdict(), wanted);
}

#[rstest]
#[case("kms:RetireGrant", "arn:aws:kms:eu-west-1:111122223333:key/1", ALLOWED)]
#[case("kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:key/1", EXPLICIT)]
#[case("ec2:StartInstances", "arn:aws:ec2:eu-west-1:111122223333:instance/i-1", UNKNOWN)]
fn resource_control_policies_have_their_services(#[case] action: &str, #[case] resource: &str, #[case] wanted: &str) {
    let rcp = deny(&json!({"Principal": "*", "Action": ["kms:*", "ec2:*"]}));
    let case = Case::new()
        .action(action)
        .of(resource, OWN)
        .identity(everything())
        .one("resource", resource_allows(&json!({"AWS": OWN})))
        .policy("rcps", json!([named(json!([rcp]))]));
    assert_eq!(case.verdict(), wanted);
}

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

#[rstest]
#[case(Value::Null, true, IMPLICIT)]
#[case(json!({"AWS": "arn:aws:iam::111122223333:root"}), true, ALLOWED)]
#[case(json!({"AWS": "arn:aws:iam::111122223333:root"}), false, IMPLICIT)]
#[case(json!({"AWS": "arn:aws:iam::111122223333:role/app"}), false, ALLOWED)]
#[case(json!({"AWS": "arn:aws:iam::111122223333:role/other"}), true, IMPLICIT)]
fn keys_need_their_own_policy(#[case] principal: Value, #[case] identity: bool, #[case] wanted: &str) {
    let mut case = Case::new().action("kms:Decrypt").of(KEY, OWN);
    if principal != Value::Null {
        case = case.one("resource", resource_allows(&principal));
    }
    if identity {
        case = case.identity(everything());
    }
    assert_eq!(case.verdict(), wanted);
}

#[test]
fn what_of_kms_has_no_key_needs_no_keys_policy() {
    assert_eq!(Case::new().action("kms:ListKeys").of("*", OWN).identity(everything()).verdict(), ALLOWED);
}

const TARGET: &str = "arn:aws:iam::111122223333:role/target";

#[rstest]
#[case(session(), Value::Null, true, IMPLICIT)]
#[case(session(), json!({"AWS": OWN}), true, ALLOWED)]
#[case(session(), json!({"AWS": OWN}), false, IMPLICIT)]
#[case(session(), json!({"AWS": "arn:aws:iam::111122223333:role/app"}), false, ALLOWED)]
#[case(session(), json!({"Service": "pods.eks.amazonaws.com"}), true, IMPLICIT)]
#[case(service("pods.eks.amazonaws.com"), json!({"Service": "pods.eks.amazonaws.com"}), false, ALLOWED)]
#[case(service("pods.eks.amazonaws.com"), json!({"Service": ["ec2.amazonaws.com", "pods.eks.amazonaws.com"]}), false, ALLOWED)]
#[case(service("ec2.amazonaws.com"), json!({"Service": "pods.eks.amazonaws.com"}), false, IMPLICIT)]
#[case(service("ec2.amazonaws.com"), Value::Null, true, IMPLICIT)]
fn roles_need_their_trust(
    #[case] principal: Value,
    #[case] trusted: Value,
    #[case] identity: bool,
    #[case] wanted: &str,
    #[values("sts:AssumeRole", "sts:TagSession")] action: &str,
) {
    let mut case = Case::new().by(principal).action(action).of(TARGET, OWN);
    if trusted != Value::Null {
        let statement =
            json!({"Effect": "Allow", "Principal": trusted, "Action": ["sts:AssumeRole", "sts:TagSession"]});
        case = case.one("resource", statement);
    }
    if identity {
        case = case.identity(everything());
    }
    assert_eq!(case.verdict(), wanted);
}

/// What EKS Pod Identity asks for, and conditions that tie it to one cluster and namespace.
#[rstest]
#[case(json!({"aws:RequestTag/kubernetes-namespace": "shop", "aws:RequestTag/eks-cluster-arn": "arn:aws:eks:eu-west-1:111122223333:cluster/one"}), ALLOWED)]
#[case(json!({"aws:RequestTag/kubernetes-namespace": "shop", "aws:RequestTag/eks-cluster-arn": "arn:aws:eks:eu-west-1:111122223333:cluster/two"}), IMPLICIT)]
#[case(json!({"aws:RequestTag/kubernetes-namespace": "pay", "aws:RequestTag/eks-cluster-arn": "arn:aws:eks:eu-west-1:111122223333:cluster/one"}), IMPLICIT)]
#[case(json!({}), IMPLICIT)]
fn a_pod_identity_role(#[case] context: Value, #[case] wanted: &str) {
    let statement = json!({
        "Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {
            "StringEquals": {"aws:RequestTag/kubernetes-namespace": "shop"},
            "ArnEquals": {"aws:RequestTag/eks-cluster-arn": "arn:aws:eks:eu-west-1:111122223333:cluster/one"},
        },
    });
    let case = Case::new()
        .by(service("pods.eks.amazonaws.com"))
        .action("sts:AssumeRole")
        .of(TARGET, OWN)
        .one("resource", statement)
        .context(context);
    assert_eq!(case.verdict(), wanted);
}

/// Services are restricted by resource control policies and the resource's own, and by nobody's service control policies.
#[test]
fn services() {
    let case = Case::new().by(service("logging.s3.amazonaws.com")).one("resource", resource_allows(&json!("*")));
    assert_eq!(case.verdict(), ALLOWED);
    let denying = json!([named(json!([deny(&json!({}))]))]);
    assert_eq!(case.clone().policy("scps", denying).verdict(), ALLOWED);
    let rcp = json!([named(json!([deny(&json!({"Principal": "*", "Action": "s3:*"}))]))]);
    assert_eq!(case.clone().policy("rcps", rcp).verdict(), EXPLICIT);
    let doubtful = case.one("resource", resource_allows(&json!({"AWS": "*"})));
    assert_eq!(doubtful.rule().as_deref(), Some("aws-wildcard-and-services"));
}

#[rstest]
#[case(session(), json!({"AWS": ["arn:aws:iam::111122223333:role/app", "arn:aws:iam::111122223333:root"]}), false, ALLOWED)]
#[case(session(), json!({"AWS": ["arn:aws:sts::111122223333:assumed-role/app/s1", "arn:aws:iam::111122223333:role/app", "arn:aws:iam::111122223333:root"]}), false, ALLOWED)]
#[case(session(), json!({"AWS": ["arn:aws:iam::111122223333:role/other", "444455556666"]}), false, EXPLICIT)]
#[case(session(), json!({"AWS": "arn:aws:iam::111122223333:role/app"}), false, UNKNOWN)]
#[case(session(), json!({"AWS": "arn:aws:iam::111122223333:root"}), false, UNKNOWN)]
#[case(session(), json!({"AWS": ["arn:aws:sts::111122223333:assumed-role/app/s1", "111122223333"]}), false, UNKNOWN)]
#[case(user(), json!({"AWS": ["arn:aws:iam::111122223333:user/ann", "arn:aws:iam::111122223333:root"]}), false, ALLOWED)]
#[case(user(), json!({"AWS": "arn:aws:iam::111122223333:user/ann"}), false, UNKNOWN)]
#[case(user(), json!({"AWS": "arn:aws:iam::111122223333:user/bob"}), false, EXPLICIT)]
// "Will always deny any IAM principal that has a permissions boundary policy attached."
#[case(session(), json!({"AWS": ["arn:aws:iam::111122223333:role/app", "arn:aws:iam::111122223333:root"]}), true, EXPLICIT)]
#[case(session(), json!("*"), false, ALLOWED)]
fn not_principal(#[case] principal: Value, #[case] but: Value, #[case] bounded: bool, #[case] wanted: &str) {
    let mut case =
        Case::new().by(principal).identity(everything()).one("resource", json!([deny(&json!({"NotPrincipal": but}))]));
    if bounded {
        case = case.one("boundary", everything());
    }
    assert_eq!(case.verdict(), wanted);
}

#[test]
fn not_principal_with_allow_is_not_supported() {
    let statement = |but: &str| json!([allow(&json!({"NotPrincipal": {"AWS": [but, OWN]}}))]);
    let other = Case::new().one("resource", statement("arn:aws:iam::111122223333:role/other"));
    assert_eq!(other.rule().as_deref(), Some("partial-not-principal"));
    let other = Case::new().one("resource", json!([allow(&json!({"NotPrincipal": {"AWS": OTHER}}))]));
    assert_eq!(other.rule().as_deref(), Some("not-principal-with-allow"));
    let listed = Case::new().one("resource", statement("arn:aws:iam::111122223333:role/app"));
    assert_eq!(listed.verdict(), IMPLICIT, "a principal that it lists is not allowed in any reading");
}

/// A role's path is not in a session's ARN.
#[rstest]
#[case(json!("arn:aws:iam::111122223333:role/team/app"), "arn:aws:iam::111122223333:role/team/app", ALLOWED)]
#[case(json!("arn:aws:iam::111122223333:role/team/app"), "arn:aws:iam::111122223333:role/app", IMPLICIT)]
#[case(Value::Null, "arn:aws:iam::111122223333:role/app", ALLOWED)]
#[case(Value::Null, "arn:aws:iam::111122223333:role/team/app", UNKNOWN)]
#[case(json!("app"), "arn:aws:iam::111122223333:role/team/app", UNKNOWN)]
#[case(Value::Null, "arn:aws:iam::111122223333:role/team/other", IMPLICIT)]
fn paths_of_roles(#[case] role: Value, #[case] named: &str, #[case] wanted: &str) {
    let principal =
        json!({"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/app/s1", "role": role});
    let case = Case::new().by(principal).one("resource", resource_allows(&json!({"AWS": named})));
    assert_eq!(case.verdict(), wanted);
}

#[test]
fn a_session_by_its_role_alone() {
    let principal = json!({"type": "AssumedRole", "arn": "arn:aws:iam::111122223333:role/app"});
    let case = |named: &str| Case::new().by(principal.clone()).one("resource", resource_allows(&json!({"AWS": named})));
    assert_eq!(case("arn:aws:iam::111122223333:role/app").verdict(), ALLOWED);
    assert_eq!(case("arn:aws:sts::111122223333:assumed-role/app/s1").rule().as_deref(), Some("session-name"));
    assert_eq!(case("arn:aws:sts::111122223333:assumed-role/other/s1").verdict(), IMPLICIT);
}

#[test]
fn a_session_policy_of_a_user() {
    let case = Case::new().by(user()).identity(everything());
    assert_eq!(case.clone().one("session", everything()).verdict(), ALLOWED);
    assert_eq!(case.clone().one("session", nothing_of_s3()).rule().as_deref(), Some("session-policy-of-user"));
    assert_eq!(case.one("session", json!([allow(&json!({})), deny(&json!({}))])).verdict(), UNKNOWN);
}

// Three-valued logic.

fn unknown_condition() -> Value {
    json!({"StringStartsWith": {"aws:PrincipalTag/team": "a"}})
}

#[test]
fn an_unknown_matters_only_where_the_answer_depends_on_it() {
    let unknown = unknown_condition();
    let doubtful = allow(&json!({"Condition": unknown}));
    assert_eq!(Case::new().identity(json!([doubtful])).rule().as_deref(), Some("unknown-operator"));
    // Another statement allows it for sure.
    assert_eq!(Case::new().identity(json!([doubtful, allow(&json!({}))])).verdict(), ALLOWED);
    // Another denies it for sure.
    assert_eq!(Case::new().identity(json!([doubtful, deny(&json!({}))])).verdict(), EXPLICIT);
    // Another limit does not allow it for sure.
    assert_eq!(Case::new().identity(json!([doubtful])).one("boundary", nothing_of_s3()).verdict(), IMPLICIT);
    // It is about another action, another resource, or another condition of it is not met.
    for more in [
        json!({"Action": "ec2:*", "Condition": unknown}),
        json!({"Resource": "arn:aws:s3:::pay/*", "Condition": unknown}),
        json!({"Condition": {"StringStartsWith": {"a:b": "a"}, "StringEquals": {"a:c": "a"}}}),
    ] {
        assert_eq!(Case::new().identity(json!([allow(&more)])).verdict(), IMPLICIT, "{more}");
        assert_eq!(Case::new().identity(json!([allow(&json!({})), deny(&more)])).verdict(), ALLOWED, "{more}");
    }
    // A Deny that may apply.
    let denies = deny(&json!({"Condition": unknown}));
    assert_eq!(Case::new().identity(json!([allow(&json!({})), denies])).verdict(), UNKNOWN);
    let denied = Case::new().identity(json!([denies])).answer();
    assert_eq!(denied.verdict, UNKNOWN);
    assert!(denied.because.starts_with("It is denied; whether explicitly cannot be told"), "{}", denied.because);
}

/// What IAM would not take.
#[rstest]
#[case(json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Foo": 1}), "the element \"Foo\" is not known")]
#[case(json!({"Effect": "Allow", "Actions": "*", "Resource": "*"}), "did you mean `Action`?")]
#[case(json!({"Effect": "allow", "Action": "*", "Resource": "*"}), "the Effect \"allow\" is none")]
#[case(json!({"Action": "*", "Resource": "*"}), "Effect is missing")]
#[case(json!({"Effect": "Allow", "Resource": "*"}), "Action is missing")]
#[case(json!({"Effect": "Allow", "Action": "*"}), "Resource is missing")]
#[case(json!({"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}), "Action and NotAction are both here")]
#[case(json!({"Effect": "Allow", "Action": "s3", "Resource": "*"}), "the action \"s3\" is none")]
#[case(json!({"Effect": "Allow", "Action": "s3:Get:Object", "Resource": "*"}), "the action \"s3:Get:Object\" is none")]
#[case(json!({"Effect": "Allow", "Action": 7, "Resource": "*"}), "Action is a number; it must be a text or a list of texts")]
#[case(json!({"Effect": "Allow", "Action": "*", "Resource": "bucket"}), "the resource \"bucket\" is none")]
#[case(json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"}), "Principal has no place in an identity-based policy")]
#[case(json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": []}), "Condition is a list; it must be an object")]
#[case(json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"a:b": null}}}), "Bool of a:b is null")]
#[case(json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Sid": 1}), "Sid is a number; it must be a text")]
#[case(json!("Allow"), "it is a text; it must be an object")]
fn refused_statements(#[case] statement: Value, #[case] says: &str) {
    let answer =
        Case::new().policy("identity", json!([{"name": "p", "document": document(json!([statement]))}])).answer();
    assert_eq!((answer.verdict.as_str(), answer.rule.as_deref()), (UNKNOWN, Some("refused-document")), "{answer:?}");
    assert!(answer.because.contains(says), "{}", answer.because);
    assert!(answer.because.contains("statement 1"), "{}", answer.because);
}

#[rstest]
#[case(json!([]), "the document is a list; it must be an object")]
#[case(json!("{}"), "the document is a text")]
#[case(json!({}), "Statement is missing")]
#[case(json!({"Version": "2012-10-18", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}), "the Version \"2012-10-18\" is none")]
#[case(json!({"version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}), "did you mean `Version`?")]
#[case(json!({"Statement": "Allow"}), "Statement is a text")]
fn refused_documents(#[case] document: Value, #[case] says: &str) {
    let answer = Case::new().policy("identity", json!([{"name": "p", "document": document}])).answer();
    assert_eq!((answer.verdict.as_str(), answer.rule.as_deref()), (UNKNOWN, Some("refused-document")), "{answer:?}");
    assert!(answer.because.contains(says), "{}", answer.because);
}

/// A document that is refused says nothing for sure, and what it could not touch is none of its business.
#[test]
fn a_refused_document_touches_what_it_could() {
    let torn = |effect: &str| {
        json!({"name": "torn", "document": document(json!([
            {"Effect": effect, "Action": "s3:*", "Resource": "*", "Foo": 1},
        ]))})
    };
    let fine = json!({"name": "fine", "document": document(everything())});
    let case = |documents: Value| Case::new().policy("identity", documents);
    assert_eq!(case(json!([fine, torn("Allow")])).verdict(), ALLOWED);
    assert_eq!(case(json!([fine, torn("Deny")])).verdict(), UNKNOWN);
    let sqs =
        |documents: Value| case(documents).action("sqs:SendMessage").of("arn:aws:sqs:eu-west-1:111122223333:q", OWN);
    assert_eq!(sqs(json!([fine, torn("Deny")])).verdict(), ALLOWED);
    assert_eq!(sqs(json!([torn("Allow")])).verdict(), IMPLICIT);
    // A limit that may not be there limits nothing for sure.
    let boundary = document(json!([{"Effect": "Allow", "Action": "ec2:*", "Resource": "*", "Foo": 1}]));
    assert_eq!(case(json!([fine])).policy("boundary", boundary).verdict(), UNKNOWN);
}

#[rstest]
#[case(json!({"AWS": "arn:aws:iam::111122223333:role/app-*"}), "has a wildcard")]
#[case(json!({"Service": "*"}), "the principal \"*\" is none")]
#[case(json!("arn:aws:iam::111122223333:role/app"), "is none")]
#[case(json!({"Aws": "*"}), "did you mean `AWS`?")]
#[case(json!([]), "Principal is a list; it must be an object")]
fn refused_principals(#[case] principal: Value, #[case] says: &str) {
    let answer = Case::new().one("resource", resource_allows(&principal)).answer();
    assert_eq!(answer.verdict, UNKNOWN, "{answer:?}");
    assert!(answer.because.contains(says), "{}", answer.because);
}

#[test]
fn trust_policies_have_no_resource_and_no_not_principal() {
    let trust = |more: Value| {
        let mut statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole"});
        statement.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Case::new().action("sts:AssumeRole").of(TARGET, OWN).one("resource", statement).answer().because
    };
    let said = trust(json!({"Principal": {"AWS": "arn:aws:iam::111122223333:role/app"}, "Resource": "*"}));
    assert!(said.contains("Resource has no place in a role's trust policy"), "{said}");
    let said = trust(json!({"NotPrincipal": {"AWS": "arn:aws:iam::444455556666:role/x"}}));
    assert!(said.contains("NotPrincipal has no place in a role's trust policy"), "{said}");
}

#[test]
fn incomplete_arns_elsewhere() {
    let short = allow(&json!({"Principal": "*", "Resource": "arn:aws:s3"}));
    assert_eq!(Case::new().one("resource", json!([short])).rule().as_deref(), Some("incomplete-arn"));
    // A star that ends it reaches as far as it is, without being completed.
    let star = allow(&json!({"Principal": "*", "Resource": "arn:aws:s3:*"}));
    assert_eq!(Case::new().one("resource", json!([star])).verdict(), ALLOWED);
    let session = Case::new().identity(everything()).one("session", json!([allow(&json!({"Resource": "arn:aws:s3"}))]));
    assert_eq!(session.rule().as_deref(), Some("refused-document"));
}

/// The reasons, one of each kind.
#[test]
fn every_reason_is_a_sentence() {
    let sid = |mut statement: Value, sid: &str| {
        statement["Sid"] = json!(sid);
        statement
    };
    let cross = |case: Case| case.of("arn:aws:s3:::shop/app/x", OTHER);
    let role = json!({"AWS": "arn:aws:iam::111122223333:role/app"});
    let scps = json!([named(everything()), named(nothing_of_s3())]);
    let trust = |case: Case| case.action("sts:AssumeRole").of(TARGET, OWN);
    let root = json!({"type": "User", "arn": "arn:aws:iam::111122223333:root"});
    let cases = [
        Case::new().identity(json!([sid(allow(&json!({})), "Everything")])),
        Case::new().one("resource", json!([sid(allow(&json!({"Principal": role})), "App")])),
        cross(Case::new().identity(everything())).one("resource", resource_allows(&role)),
        Case::new()
            .action("kms:Decrypt")
            .of(KEY, OWN)
            .identity(everything())
            .one("resource", resource_allows(&json!({"AWS": OWN}))),
        Case::new().by(root),
        Case::new().identity(json!([allow(&json!({})), sid(deny(&json!({"Action": "s3:*"})), "NoS3")])),
        Case::new().policy("scps", json!([named(json!([deny(&json!({}))]))])),
        Case::new().policy("rcps", json!([[], named(json!([deny(&json!({"Principal": "*", "Action": "s3:*"}))]))])),
        Case::new().one("resource", json!([deny(&json!({"Principal": "*"}))])),
        Case::new(),
        Case::new().identity(everything()).one("boundary", nothing_of_s3()),
        Case::new().identity(everything()).one("boundary", nothing_of_s3()).one("session", nothing_of_s3()),
        Case::new().identity(everything()).policy("scps", scps),
        cross(Case::new()),
        cross(Case::new().identity(everything())),
        trust(Case::new().identity(everything())),
        trust(Case::new())
            .one("resource", json!({"Effect": "Allow", "Principal": {"AWS": OWN}, "Action": "sts:AssumeRole"})),
        Case::new().action("kms:Decrypt").of(KEY, OWN).identity(everything()),
        Case::new().by(service("s3.amazonaws.com")),
        Case::new().identity(json!([sid(allow(&json!({"Condition": unknown_condition()})), "Maybe")])),
        Case::new().identity(json!([deny(&json!({"Condition": unknown_condition()}))])),
        Case::new().identity(everything()).of("arn:aws:s3:::shop/app/x", ""),
        Case::new().identity(everything()).policy("boundary", json!({"Statement": {"Effect": "Allow"}})),
    ];
    let said: Vec<String> = cases
        .iter()
        .map(|case| {
            let answer = case.answer();
            format!("{}: {}", answer.verdict, answer.because)
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}
