//! The probe: what runs inside the probe pods, and what it and the runner say to each other.
//!
//! Nothing here links the Kubernetes or AWS side of the runner.

pub mod wire;
