/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SCAN_H
#define LLMSEC_SCAN_H
/* Between the parts of llmsec-scan. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "icap-llmsec/span.h"
#include "lib/arena.h"
#include "lib/buf.h"

struct icap_policy;

struct scan_lines {
	const char	*key;		/* the column that holds the text; NULL: "text" */
	const char	*role;		/* of lines that name none */
	unsigned	 jobs;		/* threads, 1 to SCAN_JOBS_MAX */
};
#define SCAN_JOBS_MAX	256
#define SCAN_LINE_MAX	(64u << 20)	/* bytes; what is longer is told, not held in memory */

/*
 * Judge texts, a JSON object a line: {"id":..., "text":"...", "role":"user|tool|assistant|system|developer|file"}, or
 * {"id":..., "body": object or string, "dialect":"openai|responses|anthropic|gemini|ollama"}; other columns are passed over.
 * Each line is answered by one, in the same order: {"id", "action", "score", "threshold", "direct", "data", "category",
 * "rules":[...], "pii":[{"type","start","end"}], "us"}; a line that is no such object by {"line", "column", "error"}, as far as
 * known with its "id".  Blank lines at the end are no lines.  Ids that occur twice are told on standard error.
 * 0; 1: there were lines that couldn't be judged; -EINVAL: unknown role; -errno: the reading or writing failed.
 */
int	scan_lines(const struct icap_policy *, const struct scan_lines *, FILE *in, FILE *out);

/* One of them.  <line> must be NUL-terminated and may be changed; <out>: the answer, with its line end; *id: a hash of the "id", 0: none.
   False: it couldn't be judged.  The arena is not reset. */
bool	scan_line(const struct icap_policy *, const struct scan_lines *, char *line, size_t len, uint64_t no, struct arena *, struct buf *out,
	    uint64_t *id);
/* The answer to a line that can't be. */
void	scan_line_error(struct buf *out, uint64_t no, const char *error);

/* Every reading of a text and what weighed in it.  0, -EINVAL: unknown role, -errno. */
int	scan_explain(const struct icap_policy *, const char *role, const char *text, size_t len, FILE *out);
/* CPU time of judging a text, over many runs in one thread.  As scan_explain(). */
int	scan_bench(const struct icap_policy *, const char *role, const char *text, size_t len, FILE *out);
/*
 * Asks a person about each row of the shadow log's <files> (NULL at their end) that has no label, and whose text has none in <labels> yet, and
 * appends what it is told to <labels> (mode 0600), which the trainer reads.  Answers are lines of <in>.  0 or -errno.
 */
int	scan_label(const char *labels, char **files, FILE *in, FILE *screen);
/* Writes <files> anew without the rows of an actor, a conversation or a request.  0 or -errno: of the last that failed. */
int	scan_forget(const char *who, char **files, FILE *screen);
/*
 * Where nobody named a configuration: the path of the site's, or, where there is none, of one with the settings as shipped and the rules and
 * model that came with this program, which is told to <say>.  0 or -errno.
 */
int	scan_conf_find(char *path, size_t size, FILE *say);
/* Role and provenance by name; false: unknown. */
bool	scan_role(struct span *, const char *name);
#endif
