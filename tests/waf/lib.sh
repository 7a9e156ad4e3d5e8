# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2154
# What the tests around the Core Rule Set share; $builddir is the build folder.
#	crs_find			sets $crs_rules and $crs_setup, or returns 1: not installed
#	crs_main FILE [TX=VALUE...]	a main configuration as the suites' own set-up: detection only
#	crs_peer FILE [TX=VALUE...]	the same for libmodsecurity
#	crs_tests			sets $crs_tests to the suite's folder, or returns 1 with the reason in $why
waf_dir=$builddir/crs

crs_find()
{
	crs_rules=${LLMSEC_CRS_RULES:-/usr/share/modsecurity-crs/rules}
	crs_setup=${LLMSEC_CRS_SETUP:-/etc/modsecurity/crs/crs-setup.conf}
	[ -f "$crs_setup" ] && ls "$crs_rules"/*.conf >/dev/null 2>&1
}

# The limits and values are those of the set-up that the suite's own project tests with.
crs_main()
{
	local out=$1 kv set=
	shift
	for kv in "$@"; do set+=",setvar:tx.$kv"; done
	cat >"$out" <<-EOF
	SecRuleEngine DetectionOnly
	SecRequestBodyAccess On
	SecRequestBodyLimit 13107200
	SecRequestBodyNoFilesLimit 131072
	SecRequestBodyLimitAction ProcessPartial
	SecResponseBodyAccess On
	SecResponseBodyMimeType text/plain text/html text/xml application/json
	SecResponseBodyLimit 524288
	SecResponseBodyLimitAction ProcessPartial
	SecArgumentSeparator &
	SecCookieFormat 0
	SecRule REQUEST_HEADERS:Content-Type "@rx ^(?:application(?:/soap\+|/)|text/)xml" "id:200000,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
	SecRule REQUEST_HEADERS:Content-Type "@rx ^application/(?:[a-z0-9.-]+\+)?json" "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
	SecRule REQBODY_ERROR "!@eq 0" "id:200002,phase:2,t:none,log,pass,msg:'Failed to parse the request body',logdata:'%{reqbody_error_msg}',severity:2"
	SecRule MULTIPART_STRICT_ERROR "!@eq 0" "id:200003,phase:2,t:none,log,pass,msg:'Multipart body is not strict'"
	Include $crs_setup
	SecAction "id:900005,phase:1,nolog,pass,ctl:ruleRemoveById=910000$set"
	Include $crs_rules/*.conf
	EOF
}

# The same for libmodsecurity, which refuses what it has not implemented.
crs_peer()
{
	crs_main "$@"
	sed -i '/^SecCookieFormat/d' "$1"
}

# The installed package's version decides which source is fetched; it stays in the build folder.
crs_fetch()
{
	local version=$1 state=$waf_dir/apt o
	mkdir -p "$state/lists/partial" "$state/archives/partial" "$state/etc"
	apt-get indextargets --format "deb-src \$(REPO_URI) \$(RELEASE) \$(COMPONENT)" 'Created-By: Packages' 'Origin: Debian' |
		sort -u >"$state/etc/sources.list"
	o=(-q -o "Dir::Etc::sourcelist=$state/etc/sources.list" -o Dir::Etc::sourceparts=/dev/null
		-o "Dir::State::lists=$state/lists" -o "Dir::Cache=$state" -o "Dir::Cache::archives=$state/archives"
		-o APT::Sandbox::User=root -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o APT::Get::List-Cleanup=0)
	apt-get "${o[@]}" update || return 1
	(cd "$waf_dir" && apt-get "${o[@]}" source --download-only "modsecurity-crs=$version")
}

crs_tests()
{
	local version tar
	crs_tests=${LLMSEC_CRS_TESTS:-}
	[ -z "$crs_tests" ] || return 0
	version=$(dpkg-query -W -f '${Version}' modsecurity-crs 2>/dev/null)
	why='the package modsecurity-crs is not installed'
	[ -n "$version" ] || return 1
	crs_tests=$waf_dir/tests-$version
	[ ! -d "$crs_tests" ] || return 0
	mkdir -p "$waf_dir"
	why="its source package cannot be fetched: see $waf_dir/fetch.log"
	crs_fetch "$version" >"$waf_dir/fetch.log" 2>&1 || return 1
	tar=$(ls "$waf_dir"/modsecurity-crs_*.orig.tar.* 2>/dev/null | head -n 1)
	mkdir -p "$crs_tests.new"
	tar -xf "$tar" -C "$crs_tests.new" --strip-components=4 --wildcards '*/tests/regression/tests/*' || return 1
	mv "$crs_tests.new" "$crs_tests"
}

# What the suites want beyond the defaults.
crs_suite_tx=(paranoia_level=4 executing_paranoia_level=4 blocking_paranoia_level=4 detection_paranoia_level=4
	crs_validate_utf8_encoding=1 arg_name_length=100 arg_length=400 total_arg_length=64000 max_num_args=255
	max_file_size=64100 combined_file_sizes=65535)
