//! What the policy's own text keeps, and whether the API server runs it.

use super::{Found, broken, log};
use crate::families::Stance;
use crate::families::audit::ask::Promised;
use crate::families::audit::seen::{KeptSeen, PolicySeen, Seen};
use crate::families::audit::topic::Topic;
use crate::families::ruling::{Ruling, column, holds, inconclusive, skipped};
use crate::model::{AuditLevel, Namespace, TenantId, Verdict};
use crate::semantics::audit::{PolicyOrigin, Stage};

/// Which rule keeps how much.
pub(super) fn by(origin: PolicyOrigin, kept: &KeptSeen) -> String {
    let of = match origin {
        PolicyOrigin::Given => "",
        PolicyOrigin::EksPublished => " of the policy that AWS publishes for EKS, which was not read from the cluster,",
    };
    match kept.rule {
        Some(rule) => format!("rule {rule}{of} keeps {}", kept.level),
        None => "no rule matches, so nothing is kept".to_owned(),
    }
}

fn known(seen: &Seen) -> Result<&[PolicySeen], Ruling> {
    seen.policy.as_deref().ok_or_else(|| {
        skipped(
            "no-policy",
            "no audit policy was given (--audit-policy), so its text was not judged",
            "give the API server's audit policy with --audit-policy",
        )
    })
}

/// What the policy's text says, or why there is none. What AWS publishes for EKS is no text of this cluster's: it stands
/// beside what was observed, and nothing is judged by it alone.
fn given(seen: &Seen) -> Result<&[PolicySeen], Ruling> {
    let known = known(seen)?;
    match seen.policy_origin {
        PolicyOrigin::Given => Ok(known),
        PolicyOrigin::EksPublished => Err(skipped(
            "policy-of-eks",
            "EKS fixes its audit policy, and nobody can read it from a cluster; what was done is held against what AWS publishes",
            "nothing: the checks of single records and audit.policy.in-force show what it keeps",
        )),
    }
}

/// The rows of a tenant that are wanted, or why there are none.
fn rows<'a>(
    seen: &'a Seen,
    tenant: &TenantId,
    wanted: impl Fn(&PolicySeen) -> bool,
) -> Result<Vec<&'a PolicySeen>, Ruling> {
    let rows: Vec<&PolicySeen> = given(seen)?.iter().filter(|row| &row.tenant == tenant && wanted(row)).collect();
    if rows.is_empty() {
        let why = format!("nothing of {tenant} was asked of the policy");
        return Err(inconclusive("not-asked", why, "run again"));
    }
    Ok(rows)
}

/// Whether it keeps what was promised of a tenant's requests.
pub(super) fn keeps(seen: &Seen, tenant: &TenantId, topic: Topic, promised: Promised) -> Found {
    let least = promised.least;
    let declared = if promised.most == AuditLevel::RequestResponse {
        format!("at least {least}")
    } else {
        format!("at least {least} and at most {}", promised.most)
    };
    let rows = match rows(seen, tenant, |row| row.topic == topic) {
        Ok(rows) => rows,
        Err(ruling) => return Found::of(ruling, &declared),
    };
    let low = rows.iter().find(|row| row.kept.level < promised.least);
    let high = rows.iter().find(|row| row.kept.level > promised.most);
    let ruling = match (low, high) {
        (Some(row), _) => {
            let reason =
                format!("{} of {}, and {least} was promised", by(PolicyOrigin::Given, &row.kept), example(row));
            broken("level-too-low", reason, "put a rule with the promised level before the one that is named")
        }
        (None, Some(row)) => {
            let reason =
                format!("{} of {}: values of Secrets are on record", by(PolicyOrigin::Given, &row.kept), example(row));
            broken("secrets-on-record", reason, "put a rule of level Metadata for secrets before the one that is named")
        }
        (None, None) => {
            let count: usize = rows.iter().map(|row| row.requests.len()).sum();
            holds(format!("{count} requests by {tenant}'s subjects are kept as promised; {}", in_force_or_not(seen)))
        }
    };
    let decisive = low.or(high).or(rows.first());
    by_text(ruling, &declared, decisive.map(|row| by(PolicyOrigin::Given, &row.kept)), low.or(high).is_none())
}

/// Whether it keeps less of a tenant's subjects than of others.
pub(super) fn exempts(seen: &Seen, tenant: &TenantId) -> Found {
    let declared = "no subject is exempt";
    let rows = match rows(seen, tenant, |_| true) {
        Ok(rows) => rows,
        Err(ruling) => return Found::of(ruling, declared),
    };
    let less = rows.iter().find(|row| row.kept.level < row.of_others.level);
    let ruling = match less {
        Some(row) => {
            let reason = format!(
                "{} of {}; of others {}",
                by(PolicyOrigin::Given, &row.kept),
                example(row),
                row.of_others.level
            );
            broken("exempt", reason, "take the user or group out of the rule that is named")
        }
        None => holds(format!("no rule keeps less of {tenant}'s subjects than of others; {}", in_force_or_not(seen))),
    };
    let decisive = less.or(rows.first());
    by_text(ruling, declared, decisive.map(|row| by(PolicyOrigin::Given, &row.kept)), less.is_none())
}

/// Whether it leaves out a stage that has an outcome.
pub(super) fn stages(seen: &Seen, tenant: &TenantId) -> Found {
    let declared = "ResponseComplete and Panic are kept";
    let rows = match rows(seen, tenant, |_| true) {
        Ok(rows) => rows,
        Err(ruling) => return Found::of(ruling, declared),
    };
    let left_out =
        |row: &&&PolicySeen| row.omits.iter().any(|stage| matches!(stage, Stage::ResponseComplete | Stage::Panic));
    let without = rows.iter().find(left_out);
    let ruling = match without {
        Some(row) => {
            let stages: Vec<String> = row.omits.iter().map(|stage| format!("{stage:?}")).collect();
            let reason = format!(
                "stages {} are left out of {}: {}",
                stages.join(", "),
                example(row),
                by(PolicyOrigin::Given, &row.kept)
            );
            broken(
                "stage-omitted",
                reason,
                "take ResponseComplete and Panic out of `omitStages`, of the policy and of the rule",
            )
        }
        None => holds(format!(
            "no rule leaves the outcome of what {tenant}'s subjects ask for out; {}",
            in_force_or_not(seen)
        )),
    };
    let decisive = without.or(rows.first());
    by_text(ruling, declared, decisive.map(|row| by(PolicyOrigin::Given, &row.kept)), without.is_none())
}

/// Whether the API server keeps what this policy says.
pub(super) fn in_force(seen: &Seen, namespaces: &[Namespace]) -> Found {
    let (declared, text) = match seen.policy_origin {
        PolicyOrigin::Given => ("the API server runs the policy that was given", "the policy's text"),
        PolicyOrigin::EksPublished => {
            ("the API server runs the policy that AWS publishes for EKS", "the policy that AWS publishes for EKS")
        }
    };
    let log = match known(seen).and_then(|_| log::given(seen)) {
        Ok(log) => log,
        Err(ruling) => return Found::of(ruling, declared),
    };
    let of_these = seen.deeds.values().filter(|deed| namespaces.contains(&deed.namespace));
    let comparable = of_these.filter_map(|deed| Some((deed, deed.computed.as_ref()?)));
    let (mut same, mut absent, mut unseen) = (0, 0, 0);
    let mut other = None;
    for (deed, kept) in comparable {
        match deed.events.first() {
            Some(event) if event.level == kept.level => same += 1,
            Some(event) => {
                other.get_or_insert_with(|| {
                    let by = by(seen.policy_origin, kept);
                    format!("{by} of `{}`, and the log has {}", deed.about.in_words(), event.level)
                });
            }
            // What no API server answered is nobody's to keep, and shows nothing.
            None if kept.level == AuditLevel::None && deed.answer.code != 0 => absent += 1,
            None => unseen += 1,
        }
    }
    let again = "see that --audit-log and --audit-policy are of the same API servers, and run again";
    let ruling = if let Some(reason) = other.as_ref().filter(|_| seen.policy_origin == PolicyOrigin::EksPublished) {
        // Nobody promised it: AWS may have changed its policy since it was published, or this is another's cluster.
        let remedy = "rest on the checks of single records; where the cluster is none of EKS, give its policy with --audit-policy";
        inconclusive("another-policy", reason.clone(), remedy)
    } else if let Some(reason) = &other {
        broken(
            "another-policy",
            reason.clone(),
            "restart the API server with this policy, or give the one that it runs",
        )
    } else if let Some(ruling) = log::unheard(seen, log) {
        ruling
    } else if unseen > 0 || same + absent == 0 {
        let reason = format!("{unseen} requests that the policy keeps were not found in the log");
        inconclusive("not-found", reason, again)
    } else if let Some(ruling) = log::blind(seen, log, "what the policy keeps nothing of").filter(|_| absent > 0) {
        ruling
    } else {
        holds(format!("the log has of {} requests exactly what {text} keeps of them", same + absent))
    };
    let observed = match &other {
        Some(why) => column(Stance::Denied, why.clone()),
        // What a mute log doesn't have shows nothing: only what was found counts for it.
        None if ruling.verdict != Verdict::Pass => column(
            Stance::Unknown,
            format!("{same} requests found as the text has it, {absent} not looked for, {unseen} not found"),
        ),
        None => column(Stance::Allowed, format!("{} requests as the text has it, {unseen} not found", same + absent)),
    };
    let evidence = seen.deeds.iter().filter(|(_, deed)| namespaces.contains(&deed.namespace));
    Found {
        ruling,
        declared: column(Stance::Allowed, declared),
        computed: column(Stance::Allowed, format!("{text}, rule by rule")),
        observed,
        evidence: evidence.map(|(key, _)| format!("deeds/{key}")).collect(),
    }
}

fn example(row: &PolicySeen) -> String {
    let first = row.requests.first().map(String::as_str).unwrap_or_default();
    let more = if row.requests.len() > 1 { format!(" and {} more", row.requests.len() - 1) } else { String::new() };
    format!("`{first}`{more} by {}", row.subject)
}

fn in_force_or_not(seen: &Seen) -> &'static str {
    if seen.log_is_live() {
        "whether the API server runs this policy is judged beside it"
    } else {
        "whether the API server runs this policy was not seen"
    }
}

fn by_text(ruling: Ruling, declared: &str, text: Option<String>, kept: bool) -> Found {
    let stance = if kept { Stance::Allowed } else { Stance::Denied };
    let mut found = Found::of(ruling, declared);
    found.computed = column(stance, text.unwrap_or_default());
    found.observed = column(Stance::Unknown, "the text alone was read; requests are looked for by checks of their own");
    found.evidence = vec!["policy".to_owned()];
    found
}
