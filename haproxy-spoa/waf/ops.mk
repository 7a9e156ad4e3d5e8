# SPDX-License-Identifier: MIT
# Operators and transformations: pure functions of bytes, no rule or transaction in sight.
%C%_libwaf_la_SOURCES += %D%/op.c %D%/op_rx.c %D%/op_text.c %D%/op_pm.c %D%/op_ip.c %D%/op_validate.c \
	%D%/op_verify.c %D%/op_inject.c %D%/transform.c %D%/tfn_scan.c %D%/tfn_text.c \
	%D%/tfn_comment.c %D%/tfn_path.c %D%/tfn_escape.c %D%/tfn_url.c %D%/tfn_code.c
noinst_HEADERS += %D%/op_private.h %D%/transform_private.h

if BUILD_TESTS
WAF_OPS_TESTS = tests/unit/waf/test_transform tests/unit/waf/test_op \
	tests/unit/waf/test_op_rx tests/unit/waf/test_transform_ref
check_PROGRAMS += $(WAF_OPS_TESTS)
TESTS += $(WAF_OPS_TESTS)
tests_unit_waf_test_transform_SOURCES = tests/unit/waf/test_transform.c tests/unit/lib/temp.c tests/unit/lib/temp.h
tests_unit_waf_test_transform_LDADD = %D%/libwaf.la $(CMOCKA_LIBS)
tests_unit_waf_test_op_SOURCES = tests/unit/waf/test_op.c tests/unit/lib/temp.c tests/unit/lib/temp.h
tests_unit_waf_test_op_LDADD = %D%/libwaf.la $(CMOCKA_LIBS)
tests_unit_waf_test_op_rx_SOURCES = tests/unit/waf/test_op_rx.c tests/unit/lib/temp.c tests/unit/lib/temp.h
tests_unit_waf_test_op_rx_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(PCRE2_CFLAGS)
tests_unit_waf_test_op_rx_LDADD = %D%/libwaf.la $(CMOCKA_LIBS) $(PCRE2_LIBS)
tests_unit_waf_test_transform_ref_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(PCRE2_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_waf_test_transform_ref_LDADD = %D%/libwaf.la $(CMOCKA_LIBS) $(PCRE2_LIBS) $(CRYPTO_LIBS)
FUZZ_TARGETS += tests/fuzz/waf/fuzz_transform tests/fuzz/waf/fuzz_op
tests_fuzz_waf_fuzz_transform_SOURCES = tests/fuzz/waf/fuzz_transform.c $(FUZZ_MAIN)
tests_fuzz_waf_fuzz_transform_LDADD = %D%/libwaf.la $(FUZZ_LIBS)
tests_fuzz_waf_fuzz_op_SOURCES = tests/fuzz/waf/fuzz_op.c $(FUZZ_MAIN)
tests_fuzz_waf_fuzz_op_LDADD = %D%/libwaf.la $(FUZZ_LIBS)
if HAVE_MODSECURITY
check_PROGRAMS += tests/unit/waf/test_peer
TESTS += tests/unit/waf/test_peer
tests_unit_waf_test_peer_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(MODSECURITY_CFLAGS)
# The shared library first: see tools.mk.
tests_unit_waf_test_peer_LDADD = $(MODSECURITY_LIBS) %D%/libwaf.la $(CMOCKA_LIBS)
endif
endif
