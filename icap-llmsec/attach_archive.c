/* SPDX-License-Identifier: MIT */
/*
 * Archives, where a policy lets them pass: every entry is a file like any other.  libarchive unpacks from memory, as it is asked for
 * bytes, so a bomb costs what max_unpacked says and no more, however deep it is packed.  Formats are those that people send: zip, tar, and one
 * compressed file; the others of libarchive stay shut, each is a parser that strangers could reach.
 */
#include "config.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#include "icap-llmsec/attach_private.h"
#include "icap-llmsec/zip_check.h"

#define ENTRIES_MAX	4096
#define RATIO_MAX	200		/* unpacked bytes per byte, once RATIO_FROM are out: as in extract.h */
#define RATIO_FROM	((size_t)1 << 20)

static bool
opens(struct archive *a, const struct attach_file *f, const struct filetype *t)
{
	static const char *const known[] = {"zip", "tar", "gzip", "bzip2", "xz", "zstd"};
	bool found = false;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		found = found || strcmp(known[i], t->name) == 0;
	if (!found)
		return false;
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_format_zip(a);
	archive_read_support_format_tar(a);
	if (strcmp(t->name, "zip") != 0 && strcmp(t->name, "tar") != 0)
		archive_read_support_format_raw(a);	/* one file, compressed */
	return archive_read_open_memory(a, f->data, f->len) == ARCHIVE_OK;
}

/* An entry, unpacked.  False: a limit or damage, told. */
static bool
unpack(struct attach_part *p, struct archive *a, size_t packed, size_t *unpacked, struct buf *b)
{
	ssize_t n;
	char *room;

	while ((room = buf_room(b, 65536)) != NULL && (n = archive_read_data(a, room, 65536)) > 0) {
		buf_wrote(b, (size_t)n);
		*unpacked += (size_t)n;
		if ((size_t)n > p->run->unpacked_left || (*unpacked > RATIO_FROM && *unpacked / RATIO_MAX > packed)) {
			p->run->unpacked_left = 0;
			attach_tell(p, ATTACH_LIMIT);
			return false;
		}
		p->run->unpacked_left -= (size_t)n;
	}
	if (room == NULL)
		p->rc = -ENOMEM;
	else if (n < 0)
		attach_tell(p, ATTACH_UNREADABLE);
	return room != NULL && n == 0;
}

static bool
entry(struct attach_part *p, struct archive *a, struct archive_entry *e, size_t packed, size_t *unpacked, unsigned depth)
{
	struct buf b = {0};
	const char *name = archive_entry_pathname(e);
	struct attach_file f = {.name = name, .name_len = name != NULL ? strlen(name) : 0};
	bool ok;

	if (archive_entry_filetype(e) == AE_IFDIR)
		return true;
	if (archive_entry_is_encrypted(e) || archive_entry_filetype(e) != AE_IFREG) {	/* links lead out of it */
		attach_tell(p, ATTACH_UNREADABLE);
		return true;
	}
	if (archive_format(a) == ARCHIVE_FORMAT_RAW)
		f.name = NULL, f.name_len = 0;	/* libarchive's own word */
	ok = unpack(p, a, packed, unpacked, &b);
	f.data = buf_ptr(&b);
	f.len = buf_len(&b);
	if (ok)
		attach_file(p, &f, depth + 1);
	buf_free(&b);
	return ok;
}

void
attach_archive(struct attach_part *p, const struct attach_file *f, const struct filetype *t, unsigned depth)
{
	struct archive *a;
	struct archive_entry *e;
	size_t unpacked = 0;
	unsigned n = 0;
	int rc = ARCHIVE_OK;

	if (depth >= ATTACH_DEPTH) {
		attach_tell(p, ATTACH_LIMIT);
		return;
	}
	if ((a = archive_read_new()) == NULL) {
		p->rc = -ENOMEM;
		return;
	}
	if (!zip_is_plain(f->data, f->len) || !opens(a, f, t)) {
		attach_tell(p, ATTACH_UNREADABLE);
		archive_read_free(a);
		return;
	}
	while (!p->blocked && p->rc == 0 && p->run->unpacked_left > 0 && (rc = archive_read_next_header(a, &e)) == ARCHIVE_OK) {
		if (++n > ENTRIES_MAX) {
			attach_tell(p, ATTACH_LIMIT);
			break;
		}
		if (!entry(p, a, e, f->len, &unpacked, depth))
			break;
	}
	if (p->run->unpacked_left == 0 && rc == ARCHIVE_OK)	/* entries that nobody has seen */
		attach_tell(p, ATTACH_LIMIT);
	if (rc != ARCHIVE_OK && rc != ARCHIVE_EOF)
		attach_tell(p, ATTACH_UNREADABLE);
	archive_read_free(a);
}
