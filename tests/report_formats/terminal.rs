use std::path::Path;

use rstest::rstest;
use tenantproof::model::Verdict;
use tenantproof::report::style::{Charset, Palette};
use tenantproof::report::{Style, terminal};

use crate::story::Story;

const UNICODE: Style = Style { palette: Palette::Plain, charset: Charset::Unicode, columns: 100 };

fn page(story: &Story, style: &Style) -> String {
    terminal::page(&story.record(), style, Some(Path::new("reports/out")))
}

#[rstest]
#[case::conforming("conforming", Story::conforming())]
#[case::leaking("leaking", Story::leaking())]
#[case::unenforced("unenforced", Story::unenforced())]
#[case::killed("killed", Story::killed())]
#[case::interrupted("interrupted", Story::interrupted())]
#[case::hundred("hundred", Story::hundred())]
#[case::hostile("hostile", Story::hostile())]
fn shows(#[case] name: &str, #[case] story: Story) {
    let page = page(&story, &UNICODE);
    insta::assert_snapshot!(format!("page_{name}"), page);
}

#[test]
fn shows_in_ascii() {
    insta::assert_snapshot!("page_ascii", page(&Story::leaking(), &Style::PLAIN));
}

#[rstest]
#[case::ansi("ansi", Palette::Ansi)]
#[case::light("light", Palette::Light)]
#[case::dark("dark", Palette::Dark)]
fn shows_in_colour(#[case] name: &str, #[case] palette: Palette) {
    let page = page(&Story::leaking(), &Style { palette, ..UNICODE });
    insta::assert_snapshot!(format!("page_{}", name), page.replace('\u{1b}', "␛"));
}

#[rstest]
#[case::conforming(Story::conforming())]
#[case::leaking(Story::leaking())]
#[case::unenforced(Story::unenforced())]
#[case::killed(Story::killed())]
#[case::interrupted(Story::interrupted())]
#[case::hundred(Story::hundred())]
fn fits(#[case] story: Story) {
    let page = page(&story, &UNICODE);
    assert!(page.lines().count() <= 40, "{} lines", page.lines().count());
    // A command is never broken, however long: it is there to be copied.
    let widest = page.lines().filter(|line| !line.starts_with("  explain")).map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{widest:?} columns");
}

#[rstest]
#[case(Story::leaking())]
#[case(Story::hostile())]
fn is_ascii_where_nothing_else_can_be_shown(#[case] story: Story) {
    let page = page(&story, &Style::PLAIN);
    assert!(page.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)), "{page}");
}

#[test]
fn says_first_that_a_run_is_unfinished() {
    assert!(page(&Story::killed(), &UNICODE).starts_with("UNFINISHED: "));
    assert!(page(&Story::interrupted(), &UNICODE).starts_with("INTERRUPTED: "));
}

#[test]
fn colour_is_never_the_only_carrier() {
    let coloured = page(&Story::leaking(), &Style { palette: Palette::Dark, ..UNICODE });
    let mut stripped = String::new();
    let mut letters = coloured.chars();
    while let Some(c) = letters.next() {
        if c == '\u{1b}' {
            letters.find(|c| *c == 'm');
        } else {
            stripped.push(c);
        }
    }
    assert_eq!(stripped, page(&Story::leaking(), &UNICODE));
}

#[test]
fn no_verdict_of_a_case_is_lost() {
    let record = Story::leaking().record();
    let page = terminal::page(&record, &UNICODE, None);
    for verdict in Verdict::ALL {
        let words = format!("{} {}", record.counts.of(verdict), verdict.word());
        assert!(page.contains(&words), "{words:?} is missing");
    }
}
