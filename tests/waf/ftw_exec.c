/* SPDX-License-Identifier: MIT */
/* The firewall as a co-process: see llmsec_waf_exec.c for its protocol. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/waf/ftw.h"

struct ftw_exec {
	struct ftw_transport transport;
	pid_t		 pid;
	FILE		*to, *from;
	char		*line;
	size_t		 cap;
};

static int
hex_value(int c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : 0;
}

/* Log lines of one answer; each ends in a newline of ours. */
static void
log_decode(struct buf *log, const char *p)
{
	for (; *p != '\0' && *p != '\n'; p++) {
		if (*p == ' ')
			buf_addc(log, '\n');
		else if (*p == '%' && p[1] != '\0' && p[2] != '\0') {
			buf_addc(log, (char)(hex_value(p[1]) << 4 | hex_value(p[2])));
			p += 2;
		} else {
			buf_addc(log, *p);
		}
	}
	buf_addc(log, '\n');
}

static int
answer_parse(struct ftw_answer *a, const char *id, const char *line)
{
	size_t n = strlen(id);
	char *p;

	if (strncmp(line, id, n) != 0 || line[n] != ' ')
		return -EPROTO;
	a->status = (int)strtol(line + n + 1, &p, 10);
	if (*p != ' ')
		return -EPROTO;
	for (p++; *p != ' ' && *p != '\n' && *p != '\0';) {
		if (a->n_ids < FTW_IDS_MAX && *p != '-')
			a->ids[a->n_ids++] = strtoll(p, NULL, 10);
		p += strcspn(p, ", \n");
		p += *p == ',';
	}
	log_decode(&a->log, *p == ' ' ? p + 1 : p);
	return 0;
}

/*
 * The client sees the firewall's refusal, or else what the server behind said; nothing that it would take for
 * an answer when the server waits for the rest of the body, or when it asked without a version: then there is
 * no status line.
 */
static void
client_view(struct ftw_answer *a, const struct ftw_stage *s)
{
	if (a->status == 408 || (s->input.raw.p == NULL && s->input.version.n == 0))
		a->status = 0;
	else if (a->status == 200)
		a->status = s->origin_status;
}

static int
exec_ask(struct ftw_transport *t, const char *id, const struct ftw_stage *s, struct ftw_answer *a)
{
	struct ftw_exec *e = (struct ftw_exec *)t;
	int r;

	fprintf(e->to, "REQ %s %zu %zu\n", id, s->request.n, s->origin.n);
	fwrite(s->request.p, 1, s->request.n, e->to);
	fwrite(s->origin.p, 1, s->origin.n, e->to);
	if (fflush(e->to) != 0 || getline(&e->line, &e->cap, e->from) < 0)
		return -EPIPE;
	r = answer_parse(a, id, e->line);
	if (r == 0)
		client_view(a, s);
	return r;
}

static int
exec_close(struct ftw_transport **t)
{
	struct ftw_exec *e = (struct ftw_exec *)*t;
	int status = 0;

	fclose(e->to);
	fclose(e->from);
	waitpid(e->pid, &status, 0);
	free(e->line);
	free(e);
	*t = NULL;
	return status == 0 ? 0 : -ECHILD;
}

static pid_t
spawn(char *const argv[], int fds[2])
{
	int to[2], from[2];
	pid_t pid;

	if (pipe(to) < 0 || pipe(from) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		close(to[0]);
		close(to[1]);
		close(from[0]);
		close(from[1]);
		execvp(argv[0], argv);
		fprintf(stderr, "ftw: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	fds[0] = to[1];
	fds[1] = from[0];
	return pid;
}

struct ftw_transport *
ftw_exec_open(char *const argv[])
{
	struct ftw_exec *e = calloc(1, sizeof(*e));
	int fds[2];

	if (e == NULL)
		return NULL;
	e->transport = (struct ftw_transport){ exec_ask, exec_close };
	e->pid = spawn(argv, fds);
	if (e->pid < 0) {
		free(e);
		return NULL;
	}
	e->to = fdopen(fds[0], "w");
	e->from = fdopen(fds[1], "r");
	return &e->transport;
}
