//! `junit.xml`, for CI systems: a strict subset that is valid under the schema of Jenkins' xUnit
//! plugin (`junit-10.xsd`).
//!
//! One testsuite for each check, one testcase for each case. GitLab shows a testcase's class as
//! its suite, and Jenkins splits it at its last dot into package and class, so it is
//! `family.from→to`. A verdict that is no pass never shows as one: what could not be proved, or
//! was never judged, is an error; what was not tried, or is accepted for now, is a skip with its
//! reason.

use std::collections::HashMap;

use junit_report::{Duration, OffsetDateTime, Report, TestCase, TestResult, TestSuite};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, Writer};

use super::RenderError;
use super::observed::Observed;
use super::sheet;
use super::tally::unjudged;
use super::visible::{shortened, visible};
use super::wording;
use crate::model::{CheckId, Verdict};
use crate::plan::Case;
use crate::run::{CaseResult, RunRecord, RunStatus};

/// How much of one observation a failure shows, in characters.
const OBSERVATION: usize = 1500;
/// How many observations a failure shows.
const OBSERVATIONS: usize = 8;

/// The run as JUnit XML.
///
/// # Errors
///
/// When the XML can't be made.
pub fn render(record: &RunRecord) -> Result<String, RenderError> {
    let suites = suites(record);
    let skipped: Vec<usize> = suites.iter().map(TestSuite::skipped).collect();
    let totals = [
        ("tests", suites.iter().map(TestSuite::tests).sum::<usize>()),
        ("failures", suites.iter().map(TestSuite::failures).sum()),
        ("errors", suites.iter().map(TestSuite::errors).sum()),
    ];
    let mut report = Report::new();
    report.add_testsuites(suites);
    let mut raw = Vec::new();
    report.write_xml(&mut raw).map_err(|why| error(&why))?;
    finish(&raw, record, &skipped, &totals)
}

fn error(why: &impl ToString) -> RenderError {
    RenderError { format: "JUnit XML", why: why.to_string() }
}

/// The suites in the order in which the plan names their checks.
fn suites(record: &RunRecord) -> Vec<TestSuite> {
    let observed = Observed::of(record);
    let mut places: HashMap<&CheckId, usize> = HashMap::new();
    let mut suites: Vec<TestSuite> = Vec::new();
    let results = record.results.iter().map(|result| (&result.case, judged(result, &observed)));
    let rest = unjudged(record).into_iter().map(|case| (case, never_judged(case, record.status)));
    for (case, testcase) in results.chain(rest) {
        let place = *places.entry(&case.check).or_insert_with(|| {
            suites.push(suite(record, case.check.as_str(), case.family.as_str()));
            suites.len() - 1
        });
        suites[place].add_testcase(testcase);
    }
    let nothing = suites.is_empty();
    if let Some(testcase) = run_itself(record, nothing) {
        let mut suite = suite(record, "tenantproof.run", "tenantproof");
        suite.add_testcase(testcase);
        suites.insert(0, suite);
    }
    suites
}

fn suite(record: &RunRecord, name: &str, package: &str) -> TestSuite {
    let mut suite = TestSuite::new(&visible(name));
    suite.package = visible(package).into_owned();
    let started = record.run.started.parse::<jiff::Timestamp>().ok();
    let started = started.and_then(|at| OffsetDateTime::from_unix_timestamp(at.as_second()).ok());
    suite.timestamp = started.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    suite
}

fn judged(result: &CaseResult, observed: &Observed<'_>) -> TestCase {
    let judgement = &result.judgement;
    let reason = visible(&judgement.reason).into_owned();
    let kind = judgement.cause.as_ref().map(|cause| visible(&cause.kind).into_owned());
    let or = |word: &str| kind.clone().unwrap_or_else(|| word.to_owned());
    let body = || Some(body(result, observed));
    let outcome = match judgement.verdict {
        Verdict::Pass => TestResult::Success,
        Verdict::Fail => TestResult::Failure { type_: or("fail"), message: reason, cause: body() },
        Verdict::Inconclusive => TestResult::Error { type_: "inconclusive".to_owned(), message: reason, cause: body() },
        Verdict::Skipped => skip("skipped", reason, None),
        Verdict::Waived => skip("waived", reason, body()),
    };
    testcase(&result.case, observed.millis(result), outcome)
}

fn skip(type_: &str, message: String, cause: Option<String>) -> TestResult {
    TestResult::SkippedWithCause { type_: type_.to_owned(), message, cause }
}

fn never_judged(case: &Case, status: RunStatus) -> TestCase {
    let why = match status {
        RunStatus::Unfinished => "not judged: the run is unfinished",
        RunStatus::Interrupted => "not judged: the run was interrupted",
        RunStatus::Aborted => "not judged: the run was aborted",
        RunStatus::Finished => "not judged: the run ended without a verdict for this case",
    };
    testcase(case, 0, TestResult::Error { type_: "not-judged".to_owned(), message: why.to_owned(), cause: None })
}

/// Errs for a run that did not finish or had nothing to judge: such a file must not be green,
/// whatever its cases came to.
fn run_itself(record: &RunRecord, nothing: bool) -> Option<TestCase> {
    let why = match wording::unfinished(record) {
        Some(why) => why,
        None if nothing => "no case was planned, so nothing was proved".to_owned(),
        None => return None,
    };
    let mut testcase = TestCase::error("the run finished", Duration::ZERO, "unfinished", &why);
    testcase.set_classname("tenantproof.run");
    Some(testcase)
}

fn testcase(case: &Case, millis: i64, result: TestResult) -> TestCase {
    let class = format!("{}.{}→{}", case.family, case.from, case.to);
    TestCase {
        name: visible(case.id.as_str()).into_owned(),
        time: Duration::milliseconds(millis),
        result,
        classname: Some(visible(&class).into_owned()),
        filepath: None,
        system_out: None,
        system_err: None,
    }
}

/// What a failure says besides its message: the three columns, and the observations themselves.
fn body(result: &CaseResult, observed: &Observed<'_>) -> String {
    let mut lines = vec![visible(&result.case.title).into_owned()];
    lines.extend(sheet::lines(result).iter().map(|(label, text)| format!("{label:<9} {}", visible(text))));
    for key in result.evidence.iter().take(OBSERVATIONS) {
        let value = observed.find(&result.case.family, key);
        let value = value.map_or_else(|| "missing from the observations".to_owned(), ToString::to_string);
        lines.push(format!("evidence  {} {}", visible(key), visible(&shortened(&value, OBSERVATION))));
    }
    if result.evidence.len() > OBSERVATIONS {
        lines.push(format!("evidence  and {} more: run.json", result.evidence.len() - OBSERVATIONS));
    }
    lines.push(format!("explain   {}", wording::explain_command(&visible(result.case.id.as_str()))));
    // A CDATA section can't hold its own end, so it is cut in two there.
    lines.join("\n").replace("]]>", "]]]]><![CDATA[>")
}

/// Adds what junit-report can't write and the schema allows: totals, skipped counts, properties
/// and line breaks. Takes away what it invents: a host's name, a time where none is known.
fn finish(raw: &[u8], record: &RunRecord, skipped: &[usize], totals: &[(&str, usize)]) -> Result<String, RenderError> {
    let mut reader = Reader::from_reader(raw);
    let mut writer = Writer::new_with_indent(Vec::with_capacity(raw.len() * 5 / 4), b' ', 2);
    let known_start = record.run.started.parse::<jiff::Timestamp>().is_ok();
    let mut skipped = skipped.iter();
    loop {
        let event = reader.read_event().map_err(|why| error(&why))?;
        match event {
            Event::Eof => break,
            Event::Start(root) if root.name().as_ref() == b"testsuites" => {
                let mut root = root.into_owned();
                root.push_attribute(("name", "tenantproof"));
                for (name, number) in totals {
                    root.push_attribute((*name, number.to_string().as_str()));
                }
                write(&mut writer, Event::Start(root))?;
            }
            Event::Start(suite) if suite.name().as_ref() == b"testsuite" => {
                let mut kept = BytesStart::new("testsuite");
                for attribute in suite.attributes() {
                    let attribute = attribute.map_err(|why| error(&why))?;
                    let name = attribute.key.as_ref();
                    if name != b"hostname" && (known_start || name != b"timestamp") {
                        kept.push_attribute(attribute);
                    }
                }
                kept.push_attribute(("skipped", skipped.next().unwrap_or(&0).to_string().as_str()));
                write(&mut writer, Event::Start(kept))?;
                properties(&mut writer, record)?;
            }
            other => write(&mut writer, other)?,
        }
    }
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(|why| error(&why))
}

/// What was judged, by whom and when: JUnit has no other place for it.
fn properties(writer: &mut Writer<Vec<u8>>, record: &RunRecord) -> Result<(), RenderError> {
    let (run, cluster, tenancy) = (&record.run, &record.cluster, &record.tenancy);
    let properties = [
        ("run", run.id.as_str()),
        ("status", status(record.status)),
        ("started", &run.started),
        ("by", &run.by),
        ("program", &run.program.name),
        ("program.version", &run.program.version),
        ("probe.image", &run.program.probe_image),
        ("cluster.context", &cluster.context),
        ("cluster.uid", &cluster.uid),
        ("cluster.version", &cluster.version),
        ("cluster.cni", &cluster.cni),
        ("cluster.eks", cluster.eks.as_ref().map_or("", |eks| &eks.arn)),
        ("tenancy", &tenancy.name),
        ("tenancy.file", &tenancy.path),
        ("tenancy.sha256", &tenancy.sha256),
    ];
    write(writer, Event::Start(BytesStart::new("properties")))?;
    // What is not known of this cluster is no property of it.
    for (name, value) in properties.into_iter().filter(|(name, value)| *name != "cluster.eks" || !value.is_empty()) {
        let value = visible(value);
        let property = BytesStart::new("property").with_attributes([("name", name), ("value", &value)]);
        write(writer, Event::Empty(property))?;
    }
    write(writer, Event::End(BytesStart::new("properties").to_end()))
}

fn write(writer: &mut Writer<Vec<u8>>, event: Event<'_>) -> Result<(), RenderError> {
    writer.write_event(event).map_err(|why| error(&why))
}

const fn status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Unfinished => "unfinished",
        RunStatus::Interrupted => "interrupted",
        RunStatus::Aborted => "aborted",
        RunStatus::Finished => "finished",
    }
}
