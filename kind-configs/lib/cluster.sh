# shellcheck shell=bash disable=SC2154,SC2034
# A lab is a stock kind cluster whose nodes mount a folder of state at /kind/lab. What is known of a lab is read from
# that folder and from the engine; nothing else is remembered anywhere.

kind_label=io.x-k8s.kind.cluster
roles=(control-plane worker worker2)

default_name() { case "$1" in kube-router) echo tenantproof ;; *) echo "tenantproof-$1" ;; esac; }
nodes_of()   { docker ps -a --filter "label=$kind_label=$1" --format '{{.Names}}'; }
running_of() { docker ps --filter "label=$kind_label=$1" --format '{{.Names}}'; }
# NAME STATE-FOLDER of every kind cluster that the engine has; the folder is - for one that is no lab
clusters() {
  local ids; ids="$(docker ps -aq --filter "label=$kind_label")"
  [ -z "$ids" ] && return 0
  # shellcheck disable=SC2086
  docker inspect -f '{{index .Config.Labels "io.x-k8s.kind.cluster"}} {{range .Mounts}}{{if eq .Destination "/kind/lab"}}{{.Source}}{{end}}{{end}}' $ids |
    awk '{s[$1] = (NF > 1) ? $2 : (s[$1] ? s[$1] : "-")} END {for (n in s) print n, s[n]}' | sort
}
labs() { # names of all labs, those included of which no more than the folder is left
  { docker_answers && clusters | awk '$2 != "-" {print $1}'; find "$cache/labs" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' 2>/dev/null; } | sort -u
}
state_of() { # NAME: its folder; asks the engine only for a lab that another cache knows of
  [ ! -e "$cache/labs/$1/lab.env" ] || { printf '%s' "$cache/labs/$1"; return; }
  local s=''; docker_answers && s="$(clusters | awk -v n="$1" '$1 == n {print $2}')"
  if [ -n "$s" ] && [ "$s" != - ]; then printf '%s' "$s"; else printf '%s' "$cache/labs/$1"; fi
}
is_foreign() { [ "$(clusters | awk -v n="$1" '$1 == n {print $2}')" = - ]; }
known() { sed -n "s/^$2=//p" "$(state_of "$1")/lab.env" 2>/dev/null | tail -n 1; }   # NAME KEY
note() { # NAME KEY VALUE
  local f; f="$(state_of "$1")/lab.env"
  { grep -v "^$2=" "$f" 2>/dev/null || true; printf '%s=%s\n' "$2" "$3"; } > "$f.new"; cat "$f.new" > "$f"; rm -f "$f.new"
}
in_cluster() { local name="$1"; shift; docker exec -i "$name-control-plane" kubectl --kubeconfig=/etc/kubernetes/admin.conf "$@"; }
address_of() { docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1" 2>/dev/null; }
addresses()  { docker inspect -f '{{slice .Name 1}}={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "${roles[@]/#/$1-}" 2>/dev/null | tr '\n' ' ' | sed 's/ $//'; }

kind_program() {
  local v own
  if command -v kind >/dev/null; then
    v="$(kind version -q 2>/dev/null || true)"
    version_at_least "${v:-0}" "$KIND_AT_LEAST" && { command -v kind; return; }
  fi
  own="$(program_entry kind)"
  intact "$own" && printf '%s/kind' "$own"
}

# --- kubeconfig: kind merges the lab's context into the user's; these tell whether it is there

kubeconfig_files() { local f; printf '%s' "${KUBECONFIG:-${HOME:-/root}/.kube/config}" | tr ':' '\n' | while IFS= read -r f || [ -n "$f" ]; do [ -f "$f" ] && printf '%s\n' "$f"; done; true; }
api_address() { docker port "$1-control-plane" 6443/tcp 2>/dev/null | head -n 1; }
context_file() { # NAME: the kubeconfig that leads to this very lab
  local f address; address="$(api_address "$1")"
  [ -n "$address" ] && while IFS= read -r f; do
    grep -q "name: kind-$1\$" "$f" && grep -q "server: https://$address\$" "$f" && { printf '%s' "$f"; return; }
  done < <(kubeconfig_files)
  return 0
}
ensure_context() { # NAME
  [ -n "$(context_file "$1")" ] && return 0
  say "lab: the context kind-$1 was missing from the kubeconfig; put back"
  "$(kind_program)" export kubeconfig --name "$1" >/dev/null 2>&1
  note "$1" kubeconfig "${KUBECONFIG:-${HOME:-/root}/.kube/config}"
}

# --- readiness

field() { local f=" $1 "; f="${f#* "$2"=}"; printf '%s' "${f%% *}"; }   # "A=x B=y" B: y

cni_daemonset() { case "$1" in cilium) echo cilium ;; *) echo kube-router ;; esac; }
# NAME: a line for each thing that is not as it should be; nothing when all is well
not_ready() {
  local r out cni; cni="$(cni_daemonset "$(known "$1" cni)")"
  local running was now; running="$(running_of "$1")" was="$(known "$1" addresses)" now="$(addresses "$1")"
  for r in "${roles[@]}"; do
    if ! grep -qx "$1-$r" <<< "$running"; then echo "node $1-$r: its container is not running"
    elif [ -n "$was" ] && [[ " $was " == *" $1-$r="* ]] && [ "$(field "$was" "$1-$r")" != "$(field "$now" "$1-$r")" ]; then echo "node $1-$r: the engine gave it another address at its restart"; fi
  done
  out="$(docker exec "$1-control-plane" sh -c '
    k="kubectl --kubeconfig=/etc/kubernetes/admin.conf --request-timeout=5s"
    $k get nodes -o go-template="{{range .items}}node {{.metadata.name}} {{range .status.conditions}}{{if eq .type \"Ready\"}}{{.status}} {{.reason}}{{end}}{{end}}{{\"\n\"}}{{end}}" &&
    $k get deployments,daemonsets -A -o go-template="{{range .items}}{{.kind}} {{.metadata.namespace}}/{{.metadata.name}} {{if eq .kind \"Deployment\"}}{{or .status.availableReplicas 0}} {{.spec.replicas}}{{else}}{{or .status.numberAvailable 0}} {{.status.desiredNumberScheduled}}{{end}}{{\"\n\"}}{{end}}"' 2>&1)" ||
    { echo "API server: $(printf '%s' "$out" | tail -n 1 | cut -c1-160)"; return; }
  [ "$(known "$1" aws)" != yes ] || aws_answers "$1" || echo "AWS' stand-in: $(aws_name "$1") does not answer"
  printf '%s\n' "$out" | awk -v name="$1" -v cni="$cni" -v gatekeeper="$(known "$1" gatekeeper)" -v kyverno="$(known "$1" kyverno)" -v aws="$(known "$1" aws)" '
    $1 == "node" {seen++; if ($3 != "True") print "node " $2 ": not Ready (" $4 ")"}
    $1 == "Deployment" {have[$2] = $3; want[$2] = $4}
    $1 == "DaemonSet" {have[$2] = $3; want[$2] = 3}
    END {
      if (seen < 3) print "nodes: " seen + 0 " of 3 have joined"
      n = split("kube-system/coredns kube-system/kube-proxy kube-system/" cni (gatekeeper == "yes" ? " gatekeeper-system/gatekeeper-controller-manager gatekeeper-system/gatekeeper-audit" : "") (kyverno == "yes" ? " kyverno/kyverno-admission-controller" : "") (aws == "yes" ? " kube-system/eks-pod-identity-agent" : ""), must, " ")
      for (i = 1; i <= n; i++) { m = must[i]
        if (!(m in have)) print m ": does not exist yet"
        else if (have[m] < want[m]) print m ": " have[m] " of " want[m] " available" }
    }'
}
wait_ready() { # NAME SECONDS
  local deadline=$(( SECONDS + $2 )) open='' hurried=false
  while :; do
    open="$(not_ready "$1")"
    [ -z "$open" ] && return 0
    if ! $hurried && [[ "$open" == *gatekeeper-system* ]]; then ! hurry_gatekeeper "$1" || hurried=true; fi
    (( SECONDS < deadline )) || break
    sleep 1
  done
  echo "not ready after $2 s:"; printf '%s\n' "$open"
  in_cluster "$1" get pods -A -o wide --request-timeout=10s 2>&1 | awk 'NR == 1 || $4 != "Running"' | head -n 12
  echo "Look closer: kubectl --context kind-$1 get events -A | tail; docker exec $1-control-plane journalctl -u kubelet -n 50"
  return 1
}

# --- making one

load_archive() { # ARCHIVE NODE...: into all of them at once
  local archive="$1" node pids=() status=0 p; shift
  for node in "$@"; do docker exec -i "$node" ctr -n k8s.io images import --all-platforms --digests --snapshotter=overlayfs - < "$archive" & pids+=($!); done
  for p in "${pids[@]}"; do wait "$p" || status=1; done
  return $status
}
create_nodes() { # NAME NODE-IMAGE ARCHIVE...: the archives are loaded while kubeadm works
  local name="$1" image="$2" state="$cache/labs/$1" node status=0 loader; shift 2
  "$(kind_program)" create cluster --name "$name" --image "$image" --config "$state/kind.yaml" &
  local creator=$!
  ( for node in "${roles[@]/#/$name-}"; do
      for _ in $(seq 300); do docker exec "$node" ctr version >/dev/null 2>&1 && break; kill -0 "$creator" 2>/dev/null || exit 1; sleep 0.4; done
    done
    local archive; for archive in "$@"; do load_archive "$archive" "${roles[@]/#/$name-}"; done ) & loader=$!
  wait "$creator" || status=$?
  (( status == 0 )) || { kill "$loader" 2>/dev/null; return $status; }
  wait "$loader"
}
cni_manifest() { # CNI
  case "$1" in
    kube-router) sed "s|image: kube-router|image: $kube_router_tag|" "$here/manifests/kube-router.yaml" ;;
    none)        sed "s|image: kube-router|image: $kube_router_tag|; s|--run-firewall=true|--run-firewall=false|" "$here/manifests/kube-router.yaml" ;;
    cilium)      sed "s|image: cilium|image: $cilium_tag|" "$here/manifests/cilium.yaml" ;;
  esac
}
apply_cni() { # NAME CNI
  [ "$2" != cilium ] || in_cluster "$1" apply --server-side -f - < "$(program_entry cilium)/crds.yaml"
  cni_manifest "$2" | in_cluster "$1" apply -f -
  # What may be thrown away may be filled to its limits and have its fences taken down: tenantproof asks for this label.
  in_cluster "$1" label namespace kube-system tenantproof.dev/throwaway=true --overwrite
}
# Gatekeeper's manager makes a certificate and then waits until the kubelet shows it the Secret, which takes up to 90 s:
# a change to the pod makes the kubelet look at once. Its audit pod ends when there is no certificate yet, and is tried
# again later and later: a new one starts at once.
hurry_gatekeeper() { # NAME: true when it has been done
  [ -n "$(in_cluster "$1" get secret -n gatekeeper-system gatekeeper-webhook-server-cert -o 'jsonpath={.data.tls\.crt}' --request-timeout=5s 2>/dev/null)" ] &&
    in_cluster "$1" annotate pods -n gatekeeper-system -l control-plane=controller-manager --overwrite "tenantproof.lab/look-again=$SECONDS" >/dev/null &&
    in_cluster "$1" delete pods -n gatekeeper-system -l control-plane=audit-controller --wait=false >/dev/null
}
apply_gatekeeper() { # NAME
  sed -e "s|image: openpolicyagent/gatekeeper:.*|image: $gatekeeper_tag|" -e 's|imagePullPolicy: .*|imagePullPolicy: IfNotPresent|' -e 's|^  replicas: .*|  replicas: 1|' \
    "$(program_entry gatekeeper)/gatekeeper.yaml" | in_cluster "$1" apply --server-side -f -
}
# Gatekeeper's own webhook fails open; see the manifest's head. Its certificate is there once Gatekeeper runs.
close_gatekeeper() { # NAME
  local bundle=''
  for _ in $(seq 60); do
    bundle="$(in_cluster "$1" get validatingwebhookconfiguration gatekeeper-validating-webhook-configuration -o 'jsonpath={.webhooks[0].clientConfig.caBundle}' --request-timeout=5s)"
    [ ${#bundle} -gt 100 ] && break
    sleep 1
  done
  [ ${#bundle} -gt 100 ] || { echo "Gatekeeper has put no certificate into its webhook"; return 1; }
  sed "s|CA_BUNDLE|$bundle|" "$here/manifests/gatekeeper-fail-closed.yaml" | in_cluster "$1" apply -f -
}
# Kyverno's admission controller alone: its other controllers report, clean up and generate, and refuse nothing. Only in
# namespaces that ask for it: what it matches by a policy it asks about in all others, too, and none of the lab's is for them.
apply_kyverno() { # NAME
  kyverno_manifest | awk -v RS='\n---\n' -v ORS='\n---\n' '!/\nkind: (Deployment|CronJob|Job)\n/ || /\n  name: kyverno-admission-controller\n/' |
    sed -e "s|image: .*/kyvernopre:.*|image: $kyverno_tag|" -e "s|image: .*/kyverno:.*|image: $kyverno_tag|" -e 's|imagePullPolicy: .*|imagePullPolicy: IfNotPresent|' |
    awk '/image: .*tenantproof-lab.kyverno/ {n++} {print} n == 1 && /image: .*tenantproof-lab.kyverno/ {match($0, /^ */); printf "%*scommand: [/usr/local/bin/kyverno-init]\n", RLENGTH, ""; n = 2}' |
    in_cluster "$1" apply --server-side -f -
}

# --- taking one down

delete_lab() { # NAME: whatever is left of it
  local name="$1" state left kind config what; state="$(state_of "$1")" kind="$(kind_program || true)"
  for config in "$(known "$name" kubeconfig)" "${KUBECONFIG:-${HOME:-/root}/.kube/config}"; do
    [ -n "$config" ] || continue
    if [ -n "$kind" ]; then KUBECONFIG="$config" "$kind" delete cluster --name "$name" || true
    elif command -v kubectl >/dev/null; then
      [ "$(KUBECONFIG="$config" kubectl config current-context 2>/dev/null)" != "kind-$name" ] || KUBECONFIG="$config" kubectl config unset current-context
      for what in context cluster user; do KUBECONFIG="$config" kubectl config "delete-$what" "kind-$name" 2>/dev/null || true; done
    fi
  done
  remove_aws "$name"
  left="$(docker ps -aq --filter "label=$kind_label=$name"; docker ps -aq --filter "label=tenantproof.lab.hold=$name")"
  # shellcheck disable=SC2086
  [ -z "$left" ] || docker rm -f -v $left
  rm -rf "${state:?}" "${cache:?}/labs/${name:?}" "${cache:?}/aws/${name:?}"
}
remove_network() { # the network that kind makes, once no cluster needs it
  [ -z "$(docker ps -aq --filter "label=$kind_label")" ] || return 0
  docker network inspect kind >/dev/null 2>&1 || return 0
  docker network rm kind >/dev/null 2>&1 || warn "the network \`kind\` is still used by another container; it stays"
}

# --- after a restart of the machine or of the engine

below() { awk -v a="$1" -v b="$2" 'BEGIN {split(a, x, "."); split(b, y, "."); for (i = 1; i <= 4; i++) if (x[i] != y[i]) exit !(x[i] + 0 < y[i] + 0); exit 1}'; }
# Nodes know one another by address, and the engine hands out the lowest free one at each start. So they are started in
# the order of their addresses, and an address below the wanted one is held by a sleeping container meanwhile.
start_at_their_addresses() { # NAME
  local name="$1" pair node want have image status=0 _
  image="$(docker inspect -f '{{.Image}}' "$name-control-plane")"
  for pair in $(known "$name" addresses | tr ' ' '\n' | sed '/^$/d' | sed 's/\(.*\)=\(.*\)/\2 \1=\2/' | sort -V | cut -d' ' -f2); do
    node="${pair%=*}" want="${pair#*=}"
    for _ in $(seq 40); do
      docker start "$node" >/dev/null || { status=1; break 2; }
      have="$(address_of "$node")"
      [ "$have" = "$want" ] && break
      docker kill "$node" >/dev/null 2>&1 || true
      if [ -n "$have" ] && below "$have" "$want"; then
        docker run -d --rm --network kind --label "tenantproof.lab.hold=$name" --entrypoint sleep "$image" 300 >/dev/null || { status=1; break 2; }
      else echo "$node had $want and now gets ${have:-none}"; status=1; break 2; fi
    done
    [ "$(address_of "$node")" = "$want" ] || { status=1; break; }
  done
  local held; held="$(docker ps -aq --filter "label=tenantproof.lab.hold=$name")"
  # shellcheck disable=SC2086
  [ -z "$held" ] || docker rm -f $held >/dev/null 2>&1 || true
  return $status
}
recover() { # NAME: brings its nodes back as they were, or fails
  local name="$1" r
  # It may have taken a node's address. What it held is lost in any case.
  [ "$(known "$name" aws)" != yes ] || remove_aws "$name"
  for r in "${roles[@]}"; do nodes_of "$name" | grep -qx "$name-$r" || { echo "$name-$r is gone"; return 1; }; done
  if [ "$(running_of "$name" | wc -l)" -lt 3 ] || [ "$(addresses "$name")" != "$(known "$name" addresses)" ]; then
    docker stop -t 5 "${roles[@]/#/$name-}" >/dev/null
    start_at_their_addresses "$name" || return 1
  fi
  [ "$(known "$name" aws)" != yes ] || bring_aws "$name"
  wait_ready "$name" 120
}
