# SPDX-License-Identifier: MIT
# llmsec-spoad: the SPOE agent.  Everything but main.c is in the convenience library.
if SPOAD
noinst_LTLIBRARIES += %D%/libspoad.la
%C%_libspoad_la_LIBADD = %D%/behave/libbehave.la %D%/waf/libwaf.la %D%/bot/libbot.la %D%/tls/libtls.la $(LIBLLMSEC) $(MAXMINDDB_LIBS)
%C%_libspoad_la_CFLAGS = $(AM_CFLAGS) $(MAXMINDDB_CFLAGS)
%C%_libspoad_la_SOURCES = %D%/spop_value.c %D%/spop_frame.c %D%/spop_conn.c %D%/req_view.c \
	%D%/engine.c %D%/eng_guard.c %D%/eng_sign.c %D%/listen_addr.c %D%/spoad_conf.c \
	%D%/spoad_counters.c %D%/policy.c %D%/judge.c %D%/judge_hello.c %D%/respond.c %D%/worker.c %D%/server.c \
	%D%/eng_waf.c %D%/eng_waf_conf.c %D%/eng_waf_report.c %D%/spoad_report.c \
	%D%/eng_behave.c %D%/eng_behave_conf.c %D%/eng_behave_report.c %D%/behave_store.c %D%/never_watch.c \
	%D%/fingerprint.c %D%/geo_db.c %D%/eng_geo.c %D%/hot.c %D%/eng_bot.c %D%/eng_bot_conf.c %D%/eng_bot_known.c \
	%D%/req_raw.c %D%/explain.c %D%/explain_print.c
dist_man_MANS += %D%/llmsec-spoad.8 %D%/spoad.yaml.5
sbin_PROGRAMS += %D%/llmsec-spoad
%C%_llmsec_spoad_SOURCES = %D%/main.c
%C%_llmsec_spoad_LDADD = %D%/libspoad.la

if BUILD_TESTS
SPOAD_TESTS = tests/unit/haproxy-spoa/test_spop tests/unit/haproxy-spoa/test_conn \
	tests/unit/haproxy-spoa/test_guard tests/unit/haproxy-spoa/test_judge tests/unit/haproxy-spoa/test_live \
	tests/unit/haproxy-spoa/test_eng_waf tests/unit/haproxy-spoa/test_geo
check_PROGRAMS += $(SPOAD_TESTS)
SPOAD_VTC = tests/vtc/edge_verdict.vtc tests/vtc/edge_closed.vtc tests/vtc/edge_snippet.vtc \
	tests/vtc/edge_waf.vtc tests/vtc/edge_hello.vtc
# etc/haproxy on the installed HAProxy, a client being an address of loopback.
EDGE_TESTS = tests/edge/limits.sh tests/edge/client.sh tests/edge/bans.sh tests/edge/tls.sh \
	tests/edge/fingerprint.sh
TESTS += $(SPOAD_TESTS) tests/unit/haproxy-spoa/garbage.sh tests/unit/haproxy-spoa/unit.sh $(SPOAD_VTC) $(EDGE_TESTS)
dist_check_SCRIPTS += $(EDGE_TESTS)
EXTRA_DIST += tests/edge/lib.sh
dist_check_SCRIPTS += tests/unit/haproxy-spoa/garbage.sh tests/unit/haproxy-spoa/unit.sh tests/vtc/edge.sh
EXTRA_DIST += $(SPOAD_VTC) tests/vtc/edge_waf.conf
tests_unit_haproxy_spoa_test_spop_SOURCES = tests/unit/haproxy-spoa/test_spop.c
tests_unit_haproxy_spoa_test_spop_LDADD = %D%/libspoad.la $(CMOCKA_LIBS)
tests_unit_haproxy_spoa_test_conn_SOURCES = tests/unit/haproxy-spoa/test_conn.c
tests_unit_haproxy_spoa_test_conn_LDADD = %D%/libspoad.la $(CMOCKA_LIBS)
tests_unit_haproxy_spoa_test_guard_SOURCES = tests/unit/haproxy-spoa/test_guard.c
tests_unit_haproxy_spoa_test_guard_LDADD = %D%/libspoad.la $(CMOCKA_LIBS)
tests_unit_haproxy_spoa_test_judge_SOURCES = tests/unit/haproxy-spoa/test_judge.c \
	tests/unit/tls/hello_make.c tests/unit/tls/hello_make.h
tests_unit_haproxy_spoa_test_judge_LDADD = %D%/libspoad.la $(CMOCKA_LIBS)
tests_unit_haproxy_spoa_test_eng_waf_SOURCES = tests/unit/haproxy-spoa/test_eng_waf.c
tests_unit_haproxy_spoa_test_eng_waf_LDADD = %D%/libspoad.la $(CMOCKA_LIBS) $(JANSSON_LIBS)
tests_unit_haproxy_spoa_test_geo_SOURCES = tests/unit/haproxy-spoa/test_geo.c tests/unit/haproxy-spoa/mmdb_make.c \
	tests/unit/haproxy-spoa/mmdb_make.h tests/unit/lib/temp.c tests/unit/lib/temp.h
tests_unit_haproxy_spoa_test_geo_LDADD = %D%/libspoad.la $(CMOCKA_LIBS)
tests_unit_haproxy_spoa_test_live_SOURCES = tests/unit/haproxy-spoa/test_live.c tests/tools/spop_client.c \
	tests/tools/spop_client.h tests/unit/tls/hello_make.c tests/unit/tls/hello_make.h
tests_unit_haproxy_spoa_test_live_LDADD = %D%/libspoad.la $(CMOCKA_LIBS)
# HAProxy's side of SPOP, garbage included: tests/tools/llmsec-spop -h
check_PROGRAMS += tests/tools/llmsec-spop
tests_tools_llmsec_spop_SOURCES = tests/tools/llmsec-spop.c tests/tools/spop_client.c \
	tests/tools/spop_client.h tests/tools/spop_garbage.c tests/tools/spop_origin.c
tests_tools_llmsec_spop_LDADD = %D%/libspoad.la
FUZZ_TARGETS += tests/fuzz/haproxy-spoa/fuzz_spop_frame tests/fuzz/haproxy-spoa/fuzz_spop_conn \
	tests/fuzz/haproxy-spoa/fuzz_hdrs_bin tests/fuzz/tls/fuzz_lists
tests_fuzz_tls_fuzz_lists_SOURCES = tests/fuzz/tls/fuzz_lists.c $(FUZZ_MAIN)
tests_fuzz_tls_fuzz_lists_LDADD = %D%/libspoad.la $(FUZZ_LIBS)
tests_fuzz_haproxy_spoa_fuzz_spop_frame_SOURCES = tests/fuzz/haproxy-spoa/fuzz_spop_frame.c $(FUZZ_MAIN)
tests_fuzz_haproxy_spoa_fuzz_spop_frame_LDADD = %D%/libspoad.la $(FUZZ_LIBS)
tests_fuzz_haproxy_spoa_fuzz_spop_conn_SOURCES = tests/fuzz/haproxy-spoa/fuzz_spop_conn.c $(FUZZ_MAIN)
tests_fuzz_haproxy_spoa_fuzz_spop_conn_LDADD = %D%/libspoad.la $(FUZZ_LIBS)
tests_fuzz_haproxy_spoa_fuzz_hdrs_bin_SOURCES = tests/fuzz/haproxy-spoa/fuzz_hdrs_bin.c $(FUZZ_MAIN)
tests_fuzz_haproxy_spoa_fuzz_hdrs_bin_LDADD = %D%/libspoad.la $(FUZZ_LIBS)
endif
endif
noinst_HEADERS += %D%/eng_behave.h %D%/behave_store.h %D%/never_watch.h
noinst_HEADERS += %D%/spop.h %D%/spop_value.h %D%/spop_frame.h %D%/spop_conn.h %D%/req_view.h \
	%D%/engine.h %D%/eng_guard.h %D%/eng_sign.h %D%/listen_addr.h %D%/spoad_conf.h \
	%D%/spoad_counters.h %D%/policy.h %D%/judge.h %D%/judge_hello.h %D%/respond.h %D%/worker.h %D%/server.h %D%/eng_waf.h %D%/spoad_report.h \
	%D%/fingerprint.h %D%/geo_db.h %D%/eng_geo.h %D%/hot.h %D%/eng_bot.h %D%/eng_bot_known.h \
	%D%/req_raw.h %D%/explain.h %D%/explain_print.h
