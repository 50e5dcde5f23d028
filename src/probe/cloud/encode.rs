//! Percent-encoding as signatures want it: all bytes but the unreserved ones of RFC 3986, in capitals.

use std::fmt::Write;

/// A part of a query.
pub(super) fn part(text: &str) -> String {
    encode(text, false)
}

/// A path, whose slashes stay.
pub(super) fn path(text: &str) -> String {
    encode(text, true)
}

/// The pairs of a query or form, in their order.
pub(super) fn pairs(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{}={}", part(name), part(value))).collect();
    pairs.join("&")
}

fn encode(text: &str, keep_slash: bool) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep_slash && byte == b'/' {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreserved_bytes_stay() {
        assert_eq!(part("aZ09-._~"), "aZ09-._~");
        assert_eq!(part("a b/ü+=&"), "a%20b%2F%C3%BC%2B%3D%26");
        assert_eq!(path("a b/ü"), "a%20b/%C3%BC");
        assert_eq!(pairs(&[("a", "1 2"), ("b", "")]), "a=1%202&b=");
    }
}
