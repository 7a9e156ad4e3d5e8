# SPDX-License-Identifier: MIT
# What all rooms' tests share.  A room lists its own unit tests and fuzz targets in its local.mk:
#	check_PROGRAMS += tests/unit/ROOM/test_x      (cmocka, prints TAP)
#	FUZZ_TARGETS   += tests/fuzz/ROOM/fuzz_x      (LLVMFuzzerTestOneInput + $(FUZZ_MAIN))
# Seeds of fuzz_x live in tests/fuzz/ROOM/fuzz_x.in/, its dictionary in fuzz_x.dict.
EXTRA_DIST += tests/fuzz
check_PROGRAMS += $(FUZZ_TARGETS)
if !FUZZ
TESTS += $(FUZZ_TARGETS)
endif
EXTRA_DIST += tests/e2e
include tests/mock/local.mk
include tests/tools/local.mk
