/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_CONF_H
#define LLMSEC_ICAP_CONF_H
/* icap.yaml, and everything compiled from it.  Immutable after icap_policy_load(); shared by threads. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "icap-llmsec/attach.h"
#include "icap-llmsec/content.h"
#include "icap-llmsec/convo.h"
#include "icap-llmsec/detect.h"
#include "icap-llmsec/pii.h"
#include "icap-llmsec/responses.h"
#include "icap-llmsec/secret.h"
#include "icap-llmsec/shadow.h"
#include "lib/conf.h"



struct diag;
struct keyring;

enum icap_fail { FAIL_CLOSED, FAIL_OPEN };
enum icap_coding { CODING_DECODE, CODING_REFUSE };
enum icap_unknown { UNKNOWN_REFUSE, UNKNOWN_PASS };

struct icap_events { char *socket, *spool_dir; };
struct icap_injection {
	char	*pack, *local_pack, *model;
	int	 user, tool, file, assistant, system, definitions;	/* enum detect_mode */
	int	 level;			/* enum detect_level */
};

/* What applies to some routes and keys instead of the general settings; the first that fits counts. */
struct icap_exception {
	char	*name;
	struct conf_strs routes;	/* fnmatch(3) patterns of the path; none: every route */
	struct conf_strs keys;		/* digests of API keys, as events show them; none: every key */
	int	 user, tool, file, assistant, system, definitions, level;	/* enum detect_mode, detect_level; -1: as in general */
	int	 pii;			/* enum detect_mode: the most that is done; -1: as in general */
	struct attach_modes attachments;	/* -1: as in general */
	/* compiled */
	struct detect_modes modes;
	struct attach_modes files;
};

struct icap_policy {
	/* straight from YAML */
	char	*log_level, *node, *run_dir, *counters_dir;
	struct icap_events events;
	char	*edge_keys, *tx_keys;	/* keyring files; "" = none */
	bool	 require_edge;		/* refuse requests without a valid X-Edge99-Signature */
	int64_t	 edge_max_age;		/* ms */
	int	 fail;			/* enum icap_fail: what INSPECT_ERROR means */
	int	 coding;		/* enum icap_coding: compressed bodies */
	int	 unknown_route;		/* enum icap_unknown: unknown operations below an LLM prefix */
	int	 files;			/* enum icap_unknown: uploads */
	int64_t	 max_request, max_response;	/* bytes, decoded */
	int64_t	 hold_max;		/* bytes of a JSON response held before headers go out; < 64 KB */
	int64_t	 stream_window;		/* bytes of text held back in streams at most */
	int	 depth;			/* JSON nesting */
	int	 max_connections;	/* announced to Squid */
	struct icap_injection injection;
	struct pii_conf pii;
	struct secret_conf secrets;
	struct attach_conf attachments;
	struct resp_conf responses;
	struct traj_conf trajectory;
	struct content_conf content;	/* of the forward proxy */
	struct shadow_conf shadow_log;	/* key "shadow" */
	bool	 overhead_header;	/* X-LLMSec-Overhead-Us on answers */
	struct icap_exception *exceptions;
	size_t	 n_exceptions;
	/* compiled */
	struct detect_modes modes;
	struct detectors *detectors;
	struct keyring	 *edge_keyring, *tx_keyring;	/* NULL if none */
	struct conf_mem	 *mem;
	struct convo_table *convo;	/* borrowed; outlives the policy; NULL: every turn is new */
	struct shadow	 *shadow;	/* set by the service, freed with the policy; NULL: no text is kept */
};

extern const struct conf_opt icap_conf_opts[];
int	icap_policy_load(struct icap_policy **, const char *path, struct diag *);
/* Without the keys, which only the service's user may read: for judging texts alone. */
int	icap_policy_load_keyless(struct icap_policy **, const char *path, struct diag *);
void	icap_policy_free(struct icap_policy **);
/* The exception that applies, NULL: none.  <path> without query; <key> the digest, "" if there is none. */
const struct icap_exception *icap_policy_exception(const struct icap_policy *, const char *path, const char *key);
#endif
