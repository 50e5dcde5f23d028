#!/usr/bin/env bash
# Tests of the lab program itself: seconds, and no running lab is touched. With --slow a lab named lab-test is made, broken,
# brought back and removed as well: some four minutes, images built beforehand.
# shellcheck disable=SC2015,SC2016,SC1091,SC2034,SC2030,SC2031,SC2154,SC2317,SC1090
set -uo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
lab="$here/lab" slow=false passed=0 failed=0 skipped=0
[ "${1:-}" != --slow ] || slow=true
work="$(mktemp -d)"; trap 'rm -rf "$work"' EXIT
own_kubeconfig="${KUBECONFIG:-${HOME:-/root}/.kube/config}"

ok()   { passed=$(( passed + 1 )); echo "ok $(( passed + failed + skipped )) - $1"; }
no()   { failed=$(( failed + 1 )); echo "not ok $(( passed + failed + skipped )) - $1"; [ -z "${2:-}" ] || printf '%s\n' "$2" | head -n 12 | sed 's/^/# /'; }
skip() { skipped=$(( skipped + 1 )); echo "ok $(( passed + failed + skipped )) - $1 # SKIP $2"; }
# expect WHAT EXIT-CODE PATTERN... -- COMMAND...: the exit code, and every pattern in what it printed
expect() {
  local what="$1" code="$2" patterns=() out got=0 p; shift 2
  while [ "$1" != -- ]; do patterns+=("$1"); shift; done; shift
  out="$("$@" 2>&1 < /dev/null)" || got=$?
  [ "$got" = "$code" ] || { no "$what" "exit code $got, not $code"$'\n'"$out"; return; }
  for p in "${patterns[@]}"; do grep -qE -- "$p" <<< "$out" || { no "$what" "no \`$p\` in:"$'\n'"$out"; return; }; done
  ok "$what"
}

# --- what is asked
expect "help names every command" 0 'lab up' 'lab down' 'lab status' 'lab load' 'lab build' 'lab push' 'registry-image' -- "$lab" --help
for command in up down status load build prefetch push registry-image; do expect "help of $command" 0 "^lab (build|$command)" -- "$lab" help "$command"; done
expect "help by an option" 0 '--cni cilium' -- "$lab" up --help
expect "versions" 0 'Kubernetes v1' 'Cilium v' -- "$lab" version
expect "an unknown command" 2 'no command .sideways.' -- "$lab" sideways
expect "an unknown option" 2 'no option --sideways' 'help up' -- "$lab" up --sideways
expect "an option of another command" 2 'no option --purge' -- "$lab" up --purge
expect "help tells of AWS' side as a stand-in" 0 '--aws +put AWS. side beside it, a stand-in' -- "$lab" help up
expect "AWS' side is no option of down" 2 'no option --aws' -- "$lab" down --aws
expect "a CNI that does not exist" 2 'kube-router, cilium or none' -- "$lab" up --cni flannel
expect "the same, written with =" 2 'kube-router, cilium or none' -- "$lab" up --cni=flannel
expect "an option without its value" 2 '--name needs a value' -- "$lab" up --name
expect "a name that is none" 2 'lower-case' -- "$lab" up --name 'No Good'
expect "a name and all" 2 'exclude' -- "$lab" down --name a --all
expect "a surplus argument" 2 'takes no .there.' -- "$lab" down there
expect "load of nothing" 2 'name of an image' -- "$lab" load
expect "push to nowhere" 2 'one HOST:PORT' -- "$lab" push

# --- what is missing is said at once
mkdir "$work/bin"
for tool in bash sh env sed awk grep cut sort head tail cat mkdir mktemp find tar date id df uname sha256sum dirname basename readlink timeout flock touch rm mv cp stat tr sleep wc seq printf ps kill xargs; do
  path="$(command -v "$tool")" && [ -x "$path" ] && ln -s "$path" "$work/bin/$tool"
done
bare() { env -i HOME="$work/home" PATH="$work/bin" LAB_INSTALL=never TENANTPROOF_CACHE="$work/cache" "$@"; }
expect "without anything: one message names it all" 1 'things are missing' 'container engine.*no .docker.' 'Go 1\.[0-9]+ or later' 'no .go. on PATH' 'mmdebstrap:' 'gcc:' -- bare "$lab" up
printf '#!/bin/sh\necho go1.19.8\n' > "$work/bin/go"; chmod +x "$work/bin/go"
expect "a Go that is too old" 1 'this is 1\.19\.8' -- bare "$lab" up
printf '#!/bin/sh\nexit 1\n' > "$work/bin/docker"; chmod +x "$work/bin/docker"
expect "an engine that does not answer" 1 'container engine that answers' -- bare "$lab" up
expect "its address is wrong" 1 'DOCKER_HOST is unix:///nowhere' -- bare env DOCKER_HOST=unix:///nowhere "$lab" up
expect "status without an engine" 0 '"engine": false' '"labs": \[\]' -- bare "$lab" status --json
expect "down without an engine and without a lab" 0 -- bare "$lab" down --all
[ ! -e "$work/home/.kube" ] && ok "none of this left a kubeconfig" || no "none of this left a kubeconfig"

# --- the cache believes nothing
(
  TENANTPROOF_CACHE="$work/unit"; . "$here/versions.env"; . "$here/lib/ui.sh"; . "$here/lib/cache.sh"; . "$here/lib/programs.sh"; . "$here/lib/images.sh"
  check() { if "${@:2}"; then echo "ok $1"; else echo "no $1"; fi; }
  d="$(scratch)"; echo one > "$d/a"; keep "$d" "$cache/programs/x-0123456789ab"
  check "a kept entry is intact" intact "$cache/programs/x-0123456789ab"
  : > "$cache/programs/x-0123456789ab/a"
  check "one that was cut short is not" eval '! intact "$cache/programs/x-0123456789ab"'
  rm "$cache/programs/x-0123456789ab.weight"
  check "one without its weight is not" eval '! intact "$cache/programs/x-0123456789ab"'
  check "one that does not exist is not" eval '! intact "$cache/programs/y-0123456789ab"'
  for n in 1 2 3 4; do mkdir -p "$cache/images"; echo > "$cache/images/node-00000000000$n.tar"; touch -d "@$n" "$cache/images/node-00000000000$n.tar"; done
  echo > "$cache/images/node-else-000000000001.tar"
  prune "$cache/images" node "$cache/images/node-000000000001.tar"
  check "the entry in use and the newest other one stay" [ "$(cd "$cache/images" && echo node-0*)" = "node-000000000001.tar node-000000000004.tar" ]
  check "another's entries stay" [ -e "$cache/images/node-else-000000000001.tar" ]
  a="$(image_entry node)"; b="$(ETCD=v9.9.9; image_entry node)"
  check "a new version is a new entry" [ "$a" != "$b" ]
  check "the same is the same" [ "$a" = "$(image_entry node)" ]
  a="$(program_entry coredns)"; b="$(locked() { echo another; }; program_entry coredns)"
  check "a new set of shared libraries is a new entry" [ "$a" != "$b" ]
  check "and none for a program with libraries of its own" [ "$(program_entry kind)" = "$(locked() { echo another; }; program_entry kind)" ]
  in_lock() { grep -qE "^(require )?[[:space:]]*${1/ /[[:space:]]}( |\$)" "$here/files/together/go.mod"; }
  for component in "${together[@]}"; do
    spec "$component"
    for requirement in "${requires[@]}"; do check "the shared libraries are for $requirement" in_lock "$requirement"; done
  done
) > "$work/unit.out" 2>"$work/unit.err"
while read -r verdict what; do if [ "$verdict" = ok ]; then ok "cache: $what"; else no "cache: $what"; fi; done < "$work/unit.out"
[ "$(grep -c . "$work/unit.out")" = 17 ] || no "cache: all seventeen were tried" "$(cat "$work/unit.out" "$work/unit.err")"

# --- AWS' side, without an engine
(
  TENANTPROOF_CACHE="$work/unit"; . "$here/versions.env"; for part in ui cache programs images cluster aws commands; do . "$here/lib/$part.sh"; done
  docker() { return 1; }   # whatever runs here
  check() { if "${@:2}"; then echo "ok $1"; else echo "no $1"; fi; }
  pinned() { ! grep -vE '^#|^[a-z0-9-]+==[0-9a-z.]+( --hash=sha256:[0-9a-f]{64})+$' "$here/aws/requirements.txt"; }
  check "each of its packages has a version and a hash" pinned
  check "its packages are for the ministack that versions.env names" grep -q "^ministack==$MINISTACK " "$here/aws/requirements.txt"
  a="$(image_entry aws)"; cp -r "$here" "$work/copy"; echo >> "$work/copy/aws/stand_in/agent.py"
  check "a change of its programs is a new entry" [ "$a" != "$(here="$work/copy"; image_entry aws)" ]
  check "and none of the node image" [ "$(image_entry node)" = "$(here="$work/copy"; image_entry node)" ]
  check "a lab without it is made as ever" eval '[ -z "$(archives_for kube-router true false false | grep aws)" ]'
  check "a lab with it gets its image" eval '[ "$(archives_for kube-router true false true | tail -n 1)" = aws ]'
  check "its API server serves the policy" grep -q '^        feature-gates: MutatingAdmissionPolicy=true$' <(with_aws < "$here/three-nodes.yaml")
  check "and is the same otherwise" eval '[ "$(diff <(with_aws < "$here/three-nodes.yaml") "$here/three-nodes.yaml" | grep -c "^[<>]")" = 2 ]'
  aws_endpoint() { echo http://192.0.2.7:4566; }
  check "its manifest names image, endpoint and cluster" eval '[ "$(aws_manifest x | grep -c "image: $aws_tag$")" = 2 ] && aws_manifest x | grep -q -- "--endpoint, http://192.0.2.7:4566, --cluster-name, x, --region, us-east-1," && ! aws_manifest x | grep -E "AWS_ENDPOINT,|CLUSTER_NAME|CONTAINER_ID"'
  check "and what it injects as it is" eval 'diff <(sed -n "/^kind: MutatingAdmissionPolicy/,/^kind: DaemonSet/p" "$here/manifests/aws.yaml") <(aws_manifest x | sed -n "/^kind: MutatingAdmissionPolicy/,/^kind: DaemonSet/p")'
  check "a lab without it says null" eval '[ "$(aws_json x)" = null ]'
  mkdir -p "$cache/labs/x"; : > "$cache/labs/x/lab.env"; note x aws yes; note x aws_folder /somewhere
  check "a lab with it says where, and that it is a stand-in" eval '[ "$(aws_json x)" = "{\"endpoint\": \"http://192.0.2.7:4566\", \"region\": \"us-east-1\", \"account\": \"111122223333\", \"cluster\": \"x\", \"credentials\": \"/somewhere/credentials\", \"stand_in\": true}" ]'
) > "$work/unit.out" 2>"$work/unit.err"
while read -r verdict what; do if [ "$verdict" = ok ]; then ok "AWS: $what"; else no "AWS: $what"; fi; done < "$work/unit.out"
[ "$(grep -c . "$work/unit.out")" = 12 ] || no "AWS: all twelve were tried" "$(cat "$work/unit.out" "$work/unit.err")"

# --- nothing that belongs to one machine alone is written here
found="$(cd "$here" && grep -rnE '(^|[^$a-z"/])/(root|work|home)/[a-z]' . | grep -vE 'lab_test\.sh|HOME:-/root' || true)"
[ -z "$found" ] && ok "no path of one machine" || no "no path of one machine" "$found"


# --- a running lab
engine() { command -v docker >/dev/null && timeout 10 docker version >/dev/null 2>&1; }
json_says() { # NAME FILTER
  if command -v jq >/dev/null; then "$lab" status --json | jq -e --arg n "$1" ".labs[] | select(.name == \$n) | $2" >/dev/null
  else "$lab" status --json | grep -q "\"name\": \"$1\""; fi
}
if engine && json_says tenantproof .ready 2>/dev/null; then
  ok "status --json: tenantproof is ready"
  start=$(date +%s%N); expect "up on a running lab changes nothing" 0 'is running' -- "$lab" up
  took=$(( ($(date +%s%N) - start) / 1000000 )); (( took < 4000 )) && ok "and takes $took ms" || no "and takes $took ms"
  expect "another CNI under the same name" 1 'exists with --cni kube-router' -- "$lab" up --name tenantproof --cni cilium
  expect "load of an image that does not exist" 1 'no image .tenantproof-lab/nothing:1' -- "$lab" load tenantproof-lab/nothing:1
  expect "purge while a lab is there" 1 'still used by' -- "$lab" down --name lab-test-nothing --purge
else skip "a running lab" "there is none; make it: lab up"; fi
if engine; then expect "status of a lab that does not exist" 1 'no lab named' -- "$lab" status --name lab-test-nothing
else skip "status of a lab that does not exist" "no engine answers"; fi

# --- one of its own
if ! $slow; then skip "made, broken, brought back, removed" "only with --slow"
elif ! engine; then skip "made, broken, brought back, removed" "no engine answers"
else
  n=lab-test export_to="$work/kubeconfig"
  up() { KUBECONFIG="$export_to" "$lab" up --name "$n" --cni none --without-gatekeeper; }
  networks="$(docker network ls -q | sort)" volumes="$(docker volume ls -q | sort)"
  expect "up" 0 'is ready in' -- up
  json_says "$n" '.ready and (.nodes | length == 3) and .enforced == false' && ok "status says so" || no "status says so"
  log="$("$lab" status --name "$n" --json | sed -n 's/.*"audit_log": "\([^"]*\)".*/\1/p')"
  [ -r "$log" ] && grep -q '"kind":"Event"' "$log" && ok "its audit log is read from here" || no "its audit log is read from here" "$log"
  grep -q "name: kind-$n" "$export_to" && ok "its context is in KUBECONFIG" || no "its context is in KUBECONFIG"
  ! grep -q "kind-$n" "$own_kubeconfig" 2>/dev/null && ok "and nowhere else" || no "and nowhere else"
  rm "$export_to"; expect "up puts a lost context back" 0 'put back' 'is running' -- up
  docker stop -t 2 "$n-worker" "$n-worker2" >/dev/null; docker start "$n-worker2" >/dev/null   # so it gets the other's address
  expect "up after the nodes' addresses were swapped" 0 'running again' -- up
  docker rm -f -v "$n-worker" >/dev/null
  expect "up after a node was lost makes it anew" 0 'is gone|unfinished' 'is ready in' -- up
  docker rm -f -v "$n-control-plane" >/dev/null
  expect "down of half a lab" 0 -- env KUBECONFIG="$export_to" "$lab" down --name "$n"
  [ -z "$(docker ps -aq --filter "label=io.x-k8s.kind.cluster=$n")" ] && ok "no container remains" || no "no container remains"
  ! grep -q "kind-$n" "$export_to" 2>/dev/null && ok "no kubeconfig entry remains" || no "no kubeconfig entry remains" "$(cat "$export_to")"
  [ -n "$(docker ps -aq --filter label=io.x-k8s.kind.cluster)" ] || ! docker network inspect kind >/dev/null 2>&1 && ok "no network remains that no lab needs" || no "no network remains that no lab needs"
  [ ! -e "$log" ] && ok "no audit log remains" || no "no audit log remains" "$log"
  [ "$(docker volume ls -q | sort)" = "$volumes" ] && ok "no volume remains" || no "no volume remains" "$(docker volume ls)"
  "$lab" status --json | grep -q "\"$n\"" && no "status forgot it" || ok "status forgot it"
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
