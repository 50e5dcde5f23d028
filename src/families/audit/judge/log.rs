//! What a log can show, before it is asked for one record: whether there is one, whether it is heard, and whether
//! something that is not in it would have been.

use super::record::seconds;
use crate::families::audit::seen::{DeedSeen, LogSeen, Seen};
use crate::families::audit::way::Way;
use crate::families::ruling::{Ruling, inconclusive, skipped};

const OF_A_FILE: &str = "see that --audit-log is the log of this cluster's API server, all of them, and run again";
const OF_A_WEBHOOK: &str = "see that the API servers' --audit-webhook-config-file names this webhook, its token and its authority, \
                            and run again";
const OF_CLOUDWATCH: &str = "see that --audit-cloudwatch is the log group of this cluster, that its audit logs are on \
                             (`aws eks describe-cluster`, logging), and run again";

/// The log, or why there is none.
pub(super) fn given(seen: &Seen) -> Result<&LogSeen, Ruling> {
    seen.log.as_ref().ok_or_else(|| {
        skipped(
            "no-log",
            "no audit log was given (--audit-log), so nothing was done to be found in it",
            "give the API server's audit log with --audit-log, or --audit-cloudwatch, or --audit-webhook",
        )
    })
}

/// What helps where the log shows nothing.
fn again(log: &LogSeen) -> &'static str {
    match slowest(log) {
        Way::File => OF_A_FILE,
        Way::Webhook => OF_A_WEBHOOK,
        Way::CloudWatch => OF_CLOUDWATCH,
    }
}

/// The way of which least is known.
pub(super) fn slowest(log: &LogSeen) -> Way {
    log.ways.last().copied().unwrap_or(Way::File)
}

/// How many posts to a webhook were refused, and why; empty where none was.
fn refused(log: &LogSeen) -> String {
    let each: Vec<String> = log.refused.iter().map(|(why, count)| format!("{count} ({why})")).collect();
    each.join(", ")
}

/// Why the log shows nothing at all: it could not be read on, or had not even what was done at the end.
pub(super) fn unheard(seen: &Seen, log: &LogSeen) -> Option<Ruling> {
    if let Some(trouble) = &log.trouble {
        return Some(inconclusive("log-unread", format!("the audit log could not be read on: {trouble}"), again(log)));
    }
    if seen.log_is_live() {
        return None;
    }
    let sought = seen.controls.values().filter_map(|control| control.sought_ms).max();
    let after = sought.map_or(String::new(), |ms| format!(" after {} s", seconds(ms)));
    let refused = refused(log);
    let refused = if refused.is_empty() { refused } else { format!("; posts were refused: {refused}") };
    let may_be = match slowest(log) {
        Way::File => "it may be another cluster's, or late",
        Way::Webhook => "the API server may know of no such webhook, or gather its events for longer",
        Way::CloudWatch => {
            "audit logs may be off, the group another cluster's, or AWS late: it delivers by best effort, mostly within minutes"
        }
    };
    let reason =
        format!("the log had nothing of this run{after}, not even what the runner did at the end: {may_be}{refused}");
    Some(inconclusive("log-mute", reason, again(log)))
}

/// Why it shows nothing that this is not in it: besides, a record could have been torn or refused, lie in the log of another
/// API server, or be on its way still.
pub(super) fn blind(seen: &Seen, log: &LogSeen, what: &str) -> Option<Ruling> {
    if let Some(unheard) = unheard(seen, log) {
        return Some(unheard);
    }
    let unreadable = log.torn + log.too_long;
    if unreadable > 0 {
        let reason = format!("{what} was not found, and {unreadable} lines of the log could not be read");
        return Some(inconclusive("log-torn", reason, again(log)));
    }
    if !log.refused.is_empty() {
        let reason = format!("{what} was not found, and posts to the webhook were refused: {}", refused(log));
        return Some(inconclusive("posts-refused", reason, OF_A_WEBHOOK));
    }
    let held = log.heard.unwrap_or(log.sources.len());
    if log.servers.is_some_and(|servers| servers <= held) {
        return None;
    }
    let servers = log.servers.map_or("an unknown number of".to_owned(), |servers| servers.to_string());
    let (reason, remedy) = if log.heard.is_some() {
        (
            format!(
                "{what} was not found, and of what was done at the end something came from {held} API servers alone; there are \
                 {servers}, and the record may be with one that was not heard of"
            ),
            "run again: what one of several API servers has not sent yet can't be told from what it does not keep",
        )
    } else {
        (
            format!(
                "{what} was not found in {held} logs, and there are {servers} API servers, each with a log of its own"
            ),
            "give the log of each API server: --audit-log several times",
        )
    };
    Some(inconclusive("other-servers", reason, remedy))
}

/// For how long something that was not found, or not at once, had been looked for in vain; in records that do not tell, for as
/// long as may be.
pub(super) fn sought(log: &LogSeen, done: &DeedSeen) -> u64 {
    match done.sought_ms {
        None if log.ways.is_empty() => u64::MAX,
        sought => sought.unwrap_or_default(),
    }
}
