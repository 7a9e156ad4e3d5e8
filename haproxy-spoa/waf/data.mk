# SPDX-License-Identifier: MIT
# Requests, responses and their bodies into variables.
%C%_libwaf_la_SOURCES += %D%/vars.c %D%/vars_args.c %D%/vars_cookie.c %D%/vars_request.c %D%/vars_response.c \
	%D%/body.c %D%/body_json.c %D%/body_param.c %D%/body_multipart.c %D%/body_xml.c %D%/xml_xpath.c
noinst_HEADERS += %D%/vars_private.h %D%/body_multipart.h %D%/body_xml.h

if BUILD_TESTS
WAF_DATA_TESTS = tests/unit/waf/test_vars tests/unit/waf/test_body \
	tests/unit/waf/test_multipart tests/unit/waf/test_xml
WAF_VARS_SHOW = tests/unit/waf/vars_show.c tests/unit/waf/vars_show.h
check_PROGRAMS += $(WAF_DATA_TESTS)
TESTS += $(WAF_DATA_TESTS)
tests_unit_waf_test_vars_SOURCES = tests/unit/waf/test_vars.c $(WAF_VARS_SHOW)
tests_unit_waf_test_vars_LDADD = %D%/libwaf.la $(CMOCKA_LIBS)
tests_unit_waf_test_body_SOURCES = tests/unit/waf/test_body.c $(WAF_VARS_SHOW)
tests_unit_waf_test_body_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_waf_test_body_LDADD = %D%/libwaf.la $(CMOCKA_LIBS) $(JANSSON_LIBS)
tests_unit_waf_test_multipart_SOURCES = tests/unit/waf/test_multipart.c $(WAF_VARS_SHOW)
tests_unit_waf_test_multipart_LDADD = %D%/libwaf.la $(CMOCKA_LIBS)
tests_unit_waf_test_xml_SOURCES = tests/unit/waf/test_xml.c $(WAF_VARS_SHOW)
tests_unit_waf_test_xml_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(XML2_CFLAGS)
tests_unit_waf_test_xml_LDADD = %D%/libwaf.la $(CMOCKA_LIBS) $(XML2_LIBS)
FUZZ_TARGETS += tests/fuzz/waf/fuzz_body tests/fuzz/waf/fuzz_vars
tests_fuzz_waf_fuzz_body_SOURCES = tests/fuzz/waf/fuzz_body.c tests/fuzz/waf/vars_check.c \
	tests/fuzz/waf/vars_check.h $(FUZZ_MAIN)
tests_fuzz_waf_fuzz_body_LDADD = %D%/libwaf.la $(FUZZ_LIBS)
tests_fuzz_waf_fuzz_vars_SOURCES = tests/fuzz/waf/fuzz_vars.c tests/fuzz/waf/vars_check.c \
	tests/fuzz/waf/vars_check.h $(FUZZ_MAIN)
tests_fuzz_waf_fuzz_vars_LDADD = %D%/libwaf.la $(FUZZ_LIBS)
endif
