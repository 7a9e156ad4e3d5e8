/* SPDX-License-Identifier: MIT */
/* Types by their bytes: literal fronts, files that real tools made just now, and two readings of the same bytes. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "icap-llmsec/filetype.h"

#define N(x)	(sizeof(x) / sizeof(*(x)))
#define L(s)	s, sizeof(s) - 1

static const struct { const char *bytes; size_t len; const char *name; enum filetype_class class; } literals[] = {
	{L(""), "text", FT_TEXT},
	{L("hello, world\n"), "text", FT_TEXT},
	{L("MZ is how the letter began\n"), "text", FT_TEXT},
	{L("BM was here, and so was I, long enough"), "text", FT_TEXT},
	{L("x^2 + y^2 = z^2"), "text", FT_TEXT},
	{L("a,b,c\n1,2,3\n"), "text", FT_TEXT},
	{L("gr\xfc\xdf" "e"), "text", FT_TEXT},
	{L("\xff\xfeh\0i\0"), "utf16", FT_TEXT},
	{L(" {\"a\": 1}"), "json", FT_TEXT},
	{L("<!DOCTYPE html><p>x"), "html", FT_TEXT},
	{L("<?xml version=\"1.0\"?><a/>"), "xml", FT_TEXT},
	{L("<?xml version=\"1.0\"?><svg xmlns=\"x\"/>"), "svg", FT_IMAGE},
	{L("-----BEGIN CERTIFICATE-----\n"), "pem", FT_TEXT},
	{L("From: a@b\nTo: c@d\nSubject: x\n\nhi"), "mail", FT_TEXT},
	{L("#!/bin/sh\necho\n"), "script", FT_EXECUTABLE},
	{L("\xef\xbb\xbf#!/usr/bin/env python3\n"), "script", FT_EXECUTABLE},
	{L("@ECHO OFF\r\ndel x\r\n"), "batch", FT_EXECUTABLE},
	{L("\x7f" "ELF\2\1\1\0"), "elf", FT_EXECUTABLE},
	{L("MZ\x90\0\3\0\0\0\4\0"), "mz", FT_EXECUTABLE},
	{L("MZ23456789012345678901234567890123456789012345678901234567890\x40\0\0\0PE\0\0d\x86"), "mz", FT_EXECUTABLE},
	{L("\xcf\xfa\xed\xfe\7\0\0\1"), "macho", FT_EXECUTABLE},
	{L("\xca\xfe\xba\xbe\0\0\0\2"), "macho", FT_EXECUTABLE},
	{L("\xca\xfe\xba\xbe\0\0\0\x41"), "class", FT_EXECUTABLE},
	{L("\0asm\1\0\0\0"), "wasm", FT_EXECUTABLE},
	{L("dex\n035\0"), "dex", FT_EXECUTABLE},
	{L("L\0\0\0\1\x14\2\0\0\0\0\0"), "lnk", FT_EXECUTABLE},
	{L("\xa7\r\r\n\0\0\0\0\0\0\0\0\0\0\0\0\xe3"), "pyc", FT_EXECUTABLE},
	{L("\x03\xf3\r\n\x94\xe2\xfe\x69" "c\0\0\0\0\0\0\0"), "pyc", FT_EXECUTABLE},
	{L("BC\xc0\xde\x35\x14\0\0"), "bytecode", FT_EXECUTABLE},
	{L("\x1bLua\x54\0\x19\x93"), "bytecode", FT_EXECUTABLE},
	{L("FOR1\0\0\1\0" "BEAMAtU8"), "bytecode", FT_EXECUTABLE},
	{L("Cr24\3\0\0\0"), "crx", FT_EXECUTABLE},
	{L("JM\1\0PK\3\4\x14\0"), "jar", FT_EXECUTABLE},
	{L("\x89LZO\0\r\n\x1a\n\x10\x30"), "packed", FT_ARCHIVE},
	{L("LRZI\0\6\0\0"), "packed", FT_ARCHIVE},
	{L("\x11\x22\x31\0\0\0\x90**ACE**\x14"), "packed", FT_ARCHIVE},
	{L("ZOO 2.10 Archive.\x1a\0\0\xdc\xa7\xc4\xfd"), "packed", FT_ARCHIVE},
	{L("\xff\6\0\0sNaPpY\0"), "packed", FT_ARCHIVE},
	{L("QFI\xfb\0\0\0\3"), "disk", FT_ARCHIVE},
	{L("KDMV\1\0\0\0"), "disk", FT_ARCHIVE},
	{L("I need **ACE** of spades"), "text", FT_TEXT},
	{L("\x80\4\x95\1\0\0\0\0\0\0\0N."), "pickle", FT_EXECUTABLE},
	{L("%PDF-1.7\n"), "pdf", FT_DOCUMENT},
	{L("\1\2junk%PDF-1.4"), "pdf", FT_DOCUMENT},
	{L("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "ole2", FT_DOCUMENT},
	{L("{\\rtf1 x}"), "rtf", FT_DOCUMENT},
	{L("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "png", FT_IMAGE},
	{L("\xff\xd8\xff\xe0\0\x10JFIF"), "jpeg", FT_IMAGE},
	{L("GIF89a\1\0\1\0"), "gif", FT_IMAGE},
	{L("RIFF\4\0\0\0WEBPVP8 "), "webp", FT_IMAGE},
	{L("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"), "bmp", FT_IMAGE},
	{L("\0\0\1\0\1\0\x10\x10"), "ico", FT_IMAGE},
	{L("II*\0\x08\0\0\0"), "tiff", FT_IMAGE},
	{L("ID3\4\0\0"), "mp3", FT_AUDIO},
	{L("\xff\xfb\x90\x64\0\0"), "mp3", FT_AUDIO},
	{L("RIFF\4\0\0\0WAVEfmt "), "wav", FT_AUDIO},
	{L("OggS\0\2"), "ogg", FT_AUDIO},
	{L("fLaC\0\0\0\x22"), "flac", FT_AUDIO},
	{L("\0\0\0\x20" "ftypisom\0\0\2\0"), "mp4", FT_VIDEO},
	{L("\x1a\x45\xdf\xa3\x9f\x42"), "webm", FT_VIDEO},
	{L("SQLite format 3\0"), "sqlite", FT_DATA},
	{L("GGUF\3\0\0\0"), "gguf", FT_DATA},
	{L("\x10\0\0\0\0\0\0\0{\"a\":{}}"), "safetensors", FT_DATA},
	{L("7z\xbc\xaf\x27\x1c\0\4"), "7z", FT_ARCHIVE},
	{L("Rar!\x1a\7\0"), "rar", FT_ARCHIVE},
	{L("Rar!\x1a\7\1\0"), "rar", FT_ARCHIVE},
	{L("MSCF\0\0\0\0\x2c"), "cab", FT_ARCHIVE},
	{L("\xed\xab\xee\xdb\3\0"), "rpm", FT_EXECUTABLE},
	{L("\x1f\x9d\x90"), "compress", FT_ARCHIVE},
	{L("\x78\x9c\x03\0\0\0\0\1"), "zlib", FT_ARCHIVE},
	{L("\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff"), "lzma", FT_ARCHIVE},
	{L("\x01\x02\x03\x04"), "data", FT_DATA},
};

static void
test_literals(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(literals); i++) {
		const struct filetype *t = filetype_of(literals[i].bytes, literals[i].len);

		if (strcmp(t->name, literals[i].name) != 0 || t->class != literals[i].class)
			fail_msg("literal %zu: %s (%s), not %s", i, t->name, filetype_class_name(t->class), literals[i].name);
	}
}

/* Each makes a file "out" from the folder it runs in; what a machine has no tool for is left out, and counted. */
static const struct { const char *tool, *make, *name; } made[] = {
	{"zip", "zip -q out a.txt && mv out.zip out", "zip"},
	{"zip", "mkdir -p META-INF && cp a.txt META-INF/MANIFEST.MF && zip -q out a.txt META-INF/MANIFEST.MF && mv out.zip out", "jar"},
	{"zip", "mkdir -p word && cp a.txt word/document.xml && zip -q out word/document.xml && mv out.zip out", "docx"},
	{"zip", "mkdir -p xl && cp a.txt xl/workbook.xml && zip -q out xl/workbook.xml && mv out.zip out", "xlsx"},
	{"zip", "mkdir -p ppt && cp a.txt ppt/presentation.xml && zip -q out ppt/presentation.xml && mv out.zip out", "pptx"},
	{"zip", "printf application/vnd.oasis.opendocument.text >mimetype && zip -q0X out mimetype a.txt && mv out.zip out", "odf"},
	{"zip", "cp a.txt AndroidManifest.xml && zip -q out AndroidManifest.xml && mv out.zip out", "apk"},
	{"zip", "mkdir -p p-1.dist-info && cp a.txt p-1.dist-info/WHEEL && zip -q out a.txt p-1.dist-info/WHEEL && mv out.zip out", "wheel"},
	{"zip", "zip -q - a.txt >out <a.txt", "zip"},
	{"zip", "zip -q z a.txt && { printf '\\211PNG\\r\\n\\032\\n0000IHDR'; cat z.zip; } >out", "zip"},
	{"zip", "zip -q z a.txt && { echo a text; cat z.zip; } >out", "zip"},
	{"tar", "tar --format=ustar -cf out a.txt", "tar"},
	{"tar", "tar --format=gnu -cf out a.txt", "tar"},
	{"tar", "tar --format=v7 -cf out a.txt", "tar"},
	{"tar", "tar --format=pax -cf out a.txt", "tar"},
	{"gzip", "gzip -c a.txt >out", "gzip"},
	{"bzip2", "bzip2 -c a.txt >out", "bzip2"},
	{"xz", "xz -c a.txt >out", "xz"},
	{"xz", "xz --format=lzma -c a.txt >out", "lzma"},
	{"zstd", "zstd -qc a.txt >out", "zstd"},
	{"lz4", "lz4 -qc a.txt >out", "lz4"},
	{"7z", "7z a -y out.7z a.txt >/dev/null && mv out.7z out", "7z"},
	{"ar", "ar rc out a.txt", "ar"},
	{"dpkg-deb", "mkdir -p d/DEBIAN && printf 'Package: x\\nVersion: 1\\nArchitecture: all\\nMaintainer: x <x@x>\\nDescription: x\\n' "
	    ">d/DEBIAN/control && dpkg-deb -b d out.deb >/dev/null && mv out.deb out", "deb"},
	{"cpio", "echo a.txt | cpio -o -H newc >out 2>/dev/null", "cpio"},
	{"openssl", "openssl ecparam -genkey -name prime256v1 -noout -out out", "pem"},
	{"cat", "cat /bin/cat >out", "elf"},
};

static size_t
slurp(const char *path, char **data)
{
	FILE *f = fopen(path, "rb");
	long n;

	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	n = ftell(f);
	rewind(f);
	*data = malloc((size_t)n + 1);
	assert_int_equal(fread(*data, 1, (size_t)n, f), n);
	fclose(f);
	return (size_t)n;
}

static void
test_made(void **state)
{
	char dir[] = "/tmp/llmsec-ft-XXXXXX", cmd[2048], *data;
	size_t done = 0, n;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < N(made); i++) {
		snprintf(cmd, sizeof(cmd), "command -v %s >/dev/null", made[i].tool);
		if (system(cmd) != 0)
			continue;
		snprintf(cmd, sizeof(cmd), "rm -rf %s/w && mkdir %s/w && cd %s/w && echo some text of a file >a.txt && %s", dir, dir, dir, made[i].make);
		if (system(cmd) != 0)
			fail_msg("cannot make sample %zu: %s", i, made[i].make);
		snprintf(cmd, sizeof(cmd), "%s/w/out", dir);
		n = slurp(cmd, &data);
		if (strcmp(filetype_of(data, n)->name, made[i].name) != 0)
			fail_msg("sample %zu (%s): %s", i, made[i].name, filetype_of(data, n)->name);
		free(data);
		done++;
	}
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	assert_int_equal(system(cmd), 0);
	assert_true(done >= 10);
}

static void
test_agrees(void **state)
{
	static const struct { const char *bytes, *mime; bool ok; } t[] = {
		{"\x89PNG\r\n\x1a\n", "image/png", true}, {"\x89PNG\r\n\x1a\n", "IMAGE/PNG; q=1", true},
		{"\x89PNG\r\n\x1a\n", "image/jpeg", true},	/* one picture for another does no harm */
		{"\x89PNG\r\n\x1a\n", "text/plain", false}, {"%PDF-1.4", "application/pdf", true}, {"%PDF-1.4", "image/png", false},
		{"%PDF-1.4", "text/plain", false}, {"%PDF-1.4", "", true}, {"%PDF-1.4", "application/octet-stream", true},
		{"\x7f" "ELF\1\1\1", "image/png", false}, {"\x7f" "ELF\1\1\1", "application/pdf", false}, {"\x7f" "ELF\1\1\1", "text/plain", false},
		{"#!/bin/sh\n", "text/plain", true}, {"hello", "text/markdown", true}, {"hello", "image/png", false}, {"hello", "application/json", true},
		{"MZ\x90\1\3", "image/gif", false}, {"7z\xbc\xaf\x27\x1c", "application/pdf", true}, {"7z\xbc\xaf\x27\x1c", "image/png", false},
	};

	(void)state;
	for (size_t i = 0; i < N(t); i++)
		if (filetype_agrees(filetype_of(t[i].bytes, strlen(t[i].bytes)), t[i].mime, strlen(t[i].mime)) != t[i].ok)
			fail_msg("row %zu: %s", i, t[i].mime);
}

/* Every prefix of every sample is read without harm (run with the sanitizers), and has some type. */
static void
test_prefixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(literals); i++)
		for (size_t n = 0; n <= literals[i].len; n++) {
			char *copy = malloc(n + (n == 0));

			memcpy(copy, literals[i].bytes, n);
			assert_non_null(filetype_of(copy, n)->name);
			free(copy);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_literals), cmocka_unit_test(test_made), cmocka_unit_test(test_agrees), cmocka_unit_test(test_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
