# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Head of the tests of profile egress: says why they are skipped, or sources the libraries and prepares a c-icap (cicap.sh) and $tap_dir.
#	content_needs TOOL...	before anything else
: "${srcdir:?}" "${builddir:?}"
skip_all() { echo "1..0 # SKIP $1"; exit 0; }
# shellcheck disable=SC2034	# for cicap.sh
CICAP=$(PATH=$PATH:/usr/sbin command -v c-icap) || skip_all 'no c-icap here'
if grep -aq -e __asan_init -e __tsan_init -e __ubsan_handle "$builddir/icap-llmsec/.libs/srv_llmsec.so"; then
	skip_all "sanitized: the engine's unit tests and fuzz targets cover it"
fi
. "$srcdir/tests/e2e/lib.sh"
. "$srcdir/tests/icap/cicap.sh"

content_needs()
{
	local tool
	for tool in jq pgrep python3 "$@"; do
		command -v "$tool" >/dev/null || skip_all "no $tool here"
	done
	cicap_setup
}
