# SPDX-License-Identifier: MIT
%C%_libwaf_la_SOURCES += %D%/rxlit.c %D%/rxlit_parse.c %D%/rxlit_class.c %D%/rxlit_set.c
noinst_HEADERS += %D%/rxlit_private.h %D%/rxlit_set.h
