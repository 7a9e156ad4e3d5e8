/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include "bpf/xdp_load.h"
#include "lib/diag.h"

static void
link_path(char path[PATH_MAX], const char *dir, const char *ifname)
{
	snprintf(path, PATH_MAX, "%s/links/%s", dir, ifname);
}

/* An interface's name becomes a file's name. */
static bool
name_ok(const char *s)
{
	return *s != '\0' && *s != '.' && strchr(s, '/') == NULL && strlen(s) < IF_NAMESIZE;
}

static bool
is_native(unsigned ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);

	return bpf_xdp_query((int) ifindex, 0, &q) == 0 && (q.attach_mode == XDP_ATTACHED_DRV || q.drv_prog_id != 0);
}

/* The link that is pinned for the interface; it may be left over from one that is gone. */
static int
link_info(const char *path, int *fd, struct bpf_link_info *info)
{
	uint32_t len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	*fd = bpf_obj_get(path);
	if (*fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(*fd, info, &len) == 0)
		return 0;
	close(*fd);
	return -errno;
}

static int
replace(int link_fd, int prog_fd, const char *ifname, struct diag *d)
{
	int r = bpf_link_update(link_fd, prog_fd, NULL) < 0 ? -errno : 0;

	if (r != 0)
		diag_error(d, ifname, 0, 0, "cannot replace the program: %s", strerror(-r));
	return r;
}

static int
link_new(int prog_fd, unsigned ifindex, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int fd = bpf_link_create(prog_fd, (int) ifindex, BPF_XDP, &opts);

	return fd < 0 ? -errno : fd;
}

static void
attach_failed(int err, const char *ifname, int mode, struct diag *d)
{
	const char *why = err == -EBUSY || err == -EEXIST ? "another XDP program is there (ip link show; ip link set dev IFACE xdp off)"
	    : err == -EPERM ? "not permitted: needs CAP_NET_ADMIN"
	    : mode == XDP_MODE_NATIVE ? "the driver cannot run XDP natively here (mode: auto or generic)" : strerror(-err);

	diag_error(d, ifname, 0, 0, "cannot attach: %s", why);
}

static int
attach_new(int prog_fd, const char *path, const char *ifname, unsigned ifindex, int mode, struct diag *d)
{
	int fd = -EOPNOTSUPP;

	if (mode != XDP_MODE_GENERIC)
		fd = link_new(prog_fd, ifindex, XDP_FLAGS_DRV_MODE);
	/* What a driver says when it can't is its own affair; only these mean that generic wouldn't do either. */
	if (fd < 0 && mode == XDP_MODE_AUTO && fd != -EBUSY && fd != -EEXIST && fd != -EPERM) {
		diag_warn(d, ifname, 0, 0, "no native XDP here (%s): generic mode", strerror(-fd));
		fd = link_new(prog_fd, ifindex, XDP_FLAGS_SKB_MODE);
	} else if (mode == XDP_MODE_GENERIC)
		fd = link_new(prog_fd, ifindex, XDP_FLAGS_SKB_MODE);
	if (fd < 0) {
		attach_failed(fd, ifname, mode, d);
		return fd;
	}
	if (bpf_obj_pin(fd, path) < 0) {
		int r = -errno;

		diag_error(d, path, 0, 0, "cannot pin: %s", strerror(-r));
		close(fd);
		return r;
	}
	close(fd);
	return XDP_ATTACHED;
}

int
xdp_attach(struct xdp_load *l, const char *dir, const char *ifname, int mode, bool *native, struct diag *d)
{
	unsigned ifindex = name_ok(ifname) ? if_nametoindex(ifname) : 0;
	struct bpf_link_info info;
	char path[PATH_MAX];
	int fd, r;

	if (ifindex == 0) {
		diag_error(d, ifname, 0, 0, "no such interface");
		return -ENODEV;
	}
	link_path(path, dir, ifname);
	r = link_info(path, &fd, &info);
	if (r == 0 && info.xdp.ifindex == ifindex) {
		r = replace(fd, xdp_load_prog_fd(l), ifname, d);
		r = r == 0 ? XDP_REPLACED : r;
		close(fd);
	} else {
		if (r == 0) {		/* the interface was made anew since */
			close(fd);
			unlink(path);
		}
		r = attach_new(xdp_load_prog_fd(l), path, ifname, ifindex, mode, d);
	}
	*native = r >= 0 && is_native(ifindex);
	return r;
}

int
xdp_detach(const char *dir, const char *ifname)
{
	char path[PATH_MAX];
	int fd, r;

	if (!name_ok(ifname))
		return -ENOENT;
	link_path(path, dir, ifname);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	/* Off at once, even if somebody else holds the link open. */
	r = bpf_link_detach(fd) < 0 && errno != ENOLINK ? -errno : 0;
	close(fd);
	return unlink(path) < 0 ? -errno : r;
}

int
xdp_links(const char *dir, int (*fn)(void *arg, const struct xdp_link *), void *arg)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *links;
	int r = 0;

	snprintf(path, sizeof(path), "%s/links", dir);
	links = opendir(path);
	if (links == NULL)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (e = readdir(links)) != NULL) {
		struct xdp_link link = {0};
		struct bpf_link_info info;
		int fd;

		if (!name_ok(e->d_name))
			continue;
		link_path(path, dir, e->d_name);
		if (link_info(path, &fd, &info) != 0)
			continue;
		close(fd);
		snprintf(link.ifname, sizeof(link.ifname), "%.*s", IF_NAMESIZE, e->d_name);
		link.ifindex = info.xdp.ifindex;
		link.prog_id = info.prog_id;
		link.native = link.ifindex != 0 && is_native(link.ifindex);
		r = fn(arg, &link);
	}
	closedir(links);
	return r;
}

static int
count_link(void *arg, const struct xdp_link *l)
{
	(void) l;
	*(int *) arg += 1;
	return 0;
}

int
xdp_unpin(const char *dir)
{
	char path[PATH_MAX];
	int n = 0, r = xdp_links(dir, count_link, &n);

	if (r != 0 || n > 0)
		return r != 0 ? r : -EBUSY;
	for (int i = 0; i < XM_MAX; i++) {
		snprintf(path, sizeof(path), "%s/maps/%s", dir, xdp_map_names[i]);
		if (unlink(path) < 0 && errno != ENOENT)
			return -errno;
	}
	snprintf(path, sizeof(path), "%s/maps", dir);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/links", dir);
	rmdir(path);
	rmdir(dir);
	return 0;
}
