# SPDX-License-Identifier: MIT
# Hostile clients: run by `./dev test` and `./dev bench edge`, not by `make check`.
if BUILD_TESTS
check_PROGRAMS += %D%/llmsec-flood
noinst_HEADERS += %D%/flood.h
%C%_llmsec_flood_CFLAGS = $(AM_CFLAGS) $(SSL_CFLAGS)
%C%_llmsec_flood_SOURCES = %D%/flood_main.c %D%/flood_net.c %D%/flood_h1.c %D%/flood_h2.c %D%/flood_pace.c
%C%_llmsec_flood_LDADD = $(LIBLLMSEC) $(SSL_LIBS) $(CRYPTO_LIBS)
endif
if SPOAD
if BUILD_TESTS
check_PROGRAMS += tests/bench/edge_load
tests_bench_edge_load_SOURCES = tests/bench/edge_load.c tests/tools/spop_client.c tests/tools/spop_client.h
tests_bench_edge_load_LDADD = haproxy-spoa/libspoad.la
endif
endif
