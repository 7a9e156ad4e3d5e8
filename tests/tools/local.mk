# SPDX-License-Identifier: MIT
# llmsec-load: what the stack does to time, order and bytes, seen from the client.
if BUILD_TESTS
noinst_PROGRAMS += %D%/llmsec-load
noinst_HEADERS += %D%/load.h
%C%_llmsec_load_CPPFLAGS = $(AM_CPPFLAGS)
%C%_llmsec_load_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(JANSSON_CFLAGS) $(CRYPTO_CFLAGS)
%C%_llmsec_load_LDADD = $(LIBLLMSEC) $(CURL_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS) -lm
%C%_llmsec_load_SOURCES = %D%/load_main.c %D%/load_stats.c %D%/load_http.c %D%/load_stream.c %D%/load_req.c \
	%D%/load_big.c
endif

# llmsec-icapc: an ICAP client, for tests of srv_llmsec inside a real c-icap.
if BUILD_TESTS
check_PROGRAMS += %D%/llmsec-icapc
noinst_HEADERS += %D%/icapc.h
%C%_llmsec_icapc_CPPFLAGS = $(AM_CPPFLAGS)
%C%_llmsec_icapc_LDADD = $(LIBLLMSEC)
%C%_llmsec_icapc_SOURCES = %D%/llmsec-icapc.c %D%/icapc_msg.c %D%/icapc_answer.c %D%/icapc_io.c
endif
