/* SPDX-License-Identifier: MIT */
/*
 * Packets for tests, from a raw socket of an interface that the test made: floods included, so it refuses
 * every interface that isn't a veth.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/sockios.h>

#include "bpf/xdp_frame.h"

#define BATCH	32

struct job {
	struct xdp_frame frame;
	const char	*ifname;
	uint8_t		 mac[6];
	long		 count, pps;
	bool		 random_source;
	size_t		 len;
	uint8_t		 frames[BATCH][1600];
	uint64_t	 seed;
};

static void
usage(FILE *f)
{
	fputs("usage: llmsec-packets -i VETH -m MAC -d ADDRESS [options]\n"
	    "  -s ADDRESS|random  source\n  -p syn|ack|udp|icmp|initial\n  -P PORT  destination port\n  -S PORT  source port\n"
	    "  -n COUNT  -r PACKETS_PER_SECOND (default: as fast as it goes)  -l PAYLOAD_BYTES\n", f);
}

static uint64_t
next(struct job *j)
{
	j->seed ^= j->seed << 13;
	j->seed ^= j->seed >> 7;
	return j->seed ^= j->seed << 17;
}

/* 32.0.0.0/3 or 2000::/3; the checksum isn't looked at by anything before the filter. */
static void
source_random(struct job *j, uint8_t *frame)
{
	uint64_t r = next(j), s = next(j);
	uint32_t v4 = htonl(0x20000000U | ((uint32_t) r & 0x1fffffff));

	if (frame[12] == 0x08)
		memcpy(frame + 26, &v4, 4);
	else {
		memcpy(frame + 22, &r, 8);
		memcpy(frame + 30, &s, 8);
		frame[22] = (uint8_t) (0x20 | (frame[22] & 0x1f));
	}
	frame[frame[12] == 0x08 ? 34 : 54] = (uint8_t) (s >> 32 | 4);	/* source port */
}

static int
frames_make(struct job *j, const char *proto)
{
	static const uint8_t initial[] = {0xc0, 0, 0, 0, 1};
	bool v6 = strchr(j->frame.dst, ':') != NULL;

	j->random_source = strcmp(j->frame.src, "random") == 0;
	if (j->random_source)
		j->frame.src = v6 ? "2001:db8:99::1" : "32.0.0.1";
	j->frame.proto = strcmp(proto, "udp") == 0 || strcmp(proto, "initial") == 0 ? 17 : strcmp(proto, "icmp") == 0 ? v6 ? 58 : 1 : 6;
	j->frame.tcp_flags = strcmp(proto, "syn") == 0 ? 2 : 16;
	if (strcmp(proto, "initial") == 0) {
		j->frame.payload = 1200;
		j->frame.first = initial;
		j->frame.n_first = sizeof(initial);
	}
	for (int i = 0; i < BATCH; i++) {
		j->len = xdp_frame_make(&j->frame, j->frames[i], sizeof(j->frames[i]));
		if (j->len == 0)
			return -EINVAL;
		memcpy(j->frames[i], j->mac, 6);
	}
	return 0;
}

static int
is_veth(int fd, const char *ifname)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq ifr = {0};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	ifr.ifr_data = (void *) &info;
	return ioctl(fd, SIOCETHTOOL, &ifr) == 0 && strcmp(info.driver, "veth") == 0;
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

static long
send_all(struct job *j, int fd)
{
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	double start = now(), ahead;
	long sent = 0;

	while (sent < j->count) {
		int n = j->count - sent < BATCH ? (int) (j->count - sent) : BATCH, done = 0, r;

		memset(msgs, 0, sizeof(msgs));
		for (int i = 0; i < n; i++) {
			if (j->random_source)
				source_random(j, j->frames[i]);
			iov[i] = (struct iovec) {.iov_base = j->frames[i], .iov_len = j->len};
			msgs[i].msg_hdr.msg_iov = &iov[i];
			msgs[i].msg_hdr.msg_iovlen = 1;
		}
		while (done < n) {
			r = sendmmsg(fd, msgs + done, (unsigned) (n - done), 0);
			if (r < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
				return -errno;
			done += r > 0 ? r : 0;
		}
		sent += n;
		ahead = j->pps > 0 ? (double) sent / (double) j->pps - (now() - start) : 0;
		if (ahead > 0)
			usleep((useconds_t) (ahead * 1e6));
	}
	return sent;
}

int
main(int argc, char **argv)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET};
	struct job *j = calloc(1, sizeof(*j));
	const char *proto = "udp";
	int o, fd;
	long sent;

	if (j == NULL)
		return 1;
	*j = (struct job) {.frame = {.src = "random", .sport = 40000, .dport = 443, .payload = 18}, .count = 1, .seed = 88172645463325252ULL};
	while ((o = getopt(argc, argv, "i:m:d:s:p:P:S:n:r:l:h")) != -1)
		switch (o) {
		case 'i': j->ifname = optarg; break;
		case 'm': sscanf(optarg, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", j->mac, j->mac + 1, j->mac + 2, j->mac + 3, j->mac + 4, j->mac + 5); break;
		case 'd': j->frame.dst = optarg; break;
		case 's': j->frame.src = optarg; break;
		case 'p': proto = optarg; break;
		case 'P': j->frame.dport = (uint16_t) atoi(optarg); break;
		case 'S': j->frame.sport = (uint16_t) atoi(optarg); break;
		case 'n': j->count = atol(optarg); break;
		case 'r': j->pps = atol(optarg); break;
		case 'l': j->frame.payload = (size_t) atol(optarg); break;
		default: usage(o == 'h' ? stdout : stderr); return o == 'h' ? 0 : 2;
		}
	if (j->ifname == NULL || j->frame.dst == NULL || frames_make(j, proto) != 0) {
		usage(stderr);
		return 2;
	}
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0 || !is_veth(fd, j->ifname)) {
		fprintf(stderr, "llmsec-packets: %s: %s\n", j->ifname, fd < 0 ? strerror(errno) : "is no veth");
		return 1;
	}
	to.sll_ifindex = (int) if_nametoindex(j->ifname);
	if (bind(fd, (struct sockaddr *) &to, sizeof(to)) < 0) {
		perror("bind");
		return 1;
	}
	sent = send_all(j, fd);
	if (sent < 0)
		fprintf(stderr, "llmsec-packets: %s\n", strerror((int) -sent));
	else
		printf("%ld\n", sent);
	close(fd);
	free(j);
	return sent < 0 ? 1 : 0;
}
