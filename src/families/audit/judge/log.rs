//! What a log can show, before it is asked for one record: whether there is one, whether it is heard, and whether
//! something that is not in it would have been.

use crate::families::audit::seen::{LogSeen, Seen};
use crate::families::ruling::{Ruling, inconclusive, skipped};

const AGAIN: &str = "see that --audit-log is the log of this cluster's API server, all of them, and run again";

/// The log, or why there is none.
pub(super) fn given(seen: &Seen) -> Result<&LogSeen, Ruling> {
    seen.log.as_ref().ok_or_else(|| {
        skipped(
            "no-log",
            "no audit log was given (--audit-log), so nothing was done to be found in it",
            "give the API server's audit log with --audit-log",
        )
    })
}

/// Why the log shows nothing at all: it could not be read on, or had not even what was done at the end.
pub(super) fn unheard(seen: &Seen, log: &LogSeen) -> Option<Ruling> {
    if let Some(trouble) = &log.trouble {
        return Some(inconclusive("log-unread", format!("the audit log could not be read on: {trouble}"), AGAIN));
    }
    let reason = "the log had nothing of this run, not even what the runner did at the end: it may be another cluster's, or late";
    (!seen.log_is_live()).then(|| inconclusive("log-mute", reason.to_owned(), AGAIN))
}

/// Why it shows nothing that this is not in it: besides, a record could have been torn, or lie in the log of another
/// API server.
pub(super) fn blind(seen: &Seen, log: &LogSeen, what: &str) -> Option<Ruling> {
    if let Some(unheard) = unheard(seen, log) {
        return Some(unheard);
    }
    let unreadable = log.torn + log.too_long;
    if unreadable > 0 {
        let reason = format!("{what} was not found, and {unreadable} lines of the log could not be read");
        return Some(inconclusive("log-torn", reason, AGAIN));
    }
    let given = log.sources.len();
    if log.servers.is_some_and(|servers| servers <= given) {
        return None;
    }
    let servers = log.servers.map_or("an unknown number of".to_owned(), |servers| servers.to_string());
    let reason = format!(
        "{what} was not found in {given} logs, and there are {servers} API servers, each with a log of its own"
    );
    let remedy = "give the log of each API server: --audit-log several times";
    Some(inconclusive("other-servers", reason, remedy))
}
