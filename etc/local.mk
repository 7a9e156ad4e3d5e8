# SPDX-License-Identifier: MIT
EXTRA_DIST += etc/haproxy etc/squid etc/c-icap etc/llmsec
