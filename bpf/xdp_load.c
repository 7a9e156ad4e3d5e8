/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/magic.h>

#include "bpf/xdp_shared.h"
#include "bpf/llmsec_xdp.skel.h"
#include "bpf/xdp_bans.h"
#include "bpf/xdp_load.h"
#include "bpf/xdp_never.h"
#include "bpf/xdp_quick.h"
#include "lib/diag.h"
#include "lib/log.h"

struct xdp_load {
	struct llmsec_xdp_bpf	*skel;
	struct xdp_maps		 maps;
};

/* Where the last <lines> lines of <text> begin. */
static char *
last_lines(char *text, size_t n, unsigned lines)
{
	char *p = text + n;

	while (p > text && (p[-1] != '\n' || --lines > 0))
		p--;
	return p;
}

/*
 * libbpf's own words: only what it calls a warning, and that only with log level debug.  Of the verifier's log the end,
 * which says why, line by line.
 */
static int
libbpf_print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char *text = NULL, *line, *rest;
	int n;

	if (level == LIBBPF_DEBUG || (n = vasprintf(&text, fmt, ap)) < 0)
		return 0;
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	rest = last_lines(text, (size_t) n, 30);
	while ((line = strsep(&rest, "\n")) != NULL)
		log_debug("libbpf", "%s", line);
	free(text);
	return 0;
}

bool
xdp_has_cookies(void)
{
	libbpf_set_print(libbpf_print);
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_tcp_raw_gen_syncookie_ipv4, NULL) == 1 &&
	    libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_tcp_raw_check_syncookie_ipv6, NULL) == 1;
}

int
xdp_sysctl_syncookies(void)
{
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_syncookies", "re");
	int v = -1;

	if (f != NULL && fscanf(f, "%d", &v) != 1)
		v = -1;
	if (f != NULL)
		fclose(f);
	return v;
}

static int
make_dir(const char *path, struct diag *d)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return 0;
	diag_error(d, path, 0, 0, "cannot create: %s", strerror(errno));
	return -errno;
}

static int
dirs_make(const char *dir, struct diag *d)
{
	char path[PATH_MAX];
	struct statfs fs;
	int r = make_dir(dir, d);

	if (r != 0)
		return r;
	if (statfs(dir, &fs) < 0 || fs.f_type != BPF_FS_MAGIC) {
		diag_error(d, dir, 0, 0, "is not on a bpf file system (mount -t bpf bpf /sys/fs/bpf)");
		return -EINVAL;
	}
	snprintf(path, sizeof(path), "%s/maps", dir);
	r = make_dir(path, d);
	snprintf(path, sizeof(path), "%s/links", dir);
	return r != 0 ? r : make_dir(path, d);
}

/* The program's variables are maps, too; libbpf names those after their section. */
static struct bpf_map *
map_of(const struct llmsec_xdp_bpf *s, enum xdp_map i)
{
	return i == XM_CONF ? s->maps.data_conf : i == XM_FILTER ? s->maps.bss
	    : bpf_object__find_map_by_name(s->obj, xdp_map_names[i]);
}

/* Sets of sources for at least <n>: a power of two. */
static uint32_t
src_sets(int n)
{
	uint32_t sets = 1;

	while (sets * XDPF_WAYS < (uint32_t) n)
		sets *= 2;
	return sets;
}

static int
sizes_set(struct llmsec_xdp_bpf *s, const struct xdp_conf *c)
{
	uint32_t sets = src_sets(c->max_sources);
	int r = bpf_map__set_max_entries(s->maps.xf_ban4, (uint32_t) c->max_bans4);

	if (r == 0)
		r = bpf_map__set_max_entries(s->maps.xf_ban6, (uint32_t) c->max_bans6);
	if (r == 0)
		r = bpf_map__set_max_entries(s->maps.xf_quick4, xdp_quick_buckets((uint32_t) c->max_bans4));
	if (r == 0)
		r = bpf_map__set_max_entries(s->maps.xf_tags, sets);
	return r != 0 ? r : bpf_map__set_max_entries(s->maps.xf_src, sets * XDPF_WAYS);
}

/* The step of the coarse clock is a jiffy: 1/HZ. */
static uint32_t
tick_ns(void)
{
	struct timespec ts;

	return clock_getres(CLOCK_MONOTONIC_COARSE, &ts) == 0 && ts.tv_sec == 0 && ts.tv_nsec > 0 ? (uint32_t) ts.tv_nsec : 4000000;
}

/* What the program takes for constants; the sizes are those of the maps that it will have. */
static void
constants_set(struct llmsec_xdp_bpf *s, const struct xdp_load_opts *opts, bool private)
{
	s->rodata->have_cookies = opts->cookies;
	s->rodata->keep_last = private;
	s->rodata->bench_sources = opts->bench_sources;
	s->rodata->bench_stride = opts->bench_stride;
	s->rodata->bench_syn = opts->bench_syn;
	s->rodata->tick_ns = tick_ns();
	s->rodata->quick_homes = bpf_map__max_entries(s->maps.xf_quick4) - 1;
	s->rodata->src_shift = (uint8_t) (64 - __builtin_ctz(bpf_map__max_entries(s->maps.xf_src)));
}

/* A table in use is smaller or larger than configured: say what to do.  xf_quick4 and xf_tags go with theirs. */
static void
size_warn(const char *map, const char *path, uint32_t has, uint32_t want, struct diag *d)
{
	static const char *const keys[][2] = {{"xf_ban4", "max_bans4"}, {"xf_ban6", "max_bans6"}, {"xf_src", "max_sources"}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(map, keys[i][0]) == 0)
			diag_warn(d, path, 0, 0, "%s: %u is not in force: the table in use has room for %u, and stays.  For a new one: "
			    "llmsec-xdp detach --all, attach, and import lists again (follow gets llmsecd's bans by itself)", keys[i][1],
			    want, has);
}

/* A pinned map with another size is still the operator's: its entries count, so it is used as it is. */
static int
pinned_use(struct bpf_map *map, const char *name, const char *path, struct diag *d)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	int fd = bpf_obj_get(path), r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = bpf_obj_get_info_by_fd(fd, &info, &len) < 0 ? -errno : 0;
	if (r == 0 && (info.type != bpf_map__type(map) || info.key_size != bpf_map__key_size(map) ||
	    info.value_size != bpf_map__value_size(map))) {
		diag_error(d, path, 0, 0, "was made by another version of llmsec-xdp: detach everything first");
		r = -EPROTO;
	}
	if (r == 0 && info.max_entries != bpf_map__max_entries(map)) {
		size_warn(name, path, info.max_entries, bpf_map__max_entries(map), d);
		r = bpf_map__set_max_entries(map, info.max_entries);
	}
	close(fd);
	return r;
}

static int
pins_set(struct llmsec_xdp_bpf *s, const char *dir, struct diag *d)
{
	char path[PATH_MAX];
	struct bpf_map *map;
	int r;

	for (int i = 0; i < XM_MAX; i++) {
		map = map_of(s, i);
		snprintf(path, sizeof(path), "%s/maps/%s", dir, xdp_map_names[i]);
		r = pinned_use(map, xdp_map_names[i], path, d);
		if (r == 0)
			r = bpf_map__set_pin_path(map, path);
		if (r != 0)
			return r;
	}
	return 0;
}

static int
reuse_set(struct llmsec_xdp_bpf *s, const struct xdp_maps *m)
{
	static const enum xdp_map shared[] = {XM_CONF, XM_FILTER, XM_BAN4, XM_QUICK4, XM_BAN6, XM_ALLOW,
	    XM_PROTECT};
	int r = 0;

	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]) && r == 0; i++)
		r = bpf_map__reuse_fd(map_of(s, shared[i]), m->fd[shared[i]]);
	return r;
}

/* The maps on descriptors of their own, so that struct xdp_maps owns what it closes. */
static int
maps_take(struct xdp_load *l, const char *dir)
{
	int fd[XM_MAX], r;

	if (dir != NULL)
		return xdp_maps_open(&l->maps, dir, false);
	for (int i = 0; i < XM_MAX; i++) {
		r = bpf_map__fd(map_of(l->skel, i));
		fd[i] = r < 0 ? r : dup(r);
	}
	return xdp_maps_adopt(&l->maps, fd);
}

static void
load_failed(int err, struct diag *d)
{
	const char *why = err == -EPERM ? "not permitted: needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON"
	    : err == -EACCES ? "the kernel's verifier refuses it: CAP_PERFMON is missing, or (log_level: debug) it says why"
	    : err == -EINVAL ? "the kernel's verifier refuses it; log_level: debug shows why"
	    : strerror(-err);

	diag_error(d, "llmsec-xdp", 0, 0, "cannot load the program: %s", why);
}

int
xdp_load(struct xdp_load **out, const struct xdp_conf *c, const char *dir, const struct xdp_load_opts *opts,
    struct diag *d)
{
	struct xdp_load *l = calloc(1, sizeof(*l));
	int r;

	*out = NULL;
	if (l == NULL)
		return -ENOMEM;
	l->maps.dir_fd = -1;
	for (int i = 0; i < XM_MAX; i++)
		l->maps.fd[i] = -1;
	libbpf_set_print(libbpf_print);
	r = dir != NULL ? dirs_make(dir, d) : 0;
	if (r == 0) {
		l->skel = llmsec_xdp_bpf__open();
		r = l->skel == NULL ? -errno : 0;
	}
	if (r == 0)
		r = sizes_set(l->skel, c);
	if (r == 0)
		r = dir != NULL ? pins_set(l->skel, dir, d) : opts->reuse != NULL ? reuse_set(l->skel, opts->reuse) : 0;
	if (r == 0) {
		constants_set(l->skel, opts, dir == NULL);
		r = llmsec_xdp_bpf__load(l->skel);
		if (r != 0)
			load_failed(r, d);
	}
	if (r == 0)
		r = maps_take(l, dir);
	if (r == 0) {
		*out = l;
		return 0;
	}
	if (diag_errors(d) == 0)
		diag_error(d, "llmsec-xdp", 0, 0, "cannot load: %s", strerror(-r));
	xdp_load_free(&l);
	return r;
}

void
xdp_load_free(struct xdp_load **lp)
{
	struct xdp_load *l = *lp;

	*lp = NULL;
	if (l == NULL)
		return;
	xdp_maps_close(&l->maps);
	llmsec_xdp_bpf__destroy(l->skel);
	free(l);
}

int
xdp_load_prog_fd(const struct xdp_load *l)
{
	return bpf_program__fd(l->skel->progs.llmsec_xdp);
}

struct xdp_maps *
xdp_load_maps(struct xdp_load *l)
{
	return &l->maps;
}

unsigned
xdp_load_last_reason(const struct xdp_load *l)
{
	return l->skel->data_last->last_reason;
}

/* --- the configuration into the maps */

static int
cidrs_of(const struct conf_strs *list, struct cidr **out)
{
	*out = calloc(list->n + 1, sizeof(**out));
	if (*out == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++)
		if (cidr_parse(list->v[i], &(*out)[i]) != 0)
			return -EINVAL;
	return 0;
}

struct allow_sync {
	const struct cidr *want;
	size_t n_want, n_gone;
	struct cidr *gone;
};

static int
allow_gone(void *arg, const struct cidr *c)
{
	struct allow_sync *s = arg;
	struct cidr *v;

	for (size_t i = 0; i < s->n_want; i++)
		if (cidr_equal(&s->want[i], c))
			return 0;
	v = reallocarray(s->gone, s->n_gone + 1, sizeof(*v));
	if (v == NULL)
		return -ENOMEM;
	s->gone = v;
	s->gone[s->n_gone++] = *c;
	return 0;
}

/* What the files say is what is allowed; `llmsec-xdp allow add` lasts until the next attach or apply. */
static int
allow_apply(struct xdp_maps *m, const struct cidr *want, size_t n)
{
	struct allow_sync s = {.want = want, .n_want = n};
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = xdp_allow_add(m, &want[i]);
	if (r == 0)
		r = xdp_allow_each(m, allow_gone, &s);
	for (size_t i = 0; i < s.n_gone && r == 0; i++)
		r = xdp_allow_del(m, &s.gone[i]);
	if (r == 0 && s.n_gone > 0)
		r = xdp_filter_rebuild(m);
	free(s.gone);
	return r;
}

static int
allow_load(struct xdp_maps *m, const struct xdp_conf *c, struct diag *d)
{
	struct cidr *list = NULL, *own = NULL;
	size_t n = 0;
	int r = xdp_never_load(c->never_ban, &list, &n, d);

	if (r == 0)
		r = cidrs_of(&c->allow, &own);
	if (r == 0) {
		struct cidr *v = reallocarray(list, n + c->allow.n + 1, sizeof(*v));

		r = v == NULL ? -ENOMEM : 0;
		list = v != NULL ? v : list;
	}
	for (size_t i = 0; i < c->allow.n && r == 0; i++)
		list[n++] = own[i];
	if (r == 0)
		r = allow_apply(m, list, n);
	free(own);
	free(list);
	return r;
}

/* A byte at a time: the kernel is reading. */
static int
ports_apply(struct xdp_maps *m, const struct xdp_protect *p)
{
	const struct { const struct conf_strs *list; uint8_t is; } part[] = {{&p->tcp, XPORT_TCP}, {&p->udp, XPORT_UDP},
	    {&p->quic, XPORT_UDP | XPORT_QUIC}};
	uint32_t bits[65536 / 32];
	uint8_t *ports = calloc(1, 65536);
	int r = ports == NULL ? -ENOMEM : 0;

	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]) && r == 0; i++) {
		memset(bits, 0, sizeof(bits));
		r = xdp_ports_set(part[i].list, bits);
		for (size_t n = 0; n < 65536; n++)
			ports[n] |= bits[n / 32] & 1U << n % 32 ? part[i].is : 0;
	}
	for (size_t n = 0; n < 65536 && r == 0; n++)
		__atomic_store_n(&m->filter->ports[n], ports[n], __ATOMIC_RELAXED);
	free(ports);
	return r;
}

int
xdp_apply(struct xdp_maps *m, const struct xdp_conf *c, bool cookies, struct diag *d)
{
	int cpus = libbpf_num_possible_cpus(), r;
	struct cidr *list = NULL;
	struct xdpf_conf k;

	r = cidrs_of(&c->protect.addresses, &list);
	/* The allow list first: nobody on it is hurt for a moment. */
	if (r == 0)
		r = allow_load(m, c, d);
	if (r == 0)
		r = xdp_protect_set(m, list, c->protect.addresses.n);
	if (r == 0)
		r = ports_apply(m, &c->protect);
	if (r == 0)
		r = xdp_maps_lock(m);
	if (r == 0)
		r = xdp_maps_conf_get(m, &k);
	if (r == 0) {
		xdp_conf_kernel(c, &k, cookies, cpus > 0 ? cpus : 1);
		r = xdp_maps_conf_set(m, &k);
	}
	xdp_maps_unlock(m);
	if (r != 0 && diag_errors(d) == 0)
		diag_error(d, "llmsec-xdp", 0, 0, "cannot write the configuration into the kernel: %s", strerror(-r));
	free(list);
	return r;
}
