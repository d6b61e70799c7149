import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { TestContext } from 'node:test'
import { TLSSocket, type ConnectionOptions } from 'node:tls'
import { makeTestPki, type TestCertificate, type TestPki } from '../support/pki.js'
import { openRaw, type RawAnswer } from '../support/raw-client.js'
import {
  fhirHost,
  makeStand,
  rawRequest,
  standardWhitelist,
  subjectOf,
  type Stand,
  type StandWish,
} from './stand.js'

/** One side of a gateway that serves TEST and PROD. */
export interface Side {
  readonly name: 'sandbox' | 'production'
  readonly host: string
  readonly port: number
  readonly pki: TestPki
  /** Listed here, under a name that is listed on the other side too. */
  readonly client: TestCertificate
}

/** Sandbox and production in one process. */
export interface TwoEnvironments {
  readonly stand: Stand
  readonly sandbox: Side
  readonly production: Side
}

const productionHost = fhirHost.replace('.qualif', '')

/** @param how - a port for each, or one port where the server name tells them apart */
export async function makeTwoEnvironments(
  context: TestContext,
  how: 'ports' | 'one port',
  wish: StandWish = {},
): Promise<TwoEnvironments> {
  const port = how === 'ports' ? 0 : await freePort()
  const pki = await makeTestPki({ prefix: '' })
  const client = await pki.client()
  const server = await pki.server([productionHost, '127.0.0.1'])
  const stand = await makeStand(context, {
    ...wish,
    config: (text) => twice((wish.config ?? ((same) => same))(text), port),
    prepare: (made) => {
      made.write('prod/server.pem', server.chainPem)
      made.write('prod/server.key', server.keyPem)
      made.write('prod/client-ca.pem', pki.caPem)
      made.write('prod/client-ca.crl', pki.crl())
      made.write('whitelist-prod/partner.yaml', standardWhitelist(subjectOf(client)))
      wish.prepare?.(made)
    },
  })
  const portOf = (name: string): number =>
    stand.gateway.addresses.find(({ environments }) => environments.includes(name))?.port ?? 0
  return {
    stand,
    sandbox: {
      name: 'sandbox',
      host: fhirHost,
      port: portOf('sandbox'),
      pki: stand.pki,
      client: stand.partner,
    },
    production: { name: 'production', host: productionHost, port: portOf('production'), pki, client },
  }
}

/** What a client asks of a side, and the session it offers. */
export interface Visit {
  readonly client: TestCertificate | null
  /** The Host of the request; the side's own unless given. */
  readonly host?: string
  readonly session?: Buffer | undefined
  readonly tls?: ConnectionOptions
}

/** One request to a side, with the session it leaves behind. */
export async function visit(side: Side, wish: Visit): Promise<{ answer: RawAnswer; session: Buffer }> {
  const { client, host = side.host, session, tls } = wish
  const raw = await openRaw(side.port, {
    ca: side.pki.rootPem,
    servername: side.host,
    ...(client !== null && { cert: client.chainPem, key: client.keyPem }),
    ...(session !== undefined && { session }),
    ...tls,
  })
  try {
    raw.send(rawRequest({ host }))
    const answer = await raw.answer()
    assert.ok(raw.socket instanceof TLSSocket)
    // the tickets of TLS 1.3 come before the answer
    return { answer, session: raw.socket.getSession() ?? Buffer.alloc(0) }
  } finally {
    raw.destroy()
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

// the environment of the text once more, with the hosts, files and list of production
function twice(text: string, port: number): string {
  const [head = '', tail = ''] = text.split(/^(?=admin:)/m)
  const sandbox = head.replace('port: 0', `port: ${port}`)
  const production = sandbox
    .replace(/^environments:\n/, '')
    .replace('name: sandbox', 'name: production')
    .replaceAll('pki/', 'prod/')
    .replace('whitelist: whitelist/', 'whitelist: whitelist-prod/')
    .replaceAll('.qualif', '')
  return sandbox + production + tail
}
