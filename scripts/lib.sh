# Shared by the scripts beside it: how they talk, and where the tools they install are. Sourced, not run.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Python programs of this clone only; made by `scripts/setup test`.
# shellcheck disable=SC2034 # used by those who source this
venv=$root/target/tools/venv

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
  say "$*"
  exit 1
}
