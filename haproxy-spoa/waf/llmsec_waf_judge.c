/* SPDX-License-Identifier: MIT */
/* What run, explain and the co-process share: bytes in, a verdict; and words for its enums. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "haproxy-spoa/waf/http_raw.h"
#include "haproxy-spoa/waf/llmsec_waf.h"
#include "lib/utf8.h"

#define FILE_MAX	(64 * 1024 * 1024)

bool
cli_read_file(const char *path, struct buf *b)
{
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 1;
	char *room;

	b->max = FILE_MAX;
	while (n > 0) {
		room = buf_room(b, 65536);
		n = room != NULL ? read(fd, room, 65536) : -1;
		if (room == NULL)
			errno = -b->err;
		if (n > 0)
			buf_wrote(b, (size_t)n);
	}
	if (n < 0)
		fprintf(stderr, "llmsec-waf: %s: %s\n", path, strerror(errno));
	if (fd > STDIN_FILENO)
		close(fd);
	return n == 0;
}

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

const struct waf_verdict *
cli_judge(struct cli *c, const struct http_raw *req, const struct http_raw *rsp, struct waf_str id,
    struct waf_tx **txp)
{
	struct waf_tx *tx;

	/* They live in c, as the transaction looks at them until its end: waf_log_line too. */
	c->req = (struct waf_request){ .client_ip = { c->client_ip, strlen(c->client_ip) }, .client_port = 50000,
	    .server_ip = WAF_STR("127.0.0.1"), .server_port = 80, .unique_id = id, .now_us = now_us() };
	http_raw_to_request(req, &c->req);
	tx = *txp = waf_tx_new(c->waf, c->thread, &c->profile, &c->req);
	if (tx == NULL)
		return NULL;
	waf_tx_request(tx);
	if (rsp != NULL) {
		http_raw_to_response(rsp, &c->rsp);
		waf_tx_response(tx, &c->rsp);
	}
	return waf_tx_end(tx);
}

void
cli_json_bytes(struct buf *b, const char *p, size_t n)
{
	char *fixed;

	if (utf8_valid(p, n)) {
		buf_add_json(b, p, n);
		return;
	}
	fixed = malloc(3 * n + 1);
	if (fixed == NULL)
		return;
	n = utf8_repair(fixed, p, n);
	buf_add_json(b, fixed, n);
	free(fixed);
}

void
cli_text_bytes(struct buf *b, const char *p, size_t n, size_t max)
{
	for (size_t i = 0; i < n && i < max; i++) {
		if (p[i] >= 0x20 && p[i] <= 0x7e && p[i] != '\\')
			buf_addc(b, p[i]);
		else
			buf_printf(b, "\\x%02x", (unsigned char)p[i]);
	}
	if (n > max)
		buf_adds(b, "...");
}

const char *
cli_severity_name(int s)
{
	static const char *const name[] = { "EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE",
	    "INFO", "DEBUG" };

	return s >= 0 && (size_t)s < sizeof(name) / sizeof(name[0]) ? name[s] : "-";
}

const char *
cli_action_name(enum waf_action a)
{
	static const char *const name[] = { [WAF_PASS] = "pass", [WAF_DENY] = "deny", [WAF_DROP] = "drop",
	    [WAF_REDIRECT] = "redirect", [WAF_ALLOW] = "allow", [WAF_ERROR] = "error" };

	return name[a];
}

const char *
cli_category_name(enum waf_category cat)
{
	static const char *const name[WAF_C_MAX] = { "sqli", "xss", "rfi", "lfi", "rce", "php", "http", "session" };

	return name[cat];
}
