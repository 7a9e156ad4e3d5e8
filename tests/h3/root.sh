#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A root of Debian 13 in DIR, for what Debian 12 has not: an HAProxy and a curl that speak HTTP/3.
#	root.sh DIR
# shellcheck disable=SC2016	# apt's own variables
# Kept where it is: later calls are at once.  Exit status 77 and a reason where it cannot be made.
set -eu
dir=$1
packages=ca-certificates,haproxy,curl,openssl
stamp=$dir/.llmsec-$packages

no() { echo "$*"; exit 77; }
[ ! -e "$stamp" ] || exit 0
[ "$(id -u)" = 0 ] || no 'no Debian 13 root: debootstrap needs root'
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
command -v debootstrap >/dev/null || no 'no Debian 13 root: debootstrap is not installed'
[ -e /usr/share/debootstrap/scripts/trixie ] || no 'no Debian 13 root: this debootstrap does not know trixie'
# The mirror that this machine has its own packages from.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' 'Origin: Debian' 2>/dev/null |
	awk '$2 !~ /-/ { print $1; exit }')
[ -n "$mirror" ] || no 'no Debian 13 root: apt knows no Debian mirror'
# debootstrap mounts /proc and /sys below the root; where it was killed, they are still there.
remove()
{
	awk -v d="$1/" 'index($2, d) == 1 { print $2 }' /proc/mounts | sort -r | while read -r m; do umount -l "$m" || true; done
	rm -rf --one-file-system "$1"
}
remove "$dir"
remove "$dir.new"
mkdir -p "${dir%/*}"
rc=0
timeout -k 10 "${LLMSEC_DEBOOTSTRAP_SECONDS:-600}" debootstrap --variant=minbase --include="$packages" trixie "$dir.new" \
	"$mirror" >"$dir.log" 2>&1 || rc=$?
if [ $rc != 0 ]; then
	why=$(grep -E '^(E|W):' "$dir.log" | tail -n 1)
	remove "$dir.new"
	no "no Debian 13 root: debootstrap from $mirror ended with status $rc${why:+, $why}"
fi
rm -rf "$dir.new/var/cache/apt" "$dir.new/var/lib/apt/lists"
mv "$dir.new" "$dir"
touch "$stamp"
