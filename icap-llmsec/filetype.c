/* SPDX-License-Identifier: MIT */
/*
 * Signatures are from the formats' own specifications: APPNOTE.TXT (zip), POSIX.1 ustar and cpio, RFC 1952 (gzip), RFC 1950
 * (zlib), RFC 8878 (zstd), the xz, lz4 and 7z format documents, RAR 5.0 technote, MS-CAB, ECMA-119 (iso), System V ABI (ELF),
 * PE/COFF, Mach-O loader.h, JVMS 4.1, WebAssembly core 5.5, ISO 32000 (pdf), MS-CFB (ole2), MS-SHLLINK, PNG, JFIF, GIF89a,
 * lzop, lrzip, LZFSE, snappy framing, PAR 2.0, QCOW2, VMDK, VHD(X), VDI, cramfs, LLVM bitcode, Lua, BEAM, CRX3; RIFF, TIFF 6.0, ISO 14496-12 (mp4), Matroska, RFC 3533 (ogg), FLAC, SQLite file format, Python's pickle and importlib.
 */
#include "config.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "icap-llmsec/filetype.h"

enum {
	T_DATA, T_TEXT, T_UTF16, T_HTML, T_JSON, T_XML, T_SVG, T_PEM, T_MAIL,
	T_ZIP, T_DOCX, T_XLSX, T_PPTX, T_ODF, T_EPUB, T_JAR, T_APK, T_WHEEL, T_TORCH,
	T_TAR, T_GZIP, T_BZIP2, T_XZ, T_ZSTD, T_LZ4, T_LZMA, T_LZIP, T_7Z, T_RAR, T_CAB, T_AR, T_DEB, T_RPM, T_ISO, T_CPIO, T_Z,
	T_ZLIB, T_XAR, T_ARJ, T_LHA, T_SQUASHFS, T_WIM, T_PACKED, T_DISK,
	T_ELF, T_PE, T_MZ, T_MACHO, T_WASM, T_CLASS, T_DEX, T_SCRIPT, T_BATCH, T_PYC, T_LNK, T_CHM, T_PICKLE, T_BYTECODE, T_CRX,
	T_PDF, T_OLE2, T_RTF,
	T_PNG, T_JPEG, T_GIF, T_WEBP, T_BMP, T_ICO, T_TIFF, T_HEIF,
	T_MP3, T_WAV, T_OGG, T_FLAC, T_AAC, T_MIDI, T_MP4, T_WEBM, T_AVI,
	T_SQLITE, T_SAFETENSORS, T_GGUF, T_PARQUET, T_HDF5, T_NPY, T_DER
};

static const struct filetype types[] = {
	[T_DATA] = {"data", "application/octet-stream", FT_DATA},
	[T_TEXT] = {"text", "text/plain", FT_TEXT},
	[T_UTF16] = {"utf16", "text/plain", FT_TEXT},
	[T_HTML] = {"html", "text/html", FT_TEXT},
	[T_JSON] = {"json", "application/json", FT_TEXT},
	[T_XML] = {"xml", "application/xml", FT_TEXT},
	[T_SVG] = {"svg", "image/svg+xml", FT_IMAGE},
	[T_PEM] = {"pem", "application/x-pem-file", FT_TEXT},
	[T_MAIL] = {"mail", "message/rfc822", FT_TEXT},
	[T_ZIP] = {"zip", "application/zip", FT_ARCHIVE},
	[T_DOCX] = {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", FT_DOCUMENT},
	[T_XLSX] = {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", FT_DOCUMENT},
	[T_PPTX] = {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation", FT_DOCUMENT},
	[T_ODF] = {"odf", "application/vnd.oasis.opendocument.text", FT_DOCUMENT},
	[T_EPUB] = {"epub", "application/epub+zip", FT_DOCUMENT},
	[T_JAR] = {"jar", "application/java-archive", FT_EXECUTABLE},
	[T_APK] = {"apk", "application/vnd.android.package-archive", FT_EXECUTABLE},
	[T_WHEEL] = {"wheel", "application/x-wheel+zip", FT_EXECUTABLE},
	[T_TORCH] = {"torch", "application/x-pytorch", FT_EXECUTABLE},
	[T_TAR] = {"tar", "application/x-tar", FT_ARCHIVE},
	[T_GZIP] = {"gzip", "application/gzip", FT_ARCHIVE},
	[T_BZIP2] = {"bzip2", "application/x-bzip2", FT_ARCHIVE},
	[T_XZ] = {"xz", "application/x-xz", FT_ARCHIVE},
	[T_ZSTD] = {"zstd", "application/zstd", FT_ARCHIVE},
	[T_LZ4] = {"lz4", "application/x-lz4", FT_ARCHIVE},
	[T_LZMA] = {"lzma", "application/x-lzma", FT_ARCHIVE},
	[T_LZIP] = {"lzip", "application/x-lzip", FT_ARCHIVE},
	[T_7Z] = {"7z", "application/x-7z-compressed", FT_ARCHIVE},
	[T_RAR] = {"rar", "application/vnd.rar", FT_ARCHIVE},
	[T_CAB] = {"cab", "application/vnd.ms-cab-compressed", FT_ARCHIVE},
	[T_AR] = {"ar", "application/x-archive", FT_ARCHIVE},
	[T_DEB] = {"deb", "application/vnd.debian.binary-package", FT_EXECUTABLE},
	[T_RPM] = {"rpm", "application/x-rpm", FT_EXECUTABLE},
	[T_ISO] = {"iso", "application/x-iso9660-image", FT_ARCHIVE},
	[T_CPIO] = {"cpio", "application/x-cpio", FT_ARCHIVE},
	[T_Z] = {"compress", "application/x-compress", FT_ARCHIVE},
	[T_ZLIB] = {"zlib", "application/zlib", FT_ARCHIVE},
	[T_XAR] = {"xar", "application/x-xar", FT_ARCHIVE},
	[T_ARJ] = {"arj", "application/x-arj", FT_ARCHIVE},
	[T_LHA] = {"lha", "application/x-lzh-compressed", FT_ARCHIVE},
	[T_SQUASHFS] = {"squashfs", "application/vnd.squashfs", FT_ARCHIVE},
	[T_WIM] = {"wim", "application/x-ms-wim", FT_ARCHIVE},
	[T_PACKED] = {"packed", "application/x-compressed", FT_ARCHIVE},	/* by a packer that is rare */
	[T_DISK] = {"disk", "application/x-disk-image", FT_ARCHIVE},	/* of a virtual machine, or a file system */
	[T_ELF] = {"elf", "application/x-elf", FT_EXECUTABLE},
	[T_PE] = {"pe", "application/vnd.microsoft.portable-executable", FT_EXECUTABLE},
	[T_MZ] = {"mz", "application/x-dosexec", FT_EXECUTABLE},
	[T_MACHO] = {"macho", "application/x-mach-binary", FT_EXECUTABLE},
	[T_WASM] = {"wasm", "application/wasm", FT_EXECUTABLE},
	[T_CLASS] = {"class", "application/java-vm", FT_EXECUTABLE},
	[T_DEX] = {"dex", "application/vnd.android.dex", FT_EXECUTABLE},
	[T_SCRIPT] = {"script", "text/x-script", FT_EXECUTABLE},
	[T_BATCH] = {"batch", "application/x-bat", FT_EXECUTABLE},
	[T_PYC] = {"pyc", "application/x-python-code", FT_EXECUTABLE},
	[T_LNK] = {"lnk", "application/x-ms-shortcut", FT_EXECUTABLE},
	[T_CHM] = {"chm", "application/vnd.ms-htmlhelp", FT_EXECUTABLE},
	[T_PICKLE] = {"pickle", "application/x-pickle", FT_EXECUTABLE},
	[T_BYTECODE] = {"bytecode", "application/x-bytecode", FT_EXECUTABLE},	/* of LLVM, Lua, Erlang */
	[T_CRX] = {"crx", "application/x-chrome-extension", FT_EXECUTABLE},
	[T_PDF] = {"pdf", "application/pdf", FT_DOCUMENT},
	[T_OLE2] = {"ole2", "application/x-ole-storage", FT_DOCUMENT},
	[T_RTF] = {"rtf", "application/rtf", FT_DOCUMENT},
	[T_PNG] = {"png", "image/png", FT_IMAGE},
	[T_JPEG] = {"jpeg", "image/jpeg", FT_IMAGE},
	[T_GIF] = {"gif", "image/gif", FT_IMAGE},
	[T_WEBP] = {"webp", "image/webp", FT_IMAGE},
	[T_BMP] = {"bmp", "image/bmp", FT_IMAGE},
	[T_ICO] = {"ico", "image/vnd.microsoft.icon", FT_IMAGE},
	[T_TIFF] = {"tiff", "image/tiff", FT_IMAGE},
	[T_HEIF] = {"heif", "image/heif", FT_IMAGE},
	[T_MP3] = {"mp3", "audio/mpeg", FT_AUDIO},
	[T_WAV] = {"wav", "audio/wav", FT_AUDIO},
	[T_OGG] = {"ogg", "audio/ogg", FT_AUDIO},
	[T_FLAC] = {"flac", "audio/flac", FT_AUDIO},
	[T_AAC] = {"aac", "audio/aac", FT_AUDIO},
	[T_MIDI] = {"midi", "audio/midi", FT_AUDIO},
	[T_MP4] = {"mp4", "video/mp4", FT_VIDEO},
	[T_WEBM] = {"webm", "video/webm", FT_VIDEO},
	[T_AVI] = {"avi", "video/x-msvideo", FT_VIDEO},
	[T_SQLITE] = {"sqlite", "application/vnd.sqlite3", FT_DATA},
	[T_SAFETENSORS] = {"safetensors", "application/x-safetensors", FT_DATA},
	[T_GGUF] = {"gguf", "application/x-gguf", FT_DATA},
	[T_PARQUET] = {"parquet", "application/vnd.apache.parquet", FT_DATA},
	[T_HDF5] = {"hdf5", "application/x-hdf5", FT_DATA},
	[T_NPY] = {"npy", "application/x-npy", FT_DATA},
	[T_DER] = {"der", "application/x-x509", FT_DATA},
};

#define SIG(off, s, t)	{off, sizeof(s) - 1, s, t}
static const struct sig {
	unsigned	off, len;
	const char	*bytes;
	int		type;
} sigs[] = {
	SIG(0, "\x7f" "ELF", T_ELF), SIG(0, "\0asm", T_WASM), SIG(0, "dex\n0", T_DEX),
	SIG(0, "\xfe\xed\xfa\xce", T_MACHO), SIG(0, "\xfe\xed\xfa\xcf", T_MACHO), SIG(0, "\xce\xfa\xed\xfe", T_MACHO),
	SIG(0, "\xcf\xfa\xed\xfe", T_MACHO), SIG(0, "\xca\xfe\xba\xbf", T_MACHO),
	SIG(0, "L\0\0\0\x01\x14\x02\0", T_LNK), SIG(0, "ITSF\x03\0\0\0", T_CHM),
	SIG(0, "\x1f\x8b", T_GZIP), SIG(0, "\x1f\x9d", T_Z), SIG(0, "\x1f\xa0", T_Z), SIG(0, "\xfd" "7zXZ\0", T_XZ),
	SIG(0, "\x28\xb5\x2f\xfd", T_ZSTD), SIG(0, "\x04\x22\x4d\x18", T_LZ4), SIG(0, "\x02\x21\x4c\x18", T_LZ4),
	SIG(0, "LZIP\x01", T_LZIP), SIG(0, "7z\xbc\xaf\x27\x1c", T_7Z), SIG(0, "Rar!\x1a\x07", T_RAR),
	SIG(0, "MSCF\0\0\0\0", T_CAB), SIG(8, "debian-binary", T_DEB), SIG(0, "!<arch>\n", T_AR), SIG(0, "!<thin>\n", T_AR),
	SIG(0, "\xed\xab\xee\xdb", T_RPM), SIG(32769, "CD001", T_ISO), SIG(0, "\xc7\x71", T_CPIO), SIG(0, "\x71\xc7", T_CPIO),
	SIG(0, "xar!", T_XAR), SIG(0, "\x60\xea", T_ARJ), SIG(2, "-lh", T_LHA), SIG(2, "-lz", T_LHA),
	SIG(0, "hsqs", T_SQUASHFS), SIG(0, "sqsh", T_SQUASHFS), SIG(0, "MSWIM\0\0\0", T_WIM),
	SIG(0, "\x89LZO\0\r\n\x1a\n", T_PACKED), SIG(0, "LRZI\0", T_PACKED), SIG(7, "**ACE**", T_PACKED), SIG(20, "\xdc\xa7\xc4\xfd", T_PACKED),
	SIG(0, "bvx1", T_PACKED), SIG(0, "bvx2", T_PACKED), SIG(0, "\xff\x06\0\0sNaPpY", T_PACKED), SIG(0, "ISc(", T_PACKED),
	SIG(10, "rLau", T_PACKED), SIG(0, "StuffIt (c)1997", T_PACKED), SIG(0, "PAR2\0PKT", T_PACKED),
	SIG(0, "QFI\xfb", T_DISK), SIG(0, "KDMV", T_DISK), SIG(0, "conectix", T_DISK), SIG(0, "vhdxfile", T_DISK),
	SIG(0, "\x45\x3d\xcd\x28", T_DISK), SIG(64, "\x7f\x10\xda\xbe", T_DISK),
	SIG(0, "BC\xc0\xde", T_BYTECODE), SIG(0, "\x1bLua", T_BYTECODE), SIG(0, "Cr24", T_CRX), SIG(0, "JM\1\0PK", T_JAR),
	SIG(257, "ustar", T_TAR), SIG(0, "%PDF-", T_PDF), SIG(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", T_OLE2),
	SIG(0, "{\\rt", T_RTF), SIG(0, "\x89PNG\r\n\x1a\n", T_PNG), SIG(0, "\xff\xd8\xff", T_JPEG), SIG(0, "GIF87a", T_GIF),
	SIG(0, "GIF89a", T_GIF), SIG(0, "II*\0", T_TIFF), SIG(0, "MM\0*", T_TIFF), SIG(0, "ID3", T_MP3), SIG(0, "OggS\0", T_OGG),
	SIG(0, "fLaC", T_FLAC), SIG(0, "MThd\0\0\0\x06", T_MIDI), SIG(0, "\x1a\x45\xdf\xa3", T_WEBM),
	SIG(0, "SQLite format 3\0", T_SQLITE), SIG(0, "GGUF", T_GGUF), SIG(0, "PAR1", T_PARQUET),
	SIG(0, "\x89HDF\r\n\x1a\n", T_HDF5), SIG(0, "\x93NUMPY", T_NPY),
};

static uint32_t
le16(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t
le32(const unsigned char *p)
{
	return le16(p) | le16(p + 2) << 16;
}

static uint32_t
be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Control characters that no text has make it binary; bytes above 0x7f don't: there are other encodings than UTF-8. */
static bool
is_text(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n && i < 4096; i++)
		if ((p[i] < 0x20 && p[i] != '\t' && p[i] != '\n' && p[i] != '\r' && p[i] != '\f' && p[i] != 0x1b) || p[i] == 0x7f)
			return false;
	return true;
}

/* --- zip ------------------------------------------------------------------------------------------------- */

static bool
begins(const unsigned char *s, size_t n, const char *with)
{
	size_t k = strlen(with);

	return n >= k && memcmp(s, with, k) == 0;
}

static bool
ends(const unsigned char *s, size_t n, const char *with)
{
	size_t k = strlen(with);

	return n >= k && memcmp(s + n - k, with, k) == 0;
}

/* What an entry of this name makes of a zip; the smallest answer in the order below wins, T_ZIP is none. */
static const struct { const char *name; bool tail; int type; } members[] = {
	{"AndroidManifest.xml", false, T_APK}, {"classes.dex", false, T_APK},
	{".dist-info/WHEEL", true, T_WHEEL}, {".dist-info/METADATA", true, T_WHEEL}, {"/data.pkl", true, T_TORCH},
	{"META-INF/MANIFEST.MF", false, T_JAR}, {".class", true, T_JAR},
	{"word/", false, T_DOCX}, {"xl/", false, T_XLSX}, {"ppt/", false, T_PPTX}, {"META-INF/container.xml", false, T_EPUB},
};
#define N_MEMBERS	(sizeof(members) / sizeof(*members))

static void
see_member(const unsigned char *name, size_t n, size_t *best)
{
	for (size_t i = 0; i < *best; i++)
		if (members[i].tail ? ends(name, n, members[i].name) : begins(name, n, members[i].name))
			*best = i;
}

/* The central directory, of which readers go by; at most 4096 entries. */
static bool
read_directory(const unsigned char *p, size_t len, size_t eocd, size_t *best)
{
	uint64_t size = le32(p + eocd + 12), at;
	unsigned n = 0;

	if (size > eocd)
		return false;
	for (at = eocd - size; at + 46 <= eocd && n < 4096; n++) {
		size_t name = le16(p + at + 28), all = 46 + name + le16(p + at + 30) + le16(p + at + 32);

		if (memcmp(p + at, "PK\1\2", 4) != 0 || at + 46 + name > len)
			break;
		see_member(p + at + 46, name, best);
		at += all;
	}
	return n > 0 || size == 0;
}

/* End of central directory record: within the last 64 KB (its comment's limit).  SIZE_MAX: none. */
static size_t
find_eocd(const unsigned char *p, size_t len)
{
	size_t low = len > 65557 ? len - 65557 : 0;

	for (size_t at = len >= 22 ? len - 22 + 1 : 0; at-- > low;)
		if (p[at] == 'P' && memcmp(p + at, "PK\5\6", 4) == 0 && at + 22 + le16(p + at + 20) <= len)
			return at;
	return SIZE_MAX;
}

static int
zip_kind(const unsigned char *p, size_t len)
{
	size_t eocd = find_eocd(p, len), at = 0, best = N_MEMBERS;
	bool odf = false;

	if (len > 30 + 8 + 34 && le16(p + 26) == 8 && memcmp(p + 30, "mimetype", 8) == 0)
		odf = memcmp(p + 38, "application/vnd.oasis.opendocument", 34) == 0;
	if (eocd != SIZE_MAX)
		read_directory(p, len, eocd, &best);
	for (unsigned n = 0; n < 256 && at + 30 <= len && memcmp(p + at, "PK\3\4", 4) == 0; n++) {
		size_t name = le16(p + at + 26), step = 30 + name + le16(p + at + 28) + le32(p + at + 18);

		if (name > len - at - 30)
			break;
		see_member(p + at + 30, name, &best);
		at += step;
	}
	if (best < N_MEMBERS && members[best].type != T_DOCX)
		return members[best].type;
	return odf ? T_ODF : best < N_MEMBERS ? members[best].type : T_ZIP;
}

/* --- those that need a look ------------------------------------------------------------------------------ */

/* A v7 header has no magic but a checksum: the sum of its bytes, the field itself taken as blanks. */
static bool
is_old_tar(const unsigned char *p, size_t len)
{
	unsigned sum = 0, want = 0, i = 148;

	if (len < 512 || p[0] == 0)
		return false;
	while (i < 156 && p[i] == ' ')
		i++;
	if (i == 156 || p[i] < '0' || p[i] > '7')
		return false;
	for (; i < 156 && p[i] >= '0' && p[i] <= '7'; i++)
		want = want * 8 + (p[i] - '0');
	for (i = 0; i < 512; i++)
		sum += i >= 148 && i < 156 ? ' ' : p[i];
	return sum == want;
}

static bool
is_ascii_cpio(const unsigned char *p, size_t len)
{
	if (len < 76 || memcmp(p, "0707", 4) != 0)
		return false;
	for (size_t i = 4; i < 76; i++)
		if (strchr("0123456789abcdefABCDEF", p[i]) == NULL || p[i] == 0)
			return false;
	return true;
}

static int
riff_kind(const unsigned char *p, size_t len)
{
	if (len < 12 || memcmp(p, "RIFF", 4) != 0)
		return T_DATA;
	return memcmp(p + 8, "WEBP", 4) == 0 ? T_WEBP : memcmp(p + 8, "WAVE", 4) == 0 ? T_WAV :
	    memcmp(p + 8, "AVI ", 4) == 0 ? T_AVI : T_DATA;
}

static int
bmff_kind(const unsigned char *p, size_t len)
{
	if (len < 12 || memcmp(p + 4, "ftyp", 4) != 0)
		return T_DATA;
	if (memcmp(p + 8, "hei", 3) == 0 || memcmp(p + 8, "mif1", 4) == 0 || memcmp(p + 8, "avif", 4) == 0)
		return T_HEIF;
	return T_MP4;
}

static int
exe_kind(const unsigned char *p, size_t len)
{
	uint32_t at;

	if (len < 2 || memcmp(p, "MZ", 2) != 0)
		return T_DATA;
	at = len >= 64 ? le32(p + 60) : UINT32_MAX;
	if (at < len && len - at >= 4 && memcmp(p + at, "PE\0\0", 4) == 0)
		return T_PE;
	return is_text(p, len) ? T_DATA : T_MZ;
}

static int
java_or_mach(const unsigned char *p, size_t len)
{
	if (len < 8 || memcmp(p, "\xca\xfe\xba\xbe", 4) != 0)
		return T_DATA;
	return be32(p + 4) < 40 ? T_MACHO : T_CLASS;	/* class files: version 45 and up stands there */
}

static int
binary_kind(const unsigned char *p, size_t len)
{
	uint32_t dib = len >= 18 ? le32(p + 14) : 0;

	if (len >= 18 && memcmp(p, "BM", 2) == 0 && (dib == 12 || dib == 40 || dib == 52 || dib == 56 || dib == 64 || dib == 108 || dib == 124))
		return T_BMP;
	if (len >= 6 && memcmp(p, "\0\0\1\0", 4) == 0 && p[4] != 0)
		return T_ICO;
	if (len >= 3 && p[0] == 'B' && p[1] == 'Z' && p[2] == 'h')
		return T_BZIP2;
	if (len >= 16 && p[2] == 0x0d && p[3] == 0x0a && le16(p) >= 3000 && le16(p) < 4000)	/* Python 3.0 and on */
		return T_PYC;
	if (len >= 16 && p[2] == 0x0d && p[3] == 0x0a && le16(p) >= 20000 && p[8] == 'c')	/* before: a code object behind 8 bytes */
		return T_PYC;
	if (len >= 12 && memcmp(p, "FOR1", 4) == 0 && memcmp(p + 8, "BEAM", 4) == 0)
		return T_BYTECODE;
	if (len >= 3 && p[0] == 0x80 && p[1] >= 2 && p[1] <= 5 && p[len - 1] == '.')
		return T_PICKLE;
	if (len >= 13 && p[0] == 0x5d && p[1] == 0 && p[2] == 0 && (le32(p + 1) & (le32(p + 1) - 1)) == 0)
		return T_LZMA;
	if (len >= 8 && (le32(p) & 0xfffffff0) == 0x184d2a50)	/* zstd and lz4: frames to skip */
		return T_ZSTD;
	if (len >= 12 && p[8] == '{' && p[9] == '"' && p[7] == 0 && p[6] == 0 && p[5] == 0)
		return T_SAFETENSORS;
	if (len >= 4 && p[0] == 0xff && (p[1] & 0xe6) == 0xe2 && (p[2] & 0xf0) != 0xf0)
		return T_MP3;
	if (len >= 4 && p[0] == 0xff && (p[1] & 0xf6) == 0xf0)
		return T_AAC;
	if (len >= 6 && (p[0] & 0x0f) == 8 && (p[0] >> 4) <= 7 && (p[0] * 256u + p[1]) % 31 == 0 && (p[1] & 0x20) == 0)
		return T_ZLIB;
	if (len >= 4 && p[0] == 0x30 && p[1] == 0x82 && (size_t)p[2] * 256 + p[3] + 4 == len)
		return T_DER;
	return T_DATA;
}

/* Is <word> within the first <within> bytes, letters of either case? */
static bool
has_early(const unsigned char *p, size_t len, const char *word, size_t within)
{
	size_t k = strlen(word);

	for (size_t i = 0; i + k <= len && i < within; i++)
		if ((p[i] | 32) == ((unsigned char)*word | 32) && strncasecmp((const char *)p + i, word, k) == 0)
			return true;
	return false;
}

static int
text_kind(const unsigned char *p, size_t len)
{
	if (begins(p, len, "\xef\xbb\xbf"))
		p += 3, len -= 3;
	if (begins(p, len, "#!"))
		return T_SCRIPT;
	while (len > 0 && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++, len--;
	if (len >= 9 && strncasecmp((const char *)p, "@echo off", 9) == 0)
		return T_BATCH;
	if (len > 0 && *p == '<') {
		if (has_early(p, len, "<svg", 2048))
			return T_SVG;
		if (has_early(p, len, "<!doctype html", 512) || has_early(p, len, "<html", 2048) || has_early(p, len, "<body", 2048))
			return T_HTML;
		return begins(p, len, "<?xml") ? T_XML : T_TEXT;
	}
	if (len > 0 && (*p == '{' || *p == '['))
		return T_JSON;
	if (begins(p, len, "-----BEGIN "))
		return T_PEM;
	if ((begins(p, len, "From: ") || begins(p, len, "Received: ") || begins(p, len, "Return-Path: ") || begins(p, len, "MIME-Version: ")) &&
	    has_early(p, len, "\nsubject:", 8192))
		return T_MAIL;
	return T_TEXT;
}

/* These are words of a text, too. */
static bool
is_wordy(int t)
{
	return t == T_PACKED || t == T_DISK || t == T_BYTECODE || t == T_CRX;
}

static int
kind_by_front(const unsigned char *p, size_t len)
{
	int t;

	if (len >= 4 && (memcmp(p, "PK\3\4", 4) == 0 || memcmp(p, "PK\5\6", 4) == 0 || memcmp(p, "PK\7\10", 4) == 0))
		return zip_kind(p, len);
	if ((t = exe_kind(p, len)) != T_DATA || (t = java_or_mach(p, len)) != T_DATA)
		return t;
	for (size_t i = 0; i < sizeof(sigs) / sizeof(*sigs); i++)
		if (len >= (size_t)sigs[i].off + sigs[i].len && p[sigs[i].off] == (unsigned char)*sigs[i].bytes && memcmp(p + sigs[i].off, sigs[i].bytes, sigs[i].len) == 0 &&
		    (sigs[i].type != T_LHA || (len > 6 && p[6] == '-')) && (!is_wordy(sigs[i].type) || !is_text(p, len)))
			return sigs[i].type;
	if ((t = riff_kind(p, len)) != T_DATA || (t = bmff_kind(p, len)) != T_DATA)
		return t;
	if (is_ascii_cpio(p, len))
		return T_CPIO;
	if (is_old_tar(p, len))
		return T_TAR;
	if (len >= 2 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff)))
		return T_UTF16;
	if (is_text(p, len))
		return text_kind(p, len);
	if (has_early(p, len, "%PDF-", 1024))	/* readers take a PDF with something before it */
		return T_PDF;
	return binary_kind(p, len);
}

const struct filetype *
filetype_of(const void *data, size_t len)
{
	const unsigned char *p = data;
	int t = len == 0 ? T_TEXT : kind_by_front(p, len);
	size_t eocd, best = N_MEMBERS;

	/* A zip is found from its end: anything may stand before it, and unpackers don't mind. */
	if (types[t].class != FT_EXECUTABLE && types[t].class != FT_ARCHIVE && types[t].class != FT_DOCUMENT && len >= 22 + 46 &&
	    (eocd = find_eocd(p, len)) != SIZE_MAX && read_directory(p, len, eocd, &best))
		t = best < N_MEMBERS ? members[best].type : T_ZIP;
	return &types[t];
}

const struct filetype *
filetype_of_tail(const void *data, size_t len)
{
	size_t eocd, best = N_MEMBERS;

	if (len < 22 + 46 || (eocd = find_eocd(data, len)) == SIZE_MAX || !read_directory(data, len, eocd, &best))
		return NULL;
	return &types[best < N_MEMBERS ? members[best].type : T_ZIP];
}

const struct filetype *
filetype_named(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

const char *
filetype_class_name(enum filetype_class c)
{
	static const char *const names[] = {"archive", "executable", "document", "image", "audio", "video", "text", "data"};

	return (unsigned)c < FT_CLASSES ? names[c] : "data";
}

static bool
mime_is(const char *mime, size_t len, const char *with)
{
	size_t k = strlen(with);

	return len >= k && strncasecmp(mime, with, k) == 0;
}

bool
filetype_agrees(const struct filetype *t, const char *mime, size_t len)
{
	const char *semi = len > 0 ? memchr(mime, ';', len) : NULL;

	if (semi != NULL)
		len = (size_t)(semi - mime);
	while (len > 0 && (mime[len - 1] == ' ' || mime[len - 1] == '\t'))
		len--;
	if (len == 0 || (len == 24 && mime_is(mime, len, "application/octet-stream")))
		return true;
	if (len == strlen(t->mime) && mime_is(mime, len, t->mime))
		return true;
	switch (t->class) {
	case FT_TEXT:
		return mime_is(mime, len, "text/") || mime_is(mime, len, "message/") || mime_is(mime, len, "application/");
	case FT_IMAGE:
		return mime_is(mime, len, "image/");
	case FT_AUDIO:
	case FT_VIDEO:		/* one container for both: audio/mp4, video/webm */
		return mime_is(mime, len, "audio/") || mime_is(mime, len, "video/");
	case FT_EXECUTABLE:	/* a script that says text/ is still a script, and its class says so */
		return (strcmp(t->name, "script") == 0 && mime_is(mime, len, "text/")) || mime_is(mime, len, "application/x-");
	default:
		return !mime_is(mime, len, "text/") && !mime_is(mime, len, "image/") && !mime_is(mime, len, "audio/") &&
		    !mime_is(mime, len, "video/") && !mime_is(mime, len, "application/json");
	}
}
