# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# TAP for the end-to-end scripts.  Source it first:
#	. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# then use plan/ok/is/like/check ..., and end with done_testing (which prints the plan where none was
# printed and sets the exit status).  Everything temporary belongs into $tap_dir, which goes away.
# Processes are started with spawn, which makes sure that they end with the script.

tap_n=0
tap_failed=0
tap_planned=
tap_pids=()
tap_dir=$(mktemp -d "${TMPDIR:-/tmp}/llmsec-e2e.XXXXXX")

tap_cleanup()
{
	local pid
	for pid in "${tap_pids[@]}"; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	rm -rf "$tap_dir"
}
trap tap_cleanup EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

# plan N: how many tests follow.
plan()
{
	tap_planned=$1
	echo "1..$1"
}

# diag TEXT...: lines for a human, each after "# ".
diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

# ok NAME / not_ok NAME [WHY]
ok()
{
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1"
}

not_ok()
{
	tap_n=$((tap_n + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_n - $1"
	[ $# -lt 2 ] || diag "$2"
	return 1
}

# skip NAME REASON: a test that cannot be made here; the reason is obligatory.
skip()
{
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP ${2:?skip needs a reason}"
}

# bail_out WHY: nothing further makes sense.
bail_out()
{
	echo "Bail out!  $*"
	exit 1
}

# is GOT WANTED NAME / isnt GOT UNWANTED NAME
is()
{
	if [ "$1" = "$2" ]; then ok "$3"; else not_ok "$3" "got:    $1
wanted: $2"; fi
}

isnt()
{
	if [ "$1" != "$2" ]; then ok "$3"; else not_ok "$3" "got the unwanted: $1"; fi
}

# like GOT ERE NAME / unlike GOT ERE NAME
like()
{
	if [[ $1 =~ $2 ]]; then ok "$3"; else not_ok "$3" "got:          $1
does not match: $2"; fi
}

unlike()
{
	if [[ $1 =~ $2 ]]; then not_ok "$3" "got:     $1
matches: $2"; else ok "$3"; fi
}

# at_most GOT LIMIT NAME / at_least GOT LIMIT NAME: numbers, fractions allowed.
at_most()
{
	if tap_number_le "$1" "$2"; then ok "$3 ($1 <= $2)"; else not_ok "$3" "$1 > $2"; fi
}

at_least()
{
	if tap_number_le "$2" "$1"; then ok "$3 ($1 >= $2)"; else not_ok "$3" "$1 < $2"; fi
}

# Awk treats what is no number as 0, which would make a missing measurement pass.
tap_number_le()
{
	local re='^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$'
	[[ $1 =~ $re && $2 =~ $re ]] && awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }'
}

# check NAME COMMAND...: passes when the command does; its output explains a failure.
check()
{
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "exit $?: $*
$out"; fi
}

# done_testing: prints the plan where plan was not called; its status is the script's.
done_testing()
{
	[ -n "$tap_planned" ] || echo "1..$tap_n"
	if [ -n "$tap_planned" ] && [ "$tap_planned" -ne "$tap_n" ]; then
		diag "planned $tap_planned tests, made $tap_n"
		return 1
	fi
	[ "$tap_failed" -eq 0 ]
}

# now_ms: milliseconds of a clock that may be compared within this machine.
now_ms()
{
	echo $(( ${EPOCHREALTIME/[.,]/} / 1000 ))
}

# wait_for CONDITION SECONDS: evaluates the shell text CONDITION until it is true (status 0) or the time
# is up (status 1).  A condition that hangs must bring its own time limit.
wait_for()
{
	local end=$(( $(now_ms) + $(awk -v s="$2" 'BEGIN { printf "%d", s * 1000 }') ))
	until eval "$1" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt "$end" ] || return 1
		sleep 0.02
	done
}

# spawn NAME COMMAND...: starts it in the background; pid in $spawned, output in $tap_dir/NAME.log.
spawn()
{
	local name=$1
	shift
	"$@" >"$tap_dir/$name.log" 2>&1 &
	spawned=$!
	tap_pids+=("$spawned")
}

# stop PID [SIGNAL]: ends one of ours and waits for it; status is the process's own.
stop()
{
	local i
	kill "-${2:-TERM}" "$1" 2>/dev/null
	for i in "${!tap_pids[@]}"; do
		[ "${tap_pids[i]}" != "$1" ] || unset "tap_pids[i]"
	done
	wait "$1" 2>/dev/null
}

# field JQ [FILE]: one value out of JSON (stdin or FILE); status 1 and nothing printed when absent or null.
field()
{
	local v
	v=$(jq -er "$1" "${2:--}" 2>/dev/null) || return 1
	printf '%s\n' "$v"
}

# stack JQ: a value of the running stack, out of $LLMSEC_STATUS_JSON or `./dev status --json`.
stack()
{
	if [ -z "${LLMSEC_STATUS_JSON:-}" ]; then
		LLMSEC_STATUS_JSON=$("${srcdir:-.}/dev" status --json) || bail_out "no stack: ./dev status --json failed"
		export LLMSEC_STATUS_JSON
	fi
	field "$1" <<<"$LLMSEC_STATUS_JSON"
}

# http CURL-ARGUMENTS...: one request.  Afterwards $http_code, $http_body (file), $http_headers (file),
# $http_time (seconds); status is curl's.  30 s at most unless the arguments say otherwise.
http()
{
	local rc out
	http_body=$tap_dir/http.body
	http_headers=$tap_dir/http.headers
	: >"$http_body"
	: >"$http_headers"
	out=$(curl -sS --max-time 30 -o "$http_body" -D "$http_headers" \
		-w '%{http_code} %{time_total}' "$@" 2>"$tap_dir/http.err")
	rc=$?
	# shellcheck disable=SC2034	# for the caller
	read -r http_code http_time <<<"$out"
	[ "$rc" -eq 0 ] || diag "$(cat "$tap_dir/http.err")"
	return "$rc"
}

# header NAME: value of a header of the last http (last one when repeated), without the line end.
header()
{
	awk -v want="$1" 'BEGIN { want = tolower(want) ":"; st = 1 }
		tolower(substr($0, 1, length(want))) == want {
			v = substr($0, length(want) + 1); gsub(/^[ \t]+|[ \t\r]+$/, "", v); st = 0 }
		END { if (!st) print v; exit st }' "$http_headers"
}

# free_port: a TCP port of the loopback interface that nobody listens on now.
free_port()
{
	local p i
	for i in {1..200}; do
		p=$((20000 + (RANDOM << 15 | RANDOM) % 12000))
		(exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo "$p"; return 0; }
	done
	return 1
}
