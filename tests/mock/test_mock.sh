#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The mock provider itself: what other tests conclude from its answers is only as good as these are.
. "${srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}/tests/e2e/lib.sh"
for p in curl jq openssl; do
	command -v "$p" >/dev/null || { echo "1..0 # SKIP $p is not installed"; exit 0; }
done

mock=${builddir:?the build folder}/tests/mock/llmsec-mock
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost -keyout "$tap_dir/key.pem" -out "$tap_dir/crt.pem" 2>/dev/null
spawn mock "$mock" --port 0 --tls-port 0 --cert "$tap_dir/crt.pem" --key "$tap_dir/key.pem" \
	--interval-ms 1 --port-file "$tap_dir/ports"
wait_for '[ -s "$tap_dir/ports" ]' 10 || bail_out "the mock did not start: $(cat "$tap_dir/mock.log")"
read -r port tls_port <"$tap_dir/ports"
base=http://127.0.0.1:$port

# post PATH DIRECTIVES BODY [CURL-ARGUMENTS...]
post()
{
	local path=$1 plan=$2 body=$3
	shift 3
	http -g "$base$path" -H 'Content-Type: application/json' ${plan:+-H "X-Mock: $plan"} -d "$body" "$@"
}
events() { tr -d '\r' <"$http_body" | sed -n 's/^data: //; /^{/p'; }
joined() { events | jq -j "$1 // empty"; }
names() { tr -d '\r' <"$http_body" | sed -n 's/^event: //p' | uniq | tr '\n' ' '; }

said='Gr%C3%BC%C3%9Fe: %22ja%22%2C \ ende'
want='Grüße: "ja", \ ende'
chat='{"model":"m","messages":[{"role":"user","content":"Hello"}]}'
chat_stream='{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Hello"}]}'
parameters='{"type":"object","properties":{"city":{"type":"string"}}}'
args='args=%7B%22city%22:%22K%C3%B6ln%22%7D'
city='{"city":"Köln"}'

# --- OpenAI
post /v1/chat/completions "say=$said" "$chat"
is "$http_code $(field '.object + " " + .choices[0].message.role + " " + .choices[0].finish_reason' "$http_body")" \
	'200 chat.completion assistant stop' 'openai chat: shape'
is "$(field '.choices[0].message.content' "$http_body")" "$want" 'openai chat: text'
is "$(jq '.usage | .total_tokens == .prompt_tokens + .completion_tokens and .total_tokens > 0' "$http_body")" true 'openai chat: usage'
is "$(header X-Mock-Text-Sha256)" "$(printf %s "$want" | sha256sum | cut -d' ' -f1)" 'openai chat: digest of the text'
post /v1/chat/completions "say=$said,tokens=5" "$chat_stream"
like "$(header Content-Type)" '^text/event-stream' 'openai chat stream: type'
is "$(joined '.choices[0].delta.content')" "$want" 'openai chat stream: text'
is "$(events | jq -s 'map(select((.choices[0].delta.content // "") != "")) | length')" 5 'openai chat stream: as many pieces as asked for'
is "$(events | jq -sr '.[0].choices[0].delta.role + " " + (map(.choices[0].finish_reason // empty) | join(" "))')" 'assistant stop' 'openai chat stream: role first, stop last'
is "$(events | jq -s 'last.usage.total_tokens > 0')" true 'openai chat stream: usage when asked for'
is "$(grep '^data:' "$http_body" | tail -n 1)" 'data: [DONE]' 'openai chat stream: [DONE]'
is "$(events | jq -sc 'map(.x_n) == [range(length)] and (length as $n | all(.[]; .x_of == $n))')" true 'openai chat stream: events are numbered'
tool='"tools":[{"type":"function","function":{"name":"weather","parameters":'$parameters'}}]'
post /v1/chat/completions "$args" "${chat%\}},$tool}"
is "$(jq -c '[.choices[0].finish_reason, .choices[0].message.tool_calls[0].function.name, (.choices[0].message.tool_calls[0].function.arguments | fromjson)]' "$http_body")" \
	"[\"tool_calls\",\"weather\",$city]" 'openai chat: tool call'
post /v1/chat/completions "$args" "${chat_stream%\}},$tool}"
is "$(joined '.choices[0].delta.tool_calls[0].function.arguments')" "$city" 'openai chat stream: tool call in pieces'
post /v1/chat/completions '' '{"model":"m",'"$tool"',"messages":[{"role":"user","content":"x"},{"role":"tool","tool_call_id":"c","content":"18 degrees"}]}'
is "$(field '.choices[0].message.content' "$http_body")" 'The tool answered: 18 degrees' 'openai chat: tool result'
post '/openai/deployments/d/chat/completions?api-version=1' "say=az" "$chat"
is "$(field '.choices[0].message.content' "$http_body")" az 'azure: deployment path'
post /v1/completions "say=$said" '{"model":"m","prompt":"x"}'
is "$(field '.object + .choices[0].text' "$http_body")" "text_completion$want" 'openai completions'
post /v1/completions "say=$said" '{"model":"m","prompt":"x","stream":true}'
is "$(joined '.choices[0].text')" "$want" 'openai completions stream'
post /v1/responses "say=$said" '{"model":"m","input":"x"}'
is "$(field '.object + .status + .output[0].content[0].text' "$http_body")" "responsecompleted$want" 'openai responses'
post /v1/responses "say=$said,tokens=3" '{"model":"m","input":"x","stream":true}'
is "$(names)" 'response.created response.in_progress response.output_item.added response.content_part.added response.output_text.delta response.output_text.done response.content_part.done response.output_item.done response.completed ' 'openai responses stream: order'
is "$(joined 'select(.type == "response.output_text.delta").delta')" "$want" 'openai responses stream: text'
post /v1/embeddings '' '{"model":"m","input":["a","b"]}'
is "$(jq '[.data[].embedding] == [[0.25, -0.5, 0.125, 0], [0.25, -0.5, 0.125, 1]]' "$http_body")" true 'openai embeddings'
post /v1/embeddings '' '{"model":"m","input":"a","encoding_format":"base64"}'
is "$(field '.data[0].embedding' "$http_body" | base64 -d | od -An -tf4 | tr -s ' ')" ' 0.25 -0.5 0.125 0' 'openai embeddings in base64'
post /v1/moderations '' '{"input":"a"}'
is "$(jq -c '.results[0].flagged' "$http_body")" false 'openai moderations'
http "$base/v1/models"
is "$(field '.data[0].id' "$http_body")" gpt-mock 'openai models'
head -c 100000 /dev/urandom >"$tap_dir/f.bin"
http "$base/v1/files" -F purpose=user_data -F "file=@$tap_dir/f.bin"
is "$(field '.x_sha256 + .filename' "$http_body")" "$(sha256sum <"$tap_dir/f.bin" | cut -d' ' -f1)f.bin" 'openai files: upload'
id=$(field .id "$http_body")
http "$base/v1/files/$id/content"
check 'openai files: content' cmp "$http_body" "$tap_dir/f.bin"
http -X DELETE "$base/v1/files/$id"
http "$base/v1/files/$id"
is "$http_code" 404 'openai files: gone'

# --- Anthropic
message='{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hello"}]}'
message_stream="${message%\}},\"stream\":true}"
post /v1/messages "say=$said" "$message"
is "$(jq -r '.type + .role + .stop_reason + .content[0].text' "$http_body")" "messageassistantend_turn$want" 'anthropic message'
like "$(header request-id)" '^req_mock' 'anthropic message: request id'
post /v1/messages "say=$said,tokens=4" "$message_stream"
is "$(names)" 'message_start content_block_start ping content_block_delta content_block_stop message_delta message_stop ' 'anthropic stream: order'
is "$(joined '.delta.text')" "$want" 'anthropic stream: text'
is "$(events | jq -s '[.[] | select(.type == "message_delta").usage.output_tokens] | first')" 4 'anthropic stream: usage'
tool='"tools":[{"name":"weather","input_schema":'$parameters'}]'
post /v1/messages "$args" "${message%\}},$tool}"
is "$(jq -c '[.stop_reason, .content[0].type, .content[0].name, .content[0].input]' "$http_body")" "[\"tool_use\",\"tool_use\",\"weather\",$city]" 'anthropic tool use'
post /v1/messages "$args" "${message_stream%\}},$tool}"
is "$(joined '.delta.partial_json')" "$city" 'anthropic stream: tool use in pieces'
post /v1/messages/count_tokens '' "$message"
at_least "$(field .input_tokens "$http_body")" 1 'anthropic count_tokens'
http "$base/v1/models" -H 'anthropic-version: 2023-06-01'
is "$(field '.data[0].type + .last_id' "$http_body")" modelclaude-mock-mini 'anthropic models'

# --- Gemini
contents='{"contents":[{"role":"user","parts":[{"text":"Hello"}]}]}'
post /v1beta/models/g:generateContent "say=$said" "$contents"
is "$(jq -r '.modelVersion + .candidates[0].finishReason + .candidates[0].content.parts[0].text' "$http_body")" "gSTOP$want" 'gemini'
post '/v1beta/models/g:streamGenerateContent?alt=sse' "say=$said,tokens=4" "$contents"
is "$(joined '.candidates[0].content.parts[0].text')" "$want" 'gemini stream: text'
is "$(events | jq -sr 'last | .candidates[0].finishReason + "\(.usageMetadata.candidatesTokenCount)"')" STOP4 'gemini stream: end and usage'
at_least "$(grep -c $'\r$' "$http_body")" 4 'gemini stream: lines end in CR LF'
post /v1beta/models/g:streamGenerateContent "say=$said,tokens=4" "$contents"
is "$(jq -r 'map(.candidates[0].content.parts[0].text) | join("")' "$http_body")" "$want" 'gemini stream as one array'
tool='"tools":[{"functionDeclarations":[{"name":"weather","parameters":'$parameters'}]}]'
post /v1beta/models/g:generateContent "$args" "${contents%\}},$tool}"
is "$(jq -c '.candidates[0].content.parts[0].functionCall | [.name, .args]' "$http_body")" "[\"weather\",$city]" 'gemini function call'
post /v1beta/models/g:countTokens '' "$contents"
at_least "$(field .totalTokens "$http_body")" 1 'gemini countTokens'
post /v1beta/models/g:batchEmbedContents '' '{"requests":[{},{}]}'
is "$(jq '[.embeddings[].values] == [[0.25, -0.5, 0.125, 1], [0.25, -0.5, 0.125, 1]]' "$http_body")" true 'gemini embeddings'

# --- Ollama
post /api/chat "say=$said,tokens=4" "$chat"
is "$(header Content-Type)" application/x-ndjson 'ollama chat streams unless told otherwise'
is "$(joined '.message.content')" "$want" 'ollama chat stream: text'
is "$(events | jq -sc '[length, last.done, last.eval_count]')" '[5,true,4]' 'ollama chat stream: end'
post /api/chat "say=$said" "${chat%\}},\"stream\":false}"
is "$(jq -r '"\(.done)" + .message.content' "$http_body")" "true$want" 'ollama chat'
post /api/generate "say=$said" '{"model":"m","prompt":"x"}'
is "$(joined .response)" "$want" 'ollama generate stream'

# --- directives
post /v1/chat/completions '' '{"model":"m","messages":[{"role":"user","content":"[mock tokens=2] say:Hi there"}]}'
is "$(field '.choices[0].message.content' "$http_body")" 'Hi there' 'directives in the message'
post '/v1/chat/completions?mock=say=q' '' "$chat"
is "$(field '.choices[0].message.content' "$http_body")" q 'directives in the query'
post /v1/chat/completions echo=1 "$chat"
is "$(field '.choices[0].message.content' "$http_body")" Hello 'echo of the message'
post /v1/chat/completions echo=body "$chat"
is "$(field '.choices[0].message.content' "$http_body")" "$chat" 'echo of the body'
post /v1/chat/completions size=100000,utf8=1 "$chat"
is "$(jq -j '.choices[0].message.content' "$http_body" | wc -c)" 100000 'size'
post /v1/chat/completions leak=key "$chat"
like "$(cat "$http_body")" 'sk-proj-' 'leak=key'
post /v1/chat/completions leak=systemprompt '{"messages":[{"role":"system","content":"Secret S"},{"role":"user","content":"x"}]}'
like "$(cat "$http_body")" 'Secret S' 'leak=systemprompt tells the system prompt'
post /v1/chat/completions pii=1 "$chat"
like "$(cat "$http_body")" 'erika.mustermann@example.org' 'pii'
post /v1/chat/completions "say=$said,ascii=1" "$chat"
unlike "$(LC_ALL=C tr -d '\000-\177' <"$http_body" | wc -c)" '[1-9]' 'ascii: nothing but'
is "$(field '.choices[0].message.content' "$http_body")" "$want" 'ascii: the same text'
post /v1/chat/completions chunked=1 "$chat"
is "$(header Transfer-Encoding) $(header Content-Length)" 'chunked ' 'chunked'
post /v1/chat/completions "say=$said,crlf=1,split=3" "$chat_stream"
is "$(joined '.choices[0].delta.content')" "$want" 'crlf and split'
for coding in gzip deflate br; do
	case " $(curl --version) " in *brotli*) ;; *) [ $coding != br ] || { skip "$coding" 'this curl has no brotli'; continue; } ;; esac
	post /v1/chat/completions "say=$said,$coding=1" "$chat" --compressed
	is "$(header Content-Encoding) $(field '.choices[0].message.content' "$http_body")" "$coding $want" "$coding"
	post /v1/chat/completions "say=$said,$coding=1" "$chat_stream" --compressed
	is "$(header Content-Encoding) $(joined '.choices[0].delta.content')" "$coding $want" "$coding, streamed"
done

# --- time: only what cannot be too short is tested
post /v1/chat/completions tokens=5,interval_ms=40 "$chat_stream"
# (A late token leaves less time to the next one; they don't all come early.)
at_least "$(events | jq -s 'map(select((.choices[0].delta.content // "") != "").x_t) | [range(1; length) as $i | .[$i] - .[$i - 1]] | max')" 38000 'interval_ms: microseconds between tokens'
post /v1/chat/completions tokens=3,stall_after=1,stall_ms=200 "$chat_stream"
at_least "$(events | jq -s 'map(select((.choices[0].delta.content // "") != "").x_t) | [range(1; length) as $i | .[$i] - .[$i - 1]] | max')" 190000 'stall_ms'
at_least "$(curl -s -o /dev/null -w '%{time_starttransfer}' -H 'X-Mock: first_ms=200' -d "$chat" "$base/v1/chat/completions")" 0.2 'first_ms: before the headers'
read -r first total < <(curl -s -o /dev/null -w '%{time_starttransfer} %{time_total}' -H 'X-Mock: lead_ms=300,tokens=2' -d "$chat_stream" "$base/v1/chat/completions")
at_least "$total" 0.3 'lead_ms: before the text'
at_most "$first" "$total" 'lead_ms: after the headers'

# --- errors
post /v1/chat/completions error=429,retry_after=7 "$chat"
is "$http_code $(header Retry-After) $(field '.error.code' "$http_body")" '429 7 rate_limit_exceeded' 'openai error'
post /v1/messages error=529 "$message"
is "$http_code $(field '.type + .error.type' "$http_body")" '529 erroroverloaded_error' 'anthropic error'
post /v1beta/models/g:generateContent error=503 "$contents"
is "$http_code $(jq -c '[.error.code, .error.status]' "$http_body")" '503 [503,"UNAVAILABLE"]' 'gemini error'
post /api/chat error=500 "$chat"
is "$http_code $(jq -r '.error | type' "$http_body")" '500 string' 'ollama error'
post /v1/embeddings error=500 '{"input":"x"}'
is "$http_code" 500 'error of an endpoint without text'
post /v1/chat/completions say=a,nonsense=1 "$chat"
is "$http_code" 400 'an unknown directive is an error'
post /v1/chat/completions '' '{"model":'
is "$http_code $(field .error.type "$http_body")" '400 invalid_request_error' 'malformed JSON'
post /v1/messages '' '{"messages":[]}'
is "$http_code $(field .error.type "$http_body")" '400 invalid_request_error' 'no messages'
http "$base/v1/nothing"
is "$http_code" 404 'an unknown path'
five='say=one two three four five'
post /v1/chat/completions "$five,error_after=3" "$chat_stream"
is "$(joined '.choices[0].delta.content')$(events | jq -sr 'last.error.message')" 'one two threemock: failed in the middle' 'openai: error in the middle'
unlike "$(cat "$http_body")" 'DONE' 'openai: no [DONE] after an error'
post /v1/messages "$five,error_after=3" "$message_stream"
is "$(events | jq -sr 'last | .type + .error.type')" erroroverloaded_error 'anthropic: error in the middle'
post '/v1beta/models/g:streamGenerateContent?alt=sse' "$five,error_after=3" "$contents"
is "$(events | jq -s 'last.error.code')" 503 'gemini: error in the middle'
post /api/chat "$five,error_after=3" "$chat"
is "$(events | jq -sr 'last.error')" 'mock: failed in the middle' 'ollama: error in the middle'

# --- broken connections: curl's 18 is "transfer closed with data outstanding"
rc=0; post /v1/chat/completions "$five,break=3" "$chat_stream" >/dev/null || rc=$?
is "$rc $(joined '.choices[0].delta.content')" '18 one two three' 'break: a stream ends after so many tokens'
rc=0; post /v1/chat/completions "$five,break=3,torn=1" "$chat_stream" >/dev/null || rc=$?
is "$rc" 18 'break, torn'
unlike "$(tail -n 1 "$http_body")" '}$' 'torn: half an event at the end'
rc=0; post /v1/chat/completions break=50 "$chat" >/dev/null || rc=$?
is "$rc $(wc -c <"$http_body")" '18 50' 'break: a JSON body ends after so many bytes'

# --- what it saw
http -X DELETE "$base/_mock/requests"
body='{"messages":[{"role":"user","content":"Größe \u00e9 needle"}],  "model":"m" }'
post /v1/chat/completions '' "$body" -H 'X-Second: 2' -H 'x-second: 3'
mock_id=$(header X-Mock-Id)
post /v1/chat/completions '' "$chat"
http "$base/_mock/requests?contains=needle"
is "$(jq '.requests | length' "$http_body") $(field '.requests[0].body' "$http_body")" "1 $body" 'records: exact bytes'
is "$(field '.requests[0].body_base64' "$http_body" | base64 -d)" "$body" 'records: in base64'
is "$(jq -c '.requests[0].headers | map(select(.[0] | ascii_downcase == "x-second"))' "$http_body")" '[["X-Second","2"],["x-second","3"]]' 'records: headers as spelt'
is "$(field '.requests[0].id' "$http_body") $(field '.requests[0].body_sha256' "$http_body")" "$mock_id $(printf %s "$body" | sha256sum | cut -d' ' -f1)" 'records: number and digest'
http "$base/_mock/requests?since=$mock_id"
is "$(jq -c '.requests | map(.body)' "$http_body")" "$(jq -nc --arg b "$chat" '[$b]')" 'records: since'
http "$base/_mock/health"
is "$(jq -c '.kept' "$http_body")" 2 'records: count'

http --cacert "$tap_dir/crt.pem" "https://localhost:$tls_port/v1/models"
is "$http_code" 200 'TLS'
check '--help' "$mock" --help
rc=0; "$mock" --nonsense >"$tap_dir/null" 2>&1 || rc=$?
is "$rc" 2 'a wrong option is a usage error'
rc=0; stop "$(jobs -p | head -n 1)" || rc=$?
is "$rc" 0 'SIGTERM ends it cleanly'
done_testing
