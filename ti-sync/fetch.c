/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/file_write.h"
#include "ti-sync/canon.h"
#include "ti-sync/fetch.h"

#define REDIRECTS	5L
#define RETRY_AFTER_MAX	60000

struct ti_fetch_state {
	const struct ti_fetch_opts *o;
	struct ti_fetch		*f;
	CURL			*easy;
	struct curl_slist	*headers;
	char			 error[CURL_ERROR_SIZE];
	int			 fd;
	bool			 running, too_big, private;
	struct sockaddr_storage	 own[4];		/* addresses of the URL itself */
	size_t			 n_own;
	int64_t			 not_before;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- what libcurl calls back --------------------------------------------------------------------- */

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct ti_fetch_state *s = arg;
	long code = 0;

	n *= size;
	/* The body of an error is nobody's content. */
	if (curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &code) == CURLE_OK && code != 200)
		return n;
	s->f->bytes += (int64_t)n;
	if (s->f->bytes > s->f->max_bytes) {
		s->too_big = true;
		return 0;
	}
	return file_write_all(s->fd, p, n) == 0 ? n : 0;
}

static void
header_keep(char *out, size_t size, const char *p, size_t n, const char *name)
{
	size_t k = strlen(name);

	if (n <= k || strncasecmp(p, name, k) != 0)
		return;
	p += k;
	n -= k;
	while (n > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	while (n > 0 && (p[n - 1] == '\r' || p[n - 1] == '\n' || p[n - 1] == ' '))
		n--;
	if (n < size) {
		memcpy(out, p, n);
		out[n] = '\0';
	}
}

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	struct ti_fetch *f = ((struct ti_fetch_state *)arg)->f;

	n *= size;
	if (n > 5 && strncasecmp(p, "HTTP/", 5) == 0)	/* of the next answer, after a redirect */
		f->new_etag[0] = f->new_modified[0] = f->type[0] = '\0';
	header_keep(f->new_etag, sizeof(f->new_etag), p, n, "etag:");
	header_keep(f->new_modified, sizeof(f->new_modified), p, n, "last-modified:");
	header_keep(f->type, sizeof(f->type), p, n, "content-type:");
	return n;
}

static bool
address_private(const struct sockaddr *sa)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	struct cidr c = {.len = 128};

	if (sa->sa_family == AF_INET) {
		memcpy(c.addr, mapped, 12);
		memcpy(c.addr + 12, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(c.addr, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
	} else {
		return true;
	}
	return ti_net_reserved(&c) != TI_OK;
}

/* With allow_private: an address that the feed's own URL leads to, before any redirect. */
static bool
address_own(struct ti_fetch_state *s, const struct curl_sockaddr *a)
{
	long redirects = 0;

	if (!s->f->allow_private || a->addrlen > sizeof(*s->own))
		return false;
	curl_easy_getinfo(s->easy, CURLINFO_REDIRECT_COUNT, &redirects);
	if (redirects == 0) {
		if (s->n_own < sizeof(s->own) / sizeof(*s->own))
			memcpy(&s->own[s->n_own++], &a->addr, a->addrlen);
		return true;
	}
	for (size_t i = 0; i < s->n_own; i++)
		if (memcmp(&s->own[i], &a->addr, a->addrlen) == 0)
			return true;
	return false;
}

/* The address that is really connected to, whatever the name resolved to before.  A redirect never leads to a
   private one, unless it is, port and all, the one that the feed's own URL has. */
static curl_socket_t
on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct ti_fetch_state *s = arg;

	if (*s->o->proxy == '\0' && address_private(&a->addr) && !address_own(s, a)) {
		s->private = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* ---- one transfer -------------------------------------------------------------------------------- */

static void
header_add(struct ti_fetch_state *s, const char *name, const char *value)
{
	char line[1100];
	struct curl_slist *l;

	if (value == NULL || *value == '\0')
		return;
	snprintf(line, sizeof(line), "%s%s", name, value);
	l = curl_slist_append(s->headers, line);
	if (l != NULL)
		s->headers = l;
}

static void
options_set(struct ti_fetch_state *s)
{
	const char *schemes = s->f->allow_http ? "https,http" : "https";
	CURL *e = s->easy;

	curl_easy_setopt(e, CURLOPT_URL, s->f->url);
	curl_easy_setopt(e, CURLOPT_PRIVATE, s);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, s->error);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, s->o->user_agent);
	curl_easy_setopt(e, CURLOPT_PROXY, s->o->proxy);	/* "": not the environment's either */
	curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "");
	/* A key in a header is for the host that is configured: libcurl would send most headers on to others. */
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, s->f->header == NULL ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_MAXREDIRS, REDIRECTS);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, schemes);
	curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, schemes);
#else
	curl_easy_setopt(e, CURLOPT_PROTOCOLS, s->f->allow_http ? CURLPROTO_HTTPS | CURLPROTO_HTTP : CURLPROTO_HTTPS);
	curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS, s->f->allow_http ? CURLPROTO_HTTPS | CURLPROTO_HTTP : CURLPROTO_HTTPS);
#endif
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (s->f->ca_file != NULL && *s->f->ca_file != '\0')
		curl_easy_setopt(e, CURLOPT_CAINFO, s->f->ca_file);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)s->o->connect_timeout);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)s->o->timeout);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 100L);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, 60L);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, s);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, s);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, s->headers);
	(void)schemes;
}

static int
transfer_start(struct ti_fetch_state *s, CURLM *multi)
{
	s->easy = curl_easy_init();
	s->fd = open(s->f->to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (s->easy == NULL || s->fd < 0)
		return -1;
	header_add(s, "If-None-Match: ", s->f->etag);
	header_add(s, "If-Modified-Since: ", s->f->modified);
	header_add(s, "", s->f->header);
	options_set(s);
	s->f->bytes = 0;
	s->f->tries++;
	s->error[0] = '\0';
	s->too_big = s->private = false;
	s->n_own = 0;
	s->running = curl_multi_add_handle(multi, s->easy) == CURLM_OK;
	return s->running ? 0 : -1;
}

static void
transfer_drop(struct ti_fetch_state *s, CURLM *multi)
{
	if (s->running)
		curl_multi_remove_handle(multi, s->easy);
	curl_easy_cleanup(s->easy);
	curl_slist_free_all(s->headers);
	if (s->fd >= 0)
		close(s->fd);
	s->easy = NULL;
	s->headers = NULL;
	s->fd = -1;
	s->running = false;
}

/* Might it go better in a moment? */
static bool
passing(const struct ti_fetch_state *s, CURLcode r, long code)
{
	if (s->too_big || s->private)
		return false;
	switch (r) {
	case CURLE_OK:
		return code >= 500 || code == 429 || code == 408;
	case CURLE_COULDNT_RESOLVE_HOST: case CURLE_COULDNT_CONNECT: case CURLE_OPERATION_TIMEDOUT:
	case CURLE_PARTIAL_FILE: case CURLE_GOT_NOTHING: case CURLE_RECV_ERROR: case CURLE_SEND_ERROR:
	case CURLE_HTTP2: case CURLE_HTTP2_STREAM: case CURLE_SSL_CONNECT_ERROR:
		return true;
	default:
		return false;
	}
}

static void
say_why(struct ti_fetch_state *s, CURLcode r, long code)
{
	struct ti_fetch *f = s->f;

	if (s->private)
		snprintf(f->why, sizeof(f->why), "leads to a private or reserved address");
	else if (s->too_big)
		snprintf(f->why, sizeof(f->why), "more than %lld bytes", (long long)f->max_bytes);
	else if (r != CURLE_OK)
		snprintf(f->why, sizeof(f->why), "%s", s->error[0] != '\0' ? s->error : curl_easy_strerror(r));
	else
		snprintf(f->why, sizeof(f->why), "HTTP status %ld%s", code, f->header != NULL && code / 100 == 3 ?
		    ": not followed with auth_header_file" : "");
}

/* Doubled each time, between a half and the whole of it, so that a crowd of clients doesn't come back at once. */
static int64_t
wait_ms(const struct ti_fetch_state *s)
{
	int64_t base = s->o->backoff << (s->f->tries < 8 ? s->f->tries - 1 : 7);
	curl_off_t after = 0;
	uint32_t r = 0;

	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) < 0)
		r = (uint32_t)now_ms();
	base = base / 2 + (int64_t)((uint64_t)(base / 2) * r >> 32);
	curl_easy_getinfo(s->easy, CURLINFO_RETRY_AFTER, &after);
	if (after * 1000 > base)
		base = after < RETRY_AFTER_MAX / 1000 ? (int64_t)after * 1000 : RETRY_AFTER_MAX;
	return base;
}

static void
transfer_done(struct ti_fetch_state *s, CURLM *multi, CURLcode r)
{
	struct ti_fetch *f = s->f;
	long code = 0;

	curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &code);
	f->code = code;
	if (r == CURLE_OK && code == 200)
		f->status = TI_FETCH_NEW;
	else if (r == CURLE_OK && code == 304 && (*f->etag != '\0' || *f->modified != '\0'))
		f->status = TI_FETCH_SAME;
	else {
		say_why(s, r, code);
		if (passing(s, r, code) && f->tries <= s->o->retries)
			s->not_before = now_ms() + wait_ms(s);
		else
			f->status = TI_FETCH_FAILED;
	}
	transfer_drop(s, multi);
}

/* ---- all of them --------------------------------------------------------------------------------- */

/* Starts what may start; returns how many are still to come, and how long nothing can happen. */
static size_t
start_some(struct ti_fetch_state *v, size_t n, const struct ti_fetch_opts *o, CURLM *multi, int *wait)
{
	size_t left = 0;
	int running = 0;
	int64_t now = now_ms();

	*wait = 500;
	for (size_t i = 0; i < n; i++)
		running += v[i].running;
	for (size_t i = 0; i < n; i++) {
		struct ti_fetch_state *s = &v[i];

		if (s->f->status != TI_FETCH_WAITING)
			continue;
		left++;
		if (s->running || running >= o->parallel)
			continue;
		if (s->not_before > now) {
			if (s->not_before - now < *wait)
				*wait = (int)(s->not_before - now);
			continue;
		}
		if (transfer_start(s, multi) < 0) {
			snprintf(s->f->why, sizeof(s->f->why), "can't start: %s", strerror(errno));
			s->f->status = TI_FETCH_FAILED;
			transfer_drop(s, multi);
			left--;
		} else {
			running++;
		}
	}
	return left;
}

static void
loop(struct ti_fetch_state *v, size_t n, const struct ti_fetch_opts *o, CURLM *multi)
{
	int wait, running, queued;
	CURLMsg *m;

	while (start_some(v, n, o, multi, &wait) > 0) {
		curl_multi_perform(multi, &running);
		while ((m = curl_multi_info_read(multi, &queued)) != NULL) {
			struct ti_fetch_state *s;

			if (m->msg != CURLMSG_DONE)
				continue;
			curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&s);
			transfer_done(s, multi, m->data.result);
		}
		if (o->progress != NULL) {
			struct ti_fetch *first = v[0].f;

			o->progress(o->arg, first, n);
		}
		if (running > 0)
			curl_multi_poll(multi, NULL, 0, wait < 200 ? wait : 200, NULL);
		else if (wait > 0)
			curl_multi_poll(multi, NULL, 0, wait < 50 ? wait : 50, NULL);
	}
}

int
ti_fetch_all(struct ti_fetch *v, size_t n, const struct ti_fetch_opts *o)
{
	struct ti_fetch_state *s = calloc(n + 1, sizeof(*s));
	CURLM *multi;

	if (s == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(s);
		return -ENOMEM;
	}
	multi = curl_multi_init();
	if (multi != NULL && n > 0) {
		for (size_t i = 0; i < n; i++) {
			v[i].status = TI_FETCH_WAITING;
			s[i] = (struct ti_fetch_state){.o = o, .f = &v[i], .fd = -1};
		}
		loop(s, n, o, multi);
	}
	if (multi != NULL)
		curl_multi_cleanup(multi);
	free(s);
	return multi != NULL ? 0 : -ENOMEM;
}
