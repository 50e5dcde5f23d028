//! The Kubernetes side: clients, probe pods, snapshots, clean-up.
