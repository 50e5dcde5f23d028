//! What two probes say to each other, so that each knows whom it met.
//!
//! One line goes each way: `TPH1 <name> <target> <attempt> <token> <seal>` and
//! `TPR1 <name> <token> <seal>`. The seal is an HMAC (RFC 2104, SHA-256) under the run's nonce, so
//! the nonce itself never crosses the network: a stranger that is greeted can't answer for a probe,
//! nor later pass for one.

use super::digest::{hex, hmac};

/// No line of a greeting is longer, its newline counted.
pub(super) const LINE_MAX: usize = 512;
/// A probe's name is no longer: that of a pod.
const NAME_MAX: usize = 253;

/// Who a probe is.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    name: String,
    nonce: Vec<u8>,
}

/// What a client says first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    /// The client's name.
    pub(super) name: String,
    /// The id of the target that it is trying.
    pub(super) target: u32,
    /// Which attempt this is, from 1.
    pub(super) attempt: u8,
    /// What the reply shall repeat; never the same twice.
    pub(super) token: u64,
}

/// Whether a probe can have this name: it must fit a word of a greeting.
pub(super) fn is_name(text: &str) -> bool {
    (1..=NAME_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

impl Identity {
    pub(super) fn new(name: &str, nonce: &str) -> Self {
        Self { name: name.to_owned(), nonce: nonce.as_bytes().to_vec() }
    }

    /// The line with which to greet.
    pub(super) fn greet(&self, target: u32, attempt: u8, token: u64) -> String {
        self.sealed(&format!("TPH1 {} {target} {attempt} {token:016x}", self.name))
    }

    /// The line with which to answer that greeting.
    pub(super) fn reply(&self, hello: &Hello) -> String {
        self.sealed(&format!("TPR1 {} {:016x}", self.name, hello.token))
    }

    /// Reads a greeting; `None` unless a probe of this run made it.
    pub(super) fn read_hello(&self, line: &[u8]) -> Option<Hello> {
        let words = self.unsealed(line)?;
        let mut words = words.split(' ');
        let (magic, name) = (words.next()?, words.next()?);
        let hello = Hello {
            name: name.to_owned(),
            target: words.next()?.parse().ok()?,
            attempt: words.next()?.parse().ok()?,
            token: u64::from_str_radix(words.next()?, 16).ok()?,
        };
        (magic == "TPH1" && is_name(name) && words.next().is_none()).then_some(hello)
    }

    /// Whether `line` is the answer of the probe `who` to the greeting with this token.
    pub(super) fn is_reply_of(&self, line: &[u8], who: &str, token: u64) -> bool {
        self.unsealed(line).is_some_and(|words| words == format!("TPR1 {who} {token:016x}"))
    }

    fn sealed(&self, text: &str) -> String {
        format!("{text} {}\n", hex(&hmac(&self.nonce, text.as_bytes())))
    }

    /// The text of a line whose seal is right.
    fn unsealed<'a>(&self, line: &'a [u8]) -> Option<&'a str> {
        if line.len() > LINE_MAX {
            return None;
        }
        let line = str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
        let (text, seal) = line.rsplit_once(' ')?;
        (hex(&hmac(&self.nonce, text.as_bytes())) == seal).then_some(text)
    }
}

/// A number that nobody can foretell and that does not come twice: the standard library seeds its
/// hashers from the kernel's random numbers.
pub(super) fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    use std::sync::atomic::{AtomicU64, Ordering};

    static CALLS: AtomicU64 = AtomicU64::new(0);
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u64(CALLS.fetch_add(1, Ordering::Relaxed));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_greeting_is_understood_and_answered() {
        let (a, b) = (Identity::new("a-1", "n0nce-of-run"), Identity::new("b-1", "n0nce-of-run"));
        let hello = b.read_hello(a.greet(7, 2, 0xfeed).as_bytes());
        let hello = hello.expect("a probe of the same run");
        assert_eq!(hello, Hello { name: "a-1".into(), target: 7, attempt: 2, token: 0xfeed });
        let reply = b.reply(&hello);
        assert!(a.is_reply_of(reply.as_bytes(), "b-1", 0xfeed));
        assert!(!a.is_reply_of(reply.as_bytes(), "b-2", 0xfeed), "another server");
        assert!(!a.is_reply_of(reply.as_bytes(), "b-1", 0xfeee), "another token");
    }

    #[test]
    fn another_run_is_a_stranger() {
        let (a, b) = (Identity::new("a-1", "nonce-1"), Identity::new("b-1", "nonce-2"));
        assert_eq!(b.read_hello(a.greet(7, 1, 1).as_bytes()), None);
    }

    #[test]
    fn the_nonce_never_crosses_the_network() {
        let a = Identity::new("a", "secret-of-the-run");
        assert!(!a.greet(1, 1, 1).contains("secret-of-the-run"));
    }

    #[test]
    fn the_longest_greeting_fits_its_line() {
        let a = Identity::new(&"n".repeat(NAME_MAX), "nonce");
        assert!(a.greet(u32::MAX, u8::MAX, u64::MAX).len() <= LINE_MAX);
    }

    #[test]
    fn random_numbers_do_not_come_twice() {
        let drawn: std::collections::HashSet<u64> = (0..1000).map(|_| random()).collect();
        assert_eq!(drawn.len(), 1000);
    }

    proptest! {
        #[test]
        fn no_bytes_of_a_stranger_are_a_greeting(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let me = Identity::new("b-1", "nonce");
            prop_assert_eq!(me.read_hello(&bytes), None);
            prop_assert!(!me.is_reply_of(&bytes, "a-1", 1));
        }

        #[test]
        fn a_changed_greeting_is_a_stranger(at in 0_usize..100, bit in 0_u8..8) {
            let me = Identity::new("b-1", "nonce");
            let mut line = Identity::new("a-1", "nonce").greet(7, 1, 99).into_bytes();
            let at = at % line.len();
            line[at] ^= 1 << bit;
            prop_assert_eq!(me.read_hello(&line), None);
        }
    }
}
