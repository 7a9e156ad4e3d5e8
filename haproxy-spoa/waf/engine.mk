# SPDX-License-Identifier: MIT
# The engine: plan (compiled once), exec (one transaction), persist (collections in LMDB), the public face.
%C%_libwaf_la_SOURCES += %D%/plan.c %D%/plan_slot.c %D%/plan_target.c %D%/plan_act.c %D%/plan_gate.c \
	%D%/plan_class.c %D%/exec.c %D%/exec_buf.c %D%/exec_target.c %D%/exec_tx.c %D%/exec_var.c \
	%D%/exec_macro.c %D%/exec_act.c %D%/exec_coll.c %D%/exec_match.c %D%/persist.c %D%/persist_record.c \
	%D%/waf.c %D%/waf_tx.c %D%/waf_log.c
noinst_HEADERS += %D%/plan.h %D%/exec.h %D%/persist.h %D%/persist_record.h
