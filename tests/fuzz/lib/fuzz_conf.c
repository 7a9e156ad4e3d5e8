/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a configuration: either every value is what its row of the table allows, or there is a
 * message with a place, in printable text, and nothing to free.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf.h"
#include "lib/diag.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)

struct item {
	char	*path;
	int	 mode;
	int64_t	 timeout;
};

struct sub {
	int	 depth;
	int64_t	 body;
};

struct cfg {
	char		*name, *listen;
	int		 workers, mode;
	int64_t		 deadline, size;
	bool		 strict;
	struct conf_strs names;
	struct sub	 limits;
	struct item	*items;
	size_t		 n_items;
};

static const struct conf_enum modes[] = { { "off", 0 }, { "warn", 1 }, { "block", 2 }, { NULL, 0 } };

static const struct conf_opt item_opts[] = {
	CONF_STR(struct item, path, NULL, "path", "path"),
	CONF_ENUM(struct item, mode, modes, "block", "mode"),
	CONF_DURATION(struct item, timeout, 1, 60000, "5s", "timeout"),
	CONF_END
};

static const struct conf_opt sub_opts[] = {
	CONF_INT(struct sub, depth, -3, 1000, "128", "", "depth"),
	CONF_SIZE(struct sub, body, 0, 1 << 30, "64k", "body"),
	CONF_END
};

static const char *
even(const void *field)
{
	return *(const int *)field % 2 != 0 ? "must be even" : NULL;
}

static const struct conf_opt opts[] = {
	{ .name = "name", .type = CONF_T_STR, .offset = offsetof(struct cfg, name), .min = 1, .max = 16, .def = "x" },
	CONF_STR(struct cfg, listen, "unix:x.sock", "address", "where"),
	{ .name = "workers", .type = CONF_T_INT, .offset = offsetof(struct cfg, workers), .min = 2, .max = 64, .def = "4",
	    .check = even },
	CONF_ENUM(struct cfg, mode, modes, "warn", "mode"),
	CONF_DURATION(struct cfg, deadline, 1, 600000, "250ms", "deadline"),
	CONF_SIZE(struct cfg, size, 1024, 1 << 30, "10M", "size"),
	CONF_BOOL(struct cfg, strict, "true", "strict"),
	{ .name = "names", .type = CONF_T_STRS, .offset = offsetof(struct cfg, names), .required = true, .def = "[a]" },
	CONF_MAP(struct cfg, limits, sub_opts, "limits"),
	CONF_SEQ(struct cfg, items, n_items, item_opts, struct item, "items"),
	CONF_END
};

static void
check_values(const struct cfg *c)
{
	MUST(strlen(c->name) >= 1 && strlen(c->name) <= 16 && c->listen != NULL && strlen(c->listen) <= 65536);
	MUST(c->workers >= 2 && c->workers <= 64 && c->workers % 2 == 0);
	MUST(c->mode >= 0 && c->mode <= 2);
	MUST(c->deadline >= 1 && c->deadline <= 600000 && c->size >= 1024 && c->size <= 1 << 30);
	MUST(c->names.n >= 1);
	for (size_t i = 0; i < c->names.n; i++)
		MUST(c->names.v[i] != NULL && strlen(c->names.v[i]) <= 65536);
	MUST(c->limits.depth >= -3 && c->limits.depth <= 1000 && c->limits.body >= 0 && c->limits.body <= 1 << 30);
	for (size_t i = 0; i < c->n_items; i++)
		MUST(c->items[i].path != NULL && c->items[i].mode >= 0 && c->items[i].mode <= 2 &&
		    c->items[i].timeout >= 1 && c->items[i].timeout <= 60000);
}

static void
check_messages(const struct diag *d)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	if (f == NULL)
		abort();
	diag_print(d, f);
	fclose(f);
	MUST(n > 0 && text[n - 1] == '\n' && strlen(text) == n);
	for (size_t i = 0; i < n; i++) {
		MUST(text[i] == '\n' || ((unsigned char)text[i] >= 0x20 && text[i] != 0x7f));
		if (i == 0 || text[i - 1] == '\n')
			MUST(strncmp(text + i, "f.yaml:", 7) == 0 || strncmp(text + i, "... and ", 8) == 0);
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct diag *d = diag_new();
	struct conf_mem *mem;
	struct cfg c = { 0 };
	int rc;

	if (d == NULL)
		abort();
	rc = conf_load_mem("f.yaml", (const char *)data, n, opts, &c, &mem, d);
	if (rc == 0) {
		MUST(mem != NULL && diag_errors(d) == 0);
		check_values(&c);
	} else {
		MUST(mem == NULL && rc == -EINVAL && diag_errors(d) > 0);
		check_messages(d);
	}
	conf_mem_free(&mem);
	diag_free(&d);
	return 0;
}
