//! Many calls: in order, over few connections, in little memory.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use super::scene::{Scene, delete, get, list, order, put, s3};
use super::stand_in::StandIn;

/// What twenty probes have to do on a lab, done by one.
#[test]
fn sixteen_hundred_calls_are_answered_in_order_over_few_connections() {
    let server = StandIn::start(s3);
    let scene = Scene::with_keys(&server.url());
    let series = (0..400).map(|bucket| {
        let name = format!("tenant-{bucket}");
        let deeds = [list(&name), put(&name), get(&name), delete(&name)];
        let calls = (0..).zip(deeds).map(|(at, deed)| json!({"i": bucket * 4 + at, "s": 1, "d": deed}));
        json!(calls.collect::<Vec<_>>())
    });
    let asked = order(series.collect());
    let size = asked.to_string().len();
    assert!(size / 20 < 12_000, "a probe's part of it is a small annotation: {size} bytes for all");
    let began = Instant::now();
    let report = scene.order(1, asked);
    let took = began.elapsed();
    assert!(report.calls.iter().map(|told| told.id).eq(0..1600), "in the order's order");
    assert!(report.calls.iter().all(|told| told.class.is_allowed()));
    assert!(server.connections() <= 17, "connections are kept: {}", server.connections());
    assert!(took < Duration::from_secs(20), "it took {took:?}");
    let status = fs::read_to_string(format!("/proc/{}/status", scene.probe.child.id())).expect("it runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel tells");
    let peak: u32 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    assert!(peak < 24 * 1024, "it took {peak} kB at most, unoptimized");
}
