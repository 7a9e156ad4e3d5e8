#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# llmsecctl pth-scan: on a tree of our making, on wheels, and on what Debian's packages installed here.
set -u
: "${srcdir:?}" "${builddir:?}"
. "$srcdir/tests/e2e/lib.sh"
llmsecctl=$builddir/control/llmsecctl
scan() { out=$("$llmsecctl" pth-scan "$@" 2>&1); rc=$?; }
site=$tap_dir/venv/lib/python3.11/site-packages
mkdir -p "$site/pkg" "$tap_dir/open"
chmod 777 "$tap_dir/open"
printf 'import _virtualenv\n' >"$site/_virtualenv.pth"
printf '../../../src\n' >"$site/pkg.pth"
printf 'import os; os.system("never at start-up")\n' >"$site/pkg/module.py"

scan "$tap_dir/venv"
is "$rc" 0 'a clean tree: 0'
like "$out" '2 start-up files' 'and how many were read'
scan --json "$tap_dir/venv"
is "$(jq -c '[.findings, .files, .errors]' <<<"$out")" '[[],2,0]' 'as JSON'

printf '# setup\nimport os; os.system("id")\n' >"$site/distutils-precedence.pth"
scan "$tap_dir/venv"
is "$rc" 1 'a known name with other content: 1'
like "$out" 'distutils-precedence.pth:2: LLMSEC-PTH-START' 'file and line are told'
scan --json "$tap_dir/venv"
is "$(jq -r '[.findings[].layer] | join(" ")' <<<"$out")" 'start process' 'layers as JSON'
rm "$site/distutils-precedence.pth"

# what a start-up file imports: beside it, in a directory that it names, as something else than source
printf 'import _hook\n' >"$site/hook.pth"
scan "$tap_dir/venv"
like "$rc ${out//$'\n'/ }" '^0 .*2 modules that they import are not there' 'a module that is elsewhere runs nothing from here'
printf 'import os\ndef f():\n\tos.system("id")\n' >"$site/_hook.py"
scan "$tap_dir/venv"
is "$rc" 0 'one that defines what it does not call'
printf 'f()\n' >>"$site/_hook.py"
scan "$tap_dir/venv"
like "$rc $out" '^1 .*_hook.py:3: LLMSEC-PTH-PROCESS' 'one that calls it'
like "$out" 'hook.pth:1: LLMSEC-PTH-START' 'and who runs it'
printf 'lib/other\nimport _there\n' >"$site/hook.pth"
mkdir -p "$site/lib/other/_there"
printf 'from . import core\n' >"$site/lib/other/_there/__init__.py"
printf 'exec("1")\n' >"$site/lib/other/_there/core.py"
scan "$tap_dir/venv"
like "$rc $out" '^1 .*_there/core.py:1: LLMSEC-PTH-EXEC' 'in a directory that the file adds, in a module of a package'
rm -r "$site/lib"
mkdir "$site/__pycache__"
printf 'import _hook\n' >"$site/hook.pth"
: >"$site/_hook.py"
printf '\xa7\r\r\n\0\0\0\0 time and size' >"$site/__pycache__/_hook.cpython-311.pyc"
scan "$tap_dir/venv"
is "$rc" 0 'bytecode that Python compares with its source'
printf '\xa7\r\r\n\1\0\0\0 the hash' >"$site/__pycache__/_hook.cpython-311.pyc"
scan "$tap_dir/venv"
like "$rc $out" '^1 .*_hook.cpython-311.pyc: LLMSEC-PTH-LIMIT' 'and that it does not'
rm -r "$site/__pycache__"
printf '\177ELF' >"$site/_hook.abi3.so"
scan "$tap_dir/venv"
like "$rc $out" '^1 .*_hook.abi3.so: LLMSEC-PTH-LIMIT' 'native code'
rm "$site"/_hook.* "$site/hook.pth"

printf 'import evil; evil.go()\n' >"$tap_dir/elsewhere"
ln -s "$tap_dir/elsewhere" "$site/linked.PTH"
scan "$tap_dir/venv"
is "$rc" 1 'a link, and an extension in capitals'
rm "$site/linked.PTH"

printf '%s\n' "$tap_dir/open" >"$site/open.pth"
scan "$tap_dir/venv"
like "$rc $out" '^1 .*open.pth:1: LLMSEC-PTH-PATH' 'a directory that anybody may write, by its mode'
rm "$site/open.pth"

printf 'import socket\n' >"$site/sitecustomize.py"
scan "$tap_dir/venv"
like "$rc $out" '^1 .*sitecustomize.py: LLMSEC-PTH-START' 'sitecustomize'
rm "$site/sitecustomize.py"

python3 - "$tap_dir" <<'P'
import io, sys, tarfile, zipfile
def wheel(**files):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in files.items():
            z.writestr(name.replace("__dot__", "."), data)
    return b.getvalue()
evil = wheel(x__dot__pth="import base64; exec(base64.b64decode('cGFzcw=='))\n")
open(sys.argv[1] + "/evil.whl", "wb").write(evil)
open(sys.argv[1] + "/good.whl", "wb").write(wheel(x__dot__pth="import _hook\n", _hook__dot__py="", y__dot__py="exec('1')\n"))
open(sys.argv[1] + "/payload.whl", "wb").write(wheel(x__dot__pth="import _hook\n", _hook__dot__py="import y\n", y__dot__py="exec('1')\n"))
with tarfile.open(sys.argv[1] + "/nested.tar.gz", "w:gz") as t:
    i = tarfile.TarInfo("p-1.0/vendor/a.bin")
    i.size = len(evil)
    t.addfile(i, io.BytesIO(evil))
P
scan "$tap_dir/evil.whl"
like "$rc $out" '^1 .*evil.whl!x.pth:1: LLMSEC-PTH-BLOB' 'a wheel'
scan "$tap_dir/good.whl"
is "$rc" 0 'a harmless one'
scan "$tap_dir/payload.whl"
like "$rc $out" '^1 .*payload.whl!y.py:1: LLMSEC-PTH-EXEC' 'one whose start-up file imports the attack'
scan "$tap_dir/nested.tar.gz"
like "$rc $out" '^1 .*a.bin!x.pth' 'a wheel within an sdist'
cp "$tap_dir/evil.whl" "$site/"
scan "$tap_dir/venv"
is "$rc" 1 'wheels in a tree'
echo nothing >"$tap_dir/not.whl"
scan "$tap_dir/not.whl"
is "$rc" 1 'what should be an archive and is none is no clean one'

scan "$tap_dir/absent"
is "$rc" 2 'nothing there: 2'
scan
is "$rc" 2 'nothing asked: 2'

# What Debian's own packages brought: nothing of it may be found.
list=$(cat /var/lib/dpkg/info/*.list 2>/dev/null | grep -E '\.pth$|/(site|user)customize\.py$' | sort -u)
if [ -z "$list" ]; then
	skip 'installed packages' 'no dpkg, or no start-up files'
else
	mkdir -p "$tap_dir/debian/dist-packages"
	while read -r f; do
		[ ! -f "$f" ] || cp -L "$f" "$tap_dir/debian/dist-packages/"
	done <<<"$list"
	scan "$tap_dir/debian"
	is "$rc" 0 "$(wc -l <<<"$list") start-up files of installed Debian packages"
	[ "$rc" = 0 ] || diag "$out"
fi
# Real wheels that machines have for venv: setuptools' line imports a finder of its own, and that the package.
found=0
for w in /usr/share/python-wheels/*.whl /usr/lib/python3*/ensurepip/_bundled/*.whl; do
	[ -f "$w" ] || continue
	found=1
	scan "$w"
	is "$rc" 0 "${w##*/}"
	[ "$rc" = 0 ] || diag "$out"
done
[ "$found" = 1 ] || skip 'wheels of this system' 'there are none'
done_testing
