/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/xdp_maps.h"

const char *const xdp_map_names[XM_MAX] = {
	[XM_CONF] = "xf_conf", [XM_FILTER] = "xf_filter", [XM_CPU] = "xf_cpu",
	[XM_BUDGET] = "xf_budget", [XM_RETRY] = "xf_retry", [XM_BAN4] = "xf_ban4",
	[XM_QUICK4] = "xf_quick4", [XM_BAN6] = "xf_ban6",
	[XM_ALLOW] = "xf_allow", [XM_PROTECT] = "xf_protect", [XM_TAGS] = "xf_tags",
	[XM_SRC] = "xf_src", [XM_EVENTS] = "xf_events",
};

static size_t
pages(size_t n)
{
	size_t page = (size_t) sysconf(_SC_PAGESIZE);

	return (n + page - 1) / page * page;
}

/* Is it what this program thinks it is? */
static int
layout_check(const struct xdp_maps *m)
{
	static const struct { enum xdp_map map; uint32_t key, value; } sizes[] = {
		{XM_CONF, 4, sizeof(struct xdpf_conf)}, {XM_FILTER, 4, sizeof(struct xdpf_filter)},
		{XM_CPU, 4, sizeof(struct xdpf_cpu)}, {XM_BAN4, sizeof(struct xdpf_key4), sizeof(struct xdpf_ban)},
		{XM_BAN6, sizeof(struct xdpf_key6), sizeof(struct xdpf_ban)}, {XM_ALLOW, sizeof(struct xdpf_lpm), 4},
		{XM_SRC, 4, sizeof(struct xdpf_src)}, {XM_QUICK4, 4, sizeof(struct xdpf_quick)},
	};
	struct bpf_map_info info;
	struct xdpf_conf c;
	uint32_t len;
	int r;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		len = sizeof(info);
		memset(&info, 0, sizeof(info));
		if (bpf_obj_get_info_by_fd(m->fd[sizes[i].map], &info, &len) < 0)
			return -errno;
		if (info.key_size != sizes[i].key || info.value_size != sizes[i].value)
			return -EPROTO;
	}
	r = xdp_maps_conf_get(m, &c);
	if (r != 0)
		return r;
	return c.layout != 0 && c.layout != XDPF_LAYOUT ? -EPROTO : 0;
}

static int
map_memory(void **p, int fd, size_t size)
{
	*p = mmap(NULL, pages(size), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*p != MAP_FAILED)
		return 0;
	*p = NULL;
	return -errno;
}

/* What is read and written in place.  The kernel maps nothing of a descriptor that is for reading only. */
static int
memory_map(struct xdp_maps *m)
{
	struct xdpf_conf c;
	void *p = NULL;
	int r = xdp_maps_conf_get(m, &c);

	m->secret = r == 0 ? c.secret : 0;
	m->quick_n = xdp_maps_room(m, XM_QUICK4);
	if (r != 0 || m->ro)
		return r;
	r = map_memory(&p, m->fd[XM_FILTER], sizeof(struct xdpf_filter));
	m->filter = p;
	if (r == 0)
		r = map_memory(&p, m->fd[XM_QUICK4], m->quick_n * sizeof(struct xdpf_quick));
	if (r == 0)
		m->quick = p;
	return r;
}

int
xdp_maps_open(struct xdp_maps *m, const char *dir, bool ro)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = ro ? BPF_F_RDONLY : 0);
	char path[4200];
	int r;

	memset(m, 0, sizeof(*m));
	m->dir_fd = -1;
	m->ro = ro;
	for (int i = 0; i < XM_MAX; i++)
		m->fd[i] = -1;
	for (int i = 0; i < XM_MAX; i++) {
		snprintf(path, sizeof(path), "%s/maps/%s", dir, xdp_map_names[i]);
		m->fd[i] = bpf_obj_get_opts(path, &opts);
		/* A reader can do without what only the kernel writes. */
		if (m->fd[i] < 0 && !(errno == EPERM && i != XM_CONF && i != XM_QUICK4)) {
			r = -errno;
			goto fail;
		}
	}
	snprintf(path, sizeof(path), "%s/maps", dir);
	m->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = m->dir_fd < 0 ? -errno : layout_check(m);
	if (r == 0)
		r = memory_map(m);
	if (r == 0)
		return 0;
fail:
	xdp_maps_close(m);
	return r;
}

int
xdp_maps_adopt(struct xdp_maps *m, const int fd[XM_MAX])
{
	memset(m, 0, sizeof(*m));
	memcpy(m->fd, fd, sizeof(m->fd));
	m->dir_fd = -1;
	return memory_map(m);
}

void
xdp_maps_close(struct xdp_maps *m)
{
	if (m->filter != NULL)
		munmap(m->filter, pages(sizeof(struct xdpf_filter)));
	if (m->quick != NULL)
		munmap(m->quick, pages(m->quick_n * sizeof(struct xdpf_quick)));
	m->filter = NULL;
	m->quick = NULL;
	for (int i = 0; i < XM_MAX; i++) {
		if (m->fd[i] >= 0)
			close(m->fd[i]);
		m->fd[i] = -1;
	}
	if (m->dir_fd >= 0)
		close(m->dir_fd);
	m->dir_fd = -1;
}

/*
 * The secret by which entries find their places, made by whoever is first.  Read again each time: these maps may have
 * been opened before it was there.
 */
static int
secret_take(struct xdp_maps *m)
{
	struct xdpf_conf c;
	int r = xdp_maps_conf_get(m, &c);

	if (r == 0 && c.secret == 0) {
		if (getrandom(&c.secret, sizeof(c.secret), 0) < 0)
			c.secret = xdp_now_ns();
		c.secret |= 1;
		r = xdp_maps_conf_set(m, &c);
	}
	m->secret = r == 0 ? c.secret : 0;
	return r;
}

int
xdp_maps_lock(struct xdp_maps *m)
{
	int r = 0;

	if (m->dir_fd >= 0)
		do
			r = flock(m->dir_fd, LOCK_EX);
		while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	r = secret_take(m);
	if (r != 0)
		xdp_maps_unlock(m);
	return r;
}

void
xdp_maps_unlock(struct xdp_maps *m)
{
	if (m->dir_fd >= 0)
		flock(m->dir_fd, LOCK_UN);
}

int
xdp_maps_conf_get(const struct xdp_maps *m, struct xdpf_conf *c)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem(m->fd[XM_CONF], &zero, c) < 0 ? -errno : 0;
}

int
xdp_maps_conf_set(const struct xdp_maps *m, const struct xdpf_conf *c)
{
	uint32_t zero = 0;

	return bpf_map_update_elem(m->fd[XM_CONF], &zero, c, BPF_ANY) < 0 ? -errno : 0;
}

unsigned
xdp_maps_room(const struct xdp_maps *m, enum xdp_map map)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(m->fd[map], &info, &len) < 0 ? 0 : info.max_entries;
}

uint64_t
xdp_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t) ts.tv_sec * 1000000000ULL + (uint64_t) ts.tv_nsec;
}

uint32_t
xdp_tick_in(int64_t ttl_ms)
{
	const uint64_t step = 1ULL << XDPF_TICK_SHIFT, most = (uint64_t) (XDPF_FOREVER - 1) << XDPF_TICK_SHIFT;
	uint64_t now = xdp_now_ns();

	/* Longer than the clock can say is for ever: 18 years after this host started. */
	if (ttl_ms < 0 || (uint64_t) ttl_ms >= (most - now) / 1000000)
		return XDPF_FOREVER;
	return (uint32_t) ((now + (uint64_t) ttl_ms * 1000000 + step - 1) >> XDPF_TICK_SHIFT);
}

int64_t
xdp_tick_left_ms(uint32_t tick)
{
	return ((int64_t) ((uint64_t) tick << XDPF_TICK_SHIFT) - (int64_t) xdp_now_ns()) / 1000000;
}
