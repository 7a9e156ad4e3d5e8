# SPDX-License-Identifier: MIT
# SecLang: files into struct waf_rules (rule.h).  One test as the pattern for the others:
#	%C%_libwaf_la_SOURCES += %D%/seclang.c
#	check_PROGRAMS += tests/unit/waf/test_seclang       TESTS += tests/unit/waf/test_seclang
#	tests_unit_waf_test_seclang_LDADD = %D%/libwaf.la $(CMOCKA_LIBS)
