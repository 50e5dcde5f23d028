//! A small library of verbs, so that a test reads as a story.

mod lab;
mod story;

pub(crate) use lab::{Ended, Lab, Run, eventually, labs};
pub(crate) use story::{Story, fence};
