/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_LOG_H
#define LLMSEC_LOG_H
/*
 * Log for operators: stderr, with "<3>" priorities when JOURNAL_STREAM is set (sd-daemon(3)), or
 * syslog(3).  Thread safe; one write(2) per line; control bytes of arguments are escaped so that
 * bytes from outside can't forge a line.  Never pass a prompt, key or cookie.
 */
#include <stdbool.h>
#include <syslog.h>

enum log_dest { LOG_DEST_STDERR, LOG_DEST_SYSLOG };

/* <ident> is kept by reference.  <level> is a syslog level, LOG_INFO by default. */
void	log_init(const char *ident, enum log_dest, int level);
void	log_set_level(int level);
/* "err|warning|notice|info|debug" -> level, -1 if unknown */
int	log_level_parse(const char *);
/* Tests and fuzzers: divert lines (NULL restores). */
void	log_set_hook(void (*fn)(int level, const char *line));

void	log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));	/* adds errno */
void	log_err(const char *fmt, ...) __attribute__((format(printf, 1, 2)));	/* adds nothing */
void	log_warnx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	log_notice(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Shown at LOG_DEBUG; <token> names the area ("spop", "waf"). */
void	log_debug(const char *token, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Print to stderr "ident: text" and exit(2): for main() before the daemon runs. */
void	log_fatalx(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
#endif
