//! What every run asks of the API server, as data: reading what probes could disturb, and making them. What a
//! family needs beside it is part of the family.

use crate::plan::Permission;

/// What every run needs, over the whole cluster (reading) and in the tenants' namespaces (writing).
pub const PERMISSIONS: &[Permission] = &[
    Permission::read(
        "",
        &["namespaces", "nodes", "pods", "services", "resourcequotas", "limitranges"],
        "to know what is promised to whom, and what a probe would disturb",
    ),
    Permission {
        group: "",
        resources: &["pods"],
        verbs: &["create", "patch", "delete"],
        why: "probes; patching gives a probe its orders",
    },
    Permission { group: "", resources: &["pods/log"], verbs: &["get"], why: "a probe answers by its log" },
    Permission {
        group: "",
        resources: &["services"],
        verbs: &["create", "delete"],
        why: "a Service before each probe that is reached by one",
    },
    Permission {
        group: "coordination.k8s.io",
        resources: &["leases"],
        verbs: &["get", "create", "patch", "delete"],
        why: "one Lease in each namespace: the lock between runs, and the owner of the probes",
    },
    Permission {
        group: "scheduling.k8s.io",
        resources: &["priorityclasses"],
        verbs: &["create", "delete"],
        why: "the lowest priority for probes; not needed with --priority-class",
    },
];

/// What taking a tenant's name asks for, which few grant: only where `tenantproof permissions` was told so.
pub const IMPERSONATE: Permission = Permission {
    group: "",
    resources: &["users", "groups", "serviceaccounts"],
    verbs: &["impersonate"],
    why: "to make requests in the names of tenants' subjects that must be on record; narrow it with resourceNames",
};

/// What asking for a tenant's own token asks for, which few grant: only where `tenantproof permissions` was told so.
pub const REQUEST_TOKENS: Permission = Permission {
    group: "",
    resources: &["serviceaccounts/token"],
    verbs: &["create"],
    why: "only with --request-tokens: to make requests as tenants' service accounts themselves; grant it by Roles in \
          the tenants' namespaces rather than for the cluster",
};
