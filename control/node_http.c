/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "control/llmsecd_conf.h"
#include "control/node_auth.h"
#include "control/node_http.h"
#include "lib/buf.h"

#define ANSWER_MAX	((size_t)64 << 10)
#define CONNECT_MS	1000L
/* The name in every edge's certificate: etc/haproxy/llmsec-peers.cfg. */
#define PEER_NAME	"llmsec-peer"

struct node_http {
	CURL		*curl;
	struct curl_slist *connect_to;
	struct node_auth *auth;
	char		 base[320];	/* "https://llmsec-peer:10242" */
};

/* https://HOST:PORT: connect there, and ask for and expect the peers' name. */
static int
aim(struct node_http *h, const char *url)
{
	const char *host = url + 8, *port = strrchr(host, ':');
	char text[320];

	if (strncmp(url, "https://", 8) != 0) {
		snprintf(h->base, sizeof(h->base), "%s", url);
		return 0;
	}
	if (port == NULL || strchr(port, ']') != NULL)
		port = ":443";
	snprintf(text, sizeof(text), "%s:%s:%.*s%s", PEER_NAME, port + 1, (int)(strrchr(host, ':') == port ?
	    (size_t)(port - host) : strlen(host)), host, port);
	snprintf(h->base, sizeof(h->base), "https://%s%s", PEER_NAME, port);
	h->connect_to = curl_slist_append(NULL, text);
	return h->connect_to != NULL ? 0 : -ENOMEM;
}

static size_t
answer_take(char *p, size_t size, size_t n, void *arg)
{
	return buf_add(arg, p, size * n) == 0 ? size * n : 0;
}

struct node_http *
node_http_new(const struct llmsecd_conf *conf, const char *url, struct node_auth *auth)
{
	struct node_http *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->auth = auth;
	h->curl = curl_easy_init();
	if (h->curl == NULL || aim(h, url) < 0) {
		node_http_free(&h);
		return NULL;
	}
	curl_easy_setopt(h->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(h->curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(h->curl, CURLOPT_USERAGENT, "llmsecd/" PACKAGE_VERSION);
	curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, answer_take);
	curl_easy_setopt(h->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(h->curl, CURLOPT_TCP_NODELAY, 1L);
	if (h->connect_to != NULL)
		curl_easy_setopt(h->curl, CURLOPT_CONNECT_TO, h->connect_to);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* A new CA counts from the next connection on, not from tomorrow. */
	curl_easy_setopt(h->curl, CURLOPT_CA_CACHE_TIMEOUT, 0L);
#endif
	if (conf->cluster.ca_file[0] != '\0')
		curl_easy_setopt(h->curl, CURLOPT_CAINFO, conf->cluster.ca_file);
	if (conf->cluster.cert_file[0] != '\0') {
		curl_easy_setopt(h->curl, CURLOPT_SSLCERT, conf->cluster.cert_file);
		curl_easy_setopt(h->curl, CURLOPT_SSLKEY, conf->cluster.cert_file);
	}
	return h;
}

void
node_http_free(struct node_http **hp)
{
	struct node_http *h = *hp;

	if (h == NULL)
		return;
	curl_easy_cleanup(h->curl);
	curl_slist_free_all(h->connect_to);
	free(h);
	*hp = NULL;
}

static struct curl_slist *
headers_new(const struct node_sig *s)
{
	struct curl_slist *l = curl_slist_append(NULL, "Content-Type: application/json"), *next;
	char text[160];

	l = curl_slist_append(l, "Expect:");
	for (int i = 0; l != NULL && i < NODE_HDR_N; i++) {
		snprintf(text, sizeof(text), "%s: %s", node_hdr_name[i], s->v[i]);
		next = curl_slist_append(l, text);
		if (next == NULL)
			curl_slist_free_all(l);
		l = next;
	}
	return l;
}

static int
perform(struct node_http *h, char *why, size_t size)
{
	CURLcode rc = curl_easy_perform(h->curl);
	long status = 0;

	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	if (rc != CURLE_OK)
		snprintf(why, size, "%s", curl_easy_strerror(rc));
	else if (status != 200)
		snprintf(why, size, "answered %ld", status);
	return rc != CURLE_OK ? -EHOSTUNREACH : status != 200 ? -EREMOTEIO : 0;
}

int
node_http_ask(struct node_http *h, const char *method, const char *path, const struct buf *body,
    int timeout_ms, struct buf *answer, char *why, size_t size)
{
	struct node_msg m = { method, path, body != NULL ? buf_ptr(body) : "", body != NULL ? buf_len(body) : 0 };
	struct curl_slist *headers = NULL;
	struct node_sig s;
	char url[640];
	int r = node_auth_sign(h->auth, &s, &m);

	buf_clear(answer);
	answer->max = ANSWER_MAX;
	*why = '\0';
	if (r == 0 && (headers = headers_new(&s)) == NULL)
		r = -ENOMEM;
	if (r < 0) {
		snprintf(why, size, "cannot sign: %s", strerror(-r));
		return r;
	}
	snprintf(url, sizeof(url), "%s%s", h->base, path);
	curl_easy_setopt(h->curl, CURLOPT_URL, url);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(h->curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, m.body);
	curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE, (long)m.body_len);
	curl_easy_setopt(h->curl, CURLOPT_CUSTOMREQUEST, method);
	if (strcmp(method, "GET") == 0)
		curl_easy_setopt(h->curl, CURLOPT_HTTPGET, 1L);
	r = perform(h, why, size);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	return r;
}
