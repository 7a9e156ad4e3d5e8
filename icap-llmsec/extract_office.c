/* SPDX-License-Identifier: MIT */
/*
 * Office formats: a zip (libarchive, from memory) of XML parts (expat).  Text of every part counts, also comments, notes,
 * hidden sheets and alternative texts of pictures.  No document type, no entities: no part of the standards (ECMA-376 part 2,
 * 9.1.4; ODF 1.3 part 2) needs them, and they are how XML is made to explode.
 */
#include "config.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <expat.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "icap-llmsec/extract_private.h"

struct part {
	struct extraction	*x;
	XML_Parser		 parser;
	unsigned		 depth;
};

static const char *
local_name(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon != NULL ? colon + 1 : name;
}

static void
give_up(struct part *p, enum extract_code code, const char *why)
{
	extract_stop(p->x, code, why);
	XML_StopParser(p->parser, XML_FALSE);
}

static void XMLCALL
on_start(void *arg, const XML_Char *name, const XML_Char **attrs)
{
	struct part *p = arg;
	const char *l = local_name(name);

	if (++p->depth > p->x->lim.depth) {
		give_up(p, EXTRACT_LIMIT, "its XML is nested too deeply");
		return;
	}
	if (strcmp(l, "tab") == 0 || strcmp(l, "s") == 0 || strcmp(l, "br") == 0 || strcmp(l, "line-break") == 0)
		buf_addc(&p->x->text, ' ');
	for (; *attrs != NULL; attrs += 2)	/* alternative texts, titles, prompts: words, not names */
		if (strchr(attrs[1], ' ') != NULL && strncmp(attrs[0], "xmlns", 5) != 0) {
			buf_adds(&p->x->text, attrs[1]);
			buf_addc(&p->x->text, '\n');
		}
}

static void XMLCALL
on_end(void *arg, const XML_Char *name)
{
	static const char *const lines[] = {"p", "h", "si", "is", "c", "row", "tr", "tc", "t:p", "title", "description", "table-cell", "li", "div"};
	struct part *p = arg;
	const char *l = local_name(name);

	p->depth--;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (strcmp(l, lines[i]) == 0) {
			buf_addc(&p->x->text, '\n');
			return;
		}
}

static void XMLCALL
on_text(void *arg, const XML_Char *s, int n)
{
	struct part *p = arg;

	if (buf_add(&p->x->text, s, (size_t)n) < 0)
		XML_StopParser(p->parser, XML_FALSE);
}

static void XMLCALL
on_comment(void *arg, const XML_Char *s)
{
	on_text(arg, s, (int)strlen(s));
}

static void XMLCALL
on_doctype(void *arg, const XML_Char *name, const XML_Char *sysid, const XML_Char *pubid, int internal)
{
	if (internal || strcmp(name, "html") != 0)	/* an EPUB's pages have one of two harmless ones */
		give_up(arg, EXTRACT_UNREADABLE, "its XML declares a document type");
}

/* One part, fed as it is unpacked. */
static void
read_part(struct extraction *x, struct archive *a)
{
	struct part p = {.x = x, .parser = XML_ParserCreate(NULL)};
	const void *block;
	size_t n;
	la_int64_t off;
	int rc;

	if (p.parser == NULL) {
		x->text.err = x->text.err != 0 ? x->text.err : -ENOMEM;
		return;
	}
	XML_SetUserData(p.parser, &p);
	XML_SetElementHandler(p.parser, on_start, on_end);
	XML_SetCharacterDataHandler(p.parser, on_text);
	XML_SetCommentHandler(p.parser, on_comment);
	XML_SetStartDoctypeDeclHandler(p.parser, on_doctype);
	while ((rc = archive_read_data_block(a, &block, &n, &off)) == ARCHIVE_OK && x->text.err == 0) {
		if (!extract_unpacked(x, n))
			break;
		if (XML_Parse(p.parser, block, (int)n, 0) != XML_STATUS_OK) {
			if (x->text.err == 0)	/* else it was stopped at a limit */
				extract_stop(x, EXTRACT_UNREADABLE, "its XML is damaged");
			break;
		}
	}
	if (rc != ARCHIVE_OK && rc != ARCHIVE_EOF)
		extract_stop(x, EXTRACT_UNREADABLE, "it cannot be unpacked");
	XML_ParserFree(p.parser);
	buf_addc(&x->text, '\n');
}

static bool
has_tail(const char *s, const char *tail)
{
	size_t n = strlen(s), k = strlen(tail);

	return n >= k && strcasecmp(s + n - k, tail) == 0;
}

/* Parts that hold no words of the author's: looks, tables of contents of the package. */
static bool
is_furniture(const char *name)
{
	static const char *const parts[] = {"/theme/", "word/styles.xml", "word/fontTable.xml", "word/settings.xml", "word/webSettings.xml",
	    "word/numbering.xml", "xl/styles.xml", "[Content_Types].xml", "/slideLayouts/", "META-INF/manifest.xml"};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (strstr(name, parts[i]) != NULL)
			return true;
	return false;
}

/* Pages, notes and drawings that a document takes in as they are (ECMA-376 part 1, 17.17.2, "alternative format chunks"), and old drawings, which have
   text boxes and are no good XML. */
static bool
is_other_text(const char *name)
{
	static const char *const tails[] = {".htm", ".txt", ".md", ".csv", ".json", ".rtf", ".mht", ".mhtml", ".eml", ".svg", ".vml"};

	for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++)
		if (has_tail(name, tails[i]))
			return true;
	return false;
}

static bool
is_document(const char *name)
{
	static const char *const tails[] = {".docx", ".docm", ".xlsx", ".xlsm", ".pptx", ".odt", ".ods", ".pdf", ".doc", ".xls", ".ppt", ".zip"};

	for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++)
		if (has_tail(name, tails[i]))
			return true;
	return false;
}

static void
read_other_text(struct extraction *x, struct archive *a, const char *name)
{
	struct buf b = {.max = x->lim.unpacked};
	const void *block;
	size_t n;
	la_int64_t off;
	int rc;

	while ((rc = archive_read_data_block(a, &block, &n, &off)) == ARCHIVE_OK && extract_unpacked(x, n) && buf_add(&b, block, n) == 0)
		;
	if (rc != ARCHIVE_OK && rc != ARCHIVE_EOF)
		extract_stop(x, EXTRACT_UNREADABLE, "it cannot be unpacked");
	else if (b.err == -ENOMEM)
		x->text.err = -ENOMEM;
	else if (has_tail(name, ".vml"))
		extract_html(x, buf_ptr(&b), buf_len(&b));
	else
		extract_part(x, buf_ptr(&b), buf_len(&b));
	buf_free(&b);
}

static void
read_entry(struct extraction *x, struct archive *a, struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);

	if (archive_entry_is_encrypted(e))
		extract_stop(x, EXTRACT_UNREADABLE, "it is encrypted");
	else if (name == NULL)
		extract_stop(x, EXTRACT_UNREADABLE, "a part has no name");
	else if (has_tail(name, "vbaProject.bin") || strstr(name, "/embeddings/") != NULL || strncmp(name, "Basic/", 6) == 0)
		extract_stop(x, EXTRACT_UNREADABLE, "it holds macros or other files");
	else if (is_document(name))
		extract_stop(x, EXTRACT_UNREADABLE, "it holds macros or other files");
	else if ((has_tail(name, ".xml") || has_tail(name, "html")) && !is_furniture(name))
		read_part(x, a);
	else if (is_other_text(name))
		read_other_text(x, a, name);
}

void
extract_office(struct extraction *x, const struct filetype *t)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	unsigned n = 0;
	int rc = ARCHIVE_OK;

	if (a == NULL || archive_read_support_format_zip(a) != ARCHIVE_OK || archive_read_open_memory(a, x->data, x->len) != ARCHIVE_OK) {
		extract_stop(x, EXTRACT_UNREADABLE, "it cannot be unpacked");
		archive_read_free(a);
		return;
	}
	while (x->text.err == 0 && x->code != EXTRACT_LIMIT && (rc = archive_read_next_header(a, &e)) == ARCHIVE_OK) {
		if (++n > x->lim.entries)
			extract_stop(x, EXTRACT_LIMIT, "it has more parts than are looked at");
		else
			read_entry(x, a, e);
	}
	if (rc != ARCHIVE_OK && rc != ARCHIVE_EOF)
		extract_stop(x, EXTRACT_UNREADABLE, "it cannot be unpacked");
	archive_read_free(a);
}
