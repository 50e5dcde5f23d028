//! Calls on what is the tenant's own and on what is another's, and presigned requests after their time.

use super::{Bench, computed, told};
use crate::families::Stance;
use crate::families::identity::parameters::{Operation, Thing};
use crate::families::identity::seen::{CallSeen, Phase, call_key, expired_key};
use crate::families::ruling::{Ruling, broken, holds, inconclusive};
use crate::probe::wire::cloud::{Class, Denial, Layer, Part};

const RUN_AGAIN: &str = "run again; where it stays, look at the way from the pod to AWS";

impl Bench<'_> {
    /// What is the tenant's own must be reached.
    pub(super) fn own(&self, evidence: &mut Vec<String>) -> Ruling {
        let Some(operation) = self.ask.operation else { return not_seen("the check names no call") };
        let (account, target) = (&self.ask.account, &self.ask.target);
        let key = call_key(&self.ask.probe, Phase::During, operation, target);
        let Some(call) = self.call(key, evidence) else { return not_seen("the probe's answer leaves this call out") };
        let said = told(call);
        match call.class() {
            Class::Allowed => holds(format!("{account} reached its own {}: {said}", operation.on())),
            Class::Denied(denial) => broken(
                "own-denied",
                format!("{account} may not do what it is promised: {said}"),
                format!("{account} is denied {} on {target} by {}", operation.action(), by(denial)),
                format!("allow {} on {target} to the role of {account}", operation.action()),
            ),
            Class::KeyDenied(_) => broken(
                "key-denied",
                format!("the key behind it keeps {account} from what it is promised: {said}"),
                format!("{account} is denied the key behind {target}"),
                format!("allow kms:Decrypt and kms:GenerateDataKey to the role of {account} on the key of {target}"),
            ),
            other => unclear(other, &said),
        }
    }

    /// What is another tenant's must be denied, beside its control cases.
    pub(super) fn others(&self, evidence: &mut Vec<String>) -> Ruling {
        let Some(operation) = self.ask.operation else { return not_seen("the check names no call") };
        let (account, target) = (&self.ask.account, &self.ask.target);
        let key = call_key(&self.ask.probe, Phase::During, operation, target);
        let Some(call) = self.call(key, evidence) else { return not_seen("the probe's answer leaves this call out") };
        let said = told(call);
        if call.answer.part.is_some_and(|part| part != Part::Create) {
            // Whatever became of it later: an upload was begun.
            return broken(
                "reaches-another-tenant",
                format!("{account} began an upload in what is another tenant's: {said}"),
                format!("{account} may begin uploads in {target}, which is another tenant's"),
                remedy(operation, target),
            );
        }
        let denial = match call.class() {
            Class::Denied(denial) => denial,
            Class::Allowed => {
                return broken(
                    "reaches-another-tenant",
                    format!("{account} reached what is another tenant's: {said}"),
                    format!(
                        "{account} may {} on {target}, which is another tenant's{}",
                        operation.action(),
                        self.because()
                    ),
                    remedy(operation, target),
                );
            }
            Class::KeyDenied(_) => {
                let reason =
                    format!("the key behind {target} refused, so of its own policies nothing is known: {said}");
                let remedy = "name a bucket whose objects S3's own keys encrypt, or look at its policy with --aws";
                return inconclusive("key-denied", reason, remedy);
            }
            other => return unclear(other, &said),
        };
        if let Some(missing) = self.own_control(operation, call, evidence) {
            return missing;
        }
        if let Some(missing) = self.owner_control(operation, evidence) {
            return missing;
        }
        if let Some(action) = denial.action.as_deref().filter(|action| !action.eq_ignore_ascii_case(operation.action()))
        {
            let reason = format!("the words of the denial name {action}, not {}: {said}", operation.action());
            return inconclusive("another-action", reason, "look at the policies of the role for both actions");
        }
        let depends = if denial.layer == Layer::VpcEndpoint { ", which holds only on this way to AWS" } else { "" };
        holds(format!(
            "{account} was denied by {}{depends}, while it did the same on its own {} and the owner on this one: {said}",
            by(denial),
            operation.on()
        ))
    }

    /// Which policy says so, where that was read.
    fn because(&self) -> String {
        let policies = computed(self.seen, self.ask);
        match policies.stance {
            Stance::Allowed => format!(": {}", policies.because),
            Stance::Denied => format!(", though its policies deny it: {}", policies.because),
            Stance::Unknown => String::new(),
        }
    }

    /// With the same key the same call is allowed on what is the tenant's own.
    fn own_control(&self, operation: Operation, call: &CallSeen, evidence: &mut Vec<String>) -> Option<Ruling> {
        let account = &self.ask.account;
        if self.ask.own.is_empty() {
            let reason = format!(
                "{account} has no {} of its own, so nothing shows that its credentials reach any",
                operation.on()
            );
            return Some(inconclusive("no-own", reason, "name what is the tenant's own in the tenancy file"));
        }
        let mut last = None;
        for own in &self.ask.own {
            let key = call_key(&self.ask.probe, Phase::During, operation, own);
            let Some(control) = self.call(key, evidence) else { continue };
            if control.class().is_allowed() && control.key.is_some() && control.key == call.key {
                return None;
            }
            last = Some(control);
        }
        let reason = match last {
            Some(control) if control.class().is_allowed() => {
                format!(
                    "{account} had other keys when it reached its own: the denial and its control case are not of one"
                )
            }
            Some(control) => {
                format!("{account} was denied on its own as well, so a denial means nothing: {}", told(control))
            }
            None => format!("nothing was seen of {account} on its own {}", operation.on()),
        };
        Some(inconclusive("own-denied", reason, "let the tenant reach its own first, and run again"))
    }

    /// The owner's own call on the same thing is allowed; where an object is read, it was there all the time.
    fn owner_control(&self, operation: Operation, evidence: &mut Vec<String>) -> Option<Ruling> {
        let target = &self.ask.target;
        let mut last = None;
        let mut reached = false;
        for owner in &self.ask.others {
            let key = call_key(owner, Phase::During, operation, target);
            let Some(control) = self.call(key, evidence) else { continue };
            if control.class().is_allowed() {
                reached = true;
                break;
            }
            last = Some(control);
        }
        if !reached {
            let reason = match last {
                Some(control) => {
                    format!("its owner did not reach it either, so a denial means nothing: {}", told(control))
                }
                None => format!("nothing was seen of the owner of {target}"),
            };
            return Some(inconclusive("owner-denied", reason, "let the owner reach its own first, and run again"));
        }
        if !operation.reads_an_object() {
            return None;
        }
        for owner in &self.ask.others {
            let before = call_key(owner, Phase::Before, Operation::Get, target);
            let after = call_key(owner, Phase::After, Operation::Get, target);
            let both =
                [before, after].map(|key| self.call(key, evidence).is_some_and(|call| call.class().is_allowed()));
            if both == [true, true] {
                return None;
            }
        }
        let reason =
            "that the object was there before and after is not shown, and S3 denies what is not there to who may not list"
                .to_owned();
        Some(inconclusive("object-unsure", reason, "let the owner put and get objects under the prefix `tenantproof/`"))
    }

    /// A presigned request after its time is refused, beside one within it that is not.
    pub(super) fn expired(&self, evidence: &mut Vec<String>) -> Ruling {
        let (account, target) = (&self.ask.account, &self.ask.target);
        let late = self.call(expired_key(&self.ask.probe, target), evidence);
        let timely = self.call(call_key(&self.ask.probe, Phase::During, Operation::Presigned, target), evidence);
        let (Some(late), Some(timely)) = (late, timely) else {
            return not_seen("the probe's answer leaves this call out");
        };
        match (late.class(), timely.class()) {
            (Class::Allowed, _) => broken(
                "accepted-after-its-time",
                format!("a presigned request was accepted after its time: {}", told(late)),
                format!("{target} accepts presigned requests of {account} after their time"),
                "S3 refuses these: see what answers in its place (an endpoint of the pod's environment, a proxy)"
                    .to_owned(),
            ),
            (Class::Expired | Class::ClockSkew, Class::Allowed) => {
                holds(format!("it was refused as expired, while one within its time was accepted: {}", told(late)))
            }
            (Class::Expired | Class::ClockSkew, _) => inconclusive(
                "own-denied",
                format!("one within its time was not accepted either: {}", told(timely)),
                "let the tenant reach its own first, and run again",
            ),
            (other, _) => unclear(other, &told(late)),
        }
    }
}

fn not_seen(why: &str) -> Ruling {
    inconclusive("not-seen", format!("nothing came back: {why}"), "run again")
}

/// What is neither allowed nor denied, by its own name.
fn unclear(class: &Class, said: &str) -> Ruling {
    let (kind, remedy) = match class {
        Class::NotFound => {
            ("not-found", "correct its name in the tenancy file, or make it: what is not there keeps nobody out")
        }
        Class::OtherRegion => ("other-region", "see in which region it lies"),
        Class::Busy => ("busy", "run again when AWS throttles less"),
        Class::Expired => ("expired", "run again: the credentials were past their time"),
        Class::BadSignature => ("bad-signature", "see what stands between the pod and AWS and changes requests"),
        Class::ClockSkew => ("clock-skew", "set the clock of the node"),
        Class::UnknownCredentials => {
            ("unknown-credentials", "see whose credentials the pod gets, and to which endpoint it sends them")
        }
        Class::Rejected => ("rejected", "see what the code of the error says"),
        Class::Foreign => ("foreign", "see what answers in the place of AWS: a proxy, or a page of a network"),
        Class::Network(_) => ("network", RUN_AGAIN),
        Class::NoCredentials => ("no-credentials", "see the case of identity.credentials for this service account"),
        Class::NotMade(_) => ("not-made", "see the reason: the call was not made"),
        Class::Allowed | Class::Denied(_) | Class::KeyDenied(_) => ("unclear", RUN_AGAIN),
    };
    inconclusive(kind, format!("it was neither allowed nor denied: {said}"), remedy)
}

/// Which policy it was, as far as the service's words tell.
fn by(denial: &Denial) -> String {
    match (denial.layer, denial.explicit) {
        (Layer::Untold, _) => "a policy that the service does not name".to_owned(),
        (layer, true) => format!("an explicit Deny of its {layer}"),
        (layer, false) => format!("its {layer}, in which nothing allows it"),
    }
}

fn remedy(operation: Operation, target: &str) -> String {
    let policy = match operation.on() {
        Thing::Bucket => "the bucket's policy and its Block Public Access",
        Thing::Table => "the table's policy",
        Thing::Key => "the key's policy and its grants",
    };
    format!(
        "name the tenant's own resources in the role's policy (no wildcard that covers {target}), and see {policy} for a \
         statement that allows {} to others",
        operation.action()
    )
}
