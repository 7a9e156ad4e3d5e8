#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# systemd reads the unit without complaint, and finds little to attack.
set -u
: "${srcdir:?}" "${builddir:?}"
if ! command -v systemd-analyze >/dev/null; then
	echo "1..0 # SKIP no systemd-analyze here"
	exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0 bad=0

result()	# STATUS NAME OUTPUT
{
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; fi
	[ -z "$3" ] || printf '%s\n' "$3" | sed 's/^/# /'
}

# The program is not installed yet: show systemd the one in the build folder.
unit=$dir/llmsec-spoad.service
sed "s|^\(Exec[A-Za-z]*=\)[^ ]*/llmsec-spoad |\1$builddir/haproxy-spoa/llmsec-spoad |" \
	"$builddir/systemd/llmsec-spoad.service" >"$unit"
! grep -q '@[a-z_]*@' "$unit"
result $? "every path of the unit is filled in" "$(grep '@[a-z_]*@' "$unit")"
out=$(systemd-analyze verify --man=no "$unit" 2>&1)
rc=$?
out=$(printf '%s\n' "$out" | grep llmsec-spoad)
[ $rc = 0 ] && [ -z "$out" ]
result $? "systemd-analyze verify has nothing to say" "$out"
# The threshold is ten times the exposure level.
out=$(systemd-analyze security --offline=true --no-pager --threshold=20 "$unit" 2>&1)
result $? "exposure is at most 2.0 of 10" "$(printf '%s\n' "$out" | grep -i overall)"
echo "1..$n"
exit $bad
