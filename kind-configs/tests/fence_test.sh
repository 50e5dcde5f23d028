#!/usr/bin/env bash
# Does a running lab fence as it says? A NetworkPolicy is put up between two pods on two nodes, and the connection is tried before and after.
# Usage: fence_test.sh [NAME]   (default: tenantproof). Needs the agnhost image in it: lab build --with-agnhost; lab load agnhost --name NAME
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
name="${1:-tenantproof}" ns="lab-fence-$$" passed=0 failed=0
# shellcheck source=../versions.env
. "$here/versions.env"
cni="$("$here/lab" status --name "$name" --json | sed -n "s/.*\"name\": \"$name\",.*\"cni\": \"\([a-z-]*\)\".*/\1/p")"
k() { docker exec -i "$name-control-plane" kubectl --kubeconfig=/etc/kubernetes/admin.conf "$@"; }
is() { # WHAT WANTED GOT
  if [ "$2" = "$3" ]; then passed=$(( passed + 1 )); echo "ok $(( passed + failed )) - $1: $3"; else failed=$(( failed + 1 )); echo "not ok $(( passed + failed )) - $1: $3, not $2"; fi
}
try() { # PROTOCOL: connected, refused or timeout, as the client sees it
  local out; out="$(k -n "$ns" exec client -- /agnhost connect --protocol="$1" --timeout=3s "$address:8080" 2>&1 || true)"
  case "$out" in '') echo connected ;; *REFUSED*) echo refused ;; *TIMEOUT*) echo timeout ;; *) echo "$out" | head -n 1 ;; esac
}
trap 'k delete namespace "$ns" --wait=false >/dev/null 2>&1 || true' EXIT

k create namespace "$ns" >/dev/null
pod() { cat <<Y
apiVersion: v1
kind: Pod
metadata: {name: $1, namespace: $ns, labels: {app: $1}}
spec:
  nodeName: $name-$2
  terminationGracePeriodSeconds: 0
  containers: [{name: a, image: "registry.k8s.io/e2e-test-images/agnhost:$AGNHOST", imagePullPolicy: Never, args: [$3]}]
---
Y
}
{ pod server worker netexec; pod client worker2 pause; } | k apply -f - >/dev/null
k -n "$ns" wait --for=condition=Ready pod/server pod/client --timeout=90s >/dev/null
address="$(k -n "$ns" get pod server -o 'jsonpath={.status.podIP}')"
is "before, TCP ($cni)" connected "$(try tcp)"
printf '%s' '{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"shut"},"spec":{"podSelector":{"matchLabels":{"app":"server"}},"policyTypes":["Ingress"]}}' | k -n "$ns" apply -f - >/dev/null
sleep 4
case "$cni" in kube-router) want=refused ;; cilium) want=timeout ;; *) want=connected ;; esac
is "shut, TCP" "$want" "$(try tcp)"
k -n "$ns" delete networkpolicy shut >/dev/null; sleep 4
is "open again, TCP" connected "$(try tcp)"
is "audit log: the pod's creation with its body" yes "$(docker exec "$name-control-plane" sh -c "grep -h '\"level\":\"RequestResponse\"' /var/log/kubernetes/audit*.log | grep '\"verb\":\"create\"\\|\"verb\":\"patch\"' | grep '\"namespace\":\"$ns\"' | grep -q '\"requestObject\"' && echo yes || echo no")"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
