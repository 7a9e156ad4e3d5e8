/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_VERIFY_H
#define LLMSEC_TI_VERIFY_H
/*
 * Is this the content that its maker meant?  SHA-256, and Ed25519 (RFC 8032) by OpenSSL: a raw key and signature,
 * or minisign's files, whose newer kind signs BLAKE2b-512 of the content.
 */
#include <stddef.h>

/* Hexadecimal, 64 digits and a NUL.  0 or -errno. */
int	ti_sha256_file(const char *path, char out[65]);
/* The first 64 hexadecimal digits of what a .sha256 file holds; NULL: none. */
const char *ti_sha256_find(const char *text, size_t n, char out[65]);
/* NULL: it holds.  Else why not.  <key>: base64 of a config; <sig>: the signature file's bytes. */
const char *ti_signature_check_bytes(const void *p, size_t n, const char *key, const void *sig, size_t sig_n);
/* The same over a file's content. */
const char *ti_signature_check(const char *path, const char *key, const void *sig, size_t n);
#endif
