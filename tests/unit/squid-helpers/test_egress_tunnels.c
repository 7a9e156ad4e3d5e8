/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/diag.h"
#include "lib/log.h"
#include "squid-helpers/egress_policy.h"
#include "squid-helpers/egress_tunnels.h"

struct world {
	char			 dir[64], path[100];
	int			 fd;
	struct egress_tunnels	*t;
};

static void
gate_up(struct world *w)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	strcpy(sun.sun_path, w->path);
	w->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(w->fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
}

static void
gate_down(struct world *w)
{
	close(w->fd);
	unlink(w->path);
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	strcpy(w->dir, "/tmp/egress-tunnels.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/gate", w->dir);
	gate_up(w);
	w->t = egress_tunnels_new();
	assert_non_null(w->t);
	egress_tunnels_direct(w->t, w->path);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	egress_tunnels_free(&w->t);
	gate_down(w);
	rmdir(w->dir);
	free(w);
	return 0;
}

static void
note(struct world *w, const char *src, unsigned port, const char *method, const char *host, bool allowed)
{
	struct egress_request q = { .src = { src, strlen(src) }, .method = { method, strlen(method) },
	    .host = { host, strlen(host) }, .port = 443 };

	egress_tunnels_note(w->t, &q, port, allowed);
}

/* How many a policy that allows <domains> revokes. */
static size_t
review(struct world *w, const char *domains)
{
	struct egress_policy *p = NULL;
	struct diag *d = diag_new();
	char text[256];
	size_t n;

	snprintf(text, sizeof(text), "rules: [{id: t, domains: [%s]}]\n", domains);
	assert_int_equal(egress_policy_load(&p, "t", text, strlen(text), d), 0);
	n = egress_tunnels_review(w->t, p);
	egress_policy_free(&p);
	diag_free(&d);
	egress_tunnels_flush(w->t);
	return n;
}

static const char *
told(struct world *w)
{
	static char b[65536];
	ssize_t n = recv(w->fd, b, sizeof(b) - 1, 0);

	b[n > 0 ? n : 0] = '\0';
	return b;
}

static void
what_is_allowed_no_more_is_cut_once(void **state)
{
	struct world *w = *state;

	assert_false(egress_tunnels_open(w->t));
	note(w, "192.0.2.1", 1001, "CONNECT", "a.example.com", true);
	note(w, "2001:db8::1", 1002, "CONNECT", "b.example.com", true);
	assert_true(egress_tunnels_open(w->t));
	assert_int_equal(review(w, "a.example.com, b.example.com"), 0);
	assert_string_equal(told(w), "");
	assert_int_equal(review(w, "b.example.com"), 1);
	assert_string_equal(told(w), "cut 192.0.2.1 1001\n");
	assert_int_equal(review(w, "c.example.com"), 1);
	assert_string_equal(told(w), "cut 2001:db8::1 1002\n");
	assert_int_equal(review(w, "c.example.com"), 0);
	assert_string_equal(told(w), "");
}

static void
only_the_latest_of_a_client_port_counts(void **state)
{
	struct world *w = *state;

	note(w, "192.0.2.1", 1001, "CONNECT", "a.example.com", true);
	note(w, "192.0.2.1", 1001, "CONNECT", "b.example.com", true);
	note(w, "192.0.2.1", 1003, "CONNECT", "a.example.com", true);
	note(w, "192.0.2.1", 1003, "GET", "b.example.com", true);
	note(w, "192.0.2.1", 1004, "CONNECT", "a.example.com", true);
	note(w, "192.0.2.1", 1004, "CONNECT", "a.example.com", false);
	note(w, "192.0.2.1", 1005, "CONNECT", "a.example.com", false);
	note(w, "192.0.2.1", 0, "CONNECT", "a.example.com", true);
	assert_int_equal(review(w, "b.example.com"), 0);
	assert_int_equal(review(w, "a.example.com"), 1);
	assert_string_equal(told(w), "cut 192.0.2.1 1001\n");
}

static void
requests_inside_an_opened_tunnel_leave_it(void **state)
{
	struct world *w = *state;
	struct egress_request q = { .src = { "192.0.2.1", 9 }, .method = { "GET", 3 }, .host = { "a.example.com", 13 },
	    .scheme = { "https", 5 }, .port = 443 };

	note(w, "192.0.2.1", 1001, "CONNECT", "a.example.com", true);
	egress_tunnels_note(w->t, &q, 1001, true);
	assert_int_equal(review(w, "b.example.com"), 1);
}

static void
a_gate_that_is_away_is_told_later(void **state)
{
	struct world *w = *state;

	note(w, "192.0.2.1", 1001, "CONNECT", "a.example.com", true);
	gate_down(w);
	assert_int_equal(review(w, "b.example.com"), 1);
	egress_tunnels_flush(w->t);
	gate_up(w);
	egress_tunnels_flush(w->t);
	assert_string_equal(told(w), "cut 192.0.2.1 1001\n");
	egress_tunnels_flush(w->t);
	assert_string_equal(told(w), "");
}

static void
tunnels(struct world *w, unsigned n)
{
	char src[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(src, sizeof(src), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		note(w, src, 1000 + i % 60000, "CONNECT", "a.example.com", true);
	}
}

static unsigned warnings;

static void
count_warnings(int level, const char *line)
{
	warnings += level == LOG_WARNING && strstr(line, "made room") != NULL;
}

static void
what_made_room_waits_no_more(void **state)
{
	struct world *w = *state;
	size_t revoked;

	tunnels(w, 20000);
	gate_down(w);
	revoked = review(w, "b.example.com");
	assert_int_equal(revoked + egress_tunnels_forgotten(w->t), 20000);
	assert_int_equal(egress_tunnels_waiting(w->t), revoked);
	for (unsigned i = 0; i < 400000; i++) {
		char src[32];

		snprintf(src, sizeof(src), "10.%u.%u.%u", 64 + (i >> 16), i >> 8 & 255, i & 255);
		note(w, src, 1 + i % 60000, "CONNECT", "a.example.com", true);
	}
	gate_up(w);
	assert_int_equal(egress_tunnels_waiting(w->t), 0);
	egress_tunnels_flush(w->t);
	assert_string_equal(told(w), "");
}

static void
more_than_there_is_room_for(void **state)
{
	struct world *w = *state;
	size_t lines = 0, revoked, forgotten;
	char src[32], longest[600];
	const char *s;

	log_set_hook(count_warnings);
	tunnels(w, 80000);
	log_set_hook(NULL);
	assert_int_equal(warnings, 1);
	forgotten = egress_tunnels_forgotten(w->t);
	/* What is no tunnel, or not allowed, takes nobody's place. */
	for (unsigned i = 0; i < 80000; i++) {
		snprintf(src, sizeof(src), "192.0.%u.%u", i >> 8 & 255, i & 255);
		note(w, src, 1000 + i % 60000, i % 2 == 0 ? "GET" : "CONNECT", "a.example.com", i % 2 == 0);
	}
	revoked = review(w, "b.example.com");
	assert_in_range(revoked, 24000, 32768);
	assert_int_equal(forgotten + revoked, 80000);
	for (int i = 0; i < 1000; i++) {
		for (s = told(w); (s = strchr(s, '\n')) != NULL; s++)
			lines++;
		egress_tunnels_flush(w->t);
	}
	assert_int_equal(lines, revoked);
	/* A host that does not fit can't be judged again: the next change ends the tunnel. */
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	note(w, "192.0.2.1", 1001, "CONNECT", longest, true);
	assert_int_equal(review(w, "a.example.com"), 1);
	assert_string_equal(told(w), "cut 192.0.2.1 1001\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_allowed_no_more_is_cut_once, setup, teardown),
		cmocka_unit_test_setup_teardown(only_the_latest_of_a_client_port_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(requests_inside_an_opened_tunnel_leave_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_gate_that_is_away_is_told_later, setup, teardown),
		cmocka_unit_test_setup_teardown(what_made_room_waits_no_more, setup, teardown),
		cmocka_unit_test_setup_teardown(more_than_there_is_room_for, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
