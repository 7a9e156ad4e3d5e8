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
 * True: no zip at all (doesn't begin with "PK"), or one whose last end record lies where libarchive looks for it, is of one disk, and
 * is preceded by a directory of as many entries and bytes as it says; zip64 likewise.  Linear in the directory; reads only.
 */
bool	zip_is_plain(const void *, size_t);
#endif
