//! What a pod's status says of a probe that is starting. Pure.

use k8s_openapi::api::core::v1::Pod;

/// How far a probe pod has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PodState {
    /// It has not run yet, and nothing is wrong.
    Starting,
    /// It runs and has an address.
    Running {
        /// The pod's address.
        address: String,
    },
    /// Something is wrong that may pass by itself.
    Troubled(String),
    /// It will never run, or has ended.
    Over(String),
}

/// Reads a pod's status.
pub(super) fn state_of(pod: &Pod) -> PodState {
    let Some(status) = &pod.status else { return PodState::Starting };
    let phase = status.phase.as_deref().unwrap_or("Pending");
    let container = status.container_statuses.iter().flatten().next();
    if matches!(phase, "Failed" | "Succeeded") {
        let ended = container.and_then(|c| c.state.as_ref()).and_then(|s| s.terminated.as_ref());
        let why = status
            .message
            .clone()
            .or_else(|| status.reason.clone())
            .or_else(|| ended.map(|ended| format!("exit code {}", ended.exit_code)))
            .unwrap_or_else(|| phase.to_owned());
        return PodState::Over(format!("the probe's pod ended: {why}"));
    }
    if let Some(waiting) = container.and_then(|c| c.state.as_ref()).and_then(|s| s.waiting.as_ref()) {
        let reason = waiting.reason.as_deref().unwrap_or("");
        let message = waiting.message.as_deref().unwrap_or("");
        return match reason {
            "" | "ContainerCreating" | "PodInitializing" => PodState::Starting,
            "InvalidImageName" | "ErrImageNeverPull" | "ImagePullBackOff" | "ErrImagePull" => {
                let image = container.map(|c| c.image.as_str()).unwrap_or_default();
                PodState::Troubled(format!("the probe's image {image} can't be pulled ({reason}): {message}"))
            }
            _ => PodState::Troubled(format!("the probe's container does not start ({reason}): {message}")),
        };
    }
    if phase == "Running" {
        return match &status.pod_ip {
            Some(address) if !address.is_empty() => PodState::Running { address: address.clone() },
            _ => PodState::Starting,
        };
    }
    let scheduled = status.conditions.iter().flatten().find(|condition| condition.type_ == "PodScheduled");
    match scheduled {
        Some(condition) if condition.status == "False" => PodState::Troubled(format!(
            "the probe fits on no node ({}): {}",
            condition.reason.as_deref().unwrap_or("not scheduled"),
            condition.message.as_deref().unwrap_or("no message"),
        )),
        _ => PodState::Starting,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::{PodState, state_of};

    #[rstest]
    #[case::nothing_yet(json!({}), PodState::Starting)]
    #[case::creating(
        json!({"phase": "Pending", "containerStatuses": [{"name": "probe", "image": "i", "imageID": "", "ready": false,
            "restartCount": 0, "state": {"waiting": {"reason": "ContainerCreating"}}}]}),
        PodState::Starting
    )]
    #[case::no_image(
        json!({"phase": "Pending", "containerStatuses": [{"name": "probe", "image": "no/such:1", "imageID": "",
            "ready": false, "restartCount": 0,
            "state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}}]}),
        PodState::Troubled("the probe's image no/such:1 can't be pulled (ImagePullBackOff): not found".into())
    )]
    #[case::does_not_fit(
        json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": "0/3 nodes are available"}]}),
        PodState::Troubled("the probe fits on no node (Unschedulable): 0/3 nodes are available".into())
    )]
    #[case::runs(json!({"phase": "Running", "podIP": "10.0.0.1"}), PodState::Running { address: "10.0.0.1".into() })]
    #[case::runs_without_address(json!({"phase": "Running"}), PodState::Starting)]
    #[case::evicted(
        json!({"phase": "Failed", "reason": "Evicted"}),
        PodState::Over("the probe's pod ended: Evicted".into())
    )]
    fn status_becomes_state(#[case] status: serde_json::Value, #[case] expected: PodState) {
        let pod = serde_json::from_value(json!({"metadata": {}, "status": status})).unwrap();
        assert_eq!(state_of(&pod), expected);
    }
}
