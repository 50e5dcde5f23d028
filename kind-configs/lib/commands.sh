# shellcheck shell=bash disable=SC2154,SC2034
# The commands: options, help, and the order of things.

help_of() {
  case "${1:-}" in
    up) cat <<'H'
lab up [--cni kube-router|cilium|none] [--name NAME] [--without-gatekeeper] [--with-kyverno] [--aws] [--registry HOST:PORT|none]

Makes a lab, or sees to it that one is running: a kind cluster of three nodes with an audit log, a CNI and Gatekeeper.
On a running lab it changes nothing; after a restart of the machine or of the engine it starts the nodes again, and makes
them anew where that is not enough. It returns when everything is ready. The context is kind-NAME.

  --cni kube-router      (the default) light and quick; answers a fenced connection at once: reset or refused
  --cni cilium           eBPF; drops a fenced connection silently: the client sees a timeout
  --cni none             pods reach one another across nodes, and NetworkPolicies are enforced by nobody. It is kube-router
                         with its firewall off: the same network, without the fence. A suite that stays green here is broken.
  --name NAME            another name than tenantproof, tenantproof-cilium or tenantproof-none; several labs may run at once
  --without-gatekeeper   leave the policy engine out (30 s less)
  --with-kyverno         Kyverno's admission controller beside it (its build takes four minutes). On a lab that runs without
                         it, it is added.
  --aws                  put AWS' side beside it, a stand-in: S3, IAM, STS and EKS with enforcement, EKS Pod Identity with the
                         node's agent. It has to be asked for when the lab is made; what it holds goes with its container.
  --registry HOST:PORT   take HOST:PORT/kindest/node from there, and fail if it isn't there (also: LAB_REGISTRY)
  --registry none        ask no registry at all: build the node image

Without --registry, Docker Hub is asked for a few seconds; where it cannot be reached the node image is built. See: lab help build
H
      ;;
    down) cat <<'H'
lab down [--name NAME | --cni CNI | --all] [--purge]

Removes a lab: its containers and volumes, its kubeconfig entries, its state, and kind's network once no cluster uses it.
It works on what is left of a broken or half-made lab, too. What was built stays in the cache for the next `lab up`.

  --name NAME   which one (default: tenantproof); --cni CNI: the one with that CNI's default name
  --all         every lab. Other kind clusters are never touched.
  --purge       also remove the cache and the images that lab put into the engine; no lab may be left then
H
      ;;
    status) cat <<'H'
lab status [--name NAME] [--json]

Says which labs there are: their nodes, CNI, API server, context, images, and what is not ready.
Exit code 0; with --name: 1 unless that lab is there and ready. --json prints one object with the list `labs`.
H
      ;;
    load) cat <<'H'
lab load IMAGE... [--name NAME | --cni CNI | --all]

Puts images of the local engine (see `docker images`) into all nodes of a lab (default: tenantproof). Pods that use them
need imagePullPolicy IfNotPresent or Never. Of what lab itself builds, agnhost can be named too: lab load agnhost
H
      ;;
    build|prefetch) cat <<'H'
lab build [--cni CNI] [--without-gatekeeper] [--with-kyverno] [--aws] [--with-agnhost] [--registry HOST:PORT|none]      (also: lab prefetch)

Gets everything that `lab up` with the same options needs, and stops there: pulls kindest/node where a registry has it,
builds it where not, from Debian packages and Go modules. --with-agnhost also builds the image
registry.k8s.io/e2e-test-images/agnhost, which benchmarks use, and puts it into the engine.

What was built is kept by content in a cache (TENANTPROOF_CACHE, else XDG_CACHE_HOME/tenantproof, else ~/.cache/tenantproof;
in it: lab/). A change of versions.env, of a recipe or of a file makes a new entry; the one before it is kept, older ones go.
H
      ;;
    registry-image) cat <<'H'
lab registry-image

Builds a container registry (github.com/distribution/distribution) and puts it into the engine, to try `lab up --registry`
where there is no registry. It prints the image's name. With it:

  docker run -d --name reg -p 127.0.0.1:5000:5000 "$(lab registry-image)"
  lab push 127.0.0.1:5000
  lab up --name pulled --registry 127.0.0.1:5000
H
      ;;
    push) cat <<'H'
lab push HOST:PORT

Pushes the node image (built if need be) to a registry as HOST:PORT/kindest/node, for `lab up --registry HOST:PORT`: so it
is built once for a team. The engine must be logged in there, if the registry asks for that.
H
      ;;
    ''|-h|--help) cat <<'H'
lab: a local Kubernetes cluster to try isolation on, with or without a registry of images

  lab up               make a lab, or bring it back; waits until it is ready      the first time builds for some 10 minutes,
  lab status           what there is                                              later ones take about one
  lab load IMAGE...    put images of the local engine into the nodes
  lab down             remove it without a trace; --purge forgets the cache, too
  lab build            only get the images ready (also: lab prefetch)
  lab push HOST:PORT   share the node image through a registry
  lab registry-image   build a registry, to try that
  lab lock-libraries   after a change of versions.env: choose anew the libraries that the programs share

Three nodes, NetworkPolicies that are enforced (--cni kube-router: refuses, --cni cilium: drops silently) or not at all
(--cni none), OPA Gatekeeper, and the API server's audit log, at RequestResponse for pods: `lab status` says where it lies.
With --aws, AWS' side beside it: a stand-in for S3, IAM, STS and EKS with Pod Identity.

Needs a container engine, and `kind` or Go; as root on Debian it installs and starts what it lacks (LAB_INSTALL=never: says
so instead). More on each: lab help COMMAND. Exit codes: 0 done, 1 failed, 2 not understood.

  TENANTPROOF_CACHE   where what was built is kept             KUBECONFIG   where the context kind-NAME goes, as with kind
  LAB_REGISTRY        as --registry                            NO_COLOR     no colours
H
      ;;
    *) usage_error "there is no command \`$1\`" ;;
  esac
}

# options COMMAND ALLOWED ARGUMENT...: sets name, cni, all, ...; what is no option goes to rest
options() {
  local command="$1" allowed="$2" option; shift 2
  cni='' name='' all=false purge=false json=false gatekeeper=true kyverno=false aws=false agnhost=false registry="${LAB_REGISTRY:-}" rest=()
  while (( $# )); do
    option="$1"
    [[ "$option" != --*=* ]] || { set -- "${option%%=*}" "${option#*=}" "${@:2}"; option="$1"; }
    case "$option" in
      -h|--help) help_of "$command"; exit 0 ;;
      --*) [[ " $allowed " == *" $option "* ]] || usage_error "\`lab $command\` has no option $option" "help $command" ;;
    esac
    case "$option" in
      --cni|--name|--registry) if (( $# < 2 )) || [[ -z "$2" || "$2" == --* ]]; then usage_error "$option needs a value" "help $command"; fi ;;
    esac
    case "$option" in
      --cni) cni="$2"; shift ;;
      --name) name="$2"; shift ;;
      --registry) registry="$2"; shift ;;
      --all) all=true ;;
      --purge) purge=true ;;
      --json) json=true ;;
      --without-gatekeeper) gatekeeper=false ;;
      --with-kyverno) kyverno=true ;;
      --aws) aws=true ;;
      --with-agnhost) agnhost=true ;;
      -*) usage_error "\`lab $command\` has no option $option" "help $command" ;;
      *) rest+=("$option") ;;
    esac
    shift
  done
  case "$cni" in ''|kube-router|cilium|none) ;; *) usage_error "--cni is kube-router, cilium or none, not \`$cni\`" "help $command" ;; esac
  [[ -z "$name" || "$name" =~ ^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$ ]] || usage_error "a name has lower-case letters, digits and dashes, not \`$name\`" "help $command"
  [ -z "$name" ] || ! $all || usage_error "--name and --all exclude one another" "help $command"
  [[ -z "$registry" || "$registry" =~ ^[A-Za-z0-9._:/-]+$ ]] || usage_error "--registry takes HOST:PORT or none, not \`$registry\`" "help $command"
  registry="${registry%/}"
}
no_rest() { (( ${#rest[@]} == 0 )) || usage_error "\`lab $1\` takes no \`${rest[0]}\`" "help $1"; }
need_engine() {
  docker_answers && return 0
  if [ -z "${DOCKER_HOST:-}" ] && [ -e "$cache/engine/dockerd.pid" ] && may_install && command -v dockerd >/dev/null; then
    announce engine; step engine "the container engine, which is not running" start_engine
  else check_engine; report_missing; fi
}

# --- what has to be made

programs_todo=() debian_todo=() images_todo=()
todo() { # PART: adds it to a list unless it is there
  local kind="${1%%:*}" item="${1#*:}" part
  case "$kind" in
    program) intact "$(program_entry "$item")" || [[ " ${programs_todo[*]} " == *" $item "* ]] || programs_todo+=("$item") ;;
    debian)  intact "$(debian_entry "$item")" || [[ " ${debian_todo[*]} " == *" $item "* ]] || debian_todo+=("$item") ;;
    image)   intact "$(image_entry "$item")" || [[ " ${images_todo[*]} " == *" $item "* ]] ||
               { for part in $(image_parts "$item"); do todo "$part"; done; images_todo+=("$item"); } ;;
  esac
}

node_image='' node_from=''
# Finds where the node image comes from; sets node_image, and node_from: ready, restore or build
choose_node() {
  local reference
  if [ -n "$registry" ] && [ "$registry" != none ]; then
    reference="$registry/kindest/node:$K8S"
    if ! image_in_engine "$reference"; then
      $tty && printf '%spulling %s%s' "$dim" "$reference" "$reset" >&2
      pull "$reference" 20 || { $tty && printf '\r\e[K' >&2
        fail "$reference cannot be pulled: $(grep -v '^ *$' "$cache/logs/pull.log" | tail -n 1)" "Is the registry up, and does it have that image (lab push $registry)? Without --registry the image is pulled from Docker Hub or built."; }
      $tty && printf '\r\e[K' >&2
      say "lab: pulled $reference"
    fi
    node_image="$reference" node_from=ready; return
  fi
  node_image="$node_tag" node_from=ready
  node_in_engine && return
  if intact "$(image_entry node)"; then node_from=restore; return; fi
  if [ "$registry" != none ]; then
    reference="$NODE_PUBLISHED"
    if image_in_engine "$reference" || { say "lab: asking for $reference"; pull "$reference" 6; }; then node_image="$reference"; return; fi
    say "lab: it cannot be pulled here ($(grep -v '^ *$' "$cache/logs/pull.log" | tail -n 1 | cut -c1-140)); the node image is built"
  fi
  node_from=build
}

# Looks at all needs, says at once what is missing, then makes what is not there.
provide() { # IMAGE...: archives that are wanted beside the node image
  local item image want_node=true
  [ "${1:-}" != --no-node ] || { want_node=false; shift; }
  mkdir -p "$cache"; clean_scratch
  check_engine
  if docker_answers; then ! $want_node || choose_node; else node_from=unknown; fi
  ! $want_node || [ -n "$(kind_program)" ] || todo program:kind
  case "$node_from" in build|unknown) todo image:node ;; esac
  for image in "$@"; do
    todo "image:$image"
    # some parts are needed beside the image: manifests that were taken from the module
    case "$image" in gatekeeper|cilium) todo "program:$image" ;; esac
    # and Kyverno's image takes its manifest from the module
    [ "$image" != kyverno ] || intact "$(image_entry kyverno)" || check_go kyverno
  done
  if (( ${#programs_todo[@]} )); then check_go "$(printf '%s, ' "${programs_todo[@]}" | sed 's/, $//')"; fi
  (( ! ${#debian_todo[@]} )) || want_tool mmdebstrap mmdebstrap "it makes the Debian system of an image"
  if [[ " ${images_todo[*]} " == *" node "* ]]; then want_tool gcc "gcc libc6-dev" "it compiles the pause program"; fi
  if [[ " ${images_todo[*]} " == *" aws "* ]]; then want_tool pip3 python3-pip "it fetches the Python packages of AWS' stand-in"; fi
  if (( ${#programs_todo[@]} )); then check_disk 12 "$cache" "builds"; else check_disk 4 "$cache" "images and nodes"; fi
  check_memory
  report_missing

  (( ! ${#wanted_packages[@]} )) || announce packages
  ! $engine_to_start || announce engine
  if (( ${#wanted_packages[@]} )); then step packages "Debian packages: $(printf '%s\n' "${wanted_packages[@]}" | sort -u | tr '\n' ' ')" install_packages "${wanted_packages[@]}"; fi
  if $engine_to_start; then
    step engine "the container engine" start_engine; engine_to_start=false
    # only now can it be known whether the node image is there, or can be pulled
    if $want_node; then
      programs_todo=() debian_todo=() images_todo=() wanted_packages=(); provide "$@"; return
    fi
  fi
  make_all
}
describe() {
  # shellcheck disable=SC2153
  case "$1" in
    kind) echo "kind $KIND" ;; kubernetes) echo "Kubernetes $K8S, seven programs" ;; etcd) echo "etcd $ETCD" ;; coredns) echo "CoreDNS $COREDNS" ;;
    kube-router) echo "kube-router $KUBE_ROUTER" ;; cni-plugins) echo "the bridge plugin $CNI_PLUGINS" ;; gatekeeper) echo "Gatekeeper $GATEKEEPER" ;; kyverno) echo "Kyverno $KYVERNO" ;;
    cilium) echo "Cilium $CILIUM" ;; agnhost) echo "agnhost, of Kubernetes $K8S" ;; registry) echo "the registry $REGISTRY" ;;
  esac
}
# Debian systems come up beside the Go builds, and the node image beside those that it does not need.
make_all() {
  local item order=() node_later=false
  for item in kind kubernetes etcd coredns kube-router cni-plugins gatekeeper kyverno cilium agnhost registry; do
    [[ " ${programs_todo[*]} " != *" $item "* ]] || order+=("$item")
  done
  for item in "${debian_todo[@]}"; do announce "debian-$item"; done
  announce "${order[@]}"
  for item in "${images_todo[@]}"; do announce "image-$item"; done
  [ "$node_from" != restore ] || announce restore-node
  (( ${#order[@]} + ${#images_todo[@]} == 0 )) || say "lab: ${#pending[@]} steps, $(roughly "$(left none 0)"); what is built is kept in $cache"

  if (( ${#debian_todo[@]} )); then beside debian build_debians "${debian_todo[@]}"; fi
  for item in "${order[@]}"; do
    if [[ " ${images_todo[*]} " == *" node "* ]] && ! $node_later && [[ "$item" != kind && "$item" != kubernetes && "$item" != etcd && "$item" != coredns ]]; then
      join_debian; beside image-node build_image node; node_later=true
    fi
    step "$item" "$(describe "$item")" build_program "$item"
  done
  join_debian
  for item in "${images_todo[@]}"; do
    if [ "$item" = node ]; then $node_later || step image-node "the node image" build_image node
    else step "image-$item" "the image of $item" build_image "$item"; fi
  done
  if $node_later; then join image-node "the node image"; fi
  [ "$node_from" != restore ] || step restore-node "the node image, from the cache" restore_node
  programs_todo=() debian_todo=() images_todo=()
}
build_debians() { local d started; for d in "$@"; do started=$SECONDS; build_debian "$d"; echo $(( SECONDS - started )) > "$cache/logs/debian-$d.took"; done; }
join_debian() {
  local item pid="${lane[debian]:-}" status=0
  [ -n "$pid" ] || return 0
  $tty || say "[$(( step_done + 1 ))/$step_total] Debian systems ($(roughly "$(left "debian-${debian_todo[0]}" 0)"))"
  if $tty; then while kill -0 "$pid" 2>/dev/null; do draw "Debian systems" "${lane_start[debian]}" debian; sleep 0.3; done; fi
  wait "$pid" || status=$?
  unset 'lane[debian]'
  (( status == 0 )) || step_failed "the Debian systems" "$cache/logs/debian.log"
  for item in "${debian_todo[@]}"; do finish_step "debian-$item" "Debian $DEBIAN for $item" "$(cat "$cache/logs/debian-$item.took")"; done
}

# --- commands

archives_for() { # CNI GATEKEEPER KYVERNO AWS
  case "$1" in cilium) echo cilium ;; *) echo kube-router ;; esac
  ! $2 || echo gatekeeper
  ! $3 || echo kyverno
  ! $4 || echo aws
}
cmd_build() {
  local cni name all purge json gatekeeper kyverno aws agnhost registry rest
  options build "--cni --without-gatekeeper --with-kyverno --aws --with-agnhost --registry" "$@"; no_rest build
  lock
  # shellcheck disable=SC2046
  provide $(archives_for "${cni:-kube-router}" "$gatekeeper" "$kyverno" "$aws") $(! $agnhost || echo agnhost)
  ! $agnhost || into_engine agnhost
  say "lab: everything for \`lab up --cni ${cni:-kube-router}\` is there"
}
cmd_registry_image() {
  local cni name all purge json gatekeeper kyverno aws agnhost registry rest node_from=''
  options registry-image "" "$@"; no_rest registry-image
  lock
  provide --no-node registry
  into_engine registry
  echo "$registry_tag"
}
cmd_push() {
  local cni name all purge json gatekeeper kyverno aws agnhost registry rest
  options push "" "$@"
  (( ${#rest[@]} == 1 )) || usage_error "\`lab push\` takes one HOST:PORT" "help push"
  lock
  registry=none; provide
  docker tag "$node_image" "${rest[0]}/kindest/node:$K8S"
  docker push "${rest[0]}/kindest/node:$K8S" >&2 || fail "the registry ${rest[0]} did not take it"
  docker rmi "${rest[0]}/kindest/node:$K8S" >/dev/null   # so that it is really pulled
}

already_up() {
  local has
  docker_answers && [ -e "$(state_of "$name")/complete" ] && [ -z "$(not_ready "$name")" ] || return 1
  has="$(known "$name" cni)"
  same_cni "$name" "$has"
  has_aws "$name"
  ensure_context "$name"
  say "lab: $name is running ($(cni_line "$has")); context kind-$name"
}
cmd_up() {
  local cni name all purge json gatekeeper kyverno aws agnhost registry rest state has
  options up "--cni --name --without-gatekeeper --with-kyverno --aws --registry" "$@"; no_rest up
  cni="${cni:-kube-router}" name="${name:-$(default_name "${cni:-kube-router}")}"
  ! already_up || { add_kyverno; return 0; }   # without the lock: it need not wait for another's build
  lock
  ! already_up || { add_kyverno; return 0; }
  # shellcheck disable=SC2046
  if [ -d "$cache/labs/$name" ] && { docker_answers || may_install; }; then
    docker_answers || need_engine
    has="$(known "$name" cni)"
    if [ -e "$(state_of "$name")/complete" ] && [ "$(nodes_of "$name" | wc -l)" = 3 ]; then
      same_cni "$name" "$has"
      has_aws "$name"
      announce recover
      say "lab: $name is there but not ready: $(not_ready "$name" | head -n 1)"
      if try_step recover "its nodes, as they were" recover "$name"; then
        raise_inotify; ensure_context "$name"
        say "lab: $name is running again; context kind-$name"
        [ "$(known "$name" aws)" != yes ] || say "lab: AWS' side has begun anew and empty (the story's part of it: kind-configs/story/aws/apply kind-$name)"
        add_kyverno; return 0
      fi
      say "lab: that did not bring it back ($(tail -n 1 "$cache/logs/recover.log" | cut -c1-140)); it is made anew"
    else say "lab: what is left of an earlier, unfinished $name is removed first"; fi
    announce delete; step delete "what is left of $name" delete_lab "$name"
  elif docker_answers && is_foreign "$name"; then
    fail "a kind cluster named $name exists, and it is not a lab" "Choose another name (--name), or remove it: kind delete cluster --name $name"
  fi

  local archives entries=() archive
  mapfile -t archives < <(archives_for "$cni" "$gatekeeper" "$kyverno" "$aws")
  announce create cni ready; ! $gatekeeper || announce admission closed; ! $kyverno || announce kyverno-on; ! $aws || announce aws
  provide "${archives[@]}"
  for archive in "${archives[@]}"; do entries+=("$(image_entry "$archive")"); done
  raise_inotify
  ! $aws || into_engine aws

  state="$cache/labs/$name"; mkdir -p "$state"
  cp "$here/files/audit-policy.yaml" "$state/"; chmod 644 "$state/audit-policy.yaml"
  # The API server keeps the mode of a log that is there, at its rotation too: so whoever made the lab can read it.
  mkdir -p "$state/audit"; : > "$state/audit/audit.log"; chmod 755 "$state/audit"; chmod 644 "$state/audit/audit.log"
  sed "s|LAB_STATE|$state|" "$here/three-nodes.yaml" | { if $aws; then with_aws; else cat; fi; } > "$state/kind.yaml"
  printf '%s\n' "cni=$cni" "gatekeeper=$($gatekeeper && echo yes || echo no)" "kyverno=$($kyverno && echo yes || echo no)" "node_image=$node_image" "kubernetes=$K8S" \
    "kubeconfig=${KUBECONFIG:-${HOME:-/root}/.kube/config}" > "$state/lab.env"
  step create "three nodes, from $node_image" create_nodes "$name" "$node_image" "${entries[@]}"
  note "$name" addresses "$(addresses "$name")"
  step cni "the network: $(cni_line "$cni")" apply_cni "$name" "$cni"
  # Before Gatekeeper, whose webhook lets no namespace come about until it runs itself.
  ! $kyverno || step kyverno-on "Kyverno $KYVERNO" apply_kyverno "$name"
  ! $gatekeeper || step admission "Gatekeeper $GATEKEEPER" apply_gatekeeper "$name"
  step ready "until everything is ready" wait_ready "$name" 300
  ! $gatekeeper || step closed "Gatekeeper's webhook for namespaces that want it closed" close_gatekeeper "$name"
  ! $aws || step aws "AWS' side, a stand-in: ministack $MINISTACK and EKS Pod Identity" bring_aws "$name"
  touch "$state/complete"
  say "lab: ${bold}$name is ready$reset in $(duration $SECONDS); context kind-$name. Remove it: lab down --name $name"
  command -v kubectl >/dev/null || say "     There is no kubectl on PATH; one is at $(program_entry kubernetes)/kubectl if this lab was built, or use: docker exec $name-control-plane kubectl"
}
# Adds Kyverno to a lab that runs, where it was asked for and isn't there.
add_kyverno() {
  $kyverno && [ "$(known "$name" kyverno)" != yes ] || return 0
  lock
  announce kyverno-load kyverno-on ready
  provide --no-node kyverno
  step kyverno-load "Kyverno's image into the nodes" load_archive "$(image_entry kyverno)" "${roles[@]/#/$name-}"
  step kyverno-on "Kyverno $KYVERNO" apply_kyverno "$name"
  note "$name" kyverno yes
  step ready "until everything is ready" wait_ready "$name" 300
  say "lab: $name has Kyverno now"
}
# as step, but says whether it worked
try_step() {
  local id="$1" title="$2" started=$SECONDS status=0 pid; shift 2
  mkdir -p "$cache/logs"
  spawn "$cache/logs/$id.log" "$@"; pid=$spawned
  if $tty; then while kill -0 "$pid" 2>/dev/null; do draw "$title" "$started" "$id"; sleep 0.3; done; fi
  wait "$pid" || status=$?
  if (( status == 0 )); then finish_step "$id" "$title" $(( SECONDS - started )); else unset "pending[$id]"; step_done=$(( step_done + 1 )); fi
  return $status
}
same_cni() { # NAME ITS-CNI
  [ "$2" = "$cni" ] || fail "$1 exists with --cni $2, not $cni" "Give the new one a name of its own (--name), or remove this one first: lab down --name $1"
}
has_aws() { # NAME
  ! $aws || [ "$(known "$1" aws)" = yes ] ||
    fail "$1 exists without --aws, and its API server does not serve the policies that this needs" "Give the new one a name of its own (--name), or remove this one first: lab down --name $1"
}
cni_line() {
  case "$1" in
    kube-router) echo "kube-router $KUBE_ROUTER, refuses at once" ;;
    cilium)      echo "Cilium $CILIUM, drops silently" ;;
    none)        echo "nothing enforced: kube-router $KUBE_ROUTER with its firewall off" ;;
  esac
}

cmd_down() {
  local cni name all purge json gatekeeper kyverno aws agnhost registry rest names=() n left
  options down "--name --cni --all --purge" "$@"; no_rest down
  lock
  [ ! -d "$cache/labs" ] || docker_answers || [ -z "$(labs)" ] || need_engine
  if $all; then mapfile -t names < <(labs)
  else names=("${name:-$(default_name "${cni:-kube-router}")}"); fi
  if ! $all && docker_answers && is_foreign "${names[0]}"; then
    fail "the kind cluster ${names[0]} is not a lab" "Its own way: kind delete cluster --name ${names[0]}"
  fi
  for n in "${names[@]}"; do
    mkdir -p "$cache/logs"
    announce delete; step delete "removing $n" delete_lab "$n"
  done
  if docker_answers; then remove_network; docker image prune -f --filter label=tenantproof.lab.key >/dev/null; fi   # node images that a newer one has replaced
  if $purge; then
    left="$(labs | tr '\n' ' ')"
    [ -z "$left" ] || fail "the cache is still used by: $left" "Remove these too: lab down --all --purge"
    if docker_answers; then
      left="$(docker images --format '{{.Repository}}:{{.Tag}}' | grep -E "^tenantproof-lab/|^tenantproof/aws-stand-in:|(^|/)kindest/node:${K8S//./[.]}\$|^$agnhost_tag\$" || true)"
      ! image_in_engine "$NODE_PUBLISHED" || left+=" $NODE_PUBLISHED"
      # shellcheck disable=SC2086
      [ -z "$left" ] || docker rmi $left >/dev/null || true
    fi
    find "$cache" -mindepth 1 -maxdepth 1 ! -name engine ! -name lock -exec rm -rf {} +
    say "lab: the cache is empty"
  fi
  (( ${#names[@]} )) || say "lab: there is none"
}

cmd_load() {
  local cni name all purge json gatekeeper kyverno aws agnhost registry rest names=() n image nodes archive
  options load "--name --cni --all" "$@"
  (( ${#rest[@]} )) || usage_error "\`lab load\` takes the name of an image" "help load"
  need_engine
  if $all; then mapfile -t names < <(labs); else names=("${name:-$(default_name "${cni:-kube-router}")}"); fi
  (( ${#names[@]} )) || fail "there is no lab" "Make one: lab up"
  for n in "${names[@]}"; do
    [ "$(running_of "$n" | wc -l)" = 3 ] || fail "the lab $n is not running" "Make it, or bring it back: lab up --name $n"
  done
  for image in "${rest[@]}"; do
    [ "$image" != agnhost ] || image="$agnhost_tag"
    archive=''
    if ! image_in_engine "$image"; then
      [ "$image" = "$agnhost_tag" ] && intact "$(image_entry agnhost)" && archive="$(image_entry agnhost)"
      [ -n "$archive" ] || fail "the engine has no image \`$image\`" "$([ "$image" = "$agnhost_tag" ] && echo "Build it: lab build --with-agnhost" || echo "See what it has: docker images")"
    fi
    for n in "${names[@]}"; do
      mapfile -t nodes < <(running_of "$n")
      if [ -n "$archive" ]; then load_archive "$archive" "${nodes[@]}" >/dev/null
      else "$(kind_program)" load docker-image "$image" --name "$n" >/dev/null 2>&1 || { docker save "$image" > "$cache/load.$$.tar" && load_archive "$cache/load.$$.tar" "${nodes[@]}" >/dev/null; rm -f "$cache/load.$$.tar"; }; fi
      say "lab: $image is in $n"
    done
  done
}

json_or_null() { local text; text="$(cat)"; if [ -n "$text" ]; then json_string "$text"; else echo null; fi; }
# NAME: where this machine reads the lab's audit log; nothing for a lab that was made before it was mounted
audit_log_of() { local f; f="$(state_of "$1")/audit/audit.log"; [ ! -f "$f" ] || printf '%s' "$f"; }
audit_policy_of() { local f; f="$(state_of "$1")/audit-policy.yaml"; [ ! -f "$f" ] || printf '%s' "$f"; }
json_string() { printf '"%s"' "$(printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g' | tr '\n\t' '  ')"; }
cmd_status() {
  local cni name all purge json gatekeeper kyverno aws agnhost registry rest n first=true status=0 open names=() state file cniname r image
  options status "--name --json --cni" "$@"; no_rest status
  [ -z "$cni" ] || name="${name:-$(default_name "$cni")}"
  docker_answers || {
    $json && printf '{"engine": false, "labs": []}\n'
    if [ -n "$(labs)" ]; then fail "the container engine does not answer; labs that were there: $(labs | tr '\n' ' ')" "Bring one back, engine included: lab up --name NAME"; fi
    $json || say "lab: the container engine does not answer, and there is no lab"; return "$([ -n "$name" ] && echo 1 || echo 0)"; }
  mapfile -t names < <(labs)
  ! $json || printf '{"engine": true, "labs": ['
  for n in "${names[@]}"; do
    [ -z "$name" ] || [ "$n" = "$name" ] || continue
    state="$(state_of "$n")" cniname="$(known "$n" cni)" open="$(not_ready "$n")" file="$(context_file "$n")"
    [ -e "$state/complete" ] || open="unfinished: \`lab up\` was interrupted${open:+$'\n'}$open"
    [ -z "$open" ] || status=1
    if $json; then
      $first || printf ','
      printf '\n  {"name": %s, "ready": %s, "cni": %s, "enforced": %s, "gatekeeper": %s, "kyverno": %s, "aws": %s, "context": %s, "kubeconfig": %s, "api_server": %s,\n   "kubernetes": %s, "node_image": %s, "audit_log": %s, "audit_policy": %s,\n   "nodes": [' \
        "$(json_string "$n")" "$([ -z "$open" ] && echo true || echo false)" "$(json_string "$cniname")" "$([ "$cniname" = none ] && echo false || echo true)" \
        "$([ "$(known "$n" gatekeeper)" = yes ] && echo true || echo false)" "$([ "$(known "$n" kyverno)" = yes ] && echo true || echo false)" "$(aws_json "$n")" "$(json_string "kind-$n")" "$([ -n "$file" ] && json_string "$file" || echo null)" \
        "$([ -n "$(api_address "$n")" ] && json_string "https://$(api_address "$n")" || echo null)" "$(json_string "$(server_version "$n")")" "$(json_string "$(known "$n" node_image)")" \
        "$(audit_log_of "$n" | json_or_null)" "$(audit_policy_of "$n" | json_or_null)"
      for r in "${roles[@]}"; do [ "$r" = control-plane ] || printf ', '
        printf '{"name": %s, "running": %s, "address": %s}' "$(json_string "$n-$r")" "$(running_of "$n" | grep -qx "$n-$r" && echo true || echo false)" "$(json_string "$(address_of "$n-$r")")"; done
      printf '],\n   "images": ['
      local comma=''; while IFS= read -r image; do [ -z "$image" ] || { printf '%s%s' "$comma" "$(json_string "$image")"; comma=', '; }; done < <(images_of "$n")
      printf '],\n   "not_ready": ['
      comma=''; while IFS= read -r image; do [ -z "$image" ] || { printf '%s%s' "$comma" "$(json_string "$image")"; comma=', '; }; done <<< "$open"
      printf ']}'
    else
      $first || echo
      printf '%s  %s\n' "$n" "$([ -z "$open" ] && echo ready || echo 'not ready')"
      [ -z "$open" ] || printf '%s\n' "$open" | sed 's/^/  !          /'
      printf '  network    %s\n' "$(cni_line "$cniname")"
      printf '  gatekeeper %s\n' "$(known "$n" gatekeeper)"
      printf '  kyverno    %s\n' "$([ "$(known "$n" kyverno)" = yes ] && echo yes || echo no)"
      [ "$(known "$n" aws)" != yes ] || printf '  AWS        %s  a stand-in; account %s, region %s, cluster %s; keys in %s\n' "$(aws_endpoint "$n")" "$aws_account" "$aws_region" "$n" "$(known "$n" aws_folder)/credentials"
      printf '  context    kind-%s %s\n' "$n" "$([ -n "$file" ] && echo "in $file" || echo "(not in the kubeconfig; \`lab up\` puts it back)")"
      printf '  API server %s  %s\n' "$(api_address "$n" | sed 's|^|https://|')" "$(server_version "$n")"
      printf '  nodes      '; for r in "${roles[@]}"; do printf '%s-%s (%s) ' "$n" "$r" "$(address_of "$n-$r")"; done; echo
      printf '  node image %s\n' "$(known "$n" node_image)"
      images_of "$n" | sed 's/^/  image      /'
      printf '  audit log  %s\n' "$(audit_log_of "$n" | grep . || echo "docker exec $n-control-plane tail -f /var/log/kubernetes/audit.log")"
      printf '  its policy %s\n' "$(audit_policy_of "$n")"
    fi
    first=false
  done
  ! $json || printf '\n]}\n'
  if $first; then $json || say "lab: there is no lab${name:+ named $name}; make one: lab up"; [ -z "$name" ] || return 1; fi
  [ -z "$name" ] || return $status
}
server_version() { docker exec "$1-control-plane" cat /kind/version 2>/dev/null || true; }
images_of() { in_cluster "$1" get pods -n kube-system --request-timeout=5s -o 'go-template={{range .items}}{{range .spec.containers}}{{.image}}{{"\n"}}{{end}}{{end}}' 2>/dev/null | sort -u || true; }
