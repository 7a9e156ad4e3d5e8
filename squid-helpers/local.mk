# SPDX-License-Identifier: MIT
# Squid's line protocols and the egress policy.  Programs are thin: what can be tested is in libegress.
if HELPERS
squidhelperdir = $(squid_helperdir)
squidhelper_PROGRAMS = %D%/ext_llmsec_egress_acl %D%/log_llmsec_daemon
%C%_log_llmsec_daemon_SOURCES = %D%/log_llmsec_daemon.c
%C%_log_llmsec_daemon_CFLAGS = $(AM_CFLAGS) -pthread
%C%_log_llmsec_daemon_LDFLAGS = $(AM_LDFLAGS) -pthread
%C%_log_llmsec_daemon_LDADD = %D%/libegress.la $(CRYPTO_LIBS)
%C%_ext_llmsec_egress_acl_SOURCES = %D%/ext_llmsec_egress_acl.c
%C%_ext_llmsec_egress_acl_LDADD = %D%/libegress.la
sbin_PROGRAMS += %D%/llmsec-egress-gate
%C%_llmsec_egress_gate_SOURCES = %D%/llmsec_egress_gate.c
%C%_llmsec_egress_gate_LDADD = %D%/libegress.la
noinst_LTLIBRARIES += %D%/libegress.la
%C%_libegress_la_CFLAGS = $(AM_CFLAGS) $(PSL_CFLAGS) $(IDN2_CFLAGS) $(CRYPTO_CFLAGS)
%C%_libegress_la_LIBADD = $(LIBLLMSEC) $(PSL_LIBS) $(IDN2_LIBS) $(CRYPTO_LIBS)
%C%_libegress_la_SOURCES = %D%/egress_host.c %D%/egress_host.h %D%/egress_conf.c %D%/egress_conf.h \
	%D%/egress_policy.c %D%/egress_policy_build.c %D%/egress_policy.h \
	%D%/egress_policy_private.h %D%/egress_addr.c %D%/egress_addr.h %D%/egress_lists.c %D%/egress_lists.h \
	%D%/egress_match.c %D%/egress_path.c %D%/egress_path.h %D%/egress_policy_budget.c %D%/egress_usage.c %D%/egress_usage.h \
	%D%/egress_accounts.c %D%/egress_accounts.h \
	%D%/audit_chain.c %D%/audit_chain.h %D%/audit_log.c %D%/audit_log.h %D%/audit_loss.c %D%/audit_loss.h %D%/audit_queue.c %D%/audit_queue.h \
	%D%/audit_read.c %D%/audit_read.h %D%/audit_report.c %D%/audit_report.h %D%/squid_line.c %D%/squid_line.h \
	%D%/egress_threats.c %D%/egress_threats.h %D%/egress_report.c %D%/egress_report.h %D%/egress_source.c %D%/egress_source.h \
	%D%/egress_helper.c %D%/egress_answer.c %D%/egress_helper.h %D%/egress_tunnels.c %D%/egress_tunnels.h \
	%D%/egress_gate.c %D%/egress_gate.h %D%/gate_kernel.c %D%/gate_kernel.h \
	%D%/gate_nets.c %D%/gate_nets.h %D%/gate_serve.c %D%/gate_watch.c
dist_man_MANS += %D%/llmsec-egress-gate.8 %D%/log_llmsec_daemon.8 %D%/ext_llmsec_egress_acl.8 %D%/llmsec-egress.yaml.5
endif

if HELPERS
if BUILD_TESTS
EGRESS_UNIT_TESTS = tests/unit/squid-helpers/test_egress_host tests/unit/squid-helpers/test_egress_policy \
	tests/unit/squid-helpers/test_squid_line tests/unit/squid-helpers/test_egress_helper \
	tests/unit/squid-helpers/test_egress_report tests/unit/squid-helpers/test_egress_tunnels \
	tests/unit/squid-helpers/test_egress_accounts tests/unit/squid-helpers/test_audit \
	tests/unit/squid-helpers/test_gate_watch
EGRESS_TEST_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
EGRESS_TEST_LIBS = %D%/libegress.la $(CMOCKA_LIBS)
tests_unit_squid_helpers_test_egress_host_CFLAGS = $(EGRESS_TEST_CFLAGS)
tests_unit_squid_helpers_test_egress_host_LDADD = $(EGRESS_TEST_LIBS)
tests_unit_squid_helpers_test_egress_policy_CFLAGS = $(EGRESS_TEST_CFLAGS)
tests_unit_squid_helpers_test_egress_policy_LDADD = $(EGRESS_TEST_LIBS)
tests_unit_squid_helpers_test_squid_line_CFLAGS = $(EGRESS_TEST_CFLAGS)
tests_unit_squid_helpers_test_squid_line_LDADD = $(EGRESS_TEST_LIBS)
tests_unit_squid_helpers_test_egress_helper_CFLAGS = $(EGRESS_TEST_CFLAGS)
tests_unit_squid_helpers_test_egress_helper_LDADD = $(EGRESS_TEST_LIBS)
tests_unit_squid_helpers_test_egress_tunnels_CFLAGS = $(EGRESS_TEST_CFLAGS)
tests_unit_squid_helpers_test_egress_tunnels_LDADD = $(EGRESS_TEST_LIBS)
tests_unit_squid_helpers_test_egress_accounts_CFLAGS = $(EGRESS_TEST_CFLAGS)
tests_unit_squid_helpers_test_egress_accounts_LDADD = $(EGRESS_TEST_LIBS)
tests_unit_squid_helpers_test_gate_watch_CFLAGS = $(EGRESS_TEST_CFLAGS)
tests_unit_squid_helpers_test_gate_watch_LDADD = $(EGRESS_TEST_LIBS)
tests_unit_squid_helpers_test_egress_report_CFLAGS = $(EGRESS_TEST_CFLAGS)
tests_unit_squid_helpers_test_egress_report_LDADD = $(EGRESS_TEST_LIBS)
tests_unit_squid_helpers_test_audit_CFLAGS = $(EGRESS_TEST_CFLAGS) -pthread
tests_unit_squid_helpers_test_audit_LDFLAGS = $(AM_LDFLAGS) -pthread
tests_unit_squid_helpers_test_audit_LDADD = $(EGRESS_TEST_LIBS) $(CRYPTO_LIBS)

# the program itself, over pipes and under a real Squid
EGRESS_SH = tests/helper/helper_protocol.sh tests/helper/squid_forward.sh tests/helper/squid_accel.sh \
	tests/helper/squid_bump.sh tests/helper/audit.sh tests/helper/bypass.sh tests/helper/gate.sh tests/helper/identity.sh \
	tests/helper/quota.sh tests/helper/budget.sh tests/helper/bypass_tls.sh tests/helper/bypass_wire.sh tests/helper/upload_rate.sh
check_PROGRAMS += $(EGRESS_UNIT_TESTS) tests/helper/tiny_origin tests/helper/tiny_icap tests/bench/egress_bench tests/bench/gate_bench
tests_bench_gate_bench_SOURCES = tests/bench/gate_bench.c
tests_bench_gate_bench_LDADD = %D%/libegress.la
tests_bench_egress_bench_SOURCES = tests/bench/egress_bench.c tests/bench/ti_corpus.c tests/bench/ti_corpus.h
tests_bench_egress_bench_LDADD = %D%/libegress.la
tests_helper_tiny_icap_CFLAGS = $(AM_CFLAGS) -pthread
tests_helper_tiny_icap_LDFLAGS = $(AM_LDFLAGS) -pthread
TESTS += $(EGRESS_UNIT_TESTS) $(EGRESS_SH)
dist_check_SCRIPTS += $(EGRESS_SH)
EXTRA_DIST += tests/helper/bypass.rows tests/helper/bypass_wire.rows tests/helper/bypass_inside.rows tests/helper/squid_lib.sh tests/helper/transcripts

FUZZ_TARGETS += tests/fuzz/squid-helpers/fuzz_egress_host tests/fuzz/squid-helpers/fuzz_squid_line \
	tests/fuzz/squid-helpers/fuzz_egress_helper tests/fuzz/squid-helpers/fuzz_egress_lists \
	tests/fuzz/squid-helpers/fuzz_audit_chain tests/fuzz/squid-helpers/fuzz_egress_accounts
tests_fuzz_squid_helpers_fuzz_egress_host_SOURCES = tests/fuzz/squid-helpers/fuzz_egress_host.c $(FUZZ_MAIN)
tests_fuzz_squid_helpers_fuzz_egress_host_LDADD = %D%/libegress.la $(FUZZ_LIBS)
tests_fuzz_squid_helpers_fuzz_squid_line_SOURCES = tests/fuzz/squid-helpers/fuzz_squid_line.c $(FUZZ_MAIN)
tests_fuzz_squid_helpers_fuzz_squid_line_LDADD = %D%/libegress.la $(FUZZ_LIBS)
tests_fuzz_squid_helpers_fuzz_egress_lists_SOURCES = tests/fuzz/squid-helpers/fuzz_egress_lists.c $(FUZZ_MAIN)
tests_fuzz_squid_helpers_fuzz_egress_lists_LDADD = %D%/libegress.la $(FUZZ_LIBS)
tests_fuzz_squid_helpers_fuzz_audit_chain_SOURCES = tests/fuzz/squid-helpers/fuzz_audit_chain.c $(FUZZ_MAIN)
tests_fuzz_squid_helpers_fuzz_audit_chain_LDADD = %D%/libegress.la $(FUZZ_LIBS)
tests_fuzz_squid_helpers_fuzz_egress_accounts_SOURCES = tests/fuzz/squid-helpers/fuzz_egress_accounts.c $(FUZZ_MAIN)
tests_fuzz_squid_helpers_fuzz_egress_accounts_LDADD = %D%/libegress.la $(FUZZ_LIBS)
tests_fuzz_squid_helpers_fuzz_egress_helper_SOURCES = tests/fuzz/squid-helpers/fuzz_egress_helper.c $(FUZZ_MAIN)
tests_fuzz_squid_helpers_fuzz_egress_helper_LDADD = %D%/libegress.la $(FUZZ_LIBS)
endif
endif
