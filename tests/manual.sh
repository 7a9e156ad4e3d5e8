#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The manual: no complaint of mandoc, every option that --help names, every key that --show-defaults prints.
set -u
: "${srcdir:?}" "${builddir:?}"
n=0 bad=0

result()	# OUTPUT NAME: passes when there is no output
{
	n=$((n + 1))
	if [ -z "$1" ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; printf '%s\n' "$1" | sed 's/^/# /'; bad=1; fi
}

# A manual of another package may be missing; ours may not say so about ours.
if command -v mandoc >/dev/null; then
	for page in "$srcdir"/{lib,haproxy-spoa,icap-llmsec,squid-helpers,control,ti-sync}/*.[1578]; do
		result "$(mandoc -Tlint -W warning "$page" 2>&1 | grep -v 'mandoc.db' | head -n 10)" "${page##*/} is clean"
	done
else
	n=$((n + 1))
	echo "ok $n - manual pages # SKIP no mandoc here"
fi

words() { tr -c 'A-Za-z0-9_-' '\n' <"$1" | sort -u; }

# pair PROGRAM PAGE [CONFIGURATION-PAGE]
pair()
{
	local program=$builddir/$1 page=$srcdir/$2 conf=${3:+$srcdir/$3}
	[ -x "$program" ] || return 0
	result "$("$program" --help | grep -oE '(^|[ ,[])--[a-z][a-z-]+' | sed 's/.*--/-/' | sort -u |
		while read -r o; do words "$page" | grep -qx -e "$o" || echo "-$o is not in ${page##*/}"; done)" "$1: options"
	[ -n "$conf" ] || return 0
	result "$("$program" --show-defaults | sed -n 's/^ *\([a-z_0-9]*\):.*/\1/p' | sort -u |
		while read -r k; do words "$conf" | grep -qx -e "$k" || echo "$k is not in ${conf##*/}"; done)" "$1: keys"
}

pair haproxy-spoa/llmsec-spoad haproxy-spoa/llmsec-spoad.8 haproxy-spoa/spoad.yaml.5
pair squid-helpers/ext_llmsec_egress_acl squid-helpers/ext_llmsec_egress_acl.8 squid-helpers/llmsec-egress.yaml.5
pair squid-helpers/llmsec-egress-gate squid-helpers/llmsec-egress-gate.8
pair control/llmsecd control/llmsecd.8 control/llmsecd.yaml.5
pair control/llmsecctl control/llmsecctl.1
pair icap-llmsec/llmsec-scan icap-llmsec/llmsec-scan.1 icap-llmsec/llmsec-icap.yaml.5
pair ti-sync/llmsec-ti-sync ti-sync/llmsec-ti-sync.8 ti-sync/ti-sync.yaml.5
echo "1..$n"
exit $bad
