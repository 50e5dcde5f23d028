module tenantproof.dev/oracle-audit

go 1.24.0

require k8s.io/apiserver v0.34.4
