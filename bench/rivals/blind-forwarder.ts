import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { createForwarders } from '../../src/gateway/forwarders.js'
import { loadInWorker } from '../../src/gateway/policy-source.js'
import type { Field } from '../../src/http/forwarder.js'

// The gateway's own engine, forwarding whatever comes: `node blind-forwarder.js PORT UPSTREAM PKI CONFIG`.
// What the gateway costs beyond this is what it adds: judging, audit line, counters, identity fields.
const [port = '', upstream = '', pki = '', config = ''] = process.argv.slice(2)
const read = (file: string): string => readFileSync(`${pki}/${file}`, 'utf8')
const loaded = await loadInWorker(config)
if (!loaded.ok) throw new Error(JSON.stringify(loaded.problem.diagnostics))
const [forwarder] = createForwarders(loaded.value.config).values()
if (forwarder === undefined) throw new Error('no environment')

const framing = /^(?:connection|content-length|transfer-encoding|keep-alive)$/i
const server = createServer(
  {
    cert: read('server.pem'),
    key: read('server.key'),
    ca: read('client-ca.pem'),
    requestCert: true,
    rejectUnauthorized: true,
    keepAliveTimeout: 300_000,
  },
  (request, response) => {
    const { rawHeaders, method = '', url = '' } = request
    const fields: Field[] = []
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const [name = '', value = ''] = [rawHeaders[index], rawHeaders[index + 1]]
      if (!framing.test(name)) fields.push([name, value])
    }
    void forwarder
      .forward({
        request,
        response,
        upstream,
        method,
        target: url,
        fields,
        body: request.headers['content-length'] === undefined ? 'none' : 'stream',
        publicOrigin: '',
      })
      .then(({ kind }) => {
        if (kind !== 'answered') response.destroy()
      })
  },
)
server.listen(Number(port), '127.0.0.1')
