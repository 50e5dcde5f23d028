//! What a probe has written, until it has deleted it again.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::reading::Reading;
use crate::probe::wire::cloud::{Class, Deed};

/// Something that is there, or may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) source: Option<u32>,
    pub(super) region: String,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) thing: Thing,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    /// An object, or one that may have been written though no answer said so.
    Object,
    /// A version of one: in a bucket that keeps them, a deletion without its version only hides it.
    Version(String),
    /// An upload that was begun.
    Upload(String),
}

/// All of it. What is about to be written is noted before, so that an end in between forgets nothing.
#[derive(Default)]
pub(super) struct Ledger(Mutex<Vec<Written>>);

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, Vec<Written>> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes it; false if it was noted already.
    pub(super) fn note(&self, written: Written) -> bool {
        let mut ledger = self.lock();
        let is_new = !ledger.contains(&written);
        if is_new {
            ledger.push(written);
        }
        is_new
    }

    pub(super) fn strike(&self, written: &Written) {
        self.lock().retain(|noted| noted != written);
    }

    pub(super) fn all(&self) -> Vec<Written> {
        self.lock().clone()
    }

    /// What came of a write that was noted as an object; `is_new` if nothing of that key was there before.
    pub(super) fn written(&self, object: Written, is_new: bool, reading: &Reading) {
        let version = reading.version.as_ref().filter(|_| reading.class.is_allowed());
        if is_new && (version.is_some() || was_refused(&reading.class)) {
            self.strike(&object);
        }
        if let Some(version) = version {
            self.note(Written { thing: Thing::Version(version.clone()), ..object });
        }
    }

    /// What came of a deletion that a call asked for.
    pub(super) fn deleted(&self, object: Written, reading: &Reading) {
        if !reading.class.is_allowed() {
            return;
        }
        self.lock().retain(|noted| {
            let is_same = noted.bucket == object.bucket && noted.key == object.key;
            !(is_same && noted.thing == Thing::Object)
        });
        if let Some(version) = &reading.version {
            // A marker of the deletion, which is as much of the run's as what it hides.
            self.note(Written { thing: Thing::Version(version.clone()), ..object });
        }
    }
}

/// Whether nothing was written for certain.
fn was_refused(class: &Class) -> bool {
    !matches!(class, Class::Allowed | Class::Busy | Class::Foreign | Class::Network(_))
}

impl Written {
    /// The object that a deed writes or deletes; `None` for other deeds.
    pub(super) fn by(deed: &Deed, source: Option<u32>, region: &str) -> Option<Self> {
        match deed {
            Deed::Put { bucket, key, .. } | Deed::Delete { bucket, key } | Deed::Multipart { bucket, key, .. } => {
                Some(Self {
                    source,
                    region: region.to_owned(),
                    bucket: bucket.clone(),
                    key: key.clone(),
                    thing: Thing::Object,
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::wire::cloud::NetworkFault;

    fn object() -> Written {
        let deed = Deed::Put { bucket: "tenant-1".into(), key: "tenantproof/r1/x".into(), encryption: None };
        Written::by(&deed, Some(1), "eu-west-1").unwrap()
    }

    fn reading(class: Class, version: Option<&str>) -> Reading {
        Reading { version: version.map(str::to_owned), ..Reading::none(class) }
    }

    #[test]
    fn what_was_refused_is_not_there_and_what_is_not_known_may_be() {
        for (class, remains) in [
            (Class::Allowed, 1),
            (Class::NotFound, 0),
            (Class::Expired, 0),
            (Class::Network(NetworkFault::Timeout), 1),
            (Class::Busy, 1),
            (Class::Foreign, 1),
        ] {
            let ledger = Ledger::default();
            let is_new = ledger.note(object());
            ledger.written(object(), is_new, &reading(class.clone(), None));
            assert_eq!(ledger.all().len(), remains, "{class}");
        }
    }

    #[test]
    fn versions_stay_until_they_are_deleted_as_such() {
        let ledger = Ledger::default();
        let is_new = ledger.note(object());
        ledger.written(object(), is_new, &reading(Class::Allowed, Some("v1")));
        ledger.deleted(object(), &reading(Class::Allowed, Some("m1")));
        let versions = ["v1", "m1"].map(|version| Written { thing: Thing::Version(version.into()), ..object() });
        assert_eq!(ledger.all(), versions);
    }

    #[test]
    fn a_write_that_was_refused_does_not_undo_one_that_was_not() {
        let ledger = Ledger::default();
        let is_new = ledger.note(object());
        ledger.written(object(), is_new, &reading(Class::Allowed, None));
        let is_new = ledger.note(object());
        ledger.written(object(), is_new, &reading(Class::Expired, None));
        assert_eq!(ledger.all(), [object()]);
    }

    #[test]
    fn a_deletion_that_was_refused_deletes_nothing() {
        let ledger = Ledger::default();
        ledger.note(object());
        ledger.deleted(object(), &reading(Class::NotFound, None));
        assert_eq!(ledger.all(), [object()]);
        ledger.deleted(object(), &reading(Class::Allowed, None));
        assert!(ledger.all().is_empty());
    }
}
