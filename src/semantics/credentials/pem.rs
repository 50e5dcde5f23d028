//! Private keys in PEM (RFC 7468), whole or on one line with `\n` written out.

use super::fingerprint::Value;

/// A body that is shorter is no key: the shortest one, Ed25519, has 64 characters.
const SHORTEST: usize = 48;

/// The private keys in a text, each as its body alone, so that the same key is the same value however its
/// lines are broken.
pub(super) fn private_keys(text: &str) -> Vec<Value<'static>> {
    bodies(text).into_iter().map(Value::owned).collect()
}

fn bodies(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        rest = after;
        let Some((label, after)) = after.split_once("-----") else { break };
        let private = label.len() <= 64 && label.trim_end_matches(" BLOCK").ends_with("PRIVATE KEY");
        if !private {
            continue;
        }
        let body = after.split_once("-----END").map_or(after, |(body, _)| body);
        let body: String = body
            .replace("\\n", "")
            .replace("\\r", "")
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='))
            .collect();
        if body.len() >= SHORTEST {
            found.push(body);
        }
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::bodies;

    fn block(label: &str, body: &str) -> String {
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    }

    #[test]
    fn only_private_keys_count_however_their_lines_are_broken() {
        let body = "QUJD".repeat(20);
        for label in
            ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY"]
        {
            let (text, other) = (block(label, &body), block(label, &body).replace('\n', "\\n"));
            assert_eq!(bodies(&text), [body.as_str()], "{label}");
            assert_eq!(bodies(&text), bodies(&other), "{label}");
        }
        for label in ["CERTIFICATE", "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE REQUEST", "X509 CRL"] {
            assert!(bodies(&block(label, &body)).is_empty(), "{label}");
        }
        assert!(bodies(&block("PRIVATE KEY", "...")).is_empty());
    }
}
