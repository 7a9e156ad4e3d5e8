# SPDX-License-Identifier: MIT
# SecLang: files into struct waf_rules (rule.h).
%C%_libwaf_la_SOURCES += %D%/seclang.c %D%/seclang_read.c %D%/seclang_word.c %D%/seclang_dir.c %D%/seclang_set.c \
	%D%/seclang_ignore.c %D%/seclang_rule.c %D%/seclang_target.c %D%/seclang_split.c %D%/seclang_action.c \
	%D%/seclang_ctl.c %D%/seclang_var.c %D%/seclang_macro.c %D%/seclang_update.c %D%/seclang_link.c
noinst_HEADERS += %D%/seclang_private.h
