/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_DETECT_H
#define LLMSEC_ICAP_DETECT_H
/*
 * Detectors: text in, findings and a score out.  What is compiled (rules, model, tables) is immutable and shared by all
 * threads and children; what applies to a text (modes, thresholds) comes with the call; scratch memory is the caller's
 * arena, which is given back between pieces of a long text.
 */
#include <stdbool.h>
#include <stddef.h>

#include "icap-llmsec/span.h"

struct diag;
struct detectors;	/* compiled, immutable */
struct pii_conf;
struct secret_conf;

enum detect_mode { DETECT_OFF, DETECT_MONITOR, DETECT_MASK, DETECT_BLOCK };

struct finding {
	const char	*rule_id;	/* "LLMSEC-INJ-0001", "LLMSEC-PII-EMAIL"; lives with detectors */
	const char	*category;	/* "injection", "pii.email", "pii.card" */
	enum detect_mode mode;		/* DETECT_OFF: adds to the score, no more */
	int		 severity;	/* 0..10 */
	size_t		 start, len;	/* in the text given */
	size_t		 span;		/* of a request: number of its span */
	float		 weight;	/* log-odds that it adds to the score; 0 for what is no sign of an attack */
};

struct findings {
	struct finding	*v;		/* in the arena; ordered by start, the model's last */
	size_t		 n;
};

/* How sure the detectors are that a text is an attack, 0..1, continuous; a model's probabilities, and with what the rules
   that matched add to it. */
struct detect_score {
	float	 score;			/* the whole */
	float	 direct, data;		/* the model's heads; 0 without a model, or where a head doesn't apply */
};

/* Which share of benign texts may be flagged: the model's thresholds were measured for these. */
enum detect_level { DETECT_STRICT, DETECT_BALANCED, DETECT_SENSITIVE };	/* 0.2 %, 0.5 %, 1 % */

/* Injection, by who said it. */
struct detect_modes {
	enum detect_mode user;		/* new turns */
	enum detect_mode tool;		/* tool results, retrieved text */
	enum detect_mode file;		/* documents and files */
	enum detect_mode assistant;	/* turns of the assistant that the client resends and we have not judged */
	enum detect_mode system;	/* system and developer prompts */
	enum detect_mode definitions;	/* descriptions of tools */
	enum detect_level level;
};

struct detect_conf {
	const char	*injection_pack;	/* YAML file or directory; "" or NULL: none */
	const char	*operator_pack;		/* more rules and topics; "" or NULL: none */
	const char	*model;			/* "" or NULL: none */
	const struct pii_conf *pii;		/* NULL: none */
	const struct secret_conf *secrets;	/* NULL: none */
};

int	detectors_load(struct detectors **, const struct detect_conf *, struct diag *);
void	detectors_free(struct detectors **);

/*
 * Run all detectors that apply to a span of a request.  The findings are appended; those before are not looked at.
 * 0, -ENOMEM, -EOVERFLOW (match limit hit: the caller's verdict is ERROR, never "clean").
 */
int	detect_span(const struct detectors *, const struct detect_modes *, const struct span *, struct arena *,
	    struct findings *, struct detect_score *);
/* Which mode applies to a span; *data: the model's data head counts as well.  A part that is no text is judged as PROV_FILE. */
enum detect_mode detect_mode_of(const struct detect_modes *, const struct span *, bool *data);
/* PII and secrets alone, on text the model wrote. */
int	detect_output(const struct detectors *, const char *text, size_t len, struct arena *, struct findings *);
/* The longest text an output detector or a mask token may span, in bytes: the stream's hold-back. */
size_t	detect_output_window(const struct detectors *);
/* The score at which a text is refused under <modes>: where the model's threshold of that level lies. */
float	detect_threshold(const struct detectors *, const struct detect_modes *, bool data);

/* Findings of personal data and secrets are no sign of an attack. */
bool	finding_is_private(const struct finding *);
/* Those get <most> at most. */
void	findings_cap_private(struct findings *, enum detect_mode most);
int	findings_add(struct findings *, struct arena *, const struct finding *);
#endif
