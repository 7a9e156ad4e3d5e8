# SPDX-License-Identifier: MIT
# llmsecd collects events and answers questions about them; llmsecctl asks.
if CONTROL
sbin_PROGRAMS += %D%/llmsecd
bin_PROGRAMS += %D%/llmsecctl
noinst_LTLIBRARIES += %D%/libcontrol.la
%C%_libcontrol_la_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMSEC_PROGRAM_PATH=\"$(sbindir):$(bindir):$(squid_helperdir)\"
%C%_libcontrol_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SQLITE_CFLAGS) $(MHD_CFLAGS) \
	$(CRYPTO_CFLAGS) $(CURL_CFLAGS) $(PSL_CFLAGS) $(ARCHIVE_CFLAGS) $(YAML_CFLAGS)
%C%_libcontrol_la_LIBADD = icap-llmsec/libpth.la squid-helpers/libegress.la ti-sync/libtisync.la $(LIBLLMSEC) $(JANSSON_LIBS) $(SQLITE_LIBS) $(MHD_LIBS) $(CRYPTO_LIBS) \
	$(CURL_LIBS)
%C%_libcontrol_la_SOURCES = \
	%D%/ban_event.c %D%/ban_event.h %D%/ban_link.c %D%/ban_link.h %D%/ban_nodes.c %D%/ban_nodes.h \
	%D%/ban_orders.c %D%/ban_orders.h %D%/ban_request.c %D%/ban_request.h %D%/ban_sock.c %D%/ban_sock.h \
	%D%/control_events.c %D%/control_events.h %D%/httpd_auth.c %D%/node_auth.c %D%/node_auth.h %D%/node_http.c %D%/node_http.h \
	%D%/ban_list.c %D%/ban_list.h %D%/ban_list_private.h %D%/ban_queue.c %D%/ban_store.c %D%/ban_store.h \
	%D%/haproxy_answer.c %D%/haproxy_answer.h %D%/haproxy_cli.c %D%/haproxy_cli.h %D%/httpd_bans.c \
	%D%/ctl_ban.c %D%/ctl_ban.h %D%/ctl_egress.c %D%/ctl_egress.h %D%/ctl_egress_check.c \
	%D%/ctl_suggest.c %D%/ctl_suggest.h %D%/egress_shape.c %D%/egress_shape.h %D%/squid_conf.c %D%/squid_conf.h %D%/ctl_pth.c %D%/ctl_pth.h %D%/audit_verify.c %D%/audit_verify.h \
	%D%/egress_store.c %D%/egress_store.h %D%/egress_try.c %D%/egress_try.h %D%/egress_version.c %D%/egress_version.h %D%/httpd_egress.c %D%/httpd_egress_private.h %D%/httpd_import.c %D%/httpd_audit.c %D%/httpd_openapi.c \
	%D%/token_file.c %D%/token_file.h %D%/token_rate.c %D%/token_rate.h \
	%D%/board.c %D%/board.h %D%/collector.c %D%/collector.h %D%/ctl_check.c %D%/ctl_check.h \
	%D%/ctl_client.c %D%/ctl_client.h %D%/ctl_show.c %D%/ctl_show.h %D%/ctl_sign.c %D%/ctl_sign.h %D%/ctltime.c %D%/ctltime.h \
	%D%/evline.c %D%/evline.h %D%/httpd.c %D%/httpd.h %D%/httpd_follow.c %D%/httpd_pages.c \
	%D%/httpd_private.h %D%/intake.c %D%/intake.h %D%/intake_jobs.c %D%/intake_private.h \
	%D%/listen.c %D%/listen.h %D%/llmsecd_conf.c %D%/llmsecd_conf.h %D%/llmsecd_metrics.c \
	%D%/llmsecd_metrics.h %D%/query.c %D%/query.h %D%/spool.c %D%/spool.h %D%/store.c \
	%D%/store.h %D%/store_private.h %D%/store_read.c %D%/store_read.h %D%/store_schema.c
dist_man_MANS += %D%/llmsecctl.1 %D%/llmsecd.8 %D%/llmsecd.yaml.5
%C%_llmsecd_SOURCES = %D%/llmsecd.c
%C%_llmsecd_CPPFLAGS = $(%C%_libcontrol_la_CPPFLAGS)
%C%_llmsecd_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
%C%_llmsecd_LDADD = %D%/libcontrol.la $(CURL_LIBS)
%C%_llmsecctl_SOURCES = %D%/llmsecctl.c
%C%_llmsecctl_CPPFLAGS = $(%C%_libcontrol_la_CPPFLAGS)
%C%_llmsecctl_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
%C%_llmsecctl_LDADD = %D%/libcontrol.la $(CURL_LIBS)
endif

if CONTROL
if BUILD_TESTS
CONTROL_TESTS = tests/unit/control/test_bans tests/unit/control/test_egress_store tests/unit/control/test_evline tests/unit/control/test_intake tests/unit/control/test_promtext \
	tests/unit/control/test_query tests/unit/control/test_token_rate tests/unit/control/test_show tests/unit/control/test_spool \
	tests/unit/control/test_squid_conf tests/unit/control/test_store
check_PROGRAMS += $(CONTROL_TESTS)
TESTS += $(CONTROL_TESTS) tests/control/api.sh tests/control/bans.sh tests/control/egress.sh tests/control/egress_policy.sh tests/control/egress_ctl.sh tests/control/import_url.sh tests/control/kill.sh tests/control/live.sh tests/control/pth_scan.sh tests/control/pth_site.sh tests/control/pth_packages.sh tests/cluster/edges.sh
dist_check_SCRIPTS += tests/control/api.sh tests/control/bans.sh tests/control/egress.sh tests/control/egress_policy.sh tests/control/egress_ctl.sh tests/control/import_url.sh tests/control/kill.sh tests/control/live.sh tests/control/pth_scan.sh tests/control/pth_site.sh tests/control/pth_packages.sh tests/cluster/edges.sh
EXTRA_DIST += tests/control/lib.sh tests/cluster/lib.sh
CTL_TEST = tests/unit/control/ctl_test.c tests/unit/control/ctl_test.h
CTL_TEST_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(SQLITE_CFLAGS)
CTL_TEST_LIBS = %D%/libcontrol.la $(CMOCKA_LIBS) $(SQLITE_LIBS)
tests_unit_control_test_bans_SOURCES = tests/unit/control/test_bans.c $(CTL_TEST)
tests_unit_control_test_bans_CFLAGS = $(CTL_TEST_CFLAGS)
tests_unit_control_test_bans_LDADD = $(CTL_TEST_LIBS)
tests_unit_control_test_egress_store_SOURCES = tests/unit/control/test_egress_store.c $(CTL_TEST)
tests_unit_control_test_egress_store_CFLAGS = $(CTL_TEST_CFLAGS)
tests_unit_control_test_egress_store_LDADD = $(CTL_TEST_LIBS)
tests_unit_control_test_evline_CFLAGS = $(CTL_TEST_CFLAGS)
tests_unit_control_test_evline_LDADD = $(CTL_TEST_LIBS)
tests_unit_control_test_intake_SOURCES = tests/unit/control/test_intake.c \
	tests/unit/control/intake_rig.c tests/unit/control/intake_rig.h $(CTL_TEST)
tests_unit_control_test_intake_CFLAGS = $(CTL_TEST_CFLAGS)
tests_unit_control_test_intake_LDADD = $(CTL_TEST_LIBS)
PROMTEXT = tests/unit/control/promtext.c tests/unit/control/promtext.h
tests_unit_control_test_promtext_SOURCES = tests/unit/control/test_promtext.c $(CTL_TEST) $(PROMTEXT)
tests_unit_control_test_promtext_CFLAGS = $(CTL_TEST_CFLAGS)
tests_unit_control_test_promtext_LDADD = $(CTL_TEST_LIBS)
tests_unit_control_test_token_rate_SOURCES = tests/unit/control/test_token_rate.c $(CTL_TEST)
tests_unit_control_test_token_rate_CFLAGS = $(CTL_TEST_CFLAGS)
tests_unit_control_test_token_rate_LDADD = $(CTL_TEST_LIBS)
tests_unit_control_test_query_SOURCES = tests/unit/control/test_query.c $(CTL_TEST)
tests_unit_control_test_query_CFLAGS = $(CTL_TEST_CFLAGS)
tests_unit_control_test_query_LDADD = $(CTL_TEST_LIBS)
tests_unit_control_test_show_CFLAGS = $(CTL_TEST_CFLAGS)
tests_unit_control_test_show_LDADD = $(CTL_TEST_LIBS)
tests_unit_control_test_spool_SOURCES = tests/unit/control/test_spool.c $(CTL_TEST)
tests_unit_control_test_spool_CFLAGS = $(CTL_TEST_CFLAGS)
tests_unit_control_test_spool_LDADD = $(CTL_TEST_LIBS)
tests_unit_control_test_store_SOURCES = tests/unit/control/test_store.c $(CTL_TEST)
tests_unit_control_test_squid_conf_SOURCES = tests/unit/control/test_squid_conf.c $(CTL_TEST)
tests_unit_control_test_squid_conf_CFLAGS = $(CTL_TEST_CFLAGS)
tests_unit_control_test_squid_conf_LDADD = $(CTL_TEST_LIBS)
tests_unit_control_test_store_CFLAGS = $(CTL_TEST_CFLAGS)
tests_unit_control_test_store_LDADD = $(CTL_TEST_LIBS)

# A sender, and the proof that what it sent is kept: tests/tools/llmsec-events -h
check_PROGRAMS += tests/tools/llmsec-events
tests_tools_llmsec_events_SOURCES = tests/tools/llmsec-events.c tests/tools/events_emit.c \
	tests/tools/events_tool.h tests/tools/events_verify.c $(PROMTEXT)
tests_tools_llmsec_events_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
tests_tools_llmsec_events_LDADD = $(LIBLLMSEC) $(SQLITE_LIBS)

check_PROGRAMS += tests/tools/llmsec-ban-lag
tests_tools_llmsec_ban_lag_LDADD = %D%/libcontrol.la

FUZZ_TARGETS += tests/fuzz/control/fuzz_evline tests/fuzz/control/fuzz_spool tests/fuzz/control/fuzz_haproxy \
	tests/fuzz/control/fuzz_ban_request
tests_fuzz_control_fuzz_haproxy_SOURCES = tests/fuzz/control/fuzz_haproxy.c $(FUZZ_MAIN)
tests_fuzz_control_fuzz_haproxy_LDADD = %D%/libcontrol.la $(FUZZ_LIBS)
tests_fuzz_control_fuzz_ban_request_SOURCES = tests/fuzz/control/fuzz_ban_request.c $(FUZZ_MAIN)
tests_fuzz_control_fuzz_ban_request_LDADD = %D%/libcontrol.la $(FUZZ_LIBS)
tests_fuzz_control_fuzz_evline_SOURCES = tests/fuzz/control/fuzz_evline.c $(FUZZ_MAIN)
tests_fuzz_control_fuzz_evline_LDADD = %D%/libcontrol.la $(FUZZ_LIBS)
tests_fuzz_control_fuzz_spool_SOURCES = tests/fuzz/control/fuzz_spool.c $(FUZZ_MAIN)
tests_fuzz_control_fuzz_spool_LDADD = %D%/libcontrol.la $(FUZZ_LIBS)
endif
endif
