// SPDX-License-Identifier: MIT
// node hello_proxy.mjs PORT EDGE_PORT MODE FILE: a TCP relay on loopback that keeps each client's first bytes in FILE and
// passes them on as MODE says: whole, records (of 100 bytes each), segments (of one byte each).
import fs from 'node:fs'
import net from 'node:net'

const [port, edgePort, mode, file] = process.argv.slice(2)
const soon = () => new Promise((done) => setImmediate(done))

function pieces (hello) {
  if (mode === 'segments') return [...hello].map((b) => Buffer.from([b]))
  if (mode !== 'records') return [hello]
  const out = []
  const body = hello.subarray(5, 5 + hello.readUInt16BE(3))
  for (let i = 0; i < body.length; i += 100) {
    const part = body.subarray(i, i + 100)
    out.push(hello.subarray(0, 3), Buffer.from([part.length >> 8, part.length & 255]), part)
  }
  return [Buffer.concat([...out, hello.subarray(5 + body.length)])]
}

net.createServer((client) => {
  const edge = net.connect({ port: Number(edgePort), host: '127.0.0.1', noDelay: true })
  for (const s of [client, edge]) s.on('error', () => { client.destroy(); edge.destroy() })
  client.once('data', async (hello) => {
    client.pause()
    fs.writeFileSync(file, hello)
    for (const p of pieces(hello)) {
      edge.write(p)
      if (mode === 'segments') await soon()
    }
    client.pipe(edge)
  })
  edge.pipe(client)
}).listen(Number(port), '127.0.0.1')
