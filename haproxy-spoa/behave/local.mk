# SPDX-License-Identifier: MIT
# Behaviour of sources: windows, limits and bans; plain values in, a decision out.
if SPOAD
noinst_LTLIBRARIES += %D%/libbehave.la
%C%_libbehave_la_SOURCES = %D%/window.c %D%/sources.c %D%/bans.c %D%/ban_who.c %D%/ban_file.c %D%/behave.c
%C%_libbehave_la_LIBADD = $(LIBLLMSEC)

if BUILD_TESTS
BEHAVE_TESTS = tests/unit/behave/test_window tests/unit/behave/test_sources tests/unit/behave/test_bans \
	tests/unit/behave/test_behave tests/unit/behave/test_eng_behave
check_PROGRAMS += $(BEHAVE_TESTS)
TESTS += $(BEHAVE_TESTS)
tests_unit_behave_test_window_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_behave_test_window_LDADD = %D%/libbehave.la $(CRYPTO_LIBS) $(CMOCKA_LIBS) -lm
tests_unit_behave_test_sources_LDADD = %D%/libbehave.la $(CMOCKA_LIBS)
tests_unit_behave_test_bans_SOURCES = tests/unit/behave/test_bans.c tests/unit/lib/temp.c tests/unit/lib/temp.h
tests_unit_behave_test_bans_LDADD = %D%/libbehave.la $(CMOCKA_LIBS)
tests_unit_behave_test_behave_SOURCES = tests/unit/behave/test_behave.c tests/unit/lib/temp.c tests/unit/lib/temp.h
tests_unit_behave_test_behave_LDADD = %D%/libbehave.la $(CMOCKA_LIBS)
tests_unit_behave_test_eng_behave_SOURCES = tests/unit/behave/test_eng_behave.c tests/unit/lib/temp.c \
	tests/unit/lib/temp.h
tests_unit_behave_test_eng_behave_LDADD = haproxy-spoa/libspoad.la $(CMOCKA_LIBS)
# Not run by `make check`: prints what a request costs, on this machine.
check_PROGRAMS += tests/bench/bench_behave
tests_bench_bench_behave_LDADD = %D%/libbehave.la
FUZZ_TARGETS += tests/fuzz/behave/fuzz_ban_lines
tests_fuzz_behave_fuzz_ban_lines_SOURCES = tests/fuzz/behave/fuzz_ban_lines.c $(FUZZ_MAIN)
tests_fuzz_behave_fuzz_ban_lines_LDADD = %D%/libbehave.la $(FUZZ_LIBS)
endif
endif
noinst_HEADERS += %D%/assoc.h %D%/window.h %D%/sources.h %D%/bans.h %D%/ban_file.h %D%/behave.h
