/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/ban_link.h"
#include "control/ban_list.h"
#include "control/ctltime.h"
#include "control/haproxy_answer.h"
#include "control/haproxy_cli.h"
#include "control/llmsecd_conf.h"
#include "control/llmsecd_metrics.h"
#include "lib/buf.h"
#include "lib/log.h"

#define BATCH		1000
#define COMMAND_MAX	1200		/* longest of command_add(): a table's name for each edge */
#define TIMEOUT_MS	2000
#define LOOK_MS		500		/* is it still the same HAProxy? */
#define COMPARE_MS	60000		/* has it what it should? */
#define RESYNC_MS	3000		/* after a start, when its peers may have given it what is long lifted */
#define STRAY_MS	10000		/* an agent's event is here by then */
#define AGAIN_MS	900000		/* long before the tables' own expiry forgets */
#define SWAP_FROM	32		/* networks in a batch from which the whole map is exchanged */
#define STRAYS		512		/* a comparison lifts at most so many that nobody knows of */

struct ban_link {
	pthread_t	 thread;
	struct ban_list	*list;
	struct counters	*ctr;
	char		*socket, *map;
	char		*table[BAN_EDGES];	/* as the list's edges; NULL: none */
	size_t		 n_tables;
	long		 pid;		/* HAProxy's, when it was told everything; 0: it must be */
	int64_t		 look_ms, compare_ms, again_ms;	/* monotonic */
	uint64_t	 swapped;	/* changes of networks up to this turn are in the map */
	struct cidr	 stray[STRAYS];	/* known to HAProxy only, at the last comparison */
	size_t		 n_strays;
	bool		 up;
};

static void
count(const struct ban_link *k, enum llmsecd_metric m)
{
	if (k->ctr != NULL)
		counters_add(k->ctr, m, 1);
}

static void
link_state(struct ban_link *k, bool up, const char *error)
{
	if (!up && k->up)
		log_warnx("bans wait for HAProxy at %s: %s", k->socket, error);
	else if (up && !k->up)
		log_notice("bans reach HAProxy at %s", k->socket);
	k->up = up;
	ban_list_link_set(k->list, up, error);
}

static const char *
key_text(const struct cidr *c, char out[CIDR_TEXT + 8])
{
	char text[CIDR_TEXT];

	cidr_format(c, text);
	text[strcspn(text, "/")] = '\0';
	snprintf(out, CIDR_TEXT + 8, "%s%s", cidr_is_v4(c) ? "::ffff:" : "", text);
	return out;
}

static void
command_add(struct buf *b, const struct ban_link *k, const struct ban_change *c)
{
	char text[CIDR_TEXT], key[CIDR_TEXT + 8];

	if (ban_in_table(&c->cidr)) {
		key_text(&c->cidr, key);
		buf_printf(b, "set table %s key %s data.gpt0 %u;", k->table[0], key, c->value);
		/* Whoever is away can't take its own vote back. */
		for (size_t i = 1; c->lifted && i < k->n_tables; i++)
			if (k->table[i] != NULL)
				buf_printf(b, "set table %s key %s data.gpt0 0;", k->table[i], key);
		return;
	}
	if (c->turn <= k->swapped)
		return;
	cidr_format(&c->cidr, text);
	/* Adding a key that is there would make two of it. */
	buf_printf(b, "del map %s %s;", k->map, text);
	if (c->value > 0)
		buf_printf(b, "add map %s %s %u;", k->map, text, c->value);
}

/* One connection.  NULL, or what went wrong, in <why>. */
static const char *
send_line(struct ban_link *k, struct buf *commands, char why[BAN_REASON])
{
	struct buf answer = {0};
	const char *said;
	int r;

	/* Behind the last ";" HAProxy would look for another command. */
	commands->len -= commands->err == 0;
	buf_addc(commands, '\n');
	r = commands->err != 0 ? commands->err :
	    haproxy_cli(k->socket, buf_ptr(commands), buf_len(commands), TIMEOUT_MS, &answer);
	buf_addc(&answer, '\0');
	said = r < 0 ? strerror(-r) : answer.err != 0 ? "no memory" : haproxy_complaint(answer.data);
	if (said != NULL)
		snprintf(why, BAN_REASON, "%s", said);
	buf_free(&answer);
	buf_clear(commands);
	return said != NULL ? why : NULL;
}

static bool
failed(struct ban_link *k, const char *why)
{
	if (why == NULL)
		return false;
	link_state(k, false, why);
	k->pid = 0;
	return true;
}

static bool
tell(struct ban_link *k, const struct ban_change *c, size_t n)
{
	struct buf commands = {0};
	char text[BAN_REASON];
	const char *why = NULL;

	for (size_t i = 0; i < n && why == NULL; i++) {
		command_add(&commands, k, &c[i]);
		if (buf_len(&commands) > HAPROXY_CLI_LINE - COMMAND_MAX || (i + 1 == n && buf_len(&commands) > 0))
			why = send_line(k, &commands, text);
	}
	buf_free(&commands);
	return !failed(k, why);
}

/* --- the map, exchanged as a whole ----------------------------------------------------------- */

struct swap {
	struct ban_link	*link;
	struct buf	 nets;		/* "192.0.2.0/24 1\n" */
};

static void
swap_row(void *arg, const struct cidr *c, uint32_t value)
{
	char text[CIDR_TEXT];

	buf_printf(&((struct swap *)arg)->nets, "%s %u\n", cidr_format(c, text), value);
}

/* Lines of <nets> into the version that is being prepared. */
static const char *
swap_fill(struct ban_link *k, struct buf *nets, unsigned version, char why[BAN_REASON])
{
	struct buf commands = {0};
	const char *r = NULL;
	char *save = NULL, *line;

	buf_addc(nets, '\0');
	if (nets->err != 0)
		return "no memory";
	for (line = strtok_r(nets->data, "\n", &save); line != NULL && r == NULL; line = strtok_r(NULL, "\n", &save)) {
		buf_printf(&commands, "add map @%u %s %s;", version, k->map, line);
		if (buf_len(&commands) > HAPROXY_CLI_LINE - COMMAND_MAX)
			r = send_line(k, &commands, why);
	}
	if (r == NULL) {
		buf_printf(&commands, "commit map @%u %s;", version, k->map);
		r = send_line(k, &commands, why);
	}
	buf_free(&commands);
	return r;
}

/* Readers of the map see the old one or the new one, never a part: "prepare map" is from HAProxy 2.4. */
static bool
map_swap(struct ban_link *k)
{
	struct swap s = { .link = k };
	struct buf command = {0}, answer = {0};
	char text[BAN_REASON];
	const char *why = NULL;
	unsigned version = 0;
	uint64_t turn = ban_list_networks(k->list, swap_row, &s);
	int r;

	buf_printf(&command, "prepare map %s\n", k->map);
	r = haproxy_cli(k->socket, buf_ptr(&command), buf_len(&command), TIMEOUT_MS, &answer);
	if (r == 0 && buf_addc(&answer, '\0') == 0)
		version = haproxy_map_version(buf_ptr(&answer));
	if (version > 0)
		why = swap_fill(k, &s.nets, version, text);
	else
		why = r < 0 ? strerror(-r) : "\"prepare map\" gave no version";
	buf_free(&answer);
	buf_free(&command);
	buf_free(&s.nets);
	if (why == NULL)
		k->swapped = turn;
	return !failed(k, why);
}

static bool
many_networks(const struct ban_link *k, const struct ban_change *c, size_t n)
{
	size_t nets = 0;

	for (size_t i = 0; i < n; i++)
		nets += !ban_in_table(&c[i].cidr) && c[i].turn > k->swapped;
	return nets >= SWAP_FROM;
}

/* --- streams that are under way -------------------------------------------------------------- */

/* Is the client of this line of "show sess" one of those?  Its stream's name, else NULL. */
static const char *
stream_of(char *line, const struct ban_change *c, size_t n)
{
	const char *name;
	struct cidr from;

	if (!haproxy_stream(line, &name, &from))
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (c[i].cut && cidr_covers(&c[i].cidr, &from))
			return name;
	return NULL;
}

static void
streams_cut(struct ban_link *k, const struct ban_change *c, size_t n)
{
	struct buf seen = {0}, commands = {0}, answer = {0};
	char *save = NULL, *line;
	const char *id;

	if (haproxy_cli(k->socket, "show sess\n", 10, TIMEOUT_MS, &seen) == 0 && buf_addc(&seen, '\0') == 0)
		for (line = strtok_r(seen.data, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
			id = stream_of(line, c, n);
			if (id == NULL)
				continue;
			buf_printf(&commands, "shutdown session %s\n", id);
			haproxy_cli(k->socket, buf_ptr(&commands), buf_len(&commands), TIMEOUT_MS, &answer);
			buf_clear(&commands);
			buf_clear(&answer);
			count(k, M_BAN_CUT);
		}
	buf_free(&seen);
	buf_free(&commands);
	buf_free(&answer);
}

static bool
any_cut(const struct ban_change *c, size_t n)
{
	while (n > 0 && !c[n - 1].cut)
		n--;
	return n > 0;
}

/* Tell it what is queued; streams of who is banned now are ended. */
static bool
changes_tell(struct ban_link *k)
{
	struct ban_change c[BATCH];
	size_t n;
	bool ok = true;

	while (ok && (n = ban_list_changes(k->list, c, BATCH)) > 0) {
		if (many_networks(k, c, n))
			ok = map_swap(k);
		ok = ok && tell(k, c, n);
		if (ok && any_cut(c, n))
			streams_cut(k, c, n);
		ban_list_told(k->list, c, n, ok);
	}
	return ok;
}

/* --- has it what it should? ------------------------------------------------------------------ */

static bool
was_stray(const struct ban_link *k, const struct cidr *c)
{
	for (size_t i = 0; i < k->n_strays; i++)
		if (cidr_equal(&k->stray[i], c))
			return true;
	return false;
}

/*
 * One line each that HAProxy holds.  What nobody here knows of may be a ban of the agent's whose event is still on its
 * way; seen twice, it is what a peer gave back after it was lifted.
 */
static void
compare_lines(struct ban_link *k, char *text)
{
	struct cidr c, stray[STRAYS];
	size_t n_strays = 0;
	char *save = NULL, *line;
	uint32_t value;

	for (line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		if (!haproxy_entry(line, &c, &value) || value == 0)
			continue;
		if (ban_list_compare(k->list, &c, value))
			continue;
		if (was_stray(k, &c)) {
			ban_list_tell_gone(k->list, &c);
			count(k, M_BAN_STRAYS);
		} else if (n_strays < STRAYS) {
			stray[n_strays++] = c;
		}
	}
	if (n_strays > 0)
		memcpy(k->stray, stray, n_strays * sizeof(stray[0]));
	k->n_strays = n_strays;
}

static void
compare(struct ban_link *k, int64_t now)
{
	struct buf command = {0}, answer = {0};
	int r;

	buf_printf(&command, "show table %s data.gpt0 gt 0\n", k->table[0]);
	r = haproxy_cli(k->socket, buf_ptr(&command), buf_len(&command), TIMEOUT_MS, &answer);
	if (r == 0 && buf_addc(&answer, '\0') == 0) {
		compare_lines(k, answer.data);
	} else {
		k->again_ms = now;	/* too much to compare: write it all again */
	}
	k->compare_ms = now + (k->n_strays > 0 ? STRAY_MS : COMPARE_MS);
	buf_free(&command);
	buf_free(&answer);
}

/* Is HAProxy there?  One that isn't who it was knows nothing. */
static void
look(struct ban_link *k, int64_t now)
{
	struct buf answer = {0};
	long pid = 0;
	int r = haproxy_cli(k->socket, "show info\n", 10, TIMEOUT_MS, &answer);

	if (r == 0 && buf_addc(&answer, '\0') == 0)
		pid = haproxy_pid(buf_ptr(&answer));
	buf_free(&answer);
	k->look_ms = now + LOOK_MS;
	if (pid == 0) {
		link_state(k, false, r < 0 ? strerror(-r) : "no answer to \"show info\"");
		return;
	}
	if (pid != k->pid || now >= k->again_ms) {
		ban_list_tell_all(k->list);
		k->compare_ms = pid != k->pid ? now + RESYNC_MS : k->compare_ms;
		k->pid = pid;
		k->again_ms = now + AGAIN_MS;
		if (!map_swap(k) || !changes_tell(k))
			return;
	}
	link_state(k, true, "");
	if (now >= k->compare_ms)
		compare(k, now);
}

static void
gauges_set(struct ban_link *k)
{
	struct ban_counts n;

	if (k->ctr == NULL)
		return;
	ban_list_count(k->list, &n);
	counters_set(k->ctr, M_BANS_OWN, (int64_t)n.own);
	counters_set(k->ctr, M_BANS_OTHERS, (int64_t)n.others);
	counters_set(k->ctr, M_BANS_IN_FORCE, (int64_t)n.in_force);
	counters_set(k->ctr, M_BANS_PENDING, (int64_t)n.pending);
	counters_set(k->ctr, M_BANS_HAPROXY, k->up);
}

static void
nobody_to_tell(struct ban_link *k)
{
	struct ban_change c[BATCH];
	size_t n;

	while ((n = ban_list_changes(k->list, c, BATCH)) > 0)
		ban_list_told(k->list, c, n, true);
}

static void *
link_main(void *arg)
{
	struct ban_link *k = arg;
	int64_t next, now, wait = 0;

	if (k->socket[0] == '\0')
		ban_list_link_set(k->list, false, "bans.haproxy_socket is empty");
	while (ban_list_wait(k->list, k->up || k->socket[0] == '\0', (int)wait)) {
		now = ctltime_mono_ms();
		next = ban_list_expire(k->list, ctltime_now_ms());
		if (k->socket[0] == '\0') {
			nobody_to_tell(k);
		} else {
			if (k->up)
				changes_tell(k);
			if (now >= k->look_ms)
				look(k, now);
		}
		gauges_set(k);
		wait = next == INT64_MAX ? LOOK_MS : next - ctltime_now_ms();
		wait = wait < 0 ? 0 : wait > LOOK_MS ? LOOK_MS : wait;
	}
	return NULL;
}

static void
link_free(struct ban_link *k)
{
	free(k->socket);
	free(k->map);
	for (size_t i = 0; i < BAN_EDGES; i++)
		free(k->table[i]);
	free(k);
}

static int
names_copy(struct ban_link *k, const struct llmsecd_conf *conf)
{
	const char *name;

	k->n_tables = 1 + conf->cluster.n_nodes;
	k->socket = strdup(conf->bans.haproxy_socket);
	k->map = strdup(conf->bans.haproxy_map);
	if (k->socket == NULL || k->map == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < k->n_tables; i++) {
		name = i == 0 ? conf->bans.haproxy_table : conf->cluster.nodes[i - 1].table;
		if (*name != '\0' && (k->table[i] = strdup(name)) == NULL)
			return -ENOMEM;
	}
	return 0;
}

int
ban_link_start(struct ban_link **out, const struct llmsecd_conf *conf, struct ban_list *list,
    struct counters *ctr)
{
	struct ban_link *k = calloc(1, sizeof(*k));
	int r;

	*out = NULL;
	if (k == NULL)
		return -ENOMEM;
	k->list = list;
	k->ctr = ctr;
	r = names_copy(k, conf);
	if (r == 0)
		r = -pthread_create(&k->thread, NULL, link_main, k);
	if (r < 0) {
		link_free(k);
		return r;
	}
	*out = k;
	return 0;
}

void
ban_link_stop(struct ban_link **kp)
{
	if (*kp == NULL)
		return;
	ban_list_stop((*kp)->list);
	pthread_join((*kp)->thread, NULL);
	link_free(*kp);
	*kp = NULL;
}
