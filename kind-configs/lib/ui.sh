# shellcheck shell=bash disable=SC2154,SC2034
# What the user sees: messages, and steps that tell how long they take and what is left.

tty=false; [ -t 2 ] && [ "${TERM:-dumb}" != dumb ] && tty=true
bold='' dim='' red='' green='' yellow='' reset=''
if $tty && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' reset=$'\e[0m'
fi

say()  { printf '%s\n' "$*" >&2; }
warn() { printf '%slab: note:%s %s\n' "$yellow" "$reset" "$*" >&2; }
# fail MESSAGE [HINT...]: what went wrong, then what to do about it
fail() {
  printf '%slab:%s %s\n' "$red" "$reset" "$1" >&2; shift
  local hint; for hint in "$@"; do printf '     %s\n' "$hint" >&2; done
  exit 1
}
usage_error() { printf '%slab:%s %s\n     Try: lab %s\n' "$red" "$reset" "$1" "${2:---help}" >&2; exit 2; }

duration() { # SECONDS
  if (( $1 < 60 )); then printf '%d s' "$1"; else printf '%d min %02d s' $(( $1 / 60 )) $(( $1 % 60 )); fi
}
roughly() { # SECONDS: as exact as an estimate deserves
  if (( $1 <= 0 )); then printf 'almost done'
  elif (( $1 < 90 )); then printf 'about %d s left' $(( ($1 + 9) / 10 * 10 ))
  else printf 'about %d min left' $(( ($1 + 30) / 60 )); fi
}

# Seconds that each step took on two otherwise idle cores with nothing cached; the last run on this machine counts for more.
declare -A typical=(
  [packages]=40 [engine]=4 [pull]=90 [kind]=26 [kubernetes]=300 [etcd]=16 [coredns]=13 [kube-router]=90 [cni-plugins]=2
  [gatekeeper]=54 [cilium]=247 [agnhost]=10 [registry]=60 [debian-node]=35 [debian-net]=25 [debian-cilium]=60 [debian-aws]=35 [image-aws]=10 [aws]=12
  [image-node]=45 [restore-node]=20 [store-node]=15 [image-kube-router]=4 [image-gatekeeper]=3 [image-cilium]=12
  [image-agnhost]=3 [image-registry]=2 [create]=40 [cni]=4 [admission]=4 [ready]=30 [recover]=40 [delete]=5
)
estimate() { # STEP
  local known; known="$(awk -v s="$1" '$1 == s {v = $2} END {print v}' "$cache/timings" 2>/dev/null || true)"
  printf '%s' "${known:-${typical[$1]:-10}}"
}
remember() { # STEP SECONDS
  { grep -v "^$1 " "$cache/timings" 2>/dev/null || true; printf '%s %s\n' "$1" "$2"; } > "$cache/timings.$$"
  mv "$cache/timings.$$" "$cache/timings"
}

# A run's steps are announced first, so that what is left can be told from the first one on.
declare -A pending=()
step_total=0 step_done=0
announce() { local id; for id in "$@"; do pending[$id]="$(estimate "$id")"; step_total=$(( step_total + 1 )); done; }
left() { # STEP ELAPSED: seconds until all announced steps are through, given that STEP has run so long
  local sum=0 id own
  for id in "${!pending[@]}"; do
    own="${pending[$id]}"
    [ "$id" = "$1" ] && { own=$(( own - $2 )); (( own > 2 )) || own=2; }
    [ -n "${lane[$id]:-}" ] && continue   # runs beside the others
    sum=$(( sum + own ))
  done
  printf '%s' "$sum"
}

declare -A lane=() lane_start=()   # steps that run beside the others: id -> process
jobs_to_stop=()

spawn() { # LOG COMMAND...: in a process group of its own, so that stopping it stops all it started; sets `spawned`
  local log="$1"; shift
  set -m; ( set +m; set -e; "$@" ) > "$log" 2>&1 < /dev/null & spawned=$!; set +m
  jobs_to_stop+=("$spawned")
}
stop_jobs() { local p; for p in "${jobs_to_stop[@]:-}"; do [ -z "$p" ] || kill -- "-$p" 2>/dev/null || true; done; }

step_failed() { # TITLE LOG
  $tty && printf '\r\e[K' >&2
  printf '%slab:%s %s failed. The end of its log (%s):\n' "$red" "$reset" "$1" "$2" >&2
  tail -n 15 "$2" | sed 's/^/     | /' >&2
  local why; why="$(explain "$2")"; [ -z "$why" ] || printf '     %s\n' "$why" >&2
  stop_jobs
  exit 1
}
explain() { # LOG: what a known trouble means
  if grep -qiE 'no space left' "$1"; then echo "The disk is full: free some, or point TENANTPROOF_CACHE, GOCACHE and GOMODCACHE at a larger one."
  elif grep -qiE 'proxy.*(dial|lookup|refused|timeout)|dial tcp.*(lookup|refused|timeout).*|no such host' "$1"; then echo "Go modules could not be fetched: see \`go env GOPROXY\`, and whether that host can be reached."
  elif grep -qiE 'checksum mismatch|SECURITY ERROR' "$1"; then echo "A module is not what its checksum says. Do not go on: find out which proxy served it."
  elif grep -qiE 'hashes are required|DO NOT MATCH THE HASHES' "$1"; then echo "A Python package is not what its hash says. Do not go on: find out which index served it."
  elif grep -qiE 'no matching distribution|pip.*(timeout|connection)' "$1"; then echo "Python packages could not be fetched: see \`pip config list\`, and whether that index can be reached."
  elif grep -qiE 'unable to download|Could not resolve|Failed to fetch|Temporary failure resolving' "$1"; then echo "Debian packages could not be fetched: see /etc/apt/sources.list, and whether that mirror can be reached."
  elif grep -qiE 'too many open files|inotify' "$1"; then echo "Raise the inotify limits: sysctl -w fs.inotify.max_user_instances=1024 fs.inotify.max_user_watches=524288"
  elif grep -qiE 'signal: killed|cannot allocate memory|out of memory' "$1"; then echo "Memory ran out: the build needs about 3 GB, each lab 1 to 2.5 GB."
  elif grep -qiE 'operation not permitted' "$1" && grep -qi runc "$1"; then echo "The host withholds a capability. An engine that lab starts itself leaves CAP_SYS_RESOURCE out; see README.md, \"Traps\"."
  elif grep -qiE 'lock.*file exists' "$1"; then echo "A kubeconfig lock was left behind by something that was killed: remove the .lock file that the log names."
  fi
}

draw() { # TITLE STARTED STEP
  local took=$(( SECONDS - $2 ))
  printf '\r\e[K%s[%d/%d]%s %s %s%s, %s%s' "$dim" $(( step_done + 1 )) "$step_total" "$reset" "$1" "$dim" "$(duration "$took")" "$(roughly "$(left "$3" "$took")")" "$reset" >&2
}
finish_step() { # STEP TITLE TOOK
  unset "pending[$1]"; step_done=$(( step_done + 1 )); remember "$1" "$3"
  if $tty; then printf '\r\e[K%s[%d/%d]%s %s %s%s%s\n' "$dim" "$step_done" "$step_total" "$reset" "$2" "$green" "$(duration "$3")" "$reset" >&2
  else say "[$step_done/$step_total] $2: $(duration "$3")"; fi
}
# step ID TITLE COMMAND...: runs it with its output in a log
step() {
  local id="$1" title="$2" started=$SECONDS log="$cache/logs/$1.log" status=0; shift 2
  mkdir -p "$cache/logs"
  $tty || say "[$(( step_done + 1 ))/$step_total] $title ($(roughly "$(left "$id" 0)"))"
  spawn "$log" "$@"; local pid=$spawned
  if $tty; then while kill -0 "$pid" 2>/dev/null; do draw "$title" "$started" "$id"; sleep 0.3; done; fi
  wait "$pid" || status=$?
  (( status == 0 )) || step_failed "$title" "$log"
  finish_step "$id" "$title" $(( SECONDS - started ))
}
# beside ID COMMAND...: starts a step that runs beside the following ones; join ID TITLE waits for it
beside() {
  local id="$1"; shift
  mkdir -p "$cache/logs"
  spawn "$cache/logs/$id.log" timed "$id" "$@"
  lane[$id]=$spawned lane_start[$id]=$SECONDS
}
timed() { local id="$1" started=$SECONDS; shift; "$@"; echo $(( SECONDS - started )) > "$cache/logs/$id.took"; }
join() {
  local id="$1" title="$2" pid="${lane[$1]}" status=0
  $tty || say "[$(( step_done + 1 ))/$step_total] $title ($(roughly "$(left "$id" $(( SECONDS - ${lane_start[$id]} )))"))"
  if $tty; then while kill -0 "$pid" 2>/dev/null; do draw "$title" "${lane_start[$id]}" "$id"; sleep 0.3; done; fi
  wait "$pid" || status=$?
  unset "lane[$id]"
  (( status == 0 )) || step_failed "$title" "$cache/logs/$id.log"
  finish_step "$id" "$title" "$(cat "$cache/logs/$id.took")"
}
