# SPDX-License-Identifier: MIT
# ClientHellos and their fingerprints: pure functions over bytes, and llmsec-ja4, their command-line twin.
if SPOAD
noinst_LTLIBRARIES += %D%/libtls.la
%C%_libtls_la_SOURCES = %D%/hello.c %D%/ja.c
%C%_libtls_la_LIBADD = $(LIBLLMSEC) $(CRYPTO_LIBS)
dist_man_MANS += %D%/llmsec-ja4.1
bin_PROGRAMS += %D%/llmsec-ja4
noinst_LTLIBRARIES += %D%/libtlscap.la
# What only captures need: never linked into a daemon.
%C%_libtlscap_la_SOURCES = %D%/flows.c %D%/quic.c
%C%_libtlscap_la_LIBADD = %D%/libtls.la
%C%_llmsec_ja4_SOURCES = %D%/llmsec_ja4.c
%C%_llmsec_ja4_CFLAGS = $(AM_CFLAGS) $(PCAP_CFLAGS)
%C%_llmsec_ja4_LDADD = %D%/libtlscap.la $(PCAP_LIBS)

endif
noinst_HEADERS += %D%/hello.h %D%/ja.h %D%/quic.h %D%/flows.h
