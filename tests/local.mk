# SPDX-License-Identifier: MIT
# What all rooms' tests share.  A room lists its own unit tests and fuzz targets in its local.mk:
#	check_PROGRAMS += tests/unit/ROOM/test_x      (cmocka, prints TAP)
#	FUZZ_TARGETS   += tests/fuzz/ROOM/fuzz_x      (LLVMFuzzerTestOneInput + $(FUZZ_MAIN))
# Seeds of fuzz_x live in tests/fuzz/ROOM/fuzz_x.in/, its dictionary in fuzz_x.dict.
EXTRA_DIST += tests/fuzz tests/unit/icap-llmsec/data
check_PROGRAMS += $(FUZZ_TARGETS)
if !FUZZ
TESTS += $(FUZZ_TARGETS)
endif
TESTS += tests/manual.sh
dist_check_SCRIPTS += tests/manual.sh
EXTRA_DIST += tests/bench tests/floods/floods.sh tests/floods/edge_lib.sh tests/h3
EXTRA_DIST += tests/e2e/lib.sh tests/e2e/after_down.sh tests/e2e/05_place.sh tests/e2e/10_sdk.sh tests/e2e/15_keepalive.sh tests/e2e/20_first_session.sh tests/e2e/25_readme.sh tests/e2e/30_streams.sh tests/e2e/35_conversation.sh \
	tests/e2e/40_big.sh tests/e2e/45_whole.sh tests/e2e/50_edge_headers.sh tests/e2e/60_kill.sh tests/e2e/65_audit.sh tests/e2e/66_content.sh tests/e2e/80_edge.sh tests/e2e/83_behaviour.sh tests/e2e/85_spoof.sh tests/e2e/spoof.txt tests/e2e/hello_proxy.mjs tests/e2e/sdk/package.json \
	tests/e2e/sdk/package-lock.json tests/e2e/sdk/tap.mjs tests/e2e/sdk/openai.mjs tests/e2e/sdk/anthropic.mjs \
	tests/e2e/sdk/gemini.mjs
include tests/mock/local.mk
include tests/tools/local.mk
include tests/floods/local.mk
