//! The sentences that every format shares, so that no two of them disagree.

use super::tally::{Tally, of_run};
use crate::model::Verdict;
use crate::run::{RunRecord, RunStatus};

/// What a run came to, in a word and a sentence.
pub(crate) struct Headline {
    /// The verdict whose colour and glyph it takes.
    pub(crate) verdict: Verdict,
    /// One or two words.
    pub(crate) word: &'static str,
    /// One sentence.
    pub(crate) sentence: String,
}

/// A number and its noun.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// What the run came to.
pub(crate) fn headline(record: &RunRecord) -> Headline {
    let tally = of_run(record);
    let total = count(tally.total(), "case", "cases");
    let code = record.exit_code();
    let rest = rest(&tally);
    let (verdict, word, main) = if code == 1 {
        let verb = if tally.counts.fail == 1 { "shows" } else { "show" };
        (Verdict::Fail, "broken", format!("{} of {total} {verb} a broken promise", tally.counts.fail))
    } else if tally.total() == 0 {
        (Verdict::Inconclusive, "not proved", "no case was judged".to_owned())
    } else if code == 0 && tally.counts.pass == tally.total() {
        let all = if tally.total() == 1 { "the one case holds".to_owned() } else { format!("all {total} hold") };
        (Verdict::Pass, "proved", all)
    } else {
        let verb = if tally.counts.pass == 1 { "holds" } else { "hold" };
        let main = format!("{} of {total} {verb}, none shows a broken promise", tally.counts.pass);
        match (code, tally.counts.pass) {
            (0, 1..) => (Verdict::Pass, "nothing broken", main),
            _ => (Verdict::Inconclusive, "not proved", main),
        }
    };
    let sentence = if rest.is_empty() { format!("{main}.") } else { format!("{main}; {rest}.") };
    Headline { verdict, word, sentence }
}

fn rest(tally: &Tally) -> String {
    let parts = [
        (tally.counts.inconclusive, "could not be proved"),
        (tally.unjudged, "never judged"),
        (tally.counts.skipped, "not tried"),
        (tally.counts.waived, "accepted"),
    ];
    let parts: Vec<_> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    parts.join(", ")
}

/// The warning that stands before everything else where a run did not finish.
pub(crate) fn unfinished(record: &RunRecord) -> Option<String> {
    let (word, how) = match record.status {
        RunStatus::Finished => return None,
        RunStatus::Unfinished => ("UNFINISHED", "The run is under way, or it was killed"),
        RunStatus::Interrupted => ("INTERRUPTED", "The run was interrupted and has cleaned up"),
        RunStatus::Aborted => ("ABORTED", "The run could not go on and has cleaned up"),
    };
    let tally = of_run(record);
    let left = match (tally.total(), tally.unjudged) {
        (0, _) => "no case was planned, so nothing is known".to_owned(),
        (_, 0) => "all planned cases were judged, but the run did not come to its end".to_owned(),
        (total, left) => {
            format!("{left} of {} never judged, and nothing is known of them", count(total, "case was", "cases were"))
        }
    };
    Some(format!("{word}: {how}; {left}."))
}

/// What an exit code means.
pub(crate) const fn exit_meaning(code: u8) -> &'static str {
    match code {
        0 => "no promise is broken",
        1 => "a promise is broken",
        _ => "isolation could not be proved",
    }
}

/// How many cases came to what, worst first: `3 broken, 91 proved`.
pub(crate) fn counts(tally: &Tally) -> String {
    let mut parts: Vec<String> = Vec::new();
    for verdict in Verdict::ALL {
        if tally.counts.of(verdict) > 0 {
            parts.push(format!("{} {}", tally.counts.of(verdict), verdict.word()));
        }
        if verdict == Verdict::Inconclusive && tally.unjudged > 0 {
            parts.push(format!("{} never judged", tally.unjudged));
        }
    }
    if parts.is_empty() { "no case".to_owned() } else { parts.join(", ") }
}

/// What the run covered, in one sentence.
pub(crate) fn covered(record: &RunRecord) -> String {
    let tally = of_run(record);
    let coverage = &record.coverage;
    format!(
        "{} of {} judged for {}; objects: {} judged, {} irrelevant, {} not modelled.",
        tally.counts.total(),
        count(tally.total(), "case", "cases"),
        count(coverage.pods_represented, "pod", "pods"),
        coverage.judged,
        coverage.irrelevant,
        coverage.not_understood.len(),
    )
}

/// The command that explains a case, with its id quoted for a POSIX shell where it has to be.
pub(crate) fn explain_command(id: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    if !id.is_empty() && !id.starts_with('-') && id.chars().all(plain) {
        format!("tenantproof explain {id}")
    } else {
        let separator = if id.starts_with('-') { "-- " } else { "" };
        format!("tenantproof explain {separator}'{}'", id.replace('\'', "'\\''"))
    }
}

/// A time in RFC 3339 as people read it: `2026-11-24 07:42:10 UTC`.
pub(crate) fn moment(rfc3339: &str) -> String {
    rfc3339.parse::<jiff::Timestamp>().map_or_else(
        |_| if rfc3339.is_empty() { "at an unknown time".to_owned() } else { rfc3339.to_owned() },
        |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// Seconds as people read them.
pub(crate) fn seconds(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    // A duration shown to a person: beyond 2^63 s there is none.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate, and it is only shown")]
    let whole = seconds.round() as u64;
    format!("{} min {:02} s", whole / 60, whole % 60)
}

/// The first characters of an identifier that is too long to be read.
pub(crate) fn head(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or(text, |(end, _)| &text[..end])
}
