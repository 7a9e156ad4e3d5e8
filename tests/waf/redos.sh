#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Hostile inputs against every pattern of the installed rule set: see redos.c.  TAP.
#	redos.sh [--limit-ms N] [--size N]
set -uo pipefail
srcdir=${srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
builddir=${builddir:-$srcdir/build}
# shellcheck source=tests/waf/lib.sh
. "$srcdir/tests/waf/lib.sh"

if ! crs_find; then
	echo "1..0 # SKIP no Core Rule Set in $crs_rules"
	exit 0
fi
mkdir -p "$waf_dir"
crs_main "$waf_dir/redos.conf" "${crs_suite_tx[@]}"
exec "$builddir/tests/waf/redos" --rules "$waf_dir/redos.conf" "$@" "$crs_rules"/*.conf
