/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_PTH_PYTHON_H
#define LLMSEC_ICAP_PTH_PYTHON_H
/*
 * Python source as tokens, definitions and imports: as much of the grammar as tells what runs when a module is imported
 * (reference/lexical_analysis and compound_stmts of Python 3.13; Python 2's is near enough).  Nothing is executed; bytes that are no Python
 * give nonsense, never an error.  Linear in the source, memory at most 20 times its size, in heap buffers; no shared state.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

enum py_type { PY_NAME, PY_STRING, PY_NUMBER, PY_OP, PY_LINE };	/* PY_LINE: the end of a logical line */

struct py_tok {
	uint32_t	 at, len;	/* in the source; of a string what is between its quotes */
	uint32_t	 line;		/* from 1 */
	uint32_t	 jump;		/* of the first token of a body: the one behind it; else 0 */
	uint32_t	 import;	/* > 0: of an import statement, its first record + 1 */
	uint16_t	 indent;	/* of the line that begins here; 0xffff: within a line */
	uint8_t		 type;
	bool		 prose;		/* a string that is a statement: documentation */
};

struct py_def {				/* def or class */
	uint32_t	 name;		/* token */
	uint32_t	 body, end;	/* tokens: its first, and the one behind its last; decorators and defaults are not in it */
	int32_t		 parent;	/* -1: the module */
	bool		 is_class;
	bool		 reached, done, met;	/* for the caller: nought at first */
};

struct py_import {			/* "import a.b as c": module a.b, bound c; "from .a import b": module a, dots 1, name b, bound b */
	uint32_t	 tok;		/* where the statement begins */
	uint32_t	 dots;
	uint32_t	 module, module_len;	/* in the source, white space included; length 0: only dots */
	uint32_t	 name;		/* token behind "from .. import"; 0: none */
	uint32_t	 bound;		/* token of the name that it gets; 0: a star */
	bool		 whole;		/* bound is the first component of the module ("import a.b") */
};

struct py_source {
	const char	*p;
	size_t		 len;
	struct buf	 toks, defs, imports;	/* of the structures above */
	size_t		 n_tok, n_def, n_import;
	bool		 nomem;
};

/* <p> stays the caller's, and must outlive the result. */
void	py_read(struct py_source *, const char *p, size_t len);
void	py_done(struct py_source *);
struct py_tok	*py_tok(const struct py_source *, size_t);
struct py_def	*py_def(const struct py_source *, size_t);
struct py_import *py_import(const struct py_source *, size_t);
bool	py_is(const struct py_source *, size_t tok, const char *word);
/* Is it a name with characters that Python takes for letters of ASCII, or that are no UTF-8? */
bool	py_is_disguised(const struct py_source *, size_t tok);
/* Does its first or second line ask for a decoder that reads other characters than stand here (PEP 263: rot13, utf-7, ...)? */
bool	py_is_recoded(const char *, size_t);
#endif
