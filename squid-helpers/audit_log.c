/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "lib/file_write.h"
#include "squid-helpers/audit_log.h"
#include "squid-helpers/audit_read.h"

#define LOCK_TRIES	100	/* of 100 ms each */

/* All or nothing: what was written of it is taken back.  Where that fails too nothing may follow. */
static int
write_whole(struct audit_log *l, const char *p, size_t n)
{
	int r = l->broken ? -EIO : file_write_all(l->fd, p, n);

	if (r == 0)
		l->size += (int64_t)n;
	else if (!l->broken)
		l->broken = ftruncate(l->fd, l->size) < 0;
	return r;
}

static int
segment_begin(struct audit_log *l)
{
	char path[4100], hex[2 * AUDIT_MAC + 1], proof[2 * AUDIT_MAC + 1], line[320];
	uint8_t code[AUDIT_MAC];
	int fd, n, r;

	snprintf(path, sizeof(path), "%s.%08u.seg", l->base, l->st.segment + 1);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	audit_hex(l->st.mac, hex);
	audit_header_proof(l->key, &l->st, l->st.segment + 1, l->torn, code);
	audit_hex(code, proof);
	n = snprintf(line, sizeof(line), "llmsec-audit 2 %u %" PRIu64 " %s %zu %s\n", l->st.segment + 1, l->st.seq, hex,
	    l->torn, proof);
	if (l->fd >= 0)
		close(l->fd);
	l->fd = fd;
	l->size = 0;
	r = write_whole(l, line, (size_t)n);
	if (r < 0) {
		close(fd);
		unlink(path);
		l->fd = -1;
		return r;
	}
	l->torn = 0;
	l->st.segment++;
	l->next.segment = l->st.segment;
	l->dirty = l->fresh = true;
	return 0;
}

/*
 * One writer: a Squid that was killed starts again before the log daemon of the one before has read its end of input,
 * and two that go on from the same record would be tampering to everybody who verifies.
 */
static int
lock_take(struct audit_log *l)
{
	char path[4100];

	snprintf(path, sizeof(path), "%s.lock", l->base);
	l->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (l->lock_fd < 0)
		return -errno;
	for (int i = 0; i < LOCK_TRIES; i++) {
		static const struct timespec pause = { .tv_nsec = 100000000 };

		if (flock(l->lock_fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

int
audit_log_open(struct audit_log *l, const char *base, const char *key_path)
{
	struct audit_found found;
	char head[4100];
	int r;

	memset(l, 0, sizeof(*l));
	l->fd = -1;
	snprintf(l->base, sizeof(l->base), "%s", base);
	r = lock_take(l);
	if (r < 0) {
		snprintf(l->why, sizeof(l->why), "%s.lock: %s", base, strerror(-r));
		return r;
	}
	snprintf(head, sizeof(head), "%s.head", base);
	file_replace_tidy(head);
	r = audit_key_read(key_path, true, l->key);
	if (r < 0) {
		snprintf(l->why, sizeof(l->why), "%s: %s", key_path, strerror(-r));
		return r;
	}
	r = audit_resume(base, l->key, &found);
	if (r < 0 && r != -ENOENT) {
		snprintf(l->why, sizeof(l->why), "%s", r == -EBADMSG ? found.why : strerror(-r));
		return r;
	}
	l->st = l->next = found.last;
	l->torn = found.torn;
	r = segment_begin(l);
	if (r < 0)
		snprintf(l->why, sizeof(l->why), "%s: %s", base, strerror(-r));
	return r < 0 ? r : audit_log_sync(l);
}

static void
record_add(struct audit_log *l, const char *text, size_t len)
{
	char hex[2 * AUDIT_MAC + 1];

	audit_next(l->key, &l->next, text, len);
	audit_hex(l->next.mac, hex);
	buf_printf(&l->out, "%" PRIu64 " %s ", l->next.seq, hex);
	buf_add(&l->out, text, len);
	buf_addc(&l->out, '\n');
}

void
audit_log_add(struct audit_log *l, const char *text, size_t len)
{
	char clean[65536];

	len = len < sizeof(clean) ? len : sizeof(clean);
	for (size_t i = 0; i < len; i++)
		clean[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f || (i == 0 && text[i] == '!') ? '?' : text[i];
	record_add(l, clean, len);
}

void
audit_log_add_lost(struct audit_log *l, uint64_t lines)
{
	char text[64];

	record_add(l, text, (size_t)snprintf(text, sizeof(text), AUDIT_LOST "%" PRIu64 " lines", lines));
}

int
audit_log_write(struct audit_log *l)
{
	int r;

	if (l->out.err != 0)
		return l->out.err;
	if (buf_len(&l->out) == 0)
		return 0;
	if (l->fd < 0 && (r = segment_begin(l)) < 0)
		return r;
	r = write_whole(l, buf_ptr(&l->out), buf_len(&l->out));
	if (r < 0)
		return r;
	buf_clear(&l->out);
	l->next.segment = l->st.segment;
	l->st = l->next;
	l->dirty = true;
	return l->size >= AUDIT_SEGMENT_MAX ? audit_log_rotate(l) : 0;
}

static int
head_write(const struct audit_log *l)
{
	char path[4100], mac[65], proof[65], line[256];
	uint8_t p[AUDIT_MAC];
	int n;

	snprintf(path, sizeof(path), "%s.head", l->base);
	audit_hex(l->st.mac, mac);
	audit_proof(l->key, &l->st, p);
	audit_hex(p, proof);
	n = snprintf(line, sizeof(line), "%u %" PRIu64 " %s %s\n", l->st.segment, l->st.seq, mac, proof);
	return file_replace(path, line, (size_t)n, 0640, 0);
}

int
audit_log_sync(struct audit_log *l)
{
	int r = audit_log_write(l);

	if (r < 0 || !l->dirty)
		return r;
	if (fdatasync(l->fd) < 0)
		return -errno;
	/* The checkpoint must not outlive the segment that it speaks of. */
	if (l->fresh && (r = file_parent_sync(l->base)) < 0)
		return r;
	l->fresh = false;
	r = head_write(l);
	l->dirty = r < 0;
	return r;
}

int
audit_log_rotate(struct audit_log *l)
{
	int r = audit_log_sync(l);

	return r < 0 ? r : segment_begin(l);
}

void
audit_log_close(struct audit_log *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	if (l->lock_fd >= 0)
		close(l->lock_fd);
	l->lock_fd = -1;
	buf_free(&l->out);
	OPENSSL_cleanse(l->key, sizeof(l->key));
}
