# SPDX-License-Identifier: MIT
# The supply chain: Python's start-up files.  Also llmsecctl's; built where either is.
EXTRA_LTLIBRARIES = %D%/libpth.la
%C%_libpth_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(ARCHIVE_CFLAGS)
# without $(LIBLLMSEC), which its users have: the module would hold everything twice
%C%_libpth_la_LIBADD = $(CRYPTO_LIBS) $(ARCHIVE_LIBS)
%C%_libpth_la_SOURCES = %D%/filetype.c %D%/pth.c %D%/pth_archive.c %D%/pth_code.c %D%/pth_module.c %D%/pth_python.c %D%/zip_check.c

# The inspection engine (libinspect, host-free), its command-line twin, and the c-icap adapter.
if ICAP
noinst_LTLIBRARIES += %D%/libinspect.la
%C%_libinspect_la_CFLAGS = $(AM_CFLAGS) $(PCRE2_CFLAGS) $(CRYPTO_CFLAGS) $(ZLIB_CFLAGS) $(BROTLI_CFLAGS) $(UTF8PROC_CFLAGS) $(ARCHIVE_CFLAGS) $(EXPAT_CFLAGS)
%C%_libinspect_la_LIBADD = %D%/libpth.la $(LIBLLMSEC) $(PCRE2_LIBS) $(CRYPTO_LIBS) $(ZLIB_LIBS) $(BROTLI_LIBS) $(UTF8PROC_LIBS) $(ARCHIVE_LIBS) $(EXPAT_LIBS) -lm
%C%_libinspect_la_SOURCES =
# request side
%C%_libinspect_la_SOURCES += %D%/url_path.c %D%/dialect.c %D%/dialect_error.c %D%/span.c %D%/span_rules.c %D%/splice.c \
	%D%/mask.c %D%/tx.c %D%/norm.c %D%/skeleton.c %D%/skeleton_scan.c %D%/skeleton_words.c %D%/lookalike.c %D%/views.c \
	%D%/view_marks.c %D%/view_escapes.c %D%/view_markup.c %D%/view_runs.c %D%/view_ciphers.c %D%/view_backwards.c %D%/view_turned.c %D%/rules.c %D%/rules_load.c %D%/rules_literal.c %D%/rules_context.c %D%/rules_talk.c %D%/pii.c %D%/detect.c %D%/detect_prompt.c %D%/inspect_req.c \
	%D%/icap_conf.c
# response side
%C%_libinspect_la_SOURCES += %D%/decode.c %D%/sse.c %D%/stream.c %D%/stream_text.c %D%/stream_fields.c %D%/stream_mend.c \
	%D%/inspect_resp.c
# answers: what they carry away, run and recite
%C%_libinspect_la_SOURCES += %D%/responses.c %D%/leak.c %D%/exfil.c %D%/guard.c %D%/guard_markup.c %D%/guard_html.c \
	%D%/guard_hidden.c
# conversations
%C%_libinspect_la_SOURCES += %D%/convo.c %D%/seams.c %D%/trajectory.c
noinst_HEADERS += %D%/guard_private.h %D%/convo_private.h %D%/seams.h
# the learned model
%C%_libinspect_la_SOURCES += %D%/concept.c %D%/concept_load.c %D%/feature.c %D%/model.c %D%/model_load.c \
	%D%/model_explain.c
noinst_HEADERS += %D%/concept.h %D%/feature.h %D%/model.h %D%/model_private.h
noinst_HEADERS += %D%/decode.h %D%/sse.h %D%/stream.h %D%/stream_fields.h %D%/stream_mend.h
# personal data and secrets
noinst_HEADERS += %D%/secret.h %D%/pii_private.h %D%/secret_private.h
%C%_libinspect_la_SOURCES += %D%/pii_check.c %D%/pii_find.c %D%/pii_ids.c %D%/pii_numbers.c %D%/pii_people.c %D%/pii_wallet.c \
	%D%/pii_words.c %D%/secret.c %D%/secret_table.c
# texts kept for the trainer
%C%_libinspect_la_SOURCES += %D%/shadow.c %D%/shadow_text.c %D%/shadow_write.c
noinst_HEADERS += %D%/shadow.h %D%/shadow_private.h
# files: their types, their text
%C%_libinspect_la_SOURCES += %D%/extract.c %D%/extract_charset.c %D%/extract_rtf.c %D%/extract_html.c %D%/extract_office.c %D%/extract_pdf.c \
	%D%/extract_pdf_filter.c %D%/extract_pdf_font.c %D%/extract_pdf_object.c
noinst_HEADERS += %D%/filetype.h %D%/extract.h %D%/extract_private.h %D%/extract_pdf.h
# files in requests
%C%_libinspect_la_SOURCES += %D%/attach.c %D%/attach_archive.c %D%/attach_base64.c %D%/attach_conf.c %D%/attach_inline.c %D%/attach_mask.c %D%/attach_remote.c \
	%D%/multipart.c %D%/span_upload.c
noinst_HEADERS += %D%/attach.h %D%/attach_private.h %D%/multipart.h
noinst_HEADERS += %D%/pth.h %D%/pth_private.h %D%/pth_python.h %D%/zip_check.h
# what passes the forward proxy
%C%_libinspect_la_SOURCES += %D%/blob.c %D%/content.c %D%/content_conf.c %D%/content_escape.c %D%/content_judge.c %D%/content_piece.c %D%/content_secret.c %D%/content_text.c %D%/content_work.c
noinst_HEADERS += %D%/blob.h %D%/content.h %D%/content_private.h
noinst_HEADERS += %D%/responses.h %D%/leak.h %D%/exfil.h %D%/guard.h %D%/convo.h
noinst_HEADERS += %D%/dialect.h %D%/span.h %D%/detect.h %D%/detect_private.h %D%/mask.h %D%/mask_private.h %D%/inspect.h %D%/icap_conf.h \
	%D%/norm.h %D%/bytes.h %D%/skeleton.h %D%/views.h %D%/view_marks.h %D%/rules.h %D%/rules_private.h %D%/pii.h %D%/span_rules.h %D%/url_path.h

# The c-icap service: only the symbol "service" leaves the object, c-icap loads modules RTLD_GLOBAL; nodelete
# keeps its last good configuration over a reload.
cicapmoddir = $(cicap_moduledir)
cicapmod_LTLIBRARIES = %D%/srv_llmsec.la
%C%_srv_llmsec_la_SOURCES = %D%/srv_llmsec.c %D%/icap_tr.c %D%/icap_tr.h %D%/icap_events.c %D%/icap_reqmod.c %D%/icap_respmod.c \
	%D%/icap_content.c
%C%_srv_llmsec_la_CPPFLAGS = $(AM_CPPFLAGS) $(CICAP_CFLAGS)
%C%_srv_llmsec_la_CFLAGS = $(AM_CFLAGS) -Wno-undef -Wno-strict-prototypes -Wno-shadow
%C%_srv_llmsec_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -Wl,-z,nodelete $(LLMSEC_MODULE_LDFLAGS)
%C%_srv_llmsec_la_LIBADD = %D%/libinspect.la $(CICAP_LIBS)

bin_PROGRAMS += %D%/llmsec-scan
%C%_llmsec_scan_SOURCES = %D%/llmsec_scan.c %D%/llmsec_scan_lines.c %D%/llmsec_scan_line.c %D%/llmsec_scan_explain.c %D%/llmsec_scan_label.c %D%/llmsec_scan_conf.c %D%/llmsec_scan.h
%C%_llmsec_scan_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_llmsec_scan_LDADD = %D%/libinspect.la $(JANSSON_LIBS)
dist_man_MANS += %D%/llmsec-scan.1 %D%/llmsec-icap.yaml.5 %D%/llmsec-rules.5

# The model's trainer (./dev train): the same features, read by the same code.
check_PROGRAMS += %D%/train/llmsec-train
%C%_train_llmsec_train_SOURCES = %D%/train/llmsec-train.c %D%/train/data.c %D%/train/learn.c %D%/train/report.c \
	%D%/train/write.c %D%/train/train.h
%C%_train_llmsec_train_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) -O3
%C%_train_llmsec_train_LDADD = %D%/libinspect.la $(JANSSON_LIBS) $(ZLIB_LIBS) -lpthread -lm
EXTRA_DIST += %D%/concepts.txt %D%/train/README.md %D%/train/sources.txt %D%/train/seeds
EXTRA_DIST += tests/unit/icap-llmsec/rows_lib.sh
EXTRA_DIST += %D%/train/grammar/README.md %D%/train/grammar/grammar.py %D%/train/grammar/templates.py \
	%D%/train/grammar/disguise.py %D%/train/grammar/carriers.gram %D%/train/grammar/documents.gram %D%/train/grammar/forms.gram %D%/train/grammar/game.gram \
	%D%/train/grammar/hard.gram %D%/train/grammar/hijack.gram %D%/train/grammar/lang-asia.gram %D%/train/grammar/lang-more.gram %D%/train/grammar/lang-east.gram %D%/train/grammar/lang-west.gram \
	%D%/train/grammar/mail.gram %D%/train/grammar/orders.gram %D%/train/grammar/persona.gram %D%/train/grammar/short.gram %D%/train/grammar/turn.gram %D%/train/grammar/assemble.gram %D%/train/grammar/records.gram \
	%D%/train/grammar/data.spin %D%/train/grammar/en.spin %D%/train/grammar/lang.spin \
	%D%/train/grammar/more/office.gram %D%/train/grammar/more/office-lang.gram %D%/train/grammar/more/agent.gram %D%/train/grammar/more/puzzle.gram %D%/train/grammar/more/reader.gram \
	%D%/train/written/README.md %D%/train/written/make.py %D%/train/written/players.txt %D%/train/written/jailbreaks.txt \
	%D%/train/written/orders.txt %D%/train/written/languages.txt %D%/train/written/hijacks.txt \
	%D%/train/written/leaks.txt %D%/train/written/tools.txt %D%/train/written/long.txt %D%/train/written/setups.txt \
	%D%/train/written/manuals.txt %D%/train/written/letters.txt %D%/train/written/pasted.txt %D%/train/written/asked.txt
rulesdir = $(datadir)/llmsec/rules
dist_rules_DATA = etc/llmsec/rules/agent.yaml \
	etc/llmsec/rules/extraction.yaml \
	etc/llmsec/rules/injection.yaml \
	etc/llmsec/rules/lang-extraction.yaml \
	etc/llmsec/rules/lang-override.yaml \
	etc/llmsec/rules/lang-persona.yaml \
	etc/llmsec/rules/lang-unrestricted.yaml \
	etc/llmsec/rules/override.yaml \
	etc/llmsec/rules/payload.yaml \
	etc/llmsec/rules/persona.yaml \
	etc/llmsec/rules/template.yaml \
	etc/llmsec/rules/topics-example.yaml \
	etc/llmsec/rules/unrestricted.yaml
modeldir = $(datadir)/llmsec/model
dist_model_DATA = etc/llmsec/model/prompt.model

dist_man_MANS += %D%/srv_llmsec.8

# The unit's c-icap.conf; an administrator's own is named in /etc/default/llmsec-icap.
cicapconfdir = $(datadir)/llmsec
nodist_cicapconf_DATA = etc/c-icap/c-icap.conf
etc/c-icap/c-icap.conf: $(srcdir)/etc/c-icap/llmsec-c-icap.conf.in Makefile
	$(AM_V_GEN)$(MKDIR_P) etc/c-icap && $(SED) -e 's|@ICAP_PORT[@]|1344|' -e 's|@RUN_DIR[@]|/run/llmsec-icap|' \
		-e 's|@USER_LINE[@]|# No User: the unit starts c-icap as its user.|' \
		-e 's|@MODULE[@]|$(cicap_moduledir)/srv_llmsec.so|' -e 's|@ICAP_YAML[@]|$(sysconfdir)/llmsec/icap.yaml|' \
		$(srcdir)/etc/c-icap/llmsec-c-icap.conf.in >$@.tmp && mv $@.tmp $@
CLEANFILES += etc/c-icap/c-icap.conf

# c-icap needs no libtool archive
install-data-hook:
	rm -f $(DESTDIR)$(cicap_moduledir)/srv_llmsec.la
# libtool would learn the module's name from the .la that is gone.
uninstall-hook:
	rm -f '$(DESTDIR)$(cicapmoddir)/srv_llmsec.so'
endif

if ICAP
if BUILD_TESTS
ICAP_UNIT_TESTS = tests/unit/icap-llmsec/test_decode tests/unit/icap-llmsec/test_inspect_resp \
	tests/unit/icap-llmsec/test_split tests/unit/icap-llmsec/test_sse tests/unit/icap-llmsec/test_stream
tests_unit_icap_llmsec_test_split_SOURCES = tests/unit/icap-llmsec/test_split.c \
	tests/unit/icap-llmsec/resp_text.c tests/unit/icap-llmsec/resp_text.h
tests_unit_icap_llmsec_test_split_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_split_LDADD = $(ICAP_TEST_LIBS)
check_PROGRAMS += $(ICAP_UNIT_TESTS)
TESTS += $(ICAP_UNIT_TESTS)
ICAP_TEST_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
ICAP_TEST_LIBS = %D%/libinspect.la $(CMOCKA_LIBS) $(JANSSON_LIBS) $(ZLIB_LIBS)
tests_unit_icap_llmsec_test_decode_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_decode_LDADD = $(ICAP_TEST_LIBS) $(ZLIB_LIBS) $(BROTLI_LIBS)
tests_unit_icap_llmsec_test_inspect_resp_SOURCES = tests/unit/icap-llmsec/test_inspect_resp.c \
	tests/unit/icap-llmsec/resp_text.c tests/unit/icap-llmsec/resp_text.h
tests_unit_icap_llmsec_test_inspect_resp_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_inspect_resp_LDADD = $(ICAP_TEST_LIBS)
tests_unit_icap_llmsec_test_sse_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_sse_LDADD = $(ICAP_TEST_LIBS)
tests_unit_icap_llmsec_test_stream_SOURCES = tests/unit/icap-llmsec/test_stream.c \
	tests/unit/icap-llmsec/resp_text.c tests/unit/icap-llmsec/resp_text.h
tests_unit_icap_llmsec_test_stream_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_stream_LDADD = $(ICAP_TEST_LIBS)

FUZZ_TARGETS += tests/fuzz/icap-llmsec/fuzz_decode tests/fuzz/icap-llmsec/fuzz_inspect_resp \
	tests/fuzz/icap-llmsec/fuzz_sse
tests_fuzz_icap_llmsec_fuzz_decode_SOURCES = tests/fuzz/icap-llmsec/fuzz_decode.c $(FUZZ_MAIN)
tests_fuzz_icap_llmsec_fuzz_decode_LDADD = %D%/libinspect.la $(FUZZ_LIBS)
tests_fuzz_icap_llmsec_fuzz_inspect_resp_SOURCES = tests/fuzz/icap-llmsec/fuzz_inspect_resp.c $(FUZZ_MAIN)
tests_fuzz_icap_llmsec_fuzz_inspect_resp_LDADD = %D%/libinspect.la $(FUZZ_LIBS)
tests_fuzz_icap_llmsec_fuzz_sse_SOURCES = tests/fuzz/icap-llmsec/fuzz_sse.c $(FUZZ_MAIN)
tests_fuzz_icap_llmsec_fuzz_sse_LDADD = %D%/libinspect.la $(FUZZ_LIBS)

# answers and conversations: tests
ICAP_GUARD_TESTS = tests/unit/icap-llmsec/test_guard tests/unit/icap-llmsec/test_leak tests/unit/icap-llmsec/test_convo
check_PROGRAMS += $(ICAP_GUARD_TESTS)
TESTS += $(ICAP_GUARD_TESTS)
tests_unit_icap_llmsec_test_guard_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_guard_LDADD = $(ICAP_TEST_LIBS)
tests_unit_icap_llmsec_test_leak_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_leak_LDADD = $(ICAP_TEST_LIBS) $(CRYPTO_LIBS)
tests_unit_icap_llmsec_test_convo_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_convo_LDADD = $(ICAP_TEST_LIBS)
FUZZ_TARGETS += tests/fuzz/icap-llmsec/fuzz_guard tests/fuzz/icap-llmsec/fuzz_convo
tests_fuzz_icap_llmsec_fuzz_convo_SOURCES = tests/fuzz/icap-llmsec/fuzz_convo.c $(FUZZ_MAIN)
tests_fuzz_icap_llmsec_fuzz_convo_LDADD = %D%/libinspect.la $(FUZZ_LIBS)
tests_fuzz_icap_llmsec_fuzz_guard_SOURCES = tests/fuzz/icap-llmsec/fuzz_guard.c $(FUZZ_MAIN)
tests_fuzz_icap_llmsec_fuzz_guard_LDADD = %D%/libinspect.la $(FUZZ_LIBS)

# files: tests
ICAP_FILE_TESTS = tests/unit/icap-llmsec/test_filetype tests/unit/icap-llmsec/test_extract tests/unit/icap-llmsec/test_attach \
	tests/unit/icap-llmsec/test_attach_mask
check_PROGRAMS += $(ICAP_FILE_TESTS)
TESTS += $(ICAP_FILE_TESTS)
tests_unit_icap_llmsec_test_filetype_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_filetype_LDADD = $(ICAP_TEST_LIBS)
tests_unit_icap_llmsec_test_extract_CFLAGS = $(ICAP_TEST_CFLAGS) $(ARCHIVE_CFLAGS)
tests_unit_icap_llmsec_test_extract_LDADD = $(ICAP_TEST_LIBS) $(ARCHIVE_LIBS)
tests_unit_icap_llmsec_test_attach_CFLAGS = $(ICAP_TEST_CFLAGS) $(ARCHIVE_CFLAGS)
tests_unit_icap_llmsec_test_attach_mask_CFLAGS = $(ICAP_TEST_CFLAGS) $(ARCHIVE_CFLAGS)
tests_unit_icap_llmsec_test_attach_mask_LDADD = $(ICAP_TEST_LIBS) $(ARCHIVE_LIBS)
tests_unit_icap_llmsec_test_attach_LDADD = $(ICAP_TEST_LIBS) $(ARCHIVE_LIBS)
FUZZ_TARGETS += tests/fuzz/icap-llmsec/fuzz_filetype tests/fuzz/icap-llmsec/fuzz_extract tests/fuzz/icap-llmsec/fuzz_attach
tests_fuzz_icap_llmsec_fuzz_attach_SOURCES = tests/fuzz/icap-llmsec/fuzz_attach.c $(FUZZ_MAIN)
tests_fuzz_icap_llmsec_fuzz_attach_LDADD = %D%/libinspect.la $(FUZZ_LIBS)
tests_fuzz_icap_llmsec_fuzz_extract_SOURCES = tests/fuzz/icap-llmsec/fuzz_extract.c $(FUZZ_MAIN)
tests_fuzz_icap_llmsec_fuzz_extract_LDADD = %D%/libinspect.la $(FUZZ_LIBS)
tests_fuzz_icap_llmsec_fuzz_filetype_SOURCES = tests/fuzz/icap-llmsec/fuzz_filetype.c $(FUZZ_MAIN)
tests_fuzz_icap_llmsec_fuzz_filetype_LDADD = %D%/libinspect.la $(FUZZ_LIBS)

# the supply chain: tests
check_PROGRAMS += tests/unit/icap-llmsec/test_pth
TESTS += tests/unit/icap-llmsec/test_pth
tests_unit_icap_llmsec_test_pth_CFLAGS = $(ICAP_TEST_CFLAGS) $(ARCHIVE_CFLAGS)
tests_unit_icap_llmsec_test_pth_LDADD = $(ICAP_TEST_LIBS) $(ARCHIVE_LIBS)
FUZZ_TARGETS += tests/fuzz/icap-llmsec/fuzz_pth
tests_fuzz_icap_llmsec_fuzz_pth_SOURCES = tests/fuzz/icap-llmsec/fuzz_pth.c $(FUZZ_MAIN)
tests_fuzz_icap_llmsec_fuzz_pth_LDADD = %D%/libinspect.la $(FUZZ_LIBS)

# what passes the forward proxy: tests
check_PROGRAMS += tests/unit/icap-llmsec/test_content
TESTS += tests/unit/icap-llmsec/test_content tests/icap/content.sh tests/icap/content_squid.sh
dist_check_SCRIPTS += tests/icap/content.sh tests/icap/content_squid.sh
EXTRA_DIST += tests/icap/content_lib.sh tests/icap/content_origin.py tests/icap/disguises.py tests/icap/icap_client.py tests/icap/matrix.py tests/icap/places.py tests/icap/samples.py tests/icap/wrappings.py
tests_unit_icap_llmsec_test_content_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_content_LDADD = $(ICAP_TEST_LIBS)
FUZZ_TARGETS += tests/fuzz/icap-llmsec/fuzz_content
tests_fuzz_icap_llmsec_fuzz_content_SOURCES = tests/fuzz/icap-llmsec/fuzz_content.c $(FUZZ_MAIN)
tests_fuzz_icap_llmsec_fuzz_content_LDADD = %D%/libinspect.la $(FUZZ_LIBS)

# request side: tests
ICAP_REQ_TESTS = tests/unit/icap-llmsec/test_detect tests/unit/icap-llmsec/test_rules \
	tests/unit/icap-llmsec/test_dialect \
	tests/unit/icap-llmsec/test_icap_conf \
	tests/unit/icap-llmsec/test_inspect_req \
	tests/unit/icap-llmsec/test_norm \
	tests/unit/icap-llmsec/test_mask \
	tests/unit/icap-llmsec/test_pii \
	tests/unit/icap-llmsec/test_span \
	tests/unit/icap-llmsec/test_splice \
	tests/unit/icap-llmsec/test_tx \
	tests/unit/icap-llmsec/test_views
check_PROGRAMS += $(ICAP_REQ_TESTS)
TESTS += $(ICAP_REQ_TESTS)
tests_unit_icap_llmsec_test_detect_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_rules_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_rules_LDADD = $(ICAP_TEST_LIBS)
tests_unit_icap_llmsec_test_detect_LDADD = $(ICAP_TEST_LIBS)
tests_unit_icap_llmsec_test_dialect_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_dialect_LDADD = $(ICAP_TEST_LIBS)
tests_unit_icap_llmsec_test_icap_conf_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_icap_conf_LDADD = $(ICAP_TEST_LIBS)
tests_unit_icap_llmsec_test_inspect_req_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_inspect_req_LDADD = $(ICAP_TEST_LIBS)
tests_unit_icap_llmsec_test_norm_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_norm_LDADD = $(ICAP_TEST_LIBS)
tests_unit_icap_llmsec_test_mask_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_mask_LDADD = $(ICAP_TEST_LIBS)
tests_unit_icap_llmsec_test_pii_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_pii_LDADD = $(ICAP_TEST_LIBS)
tests_unit_icap_llmsec_test_span_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_span_LDADD = $(ICAP_TEST_LIBS)
tests_unit_icap_llmsec_test_splice_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_splice_LDADD = $(ICAP_TEST_LIBS)
tests_unit_icap_llmsec_test_tx_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_tx_LDADD = $(ICAP_TEST_LIBS)
tests_unit_icap_llmsec_test_views_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_views_LDADD = $(ICAP_TEST_LIBS)
FUZZ_TARGETS += tests/fuzz/icap-llmsec/fuzz_inspect_req \
	tests/fuzz/icap-llmsec/fuzz_rules \
	tests/fuzz/icap-llmsec/fuzz_span \
	tests/fuzz/icap-llmsec/fuzz_tx \
	tests/fuzz/icap-llmsec/fuzz_views
tests_fuzz_icap_llmsec_fuzz_inspect_req_SOURCES = tests/fuzz/icap-llmsec/fuzz_inspect_req.c $(FUZZ_MAIN)
tests_fuzz_icap_llmsec_fuzz_inspect_req_LDADD = %D%/libinspect.la $(FUZZ_LIBS)
tests_fuzz_icap_llmsec_fuzz_rules_SOURCES = tests/fuzz/icap-llmsec/fuzz_rules.c $(FUZZ_MAIN)
tests_fuzz_icap_llmsec_fuzz_rules_LDADD = %D%/libinspect.la $(FUZZ_LIBS)
tests_fuzz_icap_llmsec_fuzz_span_SOURCES = tests/fuzz/icap-llmsec/fuzz_span.c $(FUZZ_MAIN)
tests_fuzz_icap_llmsec_fuzz_span_LDADD = %D%/libinspect.la $(FUZZ_LIBS)
tests_fuzz_icap_llmsec_fuzz_tx_SOURCES = tests/fuzz/icap-llmsec/fuzz_tx.c $(FUZZ_MAIN)
tests_fuzz_icap_llmsec_fuzz_tx_LDADD = %D%/libinspect.la $(FUZZ_LIBS)
tests_fuzz_icap_llmsec_fuzz_views_SOURCES = tests/fuzz/icap-llmsec/fuzz_views.c $(FUZZ_MAIN)
tests_fuzz_icap_llmsec_fuzz_views_LDADD = %D%/libinspect.la $(FUZZ_LIBS)
check_PROGRAMS += tests/bench/attach_bench
tests_bench_attach_bench_LDADD = %D%/libinspect.la
check_PROGRAMS += tests/bench/prompt_bench
tests_bench_prompt_bench_CFLAGS = $(AM_CFLAGS) $(PCRE2_CFLAGS)
tests_bench_prompt_bench_LDADD = %D%/libinspect.la $(PCRE2_LIBS) $(CRYPTO_LIBS)
TESTS += tests/unit/icap-llmsec/scan.sh
TESTS += tests/unit/icap-llmsec/variants.sh tests/unit/icap-llmsec/harmless.sh tests/unit/icap-llmsec/disguises.sh tests/unit/icap-llmsec/documents.sh
TESTS += tests/unit/icap-llmsec/grammar.sh tests/unit/icap-llmsec/written.sh
dist_check_SCRIPTS += tests/unit/icap-llmsec/scan.sh tests/unit/icap-llmsec/variants.sh tests/unit/icap-llmsec/harmless.sh tests/unit/icap-llmsec/disguises.sh tests/unit/icap-llmsec/documents.sh \
	tests/unit/icap-llmsec/grammar.sh tests/unit/icap-llmsec/written.sh
# the learned model
ICAP_MODEL_TESTS = tests/unit/icap-llmsec/test_feature tests/unit/icap-llmsec/test_model
check_PROGRAMS += $(ICAP_MODEL_TESTS)
TESTS += $(ICAP_MODEL_TESTS) tests/unit/icap-llmsec/train.sh
dist_check_SCRIPTS += tests/unit/icap-llmsec/train.sh
tests_unit_icap_llmsec_test_feature_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_feature_LDADD = $(ICAP_TEST_LIBS)
tests_unit_icap_llmsec_test_model_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_model_LDADD = $(ICAP_TEST_LIBS)
FUZZ_TARGETS += tests/fuzz/icap-llmsec/fuzz_model tests/fuzz/icap-llmsec/fuzz_feature
tests_fuzz_icap_llmsec_fuzz_model_SOURCES = tests/fuzz/icap-llmsec/fuzz_model.c $(FUZZ_MAIN)
tests_fuzz_icap_llmsec_fuzz_model_LDADD = %D%/libinspect.la $(FUZZ_LIBS)
tests_fuzz_icap_llmsec_fuzz_feature_SOURCES = tests/fuzz/icap-llmsec/fuzz_feature.c $(FUZZ_MAIN)
tests_fuzz_icap_llmsec_fuzz_feature_LDADD = %D%/libinspect.la $(FUZZ_LIBS)
# whole: what it needs once it is loaded
check_PROGRAMS += tests/unit/icap-llmsec/test_warm
TESTS += tests/unit/icap-llmsec/test_warm
tests_unit_icap_llmsec_test_warm_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_warm_LDADD = $(ICAP_TEST_LIBS)
# personal data and secrets
check_PROGRAMS += tests/unit/icap-llmsec/test_pii_types tests/unit/icap-llmsec/test_secret
TESTS += tests/unit/icap-llmsec/test_pii_types tests/unit/icap-llmsec/test_secret
tests_unit_icap_llmsec_test_pii_types_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_pii_types_LDADD = $(ICAP_TEST_LIBS)
tests_unit_icap_llmsec_test_secret_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_secret_LDADD = $(ICAP_TEST_LIBS)
FUZZ_TARGETS += tests/fuzz/icap-llmsec/fuzz_pii tests/fuzz/icap-llmsec/fuzz_secret
tests_fuzz_icap_llmsec_fuzz_pii_SOURCES = tests/fuzz/icap-llmsec/fuzz_pii.c $(FUZZ_MAIN)
tests_fuzz_icap_llmsec_fuzz_pii_LDADD = %D%/libinspect.la $(FUZZ_LIBS)
tests_fuzz_icap_llmsec_fuzz_secret_SOURCES = tests/fuzz/icap-llmsec/fuzz_secret.c $(FUZZ_MAIN)
tests_fuzz_icap_llmsec_fuzz_secret_LDADD = %D%/libinspect.la $(FUZZ_LIBS)
# texts kept for the trainer
check_PROGRAMS += tests/unit/icap-llmsec/test_shadow
TESTS += tests/unit/icap-llmsec/test_shadow tests/unit/icap-llmsec/shadow.sh
dist_check_SCRIPTS += tests/unit/icap-llmsec/shadow.sh
tests_unit_icap_llmsec_test_shadow_SOURCES = tests/unit/icap-llmsec/test_shadow.c %D%/llmsec_scan_label.c
tests_unit_icap_llmsec_test_shadow_CFLAGS = $(ICAP_TEST_CFLAGS)
tests_unit_icap_llmsec_test_shadow_LDADD = $(ICAP_TEST_LIBS)
# end of request side
endif
endif

# srv_llmsec inside a real c-icap, then once more under valgrind
if ICAP
if BUILD_TESTS
TESTS += tests/icap/module.sh tests/icap/module_valgrind.sh tests/icap/attach.sh tests/icap/events.sh tests/icap/shadow.sh
endif
endif
dist_check_SCRIPTS += tests/icap/module.sh tests/icap/module_valgrind.sh tests/icap/attach.sh tests/icap/events.sh tests/icap/shadow.sh
EXTRA_DIST += tests/icap/cicap.sh
