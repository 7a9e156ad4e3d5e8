/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SCAN_H
#define LLMSEC_SCAN_H
/* Between the parts of llmsec-scan. */
#include <stdbool.h>
#include <stdio.h>

#include "icap-llmsec/span.h"

struct icap_policy;

/*
 * Judge texts, a JSON object a line: {"id":..., "text":"...", "role":"user|tool|assistant|system|developer|file"} (role:
 * user if absent), or {"id":..., "body": object or string, "dialect":"openai|responses|anthropic|gemini|ollama"}.  Each is
 * answered by one line: {"id", "action", "score", "direct", "data", "category", "rules":[...], "pii":[{"type","start","end"}],
 * "us"}; a line that is no such object by {"line", "error"}.  0; 1: there were such lines; -errno: the reading or writing failed.
 */
int	scan_lines(const struct icap_policy *, FILE *in, FILE *out);
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
