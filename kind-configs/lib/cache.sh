# shellcheck shell=bash disable=SC2154,SC2034
# What was built is kept by content: an entry's name ends in a hash of all that went into it. An entry is made in a
# temporary place and renamed when it is complete; its weight is noted, so that one that was cut short later is not believed.

cache="${TENANTPROOF_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tenantproof}/lab"

digest() { sha256sum | cut -c1-12; }
weigh()  { find "$1" -type f -printf '%s\n' 2>/dev/null | awk '{n += $1} END {print n + 0}'; }
intact() { [ -e "$1" ] && [ -s "$1.weight" ] && [ "$(cat "$1.weight")" = "$(weigh "$1")" ]; }
scratch() { mkdir -p "$cache/tmp"; mktemp -d "$cache/tmp/XXXXXXXX"; }
keep() { # MADE ENTRY: gives what was made its place
  local size; size="$(weigh "$1")"
  mkdir -p "$(dirname "$2")"; rm -rf "$2" "$2.weight"
  mv "$1" "$2"; printf '%s\n' "$size" > "$2.weight.new"; mv "$2.weight.new" "$2.weight"
}
# The entry in use and the one before it are kept (for switching between branches), older ones go.
prune() { # FOLDER NAME ENTRY-IN-USE
  local old n=0
  touch -c "$3" "$3.weight"
  while IFS= read -r old; do
    [ "$old" = "$3" ] && continue
    n=$(( n + 1 )); (( n > 1 )) && rm -rf "$old" "$old.weight"
  done < <(find "$1" -mindepth 1 -maxdepth 1 -regextype posix-extended -regex ".*/$2-[0-9a-f]{12}(\.tar(\.zst)?)?" -printf '%T@ %p\n' 2>/dev/null | sort -rn | cut -d' ' -f2-)
  return 0
}
clean_scratch() { find "$cache/tmp" -mindepth 1 -maxdepth 1 -mmin +240 -exec rm -rf {} + 2>/dev/null || true; }

# One command at a time changes labs and cache; the lock goes with the process that holds it.
lock() {
  mkdir -p "$cache"
  command -v flock >/dev/null || return 0
  exec 9>> "$cache/lock"
  flock -n 9 || { say "lab: another lab command is at work ($(tail -n 1 "$cache/lock")); waiting for it"; flock 9; }
  printf 'lab %s, process %s, since %s\n' "$command" "$$" "$(date +%H:%M)" > "$cache/lock"
}
