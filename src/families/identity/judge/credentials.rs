//! Whose credentials a pod gets, from whom, and for how long.

use jiff::Timestamp;

use super::{Bench, brought, told};
use crate::families::identity::seen::{Phase, Way, identity_key};
use crate::families::ruling::{Ruling, broken, holds, inconclusive};
use crate::plan::ProbeName;
use crate::probe::wire::cloud::{Class, Provider, Refusal, SourceAnswer, SourceOutcome};
use crate::semantics::iam::{AccountId, Arn};

/// Seconds by which clocks may differ: how long credentials live is told by the provider's clock and the node's.
const CLOCKS_S: i64 = 60;
/// The kind of keys that end.
const TEMPORARY: &str = "ASIA";

/// A session of a role, as its ARN tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) account: AccountId,
    pub(super) role: String,
}

impl Session {
    pub(super) fn of(arn: &str) -> Option<Self> {
        let arn = Arn::parse(arn).filter(|arn| arn.service() == "sts")?;
        let (role, session) = arn.resource().strip_prefix("assumed-role/")?.split_once('/')?;
        let named = !role.is_empty() && !session.is_empty();
        arn.account().filter(|_| named).map(|account| Self { account, role: role.to_owned() })
    }
}

impl std::fmt::Display for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "role {} of account {}", self.role, self.account)
    }
}

impl Bench<'_> {
    /// Who gives a pod credentials, and whose they are.
    pub(super) fn credentials(&self, evidence: &mut Vec<String>) -> Ruling {
        let account = &self.ask.account;
        let Some(fetch) = self.fetch(&self.ask.probe, Phase::During, Way::Chain, evidence) else {
            return inconclusive("not-seen", format!("nothing was seen of the credentials of {account}"), "run again");
        };
        if let Some(ruling) = not_given(account, fetch) {
            return ruling;
        }
        let provider = match fetch.provider {
            Some(Provider::Container) => "EKS Pod Identity",
            Some(Provider::WebIdentity) => "IAM roles for service accounts",
            Some(Provider::Environment) => {
                return broken(
                    "static-keys",
                    format!(
                        "{account} takes its keys from the pod's environment, where they stand for all who read pods"
                    ),
                    format!("pods of {account} are given keys in their environment"),
                    "take them out, revoke them, and associate the service account with a role".to_owned(),
                );
            }
            Some(Provider::Instance) => return node_role(account, fetch.role.as_deref()),
            None => {
                let reason = format!("who gave {account} its credentials was not told");
                return inconclusive("no-provider", reason, "run again");
            }
        };
        let kind = fetch.key.as_ref().map_or("", |key| key.kind.as_str());
        if kind != TEMPORARY {
            return broken(
                "long-lived",
                format!("the keys of {account} begin with `{kind}`: they are not those of a session"),
                format!("{account} gets keys of the kind `{kind}`, which do not end"),
                "let the service account assume a role; keys of users are for nobody in a cluster".to_owned(),
            );
        }
        let lives_s = match self.lives(fetch) {
            Ok(lives_s) => lives_s,
            Err(ruling) => return ruling,
        };
        let session = match self.session(&self.ask.probe, Way::Chain, evidence) {
            Ok(session) => session,
            Err(ruling) => return ruling,
        };
        if let Some(ruling) = self.node_session(&session, evidence) {
            return ruling;
        }
        for other in &self.ask.others {
            let Ok(theirs) = self.session(other, Way::Chain, evidence) else { continue };
            if theirs == session {
                let whose =
                    self.seen.probes.get(other).map_or_else(|| other.to_string(), |probe| probe.account.clone());
                return broken(
                    "role-shared",
                    format!("{account} and {whose} of another tenant get sessions of the same {session}"),
                    format!("{session} is shared by two tenants: {account} and {whose}"),
                    "give each tenant a role of its own: what both may assume is kept apart by session tags alone"
                        .to_owned(),
                );
            }
        }
        let silent = self.ask.others.iter().filter(|other| self.session(other, Way::Chain, &mut Vec::new()).is_err());
        let silent = match silent.count() {
            0 => String::new(),
            count => format!("; of {count} other service accounts it is not known whose theirs are"),
        };
        holds(format!(
            "{account} gets temporary credentials by {provider}, of {session}, which end within {}{silent}",
            in_words(lives_s)
        ))
    }

    /// Whenever credentials are asked for they have not ended, and will.
    pub(super) fn rotation(&self, evidence: &mut Vec<String>) -> Ruling {
        let account = &self.ask.account;
        let mut marks = Vec::new();
        let mut longest = 0;
        for phase in [Phase::Before, Phase::During, Phase::After] {
            let Some(fetch) = self.fetch(&self.ask.probe, phase, Way::Chain, evidence) else {
                let reason = format!("nothing was seen of the credentials of {account} {phase} the calls");
                return inconclusive("not-seen", reason, "run again");
            };
            if let Some(ruling) = not_given(account, fetch) {
                return ruling;
            }
            match self.lives(fetch) {
                Ok(lives_s) => longest = longest.max(lives_s),
                Err(ruling) => return ruling,
            }
            if let Some(mark) = fetch.key.as_ref().filter(|mark| !marks.contains(mark)) {
                marks.push(mark);
            }
        }
        let rotated = match marks.len() {
            0 | 1 => "the same keys each time: a rotation was not seen".to_owned(),
            count => format!("{count} keys: a rotation was seen"),
        };
        holds(format!(
            "{account} asked three times, and each time what it got ends within {}; {rotated}",
            in_words(longest)
        ))
    }

    /// How many seconds credentials have left from when they were given, or why that is wrong.
    fn lives(&self, fetch: &SourceAnswer) -> Result<i64, Ruling> {
        let account = &self.ask.account;
        let Some(expires) = &fetch.expires else {
            return Err(broken(
                "never-ends",
                format!("nothing says when the credentials of {account} end"),
                format!("{account} gets credentials that do not end"),
                "let the service account assume a role, whose sessions end".to_owned(),
            ));
        };
        let at = fetch.exchanges.last().and_then(|last| i64::try_from(last.at_ms).ok());
        let moment = expires.parse::<Timestamp>().ok();
        let (Some(at_ms), Some(moment)) = (at, moment) else {
            let reason = format!("when the credentials of {account} end can't be told from `{expires}`");
            return Err(inconclusive("no-expiry", reason, "run again"));
        };
        let lives_s = (moment.as_millisecond() - at_ms) / 1000;
        let most = i64::try_from(self.ask.longest_s).unwrap_or(i64::MAX);
        if lives_s <= 0 {
            let reason = format!("the credentials of {account} had ended when they were given: at {expires}");
            return Err(inconclusive("ended", reason, "set the clock of the node, or see what the provider keeps"));
        }
        if lives_s > most.saturating_add(CLOCKS_S) {
            let (lives, most) = (in_words(lives_s), in_words(most));
            return Err(broken(
                "lives-too-long",
                format!("the credentials of {account} end after {lives}, and {most} are promised at most"),
                format!("credentials of {account} live {lives}, longer than {most}"),
                "shorten the role's sessions, or promise what they are (`cloud.credentials.longest`)".to_owned(),
            ));
        }
        Ok(lives_s)
    }

    /// Whose credentials a probe got, as STS says.
    pub(super) fn session(&self, probe: &ProbeName, from: Way, evidence: &mut Vec<String>) -> Result<Session, Ruling> {
        let whose = self.seen.probes.get(probe).map_or("a probe", |probe| probe.account.as_str());
        let Some(call) = self.call(identity_key(probe, from), evidence) else {
            let reason = format!("whose the credentials of {whose} are was not asked");
            return Err(inconclusive("not-seen", reason, "run again"));
        };
        let Some(actor) = call.answer.actor.as_ref().filter(|_| *call.class() == Class::Allowed) else {
            let reason = format!("STS did not say whose the credentials of {whose} are: {}", told(call));
            return Err(inconclusive("no-identity", reason, "let the pod reach STS, and run again"));
        };
        Session::of(&actor.arn).ok_or_else(|| {
            broken(
                "no-role",
                format!("the credentials of {whose} are {}, which is no session of a role", actor.arn),
                format!("{whose} acts as {}", actor.arn),
                "associate the service account with a role of the tenant's own".to_owned(),
            )
        })
    }

    /// Whether a session is of the node's own role, as far as the instance told of it.
    fn node_session(&self, session: &Session, evidence: &mut Vec<String>) -> Option<Ruling> {
        let named = |from, evidence: &mut Vec<String>| {
            let fetch = self.fetch(&self.ask.probe, Phase::During, from, evidence)?;
            fetch.role.clone().filter(|_| fetch.outcome == SourceOutcome::Named)
        };
        let role = [Way::Instance, Way::InstanceV6].into_iter().find_map(|from| named(from, evidence))?;
        (role == session.role).then(|| node_role(&self.ask.account, Some(&role)))
    }
}

/// What follows where no credentials were given; `None` where they were.
pub(super) fn not_given(account: &str, fetch: &SourceAnswer) -> Option<Ruling> {
    let associate = "associate the service account with the tenant's role, and make its pods anew: a pod that starts before \
                     the association holds stays without it";
    let said = brought(&fetch.outcome);
    Some(match &fetch.outcome {
        SourceOutcome::Given => return None,
        // The last that a chain asks: no other was configured in the pod.
        _ if fetch.provider == Some(Provider::Instance) => broken(
            "no-credentials",
            format!("nothing in the pod of {account} says where credentials are, and its instance gave none: {said}"),
            format!("pods of {account} get no credentials of AWS"),
            associate.to_owned(),
        ),
        SourceOutcome::NotConfigured | SourceOutcome::Refused(Refusal::NoAssociation) => broken(
            "no-credentials",
            format!("{account} gets no credentials: {said}"),
            format!("pods of {account} get no credentials of AWS"),
            associate.to_owned(),
        ),
        SourceOutcome::Refused(Refusal::AccessDenied) => broken(
            "not-assumed",
            format!("{account} gets no credentials: {said}"),
            format!("the role of {account} does not let itself be assumed for it"),
            "see the role's trust policy: principal pods.eks.amazonaws.com, sts:AssumeRole and sts:TagSession, and \
             conditions that this cluster, namespace and service account meet"
                .to_owned(),
        ),
        _ => inconclusive(
            "no-credentials",
            format!("whether {account} gets credentials is not known: {said}"),
            "see whether the agent runs on the node, and whether the pod's policies let it reach 169.254.170.23 on port 80",
        ),
    })
}

fn node_role(account: &str, role: Option<&str>) -> Ruling {
    let role = role.unwrap_or("that is not named");
    broken(
        "node-role",
        format!("{account} acts by the role of the node, {role}: nothing gave the pod its own"),
        format!("pods of {account} fall back to the node's role {role}"),
        "associate the service account with a role, see that the webhook changes its pods, and let no pod reach the \
         instance's metadata (a hop limit of 1)"
            .to_owned(),
    )
}

/// Seconds as hours, minutes and seconds.
fn in_words(seconds: i64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds % 3600 / 60, seconds % 60);
    let parts = [(hours, "h"), (minutes, "min"), (rest, "s")];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .take(2)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}
