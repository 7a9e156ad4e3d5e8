# SPDX-License-Identifier: MIT
# The engine: plan (compiled once), exec (one transaction), persist (collections in LMDB), the public face.
%C%_libwaf_la_SOURCES += %D%/plan.c %D%/plan_slot.c %D%/plan_target.c %D%/plan_act.c %D%/plan_gate.c \
	%D%/plan_class.c %D%/exec.c %D%/exec_buf.c %D%/exec_target.c %D%/exec_tx.c %D%/exec_var.c \
	%D%/exec_macro.c %D%/exec_act.c %D%/exec_coll.c %D%/exec_match.c %D%/persist.c %D%/persist_record.c \
	%D%/waf.c %D%/waf_tx.c %D%/waf_log.c
noinst_HEADERS += %D%/plan.h %D%/exec.h %D%/persist.h %D%/persist_record.h

if BUILD_TESTS
WAF_ENGINE_TESTS = tests/unit/waf/test_exec tests/unit/waf/test_verdict tests/unit/waf/test_persist \
	tests/unit/waf/test_plan
check_PROGRAMS += $(WAF_ENGINE_TESTS)
TESTS += $(WAF_ENGINE_TESTS)
WAF_EXEC_RIG = tests/unit/waf/exec_rig.c tests/unit/waf/exec_rig.h
tests_unit_waf_test_exec_SOURCES = tests/unit/waf/test_exec.c $(WAF_EXEC_RIG)
tests_unit_waf_test_exec_LDADD = %D%/libwaf.la $(CMOCKA_LIBS)
tests_unit_waf_test_verdict_SOURCES = tests/unit/waf/test_verdict.c $(WAF_EXEC_RIG)
tests_unit_waf_test_verdict_LDADD = %D%/libwaf.la $(CMOCKA_LIBS)
tests_unit_waf_test_persist_SOURCES = tests/unit/waf/test_persist.c $(WAF_EXEC_RIG) tests/unit/lib/temp.c tests/unit/lib/temp.h
tests_unit_waf_test_persist_LDADD = %D%/libwaf.la $(CMOCKA_LIBS)
tests_unit_waf_test_plan_SOURCES = tests/unit/waf/test_plan.c $(WAF_EXEC_RIG)
tests_unit_waf_test_plan_LDADD = %D%/libwaf.la $(CMOCKA_LIBS)
endif
