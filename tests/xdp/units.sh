#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# systemd reads both units without complaint, and finds little to attack.  Needs no root.
set -u
: "${srcdir:?}" "${builddir:?}"
command -v systemd-analyze >/dev/null || { echo '1..0 # SKIP no systemd-analyze here'; exit 0; }
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
for unit in llmsec-xdp@ llmsec-xdp-follow; do
	sed "s|^\(Exec[A-Za-z]*=\)[^ ]*/llmsec-xdp |\1$builddir/bpf/llmsec-xdp |" "$builddir/systemd/$unit.service" >"$dir/$unit.service"
	out=$(grep '@[a-z_]*@' "$dir/$unit.service")
	[ -z "$out" ]
	result $? "$unit: every path is filled in" "$out"
done
cp "$dir/llmsec-xdp@.service" "$dir/llmsec-xdp@eth0.service"
for unit in llmsec-xdp@eth0 llmsec-xdp-follow; do
	out=$(systemd-analyze verify --man=no "$dir/$unit.service" 2>&1)
	rc=$?
	out=$(printf '%s\n' "$out" | grep llmsec-xdp)
	[ $rc = 0 ] && [ -z "$out" ]
	result $? "$unit: systemd-analyze verify has nothing to say" "$out"
	# The threshold is ten times the exposure level.
	out=$(systemd-analyze security --offline=true --no-pager --threshold=30 "$dir/$unit.service" 2>&1)
	result $? "$unit: exposure is at most 3.0 of 10" "$(printf '%s\n' "$out" | grep -i overall)"
done
echo "1..$n"
exit $bad
