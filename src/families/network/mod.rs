//! The network family.
