# SPDX-License-Identifier: MIT
# The inspection engine (libinspect, host-free), its command-line twin, and the c-icap adapter.
if ICAP
noinst_LTLIBRARIES += %D%/libinspect.la
%C%_libinspect_la_CFLAGS = $(AM_CFLAGS) $(PCRE2_CFLAGS) $(CRYPTO_CFLAGS) $(ZLIB_CFLAGS) $(BROTLI_CFLAGS)
%C%_libinspect_la_LIBADD = $(LIBLLMSEC) $(PCRE2_LIBS) $(CRYPTO_LIBS) $(ZLIB_LIBS) $(BROTLI_LIBS)
%C%_libinspect_la_SOURCES =
# request side
%C%_libinspect_la_SOURCES += %D%/dialect.c %D%/dialect_error.c %D%/span.c %D%/span_rules.c %D%/splice.c \
	%D%/mask.c %D%/tx.c %D%/norm.c %D%/literals.c %D%/rules.c %D%/pii.c %D%/detect.c %D%/inspect_req.c \
	%D%/icap_conf.c
# response side
%C%_libinspect_la_SOURCES += %D%/decode.c %D%/sse.c %D%/stream.c %D%/stream_text.c %D%/stream_fields.c \
	%D%/inspect_resp.c
noinst_HEADERS += %D%/decode.h %D%/sse.h %D%/stream.h %D%/stream_fields.h
noinst_HEADERS += %D%/dialect.h %D%/span.h %D%/detect.h %D%/mask.h %D%/mask_private.h %D%/inspect.h %D%/icap_conf.h \
	%D%/norm.h %D%/literals.h %D%/rules.h %D%/pii.h %D%/span_rules.h
endif
