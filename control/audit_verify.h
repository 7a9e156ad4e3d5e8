/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_CTL_AUDIT_VERIFY_H
#define LLMSEC_CTL_AUDIT_VERIFY_H
/* llmsecctl audit verify BASE: exit code 0 whole, 1 not, 2 can't be told. */
int	ctl_audit_verify(const char *base, const char *key_path);
#endif
