# SPDX-License-Identifier: MIT
# llmsec-waf, the engine's command-line twin, and what measures the engine: conformance, differential, bench.
%C%_libwaf_la_SOURCES += %D%/http_raw.c
noinst_HEADERS += %D%/http_raw.h %D%/llmsec_waf.h
bin_PROGRAMS += %D%/llmsec-waf
dist_man_MANS += %D%/llmsec-waf.1
%C%_llmsec_waf_SOURCES = %D%/llmsec_waf.c %D%/llmsec_waf_judge.c %D%/llmsec_waf_run.c %D%/llmsec_waf_exec.c \
	%D%/llmsec_waf_rules.c
%C%_llmsec_waf_LDADD = %D%/libwaf.la

if BUILD_TESTS
check_PROGRAMS += tests/unit/waf/test_http_raw
TESTS += tests/unit/waf/test_http_raw
tests_unit_waf_test_http_raw_SOURCES = tests/unit/waf/test_http_raw.c
tests_unit_waf_test_http_raw_LDADD = %D%/libwaf.la $(CMOCKA_LIBS)
FUZZ_TARGETS += tests/fuzz/waf/fuzz_http_raw
tests_fuzz_waf_fuzz_http_raw_SOURCES = tests/fuzz/waf/fuzz_http_raw.c $(FUZZ_MAIN)
tests_fuzz_waf_fuzz_http_raw_LDADD = %D%/libwaf.la $(FUZZ_LIBS)

# The Core Rule Set's own tests: tests/waf/crs_suite.sh
check_PROGRAMS += tests/waf/ftw
noinst_HEADERS += tests/waf/ftw.h
tests_waf_ftw_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS) $(PCRE2_CFLAGS)
tests_waf_ftw_SOURCES = tests/waf/ftw.c tests/waf/ftw_yaml.c tests/waf/ftw_request.c tests/waf/ftw_origin.c \
	tests/waf/ftw_exec.c tests/waf/ftw_http.c tests/waf/ftw_check.c %D%/http_raw.c
tests_waf_ftw_LDADD = $(LIBLLMSEC) $(YAML_LIBS) $(PCRE2_LIBS)
TESTS += tests/waf/selftest.sh tests/waf/cli.sh
dist_check_SCRIPTS += tests/waf/selftest.sh tests/waf/cli.sh tests/waf/crs_suite.sh tests/waf/crs_haproxy.sh tests/waf/diff.sh tests/waf/redos.sh tests/waf/answers.sh
EXTRA_DIST += tests/waf/selftest/v33.yaml tests/waf/selftest/v4.yaml
EXTRA_DIST += tests/waf/lib.sh tests/waf/overrides-3.3.txt tests/waf/overrides-3.3-haproxy.txt tests/waf/overrides-v4.txt tests/waf/diff-reasons.txt

check_PROGRAMS += tests/waf/redos
tests_waf_redos_SOURCES = tests/waf/redos.c
tests_waf_redos_LDADD = %D%/libwaf.la

# ./dev bench waf
check_PROGRAMS += tests/bench/waf_bench
noinst_HEADERS += tests/waf/corpus.h
WAF_CORPUS = tests/waf/corpus.c tests/waf/corpus_text.c tests/waf/corpus_mutate.c
tests_bench_waf_bench_CFLAGS = $(AM_CFLAGS) $(MODSECURITY_CFLAGS)
tests_bench_waf_bench_SOURCES = tests/bench/waf_bench.c $(WAF_CORPUS)
# The shared library comes first: libwaf.la may bring the static one for its libinjection.
tests_bench_waf_bench_LDADD = $(WAF_PEER_LIBS) %D%/libwaf.la
EXTRA_DIST += tests/waf/peer.c tests/waf/peer_none.c
if HAVE_MODSECURITY
WAF_PEER_LIBS = $(MODSECURITY_LIBS)
tests_bench_waf_bench_SOURCES += tests/waf/peer.c
else
WAF_PEER_LIBS =
tests_bench_waf_bench_SOURCES += tests/waf/peer_none.c
endif

if HAVE_MODSECURITY
check_PROGRAMS += tests/waf/peer_exec
noinst_HEADERS += tests/waf/peer.h
tests_waf_peer_exec_CFLAGS = $(AM_CFLAGS) $(MODSECURITY_CFLAGS)
tests_waf_peer_exec_SOURCES = tests/waf/peer_exec.c tests/waf/peer.c %D%/http_raw.c
tests_waf_peer_exec_LDADD = $(LIBLLMSEC) $(MODSECURITY_LIBS)
check_PROGRAMS += tests/waf/diff_modsec
tests_waf_diff_modsec_CFLAGS = $(AM_CFLAGS) $(MODSECURITY_CFLAGS)
tests_waf_diff_modsec_SOURCES = tests/waf/diff_modsec.c tests/waf/peer.c $(WAF_CORPUS)
tests_waf_diff_modsec_LDADD = $(WAF_PEER_LIBS) %D%/libwaf.la
endif
endif
