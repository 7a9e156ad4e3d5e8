#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The same generated requests through our engine and libmodsecurity: see diff_modsec.c.  TAP.
#	diff.sh [--count N] [--seed N] [--as-is]
set -uo pipefail
srcdir=${srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
builddir=${builddir:-$srcdir/build}
# shellcheck source=tests/waf/lib.sh
. "$srcdir/tests/waf/lib.sh"

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}
[ -x "$builddir/tests/waf/diff_modsec" ] || skip 'built without libmodsecurity'
crs_find || skip "no Core Rule Set in $crs_rules"
crs_tests || skip "$why"
crs_main "$waf_dir/diff.conf" "${crs_suite_tx[@]}"
crs_peer "$waf_dir/diff-peer.conf" "${crs_suite_tx[@]}"
"$builddir/tests/waf/ftw" --dump "$waf_dir/attacks" "$crs_tests" || skip 'the suite cannot be read'
exec "$builddir/tests/waf/diff_modsec" --rules "$waf_dir/diff.conf" --peer "$waf_dir/diff-peer.conf" \
	--reasons "$srcdir/tests/waf/diff-reasons.txt" --docs "$srcdir/docs/waf-differences.md" \
	--attacks "$waf_dir/attacks" --dump "$waf_dir/diff.records" "$@"
