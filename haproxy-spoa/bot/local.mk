# SPDX-License-Identifier: MIT
# Bot score and threat score: a library without clock, network or state; prove.c has the threads that ask the resolver.
if SPOAD
noinst_LTLIBRARIES += %D%/libbot.la
%C%_libbot_la_SOURCES = %D%/table.c %D%/who.c %D%/ja4.c %D%/path.c %D%/head.c %D%/bot.c %D%/judge_facts.c %D%/judge_tls.c \
	%D%/judge_headers.c %D%/judge_rest.c %D%/prove.c %D%/prove_cache.c %D%/addresses.c
%C%_libbot_la_LIBADD = $(LIBLLMSEC)
endif
noinst_HEADERS += %D%/bot.h %D%/head.h %D%/judge_private.h %D%/prove.h %D%/prove_cache.h %D%/addresses.h \
	%D%/features.def %D%/agents.def %D%/ja4_clients.def %D%/probe.def
