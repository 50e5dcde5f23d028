//! An error as a person sees it.

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

/// The page of an error, a hundred columns wide.
pub(crate) fn page(error: &dyn Diagnostic) -> String {
    let mut page = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .render_report(&mut page, error)
        .unwrap();
    // Where a line ends is the terminal's business.
    page.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}
