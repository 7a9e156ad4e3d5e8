/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_FILETYPE_H
#define LLMSEC_ICAP_FILETYPE_H
/*
 * What a piece of data really is, by its bytes alone: a name or a Content-Type is what somebody says about it.  Small on
 * purpose: the types that a policy asks for, those a reader of icap-llmsec/extract.h exists for, and the usual media.
 * Where bytes may be read in two ways, the more dangerous reading is the answer (a picture with a zip behind it is a zip).
 * Pure: no memory, no files, constant time but for two bounded searches.  Any thread.
 */
#include <stdbool.h>
#include <stddef.h>

enum filetype_class {
	FT_ARCHIVE,		/* holds or packs other files: zip, tar, gzip, 7z, iso, deb ... */
	FT_EXECUTABLE,		/* runs: ELF, PE, scripts, jar, apk, wheel, pickle ... */
	FT_DOCUMENT,		/* pdf, office formats, rtf */
	FT_IMAGE, FT_AUDIO, FT_VIDEO,
	FT_TEXT,		/* readable as it is: plain, html, json, xml, pem, mail */
	FT_DATA,		/* anything else */
	FT_CLASSES
};

struct filetype {
	const char		*name;	/* "docx" */
	const char		*mime;	/* as registered, or the usual x- name */
	enum filetype_class	 class;
};

/* Bytes at the front that are enough for everything but what only the end tells (a zip's directory). */
#define FILETYPE_HEAD	40960

/* Never NULL; empty data is text.  Static, compare by name. */
const struct filetype *filetype_of(const void *, size_t);
/* A zip or what is made of one, whose directory stands at the end of these bytes; NULL: none. */
const struct filetype *filetype_of_tail(const void *, size_t);
/* By its name, for policies; NULL: none. */
const struct filetype *filetype_named(const char *);
const char *filetype_class_name(enum filetype_class);
/*
 * Does a declared media type ("image/png; x=y") agree with the bytes?  Generic ones (application/octet-stream, none) always
 * do; text may call itself any text/, JSON, XML or source; else the class has to be the same.
 */
bool	filetype_agrees(const struct filetype *, const char *mime, size_t len);
#endif
