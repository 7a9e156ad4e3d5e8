/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_REPORT_H
#define LLMSEC_SPOAD_REPORT_H
/* What llmsec-spoad tells llmsecd about itself, not about a request. */
struct event_client;

/* A reload happened; <why> it was refused, NULL: it wasn't.  <events> may be NULL. */
void	spoad_report_reload(struct event_client *events, const char *why);
#endif
