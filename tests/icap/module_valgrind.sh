#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# module.sh, a small round, with c-icap under valgrind: no definite leak, no invalid access of ours.
MODE=valgrind exec bash "${srcdir:?}/tests/icap/module.sh"
