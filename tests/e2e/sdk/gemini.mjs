// SPDX-License-Identifier: MIT
// The official Google Gen AI SDK through the edge.
import assert from 'node:assert/strict'
import { ApiError, GoogleGenAI } from '@google/genai'
import { assertFlow, assertMasked, assertNote, assertRefusal, assertUnmaskable, base64, card, collect, done, email, failure, iban, injection, marker, mock, note,
	pdf, pdfOf, png, seen, stack, test } from './tap.mjs'

const model = 'gemini-2.5-flash'
const client = new GoogleGenAI({ apiKey: stack.client_key, httpOptions: { baseUrl: stack.edge_url } })
const ask = (contents, headers = {}, config = {}) => client.models.generateContent({ model, contents, config: { ...config, httpOptions: { headers } } })
const askStream = (contents, headers = {}, config = {}) =>
	client.models.generateContentStream({ model, contents, config: { ...config, httpOptions: { headers } } })
const said = 'Grüße aus Köln: "naïve" \\ 日本語 🙂, fertig.'
const tools = [{ functionDeclarations: [{ name: 'get_weather', description: 'The weather of a city.', parametersJsonSchema: {
	type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } }, required: ['city'] } }] }]
const args = { city: 'Köln', days: 3 }

await test('gemini: models.list', async () => {
	const names = (await client.models.list()).page.map(m => m.name)
	assert.ok(names.includes('models/gemini-mock'), names.join())
})

await test('gemini: generateContent', async () => {
	const r = await ask('Hello', mock({ say: said }))
	assert.equal(r.text, said)
	assert.equal(r.candidates[0].finishReason, 'STOP')
	assert.ok(r.usageMetadata.totalTokenCount > 0)
})

await test('gemini: a conversation with system instruction arrives as sent', async () => {
	const word = marker()
	const contents = [{ role: 'user', parts: [{ text: 'First é' }] }, { role: 'model', parts: [{ text: 'Answer\n"one"' }] },
		{ role: 'user', parts: [{ text: `Second ${word}` }] }]
	await ask(contents, {}, { systemInstruction: 'You are kind.', temperature: 0.25 })
	const body = JSON.parse((await seen(word)).body)
	assert.deepEqual(body.contents, contents)
	assert.equal(body.systemInstruction.parts[0].text, 'You are kind.')
	assert.equal(body.generationConfig.temperature, 0.25)
})

await test('gemini: streamed content, token by token', async () => {
	const got = await collect(await askStream('Hello', mock({ say: said, tokens: 8, interval_ms: 60 })), e => e.text)
	assert.equal(got.text, said)
	assertFlow(got, 8, 60)
	assert.equal(got.events.at(-1).candidates[0].finishReason, 'STOP')
})

await test('gemini: a chat keeps its history', async () => {
	const word = marker(), chat = client.chats.create({ model })
	await chat.sendMessage({ message: `One ${word}` })
	const second = await chat.sendMessageStream({ message: `Two ${word}` })
	assert.ok((await collect(second, e => e.text)).text.length > 0)
	assert.equal(JSON.parse((await seen(`Two ${word}`)).body).contents.length, 3)
})

await test('gemini: function call and function response', async () => {
	const word = marker(), first = await ask(`Weather? ${word}`, mock({ args: JSON.stringify(args) }), { tools })
	assert.equal(first.functionCalls[0].name, 'get_weather')
	assert.deepEqual(first.functionCalls[0].args, args)
	const contents = [{ role: 'user', parts: [{ text: `Weather? ${word}` }] }, first.candidates[0].content,
		{ role: 'user', parts: [{ functionResponse: { name: 'get_weather', response: { output: '18 degrees, "sunny"' } } }] }]
	const second = await ask(contents, {}, { tools })
	assert.equal(second.text, 'The tool answered: {"output":"18 degrees, \\"sunny\\""}')
})

await test('gemini: streamed function call', async () => {
	const got = await collect(await askStream('Weather?', mock({ args: JSON.stringify(args) }), { tools }), () => undefined)
	assert.deepEqual(got.events.flatMap(e => e.functionCalls ?? []).map(c => c.args), [args])
})

await test('gemini: inline image and document arrive as they were sent', async () => {
	const word = marker()
	const parts = [{ text: `What is this? ${word}` }, { inlineData: { mimeType: 'image/png', data: png } },
		{ inlineData: { mimeType: 'application/pdf', data: pdf } }]
	assert.equal((await ask([{ role: 'user', parts }], mock({ say: 'A pixel.' }))).text, 'A pixel.')
	assert.deepEqual(JSON.parse((await seen(word)).body).contents[0].parts, parts)
})

await test('gemini: countTokens', async () => {
	assert.ok((await client.models.countTokens({ model, contents: 'How long is this?' })).totalTokens > 0)
})

await test('gemini: embedContent', async () => {
	const r = await client.models.embedContent({ model: 'gemini-embedding-001', contents: 'A kind word' })
	assert.deepEqual(r.embeddings[0].values, [0.25, -0.5, 0.125, 1])
})

/* The SDK puts the body into the message, as JSON. */
const bodyOf = e => JSON.parse(e.message.slice(e.message.indexOf('{')))

async function refused(what, word, request) {
	await test(`gemini: an injected prompt is refused: ${what}`, async () => {
		const e = await failure(request, ApiError), { error } = bodyOf(e)
		assert.equal(e.status, 403)
		assert.equal(error.code, 403)
		assert.equal(error.status, 'PERMISSION_DENIED')
		assert.match(error.message, /injection|instruction|polic|refused|blocked/i)
		const about = Object.assign({}, ...error.details)
		assertRefusal({ ...about, ...about.metadata }, e.message)
		assert.equal(await seen(word), undefined, 'the provider saw it')
	})
}
const words = Array.from({ length: 3 }, marker)
await refused('generateContent', words[0], ask(`${injection} ${words[0]}`))
await refused('streamed', words[1], askStream(`${injection} ${words[1]}`))
await refused('in a function response', words[2], ask([{ role: 'user', parts: [{ text: 'Weather?' }] },
	{ role: 'model', parts: [{ functionCall: { name: 'get_weather', args: {} } }] },
	{ role: 'user', parts: [{ functionResponse: { name: 'get_weather', response: { output: `${injection} ${words[2]}` } } }] }], {}, { tools }))

// The SDK cannot be made to send this.
await test('gemini: malformed JSON is a 400 of the dialect', async () => {
	const r = await fetch(`${stack.edge_url}/v1beta/models/${model}:generateContent`, { method: 'POST', body: '{"contents":[',
		headers: { 'Content-Type': 'application/json', 'x-goog-api-key': stack.client_key } })
	assert.equal(r.status, 400)
	assert.equal((await r.json()).error.status, 'INVALID_ARGUMENT')
})

for (const status of [400, 429, 500, 503])
	await test(`gemini: the provider's ${status} arrives as ApiError`, async () => {
		const e = await failure(ask('Hello', mock({ error: status })), ApiError)
		assert.equal(e.status, status)
		assert.match(e.message, /mock: error/)
	})

await test('gemini: an error in the middle of a stream is an exception after the text so far', async () => {
	let text = ''
	await failure((async () => {
		for await (const e of await askStream('Hello', mock({ say: 'one two three four five', error_after: 3, interval_ms: 20 })))
			text += e.text ?? ''
	})(), Error)
	assert.equal(text, 'one two three')
})

await test('gemini: a stream that breaks off does not look complete', async () => {
	let finished = false
	try {
		for await (const e of await askStream('Hello', mock({ say: 'one two three four five', break: 3, torn: 1, interval_ms: 2 })))
			finished ||= Boolean(e.candidates?.[0]?.finishReason)
	} catch {
		return	// an exception says it as well
	}
	assert.equal(finished, false)
})

await test('gemini: personal data is masked for the provider and returns to the client', async () => {
	const word = marker(), text = `Note ${word}: mail ${email}, card ${card}.`
	const r = await ask(text, mock({ echo: 1 }))
	await assertMasked(word)
	assert.equal(r.text, text)
})

await test('gemini: also in a stream, wherever it is cut', async () => {
	for (const tokens of [1, 7, 40, 200]) {
		const word = marker(), text = `Note ${word}: mail ${email}, card ${card}, mail ${email}.`
		const got = await collect(await askStream(text, mock({ echo: 1, tokens, interval_ms: 1 })), e => e.text)
		await assertMasked(word)
		assert.equal(got.text, text, `${tokens} pieces`)
	}
})

await test('gemini: in the arguments of a function call', async () => {
	const word = marker(), text = `Note ${word}: mail ${email} to pay ${iban}.`
	const headers = mock({ args: JSON.stringify({ to: '[EMAIL_1]', body: 'Pay [IBAN_2], "once"\n[EMAIL_1]' }) })
	const want = { to: email, body: `Pay ${iban}, "once"\n${email}` }
	assert.deepEqual((await ask(text, headers, { tools })).functionCalls[0].args, want)
	await assertMasked(word)
	const got = await collect(await askStream(text, headers, { tools }), () => undefined)
	assert.deepEqual(got.events.flatMap(e => e.functionCalls ?? []).map(c => c.args), [want])
})

await test('gemini: a text file is masked in its base64, and what the model says of it is restored', async () => {
	const word = marker(), contents = [{ role: 'user', parts: [{ text: `Summarise ${word}` }, { inlineData: { mimeType: 'text/csv', data: base64(note) } }] }]
	const got = await collect(await askStream(contents, mock({ say: 'I wrote to [EMAIL_1] and to [EMAIL_1].', tokens: 17, interval_ms: 1 })), e => e.text)
	assert.equal(got.text, `I wrote to ${email} and to ${email}.`)
	assertNote(JSON.parse((await seen(word)).body).contents[0].parts[1].inlineData.data)
})

await test('gemini: a file that cannot be masked is refused, and says why', async () => {
	const word = marker(), contents = [{ role: 'user', parts: [{ text: word },
		{ inlineData: { mimeType: 'application/pdf', data: pdfOf(`Write to ${email} today`) } }] }]
	const e = await failure(ask(contents), ApiError), { error } = bodyOf(e), about = Object.assign({}, ...error.details)
	assert.equal(e.status, 403)
	assert.equal(error.status, 'PERMISSION_DENIED')
	assert.equal(about.reason, 'unmaskable_file')
	assertUnmaskable({ ...about, ...about.metadata }, e.message)
	assert.equal(await seen(word), undefined, 'the provider saw it')
})

done()
