# SPDX-License-Identifier: MIT
# Units.  A room adds systemd/NAME.service.in and a line here; @sbindir@ and its like expand at make time.
systemdsystemunit_DATA =
if SPOAD
systemdsystemunit_DATA += %D%/llmsec-spoad.service
endif
if CONTROL
systemdsystemunit_DATA += %D%/llmsecd.service
endif
EXTRA_DIST += %D%/llmsec-spoad.service.in %D%/llmsecd.service.in
if ICAP
systemdsystemunit_DATA += %D%/llmsec-icap.service
endif
EXTRA_DIST += %D%/llmsec-icap.service.in
if TISYNC
systemdsystemunit_DATA += %D%/llmsec-ti-sync.service
dist_systemdsystemunit_DATA = %D%/llmsec-ti-sync.timer
endif
EXTRA_DIST += %D%/llmsec-ti-sync.service.in
if HELPERS
systemdsystemunit_DATA += %D%/llmsec-egress-gate.service
endif
EXTRA_DIST += %D%/llmsec-egress-gate.service.in
if XDP
systemdsystemunit_DATA += %D%/llmsec-xdp@.service %D%/llmsec-xdp-follow.service
endif
EXTRA_DIST += %D%/llmsec-xdp@.service.in %D%/llmsec-xdp-follow.service.in
CLEANFILES += $(systemdsystemunit_DATA)
sysusersdir = $(prefix)/lib/sysusers.d
dist_sysusers_DATA = %D%/sysusers.d/llmsec.conf

SUFFIXES = .service .service.in
.service.in.service:
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@bindir[@]|$(bindir)|g' \
		-e 's|@sysconfdir[@]|$(sysconfdir)|g' -e 's|@libdir[@]|$(libdir)|g' \
		-e 's|@cicap_moduledir[@]|$(cicap_moduledir)|g' -e 's|@datadir[@]|$(datadir)|g' \
		-e 's|@CICAP[@]|$(CICAP)|g' $< > $@
