//! The terminal: progress while a run works, and one page when it has ended.

mod layout;
mod page;
mod progress;
mod table;

pub use page::page;
pub use progress::Progress;
