//! What a probe carries out, and what it never does.

use std::collections::BTreeSet;

use serde_json::Value;

use super::VERSION;
use super::order::{Call, Cloud, Deed, Manner, Service};

/// No more calls are under way at a time, whatever an order asks for.
const AT_ONCE_MAX: u8 = 64;
/// No call is made more often.
const ATTEMPTS_MAX: u8 = 8;
/// The longest key of an object in bytes, as S3 has it.
const KEY_MAX: usize = 1024;
/// The least length of a marker's prefix: what it covers must be the run's own.
const MARKER_MIN: usize = 8;
/// The longest validity of a presigned request in seconds: seven days.
const EXPIRES_MAX: u32 = 604_800;

impl Cloud {
    /// Why these orders can't be carried out, if so.
    ///
    /// Besides what makes no sense, this holds what a probe never does: write or delete outside the marker's prefix;
    /// generate a data key but as a dry run; write an item but under a condition that no item can meet.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        if self.version != VERSION {
            return Some(format!("cloud calls of version {} are asked for; this probe knows {VERSION}", self.version));
        }
        if self.timeout_ms == 0 {
            return Some("`timeout_ms` is 0, with which every call would be a timeout".to_owned());
        }
        if !(1..=ATTEMPTS_MAX).contains(&self.attempts) {
            return Some(format!("`attempts` is {}, expected 1 to {ATTEMPTS_MAX}", self.attempts));
        }
        if !(1..=AT_ONCE_MAX).contains(&self.at_once) {
            return Some(format!("`at_once` is {}, expected 1 to {AT_ONCE_MAX}", self.at_once));
        }
        if let Some(marker) = &self.marker
            && (marker.len() < MARKER_MIN || !marker.ends_with('/') || marker.contains("//") || marker.starts_with('/'))
        {
            return Some(format!(
                "the marker `{marker}` is not a prefix of at least {MARKER_MIN} characters up to a slash"
            ));
        }
        if let Some(fault) = self.region.as_deref().and_then(region_fault) {
            return Some(fault);
        }
        let mut sources = BTreeSet::new();
        if let Some(twice) = self.sources.iter().find(|source| !sources.insert(source.id)) {
            return Some(format!("two sources have the id {}", twice.id));
        }
        let calls = || self.series.iter().flatten();
        let mut ids = BTreeSet::new();
        if let Some(twice) = calls().find(|call| !ids.insert(call.id)) {
            return Some(format!("two calls have the id {}", twice.id));
        }
        calls().find_map(|call| {
            let fault = match call.source {
                Some(source) if !sources.contains(&source) => Some(format!("there is no source {source}")),
                _ => call.fault(self.marker.as_deref()),
            };
            fault.map(|fault| format!("call {}: {fault}", call.id))
        })
    }
}

impl Call {
    fn fault(&self, marker: Option<&str>) -> Option<String> {
        if let Manner::Presigned { expires_s, .. } = self.manner {
            if !(1..=EXPIRES_MAX).contains(&expires_s) {
                return Some(format!("it would be valid for {expires_s} s, expected 1 to {EXPIRES_MAX}"));
            }
            if !matches!(self.deed, Deed::List { .. } | Deed::Get { .. } | Deed::Put { .. } | Deed::Delete { .. }) {
                return Some("only single requests to S3 are presigned".to_owned());
            }
        }
        if let Some(fault) = self.region.as_deref().and_then(region_fault) {
            return Some(fault);
        }
        if !self.manner.is_plain() && self.source.is_none() {
            return Some("nobody's credentials sign nothing".to_owned());
        }
        match &self.deed {
            Deed::CallerIdentity => None,
            Deed::List { bucket, .. } => bucket_fault(bucket),
            Deed::Get { bucket, key } => bucket_fault(bucket).or_else(|| key_fault(key)),
            Deed::Put { bucket, key, .. } | Deed::Delete { bucket, key } | Deed::Multipart { bucket, key, .. } => {
                let fault = bucket_fault(bucket).or_else(|| key_fault(key));
                let is_marker = marker.is_some_and(|marker| key.len() > marker.len() && key.starts_with(marker));
                fault
                    .or_else(|| (!is_marker).then(|| format!("the key `{key}` does not begin with the order's marker")))
            }
            Deed::Json { service, operation, body } => service.fault(operation, body),
        }
    }
}

impl Service {
    fn fault(self, operation: &str, body: &Value) -> Option<String> {
        if !body.is_object() {
            return Some("its body is no object".to_owned());
        }
        match (self, operation) {
            (Self::Kms, "Decrypt") | (Self::Dynamodb, "GetItem" | "Query") => None,
            (Self::Kms, "GenerateDataKey") => {
                let is_dry = body.get("DryRun").and_then(Value::as_bool) == Some(true);
                (!is_dry).then(|| "data keys are generated with `DryRun` alone".to_owned())
            }
            (Self::Dynamodb, "PutItem") => {
                let condition = body.get("ConditionExpression").and_then(Value::as_str).unwrap_or_default();
                (!is_never_met(condition)).then(|| {
                    let never = "attribute_exists(K) AND attribute_not_exists(K)";
                    format!("items are written with a `ConditionExpression` of `{never}` alone, which none meets")
                })
            }
            _ => Some(format!("`{operation}` is not among the operations that a probe makes")),
        }
    }
}

/// Whether no item can meet a condition: a key is both there and not. Authorization comes before it.
fn is_never_met(condition: &str) -> bool {
    let named = condition.strip_prefix("attribute_exists(").and_then(|rest| rest.split_once(") AND "));
    named.is_some_and(|(name, rest)| {
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || "#_-.".contains(letter);
        !name.is_empty() && name.chars().all(is_name) && rest == format!("attribute_not_exists({name})")
    })
}

/// Bucket names of all ages; what is none of them would become another path or host.
fn bucket_fault(bucket: &str) -> Option<String> {
    let is_name = (3..=255).contains(&bucket.len())
        && bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
        && !bucket.starts_with('.')
        && !bucket.contains("..");
    (!is_name).then(|| format!("`{bucket}` is not the name of a bucket"))
}

/// A region becomes part of a host's name, so nothing else may pass.
pub(in crate::probe) fn is_region(text: &str) -> bool {
    (2..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
}

fn region_fault(region: &str) -> Option<String> {
    (!is_region(region)).then(|| format!("`{region}` is no region"))
}

fn key_fault(key: &str) -> Option<String> {
    // Clients and servers on the way take dots and empty parts of a path away, each in its own manner.
    let is_plain = !key.starts_with('/') && !key.split('/').any(|part| matches!(part, "." | ".."));
    let fits = (1..=KEY_MAX).contains(&key.len()) && is_plain;
    (!fits).then(|| format!("`{key}` is no key of 1 to {KEY_MAX} bytes without `.` and `..`"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn order(call: &Value) -> Value {
        json!({
            "version": 1, "timeout_ms": 2000, "attempts": 3, "at_once": 8, "marker": "tenantproof/r1/",
            "sources": [{"i": 1, "o": "chain"}], "series": [[call]],
        })
    }

    fn fault(order: Value) -> Option<String> {
        serde_json::from_value::<Cloud>(order).unwrap().fault()
    }

    #[rstest]
    #[case(json!({"i": 1, "s": 1, "d": "caller-identity"}))]
    #[case(json!({"i": 1, "d": {"list": {"bucket": "tenant-1", "prefix": ""}}}))]
    #[case(json!({"i": 1, "s": 1, "r": "eu-west-1", "d": {"get": {"bucket": "Old_Bucket.1", "key": "a b/ü"}}}))]
    #[case(json!({"i": 1, "s": 1, "m": {"presigned": {"expires_s": 60, "back_s": 900}},
        "d": {"put": {"bucket": "tenant-1", "key": "tenantproof/r1/x", "encryption": {"kms": "k"}}}}))]
    #[case(json!({"i": 1, "s": 1, "d": {"multipart": {"bucket": "tenant-1", "key": "tenantproof/r1/x", "end": "abort"}}}))]
    #[case(json!({"i": 1, "s": 1, "d": {"json": {"service": "kms", "operation": "GenerateDataKey",
        "body": {"KeyId": "k", "DryRun": true}}}}))]
    #[case(json!({"i": 1, "s": 1, "d": {"json": {"service": "dynamodb", "operation": "PutItem",
        "body": {"TableName": "t", "Item": {}, "ConditionExpression": "attribute_exists(k) AND attribute_not_exists(k)"}}}}))]
    fn what_is_harmless_is_carried_out(#[case] call: Value) {
        assert_eq!(fault(order(&call)), None);
    }

    #[rstest]
    #[case::nobodys(json!({"i": 1, "s": 2, "d": "caller-identity"}), "there is no source 2")]
    #[case::a_path(json!({"i": 1, "d": {"list": {"bucket": "a/b/c", "prefix": ""}}}), "`a/b/c` is not the name of a bucket")]
    #[case::a_tenants_object(
        json!({"i": 1, "s": 1, "d": {"delete": {"bucket": "tenant-1", "key": "invoices/1"}}}),
        "does not begin with the order's marker"
    )]
    #[case::the_prefix_itself(
        json!({"i": 1, "s": 1, "d": {"put": {"bucket": "tenant-1", "key": "tenantproof/r1/"}}}),
        "does not begin with the order's marker"
    )]
    #[case::a_way_out(
        json!({"i": 1, "s": 1, "d": {"delete": {"bucket": "tenant-1", "key": "tenantproof/r1/../../invoices"}}}),
        "without `.` and `..`"
    )]
    #[case::a_real_key(
        json!({"i": 1, "s": 1, "d": {"json": {"service": "kms", "operation": "GenerateDataKey", "body": {}}}}),
        "`DryRun` alone"
    )]
    #[case::a_written_item(
        json!({"i": 1, "s": 1, "d": {"json": {"service": "dynamodb", "operation": "PutItem", "body": {}}}}),
        "which none meets"
    )]
    #[case::an_item_where_none_is(
        json!({"i": 1, "s": 1, "d": {"json": {"service": "dynamodb", "operation": "PutItem",
            "body": {"ConditionExpression": "attribute_not_exists(k)"}}}}),
        "which none meets"
    )]
    #[case::an_item_where_another_is_not(
        json!({"i": 1, "s": 1, "d": {"json": {"service": "dynamodb", "operation": "PutItem",
            "body": {"ConditionExpression": "attribute_exists(k) AND attribute_not_exists(l)"}}}}),
        "which none meets"
    )]
    #[case::another_operation(
        json!({"i": 1, "s": 1, "d": {"json": {"service": "kms", "operation": "ScheduleKeyDeletion", "body": {}}}}),
        "`ScheduleKeyDeletion` is not among the operations"
    )]
    #[case::a_link_to_many(
        json!({"i": 1, "s": 1, "m": {"presigned": {"expires_s": 9, "back_s": 0}}, "d": "caller-identity"}),
        "only single requests to S3"
    )]
    #[case::unsigned_and_signed(
        json!({"i": 1, "m": {"dated": {"back_s": 9}}, "d": "caller-identity"}),
        "nobody's credentials"
    )]
    fn what_would_harm_or_prove_nothing_is_refused(#[case] call: Value, #[case] reason: &str) {
        let fault = fault(order(&call)).unwrap();
        assert!(fault.starts_with("call 1: ") && fault.contains(reason), "{fault}");
    }

    #[rstest]
    #[case("version", json!(2), "this probe knows 1")]
    #[case("timeout_ms", json!(0), "`timeout_ms` is 0")]
    #[case("attempts", json!(0), "`attempts` is 0")]
    #[case("at_once", json!(65), "`at_once` is 65")]
    #[case("region", json!("eu-west-1.evil.example"), "`eu-west-1.evil.example` is no region")]
    #[case("marker", json!("a/"), "the marker `a/`")]
    #[case("marker", json!("tenantproof-r1"), "the marker")]
    #[case("sources", json!([{"i": 1, "o": "chain"}, {"i": 1, "o": "environment"}]), "two sources have the id 1")]
    #[case("series", json!([[{"i": 1, "d": "caller-identity"}], [{"i": 1, "d": "caller-identity"}]]), "two calls have the id 1")]
    fn an_order_as_a_whole_is_held(#[case] field: &str, #[case] value: Value, #[case] reason: &str) {
        let mut order = order(&json!({"i": 1, "s": 1, "d": "caller-identity"}));
        order[field] = value;
        let fault = fault(order).unwrap();
        assert!(fault.contains(reason), "{fault}");
    }

    /// What a later runner asks for and this probe does not know must not be left out in silence.
    #[test]
    fn what_it_does_not_know_it_does_not_leave_out() {
        let mut order = order(&json!({"i": 1, "s": 1, "d": "caller-identity", "new": true}));
        assert!(serde_json::from_value::<Cloud>(order.clone()).is_err());
        order["series"] = json!([]);
        order["new"] = json!(1);
        assert!(serde_json::from_value::<Cloud>(order).is_err());
    }
}
