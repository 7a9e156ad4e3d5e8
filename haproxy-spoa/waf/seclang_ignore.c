/* SPDX-License-Identifier: MIT */
/*
 * Directives of ModSecurity 2 and 3 that have nothing to steer here: accepted, so that an existing configuration
 * loads, and each named once with what does that job.  "Off" asks for nothing and is met in silence.  Then those
 * whose loss would weaken the rule set: refused.
 */
#include "config.h"

#include "haproxy-spoa/waf/seclang_private.h"

static void
ignored(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	unsigned char *warned = sl->warned != NULL ? &sl->warned[dir - sl_ignored] : NULL;
	struct sl_text t = sl_text(&arg[0]);

	if (warned == NULL || *warned || (n == 1 && sl_is(&t, "Off")))
		return;
	*warned = 1;
	sl_warn(sl, &t, NULL, "%s: has no effect: %s", dir->name, dir->why);
}

static void
refused(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	struct sl_text t = sl_text(&arg[0]);

	(void)n;
	sl_error(sl, &t, NULL, "%s: refused: %s", dir->name, dir->why);
}

#define EVENTS		"decisions are events, see docs/events.md"
#define LOGS		"llmsec-spoad logs to stderr or syslog, see llmsec-spoad(8)"
#define MEMORY		"bodies are judged in memory, nothing is written to files"
#define STATE		"persistent collections are in LMDB, in llmsec-spoad's state folder"
#define HAPROXY_RATE	"HAProxy counts connections and rates: stick-table"
#define NO_REWRITE	"answers pass through unchanged"
#define NO_LOOKUP	"no look-ups while a request waits"

#define IGNORED(name, min, max, why)	{name, min, max, ignored, 0, 0, 0, why}
#define REFUSED(name, min, max, why)	{name, min, max, refused, 0, 0, 0, why}

const struct sl_directive sl_ignored[] = {
	IGNORED("SecAuditEngine", 1, 1, EVENTS),
	IGNORED("SecAuditLog", 1, 1, EVENTS),
	IGNORED("SecAuditLog2", 1, 1, EVENTS),
	IGNORED("SecAuditLogDir", 1, 1, EVENTS),
	IGNORED("SecAuditLogDirMode", 1, 1, EVENTS),
	IGNORED("SecAuditLogFileMode", 1, 1, EVENTS),
	IGNORED("SecAuditLogFormat", 1, 1, EVENTS),
	IGNORED("SecAuditLogParts", 1, 1, EVENTS),
	IGNORED("SecAuditLogPrefix", 1, 1, EVENTS),
	IGNORED("SecAuditLogRelevantStatus", 1, 1, EVENTS),
	IGNORED("SecAuditLogStorageDir", 1, 1, EVENTS),
	IGNORED("SecAuditLogType", 1, 1, EVENTS),
	IGNORED("SecGuardianLog", 1, 2, EVENTS),
	IGNORED("SecDebugLog", 1, 1, LOGS),
	IGNORED("SecDebugLogLevel", 1, 1, LOGS),
	IGNORED("SecRulePerfTime", 1, 1, "llmsec-waf explain times rules"),
	IGNORED("SecTmpDir", 1, 1, MEMORY),
	IGNORED("SecUploadDir", 1, 1, MEMORY),
	IGNORED("SecUploadKeepFiles", 1, 1, MEMORY),
	IGNORED("SecUploadFileMode", 1, 1, MEMORY),
	IGNORED("SecTmpSaveUploadedFiles", 1, 1, MEMORY),
	IGNORED("SecRequestBodyInMemoryLimit", 1, 1, MEMORY),
	IGNORED("SecCacheTransformations", 1, 2, "each value is transformed once per chain of transformations"),
	IGNORED("SecChrootDir", 1, 1, "llmsec-spoad confines itself, see its unit"),
	IGNORED("SecServerSignature", 1, 1, "http-response set-header server, in HAProxy"),
	IGNORED("SecStatusEngine", 1, 1, "nothing is reported to anybody"),
	IGNORED("SecDisableBackendCompression", 1, 1, "http-request del-header accept-encoding, in HAProxy"),
	IGNORED("SecInterceptOnError", 1, 1, "a request that can't be judged is verdict ERROR; spoad.yaml says what then"),
	IGNORED("SecConnEngine", 1, 1, HAPROXY_RATE),
	IGNORED("SecConnReadStateLimit", 1, 3, HAPROXY_RATE),
	IGNORED("SecConnWriteStateLimit", 1, 3, HAPROXY_RATE),
	IGNORED("SecReadStateLimit", 1, 3, HAPROXY_RATE),
	IGNORED("SecWriteStateLimit", 1, 3, HAPROXY_RATE),
	IGNORED("SecGeoLookupDb", 1, 1, NO_LOOKUP),
	IGNORED("SecGsbLookupDb", 1, 1, NO_LOOKUP),
	IGNORED("SecHttpBlKey", 1, 1, NO_LOOKUP),
	IGNORED("SecHttpBlTimeout", 1, 1, NO_LOOKUP),
	IGNORED("SecHashKey", 1, 2, NO_REWRITE),
	IGNORED("SecHashParam", 1, 1, NO_REWRITE),
	IGNORED("SecHashMethodPm", 2, 2, NO_REWRITE),
	IGNORED("SecHashMethodRx", 2, 2, NO_REWRITE),
	IGNORED("SecEncryptionKey", 1, 2, NO_REWRITE),
	IGNORED("SecEncryptionParam", 1, 1, NO_REWRITE),
	IGNORED("SecEncryptionMethodPm", 2, 2, NO_REWRITE),
	IGNORED("SecEncryptionMethodRx", 2, 2, NO_REWRITE),
	IGNORED("SecPdfProtect", 1, 1, NO_REWRITE),
	IGNORED("SecPdfProtectMethod", 1, 1, NO_REWRITE),
	IGNORED("SecPdfProtectSecret", 1, 1, NO_REWRITE),
	IGNORED("SecPdfProtectTimeout", 1, 1, NO_REWRITE),
	IGNORED("SecPdfProtectTokenName", 1, 1, NO_REWRITE),
	IGNORED("SecRuleInheritance", 1, 1, "one rule set has one list of rules; routes choose profiles in spoad.yaml"),
	IGNORED("SecUnicodeCodePage", 1, 1, "name the code page in SecUnicodeMapFile"),
	IGNORED("SecRemoteRulesFailAction", 1, 1, "no rules are fetched from elsewhere"),
	IGNORED("SecRemoteTimeout", 1, 1, "no rules are fetched from elsewhere"),
	IGNORED("SecDatasetDir", 1, 1, STATE),
	REFUSED("SecRemoteRules", 1, -1, "no rules are fetched from elsewhere: fetch, check and Include them"),
	REFUSED("SecRuleScript", 1, 2, "rules run no Lua"),
	REFUSED("SecIgnoreRuleCompilationErrors", 1, 1, "a rule that does not compile is an error"),
	{0}};
