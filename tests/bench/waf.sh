#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the WAF engine costs, against libmodsecurity in the same run: CPU time of phases 1 and 2, Core Rule Set at
# paranoia level 1, a benign corpus made by a fixed seed and the attacks of the rule set's own suite.
#	./dev bench waf [waf_bench options]		exit status 1: a target is missed
set -uo pipefail
srcdir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
builddir=${LLMSEC_BUILD:-$srcdir/build}
# shellcheck source=tests/waf/lib.sh
. "$srcdir/tests/waf/lib.sh"

if ! crs_find; then
	echo "waf bench: no Core Rule Set in $crs_rules (Debian: modsecurity-crs)" >&2
	exit 1
fi
make -s -C "$builddir" tests/bench/waf_bench tests/waf/ftw >/dev/null || exit 1
mkdir -p "$waf_dir"
crs_main "$waf_dir/bench.conf"
crs_peer "$waf_dir/bench-peer.conf"
args=(--rules "$waf_dir/bench.conf" --peer "$waf_dir/bench-peer.conf")
args+=(--llm "${LLMSEC_WAF_MAIN:-$srcdir/etc/llmsec/waf/main.conf}")
if crs_tests; then
	"$builddir/tests/waf/ftw" --dump "$waf_dir/attacks" "$crs_tests" && args+=(--attacks "$waf_dir/attacks")
else
	echo "without the attack corpus: $why"
fi
printf 'CPU: %s; %s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(cut -d ' ' -f 1-3 /proc/loadavg) load"
exec "$builddir/tests/bench/waf_bench" "${args[@]}" "$@"
