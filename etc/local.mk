# SPDX-License-Identifier: MIT
<<<<<<< HEAD
EXTRA_DIST += etc/squid etc/llmsec/egress.yaml
=======
EXTRA_DIST += etc/haproxy etc/squid etc/c-icap etc/llmsec
>>>>>>> 84bd82d (icap-llmsec: build the module; etc: c-icap instance)
