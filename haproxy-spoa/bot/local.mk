# SPDX-License-Identifier: MIT
# Bot score and threat score: a library without clock, network or state; prove.c has the threads that ask the resolver.
if SPOAD
noinst_LTLIBRARIES += %D%/libbot.la
%C%_libbot_la_SOURCES = %D%/table.c %D%/who.c %D%/ja4.c %D%/path.c %D%/head.c %D%/bot.c %D%/judge_facts.c %D%/judge_tls.c \
	%D%/judge_headers.c %D%/judge_rest.c %D%/prove.c %D%/prove_cache.c %D%/addresses.c
%C%_libbot_la_LIBADD = $(LIBLLMSEC)

if BUILD_TESTS
BOT_TESTS = tests/unit/bot/test_cases tests/unit/bot/test_prove tests/unit/bot/test_addresses tests/unit/bot/test_eng_bot
check_PROGRAMS += $(BOT_TESTS)
TESTS += $(BOT_TESTS) tests/bot/explain.sh
dist_check_SCRIPTS += tests/bot/explain.sh
EXTRA_DIST += tests/unit/bot/cases.txt
BOT_CASES = tests/unit/bot/cases.c tests/unit/bot/cases.h
tests_unit_bot_test_cases_SOURCES = tests/unit/bot/test_cases.c $(BOT_CASES)
tests_unit_bot_test_cases_LDADD = haproxy-spoa/libspoad.la $(CMOCKA_LIBS)
tests_unit_bot_test_prove_SOURCES = tests/unit/bot/test_prove.c
tests_unit_bot_test_prove_LDADD = %D%/libbot.la $(CMOCKA_LIBS)
tests_unit_bot_test_addresses_SOURCES = tests/unit/bot/test_addresses.c
tests_unit_bot_test_addresses_LDADD = %D%/libbot.la $(CMOCKA_LIBS)
tests_unit_bot_test_eng_bot_SOURCES = tests/unit/bot/test_eng_bot.c tests/unit/lib/temp.c tests/unit/lib/temp.h
tests_unit_bot_test_eng_bot_LDADD = haproxy-spoa/libspoad.la $(CMOCKA_LIBS)
FUZZ_TARGETS += tests/fuzz/bot/fuzz_bot tests/fuzz/bot/fuzz_addresses
tests_fuzz_bot_fuzz_bot_SOURCES = tests/fuzz/bot/fuzz_bot.c $(BOT_CASES) $(FUZZ_MAIN)
tests_fuzz_bot_fuzz_bot_LDADD = haproxy-spoa/libspoad.la $(FUZZ_LIBS)
tests_fuzz_bot_fuzz_addresses_SOURCES = tests/fuzz/bot/fuzz_addresses.c $(FUZZ_MAIN)
tests_fuzz_bot_fuzz_addresses_LDADD = %D%/libbot.la $(FUZZ_LIBS)
check_PROGRAMS += tests/bench/bot_bench
tests_bench_bot_bench_SOURCES = tests/bench/bot_bench.c $(BOT_CASES)
tests_bench_bot_bench_LDADD = haproxy-spoa/libspoad.la
endif
endif
noinst_HEADERS += %D%/bot.h %D%/head.h %D%/judge_private.h %D%/prove.h %D%/prove_cache.h %D%/addresses.h \
	%D%/features.def %D%/agents.def %D%/ja4_clients.def %D%/probe.def
