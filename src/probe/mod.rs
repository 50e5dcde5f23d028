//! The probe: what runs inside the probe pods, and what it and the runner say to each other.
//!
//! The runner needs [`wire`] and [`frame`]; the rest is what the program `tenantproof-probe` does:
//! it listens, reads its orders from a file, tries all its targets at once, makes calls to the cloud, and
//! answers in its log.
//! Nothing here links the Kubernetes or AWS side of the runner.

pub mod agent;
pub mod args;
pub mod frame;
pub mod wire;

mod arrivals;
mod attempt;
mod cloud;
mod digest;
mod dns;
mod errno;
mod greeting;
mod listen;
mod orders;
mod socket;
