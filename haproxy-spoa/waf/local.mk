# SPDX-License-Identifier: MIT
# The WAF engine: a library that knows nothing of SPOP, and llmsec-waf, its command-line twin.  Each part of it
# lists its own sources and tests: seclang (reads rules), data (requests, bodies, collections), ops (operators,
# transformations, literals), engine (plan and execution), tools (llmsec-waf, conformance, bench).
if SPOAD
noinst_LTLIBRARIES += %D%/libwaf.la
%C%_libwaf_la_SOURCES =
%C%_libwaf_la_CFLAGS = $(AM_CFLAGS) $(PCRE2_CFLAGS) $(XML2_CFLAGS) $(LMDB_CFLAGS)
%C%_libwaf_la_LIBADD = $(LIBLLMSEC) $(PCRE2_LIBS) $(XML2_LIBS) $(LMDB_LIBS) $(INJECTION_LIBS) $(CRYPTO_LIBS)
include %D%/seclang.mk
include %D%/data.mk
include %D%/ops.mk
include %D%/rxlit.mk
include %D%/engine.mk
include %D%/tools.mk
endif
noinst_HEADERS += %D%/waf.h %D%/var.h %D%/transform.h %D%/op.h %D%/rxlit.h %D%/rule.h
