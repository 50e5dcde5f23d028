# shellcheck shell=bash disable=SC2154,SC2034
# AWS' side of a lab, a stand-in: a container beside the nodes, on their network but not of the cluster, and what it has in
# the cluster (manifests/aws.yaml). Its state is in memory: it goes with the container.

aws_port=4566 aws_account=111122223333 aws_region=us-east-1
aws_name() { printf '%s-aws' "$1"; }
aws_endpoint() { local a; a="$(address_of "$(aws_name "$1")" || true)"; [ -z "$a" ] || printf 'http://%s:%s' "$a" "$aws_port"; }
aws_running() { [ "$(docker inspect -f '{{.State.Running}}' "$(aws_name "$1")" 2>/dev/null)" = true ]; }
aws_python() { local name="$1"; shift; docker exec -i "$(aws_name "$name")" python3 "$@"; }
aws_answers() { # NAME
  aws_running "$1" && timeout 5 docker exec "$(aws_name "$1")" python3 -c "
import urllib.request; urllib.request.urlopen('http://127.0.0.1:$aws_port/_ministack/health', timeout=3).read()" >/dev/null 2>&1
}
random_word() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# NAME: starts it and puts into the cluster what belongs there; what was in it before is gone
bring_aws() {
  local name="$1" own="$cache/aws/$1" box; box="$(aws_name "$1")"
  remove_aws "$name"
  mkdir -p "$own/told"; chmod 700 "$own"   # apart from the lab's state, which its nodes mount
  # Not root's keys of an account somewhere: made here, and known to this lab alone.
  ( umask 077; printf 'AWS_ACCESS_KEY_ID=AKIA%s\nAWS_SECRET_ACCESS_KEY=%s\n' "$(random_word | tr a-f A-F | cut -c1-16)" "$(random_word)" > "$own/root.env" )
  random_word > "$own/told/enrolment"
  printf '%s' "$name" > "$own/told/cluster"; printf '%s' "${K8S#v}" | cut -d. -f1,2 > "$own/told/version"
  printf 'https://%s-control-plane:6443' "$name" > "$own/told/api-server"
  docker exec "$name-control-plane" cat /etc/kubernetes/pki/ca.crt > "$own/told/ca.crt"
  local _; for _ in $(seq 120); do in_cluster "$name" get --raw /readyz --request-timeout=2s >/dev/null 2>&1 && break; sleep 0.5; done
  sed '/^# What EKS. webhook does/,$d' "$here/manifests/aws.yaml" | in_cluster "$name" apply -f -
  in_cluster "$name" create token -n kube-system eks-stand-in --duration 8760h > "$own/told/token"
  : > "$own/told/endpoint"
  chmod 755 "$own/told"; chmod 644 "$own"/told/*   # the container's user is another; the folder above is shut to all others
  docker run -d --name "$box" --hostname "$box" --network kind --label "tenantproof.lab.aws=$name" --env-file "$own/root.env" \
    --env AUTH=true --env GATEWAY_PORT="$aws_port" --env MINISTACK_ACCOUNT_ID="$aws_account" --env MINISTACK_REGION="$aws_region" --env LOG_LEVEL=WARNING \
    --env CLOUDTRAIL_RECORDING=1 --env PYTHONDONTWRITEBYTECODE=1 --env HOME=/tmp \
    --user 65532:65532 --read-only --tmpfs /tmp:mode=1777 --cap-drop ALL --security-opt no-new-privileges \
    --mount "type=bind,src=$own/told,dst=/run/lab,readonly" "$aws_tag" python3 -m stand_in.cloud
  aws_endpoint "$name" > "$own/told/endpoint"
  for _ in $(seq 60); do aws_answers "$name" && break; aws_running "$name" || break; sleep 0.5; done
  aws_answers "$name" || { echo "$box does not answer; its log's end:"; docker logs --tail 20 "$box"; return 1; }
  ( umask 077; aws_python "$name" -m stand_in.bootstrap > "$own/credentials" )
  in_cluster "$name" create secret generic -n kube-system eks-node-enrolment --from-file=enrolment=/dev/stdin --dry-run=client -o yaml < "$own/told/enrolment" | in_cluster "$name" apply -f -
  aws_manifest "$name" | in_cluster "$name" apply -f -
  in_cluster "$name" rollout status -n kube-system daemonset/eks-pod-identity-agent --timeout=120s
  note "$name" aws yes; note "$name" aws_folder "$own"
}
aws_manifest() { # NAME
  sed "s|image: aws-stand-in|image: $aws_tag|; s|CONTAINER_ID|$(docker inspect -f 'c{{slice .Id 0 12}}' "$(aws_name "$1")" || true)|; s|AWS_ENDPOINT, --cluster-name, CLUSTER_NAME, --region, AWS_REGION|$(aws_endpoint "$1"), --cluster-name, $1, --region, $aws_region|" "$here/manifests/aws.yaml"
}
remove_aws() { # NAME: the container, of whatever run, and all that it held
  local left; left="$(docker ps -aq --filter "label=tenantproof.lab.aws=$1")"
  # shellcheck disable=SC2086
  [ -z "$left" ] || docker rm -f -v $left >/dev/null
}
# The API server has to serve policies that change what is asked for, which this minor does only when it is told to.
with_aws() { sed '/audit-log-maxage:/a\        feature-gates: MutatingAdmissionPolicy=true\n        runtime-config: admissionregistration.k8s.io/v1beta1=true'; }
# NAME: one JSON object, or null
aws_json() {
  local endpoint; endpoint="$(aws_endpoint "$1")"
  if [ "$(known "$1" aws)" != yes ]; then echo null; return; fi
  printf '{"endpoint": %s, "region": %s, "account": %s, "cluster": %s, "credentials": %s, "stand_in": true}' \
    "$([ -n "$endpoint" ] && json_string "$endpoint" || echo null)" "$(json_string "$aws_region")" "$(json_string "$aws_account")" "$(json_string "$1")" \
    "$(json_string "$(known "$1" aws_folder)/credentials")"
}
