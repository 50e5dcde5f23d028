//! What is asked of AWS: the program as it is shipped, against a cluster and an AWS that stand in, of which it can't tell
//! that they do.
#![cfg(all(test, feature = "aws"))]

#[path = "../support/api.rs"]
mod api;
#[path = "../support/cloudwatch.rs"]
mod cloudwatch;
#[path = "../support/recorded/cluster.rs"]
mod cluster;
mod estate;
#[path = "../support/estate.rs"]
mod estate_there;
mod logs;
mod refusals;
#[path = "../support/recorded/scene.rs"]
mod scene;
