//! Workloads whose controllers make pods: each with a pod as its template. Pure.

use serde_json::{Value, json};

/// A controller that makes pods of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Controller {
    Deployment,
    StatefulSet,
    Job,
    CronJob,
}

impl Controller {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::Deployment, Self::StatefulSet, Self::Job, Self::CronJob];

    /// Its kind.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::Job => "Job",
            Self::CronJob => "CronJob",
        }
    }

    /// Its API group.
    pub(super) const fn group(self) -> &'static str {
        match self {
            Self::Deployment | Self::StatefulSet => "apps",
            Self::Job | Self::CronJob => "batch",
        }
    }

    /// Its name in paths.
    pub(super) const fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::Job => "jobs",
            Self::CronJob => "cronjobs",
        }
    }

    /// A workload with this pod as its template. `own` is a label, key and value, that nothing else carries.
    pub(super) fn of(self, pod: &Value, own: (&str, &str), replicas: u8) -> Value {
        let mut template = json!({"metadata": pod["metadata"], "spec": pod["spec"]});
        template["metadata"]["labels"][own.0] = json!(own.1);
        let selector = json!({"matchLabels": {own.0: own.1}});
        if matches!(self, Self::Job | Self::CronJob) {
            template["spec"]["restartPolicy"] = json!("Never");
        }
        let job = json!({"backoffLimit": 0, "template": template});
        let spec = match self {
            Self::Deployment => json!({"replicas": replicas, "selector": selector, "template": template}),
            Self::StatefulSet => {
                json!({"replicas": replicas, "selector": selector, "template": template, "serviceName": own.1})
            }
            Self::Job => job,
            // It never comes to a time of its own: its Job is made from its template, as `kubectl create job --from` does.
            Self::CronJob => json!({"schedule": "0 0 1 1 *", "suspend": true, "jobTemplate": {"spec": job}}),
        };
        json!({
            "apiVersion": format!("{}/v1", self.group()),
            "kind": self.kind(),
            // The same labels: policies may choose a workload by its own.
            "metadata": {"labels": pod["metadata"]["labels"]},
            "spec": spec,
        })
    }

    /// What really runs the template: the workload itself, or the Job of a CronJob.
    pub(super) fn runs(self, workload: &Value) -> (Self, Value) {
        if self != Self::CronJob {
            return (self, workload.clone());
        }
        let job = json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"labels": workload["metadata"]["labels"], "annotations": {"cronjob.kubernetes.io/instantiate": "manual"}},
            "spec": workload["spec"]["jobTemplate"]["spec"],
        });
        (Self::Job, job)
    }

    /// The pod that its controller would make.
    pub(super) fn pod(self, workload: &Value) -> Value {
        let spec = &workload["spec"];
        let template = if self == Self::CronJob { &spec["jobTemplate"]["spec"]["template"] } else { &spec["template"] };
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"], "spec": template["spec"]})
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
    use k8s_openapi::api::batch::v1::{CronJob, Job};
    use serde_json::json;

    use super::Controller;

    #[test]
    fn each_controller_carries_the_pod_as_it_is() {
        let pod =
            json!({"metadata": {"labels": {"class": "PHI"}}, "spec": {"containers": [{"name": "c0", "image": "i"}]}});
        for controller in Controller::ALL {
            let workload = controller.of(&pod, ("own", "x"), 1);
            assert_eq!(workload["metadata"]["labels"], json!({"class": "PHI"}));
            let (runs, object) = controller.runs(&workload);
            assert_eq!(runs == controller, controller != Controller::CronJob);
            assert_eq!(object["kind"], runs.kind());
            let made = controller.pod(&workload);
            assert_eq!(made["spec"]["containers"], pod["spec"]["containers"]);
            assert_eq!(made["metadata"]["labels"], json!({"class": "PHI", "own": "x"}));
            let fits = match controller {
                Controller::Deployment => serde_json::from_value::<Deployment>(workload).is_ok(),
                Controller::StatefulSet => serde_json::from_value::<StatefulSet>(workload).is_ok(),
                Controller::Job => serde_json::from_value::<Job>(workload).is_ok(),
                Controller::CronJob => serde_json::from_value::<CronJob>(workload).is_ok(),
            };
            assert!(fits, "{controller:?}");
        }
    }
}
