# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For the tests of what makes training rows: a folder of its own in $dir, and check NAME COMMAND..., a line of TAP.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
if ! command -v python3 >/dev/null; then
	echo '1..0 # SKIP no python3'
	exit 0
fi
export PYTHONDONTWRITEBYTECODE=1
n=0
check() { # NAME COMMAND...
	local name=$1
	n=$((n + 1))
	shift
	if "$@" >"$dir/why" 2>&1; then
		echo "ok $n - $name"
	else
		sed 's/^/# /' "$dir/why" | head -20
		echo "not ok $n - $name"
	fi
}
