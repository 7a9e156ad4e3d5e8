# SPDX-License-Identifier: MIT
# llmsec-ti-sync: feeds of threat intelligence into domains.set and ips.set.
if TISYNC
sbin_PROGRAMS += %D%/llmsec-ti-sync
noinst_LTLIBRARIES += %D%/libtisync.la
%C%_libtisync_la_CPPFLAGS = $(AM_CPPFLAGS)
%C%_libtisync_la_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(CURL_CFLAGS) $(PSL_CFLAGS) $(IDN2_CFLAGS) $(ARCHIVE_CFLAGS) $(CRYPTO_CFLAGS)
%C%_libtisync_la_LIBADD = $(LIBLLMSEC) $(SQLITE_LIBS) $(CURL_LIBS) $(PSL_LIBS) $(IDN2_LIBS) $(ARCHIVE_LIBS) $(CRYPTO_LIBS)
%C%_libtisync_la_SOURCES = %D%/keys.c %D%/keys.h %D%/canon.c %D%/canon.h %D%/collect.c %D%/collect.h \
	%D%/format.c %D%/format.h %D%/format_private.h %D%/format_lines.c %D%/format_table.c %D%/format_json.c \
	%D%/store.c %D%/store_entry.c %D%/store.h %D%/store_private.h %D%/compile.c %D%/compile.h \
	%D%/output.c %D%/output.h %D%/conf.c %D%/conf.h %D%/unpack.c %D%/unpack.h %D%/verify.c %D%/verify.h \
	%D%/fetch.c %D%/fetch.h %D%/import.c %D%/import.h %D%/progress.c %D%/progress.h %D%/run.c %D%/run.h \
	%D%/run_private.h %D%/run_fetch.c %D%/run_publish.c %D%/report.c %D%/share.c %D%/share.h %D%/ask.c %D%/ask.h \
	%D%/push.c %D%/push.h %D%/push_diff.c %D%/push_diff.h %D%/push_http.c %D%/push_http.h \
	%D%/pull.c %D%/manifest.c %D%/manifest.h %D%/delta.c %D%/delta.h %D%/file.c %D%/file.h
%C%_llmsec_ti_sync_SOURCES = %D%/main.c
%C%_llmsec_ti_sync_LDADD = %D%/libtisync.la
dist_man_MANS += %D%/llmsec-ti-sync.8 %D%/ti-sync.yaml.5
tidatadir = $(datadir)/llmsec
dist_tidata_DATA = etc/llmsec/ti-catalogue.yaml
endif

if TISYNC
if BUILD_TESTS
TI_TESTS = tests/unit/ti-sync/test_ti_format tests/unit/ti-sync/test_ti_store tests/unit/ti-sync/test_ti_verify \
	tests/unit/ti-sync/test_ti_share
check_PROGRAMS += $(TI_TESTS) tests/ti-sync/ti_server
tests_ti_sync_ti_server_CFLAGS = $(AM_CFLAGS) $(SSL_CFLAGS)
tests_ti_sync_ti_server_LDADD = $(SSL_LIBS) $(CRYPTO_LIBS)
TI_SH = tests/ti-sync/feeds.sh tests/ti-sync/pull.sh tests/ti-sync/kill.sh tests/ti-sync/outputs.sh
if HELPERS
TI_SH += tests/ti-sync/squid.sh
endif
if XDP
TI_SH += tests/ti-sync/xdp.sh
if HELPERS
if SPOAD
TI_SH += tests/ti-sync/live.sh
endif
endif
endif
if CONTROL
TI_SH += tests/ti-sync/push.sh
endif
TESTS += $(TI_TESTS) $(TI_SH)
dist_check_SCRIPTS += tests/ti-sync/live.sh tests/ti-sync/push.sh tests/ti-sync/xdp.sh tests/ti-sync/pull.sh tests/ti-sync/feeds.sh tests/ti-sync/kill.sh tests/ti-sync/outputs.sh tests/ti-sync/squid.sh
EXTRA_DIST += tests/ti-sync/lib.sh
TI_TEST_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
TI_TEST_LIBS = %D%/libtisync.la $(CMOCKA_LIBS)
tests_unit_ti_sync_test_ti_store_CFLAGS = $(TI_TEST_CFLAGS)
tests_unit_ti_sync_test_ti_store_LDADD = $(TI_TEST_LIBS)
tests_unit_ti_sync_test_ti_verify_SOURCES = tests/unit/ti-sync/test_ti_verify.c tests/unit/lib/temp.c tests/unit/lib/temp.h
tests_unit_ti_sync_test_ti_verify_CFLAGS = $(TI_TEST_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_ti_sync_test_ti_verify_LDADD = $(TI_TEST_LIBS) $(CRYPTO_LIBS)
tests_unit_ti_sync_test_ti_share_SOURCES = tests/unit/ti-sync/test_ti_share.c tests/unit/lib/temp.c tests/unit/lib/temp.h
tests_unit_ti_sync_test_ti_share_CFLAGS = $(TI_TEST_CFLAGS)
tests_unit_ti_sync_test_ti_share_LDADD = $(TI_TEST_LIBS)
tests_unit_ti_sync_test_ti_format_CFLAGS = $(TI_TEST_CFLAGS)
tests_unit_ti_sync_test_ti_format_LDADD = $(TI_TEST_LIBS)
check_PROGRAMS += tests/bench/ti_make
tests_bench_ti_make_SOURCES = tests/bench/ti_make.c tests/bench/ti_corpus.c tests/bench/ti_corpus.h
FUZZ_TARGETS += tests/fuzz/ti-sync/fuzz_ti_format tests/fuzz/ti-sync/fuzz_ti_canon tests/fuzz/ti-sync/fuzz_ti_share \
	tests/fuzz/ti-sync/fuzz_ti_unpack
tests_fuzz_ti_sync_fuzz_ti_format_SOURCES = tests/fuzz/ti-sync/fuzz_ti_format.c $(FUZZ_MAIN)
tests_fuzz_ti_sync_fuzz_ti_format_LDADD = %D%/libtisync.la $(FUZZ_LIBS)
tests_fuzz_ti_sync_fuzz_ti_canon_SOURCES = tests/fuzz/ti-sync/fuzz_ti_canon.c $(FUZZ_MAIN)
tests_fuzz_ti_sync_fuzz_ti_canon_LDADD = %D%/libtisync.la $(FUZZ_LIBS)
tests_fuzz_ti_sync_fuzz_ti_share_SOURCES = tests/fuzz/ti-sync/fuzz_ti_share.c $(FUZZ_MAIN)
tests_fuzz_ti_sync_fuzz_ti_share_LDADD = %D%/libtisync.la $(FUZZ_LIBS)
tests_fuzz_ti_sync_fuzz_ti_unpack_SOURCES = tests/fuzz/ti-sync/fuzz_ti_unpack.c $(FUZZ_MAIN)
tests_fuzz_ti_sync_fuzz_ti_unpack_LDADD = %D%/libtisync.la $(FUZZ_LIBS)
endif
endif
