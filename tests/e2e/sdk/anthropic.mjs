// SPDX-License-Identifier: MIT
// The official Anthropic SDK through the edge.
import assert from 'node:assert/strict'
import Anthropic from '@anthropic-ai/sdk'
import { assertFlow, assertMasked, assertNote, assertRefusal, assertUnmaskable, base64, card, collect, done, email, failure, iban, injection, marker, mock, note,
	notePattern, pdf, pdfOf, png, seen, stack, test } from './tap.mjs'

const model = 'claude-mock', max_tokens = 1024
const client = new Anthropic({ apiKey: stack.client_key, baseURL: stack.edge_url, maxRetries: 0 })
const user = content => [{ role: 'user', content }]
const ask = (content, headers, more) => client.messages.create({ model, max_tokens, messages: user(content), ...more }, { headers })
const delta = e => e.type === 'content_block_delta' && e.delta.text
const said = 'Grüße aus Köln: "naïve" \\ 日本語 🙂, fertig.'
const tools = [{ name: 'get_weather', description: 'The weather of a city.', input_schema: {
	type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } }, required: ['city'] } }]
const args = { city: 'Köln', days: 3 }

await test('anthropic: models.list', async () => {
	const ids = (await client.models.list()).data.map(m => m.id)
	assert.ok(ids.includes('claude-mock'), ids.join())
})

await test('anthropic: message', async () => {
	const r = await ask('Hello', mock({ say: said }))
	assert.equal(r.content[0].text, said)
	assert.equal(r.stop_reason, 'end_turn')
	assert.ok(r.usage.input_tokens > 0 && r.usage.output_tokens > 0)
})

await test('anthropic: a conversation with system prompt arrives as sent', async () => {
	const word = marker()
	const body = { model, max_tokens, system: 'You are kind.', messages: [{ role: 'user', content: 'First é' },
		{ role: 'assistant', content: 'Answer\n"one"' }, { role: 'user', content: `Second ${word}` }] }
	await client.messages.create(body)
	const r = await seen(word)
	assert.deepEqual(JSON.parse(r.body), body)
	assert.ok(r.headers.some(([name, value]) => /^(x-api-key|authorization)$/i.test(name) && value.endsWith(stack.client_key)), JSON.stringify(r.headers))
})

await test('anthropic: streamed message, token by token', async () => {
	const got = await collect(await ask('Hello', mock({ say: said, tokens: 8, interval_ms: 60 }), { stream: true }), delta)
	assert.equal(got.text, said)
	assertFlow(got, 8, 60)
	const types = got.events.map(e => e.type).filter(t => t !== 'ping' && t !== 'content_block_delta')
	assert.deepEqual(types, ['message_start', 'content_block_start', 'content_block_stop', 'message_delta', 'message_stop'])
})

await test('anthropic: the streaming helper assembles the message', async () => {
	const s = client.messages.stream({ model, max_tokens, messages: user('Hello') }, { headers: mock({ say: said, tokens: 20, interval_ms: 2 }) })
	const r = await s.finalMessage()
	assert.equal(r.content[0].text, said)
	assert.equal(r.stop_reason, 'end_turn')
	assert.ok(r.usage.output_tokens > 0)
})

await test('anthropic: tool use and tool result', async () => {
	const word = marker(), first = await ask(`Weather? ${word}`, mock({ args: JSON.stringify(args) }), { tools })
	const call = first.content[0]
	assert.equal(first.stop_reason, 'tool_use')
	assert.equal(call.name, 'get_weather')
	assert.deepEqual(call.input, args)
	const messages = [...user(`Weather? ${word}`), { role: 'assistant', content: first.content },
		...user([{ type: 'tool_result', tool_use_id: call.id, content: '18 degrees, "sunny"' }])]
	const second = await client.messages.create({ model, max_tokens, messages, tools })
	assert.equal(second.content[0].text, 'The tool answered: 18 degrees, "sunny"')
	assert.deepEqual(JSON.parse((await seen(word)).body).messages, JSON.parse(JSON.stringify(messages)))
})

await test('anthropic: streamed tool use', async () => {
	const s = client.messages.stream({ model, max_tokens, messages: user('Weather?'), tools },
		{ headers: mock({ args: JSON.stringify(args), interval_ms: 2 }) })
	const r = await s.finalMessage()
	assert.deepEqual(r.content[0].input, args)
	assert.equal(r.stop_reason, 'tool_use')
})

await test('anthropic: image and document blocks arrive as they were sent', async () => {
	const word = marker()
	const content = [{ type: 'text', text: `What is this? ${word}` },
		{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
		{ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: pdf } }]
	const r = await ask(content, mock({ say: 'A pixel.' }))
	assert.equal(r.content[0].text, 'A pixel.')
	assert.deepEqual(JSON.parse((await seen(word)).body).messages[0].content, content)
})

await test('anthropic: countTokens', async () => {
	const r = await client.messages.countTokens({ model, messages: user('How long is this?') })
	assert.ok(r.input_tokens > 0)
})

async function refused(what, word, request) {
	await test(`anthropic: an injected prompt is refused: ${what}`, async () => {
		const e = await failure(request, Anthropic.PermissionDeniedError)
		assert.equal(e.status, 403)
		assert.equal(e.error.type, 'error')
		assert.equal(e.error.error.type, 'permission_error')
		assert.match(e.error.error.message, /injection|instruction|polic|refused|blocked/i)
		assertRefusal(e.error, e.message)
		assert.equal(e.headers.get('x-request-id'), e.error.request_id)
		assert.equal(await seen(word), undefined, 'the provider saw it')
	})
}
const words = Array.from({ length: 4 }, marker)
await refused('message', words[0], ask(`${injection} ${words[0]}`))
await refused('message, streamed', words[1], ask(`${injection} ${words[1]}`, {}, { stream: true }))
await refused('in a tool result', words[2], client.messages.create({ model, max_tokens, tools, messages: [...user('Weather?'),
	{ role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: {} }] },
	...user([{ type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: `${injection} ${words[2]}` }] }])] }))
await refused('when tokens are counted', words[3], client.messages.countTokens({ model, messages: user(`${injection} ${words[3]}`) }))

await test('anthropic: malformed JSON is a BadRequestError', async () => {
	const e = await failure(client.post('/v1/messages', { body: '{"model":"m","messages":[', headers: { 'Content-Type': 'application/json' } }),
		Anthropic.BadRequestError)
	assert.equal(e.error.error.type, 'invalid_request_error')
})

for (const [status, type] of [[400, Anthropic.BadRequestError], [401, Anthropic.AuthenticationError], [429, Anthropic.RateLimitError],
	[500, Anthropic.InternalServerError], [529, Anthropic.InternalServerError]])
	await test(`anthropic: the provider's ${status} arrives as ${type.name}`, async () => {
		const e = await failure(ask('Hello', mock({ error: status })), type)
		assert.equal(e.status, status)
		assert.match(e.message, /mock: error/)
	})

await test('anthropic: an error in the middle of a stream is an exception after the text so far', async () => {
	let text = ''
	const e = await failure((async () => {
		for await (const e of await ask('Hello', mock({ say: 'one two three four five', error_after: 3, interval_ms: 2 }), { stream: true }))
			text += delta(e) || ''
	})(), Anthropic.APIError)
	assert.match(e.message, /overloaded_error/)
	assert.equal(text, 'one two three')
})

await test('anthropic: a stream that breaks off does not look complete', async () => {
	const s = client.messages.stream({ model, max_tokens, messages: user('Hello') },
		{ headers: mock({ say: 'one two three four five', break: 3, torn: 1, interval_ms: 2 }) })
	await failure(s.finalMessage(), Error)
})

await test('anthropic: personal data is masked for the provider and returns to the client', async () => {
	const word = marker(), text = `Note ${word}: mail ${email}, card ${card}.`
	const r = await ask(text, mock({ echo: 1 }))
	await assertMasked(word)
	assert.equal(r.content[0].text, text)
})

await test('anthropic: also in a stream, wherever it is cut', async () => {
	for (const tokens of [1, 7, 40, 200]) {
		const word = marker(), text = `Note ${word}: mail ${email}, card ${card}, mail ${email}.`
		const got = await collect(await ask(text, mock({ echo: 1, tokens, interval_ms: 1 }), { stream: true }), delta)
		await assertMasked(word)
		assert.equal(got.text, text, `${tokens} pieces`)
	}
})

await test('anthropic: in the input of a tool', async () => {
	const mailTool = [{ name: 'send_mail', input_schema: { type: 'object', properties: { to: { type: 'string' }, body: { type: 'string' } } } }]
	const masked = { to: '[EMAIL_1]', body: 'Pay [IBAN_2], "once"\n[EMAIL_1]' }
	const unmasked = { to: email, body: `Pay ${iban}, "once"\n${email}` }
	const word = marker(), text = `Note ${word}: mail ${email} to pay ${iban}.`
	const r = await ask(text, mock({ args: JSON.stringify(masked) }), { tools: mailTool })
	await assertMasked(word)
	assert.deepEqual(r.content[0].input, unmasked)
	for (const tokens of [3, 50]) {
		const s = client.messages.stream({ model, max_tokens, messages: user(text), tools: mailTool },
			{ headers: mock({ args: JSON.stringify(masked), tokens, interval_ms: 1 }) })
		assert.deepEqual((await s.finalMessage()).content[0].input, unmasked, `streamed in ${tokens} pieces`)
	}
})

await test('anthropic: text files are masked, as text and in their base64, and what the model says of them is restored', async () => {
	const word = marker(), content = [{ type: 'text', text: `Summarise ${word}` },
		{ type: 'document', source: { type: 'text', media_type: 'text/plain', data: note } },
		{ type: 'document', source: { type: 'base64', media_type: 'text/plain', data: base64(note) } }]
	const s = await ask(content, mock({ say: 'I wrote to [EMAIL_1] and to [EMAIL_1].', tokens: 17, interval_ms: 1 }), { stream: true })
	assert.equal((await collect(s, delta)).text, `I wrote to ${email} and to ${email}.`)
	const sent = JSON.parse((await seen(word)).body).messages[0].content
	assert.match(sent[1].source.data, notePattern)
	assertNote(sent[2].source.data)
	assert.equal(Buffer.from(sent[2].source.data, 'base64').toString(), sent[1].source.data, 'one value has one placeholder')
})

await test('anthropic: a file that cannot be masked is refused, and says why', async () => {
	const word = marker(), e = await failure(ask([{ type: 'text', text: word },
		{ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: pdfOf(`Write to ${email} today`) } }]), Anthropic.PermissionDeniedError)
	assert.equal(e.status, 403)
	assert.equal(e.error.error.type, 'permission_error')
	assert.equal(e.error.error.code, 'unmaskable_file')
	assert.equal(e.headers.get('x-request-id'), e.error.request_id)
	assertUnmaskable(e.error, e.message)
	assert.equal(await seen(word), undefined, 'the provider saw it')
})

done()
