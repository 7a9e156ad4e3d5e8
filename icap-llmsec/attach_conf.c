/* SPDX-License-Identifier: MIT */
/* The "attachments:" map of icap.yaml, and what is said about its findings. */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "icap-llmsec/attach.h"

#define CATEGORY	"attachment."

static const struct conf_enum most_names[] = {{"off", DETECT_OFF}, {"monitor", DETECT_MONITOR}, {"block", DETECT_BLOCK}, {NULL, 0}};
static const struct conf_enum class_names[] = {{"pass", DETECT_OFF}, {"monitor", DETECT_MONITOR}, {"block", DETECT_BLOCK}, {NULL, 0}};
/* What can't be seen is at least told. */
static const struct conf_enum told_names[] = {{"monitor", DETECT_MONITOR}, {"block", DETECT_BLOCK}, {NULL, 0}};
static const struct conf_enum own_most_names[] = {{"inherit", -1}, {"off", DETECT_OFF}, {"monitor", DETECT_MONITOR}, {"block", DETECT_BLOCK},
	{NULL, 0}};
static const struct conf_enum own_class_names[] = {{"inherit", -1}, {"pass", DETECT_OFF}, {"monitor", DETECT_MONITOR}, {"block", DETECT_BLOCK},
	{NULL, 0}};
static const struct conf_enum own_told_names[] = {{"inherit", -1}, {"monitor", DETECT_MONITOR}, {"block", DETECT_BLOCK}, {NULL, 0}};

#define ROW(off, k, tbl, d, h)	{.name = k, .type = CONF_T_ENUM, .offset = (off), .names = tbl, .def = d, .unit = "", .help = h}
#define WHAT(base, w)		((base) + offsetof(struct attach_modes, what) + ATTACH_##w * sizeof(int))
#define MODES(base, most_tbl, class, told, def) \
	ROW((base) + offsetof(struct attach_modes, most), "mode", most_tbl, def("block"), "the most that is done; off: files are not opened"), \
	ROW(WHAT(base, IMAGE), "image", class, def("pass"), "pictures"), \
	ROW(WHAT(base, AUDIO), "audio", class, def("pass"), "sound"), \
	ROW(WHAT(base, VIDEO), "video", class, def("pass"), "films"), \
	ROW(WHAT(base, DOCUMENT), "document", class, def("pass"), "PDF, office files; their text is inspected"), \
	ROW(WHAT(base, TEXT), "text", class, def("pass"), "plain text, HTML, JSON, CSV, source; inspected"), \
	ROW(WHAT(base, SCRIPT), "script", class, def("pass"), "scripts with #! and batch files; inspected as text"), \
	ROW(WHAT(base, ARCHIVE), "archive", class, def("block"), "zip, tar, gzip and the like; what is in them is inspected where they pass"), \
	ROW(WHAT(base, EXECUTABLE), "executable", class, def("block"), "programs, libraries, jar, apk, wheel, pickle"), \
	ROW(WHAT(base, UNKNOWN), "unknown", told, def("block"), "of no known type"), \
	ROW(WHAT(base, TYPE), "types_mode", told, def("block"), "types outside of types, or in deny_types"), \
	ROW(WHAT(base, MISMATCH), "mismatch", class, def("block"), "media type or name say something else than the bytes"), \
	ROW(WHAT(base, SIZE), "oversize", told, def("block"), "larger than max_*"), \
	ROW(WHAT(base, UNREADABLE), "unreadable", told, def("block"), "encrypted, damaged, with macros, or of a kind that no reader exists for"), \
	ROW(WHAT(base, PICTURES), "pictures", told, def("monitor"), "documents of pictures alone: scans"), \
	ROW(WHAT(base, LIMIT), "limit", told, def("block"), "more text than max_text, more than max_unpacked, archives nested too deeply"), \
	ROW(WHAT(base, COUNT), "too_many", told, def("block"), "more than max_count in a request"), \
	ROW(WHAT(base, REMOTE), "remote", class, def("monitor"), "addresses that the provider fetches by itself"), \
	ROW(WHAT(base, ADDRESS), "remote_denied", told, def("block"), "addresses whose scheme or host is not allowed"), \
	ROW((base) + offsetof(struct attach_modes, pii), "pii", class, def("block"), "what is done where personal data should be masked in a file that can't be written anew"), \
	ROW((base) + offsetof(struct attach_modes, secrets), "secrets", class, def("block"), "the same for keys, tokens, passwords"), \
	ROW((base) + offsetof(struct attach_modes, media_pii), "media_pii", class, def("monitor"), "the same for personal data in the words inside of pictures, sound, films")

#define GENERAL(d)	d
#define INHERIT(d)	"inherit"
#define MAX_OF(c, k, d)	{.name = k, .type = CONF_T_SIZE, .offset = offsetof(struct attach_conf, max) + ATTACH_##c * sizeof(int64_t), .min = 0, \
	.max = 1 << 30, .def = d, .unit = "bytes", .help = "the largest of them, decoded"}

const struct conf_opt attach_conf_opts[] = {
	MODES(offsetof(struct attach_conf, modes), most_names, class_names, told_names, GENERAL),
	MAX_OF(IMAGE, "max_image", "20M"), MAX_OF(AUDIO, "max_audio", "25M"), MAX_OF(VIDEO, "max_video", "32M"),
	MAX_OF(DOCUMENT, "max_document", "32M"), MAX_OF(TEXT, "max_text_file", "32M"), MAX_OF(SCRIPT, "max_script", "1M"),
	MAX_OF(ARCHIVE, "max_archive", "32M"), MAX_OF(EXECUTABLE, "max_executable", "32M"), MAX_OF(UNKNOWN, "max_unknown", "32M"),
	CONF_INT(struct attach_conf, max_count, 1, 10000, "200", "parts", "files, pictures, addresses in one request"),
	CONF_SIZE(struct attach_conf, max_text, 1024, 1 << 30, "8M", "text read out of all files of a request"),
	CONF_SIZE(struct attach_conf, max_unpacked, 1024, 1 << 30, "64M", "that decompression may give in a request"),
	CONF_STRS(struct attach_conf, types, "names of the only types allowed; none: all that their class allows"),
	CONF_STRS(struct attach_conf, deny_types, "names of types that are not allowed"),
	CONF_STRS(struct attach_conf, remote_schemes, "of addresses; none: https"),
	CONF_STRS(struct attach_conf, remote_hosts, "host.example, .example with all below it; none: every public one"),
	CONF_BOOL(struct attach_conf, remote_private, "false", "addresses inside: loopback, private, link-local, names without a dot"),
	CONF_BOOL(struct attach_conf, embedded_text, "true", "words inside of pictures, sound and films are inspected"),
	CONF_END
};

const struct conf_opt attach_own_opts[] = {
	MODES(0, own_most_names, own_class_names, own_told_names, INHERIT),
	CONF_END
};

void
attach_modes_merge(struct attach_modes *out, const struct attach_modes *own, const struct attach_modes *general)
{
	out->most = own->most < 0 ? general->most : own->most;
	out->pii = own->pii < 0 ? general->pii : own->pii;
	out->media_pii = own->media_pii < 0 ? general->media_pii : own->media_pii;
	out->secrets = own->secrets < 0 ? general->secrets : own->secrets;
	for (size_t i = 0; i < ATTACH_N; i++)
		out->what[i] = own->what[i] < 0 ? general->what[i] : own->what[i];
}

static const struct attach_rule rules[ATTACH_N] = {
	[ATTACH_IMAGE] = {"LLMSEC-FILE-IMAGE", CATEGORY "image", "attachment_type", "pictures are not allowed", 3, 403},
	[ATTACH_AUDIO] = {"LLMSEC-FILE-AUDIO", CATEGORY "audio", "attachment_type", "sound is not allowed", 3, 403},
	[ATTACH_VIDEO] = {"LLMSEC-FILE-VIDEO", CATEGORY "video", "attachment_type", "films are not allowed", 3, 403},
	[ATTACH_DOCUMENT] = {"LLMSEC-FILE-DOCUMENT", CATEGORY "document", "attachment_type", "documents are not allowed", 3, 403},
	[ATTACH_TEXT] = {"LLMSEC-FILE-TEXT", CATEGORY "text", "attachment_type", "text files are not allowed", 3, 403},
	[ATTACH_SCRIPT] = {"LLMSEC-FILE-SCRIPT", CATEGORY "script", "attachment_type", "scripts are not allowed", 4, 403},
	[ATTACH_ARCHIVE] = {"LLMSEC-FILE-ARCHIVE", CATEGORY "archive", "attachment_type", "archives are not allowed", 4, 403},
	[ATTACH_EXECUTABLE] = {"LLMSEC-FILE-EXECUTABLE", CATEGORY "executable", "attachment_type", "executables are not allowed", 6, 403},
	[ATTACH_UNKNOWN] = {"LLMSEC-FILE-UNKNOWN", CATEGORY "unknown", "attachment_type", "files of an unknown type are not allowed", 4, 403},
	[ATTACH_TYPE] = {"LLMSEC-FILE-TYPE", CATEGORY "type", "attachment_type", "files of this type are not allowed", 4, 403},
	[ATTACH_MISMATCH] = {"LLMSEC-FILE-MISMATCH", CATEGORY "mismatch", "attachment_mismatch", "the declared type is not that of the data", 5, 403},
	[ATTACH_SIZE] = {"LLMSEC-FILE-SIZE", CATEGORY "size", "attachment_too_large", "the file is too large", 3, 413},
	[ATTACH_UNREADABLE] = {"LLMSEC-FILE-UNREADABLE", CATEGORY "unreadable", "attachment_unreadable", "the file cannot be read", 4, 403},
	[ATTACH_PICTURES] = {"LLMSEC-FILE-PICTURES", CATEGORY "pictures", "attachment_unreadable", "the document holds pictures only", 2, 403},
	[ATTACH_LIMIT] = {"LLMSEC-FILE-LIMIT", CATEGORY "limit", "attachment_too_large", "the file holds more than can be inspected", 5, 413},
	[ATTACH_COUNT] = {"LLMSEC-FILE-COUNT", CATEGORY "count", "attachment_too_many", "there are too many files", 3, 413},
	[ATTACH_REMOTE] = {"LLMSEC-FILE-REMOTE", CATEGORY "remote", "attachment_remote", "files at remote addresses are not allowed", 1, 403},
	[ATTACH_ADDRESS] = {"LLMSEC-FILE-ADDRESS", CATEGORY "address", "attachment_remote", "the file's address is not allowed", 6, 403},
};

const struct attach_rule *
attach_rule(enum attach_what w)
{
	return &rules[w];
}

const char *
attach_what_name(enum attach_what w)
{
	return rules[w].category + sizeof(CATEGORY) - 1;
}

const struct attach_rule *
attach_rule_of(const struct finding *f)
{
	if (strncmp(f->category, CATEGORY, sizeof(CATEGORY) - 1) != 0)
		return NULL;
	for (size_t i = 0; i < ATTACH_N; i++)
		if (strcmp(rules[i].id, f->rule_id) == 0)
			return &rules[i];
	return NULL;
}
