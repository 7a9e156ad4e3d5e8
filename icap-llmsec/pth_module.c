/* SPDX-License-Identifier: MIT */
/*
 * What runs when a start-up file imports a module: the module's statements, and the functions and methods that these name, in
 * that file and in those that it imports.  A name that is met reaches every definition of that name: more than what is called, so that no way to call
 * (decorators, callbacks, hooks of a class) has to be understood.
 *
 * Packages that are here for their start-up file (setuptools, virtualenv, coverage, editable installs) use getattr, import_module and
 * loaders for what they are made for, so the words of pth_code.c would find them all.  What is looked for here is use: an attribute of a module
 * that starts processes, whatever names it was given, not that module's name.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/pth_private.h"
#include "icap-llmsec/pth_python.h"
#include "lib/arena.h"

#define HOPS		2		/* imports in imports: beyond, setuptools has pkg_resources, which does all that is looked for */
#define MODULE_MAX	(1 << 20)
#define NAME_LONG	200
#define WANTS		64		/* start-up lines that import what isn't Python's own */
#define STARS		8
#define MEANINGS	8		/* of one name */
#define WORD_BITS	20
#define BLOB_RUN	400		/* of base64 in one string: longer than a signature in a constant */

struct module {
	struct module	*next;		/* to be read, or read */
	const char	*path;		/* "a/b", relative to where modules are found */
	size_t		 n_path;
	const char	*from;		/* the start-up file */
	unsigned	 hops;
};

struct job {
	struct pth_report *r;
	struct arena	*a;
	const struct pth_source *src;
	struct module	*all, **end;
	size_t		 n;
	unsigned char	*words;		/* a Bloom filter: names that the line and what it imports mention, for those whom these import */
	bool		 silent;	/* the first round: who mentions what */
	bool		 found, more;
};

struct file {
	struct job	*job;
	struct py_source y;
	struct pth_at	 at;
	const struct module *m;
	bool		 is_package;	/* an __init__.py: "." is itself */
	bool		 judge;		/* false: the start-up file's own line, which the vocabulary has passed */
	uint32_t	*by_name;	/* definitions, sorted */
	uint32_t	*by_bound;	/* imports, sorted, each meaning once */
	size_t		 n_bound;
	uint32_t	*todo;		/* definitions that are reached and not seen */
	size_t		 n_todo;
	uint32_t	 star[STARS];	/* imports of everything */
	size_t		 n_star;
	size_t		 bases;		/* token: up to here it's the head of a definition */
	bool		 path_use;	/* of sys.path */
	size_t		 open_dir;	/* token + 1: the name of a directory that anybody may write */
};

/* --- what is a use ---------------------------------------------------------------------------------------- */

/* "x.*": everything of x, and x itself handed to somebody. */
static const struct use { enum pth_layer layer; const char *what; } uses[] = {
	{PTH_PROCESS, "subprocess.*"}, {PTH_PROCESS, "os.system"}, {PTH_PROCESS, "os.popen"}, {PTH_PROCESS, "os.exec*"}, {PTH_PROCESS, "os.spawn*"},
	{PTH_PROCESS, "os.fork"}, {PTH_PROCESS, "os.forkpty"}, {PTH_PROCESS, "os.posix_spawn*"}, {PTH_PROCESS, "os.startfile"},
	{PTH_PROCESS, "posix.*"}, {PTH_PROCESS, "nt.*"}, {PTH_PROCESS, "pty.*"}, {PTH_PROCESS, "ctypes.*"}, {PTH_PROCESS, "_ctypes.*"},
	{PTH_PROCESS, "cffi.*"}, {PTH_PROCESS, "_posixsubprocess.*"}, {PTH_PROCESS, "commands.*"}, {PTH_PROCESS, "popen2.*"}, {PTH_PROCESS, "pexpect.*"},
	{PTH_PROCESS, "sh.*"}, {PTH_PROCESS, "asyncio.create_subprocess*"}, {PTH_PROCESS, "asyncio.open_connection"}, {PTH_PROCESS, "multiprocessing.Process"},
	{PTH_PROCESS, "socket.socket"}, {PTH_PROCESS, "socket.create_*"}, {PTH_PROCESS, "socket.getaddrinfo"}, {PTH_PROCESS, "socket.gethostbyname*"},
	{PTH_PROCESS, "socket.fromfd"}, {PTH_PROCESS, "_socket.*"}, {PTH_PROCESS, "urllib.request*"}, {PTH_PROCESS, "urllib.urlopen"}, {PTH_PROCESS, "urllib.urlretrieve"},
	{PTH_PROCESS, "urllib2.*"}, {PTH_PROCESS, "urllib3.*"}, {PTH_PROCESS, "http.client*"}, {PTH_PROCESS, "httplib.*"}, {PTH_PROCESS, "requests.*"},
	{PTH_PROCESS, "httpx.*"}, {PTH_PROCESS, "aiohttp.*"}, {PTH_PROCESS, "ftplib.*"}, {PTH_PROCESS, "smtplib.*"}, {PTH_PROCESS, "telnetlib.*"},
	{PTH_PROCESS, "xmlrpc.client*"}, {PTH_PROCESS, "paramiko.*"}, {PTH_PROCESS, "webbrowser.*"}, {PTH_PROCESS, "antigravity.*"}, {PTH_PROCESS, "_winapi.*"},
	{PTH_EXEC, "builtins.exec"}, {PTH_EXEC, "builtins.eval"}, {PTH_EXEC, "builtins.__dict__"}, {PTH_EXEC, "builtins.__import__"},
	{PTH_EXEC, "builtins.getattr"}, {PTH_EXEC, "builtins.compile"}, {PTH_EXEC, "__builtins__.*"}, {PTH_EXEC, "__builtin__.*"}, {PTH_EXEC, "marshal.*"},
	{PTH_EXEC, "pickle.load*"}, {PTH_EXEC, "_pickle.load*"}, {PTH_EXEC, "cPickle.load*"}, {PTH_EXEC, "pickle.Unpickler"}, {PTH_EXEC, "dill.*"},
	{PTH_EXEC, "cloudpickle.*"}, {PTH_EXEC, "runpy.*"}, {PTH_EXEC, "zipimport.*"}, {PTH_EXEC, "code.*"}, {PTH_EXEC, "codeop.*"},
	{PTH_EXEC, "os.__dict__"}, {PTH_EXEC, "os.__getattribute__"}, {PTH_EXEC, "timeit.timeit"}, {PTH_EXEC, "timeit.repeat"}, {PTH_EXEC, "timeit.Timer"},
	{PTH_EXEC, "pdb.*"}, {PTH_EXEC, "bdb.*"}, {PTH_EXEC, "cProfile.*"}, {PTH_EXEC, "profile.*"}, {PTH_EXEC, "trace.*"}, {PTH_EXEC, "doctest.*"},
	{PTH_EXEC, "pkgutil.resolve_name"}, {PTH_EXEC, "pydoc.locate"}, {PTH_EXEC, "shelve.*"}, {PTH_EXEC, "logging.config.*"},
	{PTH_PROCESS, "multiprocessing.get_context"}, {PTH_PROCESS, "multiprocessing.Pool"}, {PTH_PROCESS, "concurrent.futures.Process*"},
	{PTH_PROCESS, "ssl.get_server_certificate"},
	{PTH_EXEC, "typing.get_type_hints"}, {PTH_EXEC, "typing.ForwardRef"},
	{PTH_EXEC, "sys.addaudithook"}, {PTH_EXEC, "imp.load_*"}, {PTH_EXEC, "operator.methodcaller"}, {PTH_EXEC, "ensurepip.*"}, {PTH_EXEC, "pip.*"},
	{PTH_PERSIST, "winreg.*"}, {PTH_PERSIST, "_winreg.*"},
	{PTH_CREDENTIAL, "keyring.get_*"},
	{PTH_BLOB, "codecs.decode"}, {PTH_BLOB, "base64.b*decode"}, {PTH_BLOB, "base64.a85decode"}, {PTH_BLOB, "base64.standard_b64decode"},
	{PTH_BLOB, "base64.urlsafe_b64decode"}, {PTH_BLOB, "base64.decode*"}, {PTH_BLOB, "binascii.a2b_*"}, {PTH_BLOB, "binascii.unhexlify"},
};
/* The same of whatever it is called on. */
static const struct use attributes[] = {
	{PTH_PROCESS, "system"}, {PTH_PROCESS, "popen"}, {PTH_PROCESS, "execv"}, {PTH_PROCESS, "execve"}, {PTH_PROCESS, "execvp"}, {PTH_PROCESS, "execvpe"},
	{PTH_PROCESS, "execl"}, {PTH_PROCESS, "execle"}, {PTH_PROCESS, "execlp"}, {PTH_PROCESS, "spawnl"}, {PTH_PROCESS, "spawnv"},
	{PTH_PROCESS, "execlpe"}, {PTH_PROCESS, "spawnle"}, {PTH_PROCESS, "spawnlp"}, {PTH_PROCESS, "spawnlpe"}, {PTH_PROCESS, "spawnve"},
	{PTH_PROCESS, "spawnvp"}, {PTH_PROCESS, "spawnvpe"}, {PTH_PROCESS, "posix_spawnp"}, {PTH_PROCESS, "forkpty"},
	{PTH_PROCESS, "posix_spawn"}, {PTH_PROCESS, "Popen"}, {PTH_PROCESS, "check_output"}, {PTH_PROCESS, "check_call"}, {PTH_PROCESS, "getoutput"},
	{PTH_PROCESS, "urlopen"}, {PTH_PROCESS, "urlretrieve"}, {PTH_PROCESS, "CDLL"}, {PTH_PROCESS, "WinDLL"}, {PTH_PROCESS, "windll"},
	{PTH_PROCESS, "subprocess_exec"}, {PTH_PROCESS, "subprocess_shell"}, {PTH_PROCESS, "create_subprocess_exec"},
	{PTH_PROCESS, "create_subprocess_shell"}, {PTH_EXEC, "__getattribute__"},
	{PTH_EXEC, "__subclasses__"}, {PTH_EXEC, "__globals__"}, {PTH_EXEC, "__builtins__"}, {PTH_EXEC, "__code__"},
	{PTH_EXEC, "f_builtins"}, {PTH_BLOB, "fromhex"},
	{PTH_BLOB, "b64decode"}, {PTH_BLOB, "b85decode"}, {PTH_BLOB, "a85decode"}, {PTH_BLOB, "unhexlify"},
};
static const struct use strings[] = {		/* within one */
	{PTH_PERSIST, "crontab"}, {PTH_PERSIST, "/etc/cron"}, {PTH_PERSIST, "systemd/"}, {PTH_PERSIST, "systemctl"}, {PTH_PERSIST, ".bashrc"},
	{PTH_PERSIST, ".zshrc"}, {PTH_PERSIST, ".profile"}, {PTH_PERSIST, ".bash_profile"}, {PTH_PERSIST, "authorized_keys"},
	{PTH_PERSIST, "LaunchAgents"}, {PTH_PERSIST, "LaunchDaemons"}, {PTH_PERSIST, "autostart"}, {PTH_PERSIST, "ld.so.preload"},
	{PTH_PERSIST, "CurrentVersion\\Run"}, {PTH_PERSIST, "CurrentVersion\\\\Run"}, {PTH_PERSIST, "schtasks"}, {PTH_PERSIST, "usercustomize"},
	{PTH_PERSIST, "sitecustomize"}, {PTH_PERSIST, "rc.local"}, {PTH_PERSIST, "init.d"}, {PTH_PERSIST, "Start Menu"},
	{PTH_PERSIST, "LD_PRELOAD"}, {PTH_PERSIST, "DYLD_INSERT_LIBRARIES"}, {PTH_PERSIST, "PYTHONSTARTUP"},
	{PTH_CREDENTIAL, ".aws"}, {PTH_CREDENTIAL, ".ssh"}, {PTH_CREDENTIAL, "id_rsa"}, {PTH_CREDENTIAL, "id_ed25519"}, {PTH_CREDENTIAL, ".netrc"},
	{PTH_CREDENTIAL, ".pypirc"}, {PTH_CREDENTIAL, ".npmrc"}, {PTH_CREDENTIAL, ".docker"}, {PTH_CREDENTIAL, ".kube"}, {PTH_CREDENTIAL, "gcloud"},
	{PTH_CREDENTIAL, "git-credentials"}, {PTH_CREDENTIAL, "/etc/shadow"}, {PTH_CREDENTIAL, "/etc/passwd"}, {PTH_CREDENTIAL, "serviceaccount"},
	{PTH_CREDENTIAL, "169.254.169.254"}, {PTH_CREDENTIAL, "metadata.google.internal"}, {PTH_CREDENTIAL, "AWS_SECRET_ACCESS_KEY"},
	{PTH_CREDENTIAL, "GITHUB_TOKEN"}, {PTH_CREDENTIAL, "OPENAI_API_KEY"}, {PTH_CREDENTIAL, "ANTHROPIC_API_KEY"}, {PTH_CREDENTIAL, "Login Data"},
	{PTH_CREDENTIAL, "wallet.dat"}, {PTH_CREDENTIAL, ".bash_history"},
	{PTH_EXEC, "__import__("}, {PTH_EXEC, "exec("}, {PTH_EXEC, "eval("}, {PTH_PROCESS, "os.system"}, {PTH_PROCESS, "subprocess."},
	{PTH_PROCESS, "/bin/sh"}, {PTH_PROCESS, "/bin/bash"}, {PTH_PROCESS, "powershell"}, {PTH_PROCESS, "curl "}, {PTH_PROCESS, "wget "},
};

/* What is taken of a module by a string: vars(os)["system"], attrgetter("system"). */
static const char *const functions[] = {"system", "popen", "Popen", "execv", "execve", "eval", "__import__", "check_output", "check_call"};

static void
found(struct file *f, size_t tok, enum pth_layer layer, const char *why)
{
	if (f->job->silent)
		return;
	f->job->found |= layer != PTH_UNREADABLE;
	f->at.line = tok < f->y.n_tok ? py_tok(&f->y, tok)->line : 0;
	pth_found(&f->at, layer, why);
}

static bool
fits(const char *pattern, const char *s, size_t n)
{
	const char *star = strchr(pattern, '*');
	size_t k = star != NULL ? (size_t)(star - pattern) : strlen(pattern), tail = star != NULL ? strlen(star + 1) : 0;

	if (star != NULL && k > 0 && pattern[k - 1] == '.' && n == k - 1)
		return memcmp(pattern, s, n) == 0;	/* the module itself, handed to somebody */
	if (n < k + tail || memcmp(pattern, s, k) != 0)
		return false;
	return star != NULL ? memcmp(s + n - tail, star + 1, tail) == 0 : n == k || s[k] == '.';
}

/* Types that code is made with, and that others are compared to. */
static bool
makes_code(const struct file *f, size_t tok, const char *dotted, size_t n)
{
	return py_is(&f->y, tok + 1, "(") && (fits("types.FunctionType", dotted, n) || fits("types.CodeType", dotted, n) || fits("types.LambdaType", dotted, n));
}

static void
check_use(struct file *f, size_t tok, const char *dotted, size_t n)
{
	for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++)
		if (fits(uses[i].what, dotted, n))
			found(f, tok, uses[i].layer, pth_layer_why(uses[i].layer));
	if (makes_code(f, tok, dotted, n))
		found(f, tok, PTH_EXEC, pth_layer_why(PTH_EXEC));
}

static void
check_attribute(struct file *f, size_t tok, const char *s, size_t n)
{
	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
		if (strlen(attributes[i].what) == n && memcmp(attributes[i].what, s, n) == 0)
			found(f, tok, attributes[i].layer, pth_layer_why(attributes[i].layer));
}

/* --- names ------------------------------------------------------------------------------------------------ */

static const char *
tok_text(const struct file *f, size_t i, size_t *n)
{
	const struct py_tok *t = py_tok(&f->y, i);

	*n = t->len;
	return f->y.p + t->at;
}

static bool
same(const struct file *f, size_t a, const char *s, size_t n)
{
	size_t k;
	const char *t = tok_text(f, a, &k);

	return k == n && memcmp(t, s, n) == 0;
}

/* A module's name as its import statement has it, without spaces, appended at <n>; the new length, 0: no room. */
static size_t
put_module(char *out, size_t n, const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != ' ' && p[i] != '\t' && p[i] != '\\' && p[i] != '\n' && p[i] != '\r') {
			if (n == NAME_LONG)
				return 0;
			out[n++] = p[i];
		}
	return n;
}

/* What an import statement's name stands for: "subprocess" for sp behind "import subprocess as sp".  0: nothing of interest. */
static size_t
meaning(const struct file *f, const struct py_import *m, char *out)
{
	size_t k, n;
	const char *s;

	if (m->dots > 0)
		return 0;
	if (m->whole) {
		s = tok_text(f, m->bound, &n);
		return put_module(out, 0, s, n);
	}
	k = put_module(out, 0, f->y.p + m->module, m->module_len);
	if (m->name != 0 && k > 0 && k < NAME_LONG) {
		s = tok_text(f, m->name, &n);
		out[k++] = '.';
		k = put_module(out, k, s, n);
	}
	return k;
}

static int
text_cmp(const char *a, size_t na, const char *b, size_t nb)
{
	int c = memcmp(a, b, na < nb ? na : nb);

	return c != 0 ? c : (na > nb) - (na < nb);
}

static int
tok_cmp(const struct file *f, size_t a, size_t b)
{
	size_t na, nb;
	const char *sa = tok_text(f, a, &na), *sb = tok_text(f, b, &nb);

	return text_cmp(sa, na, sb, nb);
}

static int
by_name(const void *a, const void *b, void *arg)
{
	const struct file *f = arg;

	return tok_cmp(f, py_def(&f->y, *(const uint32_t *)a)->name, py_def(&f->y, *(const uint32_t *)b)->name);
}

static int
by_bound(const void *a, const void *b, void *arg)
{
	const struct file *f = arg;
	const struct py_import *x = py_import(&f->y, *(const uint32_t *)a), *y = py_import(&f->y, *(const uint32_t *)b);
	int c = tok_cmp(f, x->bound, y->bound);

	if (c == 0)
		c = (int)x->whole - (int)y->whole;
	if (c == 0 && !x->whole)
		c = text_cmp(f->y.p + x->module, x->module_len, f->y.p + y->module, y->module_len);
	if (c == 0 && !x->whole)
		c = tok_cmp(f, x->name, y->name);
	return c;
}

static bool
make_indexes(struct file *f)
{
	size_t n = f->y.n_def + f->y.n_import + 1;

	f->by_name = calloc(n * 2, sizeof(*f->by_name));
	if (f->by_name == NULL || f->y.nomem)
		return false;
	f->by_bound = f->by_name + f->y.n_def;
	f->todo = f->by_name + n;
	for (size_t i = 0; i < f->y.n_def; i++)
		f->by_name[i] = (uint32_t)i;
	for (size_t i = 0; i < f->y.n_import; i++) {
		const struct py_import *m = py_import(&f->y, i);

		if (m->bound == 0 && f->n_star < STARS)
			f->star[f->n_star++] = (uint32_t)i;
		else if (m->bound != 0 && m->dots == 0)
			f->by_bound[f->n_bound++] = (uint32_t)i;
	}
	qsort_r(f->by_name, f->y.n_def, sizeof(*f->by_name), by_name, f);
	qsort_r(f->by_bound, f->n_bound, sizeof(*f->by_bound), by_bound, f);
	n = 0;
	for (size_t i = 0; i < f->n_bound; i++)
		if (n == 0 || by_bound(&f->by_bound[n - 1], &f->by_bound[i], f) != 0)
			f->by_bound[n++] = f->by_bound[i];
	f->n_bound = n;
	return true;
}

/* The first import that binds this name. */
static size_t
first_bound(const struct file *f, const char *s, size_t n)
{
	size_t lo = 0, hi = f->n_bound;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2, k;
		const char *t = tok_text(f, py_import(&f->y, f->by_bound[mid])->bound, &k);

		if (text_cmp(t, k, s, n) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
reach_def(struct file *f, size_t d)
{
	struct py_def *def = py_def(&f->y, d);

	if (!def->reached) {
		def->reached = true;
		f->todo[f->n_todo++] = (uint32_t)d;
	}
}

static size_t
first_def_from(const struct file *f, size_t tok)
{
	size_t lo = 0, hi = f->y.n_def;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (py_def(&f->y, mid)->name < tok)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Of a class that is used, any method may be called. */
static void
reach_methods(struct file *f, size_t d)
{
	const struct py_def *def = py_def(&f->y, d);

	for (size_t i = d + 1; i < f->y.n_def && py_def(&f->y, i)->name < def->end;) {
		const struct py_def *in = py_def(&f->y, i);
		size_t next = in->end > in->name ? first_def_from(f, in->end) : i + 1;

		if (in->parent == (int32_t)d)
			reach_def(f, i);
		i = next > i ? next : i + 1;
	}
}

static void
reach(struct file *f, const char *s, size_t n)
{
	size_t lo = 0, hi = f->y.n_def;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2, k;
		const char *t = tok_text(f, py_def(&f->y, f->by_name[mid])->name, &k);

		if (text_cmp(t, k, s, n) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == f->y.n_def || py_def(&f->y, f->by_name[lo])->met)
		return;
	py_def(&f->y, f->by_name[lo])->met = true;
	for (; lo < f->y.n_def && same(f, py_def(&f->y, f->by_name[lo])->name, s, n); lo++)
		reach_def(f, f->by_name[lo]);
}

/*
 * The line itself, or a module that it names: of these, attributes and strings count as names, too.  Further in, packages are met that do much
 * when they are used and little when they are imported (setuptools behind its distutils-precedence.pth); there only calls count.
 */
static bool
is_near(const struct file *f)
{
	return f->m == NULL || f->m->hops == 0;
}

static void
word_bits(const char *s, size_t n, uint32_t bit[2])
{
	uint64_t h = 0xcbf29ce484222325;	/* FNV-1a */

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 0x100000001b3;
	bit[0] = (uint32_t)(h >> 44);
	bit[1] = (uint32_t)(h >> 20) & ((1 << WORD_BITS) - 1);
}

/* A name that code which runs has: of something here, or of something in a file that is imported. */
static void
mention(struct file *f, const char *s, size_t n)
{
	uint32_t bit[2];

	if (n == 0 || n > NAME_LONG)
		return;
	reach(f, s, n);
	if (f->job->words == NULL || !is_near(f))
		return;
	word_bits(s, n, bit);
	for (int i = 0; i < 2; i++)
		f->job->words[bit[i] / 8] |= (unsigned char)(1 << bit[i] % 8);
}

static bool
is_mentioned(const struct job *j, const char *s, size_t n)
{
	uint32_t bit[2];

	word_bits(s, n, bit);
	return (j->words[bit[0] / 8] >> bit[0] % 8 & 1) != 0 && (j->words[bit[1] / 8] >> bit[1] % 8 & 1) != 0;
}

/* --- imports ---------------------------------------------------------------------------------------------- */

/* Module "a.b" of this name is imported: it and the packages above it run. */
static void
want(struct file *f, const char *dotted, size_t n)
{
	struct job *j = f->job;
	unsigned hops = f->m != NULL ? f->m->hops + 1 : 0;

	if (hops > HOPS || n == 0)
		return;
	for (size_t k = 1; k <= n; k++) {
		struct module *m;
		char *path;

		if (k < n && dotted[k] != '.')
			continue;
		for (m = j->all; m != NULL; m = m->next)
			if (m->n_path == k) {
				size_t i = 0;

				while (i < k && (dotted[i] == '.' ? '/' : dotted[i]) == m->path[i])
					i++;
				if (i == k)
					break;
			}
		if (m != NULL)
			continue;
		if (j->n == PTH_MODULES) {
			j->more = true;
			return;
		}
		m = arena_calloc(j->a, 1, sizeof(*m));
		path = arena_strndup(j->a, dotted, k);
		if (m == NULL || path == NULL) {
			j->r->nomem = true;
			return;
		}
		for (size_t i = 0; i < k; i++)
			path[i] = path[i] == '.' ? '/' : path[i];
		*m = (struct module){NULL, path, k, f->at.file, hops};
		m->from = f->m != NULL ? f->m->from : f->at.file;
		*j->end = m;
		j->end = &m->next;
		j->n++;
	}
}

/* "from ..a import b": the package, a, and b that may be a module. */
static void
want_import(struct file *f, const struct py_import *m)
{
	char name[NAME_LONG + 1];
	size_t n = 0, k;
	const char *s;

	if (m->dots > 0) {
		if (f->m == NULL)
			return;
		n = f->m->n_path;
		for (unsigned up = f->is_package ? 1 : 0; up < m->dots && n > 0; up++)
			while (n > 0 && f->m->path[--n] != '/')
				;
		n = n <= NAME_LONG ? put_module(name, 0, f->m->path, n) : 0;
		for (size_t i = 0; i < n; i++)
			name[i] = name[i] == '/' ? '.' : name[i];
		if (n > 0 && m->module_len > 0 && n < NAME_LONG)
			name[n++] = '.';
	}
	if (m->module_len > 0 && (n = put_module(name, n, f->y.p + m->module, m->module_len)) == 0)
		return;
	want(f, name, n);
	if (m->name == 0 || n >= NAME_LONG)
		return;
	if (n > 0)
		name[n++] = '.';
	s = tok_text(f, m->name, &k);
	if ((k = put_module(name, n, s, k)) > 0)
		want(f, name, k);
}

/* --- statements ------------------------------------------------------------------------------------------- */

/* __import__("x") and import_module("x"): the module, and what is taken of it at once. */
static size_t
computed_import(struct file *f, size_t i, char *dotted)
{
	size_t n;
	const char *s;

	if (!py_is(&f->y, i + 1, "("))
		return 0;
	if (i + 3 >= f->y.n_tok || py_tok(&f->y, i + 2)->type != PY_STRING || (!py_is(&f->y, i + 3, ")") && !py_is(&f->y, i + 3, ","))) {
		if (f->judge && f->m != NULL && f->m->hops == 0)
			found(f, i, PTH_EXEC, "imports a module by a computed name");
		return 0;
	}
	s = tok_text(f, i + 2, &n);
	want(f, s, n);
	return put_module(dotted, 0, s, n);
}

/* The token behind the comma that ends the argument at <i>; 0: there is none, SIZE_MAX: none near. */
static size_t
next_argument(const struct file *f, size_t i)
{
	size_t end = i + 64;
	unsigned nest = 0;

	for (; i < end && i < f->y.n_tok; i++) {
		if (py_is(&f->y, i, "(") || py_is(&f->y, i, "[") || py_is(&f->y, i, "{"))
			nest++;
		else if (py_is(&f->y, i, ")") || py_is(&f->y, i, "]") || py_is(&f->y, i, "}")) {
			if (nest-- == 0)
				return 0;
		} else if (nest == 0 && py_is(&f->y, i, ","))
			return i + 1;
	}
	return i == end ? SIZE_MAX : 0;
}

/* <dotted> is what an attribute is taken of, <at> the token that names it, which is one string if <plain>. */
static void
attribute_of(struct file *f, size_t at, bool plain, char *dotted, size_t k)
{
	static const char *const modules[] = {"os", "sys", "builtins", "subprocess", "socket", "importlib"};
	const char *s;
	size_t n;

	for (size_t m = 0; !plain && m < sizeof(modules) / sizeof(*modules); m++)
		if (strlen(modules[m]) == k && memcmp(dotted, modules[m], k) == 0)
			found(f, at, PTH_EXEC, "takes an attribute by a computed name");
	if (plain && k > 0 && k < NAME_LONG) {
		s = tok_text(f, at, &n);
		dotted[k++] = '.';
		check_use(f, at, dotted, put_module(dotted, k, s, n));
	}
}

/* getattr(os, "sys" "tem"): the name in one string is an attribute; one that is made up, of a module of the system's or of pieces, is found. */
static void
computed_attribute(struct file *f, size_t i)
{
	char dotted[NAME_LONG + 1];
	size_t n, at = py_is(&f->y, i + 1, "(") ? next_argument(f, i + 2) : 0;
	const char *s;
	bool plain;

	if (at == SIZE_MAX)	/* who writes that hides something */
		found(f, i, PTH_EXEC, "takes an attribute by a computed name");
	if (at == 0 || at >= f->y.n_tok - 1)
		return;
	s = tok_text(f, at, &n);
	plain = py_tok(&f->y, at)->type == PY_STRING && (py_is(&f->y, at + 1, ")") || py_is(&f->y, at + 1, ","));
	if (plain)
		check_attribute(f, at, s, n);
	else if (py_tok(&f->y, at)->type == PY_STRING && (py_tok(&f->y, at + 1)->type == PY_STRING ||
	    (py_is(&f->y, at + 1, "+") && at + 2 < f->y.n_tok && py_tok(&f->y, at + 2)->type == PY_STRING)))
		found(f, at, PTH_EXEC, "takes an attribute by a computed name");
	s = tok_text(f, i + 2, &n);
	if (py_is(&f->y, i + 3, "(") && i + 4 < f->y.n_tok && py_tok(&f->y, i + 4)->type == PY_STRING) {	/* __import__("os") */
		s = tok_text(f, i + 4, &n);
		attribute_of(f, at, plain, dotted, put_module(dotted, 0, s, n));
		return;
	}
	if (!py_is(&f->y, i + 3, ","))
		return;
	for (size_t k = first_bound(f, s, n), c = 0; k < f->n_bound && c < MEANINGS; k++, c++) {
		if (!same(f, py_import(&f->y, f->by_bound[k])->bound, s, n))
			break;
		attribute_of(f, at, plain, dotted, meaning(f, py_import(&f->y, f->by_bound[k]), dotted));
	}
}

static void
see_string(struct file *f, size_t i)
{
	size_t n, run = 0;
	const char *s = tok_text(f, i, &n);
	bool name = n > 0 && n < 64;

	for (size_t k = 0; k < n; k++) {
		bool in = (s[k] >= 'a' && s[k] <= 'z') || (s[k] >= 'A' && s[k] <= 'Z') || (s[k] >= '0' && s[k] <= '9') || s[k] == '+' || s[k] == '/' || s[k] == '=';

		name &= in || s[k] == '_';
		run = in || s[k] == '\n' || s[k] == '\\' ? run + 1 : 0;
		if (f->judge && run == BLOB_RUN && !py_tok(&f->y, i)->prose)
			found(f, i, PTH_BLOB, "a long run of encoded data");
	}
	if (name && is_near(f)) {
		mention(f, s, n);
		for (size_t k = 0; f->judge && k < sizeof(functions) / sizeof(*functions); k++)
			if (strlen(functions[k]) == n && memcmp(functions[k], s, n) == 0)
				found(f, i, PTH_EXEC, "names a function that runs code, in a string");
	}
	if (!f->judge || py_tok(&f->y, i)->prose)
		return;
	if (n == 10 && memcmp(s, "subprocess", 10) == 0 && i >= 2 && py_is(&f->y, i - 1, "[") && py_is(&f->y, i - 2, "modules"))
		found(f, i, PTH_PROCESS, pth_layer_why(PTH_PROCESS));
	if (f->m->hops == 0 && n > 3 && (s[0] == '/' || s[0] == '\\' || s[1] == ':') && pth_writable(s, n) != NULL)
		f->open_dir = i + 1;
	for (size_t k = 0; k < sizeof(strings) / sizeof(*strings); k++)
		if (memmem(s, n, strings[k].what, strlen(strings[k].what)) != NULL)
			found(f, i, strings[k].layer, pth_layer_why(strings[k].layer));
}

static void
see_bare(struct file *f, size_t i, const char *s, size_t n)
{
	bool keyword = py_is(&f->y, i + 1, "=") && !py_is(&f->y, i + 2, "=");

	if (f->judge && !keyword && ((n == 4 && (memcmp(s, "exec", 4) == 0 || memcmp(s, "eval", 4) == 0)) || (n == 8 && memcmp(s, "execfile", 8) == 0)))
		found(f, i, PTH_EXEC, pth_layer_why(PTH_EXEC));
	if (n == 12 && memcmp(s, "__builtins__", 12) == 0 && f->judge)
		found(f, i, PTH_EXEC, pth_layer_why(PTH_EXEC));
	if (n == 7 && memcmp(s, "getattr", 7) == 0 && f->judge)
		computed_attribute(f, i);
	if (n == 10 && memcmp(s, "__import__", 10) == 0 && f->judge && f->m->hops == 0 && !keyword && !py_is(&f->y, i + 1, "("))
		found(f, i, PTH_EXEC, "imports a module by a computed name");
	if (f->judge && n == 4 && memcmp(s, "vars", 4) == 0 && py_is(&f->y, i + 1, "(") && i + 3 < f->y.n_tok && py_is(&f->y, i + 3, ")")) {
		char dotted[NAME_LONG + 1];
		const char *of = tok_text(f, i + 2, &n);
		size_t at = first_bound(f, of, n);

		if (at < f->n_bound && same(f, py_import(&f->y, f->by_bound[at])->bound, of, n) && meaning(f, py_import(&f->y, f->by_bound[at]), dotted) > 0)
			found(f, i, PTH_EXEC, "takes an attribute by a computed name");
		n = 4;
	}
	/* Any function of the file may be meant. */
	if (py_is(&f->y, i + 1, "(") && ((n == 7 && memcmp(s, "globals", 7) == 0) || (n == 4 && memcmp(s, "vars", 4) == 0)))
		for (size_t d = 0; d < f->y.n_def; d++)
			reach_def(f, d);
}

/* <dotted>, and all that is taken of it from token <i> on. */
static void
follow(struct file *f, size_t i, char *dotted, size_t k)
{
	size_t n;
	const char *s;

	while (k > 0 && k < NAME_LONG && py_is(&f->y, i + 1, ".") && i + 2 < f->y.n_tok && py_tok(&f->y, i + 2)->type == PY_NAME) {
		s = tok_text(f, i += 2, &n);
		dotted[k++] = '.';
		k = put_module(dotted, k, s, n);
	}
	if (k == 0)
		return;
	check_use(f, i, dotted, k);
	f->path_use |= (k >= 8 && memcmp(dotted, "sys.path", 8) == 0) || (k == 15 && memcmp(dotted, "site.addsitedir", 15) == 0);
}

/* Is what stands here called, or handed to somebody who may call it? */
static bool
is_called(const struct file *f, size_t i)
{
	if (py_is(&f->y, i + 1, "(") || (i > 0 && py_is(&f->y, i - 1, "@")))
		return true;
	if (i == 0 || i < f->bases || (!py_is(&f->y, i + 1, ")") && !py_is(&f->y, i + 1, ",")))
		return false;
	return py_is(&f->y, i - 1, "(") || py_is(&f->y, i - 1, ",") || py_is(&f->y, i - 1, "=");
}

/* A call of what imports: the module, and what is taken of it. */
static void
see_import_call(struct file *f, size_t i)
{
	char dotted[NAME_LONG + 1];
	size_t k = computed_import(f, i, dotted);

	if (f->judge)
		follow(f, i + 3, dotted, k);
}

/* A name where no dot stands before it. */
static void
see_name(struct file *f, size_t i)
{
	char dotted[NAME_LONG + 1];
	size_t n, k, c = 0;
	const char *s = tok_text(f, i, &n);

	if (is_near(f) || is_called(f, i))
		mention(f, s, n);
	see_bare(f, i, s, n);
	if ((n == 10 && memcmp(s, "__import__", 10) == 0) || (n == 13 && memcmp(s, "import_module", 13) == 0))
		see_import_call(f, i);
	if (!f->judge)
		return;
	for (size_t at = first_bound(f, s, n); at < f->n_bound && same(f, py_import(&f->y, f->by_bound[at])->bound, s, n); at++)
		if (++c > MEANINGS) {
			found(f, i, PTH_HIDDEN, "one name for many modules");
			break;
		} else {
			k = meaning(f, py_import(&f->y, f->by_bound[at]), dotted);
			if (n != 13 && k == 23 && memcmp(dotted, "importlib.import_module", 23) == 0)	/* by another name */
				see_import_call(f, i);
			follow(f, i, dotted, k);
		}
	for (size_t at = 0; at < f->n_star; at++) {
		const struct py_import *m = py_import(&f->y, f->star[at]);

		k = m->dots == 0 ? put_module(dotted, 0, f->y.p + m->module, m->module_len) : 0;
		if (k > 0 && k < NAME_LONG) {
			dotted[k++] = '.';
			follow(f, i, dotted, put_module(dotted, k, s, n));
		}
	}
}

static void
see_attribute(struct file *f, size_t i)
{
	size_t n;
	const char *s = tok_text(f, i, &n);

	if (is_near(f))
		mention(f, s, n);
	if (n == 13 && memcmp(s, "import_module", 13) == 0)
		see_import_call(f, i);
	if (!f->judge || (n == 6 && memcmp(s, "system", 6) == 0 && py_is(&f->y, i - 2, "platform")))
		return;
	check_attribute(f, i, s, n);
	if (is_near(f) && n == 10 && memcmp(s, "subprocess", 10) == 0 && py_is(&f->y, i + 1, "."))	/* as another module has imported it */
		found(f, i, PTH_PROCESS, pth_layer_why(PTH_PROCESS));
}

static void
see_import(struct file *f, size_t i)
{
	size_t n = py_tok(&f->y, i)->import - 1;

	for (; n < f->y.n_import && py_import(&f->y, n)->tok == i; n++) {
		const struct py_import *m = py_import(&f->y, n);
		size_t k;
		const char *s;

		want_import(f, m);
		if (m->name != 0) {	/* what it takes may be a function there, or run one (PEP 562) */
			s = tok_text(f, m->name, &k);
			mention(f, s, k);
		}
	}
}

/* A body begins here: of a class, it runs with what it stands in (and is seen once); of a function, it waits for who calls it. */
static bool
runs_along(struct file *f, size_t body)
{
	size_t lo = 0, hi = f->y.n_def;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (py_def(&f->y, mid)->body < body)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == f->y.n_def || py_def(&f->y, lo)->body != body || !py_def(&f->y, lo)->is_class || py_def(&f->y, lo)->done)
		return false;
	py_def(&f->y, lo)->done = true;
	return true;
}

/* Tokens of a body, without the bodies of functions in it. */
static void
see_body(struct file *f, size_t i, size_t end)
{
	while (i < end && i < f->y.n_tok && !f->job->r->nomem) {
		const struct py_tok *t = py_tok(&f->y, i);

		if (f->judge && py_is_disguised(&f->y, i))
			found(f, i, PTH_HIDDEN, "a name in letters that Python takes for others");
		if (t->type == PY_NAME && (py_is(&f->y, i, "def") || py_is(&f->y, i, "class")) && i + 1 < end) {
			size_t d = first_def_from(f, i + 1);

			if (d < f->y.n_def && py_def(&f->y, d)->name == i + 1) {
				f->bases = py_def(&f->y, d)->body;
				i += 2;		/* its name alone uses nothing */
				continue;
			}
		}
		if (t->import > 0) {
			uint32_t mine = t->import;

			see_import(f, i);
			for (; i < end && py_tok(&f->y, i)->import == mine; i++)
				if (f->judge && py_is_disguised(&f->y, i))
					found(f, i, PTH_HIDDEN, "a name in letters that Python takes for others");
			continue;
		}
		if (t->type == PY_STRING)
			see_string(f, i);
		else if (t->type == PY_NAME && i > 0 && py_is(&f->y, i - 1, "."))
			see_attribute(f, i);
		else if (t->type == PY_NAME)
			see_name(f, i);
		i++;
		while (i < end && py_tok(&f->y, i)->jump > i && !runs_along(f, i))
			i = py_tok(&f->y, i)->jump;
	}
}

static void
see_hooks(struct file *f)
{
	reach(f, "__getattr__", 11);
	for (size_t d = 0; f->m->hops <= 1 && d < f->y.n_def; d++) {
		size_t n;
		const char *s = tok_text(f, py_def(&f->y, d)->name, &n);

		if (is_mentioned(f->job, s, n))
			reach_def(f, d);
	}
}

static void
see_source(struct file *f, const char *p, size_t len)
{
	py_read(&f->y, p, len);
	if (make_indexes(f)) {
		see_body(f, 0, f->y.n_tok);
		if (f->judge)
			see_hooks(f);
		while (f->n_todo > 0) {
			size_t d = f->todo[--f->n_todo];
			struct py_def *def = py_def(&f->y, d);

			if (def->is_class)
				reach_methods(f, d);
			if (!def->done) {
				def->done = true;
				see_body(f, def->body, def->end);
			}
		}
		if (f->path_use && f->open_dir > 0)
			found(f, f->open_dir - 1, PTH_PATH, "a directory that anybody may write");
	} else
		f->job->r->nomem = true;
	free(f->by_name);
	py_done(&f->y);
}

/* --- modules ---------------------------------------------------------------------------------------------- */

/* Of every Python 3 from 3.8 on, on every system: site-packages can't put another in their place. */
static const char *const own[] = {"__future__", "_thread", "abc", "argparse", "array", "ast", "atexit", "base64", "bisect", "builtins", "bz2",
	"calendar", "cmath", "codecs", "collections", "concurrent", "contextlib", "copy", "csv", "ctypes", "dataclasses", "datetime", "decimal",
	"difflib", "dis", "email", "enum", "errno", "faulthandler", "fnmatch", "fractions", "functools", "gc", "genericpath", "getopt", "getpass",
	"gettext", "glob", "gzip", "hashlib", "heapq", "hmac", "html", "http", "importlib", "inspect", "io", "itertools", "json", "keyword",
	"linecache", "locale", "logging", "lzma", "marshal", "math", "mimetypes", "multiprocessing", "ntpath", "numbers", "operator", "os", "pathlib",
	"pickle", "pkgutil", "platform", "posixpath", "pprint", "queue", "random", "re", "reprlib", "runpy", "sched", "secrets", "select", "selectors",
	"shelve", "shlex", "shutil", "signal", "site", "socket", "sqlite3", "ssl", "stat", "string", "struct", "subprocess", "sys", "sysconfig",
	"tarfile", "tempfile", "textwrap", "threading", "time", "timeit", "token", "tokenize", "traceback", "tracemalloc", "types", "typing",
	"unicodedata", "unittest", "urllib", "uuid", "warnings", "weakref", "xml", "zipfile", "zipimport", "zlib"};

static int
own_cmp(const void *key, const void *at)
{
	return strcmp(key, *(const char *const *)at);
}

static bool
is_own(const struct module *m)
{
	char name[NAME_LONG + 1];
	size_t n = strcspn(m->path, "/");

	if (n > NAME_LONG)
		return false;
	memcpy(name, m->path, n);
	name[n] = '\0';
	return bsearch(name, own, sizeof(own) / sizeof(*own), sizeof(*own), own_cmp) != NULL;
}

/* Every file that may be module <m>; false: there is none. */
static bool
see_files(struct job *j, const struct module *m, const char *tail, bool is_package)
{
	char rel[NAME_LONG + 16];
	struct pth_module got;
	bool any = false;

	if (m->n_path > NAME_LONG)
		return false;
	memcpy(rel, m->path, m->n_path);
	memcpy(rel + m->n_path, tail, strlen(tail) + 1);
	for (unsigned n = 0; !j->r->nomem && j->src->get(j->src->arg, m->from, rel, n, &got); n++) {
		struct file f = {.job = j, .m = m, .is_package = is_package, .judge = true, .at = {.r = j->r, .a = j->a, .file = got.file}};
		enum pth_layer doubt = m->hops == 0 ? PTH_LIMIT : PTH_UNREADABLE;

		any = true;
		j->r->modules += !j->silent;
		j->r->module_bytes += got.why == NULL ? got.len : 0;
		if (got.why != NULL)
			found(&f, 0, doubt, got.why);
		else if (got.len > MODULE_MAX || j->r->module_bytes > PTH_MODULE_BYTES)
			found(&f, 0, doubt, "a module of a start-up file, larger than is looked at");
		else if (py_is_recoded(got.data, got.len))
			found(&f, 0, PTH_HIDDEN, "code in a coding that hides it");
		else
			see_source(&f, got.data, got.len);
	}
	return any;
}

static void
see_module(struct job *j, const struct module *m)
{
	bool any;

	if (is_own(m))
		return;
	any = see_files(j, m, "/__init__.py", true);
	any |= see_files(j, m, ".py", false);
	any |= see_files(j, m, "", false);	/* compiled, or native: Python prefers that */
	if (!any && m->hops == 0 && memchr(m->path, '/', m->n_path) == NULL)
		j->r->outside += !j->silent;
}

/* Does it import anything that could be in the package? */
static bool
leads_on(struct job *j, const struct pth_want *w)
{
	struct file f = {.job = j, .at = {.r = j->r, .a = j->a, .file = w->file, .line = w->line}};
	bool any = false;

	j->silent = true;
	see_source(&f, w->code, w->len);
	for (const struct module *m = j->all; m != NULL; m = m->next)
		any |= !is_own(m);
	return any || j->more;
}

static void
see_want(struct job *j, const struct pth_want *w)
{
	struct pth_at at = {.r = j->r, .a = j->a, .file = w->file, .line = w->line};

	leads_on(j, w);		/* once more, with who mentions what */
	/* Of modules that name each other that is known after the first round. */
	for (int round = 0; round < 2; round++) {
		j->silent = round == 0;
		for (const struct module *m = j->all; m != NULL && !j->r->nomem; m = m->next)
			see_module(j, m);
	}
	if (j->more)
		pth_found(&at, PTH_UNREADABLE, "imports more modules than are looked at");
	if (j->found)
		pth_found(&at, PTH_START, "a line that runs a module which does more than start-up files need");
}

void
pth_check_imports(struct pth_report *r, const struct pth_want *until, const struct pth_source *src, struct arena *a)
{
	unsigned char *words = NULL;
	unsigned n = 0;

	for (const struct pth_want *w = r->wants; w != until && w != NULL && !r->nomem; w = w->next) {
		struct job j = {.r = r, .a = a, .src = src};
		struct pth_at at = {.r = r, .a = a, .file = w->file, .line = w->line};

		j.end = &j.all;
		if (!leads_on(&j, w))
			continue;
		if (++n > WANTS) {
			pth_found(&at, PTH_LIMIT, "more start-up files than are looked into");
			break;
		}
		free(words);
		j.words = words = calloc(1, 1 << (WORD_BITS - 3));
		if (words == NULL)
			r->nomem = true;
		else
			see_want(&j, w);
	}
	free(words);
	r->wants = (struct pth_want *)(uintptr_t)until;
}
