#!/usr/bin/env bash
# AWS' stand-in as plain processes on loopback: seconds, without engine and lab. Its Python packages are fetched once, held
# against their hashes, and kept in the lab's cache.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cache="${TENANTPROOF_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tenantproof}/lab"
skip() { echo "SKIPPED: AWS' stand-in: $1"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
command -v python3 >/dev/null || skip "there is no python3 on PATH"
[ "$(python3 -c 'import sys; print(sys.version_info[:2] == (3, 11))')" = True ] || skip "its packages are for Python 3.11, as its image has it; this is $(python3 --version)"
python3 -c 'import venv, ensurepip' 2>/dev/null || skip "python3 has no venv (Debian: apt-get install python3-venv)"
venv="$cache/aws-venv-$(sha256sum < "$here/aws/requirements.txt" | cut -c1-12)"
if [ ! -e "$venv/complete" ]; then
  find "$cache" -maxdepth 1 -name 'aws-venv-*' -exec rm -rf {} + 2>/dev/null || true
  mkdir -p "$cache"; python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --no-input --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: -r "$here/aws/requirements.txt"
  touch "$venv/complete"
fi
exec "$venv/bin/python3" "$here/tests/aws_test.py" "$@"
