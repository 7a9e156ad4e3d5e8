# SPDX-License-Identifier: MIT
%C%_libwaf_la_SOURCES += %D%/rxlit.c %D%/rxlit_parse.c %D%/rxlit_class.c %D%/rxlit_set.c \
	%D%/rxdfa.c %D%/rxdfa_build.c
noinst_HEADERS += %D%/rxdfa.h %D%/rxlit_private.h %D%/rxlit_set.h %D%/rxdfa_private.h
if BUILD_TESTS
check_PROGRAMS += tests/unit/waf/test_rxlit tests/unit/waf/test_rxdfa
TESTS += tests/unit/waf/test_rxlit tests/unit/waf/test_rxdfa
tests_unit_waf_test_rxdfa_SOURCES = tests/unit/waf/test_rxdfa.c tests/unit/waf/crs_rx.c tests/unit/waf/crs_rx.h \
	tests/unit/waf/rx_gen.c tests/unit/waf/rx_gen.h
tests_unit_waf_test_rxdfa_CFLAGS = $(AM_CFLAGS) $(PCRE2_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_waf_test_rxdfa_LDADD = %D%/libwaf.la $(PCRE2_LIBS) $(CMOCKA_LIBS)
tests_unit_waf_test_rxlit_SOURCES = tests/unit/waf/test_rxlit.c tests/unit/waf/crs_rx.c tests/unit/waf/crs_rx.h \
	tests/unit/waf/rx_gen.c tests/unit/waf/rx_gen.h
tests_unit_waf_test_rxlit_CFLAGS = $(AM_CFLAGS) $(PCRE2_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_waf_test_rxlit_LDADD = %D%/libwaf.la $(PCRE2_LIBS) $(CMOCKA_LIBS)
FUZZ_TARGETS += tests/fuzz/waf/fuzz_rxlit
tests_fuzz_waf_fuzz_rxlit_SOURCES = tests/fuzz/waf/fuzz_rxlit.c tests/unit/waf/rx_gen.c tests/unit/waf/rx_gen.h \
	$(FUZZ_MAIN)
tests_fuzz_waf_fuzz_rxlit_CFLAGS = $(AM_CFLAGS) $(PCRE2_CFLAGS)
tests_fuzz_waf_fuzz_rxlit_LDADD = %D%/libwaf.la $(PCRE2_LIBS) $(FUZZ_LIBS)
endif
