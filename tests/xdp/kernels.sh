#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The verifier of an older kernel, in an emulator: Debian's own kernel for clouds (6.1 in Debian 12) takes the program,
# and the program's tests pass in it.  The kernel that runs here is newer and lets things pass that older ones refuse.
# Needs no root.  LLMSEC_KERNEL_DEB: another kernel package than apt's.
set -u
: "${srcdir:?}" "${builddir:?}"
# shellcheck source=tests/e2e/lib.sh
. "$srcdir/tests/e2e/lib.sh"
skip_all() { echo "1..0 # SKIP $1"; exit 0; }
[ "$(uname -m)" = x86_64 ] || skip_all "no kernel for $(uname -m) is known to this test"
[ -x "$builddir/bpf/llmsec-xdp" ] || skip_all 'llmsec-xdp is not built'
for p in qemu-system-x86_64 cpio dpkg-deb apt-get; do
	command -v $p >/dev/null || skip_all "no $p here"
done
busybox=$(PATH=$PATH:/bin command -v busybox) || skip_all 'no busybox here (package busybox-static)'

# The package, kept in the build folder.
kept=$builddir/kernels deb=${LLMSEC_KERNEL_DEB:-}
if [ -z "$deb" ]; then
	name=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9][^ ]*\).*/\1/p' | head -n 1)
	[ -n "$name" ] || skip_all 'apt knows no linux-image-cloud-amd64'
	mkdir -p "$kept"
	deb=$(find "$kept" -name "${name}_*.deb" | head -n 1)
	if [ -z "$deb" ]; then
		(cd "$kept" && timeout 300 apt-get download -qq "$name") >"$tap_dir/apt" 2>&1 ||
			skip_all "apt cannot fetch $name: $(tail -n 1 "$tap_dir/apt")"
		deb=$(find "$kept" -name "${name}_*.deb" | head -n 1)
	fi
fi
dpkg-deb -x "$deb" "$tap_dir/kernel" || bail_out "$deb cannot be unpacked"
kernel=$(find "$tap_dir/kernel/boot" -name 'vmlinuz-*')

# A file system of memory: busybox, what is tested, the libraries of that.
root=$tap_dir/root
mkdir -p "$root"/{bin,proc,sys,dev,run,tmp,etc,lib64,lib/x86_64-linux-gnu}
cp "$busybox" "$root/bin/busybox"
for p in bpf/llmsec-xdp tests/unit/xdp/test_program; do
	cp "$builddir/$p" "$root/bin/"
	ldd "$builddir/$p" | grep -o '/[^ ]*' | while read -r lib; do
		case $lib in */ld-linux*) cp -L "$lib" "$root/lib64/" ;; *) cp -L "$lib" "$root/lib/x86_64-linux-gnu/" ;; esac
	done
done
echo '192.0.2.99' >"$root/never-ban.lst"
printf 'log_level: debug\nnever_ban: /never-ban.lst\n' >"$root/xdp.yaml"
cat >"$root/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t bpf bpf /sys/fs/bpf; mount -t tmpfs run /run
export LD_LIBRARY_PATH=/lib/x86_64-linux-gnu XDP_PROPERTY=20000
ifconfig lo up
echo "kernel $(uname -r)"
llmsec-xdp -c /xdp.yaml attach lo; echo "attach $?"
llmsec-xdp -c /xdp.yaml ban 192.0.2.7; llmsec-xdp -c /xdp.yaml list
llmsec-xdp -c /xdp.yaml ban 192.0.2.99
llmsec-xdp -c /xdp.yaml detach --all; echo "detach $?"
test_program >/run/out 2>&1; rc=$?; cat /run/out; echo "program $rc"
poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$tap_dir/initrd" || bail_out 'no initrd'
timeout -k 5 600 qemu-system-x86_64 -m 1536 -smp 1 -nographic -no-reboot -net none -kernel "$kernel" -initrd "$tap_dir/initrd" \
	-append 'console=ttyS0 panic=1 quiet' </dev/null >"$tap_dir/out" 2>&1
rc=$?
tr -d '\r' <"$tap_dir/out" >"$tap_dir/console"
said() { grep -c -x -e "$1" "$tap_dir/console"; }
is "$rc" 0 'the machine ended by itself'
diag "$(grep -o 'kernel [0-9].*' "$tap_dir/console")"
is "$(said 'attach 0')" 1 'the verifier takes the program, and it is attached'
is "$(said '192\.0\.2\.7 .*manual.*')" 1 'a ban is listed'
like "$(cat "$tap_dir/console")" '192\.0\.2\.99 is on the allow list' 'the list of the never banned holds'
is "$(said 'detach 0')" 1 'detached'
is "$(said 'program 0')" 1 "the program's own tests pass: $(sed -n 's/.*PASSED  \] \([0-9]*\) test.*/\1/p' "$tap_dir/console") of them"
[ "$(said 'program 0') $(said 'attach 0')" = '1 1' ] || diag "$(tail -n 40 "$tap_dir/console")"
done_testing
