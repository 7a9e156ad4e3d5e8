# SPDX-License-Identifier: MIT
# llmsecd collects events and answers questions about them; llmsecctl asks.
if CONTROL
sbin_PROGRAMS += %D%/llmsecd
bin_PROGRAMS += %D%/llmsecctl
noinst_LTLIBRARIES += %D%/libcontrol.la
%C%_libcontrol_la_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLLMSEC_PROGRAM_PATH=\"$(sbindir):$(bindir):$(squid_helperdir)\"
%C%_libcontrol_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SQLITE_CFLAGS) $(MHD_CFLAGS) \
	$(CRYPTO_CFLAGS) $(CURL_CFLAGS)
%C%_libcontrol_la_LIBADD = $(LIBLLMSEC) $(JANSSON_LIBS) $(SQLITE_LIBS) $(MHD_LIBS) $(CRYPTO_LIBS) \
	$(CURL_LIBS)
%C%_libcontrol_la_SOURCES = \
	%D%/board.c %D%/board.h %D%/collector.c %D%/collector.h %D%/ctl_check.c %D%/ctl_check.h \
	%D%/ctl_client.c %D%/ctl_client.h %D%/ctl_show.c %D%/ctl_show.h %D%/ctltime.c %D%/ctltime.h \
	%D%/evline.c %D%/evline.h %D%/httpd.c %D%/httpd.h %D%/httpd_follow.c %D%/httpd_pages.c \
	%D%/httpd_private.h %D%/intake.c %D%/intake.h %D%/intake_jobs.c %D%/intake_private.h \
	%D%/listen.c %D%/listen.h %D%/llmsecd_conf.c %D%/llmsecd_conf.h %D%/llmsecd_metrics.c \
	%D%/llmsecd_metrics.h %D%/query.c %D%/query.h %D%/spool.c %D%/spool.h %D%/store.c \
	%D%/store.h %D%/store_private.h %D%/store_read.c %D%/store_read.h %D%/store_schema.c
%C%_llmsecd_SOURCES = %D%/llmsecd.c
%C%_llmsecd_LDADD = %D%/libcontrol.la
%C%_llmsecctl_SOURCES = %D%/llmsecctl.c
%C%_llmsecctl_CPPFLAGS = $(%C%_libcontrol_la_CPPFLAGS)
%C%_llmsecctl_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
%C%_llmsecctl_LDADD = %D%/libcontrol.la $(CURL_LIBS)
endif
