# SPDX-License-Identifier: MIT
# libllmsec: what at least two rooms need.  A convenience library, never installed.
noinst_LTLIBRARIES += %D%/libllmsec.la
noinst_HEADERS += %D%/arena.h %D%/buf.h %D%/cidr.h %D%/never_ban.h %D%/wire.h %D%/diag.h %D%/log.h %D%/conf.h %D%/event.h \
	%D%/counters.h %D%/edge_sign.h %D%/node_sign.h %D%/json.h %D%/literals.h %D%/utf8.h %D%/sdnotify.h
noinst_HEADERS += %D%/file_write.h %D%/set_file.h %D%/set_dom.h %D%/set_ip.h
%C%_libllmsec_la_CPPFLAGS = $(AM_CPPFLAGS)
%C%_libllmsec_la_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS) $(CRYPTO_CFLAGS)
%C%_libllmsec_la_LIBADD = $(YAML_LIBS) $(CRYPTO_LIBS)
%C%_libllmsec_la_SOURCES = %D%/arena.c %D%/buf.c %D%/cidr.c %D%/never_ban.c %D%/sdnotify.c
%C%_libllmsec_la_SOURCES += %D%/wire.c %D%/siphash.c %D%/siphash.h
%C%_libllmsec_la_SOURCES += %D%/diag.c %D%/file_write.c
%C%_libllmsec_la_SOURCES += %D%/literals.c %D%/literals_anchor.c %D%/literals_dfa.c %D%/literals_private.h
%C%_libllmsec_la_SOURCES += %D%/log.c
%C%_libllmsec_la_SOURCES += %D%/edge_sign.c %D%/node_sign.c
%C%_libllmsec_la_SOURCES += %D%/conf.c %D%/conf_value.c %D%/conf_show.c %D%/conf_private.h
%C%_libllmsec_la_SOURCES += %D%/utf8.c %D%/json.c %D%/json_token.c %D%/json_string.c %D%/json_keyset.c \
	%D%/json_path.c
noinst_HEADERS += %D%/json_private.h
%C%_libllmsec_la_SOURCES += %D%/counters.c %D%/counters_export.c %D%/counters_private.h
%C%_libllmsec_la_SOURCES += %D%/set_file.c %D%/set_crc.c %D%/set_write.c %D%/set_private.h %D%/set_dom.c \
	%D%/set_dom_write.c %D%/set_dom_private.h %D%/set_ip.c %D%/set_ip_write.c %D%/set_ip_private.h
dist_man_MANS += %D%/llmsec-set.5
%C%_libllmsec_la_SOURCES += %D%/event.c %D%/event_line.c %D%/event_line.h
%C%_libllmsec_la_SOURCES += %D%/actor_key.c %D%/actor_key.h
%C%_libllmsec_la_SOURCES += %D%/base64.c %D%/base64.h
if BUILD_TESTS
check_PROGRAMS += tests/unit/lib/test_actor_key
TESTS += tests/unit/lib/test_actor_key
tests_unit_lib_test_actor_key_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_test_actor_key_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS)
SET_TESTS = tests/unit/lib/test_set_dom tests/unit/lib/test_set_ip tests/unit/lib/test_file_write
check_PROGRAMS += $(SET_TESTS)
TESTS += $(SET_TESTS)
tests_unit_lib_test_set_dom_SOURCES = tests/unit/lib/test_set_dom.c tests/unit/lib/temp.c tests/unit/lib/temp.h
tests_unit_lib_test_set_dom_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_test_set_dom_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS)
tests_unit_lib_test_set_ip_SOURCES = tests/unit/lib/test_set_ip.c tests/unit/lib/temp.c tests/unit/lib/temp.h
tests_unit_lib_test_set_ip_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_test_set_ip_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS)
tests_unit_lib_test_file_write_SOURCES = tests/unit/lib/test_file_write.c tests/unit/lib/temp.c tests/unit/lib/temp.h
tests_unit_lib_test_file_write_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_test_file_write_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS)
LIB_TESTS = tests/unit/lib/test_utf8 tests/unit/lib/test_json tests/unit/lib/test_arena \
	tests/unit/lib/test_buf tests/unit/lib/test_wire tests/unit/lib/test_diag tests/unit/lib/test_conf \
	tests/unit/lib/test_log tests/unit/lib/test_literals \
	tests/unit/lib/test_counters tests/unit/lib/test_edge_sign tests/unit/lib/test_node_sign tests/unit/lib/test_event \
	tests/unit/lib/test_event_line tests/unit/lib/test_sdnotify tests/unit/lib/test_json_conformance
check_PROGRAMS += $(LIB_TESTS)
TESTS += $(LIB_TESTS)
tests_unit_lib_test_node_sign_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_test_node_sign_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS)
tests_unit_lib_test_utf8_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_test_utf8_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS)
tests_unit_lib_test_json_SOURCES = tests/unit/lib/test_json.c tests/unit/lib/json_trace.h
tests_unit_lib_test_json_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_test_json_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS)
tests_unit_lib_test_arena_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_test_arena_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS)
tests_unit_lib_test_buf_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_test_buf_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS)
tests_unit_lib_test_wire_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_test_wire_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS)
tests_unit_lib_test_diag_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_test_diag_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS)
tests_unit_lib_test_log_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_test_log_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS)
tests_unit_lib_test_literals_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_test_literals_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS)
tests_unit_lib_test_conf_SOURCES = tests/unit/lib/test_conf.c tests/unit/lib/temp.c tests/unit/lib/temp.h
tests_unit_lib_test_conf_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_test_conf_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS)
tests_unit_lib_test_counters_SOURCES = tests/unit/lib/test_counters.c tests/unit/lib/temp.c tests/unit/lib/temp.h
tests_unit_lib_test_counters_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_test_counters_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS)
tests_unit_lib_test_edge_sign_SOURCES = tests/unit/lib/test_edge_sign.c tests/unit/lib/temp.c tests/unit/lib/temp.h
tests_unit_lib_test_edge_sign_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_test_edge_sign_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS)
tests_unit_lib_test_event_SOURCES = tests/unit/lib/test_event.c tests/unit/lib/temp.c tests/unit/lib/temp.h \
	tests/unit/lib/collector_stub.c tests/unit/lib/collector_stub.h
tests_unit_lib_test_event_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_test_event_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS)
tests_unit_lib_test_sdnotify_SOURCES = tests/unit/lib/test_sdnotify.c tests/unit/lib/temp.c tests/unit/lib/temp.h
tests_unit_lib_test_sdnotify_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lib_test_sdnotify_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS)
tests_unit_lib_test_event_line_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_lib_test_event_line_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS) $(JANSSON_LIBS)
tests_unit_lib_test_json_conformance_SOURCES = tests/unit/lib/test_json_conformance.c \
	tests/unit/lib/json_oracle.c tests/unit/lib/json_oracle.h
tests_unit_lib_test_json_conformance_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_lib_test_json_conformance_LDADD = $(LIBLLMSEC) $(CMOCKA_LIBS) $(JANSSON_LIBS)
check_PROGRAMS += tests/bench/bench_set
tests_bench_bench_set_SOURCES = tests/bench/bench_set.c tests/bench/ti_corpus.c tests/bench/ti_corpus.h
tests_bench_bench_set_LDADD = $(LIBLLMSEC)
# Not run by `make check`: prints what the scanner does beside jansson, on this machine.
check_PROGRAMS += tests/bench/bench_json
tests_bench_bench_json_SOURCES = tests/bench/bench_json.c tests/bench/bench_jansson.c tests/bench/bench_json.h
tests_bench_bench_json_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_bench_bench_json_LDADD = $(LIBLLMSEC) $(JANSSON_LIBS)
endif
FUZZ_TARGETS += tests/fuzz/lib/fuzz_json tests/fuzz/lib/fuzz_literals tests/fuzz/lib/fuzz_utf8 tests/fuzz/lib/fuzz_conf \
	tests/fuzz/lib/fuzz_wire tests/fuzz/lib/fuzz_edge_sign tests/fuzz/lib/fuzz_node_sign tests/fuzz/lib/fuzz_never_ban
tests_fuzz_lib_fuzz_never_ban_SOURCES = tests/fuzz/lib/fuzz_never_ban.c $(FUZZ_MAIN)
tests_fuzz_lib_fuzz_never_ban_LDADD = $(LIBLLMSEC) $(FUZZ_LIBS)
tests_fuzz_lib_fuzz_node_sign_SOURCES = tests/fuzz/lib/fuzz_node_sign.c $(FUZZ_MAIN)
tests_fuzz_lib_fuzz_node_sign_LDADD = $(LIBLLMSEC) $(FUZZ_LIBS)
tests_fuzz_lib_fuzz_json_SOURCES = tests/fuzz/lib/fuzz_json.c $(FUZZ_MAIN)
tests_fuzz_lib_fuzz_json_LDADD = $(LIBLLMSEC) $(FUZZ_LIBS)
tests_fuzz_lib_fuzz_utf8_SOURCES = tests/fuzz/lib/fuzz_utf8.c $(FUZZ_MAIN)
tests_fuzz_lib_fuzz_utf8_LDADD = $(LIBLLMSEC) $(FUZZ_LIBS)
tests_fuzz_lib_fuzz_conf_SOURCES = tests/fuzz/lib/fuzz_conf.c $(FUZZ_MAIN)
tests_fuzz_lib_fuzz_conf_LDADD = $(LIBLLMSEC) $(FUZZ_LIBS)
tests_fuzz_lib_fuzz_wire_SOURCES = tests/fuzz/lib/fuzz_wire.c $(FUZZ_MAIN)
tests_fuzz_lib_fuzz_wire_LDADD = $(LIBLLMSEC) $(FUZZ_LIBS)
tests_fuzz_lib_fuzz_edge_sign_SOURCES = tests/fuzz/lib/fuzz_edge_sign.c $(FUZZ_MAIN)
tests_fuzz_lib_fuzz_edge_sign_LDADD = $(LIBLLMSEC) $(FUZZ_LIBS)
tests_fuzz_lib_fuzz_literals_SOURCES = tests/fuzz/lib/fuzz_literals.c $(FUZZ_MAIN)
tests_fuzz_lib_fuzz_literals_LDADD = $(LIBLLMSEC) $(FUZZ_LIBS)
FUZZ_TARGETS += tests/fuzz/lib/fuzz_set tests/fuzz/lib/fuzz_set_model
tests_fuzz_lib_fuzz_set_SOURCES = tests/fuzz/lib/fuzz_set.c $(FUZZ_MAIN)
tests_fuzz_lib_fuzz_set_LDADD = $(LIBLLMSEC) $(FUZZ_LIBS)
tests_fuzz_lib_fuzz_set_model_SOURCES = tests/fuzz/lib/fuzz_set_model.c $(FUZZ_MAIN)
tests_fuzz_lib_fuzz_set_model_LDADD = $(LIBLLMSEC) $(FUZZ_LIBS)
