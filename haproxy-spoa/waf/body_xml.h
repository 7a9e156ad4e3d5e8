/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_BODY_XML_H
#define LLMSEC_WAF_BODY_XML_H
/* What body_xml.c found in a document, for xml_xpath.c. */
#include <libxml/tree.h>
#include <libxml/xmlerror.h>
#include <libxml/xmlversion.h>

#include "haproxy-spoa/waf/vars_private.h"

struct waf_xml {
	struct waf_str	 bytes;		/* the document */
	char		*text;		/* of the root element, children included */
	size_t		 len, cap;
	struct waf_list	 attrs;		/* values of all attributes; keys are empty */
	bool		 root;		/* there was one */
	bool		 sound;		/* well-formed, whole, without entities: fit to be made a tree */
	xmlDoc		*doc;		/* NULL until an XPath asks for it */
};

#if LIBXML_VERSION >= 21200
typedef const xmlError waf_xml_error;
#else
typedef xmlError waf_xml_error;
#endif

/* xmlInitParser(), once, from whatever thread comes first. */
void	waf_xml_init(void);

/* Between the two, libxml2 says nothing of its own on stderr (encoders do, past all handlers of a parser). */
struct waf_xml_quiet {
	xmlStructuredErrorFunc fn;
	void		*arg;
};
void	waf_xml_quiet(struct waf_xml_quiet *);
void	waf_xml_loud(const struct waf_xml_quiet *);
#endif
