/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/diag.h"
#include "lib/set_dom.h"
#include "lib/set_ip.h"
#include "squid-helpers/egress_conf.h"
#include "squid-helpers/egress_threats.h"

static const char *
path_of(const struct egress_conf_threats *c, int which)
{
	return which == EGRESS_THREATS_DOMAINS ? c->domains : c->ips;
}

/* The set at <path> instead of the one there is; <path> "": none.  What is there stays if it can't be read. */
static int
open_one(struct egress_threats *t, int which, const char *path, unsigned flags, struct diag *d)
{
	struct set_dom *dom = NULL;
	struct set_ip *ip = NULL;
	int r = 0;

	if (*path != '\0')
		r = which == EGRESS_THREATS_DOMAINS ? set_dom_open(&dom, path, flags, d) : set_ip_open(&ip, path, flags, d);
	if (r < 0)
		return r;
	if (which == EGRESS_THREATS_DOMAINS) {
		set_dom_close(&t->domains);
		t->domains = dom;
	} else {
		set_ip_close(&t->ips);
		t->ips = ip;
	}
	return 0;
}

static void
info_get(const struct egress_threats *t, int which, struct set_info *info)
{
	*info = (struct set_info){0};
	if (which == EGRESS_THREATS_DOMAINS && t->domains != NULL)
		set_dom_info(t->domains, info);
	if (which == EGRESS_THREATS_IPS && t->ips != NULL)
		set_ip_info(t->ips, info);
}

/* Not the file's fault, so that the same file may be read a moment later. */
static bool
passes_by(int r)
{
	return r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -EIO || r == -EAGAIN;
}

static bool
check_one(struct egress_threats *t, int which, const char *path, egress_threats_said *said, void *arg)
{
	struct egress_threats_file *f = &t->file[which];
	bool other = strcmp(path, f->path) != 0;
	struct set_stamp now;
	struct set_info info;
	struct diag *d;
	bool again;
	int r;

	if (*path == '\0' && !other)
		return false;
	set_stamp_take(&now, path);
	if (!other && !f->retry && set_stamp_same(&now, &f->seen))
		return false;
	f->seen = now;
	snprintf(f->path, sizeof(f->path), "%s", path);
	/* Another path: what was read at the one before is nobody's policy any more. */
	if (other)
		open_one(t, which, "", 0, NULL);
	d = diag_new();
	/* A copy: whoever cuts the file in place must not kill the helper, which Squid doesn't survive. */
	r = open_one(t, which, path, SET_COPY, d);
	again = f->retry && passes_by(r);
	f->stale = r < 0;
	f->retry = passes_by(r);
	info_get(t, which, &info);
	if (*path != '\0' && !again)
		said(arg, path, &info, r == 0 ? NULL : d != NULL && diag_errors(d) ? diag_first(d) : strerror(-r));
	diag_free(&d);
	return other || r == 0;
}

bool
egress_threats_check(struct egress_threats *t, const struct egress_conf_threats *c, egress_threats_said *said, void *arg)
{
	bool changed = false;

	for (int i = 0; i < EGRESS_THREATS_N; i++)
		changed |= check_one(t, i, path_of(c, i), said, arg);
	return changed;
}

unsigned
egress_threats_stale(const struct egress_threats *t)
{
	return (unsigned)t->file[EGRESS_THREATS_DOMAINS].stale + (unsigned)t->file[EGRESS_THREATS_IPS].stale;
}

void
egress_threats_load(struct egress_threats *t, const struct egress_conf_threats *c, unsigned flags, struct diag *d)
{
	memset(t, 0, sizeof(*t));
	for (int i = 0; i < EGRESS_THREATS_N; i++)
		t->file[i].stale = open_one(t, i, path_of(c, i), flags, d) < 0;
}

void
egress_threats_close(struct egress_threats *t)
{
	set_dom_close(&t->domains);
	set_ip_close(&t->ips);
}
