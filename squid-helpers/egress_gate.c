/* SPDX-License-Identifier: MIT */
/* The lists, and the set of llmsec-ti-sync, into the kernel. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/diag.h"
#include "lib/log.h"
#include "lib/set_ip.h"
#include "squid-helpers/egress_gate.h"
#include "squid-helpers/egress_lists.h"

#define RENEW_S		300	/* others may flush routes and rules without a word to us */

/* A kernel without IPv6 has no such connections either: done. */
static int
route_change(struct egress_gate *g, const struct cidr *c, bool add, size_t changes[2])
{
	int err = gate_kernel_route(&g->kernel, c, add);

	if (!cidr_is_v4(c) && (err == -EAFNOSUPPORT || err == -EOPNOTSUPP))
		return 0;
	changes[add]++;
	return err;
}

/* From what is there to what is to be.  One that can't be changed does not keep the others: the first error. */
static int
routes_change(struct egress_gate *g, const struct gate_nets *want, size_t changes[2])
{
	size_t i = 0, k = 0;
	int first = 0;

	while (i < g->nets.n || k < want->n) {
		int c = i == g->nets.n ? 1 : k == want->n ? -1 : gate_nets_cmp(&g->nets.v[i], &want->v[k]), err = 0;

		if (c <= 0)
			i++;
		if (c >= 0)
			k++;
		if (c < 0)
			err = route_change(g, &g->nets.v[i - 1], false, changes);
		else if (c > 0)
			err = route_change(g, &want->v[k - 1], true, changes);
		if (first == 0)
			first = err;
	}
	return first;
}

static bool
to_listed(void *arg, const struct gate_socket *s)
{
	const struct egress_gate *g = arg;

	struct set_hit hit;

	if (egress_gate_is_proxy(g, s->local_port))
		return false;
	return (g->lists != NULL && egress_lists_denied_ip(g->lists, s->peer, g->checked)) ||
	    (set_ip_find(g->threats, AF_INET6, s->peer, &hit) && hit.confidence >= g->min_confidence);
}

/* What is there: an earlier run may have left it, or others have taken it away. */
static int
reread(struct egress_gate *g)
{
	struct gate_nets have = {0};
	int err = gate_kernel_routes(&g->kernel, gate_nets_add, &have);

	if (err == 0)
		err = gate_nets_sort(&have);
	if (err < 0) {
		gate_nets_free(&have);
		return err;
	}
	gate_nets_free(&g->nets);
	g->nets = have;
	return 0;
}

struct sure {
	struct gate_nets	*nets;
	int			 min_confidence;
};

static int
add_if_sure(void *arg, const struct cidr *c, const struct set_class *class)
{
	const struct sure *s = arg;

	return class->confidence >= s->min_confidence ? gate_nets_add(s->nets, c) : 0;
}

/* Everything that is to be refused.  0 or -ENOMEM. */
static int
nets_want(const struct egress_gate *g, struct gate_nets *want)
{
	struct gate_nets bad = {0};
	struct sure sure = { &bad, g->min_confidence };
	int err = g->lists != NULL ? egress_lists_each_net(g->lists, g->checked, gate_nets_add, want) : 0;

	if (err == 0)
		err = gate_nets_sort(want);
	if (err == 0)
		err = set_ip_each(g->threats, add_if_sure, &sure);
	/* Addresses as networks are in order, IPv4 as ::ffff:0:0/96 before all of 2000::/3; sorted all the same, for what isn't. */
	if (err == 0)
		err = gate_nets_sort(&bad);
	if (err == 0)
		err = gate_nets_join(want, &bad);
	gate_nets_free(&bad);
	return err;
}

/* <cut>: connections may have begun that the routes would not have let. */
static int
apply(struct egress_gate *g, bool cut)
{
	struct gate_nets want = {0};
	size_t changes[2] = {0};	/* out, in */
	int err = nets_want(g, &want), gone = 0;

	if (err == 0)
		err = routes_change(g, &want, changes);
	if (changes[1] > 0 || cut)
		gone = gate_kernel_cut(&g->kernel, to_listed, g);
	if (changes[0] + changes[1] > 0 || gone > 0)
		log_info("lists: %zu networks refused, %zu of them new, %d connections cut", want.n, changes[1],
		    gone > 0 ? gone : 0);
	if (err == 0) {
		gate_nets_free(&g->nets);
		g->nets = want;
	} else {
		gate_nets_free(&want);
	}
	return err < 0 ? err : gone < 0 ? gone : 0;
}

static bool
has_any(const struct egress_gate *g)
{
	return g->lists != NULL || g->threats != NULL;
}

/* The kernel's word for what is there, where it may differ from what was put there last: dear with many networks. */
static int
take_stock(struct egress_gate *g)
{
	int added = gate_kernel_rules(&g->kernel, g->ports, g->n_ports), err;

	if (added > 0)
		log_notice("%d routing rules were gone and are back", added);
	err = has_any(g) ? reread(g) : 0;
	g->renewed = g->checked;
	g->stale = added < 0 || err < 0;
	return added < 0 ? added : err < 0 ? err : added;
}

/* The kernel as the lists say; without lists only the rules.  What fails is tried again with the next second. */
static void
renew(struct egress_gate *g, bool stock)
{
	bool failed = g->kernel_err < 0;
	int r = stock || failed ? take_stock(g) : 0, err = r < 0 ? r : 0;

	if (has_any(g) && (r >= 0 || g->nets.v != NULL)) {
		int a = apply(g, r > 0 || failed);

		err = err < 0 ? err : a;
	}
	if (err < 0 && err != g->kernel_err)
		log_err("routes, rules or connections: %s", strerror(-err));
	g->kernel_err = err;
	/* So that the next look is without our own. */
	if (gate_watch_changed(&g->kernel))
		g->stale = true;
}

static int
load_lists(struct egress_gate *g, struct diag *d)
{
	struct egress_lists *fresh = NULL;
	int err = egress_lists_reload(&fresh, g->lists, g->lists_file.path, d);

	if (fresh != NULL) {
		egress_lists_free(&g->lists);
		g->lists = fresh;
	}
	return err;
}

static int
load_threats(struct egress_gate *g, struct diag *d)
{
	struct set_ip *fresh = NULL;
	int err = set_ip_open(&fresh, g->threats_file.path, SET_COPY, d);

	if (fresh != NULL) {
		set_ip_close(&g->threats);
		g->threats = fresh;
	}
	return err;
}

/*
 * True: another content is in force.  A file that is wrong stays wrong until another stands there; a disk or memory may not, and
 * is asked again with the next <second>.
 */
static bool
file_check(struct egress_gate *g, struct egress_gate_file *f, int (*load)(struct egress_gate *, struct diag *), bool none_yet,
    bool second)
{
	struct set_stamp now;
	struct diag *d;
	bool again;
	int err;

	if (*f->path == '\0')
		return false;
	set_stamp_take(&now, f->path);
	again = set_stamp_same(&now, &f->seen);
	f->seen = now;
	if (again && !(second && f->err < 0 && f->err != -EINVAL && f->err != -EBADMSG))
		return false;
	d = diag_new();
	err = d != NULL ? load(g, d) : -ENOMEM;
	/* Nothing there yet. */
	if (err == -ENOENT && none_yet && set_stamp_same(&now, &(struct set_stamp){0}))
		err = 0;
	if (err < 0 && (!again || err != f->err))
		log_err("%s: %s; what is in force stays", f->path, d != NULL && diag_errors(d) ? diag_first(d) : strerror(-err));
	diag_free(&d);
	f->err = err;
	return err == 0;
}

int
egress_gate_check(struct egress_gate *g, time_t now)
{
	time_t before = g->checked;
	bool second = now != before, changed, stock;

	g->checked = now;
	changed = file_check(g, &g->lists_file, load_lists, g->lists == NULL, second);
	changed |= file_check(g, &g->threats_file, load_threats, g->threats == NULL, second);
	g->stale |= gate_watch_changed(&g->kernel);
	stock = (g->stale && second) || now < g->renewed || now - g->renewed >= RENEW_S || g->renewed == 0;
	if (changed || stock || (second && g->kernel_err < 0) ||
	    (second && g->lists != NULL && egress_lists_net_ends(g->lists, before, now)))
		renew(g, stock);
	return g->lists_file.err < 0 ? g->lists_file.err : g->threats_file.err < 0 ? g->threats_file.err : g->kernel_err;
}
