# SPDX-License-Identifier: MIT
# llmsec-spoad: the SPOE agent.  Everything but main.c is in the convenience library.
if SPOAD
noinst_LTLIBRARIES += %D%/libspoad.la
%C%_libspoad_la_LIBADD = $(LIBLLMSEC)
%C%_libspoad_la_SOURCES = %D%/spop_value.c %D%/spop_frame.c %D%/spop_conn.c %D%/req_view.c \
	%D%/engine.c %D%/eng_guard.c %D%/eng_sign.c %D%/listen_addr.c %D%/spoad_conf.c \
	%D%/spoad_counters.c %D%/policy.c %D%/judge.c \
	%D%/worker.c %D%/server.c
sbin_PROGRAMS += %D%/llmsec-spoad
%C%_llmsec_spoad_SOURCES = %D%/main.c
%C%_llmsec_spoad_LDADD = %D%/libspoad.la
endif
noinst_HEADERS += %D%/spop.h %D%/spop_value.h %D%/spop_frame.h %D%/spop_conn.h %D%/req_view.h \
	%D%/engine.h %D%/eng_guard.h %D%/eng_sign.h %D%/listen_addr.h %D%/spoad_conf.h \
	%D%/spoad_counters.h %D%/policy.h %D%/judge.h \
	%D%/worker.h %D%/server.h
