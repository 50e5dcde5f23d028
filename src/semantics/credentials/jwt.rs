//! JSON web tokens (RFC 7519): whose, and until when.

use serde::Deserialize;

use super::base64;
use super::kind::{CredentialKind, Lasting};

/// A token that lives no longer than this is temporary: a day, in seconds.
pub(super) const A_DAY: i64 = 24 * 60 * 60;

/// What a token says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: CredentialKind,
    pub(super) lasting: Lasting,
    /// When it ends, in seconds since 1970.
    pub(super) expires: Option<i64>,
}

#[derive(Deserialize)]
struct Header {
    #[allow(dead_code, reason = "a header without it is none")]
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    sub: String,
    exp: Option<f64>,
    iat: Option<f64>,
    nbf: Option<f64>,
}

/// What this text says, if it is a token.
pub(super) fn read(text: &str) -> Option<Token> {
    let mut parts = text.split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || signature.is_empty() {
        return None;
    }
    let _: Header = serde_json::from_slice(&base64::decode(header)?).ok()?;
    let claims: Claims = serde_json::from_slice(&base64::decode(claims)?).ok()?;
    let kind = if claims.sub.starts_with("system:serviceaccount:") {
        CredentialKind::ServiceAccountToken
    } else {
        CredentialKind::JsonWebToken
    };
    // Without a begin it can't be told for how long it was made, and there is no clock here to ask.
    let lasting = match (claims.exp, claims.iat.or(claims.nbf)) {
        (Some(end), Some(begin)) if seconds(end) - seconds(begin) <= A_DAY => Lasting::Temporary,
        _ => Lasting::LongLived,
    };
    Some(Token { kind, lasting, expires: claims.exp.map(seconds) })
}

#[allow(clippy::cast_possible_truncation, reason = "a float becomes the nearest integer that there is")]
const fn seconds(date: f64) -> i64 {
    // Half of what fits, so that a difference of two always fits.
    let most = i64::MAX / 2;
    let date = date as i64;
    if date > most {
        most
    } else if date < -most {
        -most
    } else {
        date
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn token(claims: &str) -> String {
        let part = |text: &str| base64::encode(text.as_bytes()).trim_end_matches('=').to_owned();
        format!("{}.{}.{}", part(r#"{"alg":"RS256"}"#), part(claims), part("signature"))
    }

    #[rstest]
    #[case(r#"{"sub":"system:serviceaccount:a:b"}"#, CredentialKind::ServiceAccountToken, Lasting::LongLived, None)]
    #[case(
        r#"{"sub":"system:serviceaccount:a:b","iat":1000,"exp":4607}"#,
        CredentialKind::ServiceAccountToken,
        Lasting::Temporary,
        Some(4607)
    )]
    #[case(r#"{"sub":"x","iat":0,"exp":86401}"#, CredentialKind::JsonWebToken, Lasting::LongLived, Some(86401))]
    #[case(r#"{"exp":86401}"#, CredentialKind::JsonWebToken, Lasting::LongLived, Some(86401))]
    #[case(r#"{"iat":-1e300,"exp":1e300}"#, CredentialKind::JsonWebToken, Lasting::LongLived, Some(i64::MAX / 2))]
    fn a_token_says_whose_it_is_and_until_when(
        #[case] claims: &str,
        #[case] kind: CredentialKind,
        #[case] lasting: Lasting,
        #[case] expires: Option<i64>,
    ) {
        assert_eq!(read(&token(claims)), Some(Token { kind, lasting, expires }));
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for text in ["a.b.c", "example.com.", "1.2.3", "eyJhbGciOiJub25lIn0.e30.", "a.b"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
