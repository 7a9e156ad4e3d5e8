# SPDX-License-Identifier: MIT
# ClientHellos and their fingerprints: pure functions over bytes, and llmsec-ja4, their command-line twin.
if SPOAD
noinst_LTLIBRARIES += %D%/libtls.la
%C%_libtls_la_SOURCES = %D%/hello.c %D%/ja.c %D%/lists.c
%C%_libtls_la_LIBADD = $(LIBLLMSEC) $(CRYPTO_LIBS)
dist_man_MANS += %D%/llmsec-ja4.1
bin_PROGRAMS += %D%/llmsec-ja4
noinst_LTLIBRARIES += %D%/libtlscap.la
# What only captures need: never linked into a daemon.
%C%_libtlscap_la_SOURCES = %D%/flows.c %D%/packet.c %D%/quic.c
%C%_libtlscap_la_LIBADD = %D%/libtls.la
%C%_llmsec_ja4_SOURCES = %D%/llmsec_ja4.c
%C%_llmsec_ja4_CFLAGS = $(AM_CFLAGS) $(PCAP_CFLAGS)
%C%_llmsec_ja4_LDADD = %D%/libtlscap.la $(PCAP_LIBS)

if BUILD_TESTS
TLS_TESTS = tests/unit/tls/test_hello tests/unit/tls/test_ja tests/unit/tls/test_flows
check_PROGRAMS += $(TLS_TESTS)
TESTS += $(TLS_TESTS) tests/unit/tls/clients.sh
dist_check_SCRIPTS += tests/unit/tls/clients.sh
EXTRA_DIST += tests/unit/tls/ja4_lib.sh
tests_unit_tls_test_hello_SOURCES = tests/unit/tls/test_hello.c tests/unit/tls/hello_make.c tests/unit/tls/hello_make.h
tests_unit_tls_test_hello_LDADD = %D%/libtlscap.la $(CMOCKA_LIBS)
tests_unit_tls_test_flows_SOURCES = tests/unit/tls/test_flows.c tests/unit/tls/hello_make.c tests/unit/tls/hello_make.h
tests_unit_tls_test_flows_LDADD = %D%/libtlscap.la $(CMOCKA_LIBS)
tests_unit_tls_test_ja_SOURCES = tests/unit/tls/test_ja.c tests/unit/tls/hello_make.c tests/unit/tls/hello_make.h
tests_unit_tls_test_ja_LDADD = %D%/libtls.la $(CMOCKA_LIBS)
FUZZ_TARGETS += tests/fuzz/tls/fuzz_hello tests/fuzz/tls/fuzz_flows
tests_fuzz_tls_fuzz_hello_SOURCES = tests/fuzz/tls/fuzz_hello.c $(FUZZ_MAIN)
tests_fuzz_tls_fuzz_hello_LDADD = %D%/libtls.la $(FUZZ_LIBS)
tests_fuzz_tls_fuzz_flows_SOURCES = tests/fuzz/tls/fuzz_flows.c $(FUZZ_MAIN)
tests_fuzz_tls_fuzz_flows_LDADD = %D%/libtlscap.la $(FUZZ_LIBS)
endif
endif
noinst_HEADERS += %D%/hello.h %D%/ja.h %D%/quic.h %D%/flows.h %D%/packet.h %D%/lists.h
