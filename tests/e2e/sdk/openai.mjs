// SPDX-License-Identifier: MIT
// The official OpenAI SDK through the edge.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import OpenAI, { AzureOpenAI, toFile } from 'openai'
import { assertFlow, assertMasked, assertNote, assertRefusal, assertUnmaskable, base64, card, collect, done, email, failure, iban, injection, marker, mock, note,
	pdf, pdfOf, png, seen, stack, test } from './tap.mjs'

const model = 'gpt-4o-mini'
const options = { apiKey: stack.client_key, baseURL: `${stack.edge_url}/v1`, maxRetries: 0 }
const client = new OpenAI(options)
const user = content => [{ role: 'user', content }]
const ask = (content, headers, more) => client.chat.completions.create({ model, messages: user(content), ...more }, { headers })
const delta = chunk => chunk.choices[0]?.delta?.content
const said = 'Grüße aus Köln: "naïve" \\ 日本語 🙂, fertig.'
const tools = [{ type: 'function', function: { name: 'get_weather', description: 'The weather of a city.', parameters: {
	type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } }, required: ['city'] } } }]
const args = { city: 'Köln', days: 3 }

await test('openai: models.list', async () => {
	const ids = (await client.models.list()).data.map(m => m.id)
	assert.ok(ids.includes('gpt-mock'), ids.join())
})

await test('openai: chat completion', async () => {
	const r = await ask('Hello', mock({ say: said }))
	assert.equal(r.choices[0].message.content, said)
	assert.equal(r.choices[0].finish_reason, 'stop')
	assert.ok(r.usage.prompt_tokens > 0 && r.usage.total_tokens === r.usage.prompt_tokens + r.usage.completion_tokens)
	assert.match(r._request_id, /^[0-9a-f-]{32,36}$/)
})

await test('openai: chat completion over a conversation with system prompt, arrives as sent', async () => {
	const word = marker()
	const messages = [{ role: 'system', content: 'You are kind.' }, { role: 'user', content: 'First é' },
		{ role: 'assistant', content: 'Answer\n"one"' }, { role: 'user', content: `Second ${word}` }]
	await client.chat.completions.create({ model, messages, temperature: 0.25 })
	assert.deepEqual(JSON.parse((await seen(word)).body), { model, messages, temperature: 0.25 })
})

await test('openai: streamed chat completion, token by token', async () => {
	const s = await ask('Hello', mock({ say: said, tokens: 8, interval_ms: 60 }),
		{ stream: true, stream_options: { include_usage: true } })
	const got = await collect(s, delta)
	assert.equal(got.text, said)
	assertFlow(got, 8, 60)
	assert.ok(got.events.some(e => e.choices[0]?.finish_reason === 'stop'))
	assert.ok(got.events.at(-1).usage.total_tokens > 0)
})

await test('openai: the streaming helper assembles the completion', async () => {
	const s = client.chat.completions.stream({ model, messages: user('Hello') }, { headers: mock({ say: said, tokens: 20, interval_ms: 2 }) })
	assert.equal(await s.finalContent(), said)
})

await test('openai: two choices, streamed, stay apart', async () => {
	const s = await ask('Hello', mock({ say: said, tokens: 5, interval_ms: 2 }), { stream: true, n: 2 })
	const texts = ['', '']
	for await (const e of s)
		for (const c of e.choices)
			texts[c.index] += c.delta.content ?? ''
	assert.deepEqual(texts, [said, said])
})

await test('openai: tool call and tool result', async () => {
	const word = marker(), first = await ask(`Weather? ${word}`, mock({ args: JSON.stringify(args) }), { tools })
	const call = first.choices[0].message.tool_calls[0]
	assert.equal(first.choices[0].finish_reason, 'tool_calls')
	assert.equal(call.function.name, 'get_weather')
	assert.deepEqual(JSON.parse(call.function.arguments), args)
	const messages = [...user(`Weather? ${word}`), first.choices[0].message,
		{ role: 'tool', tool_call_id: call.id, content: '18 degrees, "sunny"' }]
	const second = await client.chat.completions.create({ model, messages, tools })
	assert.equal(second.choices[0].message.content, 'The tool answered: 18 degrees, "sunny"')
	assert.deepEqual(JSON.parse((await seen(word)).body).messages, JSON.parse(JSON.stringify(messages)))
})

await test('openai: streamed tool call', async () => {
	const s = client.chat.completions.stream({ model, messages: user('Weather?'), tools },
		{ headers: mock({ args: JSON.stringify(args), interval_ms: 2 }) })
	const call = (await s.finalMessage()).tool_calls[0]
	assert.equal(call.function.name, 'get_weather')
	assert.deepEqual(JSON.parse(call.function.arguments), args)
})

await test('openai: image and file parts arrive as they were sent', async () => {
	const word = marker()
	const content = [{ type: 'text', text: `What is this? ${word}` },
		{ type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } },
		{ type: 'file', file: { filename: 'paper.pdf', file_data: `data:application/pdf;base64,${pdf}` } }]
	const r = await ask(content, mock({ say: 'A pixel.' }))
	assert.equal(r.choices[0].message.content, 'A pixel.')
	assert.deepEqual(JSON.parse((await seen(word)).body).messages[0].content, content)
})

await test('openai: files.create, retrieve, content, delete', async () => {
	// Noise that says it is sound: what nothing says what it is, the gateway refuses.
	const wav = Buffer.from('RIFF\0\0\x04\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\xbb\0\0\0w\x01\0\x02\0\x10\0data\0\0\x04\0', 'latin1')
	const data = Buffer.concat([wav, randomBytes(300000)]), sha = createHash('sha256').update(data).digest('hex')
	const file = await client.files.create({ file: await toFile(data, 'data.wav'), purpose: 'user_data' })
	assert.equal(file.bytes, data.length)
	assert.equal(file.filename, 'data.wav')
	assert.equal(file.x_sha256, sha)
	assert.equal((await client.files.retrieve(file.id)).id, file.id)
	const back = Buffer.from(await (await client.files.content(file.id)).arrayBuffer())
	assert.ok(back.equals(data), `${back.length} bytes came back`)
	assert.equal((await client.files.delete(file.id)).deleted, true)
	await failure(client.files.retrieve(file.id), OpenAI.NotFoundError)
	await failure(client.files.create({ file: await toFile(randomBytes(3000), 'data.bin'), purpose: 'user_data' }), OpenAI.PermissionDeniedError)
})

await test('openai: embeddings', async () => {
	const word = marker(), model = 'text-embedding-3-small'
	const r = await client.embeddings.create({ model, input: ['one', word] })
	assert.deepEqual(r.data.map(d => d.embedding), [[0.25, -0.5, 0.125, 0], [0.25, -0.5, 0.125, 1]])
	assert.ok(r.usage.total_tokens > 0)
	assert.deepEqual(JSON.parse((await seen(word)).body).input, ['one', word])
})

await test('openai: moderations', async () => {
	const r = await client.moderations.create({ model: 'omni-moderation-latest', input: 'A kind word' })
	assert.equal(r.results[0].flagged, false)
})

await test('openai: legacy completions, streamed and not', async () => {
	const body = { model: 'gpt-3.5-turbo-instruct', prompt: 'Once upon a time' }
	const r = await client.completions.create(body, { headers: mock({ say: said }) })
	assert.equal(r.choices[0].text, said)
	const s = await client.completions.create({ ...body, stream: true }, { headers: mock({ say: said, tokens: 6, interval_ms: 2 }) })
	assert.equal((await collect(s, e => e.choices[0]?.text)).text, said)
})

await test('openai: responses', async () => {
	const r = await client.responses.create({ model, instructions: 'Be kind.', input: 'Hello' }, { headers: mock({ say: said }) })
	assert.equal(r.output_text, said)
	assert.equal(r.status, 'completed')
	assert.ok(r.usage.total_tokens > 0)
})

await test('openai: streamed responses, token by token', async () => {
	const s = await client.responses.create({ model, input: user('Hello'), stream: true },
		{ headers: mock({ say: said, tokens: 8, interval_ms: 60 }) })
	const got = await collect(s, e => e.type === 'response.output_text.delta' && e.delta)
	assert.equal(got.text, said)
	assertFlow(got, 8, 60)
	assert.equal(got.events.at(-1).type, 'response.completed')
	assert.equal(got.events.at(-1).response.output[0].content[0].text, said)
})

await test('openai: responses with a tool call and its output', async () => {
	const tool = { type: 'function', strict: false, ...tools[0].function }
	const first = await client.responses.create({ model, input: 'Weather?', tools: [tool] }, { headers: mock({ args: JSON.stringify(args) }) })
	const call = first.output[0]
	assert.equal(call.type, 'function_call')
	assert.deepEqual(JSON.parse(call.arguments), args)
	const input = [{ role: 'user', content: 'Weather?' }, call, { type: 'function_call_output', call_id: call.call_id, output: '18 degrees' }]
	assert.equal((await client.responses.create({ model, input, tools: [tool] })).output_text, 'The tool answered: 18 degrees')
})

await test('openai: Azure deployment paths', async () => {
	const azure = new AzureOpenAI({ apiKey: stack.client_key, endpoint: stack.edge_url, apiVersion: '2024-10-21', deployment: 'four', maxRetries: 0 })
	const r = await azure.chat.completions.create({ model, messages: user('Hello') }, { headers: mock({ say: said }) })
	assert.equal(r.choices[0].message.content, said)
})

async function refused(what, word, request) {
	await test(`openai: an injected prompt is refused: ${what}`, async () => {
		const e = await failure(request, OpenAI.PermissionDeniedError)
		assert.equal(e.status, 403)
		assert.equal(e.code, 'prompt_injection')
		assert.match(e.message, /injection|instruction|polic|refused|blocked/i)
		assertRefusal(e.error, e.message)
		assert.equal(e.requestID, e.error.request_id)
		assert.equal(await seen(word), undefined, 'the provider saw it')
	})
}
const words = Array.from({ length: 5 }, marker)
await refused('chat', words[0], ask(`${injection} ${words[0]}`))
await refused('chat, streamed', words[1], ask(`${injection} ${words[1]}`, {}, { stream: true }))
await refused('responses', words[2], client.responses.create({ model, input: `${injection} ${words[2]}` }))
await refused('in a tool result', words[3], client.chat.completions.create({ model, tools, messages: [...user('Weather?'),
	{ role: 'assistant', content: null, tool_calls: [{ id: 'c1', type: 'function', function: { name: 'get_weather', arguments: '{}' } }] },
	{ role: 'tool', tool_call_id: 'c1', content: `${injection} ${words[3]}` }] }))
await refused('in a text part among others', words[4], ask([{ type: 'text', text: 'Look at this' },
	{ type: 'text', text: `${injection} ${words[4]}` }]))

await test('openai: malformed JSON is a BadRequestError', async () => {
	const e = await failure(client.post('/chat/completions', { body: '{"model":"m","messages":[', headers: { 'Content-Type': 'application/json' } }),
		OpenAI.BadRequestError)
	assert.equal(e.type, 'invalid_request_error')
	assert.ok(e.requestID)
})

// Squid 5.7 closes its connection after a refusal by ICAP; behind a reused one the next request was lost, one
// time in ten.
await test('openai: after each of 200 refusals the next request is answered', async () => {
	for (let i = 0; i < 200; i++) {
		await failure(client.post('/chat/completions', { body: '{"model":', headers: { 'Content-Type': 'application/json' } }), OpenAI.BadRequestError)
		await failure(ask('Hello', mock({ error: 400 })), OpenAI.BadRequestError)
	}
})

for (const [status, type] of [[400, OpenAI.BadRequestError], [401, OpenAI.AuthenticationError], [429, OpenAI.RateLimitError],
	[500, OpenAI.InternalServerError], [503, OpenAI.InternalServerError]])
	await test(`openai: the provider's ${status} arrives as ${type.name}`, async () => {
		const e = await failure(ask('Hello', mock({ error: status })), type)
		assert.equal(e.status, status)
		assert.match(e.message, /mock: error/)
		if (status === 429)
			assert.equal(e.headers.get('retry-after'), '1')
	})

await test('openai: a 429 before a stream is an exception too', async () => {
	await failure(ask('Hello', mock({ error: 429 }), { stream: true }), OpenAI.RateLimitError)
})

await test('openai: an error in the middle of a stream is an exception after the text so far', async () => {
	let text = ''
	await failure((async () => {
		for await (const e of await ask('Hello', mock({ say: 'one two three four five', error_after: 3, interval_ms: 2 }), { stream: true }))
			text += delta(e) ?? ''
	})(), OpenAI.APIError)
	assert.equal(text, 'one two three')
})

await test('openai: a stream that breaks off does not look complete', async () => {
	let finished = false
	try {
		for await (const e of await ask('Hello', mock({ say: 'one two three four five', break: 3, torn: 1, interval_ms: 2 }), { stream: true }))
			finished ||= Boolean(e.choices[0]?.finish_reason)
	} catch {
		return	// an exception says it as well
	}
	assert.equal(finished, false)
})

await test('openai: personal data is masked for the provider and returns to the client', async () => {
	const word = marker(), text = `Note ${word}: mail ${email}, card ${card}.`
	const r = await ask(text, mock({ echo: 1 }))
	await assertMasked(word)
	assert.equal(r.choices[0].message.content, text)
})

await test('openai: also in a stream, wherever it is cut', async () => {
	for (const tokens of [1, 7, 40, 200]) {
		const word = marker(), text = `Note ${word}: mail ${email}, card ${card}, mail ${email}.`
		const got = await collect(await ask(text, mock({ echo: 1, tokens, interval_ms: 1 }), { stream: true }), delta)
		await assertMasked(word)
		assert.equal(got.text, text, `${tokens} pieces`)
	}
})

await test('openai: also with the responses API', async () => {
	const word = marker(), text = `Note ${word}: mail ${email}, card ${card}.`
	const r = await client.responses.create({ model, input: text }, { headers: mock({ echo: 1 }) })
	await assertMasked(word)
	assert.equal(r.output_text, text)
	const s = await client.responses.create({ model, input: text, stream: true }, { headers: mock({ echo: 1, tokens: 40, interval_ms: 1 }) })
	const got = await collect(s, e => e.type === 'response.output_text.delta' && e.delta)
	assert.equal(got.text, text)
	assert.equal(got.events.at(-1).response.output[0].content[0].text, text)
})

// What the model writes to a tool is of use only with the real values; it has them from the prompt's placeholders.
const mailTool = [{ type: 'function', function: { name: 'send_mail', parameters: {
	type: 'object', properties: { to: { type: 'string' }, body: { type: 'string' } } } } }]
const masked = { to: '[EMAIL_1]', body: 'Pay [IBAN_2], "once"\n[EMAIL_1]' }
const unmasked = { to: email, body: `Pay ${iban}, "once"\n${email}` }

await test('openai: bank accounts too, in all choices', async () => {
	const word = marker(), text = `Note ${word}: mail ${email}, card ${card}, account ${iban}.`
	const r = await ask(text, mock({ echo: 1 }), { n: 3 })
	await assertMasked(word)
	assert.deepEqual(r.choices.map(c => c.message.content), [text, text, text])
})

await test('openai: in choices that stream beside each other, each by itself', async () => {
	for (const tokens of [7, 60]) {
		const word = marker(), text = `Note ${word}: mail ${email}, account ${iban}, mail ${email}.`, texts = ['', '', '']
		for await (const e of await ask(text, mock({ echo: 1, tokens, interval_ms: 1 }), { stream: true, n: 3 }))
			for (const c of e.choices)
				texts[c.index] += c.delta.content ?? ''
		await assertMasked(word)
		assert.deepEqual(texts, [text, text, text], `${tokens} pieces`)
	}
})

await test('openai: in the arguments of a tool call', async () => {
	const word = marker(), text = `Note ${word}: mail ${email} to pay ${iban}.`, headers = mock({ args: JSON.stringify(masked), interval_ms: 1 })
	const r = await ask(text, headers, { tools: mailTool })
	await assertMasked(word)
	assert.deepEqual(JSON.parse(r.choices[0].message.tool_calls[0].function.arguments), unmasked)
	for (const tokens of [3, 50]) {
		const s = client.chat.completions.stream({ model, messages: user(text), tools: mailTool },
			{ headers: mock({ args: JSON.stringify(masked), tokens, interval_ms: 1 }) })
		assert.deepEqual(JSON.parse((await s.finalMessage()).tool_calls[0].function.arguments), unmasked, `streamed in ${tokens} pieces`)
	}
})

await test('openai: and in the next turn, when the client resends what it was given', async () => {
	const word = marker(), first = `Note ${word}: mail ${email}.`
	const r = await ask(first, mock({ echo: 1 }))
	const next = `Once more: ${email} and ${iban}`
	const again = await client.chat.completions.create({ model, messages: [...user(first), r.choices[0].message, ...user(next)] },
		{ headers: mock({ echo: 1 }) })
	await assertMasked(word)
	const body = JSON.parse((await seen(word)).body)
	assert.equal(body.messages.length, 3)
	assert.equal(body.messages[1].content, body.messages[0].content, 'one value has one placeholder')
	assert.equal(again.choices[0].message.content, next)
})

const reply = 'I wrote to [EMAIL_1] and to [EMAIL_1].', replied = `I wrote to ${email} and to ${email}.`
const fileOf = (name, type, data) => ({ type: 'file', file: { filename: name, file_data: `data:${type};base64,${data}` } })

await test('openai: a text file is masked in its base64, and what the model says of it is restored', async () => {
	for (const stream of [false, true]) {
		const word = marker(), content = [{ type: 'text', text: `Summarise ${word}` }, fileOf('list.csv', 'text/csv', base64(note))]
		const r = await ask(content, mock({ say: reply, tokens: 17, interval_ms: 1 }), { stream })
		assert.equal(stream ? (await collect(r, delta)).text : r.choices[0].message.content, replied)
		const parts = JSON.parse((await seen(word)).body).messages[0].content
		assertNote(parts[1].file.file_data)
		assert.equal(parts[1].file.filename, 'list.csv')
	}
})

await test('openai: so it is with the responses API', async () => {
	const word = marker(), input = [{ role: 'user', content: [{ type: 'input_text', text: `Summarise ${word}` },
		{ type: 'input_file', filename: 'list.csv', file_data: `data:text/csv;base64,${base64(note)}` }] }]
	const s = await client.responses.create({ model, input, stream: true }, { headers: mock({ say: reply, tokens: 17, interval_ms: 1 }) })
	assert.equal((await collect(s, e => e.type === 'response.output_text.delta' && e.delta)).text, replied)
	assertNote(JSON.parse((await seen(word)).body).input[0].content[1].file_data)
})

await test('openai: a file that cannot be masked is refused, and says why', async () => {
	const word = marker()
	const e = await failure(ask([{ type: 'text', text: word }, fileOf('a.pdf', 'application/pdf', pdfOf(`Write to ${email} today`))]), OpenAI.PermissionDeniedError)
	assert.equal(e.status, 403)
	assert.equal(e.code, 'unmaskable_file')
	assert.match(e.error.param, /^messages\[0\]\.content\[1\]/)
	assert.equal(e.requestID, e.error.request_id)
	assertUnmaskable(e.error, e.message)
	assert.equal(await seen(word), undefined, 'the provider saw it')
})

done()
