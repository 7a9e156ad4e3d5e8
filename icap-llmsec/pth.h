/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_PTH_H
#define LLMSEC_ICAP_PTH_H
/*
 * Python's start-up files, before Python reads them: path configuration files (*.pth) and sitecustomize/usercustomize, alone
 * and inside wheels, sdists and other archives.  site.py (CPython Lib/site.py, addpackage()) executes every line of a .pth
 * that begins with "import " at every start of the interpreter, whether or not anything of the package is used: the place
 * where attacks on the supply chain put their code.
 *
 * A line that executes is clean only if it says nothing but what installers say: a closed vocabulary (pth_code.c), or a
 * statement whose SHA-256 is in the list of known ones, and if the modules that it imports do nothing of what the layers tell.  No name of a file or package makes a difference.  All else is found,
 * and six layers tell what it does (docs/supply-chain.md).  No Python runs, nothing is written; time linear in the input,
 * memory bounded by the limits.  No shared state: any thread.
 */
#include <stdbool.h>
#include <stddef.h>

struct arena;

enum pth_layer {
	PTH_START,		/* a line that executes at start-up, and is none that installers write */
	PTH_EXEC,		/* exec, eval, compile and what imports by a computed name */
	PTH_PROCESS,		/* starts processes, loads native code, talks to the network */
	PTH_PERSIST,		/* writes where things are started from */
	PTH_CREDENTIAL,		/* paths and variables that hold credentials */
	PTH_BLOB,		/* encoded code */
	PTH_PATH,		/* a directory that anybody may write goes into sys.path */
	PTH_HIDDEN,		/* made to look like something else: odd white space, line ends, names */
	PTH_LIMIT,		/* cannot be judged: too large, too deep, damaged, encrypted, compiled */
	PTH_UNREADABLE,		/* something inside cannot be read, which no installer opens by itself */
	PTH_LAYERS
};

struct pth_finding {
	enum pth_layer	 layer;
	unsigned	 line;		/* from 1; 0: the file as a whole */
	const char	*file;		/* "dist/x.whl!evil.pth", in the arena */
	const char	*why;		/* static, for people */
};

/* Code that runs and that is harmless as far as itself goes; what it imports is another question. */
struct pth_want {
	struct pth_want	*next;
	const char	*file;		/* as in findings */
	unsigned	 line;
	const char	*code;
	size_t		 len;
};

#define PTH_FINDINGS	64		/* kept; more only count */
struct pth_report {
	struct pth_finding v[PTH_FINDINGS];
	size_t		 n;		/* in v */
	size_t		 more;		/* that had no room */
	size_t		 files;		/* start-up files that were read */
	size_t		 modules;	/* files that those import, and that were read */
	size_t		 outside;	/* modules that they import, and that are neither there nor Python's own */
	size_t		 unpacked;	/* bytes that archives gave */
	struct pth_want	*wants;		/* the last one first, in the arena: of start-up files that stand alone */
	size_t		 want_bytes, module_bytes;
	bool		 nomem;
};

struct pth_limits {			/* 0: the default */
	size_t		 unpacked;	/* bytes in all; 256 MiB */
	unsigned	 ratio;		/* unpacked bytes per byte, once 1 MiB is out; 200 */
	unsigned	 entries;	/* in all; 100000 */
	unsigned	 depth;		/* archives in archives; 4 */
};

enum pth_kind {
	PTH_NONE,		/* nothing that Python reads by itself */
	PTH_FILE,		/* *.pth in any case */
	PTH_CUSTOMIZE,		/* sitecustomize.py, usercustomize.py where Python would find it */
	PTH_OPAQUE,		/* the same as bytecode or native code */
	PTH_CACHE		/* bytecode of the same in __pycache__, which Python may take without a look at the source */
};

/* By its path within an archive or tree. */
enum pth_kind pth_kind(const char *path);
/* "LLMSEC-PTH-EXEC"; and "exec". */
const char *pth_rule_id(enum pth_layer);
const char *pth_layer_name(enum pth_layer);

/* One start-up file of that kind, but for what it imports.  The report must be zeroed before the first; findings add up. */
void	pth_check(enum pth_kind, const char *file, const void *, size_t, struct arena *, struct pth_report *);
/*
 * An archive in memory: every start-up file in it, and in archives in it.  Damage, encryption, a limit or two ways to read it are findings.
 * Inside another they are PTH_UNREADABLE, unless its names say that Python or an installer would open it; nothing, where two bytes are all that it
 * has of an archive.  <file> names it in findings.
 */
void	pth_check_archive(const char *file, const void *, size_t, const struct pth_limits *, struct arena *,
	    struct pth_report *);

struct pth_module {
	const char	*file;		/* for findings; lives as long as the report */
	const char	*data;		/* until the next one is asked for */
	size_t		 len;
	const char	*why;		/* static: it is there and can't be judged; NULL: it can */
};

struct pth_source {
	/*
	 * The <n>-th file that import may find as <rel>, for a start-up file at <from> (a finding's name): "a/b.py", "a/__init__.py"; "a/b" asks
	 * for compiled ones, which have a <why>.  False: there are no more.
	 */
	bool	(*get)(void *arg, const char *from, const char *rel, unsigned n, struct pth_module *);
	void	*arg;
};

/*
 * Judges the modules that r->wants down to <until> (not included; NULL: all) import, and takes these from the list: what runs in them when they are
 * imported, in the functions that this names, and in what they import in turn (pth_module.c).  At most PTH_MODULES modules for each
 * line, PTH_MODULE_BYTES for the report, each file being read twice; linear in those.
 */
#define PTH_MODULES	512
#define PTH_MODULE_BYTES ((size_t)16 << 20)
void	pth_check_imports(struct pth_report *, const struct pth_want *until, const struct pth_source *, struct arena *);
/* The length of a line of paths as site.py takes it, without the white space (of Unicode, too) at its end. */
size_t	pth_path_trim(const char *, size_t);
/* Bytecode from a __pycache__: does Python run it whatever the source says? */
bool	pth_is_unchecked(const void *, size_t);
/* Does a directory of this path belong to everybody (or to a host elsewhere)?  The reason, NULL: no. */
const char *pth_writable(const char *path, size_t);
#endif
