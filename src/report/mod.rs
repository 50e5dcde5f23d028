//! One module for each format. A report never asks a cluster anything and never decides a verdict.
