//! One module for each format. A report never asks a cluster anything and never decides a verdict.
//!
//! Everything is rendered from a [`RunRecord`] alone, so that a stored `run.json` can be shown and
//! written again without a cluster: [`terminal::page`], [`junit::render`], [`json::render`] and
//! [`summary::render`] are pure. The [`Consumer`]s do the rest: they follow the events of a run.

mod causes;
mod error;
pub mod files;
pub mod json;
pub mod junit;
mod matrix;
pub mod mutation;
pub(crate) mod observed;
pub(crate) mod sheet;
pub mod style;
pub mod summary;
mod tally;
pub mod terminal;
pub(crate) mod visible;
pub(crate) mod wording;

pub use error::{FileFailure, RenderError, ReportError};
pub use style::Style;

use crate::run::{Event, RunRecord};

/// Somebody who follows a run. Consumers know nothing of one another.
pub trait Consumer {
    /// Takes notice of an event. The record has taken it in already.
    ///
    /// # Errors
    ///
    /// When the consumer could not write what it has to; it stays usable, and the run goes on.
    fn on(&mut self, event: &Event, record: &RunRecord) -> Result<(), ReportError>;
}
