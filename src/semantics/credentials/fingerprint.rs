//! A found value, and the only thing that leaves of it.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The block of SHA-256, in bytes.
const BLOCK: usize = 64;
/// Hexadecimal digits of a fingerprint: 48 bits. With ten thousand different values in one run, two of
/// them share one in about one run out of five million.
const DIGITS: usize = 12;

/// What fingerprints of one run are keyed by. It is drawn for a run and kept nowhere, so that nobody can
/// try values against a report. It can't be shown.
pub struct Salt([u8; 32]);

impl Salt {
    /// A salt of these random bytes.
    #[must_use]
    pub const fn new(random: [u8; 32]) -> Self {
        Self(random)
    }
}

/// A value that was found. It implements nothing by which it could be shown, serialized or cloned: all
/// that can be had of it is its fingerprint.
pub(super) struct Value<'a>(Cow<'a, str>);

impl<'a> Value<'a> {
    pub(super) const fn of(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }

    pub(super) const fn owned(text: String) -> Value<'static> {
        Value(Cow::Owned(text))
    }

    pub(super) fn fingerprint(&self, salt: &Salt) -> Fingerprint {
        let digest = hmac(&salt.0, self.0.as_bytes());
        let mut text = String::with_capacity(DIGITS);
        for byte in digest.iter().take(DIGITS / 2) {
            use fmt::Write as _;
            // Writing to a String can't fail.
            let _ = write!(text, "{byte:02x}");
        }
        Fingerprint(text)
    }
}

/// What tells a found value from others of the same run: HMAC-SHA-256 keyed by the run's [`Salt`], its
/// first 12 hexadecimal digits. The same value has the same fingerprint wherever it stands in one run, and
/// another one in every other run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// HMAC-SHA-256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; BLOCK];
    let hashed: [u8; 32];
    let key = if key.len() > BLOCK {
        hashed = Sha256::digest(key).into();
        hashed.as_slice()
    } else {
        key
    };
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// RFC 4231, test cases 1, 2 and 6.
    #[test]
    fn the_hmac_is_the_standards() {
        for (key, message, expected) in [
            (vec![0x0b; 20], "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe".to_vec(),
                "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 131],
                "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            assert_eq!(hex(&hmac(&key, message.as_bytes())), expected);
        }
    }

    #[test]
    fn one_value_has_one_fingerprint_in_a_run_and_another_in_the_next() {
        let (one, other) = (Salt::new([1; 32]), Salt::new([2; 32]));
        let fingerprint = Value::of("value").fingerprint(&one);
        assert_eq!(fingerprint, Value::owned("value".to_owned()).fingerprint(&one));
        assert_ne!(fingerprint, Value::of("value").fingerprint(&other));
        assert_ne!(fingerprint, Value::of("valuf").fingerprint(&one));
        assert_eq!(fingerprint.as_str().len(), DIGITS);
    }

    /// Two ways to call `some` where the type implements the trait, so that it would not compile.
    macro_rules! assert_lacks {
        ($type:ty: $($bound:path),+) => {$({
            trait Ambiguous<A> { fn some() {} }
            impl<T: ?Sized> Ambiguous<()> for T {}
            struct Has;
            impl<T: ?Sized + $bound> Ambiguous<Has> for T {}
            let _ = <$type as Ambiguous<_>>::some;
        })+};
    }

    #[test]
    fn neither_a_value_nor_a_salt_can_be_shown() {
        assert_lacks!(Value<'static>: fmt::Debug, fmt::Display, Serialize, Clone);
        assert_lacks!(Salt: fmt::Debug, fmt::Display, Serialize, Clone);
    }
}
