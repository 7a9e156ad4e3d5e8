/* SPDX-License-Identifier: MIT */
/*
 * Python code in start-up files: is it nothing but what installers write, and if not, what does it do?
 *
 * "Known" is decided by a closed vocabulary, not by names of packages: imports, assignments and calls may be made of the words
 * below and of nothing else.  With those words a line can import modules, make namespace packages and call an argument-less
 * hook of a module that it imported; it cannot run a string, start a process, open a file or a socket, reach an attribute by a
 * computed name, or put a path into sys.path.  The lines that setuptools (nspkg, distutils-precedence, editable finders),
 * virtualenv, coverage and pywin32 write are made of them, in all of their versions.  What is left are a few well-known lines
 * that do more; they are known by their SHA-256, byte for byte.
 */
#include "config.h"

#include <string.h>

#include <openssl/evp.h>

#include "icap-llmsec/pth_private.h"

/* --- statements known byte for byte ---------------------------------------------------------------------- */

static const unsigned char known_sha256[][33] = {
	/* pytest-cov 2.x to 6.x: coverage in subprocesses, when COV_CORE_SOURCE asks for it */
	"\xb8\xe1\xb8\x28\x09\x0b\xfe\xc4\xb2\x56\x56\xd0\x4c\xd0\x94\x8d\x3e\x70\x22\x1e\xa8\x28\x1a\xc0\xe1\x25\x69\xee\xf4\x8a\xe2\xa6",
	/* setuptools' easy-install.pth, first and last line: what stands between goes to the front of sys.path */
	"\x3c\x12\xf9\x97\xec\x8b\x39\xdb\xe4\x46\x52\x2b\xe2\x77\xc9\x56\xe5\xdb\xfc\x0c\xf8\xa5\xb5\xdb\x24\x52\x71\x98\xb2\x67\xe7\xce",
	"\xde\x0d\xbd\x96\x5e\x26\xd8\x44\x2c\xc0\xef\x1e\x5b\x8c\x5e\xf3\x41\xc3\xf8\xd9\x32\x3b\xbd\x21\xba\x57\xbf\xcf\x65\x4b\x44\x71",
};

static bool
is_known_statement(const char *p, size_t len)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\t' || p[len - 1] == ';'))
		len--;
	if (len > 4096 || EVP_Digest(p, len, md, &n, EVP_sha256(), NULL) != 1 || n != 32)
		return false;
	for (size_t i = 0; i < sizeof(known_sha256) / sizeof(*known_sha256); i++)
		if (memcmp(md, known_sha256[i], 32) == 0)
			return true;
	return false;
}

/* --- the vocabulary -------------------------------------------------------------------------------------- */

enum tok { TOK_END, TOK_LINE, TOK_WORD, TOK_STRING, TOK_NUMBER, TOK_OP, TOK_BAD };

#define LOCALS	32

struct lex {
	const char	*p, *end;
	enum tok	 tok;
	const char	*s;		/* the token; a string without its quotes */
	size_t		 n;
	unsigned	 nest;		/* open brackets */
	bool		 start;		/* of a statement */
};

struct vocab {
	struct lex	 x;
	struct { const char *s; size_t n; } local[LOCALS];
	size_t		 n_local;
};

static const char *const keywords[] = {"and", "or", "not", "in", "is", "None", "True", "False", "if", "else", "try", "except",
	"finally", "pass", "as", NULL};
/* Names that are there without an import, and exceptions. */
static const char *const builtins[] = {"ImportError", "ModuleNotFoundError", "AttributeError", "Exception", "__import__", NULL};
static const char *const attributes[] = {"path", "join", "dirname", "exists", "environ", "get", "version_info", "platform", "_getframe",
	"f_locals", "modules", "setdefault", "ModuleType", "util", "machinery", "module_from_spec", "PathFinder", "find_spec",
	"__dict__", "append", "major", "minor", "add_shim", "install", "process_startup", NULL};
static const char *const callable[] = {"__import__", "join", "dirname", "exists", "get", "_getframe", "setdefault", "ModuleType",
	"module_from_spec", "find_spec", "append", "add_shim", "install", "process_startup", NULL};
/* Modules that can do something with what the vocabulary lets a line say, or that no start-up line has a use for. */
static const char *const dangerous[] = {"subprocess", "socket", "ctypes", "urllib", "urllib2", "urllib3", "http", "httplib", "ftplib",
	"smtplib", "telnetlib", "pty", "popen2", "commands", "posix", "nt", "multiprocessing", "asyncio", "shutil", "tempfile", "base64",
	"binascii", "codecs", "zlib", "gzip", "bz2", "lzma", "marshal", "pickle", "cPickle", "_pickle", "shelve", "runpy", "code", "codeop",
	"builtins", "__builtin__", "imp", "zipimport", "webbrowser", "getpass", "winreg", "_winreg", "antigravity", "pdb", "bdb", "profile",
	"cProfile", "trace", "timeit", "distutils", "pip", "ensurepip", "venv", "requests", "httpx", "aiohttp", "paramiko", "boto3",
	"ssl", "select", "selectors", "signal", "threading", "_thread", "thread", "concurrent", "sched", "xmlrpc", "socketserver", "cffi",
	"_socket", "_posixsubprocess", "pathlib", "io", "_io", "glob", "inspect", "ast", "atexit", "operator", "functools", "gc", "fcntl",
	"mmap", "resource", "sqlite3", "dbm", "csv", "platform", "pkgutil", "doctest", "unittest", "idlelib", "turtledemo", "wsgiref",
	"dill", "cloudpickle", "keyring", "cryptography", "Crypto", "nacl", "jinja2", "pexpect", "sh", "plumbum", "fabric", "invoke",
	NULL};

static bool
listed(const char *const *list, const char *s, size_t n)
{
	for (; *list != NULL; list++)
		if (strlen(*list) == n && memcmp(*list, s, n) == 0)
			return true;
	return false;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A string at the start of a statement is documentation; only that may be of three quotes or hold more than names. */
static void
lex_string(struct lex *x, bool prose)
{
	char q = *x->p;
	bool triple = x->end - x->p >= 3 && x->p[1] == q && x->p[2] == q;
	const char *s = x->p + (triple ? 3 : 1);

	x->s = s;
	x->tok = TOK_BAD;
	for (; s < x->end; s++) {
		if (*s == '\\' || (*s == '\n' && !triple) || (triple && !prose))
			return;
		if (*s == q && (!triple || (x->end - s >= 3 && s[1] == q && s[2] == q)))
			break;
	}
	if (s >= x->end)
		return;
	x->n = (size_t)(s - x->s);
	x->p = s + (triple ? 3 : 1);
	x->tok = TOK_STRING;
}

static void
lex_number(struct lex *x)
{
	while (x->p < x->end && is_digit(*x->p))
		x->p++;
	x->tok = x->p < x->end && is_letter(*x->p) ? TOK_BAD : TOK_NUMBER;
}

static void
lex_op(struct lex *x)
{
	if (strchr("()[],.;:=<>*!", *x->p) == NULL || *x->p == '\0') {
		x->tok = TOK_BAD;
		return;
	}
	x->tok = TOK_OP;
	x->nest += *x->p == '(' || *x->p == '[';
	x->nest -= (*x->p == ')' || *x->p == ']') && x->nest > 0;
	x->p++;
	if (x->p < x->end && *x->p == '=' && strchr("=<>!", x->p[-1]) != NULL)
		x->p++;
	x->n = (size_t)(x->p - x->s);
}

static void
lex_next(struct lex *x)
{
	bool was_start = x->start;

	while (x->p < x->end && (*x->p == ' ' || *x->p == '\t' || *x->p == '\f'))
		x->p++;
	if (x->p < x->end && *x->p == '#')
		while (x->p < x->end && *x->p != '\n' && *x->p != '\r')
			x->p++;
	x->s = x->p;
	x->n = 0;
	x->start = false;
	if (x->p >= x->end)
		x->tok = TOK_END;
	else if (*x->p == '\n' || *x->p == '\r') {
		x->p++;
		x->tok = TOK_LINE;
	} else if (is_letter(*x->p)) {
		while (x->p < x->end && (is_letter(*x->p) || is_digit(*x->p)))
			x->p++;
		x->n = (size_t)(x->p - x->s);
		/* r"", b"", f"" and the like are written by nobody here */
		x->tok = x->p < x->end && (*x->p == '\'' || *x->p == '"') ? TOK_BAD : TOK_WORD;
	} else if (*x->p == '\'' || *x->p == '"')
		lex_string(x, was_start);
	else if (is_digit(*x->p))
		lex_number(x);
	else
		lex_op(x);
}

static bool
op_is(const struct lex *x, const char *op)
{
	return x->tok == TOK_OP && strlen(op) == x->n && memcmp(op, x->s, x->n) == 0;
}

static bool
word_is(const struct lex *x, const char *w)
{
	return x->tok == TOK_WORD && strlen(w) == x->n && memcmp(w, x->s, x->n) == 0;
}

static bool
is_local(const struct vocab *v, const char *s, size_t n)
{
	for (size_t i = 0; i < v->n_local; i++)
		if (v->local[i].n == n && memcmp(v->local[i].s, s, n) == 0)
			return true;
	return false;
}

/* The name becomes one that the code may use; not one that means something already. */
static bool
bind(struct vocab *v, const char *s, size_t n)
{
	if (listed(keywords, s, n) || listed(builtins, s, n))
		return false;
	if (is_local(v, s, n))
		return true;
	if (v->n_local == LOCALS)
		return false;
	v->local[v->n_local].s = s;
	v->local[v->n_local++].n = n;
	return true;
}

/* The root of a dotted name decides. */
static bool
is_dangerous(const char *s, size_t n)
{
	const char *dot = n > 0 ? memchr(s, '.', n) : NULL;

	return listed(dangerous, s, dot != NULL ? (size_t)(dot - s) : n);
}

/* a.b.c: its first and last component. */
static bool
dotted(struct vocab *v, const char **root, size_t *n_root, const char **all, size_t *n_all)
{
	struct lex *x = &v->x;

	if (x->tok != TOK_WORD || listed(keywords, x->s, x->n))
		return false;
	*root = *all = x->s;
	*n_root = x->n;
	for (;;) {
		*n_all = (size_t)(x->s + x->n - *all);
		lex_next(x);
		if (!op_is(x, "."))
			return true;
		lex_next(x);
		if (x->tok != TOK_WORD)
			return false;
	}
}

/* "as NAME" if it is there, else the name itself becomes known. */
static bool
bind_as(struct vocab *v, const char *s, size_t n)
{
	if (!word_is(&v->x, "as"))
		return bind(v, s, n);
	lex_next(&v->x);
	if (v->x.tok != TOK_WORD || (v->x.n == 2 && memcmp(v->x.s, "os", 2) == 0) || !bind(v, v->x.s, v->x.n))
		return false;	/* "os" is taken at its word below */
	lex_next(&v->x);
	return true;
}

static bool
import_statement(struct vocab *v)
{
	const char *root, *all;
	size_t n, n_all;

	do {
		lex_next(&v->x);
		if (!dotted(v, &root, &n, &all, &n_all) || is_dangerous(root, n) || !bind_as(v, root, n))
			return false;
	} while (op_is(&v->x, ","));
	return true;
}

/* Of the modules that are looked into, only what the vocabulary has may be taken; of others, anything without a bad name. */
static bool
from_statement(struct vocab *v)
{
	static const char *const open_modules[] = {"os", "sys", "types", "importlib", "site", "warnings", "string", "re", NULL};
	const char *root, *all, *name;
	size_t n, n_all, n_name;

	lex_next(&v->x);
	if (!dotted(v, &root, &n, &all, &n_all) || is_dangerous(root, n) || !word_is(&v->x, "import"))
		return false;
	do {
		lex_next(&v->x);
		name = v->x.s;
		n_name = v->x.n;
		if (v->x.tok != TOK_WORD || is_dangerous(name, n_name))
			return false;
		if (listed(open_modules, root, n) && !listed(attributes, name, n_name))
			return false;
		lex_next(&v->x);
		if (!bind_as(v, name, n_name))
			return false;
	} while (op_is(&v->x, ","));
	return true;
}

/* Strings are names: of modules, variables, packages.  Nothing that could be a path, a command or code. */
static bool
string_is_name(const char *s, size_t n)
{
	if (n > 100 || (n > 0 && (s[0] == '.' || s[n - 1] == '.')) || is_dangerous(s, n))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_letter(s[i]) && !is_digit(s[i]) && s[i] != '-' && !(s[i] == '.' && s[i - 1] != '.'))
			return false;
	return true;
}

static bool
bracket_is_known(struct lex *x)
{
	if (x->tok == TOK_STRING) {	/* only frames are looked into */
		if (x->n != 7 || memcmp(x->s, "sitedir", 7) != 0)
			return false;
	} else if (x->tok != TOK_NUMBER)
		return false;
	lex_next(x);
	return op_is(x, "]");
}

/*
 * Attributes that could do more than they are here for: os.path is one, sys.path by another name isn't; a namespace gets a
 * __path__ and nothing else, or what was put there could be called; only sys.modules and namespaces are given defaults,
 * os.environ isn't; hooks take nothing, so that no argument of ours reaches a stranger's function.
 */
static bool
attribute_is_known(const struct lex *x, const char *before, size_t n_before)
{
	static const char path_only[] = ".setdefault('__path__'";
	size_t rest = (size_t)(x->end - x->p);

	if (!listed(attributes, x->s, x->n))
		return false;
	if (word_is(x, "path"))
		return n_before == 2 && memcmp(before, "os", 2) == 0;
	if (word_is(x, "__dict__"))
		return rest >= sizeof(path_only) - 1 && memcmp(x->p, path_only, sizeof(path_only) - 1) == 0;
	if (word_is(x, "f_locals"))
		return rest > 0 && *x->p == '[';
	if (word_is(x, "setdefault"))
		return (n_before == 7 && memcmp(before, "modules", 7) == 0) || (n_before == 8 && memcmp(before, "__dict__", 8) == 0);
	if (word_is(x, "install") || word_is(x, "add_shim") || word_is(x, "process_startup"))
		return rest >= 2 && memcmp(x->p, "()", 2) == 0;
	return true;
}

/* "NAME =", NAME being where the statement began. */
static bool
assignment(struct vocab *v)
{
	const char *s = v->x.s;
	size_t n = v->x.n;
	struct lex ahead = v->x;

	lex_next(&ahead);
	if (!op_is(&ahead, "="))
		return false;
	if ((n == 2 && memcmp(s, "os", 2) == 0) || !bind(v, s, n))
		return false;
	v->x = ahead;
	lex_next(&v->x);
	return true;
}

enum last { LAST_NONE, LAST_NAME, LAST_CALLABLE, LAST_CLOSED, LAST_STRING, LAST_DOT };

/* A word within an expression.  A name of the code's own making is never called: it might have been made from anything. */
static bool
word_is_known(struct vocab *v, enum last *last, const char **before, size_t *n_before)
{
	const struct lex *x = &v->x;
	bool attribute = *last == LAST_DOT;

	if (attribute) {
		if (!attribute_is_known(x, *before, *n_before))
			return false;
	} else if (listed(keywords, x->s, x->n)) {
		*last = LAST_NONE;
		return true;
	} else if (*last != LAST_NONE || (!is_local(v, x->s, x->n) && !listed(builtins, x->s, x->n)))
		return false;
	*last = listed(callable, x->s, x->n) && (attribute || word_is(x, "__import__")) ? LAST_CALLABLE : LAST_NAME;
	*before = x->s;
	*n_before = x->n;
	return true;
}

/* What a bracket may follow is all the grammar that is needed: behind a name it is a call or an index, elsewhere it groups. */
static bool
op_is_known(struct lex *x, enum last *last)
{
	if (op_is(x, "(") && *last != LAST_NONE && *last != LAST_CALLABLE)
		return false;
	if (op_is(x, "[") && *last != LAST_NONE) {
		if (*last == LAST_STRING)
			return false;
		lex_next(x);
		if (!bracket_is_known(x))
			return false;
	}
	if (op_is(x, "=") || (op_is(x, "*") && *last != LAST_NONE) || (op_is(x, ".") && *last == LAST_STRING))
		return false;
	*last = op_is(x, ".") ? LAST_DOT : op_is(x, ")") || op_is(x, "]") ? LAST_CLOSED : LAST_NONE;
	return true;
}

static bool
take(struct lex *x, const char *s)
{
	size_t n = strlen(s);

	if ((size_t)(x->end - x->p) < n || memcmp(x->p, s, n) != 0)
		return false;
	x->p += n;
	return true;
}

/* A name in a string, up to its quote. */
static bool
take_name(struct lex *x)
{
	static const char *const taken[] = {"sys", "os", "types", "importlib", "site", NULL};
	const char *s = x->p, *end = memchr(s, '\'', (size_t)(x->end - s));
	size_t n = end != NULL ? (size_t)(end - s) : 0;

	x->p = end != NULL ? end : x->end;
	return n > 0 && string_is_name(s, n) && !listed(taken, s, n);
}

/*
 * What namespaces of two levels end with: m and setattr(sys.modules['a'], 'b', m).  It puts a module where import would put it; not into those that the
 * other words are taken from.
 */
static bool
namespace_child(struct lex *x)
{
	if (!word_is(x, "setattr") || !take(x, "(sys.modules['") || !take_name(x) || !take(x, "'], '") || !take_name(x) || !take(x, "', m)"))
		return false;
	return x->p == x->end || *x->p == ';' || *x->p == '\n' || *x->p == '\r';
}

/* An expression or assignment, up to the end of its statement. */
static bool
expression(struct vocab *v)
{
	enum last last = LAST_NONE;
	struct lex *x = &v->x;
	const char *before = "";
	size_t n_before = 0;

	if (x->tok == TOK_WORD && !listed(keywords, x->s, x->n))
		assignment(v);
	for (; x->tok != TOK_END && !(x->tok == TOK_LINE && x->nest == 0) && !op_is(x, ";") && !op_is(x, ":"); lex_next(x)) {
		bool ok;

		switch (x->tok) {
		case TOK_WORD:
			ok = (last == LAST_NONE && namespace_child(x)) || word_is_known(v, &last, &before, &n_before);
			break;
		case TOK_STRING:
			ok = last == LAST_NONE && string_is_name(x->s, x->n);
			last = LAST_STRING;
			break;
		case TOK_NUMBER:
			ok = last == LAST_NONE;
			last = LAST_STRING;
			break;
		case TOK_OP:
			ok = op_is_known(x, &last);
			break;
		default:
			ok = x->tok == TOK_LINE;
		}
		if (!ok)
			return false;
	}
	return true;
}

static bool
statement(struct vocab *v)
{
	struct lex *x = &v->x;

	if (word_is(x, "import"))
		return import_statement(v);
	if (word_is(x, "from"))
		return from_statement(v);
	if (x->tok == TOK_STRING) {	/* documentation */
		lex_next(x);
		return x->tok == TOK_LINE || x->tok == TOK_END;
	}
	return expression(v);
}

/* sys.path is not for start-up code to change: a line of the file does that, and can be looked at. */
static bool
touches_sys_path(const char *p, size_t len)
{
	for (const char *at = p; (at = memmem(at, len - (size_t)(at - p), "sys", 3)) != NULL; at += 3) {
		const char *q = at + 3, *end = p + len;

		while (q < end && (*q == ' ' || *q == '\t' || *q == '.'))
			q++;
		if (end - q >= 4 && memcmp(q, "path", 4) == 0 && (end - q == 4 || !is_letter(q[4])))
			return true;
	}
	return false;
}

bool
pth_code_is_known(const char *p, size_t len)
{
	struct vocab v = {.x = {.p = p, .end = p + len, .start = true}};

	if (is_known_statement(p, len))
		return true;
	if (touches_sys_path(p, len))
		return false;
	for (lex_next(&v.x); v.x.tok != TOK_END;) {
		if (v.x.tok == TOK_LINE || op_is(&v.x, ";") || op_is(&v.x, ":")) {
			v.x.start = true;
			lex_next(&v.x);
			continue;
		}
		if (!statement(&v))
			return false;
		if (v.x.tok != TOK_END && v.x.tok != TOK_LINE && !op_is(&v.x, ";") && !op_is(&v.x, ":"))
			return false;
	}
	return true;
}

/* --- layers ---------------------------------------------------------------------------------------------- */

static const struct { enum pth_layer layer; const char *word; } signs[] = {
	{PTH_EXEC, "exec"}, {PTH_EXEC, "eval"}, {PTH_EXEC, "compile"}, {PTH_EXEC, "__import__"}, {PTH_EXEC, "import_module"},
	{PTH_EXEC, "runpy"}, {PTH_EXEC, "builtins"}, {PTH_EXEC, "getattr"}, {PTH_EXEC, "globals"}, {PTH_EXEC, "FunctionType"},
	{PTH_EXEC, "CodeType"}, {PTH_EXEC, "marshal"}, {PTH_EXEC, "pickle"}, {PTH_EXEC, "exec_module"}, {PTH_EXEC, "load_module"},
	{PTH_EXEC, "__loader__"}, {PTH_EXEC, "__subclasses__"}, {PTH_EXEC, "__globals__"}, {PTH_EXEC, "zipimport"},
	{PTH_EXEC, "spec_from_file_location"}, {PTH_EXEC, "addaudithook"}, {PTH_EXEC, "settrace"},

	{PTH_PROCESS, "subprocess"}, {PTH_PROCESS, "system"}, {PTH_PROCESS, "popen"}, {PTH_PROCESS, "Popen"}, {PTH_PROCESS, "spawn"},
	{PTH_PROCESS, "posix"}, {PTH_PROCESS, "fork"}, {PTH_PROCESS, "execv"}, {PTH_PROCESS, "execl"}, {PTH_PROCESS, "pty"},
	{PTH_PROCESS, "startfile"}, {PTH_PROCESS, "ctypes"}, {PTH_PROCESS, "cffi"}, {PTH_PROCESS, "multiprocessing"},
	{PTH_PROCESS, "socket"}, {PTH_PROCESS, "urllib"}, {PTH_PROCESS, "urlopen"}, {PTH_PROCESS, "requests"}, {PTH_PROCESS, "httpx"},
	{PTH_PROCESS, "http"}, {PTH_PROCESS, "https"}, {PTH_PROCESS, "ftplib"}, {PTH_PROCESS, "smtplib"}, {PTH_PROCESS, "telnetlib"},
	{PTH_PROCESS, "aiohttp"}, {PTH_PROCESS, "paramiko"}, {PTH_PROCESS, "curl"}, {PTH_PROCESS, "wget"}, {PTH_PROCESS, "powershell"},
	{PTH_PROCESS, "cmd"}, {PTH_PROCESS, "bash"}, {PTH_PROCESS, "sh"}, {PTH_PROCESS, "webbrowser"}, {PTH_PROCESS, "antigravity"},
	{PTH_PROCESS, "getaddrinfo"}, {PTH_PROCESS, "gethostbyname"}, {PTH_PROCESS, "asyncio"}, {PTH_PROCESS, "threading"},
	{PTH_PROCESS, "pip"}, {PTH_PROCESS, "_thread"},

	{PTH_PERSIST, "crontab"}, {PTH_PERSIST, "cron"}, {PTH_PERSIST, "systemd"}, {PTH_PERSIST, "systemctl"}, {PTH_PERSIST, "bashrc"},
	{PTH_PERSIST, "zshrc"}, {PTH_PERSIST, "profile"}, {PTH_PERSIST, "bash_profile"}, {PTH_PERSIST, "authorized_keys"},
	{PTH_PERSIST, "LaunchAgents"}, {PTH_PERSIST, "LaunchDaemons"}, {PTH_PERSIST, "Startup"}, {PTH_PERSIST, "autostart"},
	{PTH_PERSIST, "preload"}, {PTH_PERSIST, "winreg"}, {PTH_PERSIST, "CurrentVersion"}, {PTH_PERSIST, "schtasks"},
	{PTH_PERSIST, "usercustomize"}, {PTH_PERSIST, "sitecustomize"}, {PTH_PERSIST, "getsitepackages"}, {PTH_PERSIST, "getusersitepackages"},
	{PTH_PERSIST, "shutil"}, {PTH_PERSIST, "write"}, {PTH_PERSIST, "write_text"}, {PTH_PERSIST, "write_bytes"}, {PTH_PERSIST, "chmod"},
	{PTH_PERSIST, "symlink"}, {PTH_PERSIST, "rename"}, {PTH_PERSIST, "atexit"}, {PTH_PERSIST, "rc.local"}, {PTH_PERSIST, "init.d"},

	{PTH_CREDENTIAL, ".aws"}, {PTH_CREDENTIAL, ".ssh"}, {PTH_CREDENTIAL, "id_rsa"}, {PTH_CREDENTIAL, "id_ed25519"},
	{PTH_CREDENTIAL, "netrc"}, {PTH_CREDENTIAL, "pypirc"}, {PTH_CREDENTIAL, "npmrc"}, {PTH_CREDENTIAL, ".docker"},
	{PTH_CREDENTIAL, ".kube"}, {PTH_CREDENTIAL, "kubeconfig"}, {PTH_CREDENTIAL, "gcloud"}, {PTH_CREDENTIAL, "git-credentials"},
	{PTH_CREDENTIAL, ".env"}, {PTH_CREDENTIAL, "keyring"}, {PTH_CREDENTIAL, "shadow"}, {PTH_CREDENTIAL, "passwd"},
	{PTH_CREDENTIAL, "serviceaccount"}, {PTH_CREDENTIAL, "169.254.169.254"}, {PTH_CREDENTIAL, "metadata.google.internal"},
	{PTH_CREDENTIAL, "credentials"}, {PTH_CREDENTIAL, "AWS_SECRET_ACCESS_KEY"}, {PTH_CREDENTIAL, "GITHUB_TOKEN"},
	{PTH_CREDENTIAL, "OPENAI_API_KEY"}, {PTH_CREDENTIAL, "ANTHROPIC_API_KEY"}, {PTH_CREDENTIAL, "Login Data"},
	{PTH_CREDENTIAL, "Cookies"}, {PTH_CREDENTIAL, "wallet"}, {PTH_CREDENTIAL, "wallet.dat"}, {PTH_CREDENTIAL, "bash_history"},
	{PTH_CREDENTIAL, "environ.items"}, {PTH_CREDENTIAL, "environ.copy"}, {PTH_CREDENTIAL, "dict(os.environ"},

	{PTH_BLOB, "base64"}, {PTH_BLOB, "b64decode"}, {PTH_BLOB, "b85decode"}, {PTH_BLOB, "a85decode"}, {PTH_BLOB, "b32decode"},
	{PTH_BLOB, "b16decode"}, {PTH_BLOB, "binascii"}, {PTH_BLOB, "unhexlify"}, {PTH_BLOB, "fromhex"}, {PTH_BLOB, "codecs"},
	{PTH_BLOB, "rot13"}, {PTH_BLOB, "rot_13"}, {PTH_BLOB, "decompress"}, {PTH_BLOB, "zlib"}, {PTH_BLOB, "lzma"}, {PTH_BLOB, "bz2"},
	{PTH_BLOB, "marshal"}, {PTH_BLOB, "chr"}, {PTH_BLOB, "bytes"}, {PTH_BLOB, "bytearray"}, {PTH_BLOB, "[::-1]"},
	{PTH_BLOB, "translate"}, {PTH_BLOB, "decode"},
};

const char *
pth_layer_why(enum pth_layer l)
{
	switch (l) {
	case PTH_EXEC: return "executes code that is made while it runs";
	case PTH_PROCESS: return "starts processes, loads native code or talks to the network";
	case PTH_PERSIST: return "writes files, or where things are started from";
	case PTH_CREDENTIAL: return "names places that hold credentials";
	case PTH_BLOB: return "unpacks encoded code";
	default: return "code";
	}
}

static bool
is_bound(const char *p, size_t len, size_t at, size_t n)
{
	bool head = is_letter(p[at]) || is_digit(p[at]), tail = is_letter(p[at + n - 1]) || is_digit(p[at + n - 1]);

	return (!head || at == 0 || !(is_letter(p[at - 1]) || is_digit(p[at - 1]))) &&
	    (!tail || at + n == len || !(is_letter(p[at + n]) || is_digit(p[at + n])));
}

static bool
has_word(const char *p, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = p; (at = memmem(at, len - (size_t)(at - p), word, n)) != NULL; at += n)
		if (is_bound(p, len, (size_t)(at - p), n))
			return true;
	return false;
}

/* Runs that nobody types: base64 or hex of 60 and more, or eight escapes in a row. */
static bool
has_blob(const char *p, size_t len)
{
	size_t run = 0, escapes = 0, digits = 0;

	for (size_t i = 0; i < len; i++) {
		bool in = is_letter(p[i]) || is_digit(p[i]) || p[i] == '+' || p[i] == '/' || p[i] == '=';

		run = in ? run + 1 : 0;
		digits = in ? digits + is_digit(p[i]) : 0;
		escapes += p[i] == '\\' && i + 1 < len && strchr("xuU01234567", p[i + 1]) != NULL && p[i + 1] != '\0';
		if ((run >= 60 && digits >= 4) || escapes >= 8)
			return true;
	}
	return false;
}

void
pth_code_layers(const struct pth_at *at, const char *p, size_t len)
{
	bool seen[PTH_LAYERS] = {false};

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (!seen[signs[i].layer] && has_word(p, len, signs[i].word)) {
			seen[signs[i].layer] = true;
			pth_found(at, signs[i].layer, pth_layer_why(signs[i].layer));
		}
	if (!seen[PTH_BLOB] && has_blob(p, len))
		pth_found(at, PTH_BLOB, pth_layer_why(PTH_BLOB));
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)p[i] >= 0x80) {	/* Python reads full-width letters as plain ones (PEP 3131, NFKC) */
			pth_found(at, PTH_HIDDEN, "letters that are not ASCII in code");
			break;
		}
}
