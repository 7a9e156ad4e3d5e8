/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/ctl_check.h"

extern char **environ;

static const struct checked {
	const char	*program;
	const char	*file;
} table[] = {
	{ "llmsec-spoad", "spoad.yaml" },
	{ "llmsec-scan", "icap.yaml" },		/* reads what the c-icap service reads */
	{ "ext_llmsec_egress_acl", "egress.yaml" },
	{ "llmsecd", "llmsecd.yaml" },
};

bool
ctl_program_find(char out[PATH_MAX], const char *dirs, const char *name)
{
	while (*dirs != '\0') {
		size_t n = strcspn(dirs, ":");

		if (n > 0 && snprintf(out, PATH_MAX, "%.*s/%s", (int)n, dirs, name) < PATH_MAX &&
		    access(out, X_OK) == 0)
			return true;
		dirs += n + (dirs[n] == ':');
	}
	return false;
}

/* Start it with stdout and stderr in one pipe; the read end or -errno. */
static int
run_start(const char *const *argv, pid_t *pid)
{
	posix_spawn_file_actions_t act;
	int p[2], r;

	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	posix_spawn_file_actions_init(&act);
	posix_spawn_file_actions_addopen(&act, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&act, p[1], 1);
	posix_spawn_file_actions_adddup2(&act, p[1], 2);
	/* posix_spawn(3) takes char * for history's sake; it writes to none of them. */
	r = posix_spawn(pid, argv[0], &act, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&act);
	close(p[1]);
	if (r != 0) {
		close(p[0]);
		return -r;
	}
	return p[0];
}

/* Does <line> have one of <words>, which bars keep apart? */
static bool
has_one(const char *line, const char *words)
{
	while (*words != '\0') {
		size_t n = strcspn(words, "|");

		if (memmem(line, strlen(line), words, n) != NULL)
			return true;
		words += n + (words[n] == '|');
	}
	return false;
}

/* Keep the first line that has one of <words>, else the first line; read all, so that it never blocks. */
static void
output_read(int fd, const char *words, char *out, size_t size)
{
	FILE *f = fdopen(fd, "r");
	char line[1024];
	bool found = false;

	out[0] = '\0';
	if (f == NULL) {
		close(fd);
		return;
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		if (!found && (out[0] == '\0' || has_one(line, words))) {
			found = has_one(line, words);
			snprintf(out, size, "%s", line);
		}
	}
	fclose(f);
}

int
ctl_run(const char *const *argv, const char *words, char *said, size_t size)
{
	int fd, status = 0;
	pid_t pid;

	said[0] = '\0';
	fd = run_start(argv, &pid);
	if (fd < 0)
		return fd;
	output_read(fd, words, said, size);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* True: fine. */
static bool
check_one(const char *program, const char *file, FILE *out)
{
	const char *const argv[] = {program, "--check", "-c", file, NULL};
	char text[1024];
	int r = ctl_run(argv, "error", text, sizeof(text));

	if (r < 0) {
		fprintf(out, "%s: cannot run %s: %s\n", file, program, strerror(-r));
		return false;
	}
	if (r == 0) {
		fprintf(out, "%s: OK\n", file);
		return true;
	}
	if (text[0] == '\0')
		snprintf(text, sizeof(text), "error: its program refused it without a word");
	/* Messages begin with the file's name already. */
	if (strncmp(text, file, strlen(file)) == 0)
		fprintf(out, "%s\n", text);
	else
		fprintf(out, "%s: %s\n", file, text);
	return false;
}

int
ctl_check(const char *conf_dir, const char *program_dirs, FILE *out)
{
	char program[PATH_MAX], file[PATH_MAX];
	int failed = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (snprintf(file, sizeof(file), "%s/%s", conf_dir, table[i].file) >=
		    (int)sizeof(file))
			return failed + 1;
		if (!ctl_program_find(program, program_dirs, table[i].program)) {
			fprintf(out, "%s: skipped, %s is not installed\n", file, table[i].program);
			continue;
		}
		if (!check_one(program, file, out))
			failed++;
		fflush(out);
	}
	return failed;
}
