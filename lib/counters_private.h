/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_COUNTERS_PRIVATE_H
#define LLMSEC_COUNTERS_PRIVATE_H
/*
 * The layout of a .ctr file, host byte order: it never leaves the machine.  Other processes write
 * these files, so a reader checks ctr_file_ok() before it believes a byte.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CTR_MAGIC	"LLMSCTR1"
#define CTR_FILE_MAX	128		/* of the file's name */
#define CTR_NAME_MAX	96
#define CTR_LABELS_MAX	160
#define CTR_HELP_MAX	176
#define CTR_SLOTS_MAX	4096
#define CTR_BUCKET_MIN	6		/* 2^6 us: below a system call's cost nobody looks */
#define CTR_BUCKETS	21		/* ... to 2^26 us, 67 s: longer than any deadline here */

struct ctr_slot {
	char			 name[CTR_NAME_MAX];
	char			 labels[CTR_LABELS_MAX];
	char			 help[CTR_HELP_MAX];
	uint32_t		 kind, pad;
	/* [0]: the value, or a histogram's sum in us; then buckets and +Inf, each counted for itself. */
	_Atomic uint64_t	 value[2 + CTR_BUCKETS];
};

struct ctr_file {
	char		magic[8];
	uint32_t	slot_size, n_slots;
	uint64_t	reserved[6];
	struct ctr_slot	slot[];
};

bool	ctr_file_ok(const struct ctr_file *, size_t len);
bool	ctr_name_ok(const char *);
/* a="b",c="d" with \\ \" \n escapes; "" is fine. */
bool	ctr_labels_ok(const char *);
#endif
