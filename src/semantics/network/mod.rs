//! What NetworkPolicies mean.
