//! Cloud calls that a probe makes from inside its pod, with the credentials that the pod itself gets: the order, and
//! what is told of it.
//!
//! The runner says what to try; the probe tries it and tells what came back. Nothing secret crosses in either
//! direction: an order names where a token or a key is found, never one, and an answer has a key's
//! [mark](KeyMark) in place of the key.

mod answer;
mod class;
mod order;
mod rule;

pub use answer::{
    Actor, CallAnswer, CloudReport, Exchange, KeyMark, Part, Provider, Refusal, Remains, SourceAnswer, SourceOutcome,
    Step,
};
pub use class::{Class, Denial, Layer, NetworkFault};
pub use order::{
    Call, Cloud, ContainerSource, Deed, Encryption, InstanceSource, Manner, Origin, Service, Source, TokenFrom, Upload,
    WebIdentitySource,
};
pub(in crate::probe) use rule::is_region;

use crate::probe::digest::{hex, hmac};

/// The version of this vocabulary. A probe carries out orders of its own version alone: what it does not know it can't
/// have tried.
pub const VERSION: u8 = 1;

/// Bytes of the seal that make a mark; twice as many characters.
const MARK: usize = 8;

impl KeyMark {
    /// The mark of an access key id under a run's nonce.
    ///
    /// Two marks of one run are equal exactly where their keys are. Who has the nonce, the runner alone, can hold a key
    /// id that stands in a trail's event against the mark that a probe told.
    #[must_use]
    pub fn of(nonce: &str, access_key_id: &str) -> Self {
        let seal = hmac(nonce.as_bytes(), format!("access key id\n{access_key_id}").as_bytes());
        let kind = access_key_id.get(..4).filter(|kind| kind.bytes().all(|byte| byte.is_ascii_uppercase()));
        Self { kind: kind.unwrap_or_default().to_owned(), mark: hex(&seal[..MARK]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "ASIAIOSFODNN7EXAMPLE";

    #[test]
    fn a_mark_tells_keys_apart_and_holds_none() {
        let mark = KeyMark::of("nonce-of-the-run", ID);
        assert_eq!((mark.kind.as_str(), mark.mark.len()), ("ASIA", 16));
        assert_eq!(mark, KeyMark::of("nonce-of-the-run", ID));
        assert_ne!(mark.mark, KeyMark::of("nonce-of-the-run", "ASIAIOSFODNN7EXAMPLF").mark, "another key");
        assert_ne!(mark.mark, KeyMark::of("nonce-of-another", ID).mark, "another run");
        assert!(!format!("{mark:?}").contains("IOSFODNN7"));
    }

    #[test]
    fn what_has_no_kind_tells_nothing_of_itself() {
        for id in ["", "abc", "secret-key", "äöüäöü"] {
            assert_eq!(KeyMark::of("nonce-of-the-run", id).kind, "");
        }
    }
}
