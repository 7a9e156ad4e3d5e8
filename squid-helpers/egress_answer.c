/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>
#include <time.h>

#include "lib/log.h"
#include "squid-helpers/egress_helper.h"
#include "squid-helpers/egress_policy.h"
#include "squid-helpers/egress_report.h"
#include "squid-helpers/egress_tunnels.h"
#include "squid-helpers/squid_line.h"

/* Order of the fields of external_acl_type in etc/squid/llmsec-forward.conf.in. */
enum { F_SRC, F_METHOD, F_HOST, F_PORT, F_SNI, F_N,
       /* these may be missing */
       F_SCHEME = F_N, F_PATH, F_INNER, F_LABEL, F_UPGRADE, F_TYPE, F_USER, F_CERT, F_WORD, F_ADDRESS, F_CLIENT_PORT,
       F_CONN_TAG };

/* The words behind an ACL of squid.conf: with the ClientHello read; and is it to be opened, too? */
#define WORD_HELLO	"hello"
#define WORD_BUMP	"bump"
#define WORD_OPENS	"opens"

#define ANSWER_MAX	2048	/* bytes without budgets and label: ids have 64 at most, a host 256, a sentence of ours 120 */
#define LABEL_MAX	128	/* bytes; a longer one isn't carried into a tunnel */
#define OPENED		"opened/"
#define OPENED_LEN	(sizeof(OPENED) - 1)

static bool
is_absent(const struct squid_field *f)
{
	return f->n == 0 || (f->n == 1 && f->p[0] == '-');
}

static bool
port_read(const struct squid_field *f, unsigned *port)
{
	*port = 0;
	if (is_absent(f))
		return true;
	for (size_t i = 0; i < f->n; i++) {
		if (f->p[i] < '0' || f->p[i] > '9')
			return false;
		*port = *port * 10 + (unsigned)(f->p[i] - '0');
		if (*port > 65535)
			return false;
	}
	return *port > 0;
}

static struct egress_str
str_read(const struct squid_field *f)
{
	return is_absent(f) ? (struct egress_str){ "", 0 } : (struct egress_str){ f->p, f->n };
}

static struct egress_str
str_more(const struct squid_line *l, size_t i)
{
	return i < l->n ? str_read(&l->field[i]) : (struct egress_str){ "", 0 };
}

static bool
str_is(struct egress_str s, const char *word)
{
	return s.n == strlen(word) && memcmp(s.p, word, s.n) == 0;
}

/*
 * Who vouches for the label: the hop that wrote the header.  What is inside a tunnel that is opened here comes from the
 * workload itself, so there the label is the one of the CONNECT.  The answer that opened the tunnel left both on the client's
 * connection, "opened/" and the label, and Squid says so with every request that comes through it.
 */
static bool
is_inside(const struct squid_line *l)
{
	struct egress_str tag = str_more(l, F_CONN_TAG);

	return tag.n >= OPENED_LEN && memcmp(tag.p, OPENED, OPENED_LEN) == 0;
}

static struct egress_str
label_read(const struct egress_request *q, const struct squid_line *l)
{
	struct egress_str tag = str_more(l, F_CONN_TAG);

	return q->inside ? (struct egress_str){ tag.p + OPENED_LEN, tag.n - OPENED_LEN } : str_more(l, F_LABEL);
}

/* For a CONNECT, Squid's URL path and Host header are the authority again, or nothing. */
static void
request_more(struct egress_request *q, const struct squid_line *l)
{
	bool tunnel = str_is(q->method, "CONNECT");
	struct egress_str word = str_more(l, F_WORD);

	q->scheme = tunnel ? (struct egress_str){ "", 0 } : str_more(l, F_SCHEME);
	q->path = tunnel ? (struct egress_str){ "", 0 } : str_more(l, F_PATH);
	q->inner = tunnel ? (struct egress_str){ "", 0 } : str_more(l, F_INNER);
	q->inside = is_inside(l);
	q->label = label_read(q, l);
	q->upgrade = str_more(l, F_UPGRADE);
	q->content_type = str_more(l, F_TYPE);
	q->user = str_more(l, F_USER);
	q->certificate = str_more(l, F_CERT);
	q->address = str_more(l, F_ADDRESS);
	q->phase = str_is(word, WORD_HELLO) || str_is(word, WORD_BUMP) ? EGRESS_AT_HELLO :
	    str_is(word, WORD_OPENS) ? EGRESS_AT_REQUEST : EGRESS_AT_TUNNEL;
}

bool
egress_request_from_line(struct egress_request *q, struct squid_line *l)
{
	if (l->n < F_N) {
		l->err = "expected: source method host port sni";
		return false;
	}
	*q = (struct egress_request){ .port = 0 };
	if (!port_read(&l->field[F_PORT], &q->port)) {
		l->err = "bad port";
		return false;
	}
	q->src = str_read(&l->field[F_SRC]);
	q->method = str_read(&l->field[F_METHOD]);
	q->host = str_read(&l->field[F_HOST]);
	q->sni = str_read(&l->field[F_SNI]);
	request_more(q, l);
	return true;
}

/* An answer while it is written: into room that was reserved once, cut where that ends.  printf(3) took a fifth of the helper's time. */
struct pen {
	char	*at, *end;
};

static inline void
put(struct pen *w, const char *p, size_t n)
{
	if (n > (size_t)(w->end - w->at))
		n = (size_t)(w->end - w->at);
	memcpy(w->at, p, n);
	w->at += n;
}

#define PUT(w, literal)	put(w, literal, sizeof(literal) - 1)

static void
put_str(struct pen *w, const char *s)
{
	put(w, s, strlen(s));
}

static void
put_port(struct pen *w, unsigned port)
{
	char digits[8], *p = digits + sizeof(digits);

	do
		*--p = (char)('0' + port % 10);
	while ((port /= 10) > 0);
	put(w, p, (size_t)(digits + sizeof(digits) - p));
}

/*
 * What a developer reads in the 403: what was refused, by which rule, and whether that can change.  In quotes and with nothing
 * to escape: hosts are names, addresses or what egress_host.h calls printable remains, ids were checked when they were read.
 */
static void
put_message(struct pen *w, const struct egress_request *q, const struct egress_verdict *v, const char *reason, size_t reason_n,
    size_t rule_n)
{
	static const char *const advice[EGRESS_REASON_N] = {
		[EGRESS_NOT_ALLOWED] = "add the host to a rule in egress.yaml to allow it",
		[EGRESS_DENIED_BY_RULE] = "this rule of egress.yaml refuses it",
		[EGRESS_PORT_NOT_ALLOWED] = "add the port to this rule in egress.yaml to allow it",
		[EGRESS_METHOD_NOT_ALLOWED] = "add the method to this rule in egress.yaml to allow it",
		[EGRESS_IP_LITERAL] = "addresses are never allowed: use the host name",
		[EGRESS_METADATA] = "cloud metadata services are never allowed",
		[EGRESS_BAD_HOST] = "this is not a host name",
		[EGRESS_USERINFO] = "user names in the host are never allowed",
		[EGRESS_SNI_MISMATCH] = "the TLS server name differs from the host asked for",
		[EGRESS_THREAT] = "threat intelligence lists it: llmsec-ti-sync why HOST",
		[EGRESS_LISTED] = "it is on a list of the API: GET /api/domain-blacklist, /api/ip-blacklist",
		[EGRESS_PRIVATE] = "addresses inside the house are never reached from here",
		[EGRESS_NO_SNI] = "TLS with a server name is required in a tunnel",
		[EGRESS_PATH_NOT_ALLOWED] = "add the path to this rule in egress.yaml to allow it",
		[EGRESS_IDENTITY_NOT_ALLOWED] = "this rule of egress.yaml is for other identities",
		[EGRESS_DOH] = "names are resolved by this house only; doh: true in a rule allows it",
		[EGRESS_WEBSOCKET] = "websocket: true in the rule allows it",
		[EGRESS_GRPC] = "grpc: true in the rule allows it",
		[EGRESS_SCHEME] = "only http and https leave here",
		[EGRESS_NESTED] = "inside TLS that is opened here only its own requests pass, and no further tunnel",
		[EGRESS_NOT_OPENED] = "this rule wants TLS opened (tls: bump) and this port opens none: use llmsec-forward-bump.conf",
		[EGRESS_OVER_BUDGET] = "the bytes of this hour or day are used",
		[EGRESS_NO_ACCOUNTS] = "what its budget has left is not known: see the proxy's log",
		[EGRESS_NO_POLICY] = "the egress policy could not be loaded: see the proxy's log",
	};

	put(w, v->host.name, v->host.len);
	PUT(w, ":");
	put_port(w, q->port);
	PUT(w, " refused by rule ");
	put(w, v->rule, rule_n);
	PUT(w, " (");
	put(w, reason, reason_n);
	PUT(w, "): ");
	put_str(w, advice[v->reason]);
	if (v->budget != NULL) {
		char when[32] = "";
		struct tm tm;

		gmtime_r(&v->until, &tm);
		strftime(when, sizeof(when), "%FT%TZ", &tm);
		PUT(w, ", budget ");
		put_str(w, v->budget);
		PUT(w, " until ");
		put_str(w, when);
	}
}

/* The budgets that this counts for, for Squid's line when it has ended; and how long one that is used up stays so. */
static void
answer_budgets(struct buf *out, const struct egress_policy *p, const struct egress_verdict *v)
{
	const struct egress_conf *c = egress_policy_conf(p);
	time_t now = time(NULL);
	char sep = '=';

	if (v->budget != NULL && !v->observed)
		buf_printf(out, " retry_after=%lld", v->until > now ? (long long)(v->until - now) : 1LL);
	if (!v->allow)
		return;
	buf_adds(out, " budgets");
	for (uint64_t m = v->budgets; m != 0; m &= m - 1, sep = ',') {
		buf_addc(out, sep);
		buf_adds(out, c->budgets[__builtin_ctzll(m)].id);
	}
}

static void
reply_conn_tag(struct buf *out, struct egress_str label)
{
	char text[OPENED_LEN + LABEL_MAX + 1] = OPENED;

	if (label.n > LABEL_MAX || (label.n > 0 && memchr(label.p, '\0', label.n) != NULL))
		label.n = 0;
	if (label.n > 0)
		memcpy(text + OPENED_LEN, label.p, label.n);
	text[OPENED_LEN + label.n] = '\0';
	squid_reply_key(out, "clt_conn_tag", text);
}

/* Ids were checked when the policy was read (egress_conf.c): they need no quotes. */
static void
put_answer(struct pen *w, const char *channel, bool yes, const struct egress_request *q, const struct egress_verdict *v)
{
	const char *reason = egress_reason_str(v->reason);
	size_t reason_n = strlen(reason), rule_n = strlen(v->rule);

	if (*channel != '\0') {
		put_str(w, channel);
		PUT(w, " ");
	}
	if (yes)
		PUT(w, "OK tag=");
	else
		PUT(w, "ERR tag=");
	put(w, v->rule, rule_n);
	PUT(w, " log=");
	if (v->observed)
		PUT(w, "would_deny:");
	put(w, reason, reason_n);
	PUT(w, "/");
	put(w, v->rule, rule_n);
	if (!v->allow) {
		PUT(w, " message=\"");
		put_message(w, q, v, reason, reason_n, rule_n);
		PUT(w, "\"");
	}
	PUT(w, " rule=");
	put(w, v->rule, rule_n);
	PUT(w, " reason=");
	put(w, reason, reason_n);
	if (*v->identity != '\0') {
		PUT(w, " identity=");
		put_str(w, v->identity);
	}
}

static void
answer(struct buf *out, const struct egress_policy *p, const struct squid_line *l, const struct egress_request *q,
    const struct egress_verdict *v)
{
	/* "bump" asks whether it is allowed and to be opened: a second question about the same thing. */
	bool bump = str_is(str_more(l, F_WORD), WORD_BUMP), yes = v->allow && (!bump || v->bump);
	char *start = buf_room(out, ANSWER_MAX);
	struct pen w = { start, start + ANSWER_MAX };

	if (start == NULL)
		return;
	put_answer(&w, l->channel, yes, q, v);
	buf_wrote(out, (size_t)(w.at - start));
	if (yes && bump)
		reply_conn_tag(out, q->label);
	if (v->budgets != 0)
		answer_budgets(out, p, v);
	squid_reply_end(out);
}

static void
answer_broken(struct egress_helper *h, const struct squid_line *l)
{
	squid_reply_begin(&h->out, l, "BH");
	squid_reply_key(&h->out, "message", l->err);
	squid_reply_end(&h->out);
	egress_report_broken(h->report);
	log_debug("line", "broken: %s", l->err);
}

void
egress_helper_line(struct egress_helper *h, char *line, size_t n, int64_t now_ms)
{
	struct squid_line l;
	struct egress_request q;
	struct egress_verdict v;
	unsigned client_port;

	if (squid_line_parse(&l, line, n) < 0 || !egress_request_from_line(&q, &l)) {
		answer_broken(h, &l);
		return;
	}
	egress_decide(h->source.policy, &q, &v);
	answer(&h->out, h->source.policy, &l, &q, &v);
	if (F_CLIENT_PORT < l.n && port_read(&l.field[F_CLIENT_PORT], &client_port) && client_port > 0)
		egress_tunnels_note(h->tunnels, &q, client_port, v.allow);
	if (!str_is(str_more(&l, F_WORD), WORD_BUMP))
		egress_report_verdict(h->report, &q, &v, now_ms);
}

static void
feed_too_long(struct egress_helper *h)
{
	struct squid_line l = { .err = "line too long" };

	squid_line_channel(&l, buf_ptr(&h->in), buf_len(&h->in));
	answer_broken(h, &l);
	buf_clear(&h->in);
	h->skipping = true;
}

void
egress_helper_feed(struct egress_helper *h, char *p, size_t n, int64_t now_ms)
{
	while (n > 0) {
		char *lf = memchr(p, '\n', n);
		size_t k = lf ? (size_t)(lf - p) : n;
		size_t room = SQUID_LINE_MAX - buf_len(&h->in);

		/* Nearly every line is whole: it is read where it is. */
		if (lf != NULL && k <= room && room == SQUID_LINE_MAX && !h->skipping) {
			egress_helper_line(h, p, k, now_ms);
			p += k + 1;
			n -= k + 1;
			continue;
		}
		if (!h->skipping) {
			buf_add(&h->in, p, k < room ? k : room);
			if (k > room)
				feed_too_long(h);
		}
		if (lf != NULL) {
			if (!h->skipping)
				egress_helper_line(h, h->in.data ? h->in.data + h->in.rd : h->in.data,
				    buf_len(&h->in), now_ms);
			buf_clear(&h->in);
			h->skipping = false;
			k++;
		}
		p += k;
		n -= k;
	}
}
