/* SPDX-License-Identifier: MIT */
/* llmsec-ja4(1): fingerprints of ClientHellos, from hexadecimal lines or captures. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_PCAP
#include <pcap/pcap.h>
#endif

#include "haproxy-spoa/tls/flows.h"
#include "haproxy-spoa/tls/hello.h"
#include "haproxy-spoa/tls/ja.h"

enum { EXIT_OK, EXIT_FINDINGS, EXIT_USAGE };

struct app {
	bool	 pcap, flows, text;
	bool	 bad;		/* something was no whole hello */
};

static void
usage(FILE *f)
{
	fputs("usage: llmsec-ja4 [-f] [-t] [FILE ...]\n"
	    "       llmsec-ja4 [-f] [-t] --pcap FILE ...\n"
	    "Prints \"ja4 ja4_r ja3\" for each ClientHello.  Input lines (standard input without FILE):\n"
	    "  t HEX   TLS over TCP: the handshake message (01...) or the record(s) (16...)\n"
	    "  q HEX   QUIC: the handshake message\n"
	    "  d HEX   DTLS: the handshake message or the record(s)\n"
	    "What is no hello prints \"short\", \"malformed\" or \"not-hello\" and makes the exit status 1.\n"
	    "options:\n"
	    "  -p, --pcap     FILEs are captures (pcap, pcapng; - is standard input)\n"
	    "  -f, --flows    captures: put \"client port server port\" behind each line\n"
	    "  -t, --ja3-text print the text that JA3 hashes in place of its hash\n"
	    "      --version; -h, --help\n", f);
}

static void
print_hello(struct app *a, enum tls_transport t, enum tls_result r, const uint8_t *msg, size_t len, const struct flow_hello *fl)
{
	static char raw[JA4_RAW_MAX], text[JA4_RAW_MAX];
	char ja4[JA4_LEN];
	struct tls_hello h;

	if (r == TLS_OK)
		r = tls_hello_parse(&h, t, msg, len);
	if (r == TLS_OK) {
		ja4_hash(ja4, &h);
		ja4_raw(raw, sizeof(raw), &h);
		if (a->text)
			ja3_text(text, sizeof(text), &h);
		else
			ja3_hash(text, &h);
		printf("%s %s %s", ja4, raw, text);
	} else {
		a->bad = true;
		printf("%s - -", tls_result_str(r));
	}
	if (fl != NULL && a->flows)
		printf(" %s %u %s %u", fl->src, fl->sport, fl->dst, fl->dport);
	putchar('\n');
}

/* Decode in place; the number of bytes, or -1. */
static ssize_t
unhex(char *s)
{
	unsigned char *out = (unsigned char *)s;
	size_t n = 0;
	int hi, lo;

	for (; s[0] != '\0'; s += 2) {
		hi = isxdigit((unsigned char)s[0]) ? s[0] : 0;
		lo = hi && isxdigit((unsigned char)s[1]) ? s[1] : 0;
		if (lo == 0)
			return -1;
		hi = hi <= '9' ? hi - '0' : (hi | 32) - 'a' + 10;
		lo = lo <= '9' ? lo - '0' : (lo | 32) - 'a' + 10;
		out[n++] = (unsigned char)(hi << 4 | lo);
	}
	return (ssize_t)n;
}

static void
print_bytes(struct app *a, enum tls_transport t, uint8_t *p, size_t n)
{
	static uint8_t joined[65536 + 64];
	enum tls_result r = TLS_OK;
	size_t len = n;

	if (n > 0 && p[0] == 22 && t == TLS_OVER_DTLS) {
		r = dtls_records_join(p, n, joined, sizeof(joined), &len);
		p = joined;
	} else if (n > 0 && p[0] == 22)
		r = tls_records_join(p, n, p, &len);
	print_hello(a, t, r, p, len, NULL);
}

static int
line_take(struct app *a, char *line, const char *name, size_t number)
{
	char *hex;
	ssize_t n;

	line[strcspn(line, "\r\n")] = '\0';
	if (line[0] == '\0' || line[0] == '#')
		return 0;
	hex = line + 1 + strspn(line + 1, " \t");
	if (strchr("tqd", line[0]) == NULL || hex == line + 1 || (n = unhex(hex)) < 0) {
		fprintf(stderr, "%s:%zu: error: expected \"t HEX\", \"q HEX\" or \"d HEX\"\n", name, number);
		return -1;
	}
	print_bytes(a, (enum tls_transport)line[0], (uint8_t *)hex, (size_t)n);
	fflush(stdout);
	return 0;
}

static int
lines_file(struct app *a, FILE *f, const char *name)
{
	char *line = NULL;
	size_t size = 0, number = 0;
	int rc = 0;

	while (getline(&line, &size, f) >= 0)
		if (line_take(a, line, name, ++number) != 0)
			rc = -1;
	free(line);
	return rc;
}

#ifdef HAVE_PCAP
static void
on_hello(void *arg, const struct flow_hello *h)
{
	print_hello(arg, h->transport, h->result, h->message, h->len, h);
}

static int
capture_file(struct app *a, const char *name)
{
	char why[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *head;
	const u_char *data;
	struct flows *f = NULL;
	pcap_t *p;
	int rc = 0, got;

	p = pcap_open_offline(name, why);
	if (p == NULL) {
		fprintf(stderr, "llmsec-ja4: %s: %s\n", name, why);
		return -1;
	}
	f = flows_new(on_hello, a);
	if (f == NULL) {
		fprintf(stderr, "llmsec-ja4: %s\n", strerror(ENOMEM));
		rc = -1;
	}
	while (rc == 0 && (got = pcap_next_ex(p, &head, &data)) != PCAP_ERROR_BREAK) {
		if (got < 0) {
			fprintf(stderr, "llmsec-ja4: %s: %s\n", name, pcap_geterr(p));
			rc = -1;
		} else if (!flows_packet(f, pcap_datalink(p), data, head->caplen)) {
			fprintf(stderr, "llmsec-ja4: %s: link type %d is not known\n", name, pcap_datalink(p));
			rc = -1;
		}
	}
	flows_free(&f);
	pcap_close(p);
	return rc;
}
#else
static int
capture_file(struct app *a, const char *name)
{
	fprintf(stderr, "llmsec-ja4: %s: built without libpcap\n", name);
	return -1;
}
#endif

static int
one_file(struct app *a, const char *name)
{
	FILE *f;
	int rc;

	if (a->pcap)
		return capture_file(a, name);
	if (strcmp(name, "-") == 0)
		return lines_file(a, stdin, "-");
	f = fopen(name, "r");
	if (f == NULL) {
		fprintf(stderr, "llmsec-ja4: %s: %s\n", name, strerror(errno));
		return -1;
	}
	rc = lines_file(a, f, name);
	fclose(f);
	return rc;
}

int
main(int argc, char **argv)
{
	static const struct option opts[] = {
		{"pcap", no_argument, NULL, 'p'}, {"flows", no_argument, NULL, 'f'}, {"ja3-text", no_argument, NULL, 't'},
		{"version", no_argument, NULL, 'V'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}
	};
	struct app a = {0};
	int c, rc = 0;

	while ((c = getopt_long(argc, argv, "pfth", opts, NULL)) != -1)
		switch (c) {
		case 'p': a.pcap = true; break;
		case 'f': a.flows = true; break;
		case 't': a.text = true; break;
		case 'V': puts("llmsec-ja4 " PACKAGE_VERSION); return EXIT_OK;
		case 'h': usage(stdout); return EXIT_OK;
		default: usage(stderr); return EXIT_USAGE;
		}
	if (optind == argc && a.pcap) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (optind == argc)
		rc = one_file(&a, "-");
	for (; optind < argc; optind++)
		if (one_file(&a, argv[optind]) != 0)
			rc = -1;
	if (fflush(stdout) != 0 || ferror(stdout))
		rc = -1;
	return rc != 0 ? EXIT_USAGE : a.bad ? EXIT_FINDINGS : EXIT_OK;
}
