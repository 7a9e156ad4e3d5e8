/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_ENG_GEO_H
#define LLMSEC_SPOAD_ENG_GEO_H
/*
 * Country and autonomous system of the client's address, out of databases in MaxMind's format.  Without a
 * database, without the library, for an address nobody owns: country "ZZ", system 0.
 *
 * A file that is replaced is noticed by tick() in the main thread, which opens the new one and publishes it;
 * each worker moves over at its next request and the last one to let go frees the old.  A file that is no
 * database leaves the old one in place, and the log says so once.
 */
#include "haproxy-spoa/engine.h"
#include "lib/conf.h"

struct geo_conf {
	char	*country_db, *asn_db;	/* "": none */
};

extern const struct conf_opt geo_conf_opts[];
extern const struct spoad_engine engine_geo;
#endif
