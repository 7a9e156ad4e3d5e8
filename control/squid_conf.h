/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SQUID_CONF_H
#define LLMSEC_SQUID_CONF_H
/*
 * squid.conf as Squid 5 reads it (src/cache_cf.cc, parseOneConfigFile and parseManyConfigFiles): leading white space, comments, lines
 * continued with a backslash, includes of several files and globs, quoted or not, CR line ends.  What only a running Squid could
 * know (conditions, macros, programs as files) is marked or refused, never guessed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct squid_conf;

struct squid_line {
	const char	*file;
	int		 line;		/* of the end, where it is continued */
	bool		 conditional;	/* between if and endif */
	size_t		 n;		/* words; at least 1 */
	char		**word;		/* word[0]: the directive */
};

/* 0; each fault said to <out> and counted in *faults; -errno: <path> itself can't be read.  On error *conf is NULL. */
int	squid_conf_read(struct squid_conf **conf, const char *path, FILE *out, int *faults);
void	squid_conf_free(struct squid_conf **);
/* In the order in which Squid takes them. */
size_t	squid_conf_lines(const struct squid_conf *);
const struct squid_line *squid_conf_line(const struct squid_conf *, size_t i);
/* The next line of that directive from <from> on; NULL: none.  *at is where to go on. */
const struct squid_line *squid_conf_next(const struct squid_conf *, const char *directive, size_t *at);
#endif
