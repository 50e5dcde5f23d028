use rstest::rstest;
use tenantproof::report::summary;
use tenantproof::run::RunRecord;

use crate::story::Story;

#[rstest]
#[case::conforming("conforming", Story::conforming())]
#[case::leaking("leaking", Story::leaking())]
#[case::killed("killed", Story::killed())]
#[case::hundred("hundred", Story::hundred())]
#[case::hostile("hostile", Story::hostile())]
fn shows(#[case] name: &str, #[case] story: Story) {
    insta::assert_snapshot!(format!("summary_{name}"), summary::render(&story.record()));
}

#[rstest]
#[case::leaking(Story::leaking())]
#[case::hostile(Story::hostile())]
fn holds_no_markup_but_its_own(#[case] story: Story) {
    let text = summary::render(&story.record());
    let mut bare = text.clone();
    for own in ["<details>", "</details>", "<summary>", "</summary>", "<sub>", "</sub>", "<br>"] {
        bare = bare.replace(own, "");
    }
    let outside: String = bare.lines().map(outside_of_code).collect();
    assert!(!outside.contains('<'), "{outside}");
    assert!(!outside.contains("@team") && !outside.contains("@all") && !outside.contains("@me"), "{outside}");
}

/// What of a line does not stand in a code span, where nothing is markup: a span ends at as many
/// backticks as it began with (`CommonMark` 6.1).
fn outside_of_code(line: &str) -> String {
    let mut outside = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        let run = rest[start..].chars().take_while(|c| *c == '`').count();
        if rest[..start].ends_with('\\') {
            outside.push_str(&rest[..=start]);
            rest = &rest[start + 1..];
            continue;
        }
        outside.push_str(&rest[..start]);
        rest = &rest[start + run..];
        let mut end = 0;
        loop {
            end += rest[end..].find('`').unwrap_or_else(|| panic!("a code span is open: {line}"));
            let ticks = rest[end..].chars().take_while(|c| *c == '`').count();
            end += ticks;
            if ticks == run {
                break;
            }
        }
        rest = &rest[end..];
    }
    outside + rest
}

#[test]
fn every_row_of_the_table_has_as_many_cells() {
    let text = summary::render(&Story::hostile().record());
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 5);
    for row in rows {
        assert_eq!(row.matches('|').count(), 5, "{row}");
    }
}

#[test]
fn never_outgrows_a_comment() {
    let mut record: RunRecord = Story::hundred().record();
    let long = "x".repeat(5000);
    for result in &mut record.findings {
        result.sentence = format!("{long}`*<@|{}", result.sentence);
        result.cause = format!("{long}{}", result.cause);
        result.remedy.clone_from(&result.cause);
    }
    let copies: Vec<_> = (0..200)
        .flat_map(|n| {
            record.findings.iter().cloned().map(move |mut f| {
                f.cause = format!("{n} {}", f.cause);
                f
            })
        })
        .collect();
    record.findings = copies;
    record.coverage.not_tried = vec![long.clone(); 500];
    record.coverage.not_understood = vec![long.clone(); 500];
    record.tenancy.name.clone_from(&long);
    let text = summary::render(&record);
    assert!(text.len() <= summary::LONGEST, "{} bytes", text.len());
    assert!(text.contains("more: `run.json`"));
    assert!(text.trim_end().ends_with("`junit.xml`."));
}

#[test]
fn says_first_that_a_run_is_unfinished() {
    assert!(summary::render(&Story::killed().record()).starts_with("**UNFINISHED: "));
}
