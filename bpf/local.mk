# SPDX-License-Identifier: MIT
# llmsec-xdp: a filter in the kernel, its loader and tool.  The program is compiled by clang for the kernel's
# machine and embedded by bpftool; nothing of it is installed beside the tool.
XDP_BPF_TEXTS = %D%/llmsec_xdp.bpf.c %D%/xdp_ban.bpf.h %D%/xdp_limit.bpf.h %D%/xdp_maps.bpf.h \
	%D%/xdp_tcp.bpf.h %D%/xdp_parse.h %D%/xdp_shared.h
EXTRA_DIST += $(XDP_BPF_TEXTS)
if XDP
noinst_LTLIBRARIES += %D%/libxdp.la
sbin_PROGRAMS += %D%/llmsec-xdp
dist_man_MANS += %D%/llmsec-xdp.8
%C%_libxdp_la_SOURCES = %D%/xdp_allow.c %D%/xdp_bans.c %D%/xdp_bans.h %D%/xdp_conf.c %D%/xdp_conf.h \
	%D%/xdp_count.c %D%/xdp_count.h %D%/xdp_feed.c %D%/xdp_feed.h %D%/xdp_feedline.c %D%/xdp_feedline.h \
	%D%/xdp_filter.c %D%/xdp_filter.h %D%/xdp_frame.c %D%/xdp_frame.h %D%/xdp_link.c %D%/xdp_load.c \
	%D%/xdp_load.h %D%/xdp_maps.c %D%/xdp_maps.h %D%/xdp_never.c %D%/xdp_never.h %D%/xdp_quick.c %D%/xdp_quick.h %D%/xdp_replace.c \
	%D%/xdp_run.c %D%/xdp_run.h
%C%_libxdp_la_CFLAGS = $(AM_CFLAGS) $(BPF_CFLAGS)
%C%_libxdp_la_LIBADD = $(LIBLLMSEC) $(BPF_LIBS)
%C%_llmsec_xdp_SOURCES = %D%/llmsec_xdp.c %D%/xdp_cli.h %D%/xdp_cmd_attach.c %D%/xdp_cmd_ban.c \
	%D%/xdp_cmd_bench.c %D%/xdp_cmd_events.c %D%/xdp_cmd_follow.c %D%/xdp_cmd_stats.c %D%/xdp_cmd_test.c \
	%D%/xdp_event.h %D%/xdp_tell.c %D%/xdp_tell.h
%C%_llmsec_xdp_CFLAGS = $(AM_CFLAGS) $(BPF_CFLAGS)
%C%_llmsec_xdp_LDADD = %D%/libxdp.la $(BPF_LIBS)

# -mcpu=v3: Linux 5.12.  No paths of this machine in the object: the build is the same everywhere.
%D%/llmsec_xdp.bpf.o: $(XDP_BPF_TEXTS)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cd $(srcdir) && $(BPF_CLANG) -g -O2 -target bpf -mcpu=v3 -Wall -Wextra -Werror \
		-fdebug-compilation-dir=. $(BPF_CFLAGS) $(BPF_SYSTEM_CFLAGS) -c bpf/llmsec_xdp.bpf.c -o $(abs_builddir)/$@
# bpftool wants the object's name to be the skeleton's.
%D%/llmsec_xdp.skel.h: %D%/llmsec_xdp.bpf.o
	$(AM_V_GEN)$(BPFTOOL) gen skeleton $(abs_builddir)/bpf/llmsec_xdp.bpf.o name llmsec_xdp_bpf >$@.tmp && mv $@.tmp $@
# By a variable, or automake takes this for the object's whole rule and leaves its own out.
XDP_LOAD_LO = %D%/libxdp_la-xdp_load.lo
$(XDP_LOAD_LO): %D%/llmsec_xdp.skel.h
BUILT_SOURCES += %D%/llmsec_xdp.skel.h
CLEANFILES += %D%/llmsec_xdp.bpf.o %D%/llmsec_xdp.skel.h
endif

if XDP
if BUILD_TESTS
XDP_TESTS = tests/unit/xdp/test_parse tests/unit/xdp/test_program tests/unit/xdp/test_outside
check_PROGRAMS += $(XDP_TESTS) tests/tools/llmsec-packets
TESTS += $(XDP_TESTS) tests/xdp/bans.sh tests/xdp/caps.sh tests/xdp/floods.sh tests/xdp/follow.sh \
	tests/xdp/units.sh
dist_check_SCRIPTS += tests/xdp/bans.sh tests/xdp/caps.sh tests/xdp/floods.sh tests/xdp/follow.sh tests/xdp/units.sh
EXTRA_DIST += tests/xdp/lib.sh tests/xdp/kernels.sh
XDP_FRAMES = tests/unit/xdp/frames.c tests/unit/xdp/frames.h tests/unit/xdp/ref_parse.c tests/unit/xdp/ref_parse.h
XDP_VECTORS = tests/unit/xdp/vectors.c tests/unit/xdp/vectors.h
tests_unit_xdp_test_parse_SOURCES = tests/unit/xdp/test_parse.c $(XDP_FRAMES) $(XDP_VECTORS)
tests_unit_xdp_test_parse_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_xdp_test_parse_LDADD = %D%/libxdp.la $(CMOCKA_LIBS)
tests_unit_xdp_test_program_SOURCES = tests/unit/xdp/test_program.c $(XDP_FRAMES) $(XDP_VECTORS)
tests_unit_xdp_test_program_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(BPF_CFLAGS)
tests_unit_xdp_test_program_LDADD = %D%/libxdp.la $(CMOCKA_LIBS)
tests_unit_xdp_test_outside_SOURCES = tests/unit/xdp/test_outside.c tests/unit/lib/temp.c tests/unit/lib/temp.h
tests_unit_xdp_test_outside_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_xdp_test_outside_LDADD = %D%/libxdp.la $(CMOCKA_LIBS)
tests_tools_llmsec_packets_SOURCES = tests/tools/llmsec-packets.c
tests_tools_llmsec_packets_LDADD = %D%/libxdp.la
FUZZ_TARGETS += tests/fuzz/xdp/fuzz_frame tests/fuzz/xdp/fuzz_outside
tests_fuzz_xdp_fuzz_frame_SOURCES = tests/fuzz/xdp/fuzz_frame.c $(XDP_FRAMES) $(FUZZ_MAIN)
tests_fuzz_xdp_fuzz_frame_LDADD = %D%/libxdp.la $(FUZZ_LIBS)
tests_fuzz_xdp_fuzz_outside_SOURCES = tests/fuzz/xdp/fuzz_outside.c $(FUZZ_MAIN)
tests_fuzz_xdp_fuzz_outside_LDADD = %D%/libxdp.la $(FUZZ_LIBS)
endif
endif
