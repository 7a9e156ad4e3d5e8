/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "icap-llmsec/attach.h"
#include "icap-llmsec/decode.h"
#include "icap-llmsec/icap_conf.h"
#include "icap-llmsec/inspect.h"
#include "icap-llmsec/seams.h"
#include "lib/json.h"

struct work {
	const struct icap_policy *pol;
	const struct inspect_req_in *in;
	struct inspect_req_out	*out;
	struct arena		*arena;
	struct buf		 plain;		/* decoded body, if it was compressed */
	const void		*body;
	size_t			 len;
	struct attach_run	 files;
	const struct icap_exception *own;	/* settings of this route or key, NULL: the general ones */
	struct findings		*per_span;	/* [spans.n] */
	struct convo		 convo;
	int			*score;		/* 0..100, [convo.n] */
	bool			 oom;
};

static void
refuse(struct work *w, int status, const char *code, const char *param, const char *message)
{
	w->out->action = INSPECT_REFUSE;
	w->out->refusal = (struct refusal){.status = status, .message = message, .code = code, .param = param,
	    .request_id = w->in->request_id};
}

static void
give_up(struct work *w, const char *why)
{
	refuse(w, 503, "inspection_failed", NULL, why);
	w->out->refusal.retry_after_s = 1;
	w->out->action = INSPECT_ERROR;
}

static bool
is_json(const char *ct)
{
	const char *semi;
	size_t n;

	if (ct == NULL || *ct == '\0')
		return true;	/* SDKs always say so; a provider may guess JSON where nothing is said */
	semi = strchr(ct, ';');
	n = semi ? (size_t)(semi - ct) : strlen(ct);
	while (n > 0 && (ct[n - 1] == ' ' || ct[n - 1] == '\t'))
		n--;
	return (n >= 5 && strncasecmp(ct + n - 5, "/json", 5) == 0) ||
	    (n >= 5 && strncasecmp(ct + n - 5, "+json", 5) == 0);
}

static bool
has_no_body_by_nature(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 || strcmp(method, "DELETE") == 0 ||
	    strcmp(method, "OPTIONS") == 0;
}

/* Decided by the route alone?  Then true. */
static bool
judge_route(struct work *w)
{
	switch (w->out->route.op) {
	case OP_NONE:
	case OP_MODELS:
		return true;
	case OP_FILES:
	case OP_FORM:
		if (w->pol->files == UNKNOWN_REFUSE)
			refuse(w, 403, "files_not_allowed", NULL, "File uploads are not allowed by policy.");
		return w->pol->files == UNKNOWN_REFUSE || w->len == 0;
	case OP_UNKNOWN:
		if (w->pol->unknown_route == UNKNOWN_REFUSE)
			refuse(w, 404, "unknown_endpoint", NULL, "This endpoint is not known to the gateway.");
		return true;
	default:
		if (w->len == 0 && has_no_body_by_nature(w->in->method))
			return true;
		if (!is_json(w->in->content_type)) {
			refuse(w, 415, "unsupported_media_type", NULL, "This endpoint takes application/json.");
			return true;
		}
		return false;
	}
}

static bool
decode_body(struct work *w)
{
	int rc;

	if (decode_coding(w->in->content_encoding) == DECODE_IDENTITY)
		return true;
	if (w->pol->coding == CODING_REFUSE) {
		refuse(w, 415, "content_encoding", NULL, "Compressed request bodies are not accepted.");
		return false;
	}
	rc = decode_all(w->in->content_encoding, w->body, w->len, (size_t)w->pol->max_request, &w->plain);
	if (rc == -EFBIG)
		refuse(w, 413, "request_too_large", NULL, "The decoded request body is too large.");
	else if (rc == -EOPNOTSUPP)
		refuse(w, 415, "content_encoding", NULL, "This content coding is not supported.");
	else if (rc == -ENOMEM)
		give_up(w, "The request could not be inspected.");
	else if (rc < 0)
		refuse(w, 400, "malformed_body", NULL, "The request body is not what its Content-Encoding says.");
	w->body = buf_ptr(&w->plain);
	w->len = buf_len(&w->plain);
	return rc == 0;
}

static bool
is_upload(const struct work *w)
{
	return w->out->route.op == OP_FILES || w->out->route.op == OP_FORM;
}

static bool
extract(struct work *w)
{
	struct spans *s = &w->out->spans;
	int rc = is_upload(w) ? span_extract_upload(w->in->content_type, w->body, w->len, w->arena, s) :
	    span_extract(&w->out->route, w->body, w->len, (unsigned)w->pol->depth, w->arena, s);
	/* The path of the whole document is empty: nothing to name. */
	const char *where = s->error_path && *s->error_path ? s->error_path : NULL;

	switch (rc) {
	case 0:
		return true;
	case -EILSEQ:
		if (is_upload(w)) {
			refuse(w, 400, "malformed_body", NULL, arena_printf(w->arena, "The upload cannot be read: %s.",
			    s->error ? s->error : "it is malformed"));
			break;
		}
		refuse(w, 400, "malformed_json", where, arena_printf(w->arena,
		    "The request body is not valid JSON: %s at offset %llu.", s->error ? s->error : "syntax error",
		    (unsigned long long)s->error_offset));
		break;
	case -EINVAL:
		refuse(w, 400, "invalid_request", where, arena_printf(w->arena, "Invalid request: %s%s%s.",
		    where ? where : "", where ? ": " : "", s->error ? s->error : "unknown shape"));
		break;
	case -EMSGSIZE:
		refuse(w, 413, "request_too_large", NULL, arena_printf(w->arena,
		    "The request exceeds a limit of the gateway: %s.", s->error ? s->error : "size"));
		break;
	default:
		give_up(w, "The request could not be inspected.");
	}
	if (w->out->refusal.message == NULL)
		give_up(w, "The request could not be inspected.");
	return false;
}

static const struct icap_exception *
find_exception(struct work *w)
{
	const char *url = w->in->url, *host = strstr(url, "://"), *end;
	char *path;

	if (w->pol->n_exceptions == 0)
		return NULL;
	if (host != NULL && (url = strchr(host + 3, '/')) == NULL)
		url = "/";
	end = strchr(url, '?');
	path = arena_strndup(w->arena, url, end != NULL ? (size_t)(end - url) : strlen(url));
	return path != NULL ? icap_policy_exception(w->pol, path, w->in->key_digest ? w->in->key_digest : "") : NULL;
}

/* Without a memory of conversations, what the request itself calls history is taken for it. */
static bool
judged_before(const struct work *w, const struct span *s)
{
	return w->convo.table != NULL ? convo_knows(&w->convo, s) : s->prov == PROV_HISTORY;
}

static int
percent(const struct detect_score *s)
{
	return (int)lroundf(s->score * 100);
}

/* Turns that are harmless one by one, read in one piece: with blanks between them, and without.  -1: there are none; -2: trouble. */
static int
score_joined(struct work *w, const struct detect_modes *modes)
{
	int best = -1;

	for (int tight = 0; w->pol->trajectory.split != DETECT_OFF && tight < 2; tight++) {
		struct span s = {.role = ROLE_USER, .prov = PROV_MESSAGE, .path = "messages", .msg = -1};
		struct findings fs = {NULL, 0};
		struct detect_score score;

		if (convo_joined(&w->convo, &w->out->spans, tight, w->arena, &s.text, &s.len) < 0)
			return -2;
		if (s.text == NULL)
			continue;
		if (detect_span(w->pol->detectors, modes, &s, w->arena, &fs, &score) < 0)
			return -2;
		best = percent(&score) > best ? percent(&score) : best;
		for (size_t i = 0; i < fs.n; i++)
			if (fs.v[i].mode == DETECT_BLOCK && !finding_is_private(&fs.v[i]))
				best = 100;
	}
	return best;
}

/* Texts that go on in each other. */
static bool
judge_seams(struct work *w, const struct detect_modes *modes)
{
	struct spans *s = &w->out->spans;
	bool *before = arena_alloc(w->arena, s->n * sizeof(*before) + 1);
	struct detect_score score = {0, 0, 0};

	for (size_t i = 0; before != NULL && i < s->n; i++)
		before[i] = judged_before(w, &s->v[i]);
	if (before == NULL || seams_judge(w->pol->detectors, modes, s, before, w->arena, w->per_span, &score) < 0)
		return false;
	if (percent(&score) > w->out->score)
		w->out->score = percent(&score);
	return true;
}

/* The course of the conversation: its findings join those of the newest turn. */
static bool
judge_course(struct work *w, const struct detect_modes *modes)
{
	struct findings fs = {NULL, 0};
	int joined = score_joined(w, modes), block_at = (int)lroundf(detect_threshold(w->pol->detectors, modes, false) * 100);

	if (joined == -2 || traj_judge(&w->pol->trajectory, &w->convo, &w->out->spans, w->score, joined, block_at, w->arena, &fs) < 0)
		return false;
	for (size_t i = 0; i < fs.n; i++)
		if (findings_add(&w->per_span[fs.v[i].span], w->arena, &fs.v[i]) < 0)
			return false;
	return true;
}

/* A text, and the data: URLs in it. */
static int
detect_text(const struct detectors *d, const struct detect_modes *modes, struct attach_run *run, struct span *s, bool deep,
    struct findings *fs, struct detect_score *score)
{
	struct findings in_files = {NULL, 0};
	struct span part = *s;
	struct detect_score inner = {0, 0, 0};
	struct attach_inline x;
	size_t from;
	int rc = attach_inline(run, s, deep, fs, &x);

	from = fs->n;
	part.text = x.text;
	part.len = x.len;
	if (rc == 0)
		rc = detect_span(d, modes, &part, run->arena, fs, score);
	for (size_t k = from; rc == 0 && x.n_gaps > 0 && k < fs->n; k++) {
		size_t end = attach_place(&x, fs->v[k].start + fs->v[k].len);

		fs->v[k].start = attach_place(&x, fs->v[k].start);
		fs->v[k].len = end - fs->v[k].start;
	}
	if (rc < 0 || x.files_len == 0)
		return rc;
	part.text = x.files;
	part.len = x.files_len;
	part.prov = PROV_FILE;
	rc = detect_span(d, modes, &part, run->arena, &in_files, &inner);
	findings_cap_private(&in_files, run->private_most);
	attach_fixed(run->modes, s, &in_files);
	for (size_t k = 0; rc == 0 && k < in_files.n; k++) {	/* they are somewhere in what is gone */
		in_files.v[k].start = x.gap[0].start;
		in_files.v[k].len = x.gap[0].len;
		rc = findings_add(fs, run->arena, &in_files.v[k]);
	}
	if (inner.score > score->score)
		*score = inner;
	return rc;
}

/* Where nobody knows what a field is for, a changed one may break what it is for: a key in it might be the one to use. */
static void
tell_private(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (finding_is_private(&f->v[i]) && f->v[i].mode == DETECT_MASK)
			f->v[i].mode = DETECT_MONITOR;
}

int
inspect_span(const struct detectors *d, const struct detect_modes *modes, struct attach_run *run, struct span *s, bool before,
    struct findings *fs, struct detect_score *score)
{
	static const struct detect_modes off;
	struct span file;
	int rc;

	*score = (struct detect_score){0, 0, 0};
	if (before)
		modes = &off;
	if (s->media == NULL) {
		rc = detect_text(d, modes, run, s, !before, fs, score);
	} else {
		rc = attach_judge(run, s, before ? LOOK_TEXTS : LOOK_ALL, fs);
		file = *s;
		file.prov = PROV_FILE;	/* whoever's turn it stands in */
		if (rc == 0 && s->len > 0)
			rc = detect_span(d, modes, &file, run->arena, fs, score);
	}
	if (s->opaque && s->msg < 0)
		tell_private(fs);
	findings_cap_private(fs, run->private_most);	/* before attach_mask(): what can't be masked is raised there */
	return rc == 0 && s->fixed ? attach_mask(d, run, s, fs) : rc;
}

/* What the shadow log wants to know of a span. */
static void
note_verdict(struct shadow_verdict *v, const struct detectors *d, const struct detect_modes *modes, const struct span *s, bool before,
    const struct detect_score *score)
{
	struct span as = *s;

	if (s->media != NULL)
		as.prov = PROV_FILE;
	v->judged = detect_mode_of(modes, &as, &v->data) != DETECT_OFF && !before;
	v->limit = detect_threshold(d, modes, v->data);
	v->score = *score;
}

static void
note_finding(struct shadow_verdict *v, const struct finding *f)
{
	if (finding_is_private(f) || attach_rule_of(f) != NULL)
		return;
	v->most = f->mode > v->most ? f->mode : v->most;
	if (v->n_rules < SHADOW_RULES)
		v->rule[v->n_rules++] = f->rule_id;
}

static bool
detect_all(struct work *w)
{
	const struct detect_modes *modes = w->own != NULL ? &w->own->modes : &w->pol->modes;
	const struct spans *s = &w->out->spans;
	struct findings *all = &w->out->findings;

	w->per_span = arena_calloc(w->arena, s->n + 1, sizeof(*w->per_span));
	w->score = arena_calloc(w->arena, w->convo.n + 1, sizeof(*w->score));
	attach_begin(&w->files, &w->pol->attachments, w->own != NULL ? &w->own->files : &w->pol->attachments.modes, w->arena);
	if (w->own != NULL && w->own->pii >= 0)	/* more mildly under an exception, never more severely */
		w->files.private_most = (enum detect_mode)w->own->pii;
	if (w->pol->shadow != NULL)
		w->out->verdicts = arena_calloc(w->arena, s->n + 1, sizeof(*w->out->verdicts));
	if (w->per_span == NULL || w->score == NULL || (w->pol->shadow != NULL && w->out->verdicts == NULL))
		return false;
	for (size_t i = 0; i < s->n; i++) {
		struct detect_score score;
		bool before = judged_before(w, &s->v[i]);

		if (inspect_span(w->pol->detectors, modes, &w->files, &w->out->spans.v[i], before, &w->per_span[i], &score) < 0)
			return false;
		if (w->out->verdicts != NULL)
			note_verdict(&w->out->verdicts[i], w->pol->detectors, modes, &s->v[i], before, &score);
		if (percent(&score) > w->out->score)
			w->out->score = percent(&score);
		if (s->v[i].msg >= 0 && percent(&score) > w->score[s->v[i].msg])
			w->score[s->v[i].msg] = percent(&score);
	}
	if (!judge_seams(w, modes) || !judge_course(w, modes))
		return false;
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < w->per_span[i].n; k++) {
			struct finding *f = &w->per_span[i].v[k];

			f->span = i;
			if (w->out->verdicts != NULL)	/* those of the course and of joined texts, too */
				note_finding(&w->out->verdicts[i], f);
			if (findings_add(all, w->arena, f) < 0)
				return false;
			if (f->mode == DETECT_OFF)
				continue;
			w->out->notable = true;
			if (f->severity > w->out->severity)
				w->out->severity = f->severity;
			if (!finding_is_private(f) && attach_rule_of(f) == NULL && f->severity * 10 > w->out->score)
				w->out->score = f->severity * 10;
		}
	return true;
}

static void
refusal_add_rule(struct refusal *r, const char **ids, const char *id)
{
	for (size_t i = 0; i < r->n_rule_ids; i++)
		if (strcmp(ids[i], id) == 0)
			return;
	ids[r->n_rule_ids++] = id;
}

/* What should have been masked, and the file that it could not be masked in. */
static const char *
unmaskable_message(struct work *w, const struct finding *f, const struct span *s)
{
	return arena_printf(w->arena, "Request refused by security policy: %s (%s) would have to be masked in %s, which cannot be done in %s%s%s.",
	    strncmp(f->category, "secret.", 7) == 0 ? "a secret" : "personal data", strchr(f->category, '.') + 1, s->path,
	    s->media == NULL ? "an upload or a file inside of a text" : "a file of this type (",
	    s->media == NULL ? "" : s->media->kind != NULL ? s->media->kind : "unknown", s->media == NULL ? "" : ")");
}

static void
refuse_finding(struct work *w, const struct finding *f, const struct span *s)
{
	const struct attach_rule *file = attach_rule_of(f);
	bool pii = finding_is_private(f);
	const char *message, *path = s->path;

	if (pii && s->unmaskable) {
		message = unmaskable_message(w, f, s);
		refuse(w, 403, "unmaskable_file", path, message != NULL ? message : "Request refused by security policy.");
		return;
	}
	if (file != NULL)
		message = arena_printf(w->arena, "Request refused by security policy: %s (%s).", file->message, path);
	else
		message = arena_printf(w->arena, "Request refused by security policy: %s found in %s.",
		    pii ? "personal data" : "a prompt injection", path);
	refuse(w, file != NULL ? file->status : 403, file != NULL ? file->code : pii ? "personal_data" : "prompt_injection", path,
	    message != NULL ? message : "Request refused by security policy.");
}

/* The first blocking finding names the place and the reason; all of them are listed. */
static bool
judge_blocks(struct work *w)
{
	const struct spans *s = &w->out->spans;
	const char **ids = arena_alloc(w->arena, (w->out->findings.n + 1) * sizeof(*ids));
	struct refusal *r = &w->out->refusal;

	if (ids == NULL) {
		w->oom = true;
		return true;
	}
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < w->per_span[i].n; k++) {
			const struct finding *f = &w->per_span[i].v[k];

			if (f->mode != DETECT_BLOCK)
				continue;
			if (w->out->action != INSPECT_REFUSE) {
				refuse_finding(w, f, &s->v[i]);
				r->rule_ids = ids;
			}
			refusal_add_rule(r, ids, f->rule_id);
		}
	return w->out->action == INSPECT_REFUSE;
}

/* Numbers of a text that is JSON itself, as a tool's arguments are: which findings are a whole one. */
struct inner {
	const struct findings *f;
	size_t		 k;	/* the next finding */
	bool		*number;
};

static int
inner_value(void *arg, const struct json_value *v)
{
	struct inner *in = arg;

	if (v->type != JSON_NUMBER)
		return 0;
	while (in->k < in->f->n && in->f->v[in->k].start < v->start)
		in->k++;
	for (size_t i = in->k; i < in->f->n && in->f->v[i].start == v->start; i++)
		in->number[i] = in->f->v[i].len == v->raw_len;
	return 0;
}

/* For each finding whether its placeholder needs quotes, so that JSON stays JSON.  NULL: none does (or no memory: JSON breaks, nothing leaks). */
static const bool *
inner_numbers(struct work *w, const struct span *s, const struct findings *f)
{
	struct inner in = {f, 0, NULL};

	if (s->len == 0 || (s->text[0] != '{' && s->text[0] != '['))
		return NULL;
	in.number = arena_calloc(w->arena, f->n, sizeof(bool));
	if (in.number == NULL || json_scan_all(s->text, s->len, 0, NULL, inner_value, &in, NULL, NULL) != 0)
		return NULL;
	return in.number;
}

/* New text of one span with its MASK findings replaced.  False: out of memory. */
static bool
mask_span(struct work *w, const struct span *s, const struct findings *f, struct edit *e)
{
	const bool *quote = s->media == NULL ? inner_numbers(w, s, f) : NULL;
	struct buf b = {0};
	size_t at = 0;
	const char *token;

	if (s->media != NULL) {
		*e = (struct edit){s->start, s->end, NULL, 0};
		return attach_mask_write(s, w->out->tx.vault, w->arena, &e->text, &e->len) == 0;
	}
	for (size_t k = 0; k < f->n; k++) {
		if (f->v[k].mode != DETECT_MASK || f->v[k].start < at)
			continue;
		token = mask_token(w->out->tx.vault, pii_kind(f->v[k].category),
		    s->text + f->v[k].start, f->v[k].len);
		if (token == NULL)
			b.err = -ENOMEM;
		else {
			buf_add(&b, s->text + at, f->v[k].start - at);
			buf_printf(&b, quote != NULL && quote[k] ? "\"%s\"" : "%s", token);
		}
		at = f->v[k].start + f->v[k].len;
	}
	buf_add(&b, s->text + at, s->len - at);
	*e = (struct edit){s->start, s->end, NULL, buf_len(&b)};
	e->text = b.err ? NULL : arena_strndup(w->arena, buf_ptr(&b), buf_len(&b));
	buf_free(&b);
	return e->text != NULL;
}

static bool
mask_all(struct work *w, const struct edit *canary)
{
	const struct spans *s = &w->out->spans;
	struct edit *edits;
	size_t n = 0;
	bool any = false;

	for (size_t i = 0; i < w->out->findings.n; i++)
		any = any || w->out->findings.v[i].mode == DETECT_MASK;
	if (!any && canary->text == NULL)
		return true;
	edits = arena_alloc(w->arena, (s->n + 1) * sizeof(*edits));
	if (edits == NULL)
		return false;
	if (canary->text != NULL)
		edits[n++] = *canary;
	if (any && (w->out->tx.vault = mask_vault_new()) == NULL)
		return false;
	for (size_t i = 0; any && i < s->n; i++)
		if (mask_reserve(w->out->tx.vault, s->v[i].text, s->v[i].len) < 0)
			return false;
	for (size_t i = 0; i < s->n; i++) {
		bool masks = false;

		for (size_t k = 0; k < w->per_span[i].n; k++)
			masks = masks || w->per_span[i].v[k].mode == DETECT_MASK;
		if (masks && !mask_span(w, &s->v[i], &w->per_span[i], &edits[n++]))
			return false;
	}
	if (span_splice(&w->out->body, w->body, w->len, edits, n) < 0)
		return false;
	w->out->action = INSPECT_REWRITE;
	w->out->drop_encoding = w->body == buf_ptr(&w->plain);
	return true;
}

/* Who must not see, or spoil, another's conversations. */
static const char *
tenant(const struct work *w)
{
	if (w->in->key_digest != NULL && w->in->key_digest[0] != '\0')
		return w->in->key_digest;
	return w->in->client_ip != NULL ? w->in->client_ip : "";
}

static bool
recall(struct work *w)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return convo_begin(w->pol->convo, tenant(w), w->in->client_ip, &w->out->spans,
	    (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, w->pol->trajectory.expire, w->arena, &w->convo) == 0;
}

/* What the answer's side will need to know; *canary: what is planted for it. */
static bool
prepare_answer(struct work *w, struct edit *canary)
{
	memset(canary, 0, sizeof(*canary));
	return w->pol->tx_keyring == NULL || resp_prepare(&w->pol->responses, w->pol->tx_keyring, tenant(w), time(NULL),
	    &w->out->spans, w->arena, &w->out->tx.sketch, canary) == 0;
}

/* The name of its first turn. */
static uint64_t
conversation(const struct convo *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->name[i] != 0)
			return c->name[i];
	return 0;
}

static void
judge(struct work *w)
{
	struct edit canary = {0};

	if (w->len > (size_t)w->pol->max_request) {
		refuse(w, 413, "request_too_large", NULL, "The request body is too large.");
		return;
	}
	if (judge_route(w) || !decode_body(w) || !extract(w))
		return;
	w->own = find_exception(w);
	if (!recall(w) || !detect_all(w)) {
		give_up(w, "The request could not be inspected.");
		return;
	}
	if (judge_blocks(w)) {
		if (w->oom)
			give_up(w, "The request could not be inspected.");
		return;
	}
	if ((!is_upload(w) && !prepare_answer(w, &canary)) || !mask_all(w, &canary))
		give_up(w, "The request could not be inspected.");
}

/* Ollama streams unless told not to. */
static bool
wants_stream(const struct inspect_req_out *o)
{
	bool always = o->route.dialect == DIALECT_OLLAMA && (o->route.op == OP_CHAT || o->route.op == OP_COMPLETION);

	return o->route.stream || o->spans.stream == 1 || (always && o->spans.stream == -1);
}

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void
inspect_request(const struct icap_policy *pol, const struct inspect_req_in *in, struct arena *a,
    struct inspect_req_out *out)
{
	uint64_t t0 = now_us();
	struct work w = {.pol = pol, .in = in, .out = out, .arena = a, .body = in->body, .len = in->len};
	size_t n = in->request_id ? strlen(in->request_id) : 0;

	memset(out, 0, sizeof(*out));
	out->action = INSPECT_PASS;
	dialect_route(in->method, in->url, strlen(in->url), &out->route);
	judge(&w);
	memcpy(out->files, w.files.seen, sizeof(out->files));
	memcpy(out->file_findings, w.files.found, sizeof(out->file_findings));
	out->addresses = w.files.remote;
	out->conversation = conversation(&w.convo);
	convo_commit(&pol->trajectory, &w.convo, out->action == INSPECT_PASS || out->action == INSPECT_REWRITE);
	if (n >= sizeof(out->tx.request_id))
		n = sizeof(out->tx.request_id) - 1;
	if (n > 0)
		memcpy(out->tx.request_id, in->request_id, n);
	out->tx.request_id[n] = '\0';
	out->tx.flags = TX_INSPECTED | (wants_stream(out) ? TX_STREAM : 0);
	if (!pol->pii.unmask)
		mask_vault_free(&out->tx.vault);
	buf_free(&w.plain);
	out->us = now_us() - t0;
	out->tx.req_us = out->us < UINT32_MAX ? (uint32_t)out->us : UINT32_MAX;
}

const char *
inspect_req_event(const struct inspect_req_out *o)
{
	bool file = false;

	if (o->action == INSPECT_ERROR)
		return "inspection.error";
	for (size_t i = 0; i < o->findings.n; i++) {
		const struct finding *f = &o->findings.v[i];

		if (f->mode != DETECT_OFF && attach_rule_of(f) != NULL)
			file = true;
		else if (f->mode != DETECT_OFF && !finding_is_private(f))
			return "prompt.injection";
	}
	return file ? "prompt.attachment" : o->notable ? "prompt.pii" : "request.refused";
}
