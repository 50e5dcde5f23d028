//! What the reports of a run look like, and that every format stays whole whatever the names in it.

#[path = "../support/story.rs"]
mod story;

mod explained;
mod files;
mod json;
mod junit;
mod samples;
mod speed;
mod summary;
mod terminal;
