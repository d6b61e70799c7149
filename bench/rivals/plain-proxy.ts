import { readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { createServer } from 'node:https'
import httpProxy from 'http-proxy'

// http-proxy as its documentation shows it, and nothing of ours: `node plain-proxy.js PORT UPSTREAM PKI`.
// By default it opens an upstream connection for each request; with `kept` it is given an agent that keeps them.
const [port = '', target = '', pki = '', agent = ''] = process.argv.slice(2)
const read = (file: string): string => readFileSync(`${pki}/${file}`, 'utf8')
const kept = agent === 'kept' ? { agent: new Agent({ keepAlive: true, maxSockets: 256 }) } : {}
const proxy = httpProxy.createProxyServer({ target, ...kept })
proxy.on('error', (_error, _request, response) => {
  response.destroy()
})
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
    proxy.web(request, response)
  },
)
server.listen(Number(port), '127.0.0.1')
