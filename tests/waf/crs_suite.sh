#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The Core Rule Set's own regression suite against llmsec-waf: TAP, one test a file of the suite.
#	crs_suite.sh [ftw options]
# LLMSEC_CRS_TESTS, LLMSEC_CRS_RULES and LLMSEC_CRS_SETUP point it at another checkout, v4 included.
set -uo pipefail
srcdir=${srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
builddir=${builddir:-$srcdir/build}
# shellcheck source=tests/waf/lib.sh
. "$srcdir/tests/waf/lib.sh"

if ! crs_find; then
	echo "1..0 # SKIP no Core Rule Set in $crs_rules"
	exit 0
fi
if ! crs_tests; then
	echo "1..0 # SKIP $why"
	exit 0
fi
main=$waf_dir/suite.conf
mkdir -p "$waf_dir"
crs_main "$main" "${crs_suite_tx[@]}"
overrides=$srcdir/tests/waf/overrides-3.3.txt
min=(--min 2390)
if [ -n "${LLMSEC_CRS_TESTS:-}" ]; then
	overrides=$srcdir/tests/waf/overrides-v4.txt
	min=()
fi
exec "$builddir/tests/waf/ftw" --overrides "$overrides" "${min[@]}" "$@" "$crs_tests" -- \
	"$builddir/haproxy-spoa/waf/llmsec-waf" run --exec --verify --rules "$main"
