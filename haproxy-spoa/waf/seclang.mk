# SPDX-License-Identifier: MIT
# SecLang: files into struct waf_rules (rule.h).
%C%_libwaf_la_SOURCES += %D%/seclang.c %D%/seclang_read.c %D%/seclang_word.c %D%/seclang_dir.c %D%/seclang_set.c \
	%D%/seclang_ignore.c %D%/seclang_rule.c %D%/seclang_target.c %D%/seclang_split.c %D%/seclang_action.c \
	%D%/seclang_ctl.c %D%/seclang_var.c %D%/seclang_macro.c %D%/seclang_update.c %D%/seclang_link.c
noinst_HEADERS += %D%/seclang_private.h

if BUILD_TESTS
WAF_SECLANG_TESTS = tests/unit/waf/test_seclang tests/unit/waf/test_seclang_bad \
	tests/unit/waf/test_seclang_files
WAF_RULES_SHOW = tests/unit/waf/rules_show.c tests/unit/waf/rules_show.h
check_PROGRAMS += $(WAF_SECLANG_TESTS)
TESTS += $(WAF_SECLANG_TESTS)
tests_unit_waf_test_seclang_SOURCES = tests/unit/waf/test_seclang.c $(WAF_RULES_SHOW)
tests_unit_waf_test_seclang_LDADD = %D%/libwaf.la $(CMOCKA_LIBS)
tests_unit_waf_test_seclang_bad_SOURCES = tests/unit/waf/test_seclang_bad.c $(WAF_RULES_SHOW)
tests_unit_waf_test_seclang_bad_LDADD = %D%/libwaf.la $(CMOCKA_LIBS)
tests_unit_waf_test_seclang_files_SOURCES = tests/unit/waf/test_seclang_files.c $(WAF_RULES_SHOW)
tests_unit_waf_test_seclang_files_LDADD = %D%/libwaf.la $(CMOCKA_LIBS)
dist_noinst_DATA += tests/unit/waf/seclang_v4.conf tests/unit/waf/seclang_v4.data
FUZZ_TARGETS += tests/fuzz/waf/fuzz_seclang
tests_fuzz_waf_fuzz_seclang_SOURCES = tests/fuzz/waf/fuzz_seclang.c $(FUZZ_MAIN)
tests_fuzz_waf_fuzz_seclang_LDADD = %D%/libwaf.la $(FUZZ_LIBS)
endif
