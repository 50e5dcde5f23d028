//! The fences of AWS that a cluster has, and how each is taken down. Pure.

use crate::families::{Mutant, PlanInput};

/// None: a fence of this family is a policy of AWS', and none of the cluster's objects is one.
pub(super) fn mutants(_input: &PlanInput<'_>) -> Vec<Mutant> {
    Vec::new()
}
