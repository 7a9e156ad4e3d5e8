/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_ZIP_CHECK_H
#define LLMSEC_ICAP_ZIP_CHECK_H
/*
 * Zip archives that every reader takes for the same files (APPNOTE.TXT 6.3.10, sections 4.3.6 to 4.3.16).  A zip has two lists of
 * names: its directory at the end, and headers before each file.  libarchive reads the headers where the directory doesn't
 * suit it, Python's zipfile goes by the directory and forgives much.  So a directory must be beyond doubt.
 */
#include <stdbool.h>
#include <stddef.h>

/*
 * True: no zip at all (doesn't begin with "PK"), or one that leaves no doubt: the last end record lies where libarchive looks for it, is of one
 * disk, and is preceded by a directory of as many entries and bytes as it says (zip64 likewise); each entry's header before its file has the
 * same name, method, checksum and sizes, also in other alphabets; no name has control characters; no file overlaps another or is a folder by its attributes; the first file begins at the first byte; and no other end record stands where a
 * reader could take it.  Linear in the directory, at most MAX_ENDS times; reads only.
 */
bool	zip_is_plain(const void *, size_t);
/*
 * Something else with a zip behind it, which readers that look for the end record take: that zip, without what follows it, or all of the data where it
 * is of the large kind (zip64).  NULL: there is
 * none, or all of it is a zip.
 */
const void *zip_behind(const void *, size_t, size_t *len);
/* The directory of what zip_behind() gave; NULL: it doesn't lie before the end record. */
const void *zip_directory(const void *, size_t, size_t *len);
#endif
