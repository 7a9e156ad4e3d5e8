/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "control/ban_list.h"
#include "control/control_events.h"
#include "control/ctltime.h"
#include "control/httpd.h"
#include "control/httpd_private.h"
#include "control/llmsecd_conf.h"
#include "control/llmsecd_metrics.h"
#include "control/node_auth.h"
#include "control/token_file.h"
#include "lib/buf.h"
#include "lib/log.h"

#define TOKEN_MIN	16
#define HASHED		"sha256:"
#define STARTING_MS	5000

/* --- tokens ---------------------------------------------------------------------------------- */

static void
token_digest(const char *token, size_t n, uint8_t out[TOKEN_DIGEST])
{
	EVP_Digest(token, n, out, NULL, EVP_sha256(), NULL);
}

/* "sha256:" and 64 hexadecimal digits: the token itself is somewhere else. */
static bool
digest_read(const char *line, uint8_t out[TOKEN_DIGEST])
{
	size_t n = 0;

	return strncmp(line, HASHED, sizeof(HASHED) - 1) == 0 && strlen(line) == sizeof(HASHED) - 1 + 2 * TOKEN_DIGEST &&
	    OPENSSL_hexstr2buf_ex(out, TOKEN_DIGEST, &n, line + sizeof(HASHED) - 1, '\0') == 1 && n == TOKEN_DIGEST;
}

/* What the first line of the file says; 0 or -errno.  A token that stands there in clear isn't kept so. */
static int
token_read(const char *path, uint8_t out[TOKEN_DIGEST])
{
	char line[HTTPD_TOKEN] = "";
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	n = read(fd, line, sizeof(line) - 1);
	if (n < 0)
		r = -errno;
	close(fd);
	line[strcspn(line, "\r\n")] = '\0';
	n = (ssize_t)strlen(line);
	if (r == 0 && (n < TOKEN_MIN || n >= (ssize_t)sizeof(line) - 1))
		r = -EINVAL;
	if (r == 0 && strncmp(line, HASHED, sizeof(HASHED) - 1) == 0)
		r = digest_read(line, out) ? 0 : -EINVAL;
	else if (r == 0)
		token_digest(line, (size_t)n, out);
	OPENSSL_cleanse(line, sizeof(line));
	return r;
}

static void
token_load(struct httpd *h, enum httpd_role role, const char *path)
{
	uint8_t digest[TOKEN_DIGEST] = {0};
	int r = path[0] != '\0' ? token_read(path, digest) : -ENOENT;

	if (r < 0 && path[0] != '\0')
		log_warnx("%s: %s; nobody gets in with it", path, r == -EINVAL ?
		    "on the first line is a token of 16 to 255 characters, or " HASHED " and its SHA-256 in hexadecimal digits" : strerror(-r));
	pthread_mutex_lock(&h->token_lock);
	memcpy(h->token[role], digest, sizeof(digest));
	h->token_set[role] = r == 0;
	pthread_mutex_unlock(&h->token_lock);
}

void
httpd_tokens_load(struct httpd *h, const struct llmsecd_conf *conf)
{
	token_load(h, ROLE_READ, conf->http.read_token_file);
	token_load(h, ROLE_BAN, conf->http.ban_token_file);
	token_load(h, ROLE_ADMIN, conf->http.token_file);
}

/* What may whoever shows this token do?  Takes the same time wherever it differs. */
static enum httpd_role
token_role(struct httpd *h, const char *auth, char by[TOKEN_NAME])
{
	static const char *const file[ROLE_N] = { [ROLE_READ] = "http.read_token_file", [ROLE_BAN] = "http.ban_token_file",
	    [ROLE_ADMIN] = "http.token_file" };
	enum httpd_role role = ROLE_NONE;
	uint8_t digest[TOKEN_DIGEST];
	size_t n;

	if (auth == NULL || strncasecmp(auth, "Bearer ", 7) != 0)
		return role;
	auth += 7;
	n = strlen(auth);
	if (n < TOKEN_MIN || n >= HTTPD_TOKEN)
		return role;
	token_digest(auth, n, digest);
	pthread_mutex_lock(&h->token_lock);
	for (int r = ROLE_READ; r <= ROLE_ADMIN; r++)
		if (CRYPTO_memcmp(digest, h->token[r], sizeof(digest)) == 0 && h->token_set[r])
			role = (enum httpd_role)r;
	if (role == ROLE_NONE)
		role = (enum httpd_role)token_file_find(h->token_file, auth, n, by);
	else
		snprintf(by, TOKEN_NAME, "%s", file[role]);
	pthread_mutex_unlock(&h->token_lock);
	return role;
}

/* --- signatures ------------------------------------------------------------------------------ */

/* An unsigned, forged or replayed request of a node is counted, and one a second becomes an event. */
static enum MHD_Result
node_refused(struct httpd *h, struct MHD_Connection *conn, struct httpd_request *q, enum node_verdict v)
{
	static const char *const why[NODE_VERDICT_N] = {
		[NODE_MALFORMED] = "malformed signature headers", [NODE_UNKNOWN_KEY] = "unknown key id",
		[NODE_STALE] = "timestamp outside of 300 s, or before this llmsecd started",
		[NODE_FORGED] = "the signature is wrong", [NODE_REPLAYED] = "the nonce was used before",
		[NODE_FULL] = "too many requests to remember their nonces",
	};
	struct buf b = {0};
	char code[40];

	q->refused = true;
	if (h->ctr != NULL)
		counters_add(h->ctr, M_NODE_OK + (unsigned)v, 1);
	/* What the others sent while this process started is no attack; they send it again. */
	if (v != NODE_STALE || ctltime_now_ms() - h->started_ms > STARTING_MS)
		control_event_refused(h->events, node_verdict_str(v), q->sig.v[NODE_KEY_ID]);
	snprintf(code, sizeof(code), "node-%s", node_verdict_str(v));
	if (q->api)
		return httpd_api_error(h, conn, v == NODE_FULL ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_UNAUTHORIZED, code, why[v], NULL);
	buf_printf(&b, "{\"error\":\"%s\",\"code\":\"%s\"}\n", why[v], code);
	return httpd_reply(h, conn, v == NODE_FULL ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_UNAUTHORIZED,
	    "application/json", &b);
}

/* The query's node=: whose votes these are.  Only signed requests are from a node. */
static enum MHD_Result
node_find(struct httpd *h, struct MHD_Connection *conn, struct httpd_request *q)
{
	const char *name = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "node");

	if (name == NULL)
		return MHD_YES;
	q->refused = true;
	if (!q->is_signed)
		return q->api ? httpd_api_error(h, conn, MHD_HTTP_FORBIDDEN, "forbidden", "only with a node's signature", "node") :
		    httpd_error(h, conn, MHD_HTTP_FORBIDDEN, "node=: only with a node's signature");
	q->edge = h->bans != NULL ? ban_list_edge_find(h->bans, name) : -ENOENT;
	if (q->edge < 0)
		return q->api ? httpd_api_error(h, conn, MHD_HTTP_FORBIDDEN, "forbidden", "not in cluster.nodes of this llmsecd", "node") :
		    httpd_error(h, conn, MHD_HTTP_FORBIDDEN, "node=: not in cluster.nodes of this llmsecd");
	q->refused = false;
	q->node = true;
	return MHD_YES;
}

static enum MHD_Result
keep_out(struct httpd *h, struct MHD_Connection *conn, const struct httpd_request *q, enum httpd_role needed)
{
	bool nobody = q->role == ROLE_NONE;
	unsigned status = nobody ? MHD_HTTP_UNAUTHORIZED : MHD_HTTP_FORBIDDEN;

	if (q->api)
		return httpd_api_error(h, conn, status, nobody ? "unauthorized" : "forbidden", nobody ?
		    "a bearer token is required" : needed == ROLE_ADMIN ? "the role admin is required" :
		    "the role operator is required", NULL);
	return httpd_error(h, conn, status, nobody ? "bearer token required" : "this token may only read");
}

static void
refusal_tell(struct httpd *h, const struct httpd_request *q)
{
	struct buf members = {0};
	uint64_t more;

	if (!control_event_admin_due(h->events, q->by, &more))
		return;
	buf_printf(&members, "\"more\":%" PRIu64, more);
	httpd_audit(h, q, "admin.refused", q->path, &members);
}

enum MHD_Result
httpd_auth(struct httpd *h, struct MHD_Connection *conn, struct httpd_request *q, enum httpd_role needed)
{
	const char *v[NODE_HDR_N];
	enum node_verdict verdict;

	for (int i = 0; i < NODE_HDR_N; i++)
		v[i] = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, node_hdr_name[i]);
	verdict = node_sig_take(&q->sig, v);
	if (verdict == NODE_OK)
		verdict = node_auth_look(h->node_auth, &q->sig);
	if (verdict != NODE_OK && verdict != NODE_ABSENT)
		return node_refused(h, conn, q, verdict);
	q->is_signed = verdict == NODE_OK;
	q->role = q->is_signed ? ROLE_BAN : token_role(h, MHD_lookup_connection_value(conn, MHD_HEADER_KIND,
	    MHD_HTTP_HEADER_AUTHORIZATION), q->by);
	if (q->is_signed)
		snprintf(q->by, sizeof(q->by), "node:%.72s", q->sig.v[NODE_KEY_ID]);
	httpd_from(q, conn);
	q->refused = q->role < needed;
	if (q->refused && q->role != ROLE_NONE && !q->is_signed)
		refusal_tell(h, q);
	if (q->refused)
		return keep_out(h, conn, q, needed);
	return node_find(h, conn, q);
}

enum MHD_Result
httpd_auth_body(struct httpd *h, struct MHD_Connection *conn, struct httpd_request *q, const char *method)
{
	struct node_msg m = { method, q->uri, buf_ptr(&q->body), buf_len(&q->body) };
	enum node_verdict v;

	if (!q->is_signed)
		return MHD_YES;
	v = node_auth_verify(h->node_auth, &q->sig, &m);
	if (v != NODE_OK)
		return node_refused(h, conn, q, v);
	if (h->ctr != NULL)
		counters_add(h->ctr, M_NODE_OK, 1);
	return MHD_YES;
}
