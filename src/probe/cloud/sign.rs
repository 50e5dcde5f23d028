//! Signature Version 4 (AWS Signature Version 4 for API requests, IAM User Guide), in headers and in a query.

use std::collections::BTreeMap;

use http::HeaderValue;
use zeroize::Zeroizing;

use super::calendar::Moment;
use super::encode;
use super::secret::{Keys, Secret};
use crate::probe::digest::{hex, hmac, sha256};

/// The only algorithm that is used.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// What stands for the digest of a body that a presigned request does not fix.
pub(super) const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// For what a signature is good.
pub(super) struct Scope<'a> {
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    pub(super) at: Moment,
}

/// A request as it is signed.
pub(super) struct Draft<'a> {
    pub(super) method: &'a str,
    /// The path as it is sent, encoded once. Services but S3 want it encoded once more; their only path here is `/`.
    pub(super) path: &'a str,
    /// The pairs of the query, not encoded.
    pub(super) query: Vec<(&'a str, &'a str)>,
    /// All headers that are signed: their names in lower case, and their values.
    pub(super) headers: Vec<(&'a str, &'a str)>,
    /// The digest of the body, or [`UNSIGNED_PAYLOAD`].
    pub(super) payload: &'a str,
}

impl Scope<'_> {
    fn day(&self) -> String {
        self.at.compact().chars().take(8).collect()
    }

    fn name(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.day(), self.region, self.service)
    }

    fn signature(&self, keys: &Keys, canonical: &str) -> String {
        let text = format!("{ALGORITHM}\n{}\n{}\n{}", self.at.compact(), self.name(), sha256(canonical.as_bytes()));
        let secret = Zeroizing::new(format!("AWS4{}", keys.secret.expose()));
        let key = [self.day().as_str(), self.region, self.service, "aws4_request"]
            .into_iter()
            .fold(Zeroizing::new(secret.as_bytes().to_vec()), |key, part| {
                Zeroizing::new(hmac(&key, part.as_bytes()).to_vec())
            });
        hex(&hmac(&key, text.as_bytes()))
    }
}

impl Draft<'_> {
    /// The `Authorization` header; `None` for keys that can't stand in one. The headers must have `x-amz-date` in them
    /// already, and `x-amz-security-token` where the keys are of a session.
    pub(super) fn authorization(&self, keys: &Keys, scope: &Scope<'_>) -> Option<HeaderValue> {
        let headers = self.merged();
        let signature = scope.signature(keys, &self.canonical(&canonical_query(&self.query), &headers));
        let names = names(&headers);
        let credential = format!("{}/{}", keys.id.expose(), scope.name());
        Secret::new(format!("{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"))
            .header()
    }

    /// The query with the signature in it, good for `expires` seconds from the scope's moment.
    pub(super) fn presigned(&self, keys: &Keys, scope: &Scope<'_>, expires: u32) -> Secret {
        let headers = self.merged();
        let (at, expires, names) = (scope.at.compact(), expires.to_string(), names(&headers));
        let credential = Zeroizing::new(format!("{}/{}", keys.id.expose(), scope.name()));
        let mut query = self.query.clone();
        query.extend([
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", credential.as_str()),
            ("X-Amz-Date", at.as_str()),
            ("X-Amz-Expires", expires.as_str()),
            ("X-Amz-SignedHeaders", names.as_str()),
        ]);
        query.extend(keys.session.as_ref().map(|token| ("X-Amz-Security-Token", token.expose())));
        let query = Zeroizing::new(canonical_query(&query));
        let signature = scope.signature(keys, &self.canonical(&query, &headers));
        Secret::new(format!("{}&X-Amz-Signature={signature}", query.as_str()))
    }

    /// Headers in the order of their names, the values of one name joined.
    fn merged(&self) -> BTreeMap<&str, String> {
        let mut merged: BTreeMap<&str, String> = BTreeMap::new();
        for (name, value) in &self.headers {
            let words: Vec<&str> = value.split(' ').filter(|word| !word.is_empty()).collect();
            let place = merged.entry(name).or_default();
            if !place.is_empty() {
                place.push(',');
            }
            place.push_str(&words.join(" "));
        }
        merged
    }

    fn canonical(&self, query: &str, headers: &BTreeMap<&str, String>) -> Zeroizing<String> {
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        Zeroizing::new(format!(
            "{}\n{}\n{query}\n{lines}\n{}\n{}",
            self.method,
            self.path,
            names(headers),
            self.payload
        ))
    }
}

fn names(headers: &BTreeMap<&str, String>) -> String {
    headers.keys().copied().collect::<Vec<_>>().join(";")
}

/// Pairs encoded, and in the order of what they are then.
pub(super) fn canonical_query(pairs: &[(&str, &str)]) -> String {
    let mut encoded: Vec<(String, String)> =
        pairs.iter().map(|(name, value)| (encode::part(name), encode::part(value))).collect();
    encoded.sort();
    let pairs: Vec<String> = encoded.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn keys(id: &str, secret: &str, session: Option<&str>) -> Keys {
        let secret_of = |text: &str| Secret::new(text.to_owned());
        Keys { id: secret_of(id), secret: secret_of(secret), session: session.map(secret_of) }
    }

    fn suites(session: Option<&str>) -> Keys {
        keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", session)
    }

    fn signature(header: &HeaderValue) -> &str {
        header.to_str().unwrap().rsplit_once("Signature=").unwrap().1
    }

    /// AWS' Signature Version 4 test suite: the cases that concern what a probe sends (paths are encoded once, as S3
    /// wants it), each in a header and in a query.
    #[rstest]
    #[case::vanilla("GET", "/", &[], &[],
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d")]
    #[case::query_order("GET", "/", &[("Param2", "value2"), ("Param1", "value1")], &[],
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        "86012e2c9ad4d77369f5d81c11f75158aae4f895a085212cc6d3f923d300bed5")]
    #[case::query_order_encoded("GET", "/", &[("Param-3", "Value3"), ("Param", "Value2"), ("ሴ", "Value1")], &[],
        "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        "c5f1848ceec943ac2ca68ee720460c23aaae30a2300586597ada94c4a65e4787")]
    #[case::utf8_query("GET", "/", &[("ሴ", "bar")], &[],
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
        "0bdd809b1519ac4f0c1dc3540e2cc46bd0c7f778eda408b2ebf3b913d21ff600")]
    #[case::unreserved_query("GET", "/", &[(
            "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")], &[],
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
        "8e76a88a7433637b12778d5592799b29ad21ecd6cf6325051c21d86f0acda2bf")]
    #[case::header_value_order("GET", "/", &[],
        &[("my-header1", "value4"), ("my-header1", "value1"), ("my-header1", "value3"), ("my-header1", "value2")],
        "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
        "313720e71ca6202fdcfa9b20f88de01a4eb0638a83c833b1c184359a4eda864e")]
    #[case::header_value_trim("GET", "/", &[], &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")],
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        "e7bb0fd515e125e1aec2ecc4c0c17484fb06f6846b927c35e46005dd3df3acd4")]
    #[case::utf8_path("GET", "/ሴ", &[], &[],
        "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
        "10eae3f14a260bd3911cc6d008d3c576d143b05b62f09782a7a4b37f52178e44")]
    #[case::space_in_path("GET", "/example space/", &[], &[],
        "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
        "7a1f416954786484c9824d93c1f26ef64acb9b1b6c9154d08c9f07d0e394abf6")]
    #[case::slashes_stay("GET", "//", &[], &[],
        "c88bcd3d312d75078c0cd961d6deae3f4c754924b01669efcfcb439fd5e5b76e",
        "b2a9542809db687769200f56a844a03f2bd0291d6eb90232d5101c6a579446cd")]
    #[case::post("POST", "/", &[], &[],
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        "2ce6e6d2e0cf2f9d1b55fafec88cd20574c31dc2e7631979f71ba2310083e95b")]
    fn the_test_suite_is_met(
        #[case] method: &str,
        #[case] path: &str,
        #[case] query: &[(&str, &str)],
        #[case] headers: &[(&str, &str)],
        #[case] by_header: &str,
        #[case] by_query: &str,
    ) {
        let at = Moment::from_rfc3339("2015-08-30T12:36:00Z").unwrap();
        let scope = Scope { region: "us-east-1", service: "service", at };
        let path = encode::path(path);
        let mut headers = headers.to_vec();
        headers.push(("host", "example.amazonaws.com"));
        let mut draft = Draft { method, path: &path, query: query.to_vec(), headers, payload: EMPTY };
        let query = draft.presigned(&suites(None), &scope, 3600);
        assert_eq!(query.expose().rsplit_once("&X-Amz-Signature=").unwrap().1, by_query);
        draft.headers.push(("x-amz-date", "20150830T123600Z"));
        assert_eq!(signature(&draft.authorization(&suites(None), &scope).unwrap()), by_header);
    }

    /// The test suite's session token, which is signed as a header or as a part of the query.
    #[test]
    fn a_session_token_is_signed() {
        let token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
        let at = Moment::from_rfc3339("2015-08-30T12:36:00Z").unwrap();
        let scope = Scope { region: "us-east-1", service: "service", at };
        let headers = vec![("host", "example.amazonaws.com")];
        let mut draft = Draft { method: "GET", path: "/", query: vec![], headers, payload: EMPTY };
        let query = draft.presigned(&suites(Some(token)), &scope, 3600);
        let by_query = "7ff2b50b376cb4d151970630573d6291dc128cc5c2a12ffb237f73cc53f67b6c";
        assert_eq!(query.expose().rsplit_once("&X-Amz-Signature=").unwrap().1, by_query);
        draft.headers.extend([("x-amz-date", "20150830T123600Z"), ("x-amz-security-token", token)]);
        let by_header = "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8";
        assert_eq!(signature(&draft.authorization(&suites(Some(token)), &scope).unwrap()), by_header);
    }

    /// The examples in "Signature Calculations for the Authorization Header" and "Authenticating Requests: Using Query
    /// Parameters" of the S3 API reference.
    #[rstest]
    #[case::get_object("GET", "/test.txt", &[], &[("range", "bytes=0-9"), ("x-amz-content-sha256", EMPTY)], EMPTY,
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")]
    #[case::put_object("PUT", "/test$file.text", &[], &[
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            ("x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
        "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")]
    #[case::list_objects("GET", "/", &[("max-keys", "2"), ("prefix", "J")], &[("x-amz-content-sha256", EMPTY)], EMPTY,
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")]
    fn the_examples_of_s3_are_met(
        #[case] method: &str,
        #[case] path: &str,
        #[case] query: &[(&str, &str)],
        #[case] headers: &[(&str, &str)],
        #[case] payload: &str,
        #[case] expected: &str,
    ) {
        let at = Moment::from_rfc3339("2013-05-24T00:00:00Z").unwrap();
        let scope = Scope { region: "us-east-1", service: "s3", at };
        let path = encode::path(path);
        let mut headers = headers.to_vec();
        headers.extend([("host", "examplebucket.s3.amazonaws.com"), ("x-amz-date", "20130524T000000Z")]);
        let draft = Draft { method, path: &path, query: query.to_vec(), headers, payload };
        let keys = keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None);
        assert_eq!(signature(&draft.authorization(&keys, &scope).unwrap()), expected);
    }

    #[test]
    fn the_presigned_example_of_s3_is_met() {
        let at = Moment::from_rfc3339("2013-05-24T00:00:00Z").unwrap();
        let scope = Scope { region: "us-east-1", service: "s3", at };
        let headers = vec![("host", "examplebucket.s3.amazonaws.com")];
        let draft = Draft { method: "GET", path: "/test.txt", query: vec![], headers, payload: UNSIGNED_PAYLOAD };
        let keys = keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None);
        assert_eq!(
            draft.presigned(&keys, &scope, 86_400).expose(),
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
             &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
             &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
    }
}
