# shellcheck shell=bash disable=SC2154,SC2034
# What the lab needs of the machine: all of it is looked at before anything is begun, and what is missing is said at once.

docker_answers() { command -v docker >/dev/null && timeout 10 docker version -f '{{.Server.Version}}' >/dev/null 2>&1; }
is_debian() { [ -r /etc/os-release ] && grep -qE '^ID(_LIKE)?=.*(debian|ubuntu)' /etc/os-release; }
may_install() { # packages, and an engine: as root on Debian, unless told not to
  [ "${LAB_INSTALL:-auto}" != never ] && [ "$(id -u)" = 0 ] && is_debian && command -v apt-get >/dev/null; }
lacks_sys_resource() { local set; set="$(awk '/^CapBnd/ {print $2}' /proc/self/status)"; (( (0x$set >> 24 & 1) == 0 )); }

missing=() wanted_packages=() engine_to_start=false
lack() { missing+=("$1"); }
want_tool() { # COMMAND DEBIAN-PACKAGES WHAT-FOR
  command -v "$1" >/dev/null && return 0
  # shellcheck disable=SC2206
  if may_install; then wanted_packages+=($2); else lack "$1: $3. On Debian or Ubuntu: apt-get install $2"; fi
}
version_at_least() { [ "$(printf '%s\n%s\n' "${2#v}" "${1#v}" | sort -V | head -n 1)" = "${2#v}" ]; }
free_gb() { local d="$1"; while [ ! -d "$d" ]; do d="$(dirname "$d")"; done; df -Pk "$d" | awk 'NR == 2 {print int($4 / 1048576)}'; }

check_engine() {
  docker_answers && return 0
  if [ -n "${DOCKER_HOST:-}" ]; then lack "a container engine that answers: DOCKER_HOST is $DOCKER_HOST, and nothing answers there"
  elif may_install; then
    command -v dockerd >/dev/null || wanted_packages+=(docker.io)
    command -v docker >/dev/null || wanted_packages+=(docker.io)
    command -v iptables >/dev/null || wanted_packages+=(iptables)
    ! lacks_sys_resource || command -v jq >/dev/null || wanted_packages+=(jq)
    engine_to_start=true
  elif ! command -v docker >/dev/null; then
    lack "a container engine: there is no \`docker\` on PATH. Install Docker (on Debian or Ubuntu: apt-get install docker.io), or run lab as root on Debian, where it does that itself"
  else
    lack "a container engine that answers: \`docker version\` reaches no server. Start it (systemctl start docker), join the group docker, or run lab as root on Debian, where it starts one itself"
  fi
}
check_go() { # WHAT-FOR
  local have=''
  command -v go >/dev/null && have="$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed 's/^go//')"
  if [ -z "$have" ]; then lack "Go $GO_AT_LEAST or later, to build $1: there is no \`go\` on PATH. See https://go.dev/dl"
  elif ! version_at_least "$have" "$GO_AT_LEAST"; then lack "Go $GO_AT_LEAST or later, to build $1: this is $have. See https://go.dev/dl"
  else
    local d; d="$(mktemp -d)"
    (cd "$d" && GOFLAGS=-mod=mod GOWORK=off timeout 60 go mod download -json "sigs.k8s.io/kind@$KIND") > "$d/out" 2>&1 ||
      lack "Go modules: $(go env GOPROXY) does not serve sigs.k8s.io/kind $KIND ($(grep -v '^[{}[:space:]]*$' "$d/out" | tail -n 1 | cut -c1-160)). Set GOPROXY to one that can be reached"
    rm -rf "$d"
  fi
}
check_disk() { # GB-NEEDED FOLDER WHAT-FOR
  local free; free="$(free_gb "$2")"
  (( free >= $1 )) || lack "disk: $free GB are free under $2, $1 GB are needed for $3. Free some, or set TENANTPROOF_CACHE to a folder on a larger disk"
}
check_memory() {
  local free; free="$(awk '/^MemAvailable/ {print int($2 / 1024)}' /proc/meminfo)"
  (( free >= 2000 )) || lack "memory: $free MB are available, three nodes take 1 to 2.5 GB"
}
report_missing() {
  (( ${#missing[@]} == 0 )) && return 0
  local m
  printf '%slab:%s cannot start; %d thing%s missing:\n' "$red" "$reset" "${#missing[@]}" "$( (( ${#missing[@]} == 1 )) && echo ' is' || echo 's are')" >&2
  for m in "${missing[@]}"; do printf '  - %s\n' "$m" >&2; done
  exit 1
}

install_packages() { DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND; apt-get update -qq; apt-get install -y -qq --no-install-recommends "$@"; }

# A host whose own bounding set lacks CAP_SYS_RESOURCE refuses `docker run --privileged`, which asks for every
# capability; the engine then runs runc through a wrapper that leaves this one out.
start_engine() {
  local args=() _
  if lacks_sys_resource; then
    mkdir -p "$cache/engine"; install -m755 "$here/files/runc-bounded" "$cache/engine/runc-bounded.new"; mv "$cache/engine/runc-bounded.new" "$cache/engine/runc-bounded"
    args=(--add-runtime "bounded=$cache/engine/runc-bounded" --default-runtime bounded)
  elif [ -d /run/systemd/system ]; then systemctl start docker; fi
  if ! docker_answers; then
    mkdir -p "$cache/engine"
    setsid nohup dockerd "${args[@]}" >> "$cache/engine/dockerd.log" 2>&1 9>&- < /dev/null &
    echo $! > "$cache/engine/dockerd.pid"
  fi
  for _ in $(seq 120); do
    docker_answers && return 0
    [ ! -e "$cache/engine/dockerd.pid" ] || kill -0 "$(cat "$cache/engine/dockerd.pid")" 2>/dev/null || break
    sleep 0.5
  done
  echo "dockerd did not answer; its log's end:"; tail -n 8 "$cache/engine/dockerd.log"; return 1
}
raise_inotify() { # each node runs some dozen watchers; 128 are soon used up
  local file=/proc/sys/fs/inotify/max_user_instances
  (( $(cat "$file" 2>/dev/null || echo 9999) >= 512 )) && return 0
  if [ "$(id -u)" = 0 ] && echo 1024 > "$file" 2>/dev/null; then say "lab: raised fs.inotify.max_user_instances to 1024, until the machine restarts"
  else warn "fs.inotify.max_user_instances is $(cat "$file"); more than one lab may need 1024: sysctl -w fs.inotify.max_user_instances=1024"; fi
}
