# SPDX-License-Identifier: MIT
EXTRA_DIST += etc/squid etc/llmsec/egress.yaml
