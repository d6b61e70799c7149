import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import { loadInWorker } from '../../src/gateway/policy-source.js'
import { startGateway, type RunningGateway } from '../../src/gateway/start.js'
import { formatName } from '../../src/core/name-text.js'
import { parseCertificate } from '../../src/x509/certificate.js'
import { makeTestPki, type TestCertificate, type TestPki } from '../support/pki.js'
import { valuesOf } from '../support/http-message.js'
import { exchangeRaw, type RawAnswer } from '../support/raw-client.js'
import { startRecorder, type Recorder } from '../support/recorder.js'
import { until } from '../support/until.js'

export const fhirHost = 'bas-api-fhir.qualif.ror.esante.gouv.fr'
export const authHost = 'bas-auth-api.qualif.ror.esante.gouv.fr'
export const permitted = '350054680'
export const capacityPath = '/ws-synchro-dispo-lits-fhir/Location?identifier='
export const permittedTarget = `${capacityPath}1${permitted}/SSR38888`
export const patchBody = JSON.stringify({
  resourceType: 'Parameters',
  parameter: [
    {
      name: 'operation',
      part: [
        { name: 'type', valueString: 'delete' },
        { name: 'path', valueString: "Location.extension.where(url='x')" },
      ],
    },
  ],
})

/** A gateway of one environment, really listening, before a recorder of raw bytes. */
export interface Stand {
  readonly folder: string
  readonly pki: TestPki
  readonly upstream: Recorder
  readonly gateway: RunningGateway
  readonly port: number
  /** Listed, and granted everything. */
  readonly partner: TestCertificate
  readonly tls: (client?: TestCertificate, more?: ConnectionOptions) => ConnectionOptions
  /** One request as raw bytes on a connection of its own. */
  send(request: RequestWish): Promise<RawAnswer>
  write(file: string, text: string): void
  /** The audit event of this answer, once it is there. */
  auditOf(answer: RawAnswer): Promise<Record<string, unknown>>
}

export interface RequestWish {
  readonly method?: string
  readonly target?: string
  readonly host?: string
  /** `null`: none. */
  readonly client?: TestCertificate | null
  readonly fields?: readonly string[]
  readonly body?: string
  readonly tls?: ConnectionOptions
}

export interface StandWish {
  /** The text of whitelist/partner.yaml for the subject of the partner's certificate. */
  readonly whitelist?: (subject: string) => string
  readonly config?: (text: string) => string
  readonly now?: () => number
  /** Milliseconds on a clock that never goes back. */
  readonly elapsed?: () => number
  readonly crl?: (pki: TestPki) => string
  /** More files, before the start. */
  readonly prepare?: (stand: {
    write: (file: string, text: string) => void
    partner: TestCertificate
  }) => void
}

export async function makeStand(context: TestContext, wish: StandWish = {}): Promise<Stand> {
  const folder = mkdtempSync(join(tmpdir(), 'ror-gateway-'))
  const pki = await makeTestPki()
  const server = await pki.server([fhirHost, authHost, '127.0.0.1'])
  const partner = await pki.client()
  const upstream = await startRecorder()
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  write('pki/server.pem', server.chainPem)
  write('pki/server.key', server.keyPem)
  write('pki/client-ca.pem', pki.caPem)
  write('pki/client-ca.crl', wish.crl?.(pki) ?? pki.crl())
  write('whitelist/partner.yaml', (wish.whitelist ?? standardWhitelist)(subjectOf(partner)))
  const config = standardConfig(upstream.origin)
  write('gateway.yaml', wish.config?.(config) ?? config)

  wish.prepare?.({ write, partner })

  const file = join(folder, 'gateway.yaml')
  const loaded = await loadInWorker(file)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problem.diagnostics, null, 2))
  const gateway = await startGateway({
    file,
    loaded: loaded.value,
    version: 'test',
    ...(wish.now !== undefined && { now: wish.now }),
    ...(wish.elapsed !== undefined && { elapsed: wish.elapsed }),
  })
  const port = gateway.addresses[0]?.port ?? 0
  context.after(async () => {
    await gateway.stop('test')
    await upstream.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const tls = (
    client: TestCertificate | null = partner,
    more: ConnectionOptions = {},
  ): ConnectionOptions => ({
    ca: pki.rootPem,
    servername: fhirHost,
    ...(client !== null && { cert: client.chainPem, key: client.keyPem }),
    ...more,
  })
  return {
    folder,
    pki,
    upstream,
    gateway,
    port,
    partner,
    tls: (client, more) => tls(client, more),
    send: ({ client = partner, tls: more, ...request }) =>
      exchangeRaw(port, rawRequest(request), tls(client, more)),
    write,
    auditOf: async (answer) => {
      const id = valuesOf(answer, 'x-request-id')[0]
      if (id === undefined) throw new Error('the answer has no request id')
      // the event follows the answer
      const line = await until(`the audit line of ${id}`, async () => {
        await gateway.flushAudit()
        const lines = readFileSync(join(folder, 'audit.ndjson'), 'utf8').split('\n')
        return lines.find((each) => each.includes(id))
      })
      return JSON.parse(line) as Record<string, unknown> // an object, as the audit writes
    },
  }
}

/** The bytes of a request; `Connection: close`, so that each stands alone. */
export function rawRequest({
  method = 'GET',
  target = '/ws-diffusion-fhir/Location',
  host = fhirHost,
  fields = [],
  body,
}: RequestWish): string {
  const lines = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...fields]
  if (body !== undefined) {
    if (!fields.some((field) => /^content-type:/i.test(field)))
      lines.push('Content-Type: application/fhir+json')
    if (!fields.some((field) => /^transfer-encoding:/i.test(field)))
      lines.push(`Content-Length: ${Buffer.byteLength(body)}`)
  }
  return `${lines.join('\r\n')}\r\n\r\n${body === undefined ? '' : Buffer.from(body).toString('latin1')}`
}

/** The subject as whitelists write it. */
export function subjectOf(client: TestCertificate): string {
  const parsed = parseCertificate(client.der)
  if (!parsed.ok) throw new Error(parsed.problem.message)
  return formatName(parsed.value.subject)
}

export function standardWhitelist(subject: string): string {
  return `partners:
  - id: eai-bretagne
    name: EAI régional Bretagne
    solution: regional-eai
    certificates:
      - subject: ${JSON.stringify(subject)}
    apis: [token, fhir-read, fhir-write]
    establishments: ["${permitted}", "290004324"]
`
}

export function standardConfig(upstream: string): string {
  return `environments:
  - name: sandbox
    listen: { host: 127.0.0.1, port: 0 }
    tls:
      certificate: pki/server.pem
      key: pki/server.key
      clientCa: [pki/client-ca.pem]
      crl: [pki/client-ca.crl]
      crlPolicy: require
    whitelist: whitelist/
    apis:
      - name: token
        kind: oauth-token
        hosts: [${authHost}]
        path: /auth/realms/ror/protocol/openid-connect/token
        upstream: ${upstream}
      - name: fhir-read
        kind: fhir
        hosts: [${fhirHost}]
        path: /ws-diffusion-fhir
        match: subject
        upstream: ${upstream}
      - name: fhir-write
        kind: fhir
        hosts: [${fhirHost}]
        path: /ws-synchro-dispo-lits-fhir
        match: subject
        upstream: ${upstream}
        writes:
          - method: PATCH
            path: /Location
            establishment: { query: identifier, form: idnatstruct/unit }
      - name: csd
        kind: csd
        hosts: [${fhirHost}]
        path: /csd
        match: public-key
        upstream: ${upstream}
admin: { listen: { host: 127.0.0.1, port: 0 } }
audit: { file: audit.ndjson }
log: { level: silent }
reload: { debounceMs: 20, pollSeconds: 3600 }
`
}

/** The reason of an answer, as its field says. */
export function reasonOf(answer: RawAnswer): string | undefined {
  return answer.fields.find(([name]) => name.toLowerCase() === 'ror-gateway-reason')?.[1]
}
