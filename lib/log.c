/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/utf8.h"

#define LOG_LINE	2048

static const char *log_ident = "llmsec";
static enum log_dest log_dest = LOG_DEST_STDERR;
static bool log_journal;		/* stderr is the journal: priorities help, the ident doesn't */
static _Atomic int log_level = LOG_INFO;
static void (*_Atomic log_hook)(int, const char *);

/* systemd names the stream by device and inode, because a child may have redirected stderr. */
static bool
log_stderr_is_journal(void)
{
	const char *e = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return e != NULL && sscanf(e, "%llu:%llu", &dev, &ino) == 2 &&
	    fstat(STDERR_FILENO, &st) == 0 && st.st_dev == (dev_t)dev && st.st_ino == (ino_t)ino;
}

void
log_init(const char *ident, enum log_dest dest, int level)
{
	log_ident = ident;
	log_dest = dest;
	log_journal = log_stderr_is_journal();
	log_set_level(level);
	if (dest == LOG_DEST_SYSLOG)
		openlog(ident, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void
log_set_level(int level)
{
	atomic_store_explicit(&log_level, level, memory_order_relaxed);
}

int
log_level_parse(const char *s)
{
	static const struct {
		const char	*name;
		int		 level;
	} tbl[] = {
		{ "err", LOG_ERR }, { "warning", LOG_WARNING }, { "notice", LOG_NOTICE },
		{ "info", LOG_INFO }, { "debug", LOG_DEBUG },
	};

	for (size_t i = 0; i < sizeof(tbl) / sizeof(tbl[0]); i++) {
		if (strcmp(s, tbl[i].name) == 0)
			return tbl[i].level;
	}
	return -1;
}

void
log_set_hook(void (*fn)(int, const char *))
{
	atomic_store(&log_hook, fn);
}

/*
 * C0, DEL, the C1 controls (U+0080..9F, which some terminals obey) and bytes that are no UTF-8 (which
 * the journal would hide as a blob) become \xNN.
 */
static size_t
log_escape(char *out, size_t room, const char *s)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0, left = strlen(s), k;
	uint32_t cp;

	/* 4 bytes are the most that one step takes, 16 those it makes of them; 2 for the line's end. */
	for (; left > 0 && room - n > 18; s += k, left -= k) {
		bool bad = false;

		k = utf8_decode(s, left, &cp, &bad);
		if (k == 0) {	/* cut short by its sender or by us */
			k = left;
			bad = true;
		}
		if (!bad && cp >= 0x20 && (cp < 0x7f || cp > 0x9f)) {
			memcpy(out + n, s, k);
			n += k;
			continue;
		}
		for (size_t i = 0; i < k; i++) {
			out[n++] = '\\';
			out[n++] = 'x';
			out[n++] = hex[(unsigned char)s[i] >> 4];
			out[n++] = hex[(unsigned char)s[i] & 15];
		}
	}
	out[n] = '\0';
	return n;
}

static size_t
log_prefix(char *out, size_t room, int level)
{
	int n = log_journal ? snprintf(out, room, "<%d>", level) :
	    snprintf(out, room, "%.64s: ", log_ident);

	return n > 0 ? (size_t)n : 0;
}

static void
log_emit(int level, const char *text)
{
	void (*hook)(int, const char *) = atomic_load(&log_hook);
	char line[LOG_LINE];
	size_t pre = 0, n;
	ssize_t w;

	if (hook == NULL && log_dest == LOG_DEST_STDERR)
		pre = log_prefix(line, sizeof(line), level);
	n = pre + log_escape(line + pre, sizeof(line) - pre, text);
	if (hook != NULL) {
		hook(level, line);
	} else if (log_dest == LOG_DEST_SYSLOG) {
		syslog(level, "%s", line);
	} else {
		line[n++] = '\n';
		do
			w = write(STDERR_FILENO, line, n);
		while (w < 0 && errno == EINTR);
	}
}

static void
log_v(int level, const char *token, const char *fmt, va_list ap, const char *reason)
{
	char text[LOG_LINE];
	int saved = errno;
	size_t n = 0;

	if (level > atomic_load_explicit(&log_level, memory_order_relaxed))
		return;
	text[0] = '\0';
	if (token != NULL)
		n = (size_t)snprintf(text, sizeof(text) / 2, "%.32s: ", token);
	vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	n = strlen(text);
	if (reason != NULL)
		snprintf(text + n, sizeof(text) - n, ": %s", reason);
	log_emit(level, text);
	errno = saved;
}

void
log_warn(const char *fmt, ...)
{
	char reason[128];
	va_list ap;

	va_start(ap, fmt);
	log_v(LOG_WARNING, NULL, fmt, ap, strerror_r(errno, reason, sizeof(reason)));
	va_end(ap);
}

#define LOG_FN(name, level)				\
	void						\
	name(const char *fmt, ...)			\
	{						\
		va_list ap;				\
							\
		va_start(ap, fmt);			\
		log_v(level, NULL, fmt, ap, NULL);	\
		va_end(ap);				\
	}

LOG_FN(log_err, LOG_ERR)
LOG_FN(log_warnx, LOG_WARNING)
LOG_FN(log_notice, LOG_NOTICE)
LOG_FN(log_info, LOG_INFO)

void
log_debug(const char *token, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_v(LOG_DEBUG, token, fmt, ap, NULL);
	va_end(ap);
}

void
log_fatalx(const char *fmt, ...)
{
	char text[LOG_LINE], line[LOG_LINE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_escape(line, sizeof(line), text);
	fprintf(stderr, "%s: %s\n", log_ident, line);
	exit(2);
}
