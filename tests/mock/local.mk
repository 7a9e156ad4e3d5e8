# SPDX-License-Identifier: MIT
# llmsec-mock: the provider that tests talk to.
if BUILD_TESTS
noinst_PROGRAMS += %D%/llmsec-mock
noinst_HEADERS += %D%/mock.h %D%/plan.h %D%/script.h %D%/squeeze.h %D%/record.h %D%/serve.h
%C%_llmsec_mock_CPPFLAGS = $(AM_CPPFLAGS)
%C%_llmsec_mock_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS) $(JANSSON_CFLAGS) $(ZLIB_CFLAGS) $(BROTLIENC_CFLAGS) $(CRYPTO_CFLAGS)
%C%_llmsec_mock_LDADD = $(LIBLLMSEC) $(MHD_LIBS) $(JANSSON_LIBS) $(ZLIB_LIBS) $(BROTLIENC_LIBS) $(CRYPTO_LIBS)
%C%_llmsec_mock_SOURCES = %D%/main.c %D%/serve.c %D%/routes.c %D%/reply.c %D%/ask.c %D%/answer.c %D%/plan.c \
	%D%/script.c %D%/script_read.c %D%/squeeze.c %D%/record.c %D%/openai.c %D%/openai_other.c %D%/responses.c \
	%D%/files.c %D%/anthropic.c %D%/gemini.c %D%/ollama.c
TESTS += %D%/test_mock.sh
endif
EXTRA_DIST += %D%/test_mock.sh
