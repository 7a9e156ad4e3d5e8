# SPDX-License-Identifier: MIT
# Operators and transformations: pure functions of bytes, no rule or transaction in sight.
%C%_libwaf_la_SOURCES += %D%/op.c %D%/op_rx.c %D%/op_text.c %D%/op_pm.c %D%/op_ip.c %D%/op_validate.c \
	%D%/op_verify.c %D%/op_inject.c %D%/transform.c %D%/tfn_scan.c %D%/tfn_text.c \
	%D%/tfn_comment.c %D%/tfn_path.c %D%/tfn_escape.c %D%/tfn_url.c %D%/tfn_code.c
noinst_HEADERS += %D%/op_private.h %D%/transform_private.h
