//! Cloud calls, against a stand-in: no AWS is asked here, and none is imitated beyond the form of its answers.

mod answers;
mod links;
mod markers;
mod metadata;
mod ministack;
mod scene;
mod services;
mod sources;
mod speed;
mod stand_in;
