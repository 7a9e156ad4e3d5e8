/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BASE64_H
#define LLMSEC_BASE64_H
/*
 * Values of base64 letters (RFC 4648, tables 1 and 2) of both alphabets: '+' and '-' are 62, '/' and '_' are 63; -1: no letter,
 * padding included.  Who takes only one alphabet asks for the other's two first.  Read only, any thread.
 */
extern const signed char base64_value[256];
#endif
