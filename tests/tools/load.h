/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_LOAD_H
#define LLMSEC_LOAD_H
/*
 * llmsec-load: asks an LLM endpoint (whose provider is llmsec-mock) many times and says how the answers
 * came.  One thread, libcurl's multi interface; all times in milliseconds of CLOCK_MONOTONIC, which
 * the mock on the same machine stamps its events with.
 */
#include <curl/curl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/buf.h"

enum load_dialect { LOAD_OPENAI, LOAD_ANTHROPIC, LOAD_GEMINI, LOAD_OLLAMA };

struct load_options {
	const char	*url, *baseline;	/* bases, without path; baseline may be NULL */
	const char	*ca_file, *baseline_ca, *key;
	const char	*body_file, *path;	/* override what the dialect says; may be NULL */
	const char	*directives;		/* for X-Mock; may be NULL */
	enum load_dialect dialect;
	bool		 h2, json;
	unsigned	 n, concurrency, tokens, interval_ms, warmup;
	unsigned	 expect;		/* HTTP status */
	double		 stall_ms, seconds;
	unsigned	 timeout_s;
	size_t		 size;
	struct curl_slist *headers;		/* --header */
};

/* A growing list of measurements. */
struct load_samples {
	double	*v;
	size_t	 n, cap;
};

struct load_result {
	unsigned long	 done, errors, lost, duplicated, reordered, stalls, events;
	double		 elapsed_s;
	struct load_samples ttfe, gap, lag, latency;
	char		 first_error[256];
};

/* --- load_stats.c --------------------------------------------------------------------------- */
double	load_now_ms(void);
void	load_sample(struct load_samples *, double);
/* Percentile 0..100 by nearest rank, NAN when empty.  Sorts. */
double	load_percentile(struct load_samples *, double percent);
void	load_result_free(struct load_result *);
/* Count an error and keep the first one's words. */
void	load_error(struct load_result *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
json_t	*load_result_json(struct load_result *, const char *mode, const char *url);
void	load_result_print(struct load_result *, const char *mode, const char *url);
/* Medians of <a> against <b>. */
json_t	*load_compare_json(struct load_result *a, struct load_result *b);
void	load_compare_print(struct load_result *a, struct load_result *b);
/* No error, lost, duplicated or reordered event, no stall, and something was measured. */
bool	load_result_good(const struct load_result *);

/* --- load_http.c ---------------------------------------------------------------------------- */
/* A handle for one request: URL, TLS, headers, and <body> (borrowed).  Heap; curl_easy_cleanup. */
struct load_request {
	CURL		*easy;
	struct curl_slist *headers;
};
int	load_request_init(struct load_request *, const struct load_options *, const char *base, bool stream,
	    const char *body, size_t len, const char *directives);
void	load_request_free(struct load_request *);
CURLM	*load_multi_new(const struct load_options *);
/* The request body of the dialect with <text> as the user's message; JSON. */
void	load_body(struct buf *, enum load_dialect, bool stream, const char *text, size_t len);
int	load_body_file(struct buf *, const char *path);
/* Run the transfers until at least one finished or <until_ms>; -EIO when libcurl fails. */
int	load_wait(CURLM *, double until_ms);

/* --- modes: add to <result>; 0 or -errno ------------------------------------------------------- */
int	load_stream(const struct load_options *, const char *base, CURLM *, unsigned n, struct load_result *);
int	load_req(const struct load_options *, const char *base, CURLM *, double seconds, struct load_result *);
int	load_big(const struct load_options *, const char *base, CURLM *, struct load_result *);
#endif
