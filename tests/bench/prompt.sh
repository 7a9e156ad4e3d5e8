#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What inspecting a text costs, stage by stage, with the shipped rules and model, and for scale a list of regular
# expressions one after the other; then what files in requests cost.
#	./dev bench prompt [-r seconds] [FILE]		exit status 1: a target is missed
set -euo pipefail
srcdir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
builddir=${LLMSEC_BUILD:-$srcdir/build}
make -s -C "$builddir" tests/bench/prompt_bench tests/bench/attach_bench >/dev/null
conf=$(mktemp)
trap 'rm -f "$conf"' EXIT
sed "s|/usr/share/llmsec|$srcdir/etc/llmsec|" "$srcdir/etc/llmsec/icap.yaml" >"$conf"
printf 'CPU: %s; %s load\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(cut -d ' ' -f 1-3 /proc/loadavg)"
rc=0
"$builddir/tests/bench/prompt_bench" -c "$conf" "$@" || rc=$?
printf '\nFiles in requests: a whole request of 10 MB, one core\n'
"$builddir/tests/bench/attach_bench" -c "$conf" || rc=$?
exit "$rc"
