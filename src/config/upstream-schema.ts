import { z } from 'zod'
import type { Place } from '../core/diagnostic.js'
import type { Upstream, UpstreamTlsFiles } from '../core/upstream.js'
import type { Reading } from './reading.js'
import { hostName, key, path, someOf, sound, whole, wholeKey } from './schema-parts.js'
import { troubleInOrigin } from './url-parts.js'
import type { TreePath } from './yaml-source.js'

const origin = sound(troubleInOrigin)

const checkPath = z
  .string()
  .regex(/^\/[\x21-\x22\x24-\x7e]{0,1023}$/, 'expected a path such as `/ws-diffusion-fhir/metadata`')

const timeout = { min: 10, max: 3_600_000 }
const timeoutShape = { type: 'integer', minimum: timeout.min, maximum: timeout.max }

const tls = z.strictObject({
  ca: key(
    'Authorities that the servers are verified by, PEM or DER files; absent: those that Node knows.',
    someOf(path),
  ).optional(),
  certificate: key(
    'Client certificate that the servers are shown, and its chain: a PEM file.',
    path,
  ).optional(),
  key: key('Private key of the client certificate: a PEM file.', path).optional(),
  serverName: key(
    'Name that the certificate of the servers must be for; absent: the host of each origin.',
    z.string().regex(hostName, 'expected a host name without scheme, port or path'),
  ).optional(),
})

const ejection = z.strictObject({
  failures: wholeKey('Failures in a row after which a server is left alone.', {
    min: 1,
    max: 1000,
    default: 3,
  }),
  seconds: wholeKey('First pause, in seconds; each failed trial doubles it.', {
    min: 1,
    max: 3600,
    default: 2,
  }),
  maxSeconds: wholeKey('Longest pause, in seconds.', { min: 1, max: 86_400, default: 60 }),
  returnSeconds: wholeKey('Time over which a server that is back gets its whole share again, in seconds.', {
    min: 1,
    max: 3600,
    default: 10,
  }),
})

const check = z.strictObject({
  path: key('Path that is asked for with GET, and its query.', checkPath),
  host: key(
    '`Host` of the check; absent: the first of the hosts of the API.',
    z.string().regex(hostName, 'expected a host name without scheme, port or path'),
  ).optional(),
  intervalSeconds: wholeKey('Time between two checks of a server, in seconds.', {
    min: 1,
    max: 3600,
    default: 10,
  }),
  timeoutMs: wholeKey('Time for a whole answer, in milliseconds.', { min: 10, max: 60_000, default: 2000 }),
  unhealthyAfter: wholeKey('Failed checks in a row that take a server out.', {
    min: 1,
    max: 100,
    default: 3,
  }),
  healthyAfter: wholeKey('Passed checks in a row that bring it back.', { min: 1, max: 100, default: 2 }),
  expectStatus: wholeKey('Status that passes.', { min: 200, max: 599, default: 200 }),
})

const servers = z.array(origin).min(1).max(64, 'expected at most 64 servers')

/** One origin, a list of them, or a mapping. */
export const upstreamSchema = z.union([
  origin,
  servers,
  z.strictObject({
    servers: key('Origins of the servers: `http://127.0.0.1:9081`.', servers),
    balance: key(
      '`least-loaded`: the server with the fewest requests under way; `round-robin`: one after the other.',
      z.enum(['least-loaded', 'round-robin']).default('least-loaded'),
    ),
    connectTimeoutMs: key(
      'Time to reach a server, TLS included, in milliseconds; absent: that of `limits`.',
      whole(timeout),
      timeoutShape,
    ).optional(),
    responseTimeoutMs: key(
      'Time until an answer begins, in milliseconds; absent: `upstreamTimeoutMs` of `limits`.',
      whole(timeout),
      timeoutShape,
    ).optional(),
    ejection: key(
      'When a server that fails is left alone; `off`: never. Without it: as by default with several servers, `off` with one.',
      z.union([z.literal('off'), ejection]),
    ).optional(),
    check: key('Asking each server how it is, by itself.', check).optional(),
    tls: key('How `https:` servers are verified, and what they are shown.', tls).optional(),
  }),
])

type RawUpstream = z.output<typeof upstreamSchema>
type RawMapping = Extract<RawUpstream, { servers: readonly string[] }>

const defaultEjection = ejection.parse({})

/** The upstream of an API as it is written, with its defaults; what is wrong is told to `reading`. */
export function readUpstream(raw: RawUpstream, at: TreePath, reading: Reading): Upstream {
  const isMapping = typeof raw === 'object' && !Array.isArray(raw)
  const mapping: Partial<RawMapping> = isMapping ? raw : {}
  const written = isMapping ? raw.servers : typeof raw === 'string' ? [raw] : raw
  const listed = isMapping ? [...at, 'servers'] : at
  const origins = written.map((one) => one.toLowerCase())
  const firsts = new Map<string, Place>()
  for (const [index, server] of origins.entries()) {
    const path = typeof raw === 'string' ? listed : [...listed, index]
    // the port that a scheme has anyway may be written or not
    const { origin: normal } = new URL(server)
    const first = firsts.get(normal)
    if (first !== undefined) {
      reading.refusePair(path, { code: 'duplicate-server', message: `two servers are \`${server}\`` }, first)
    }
    firsts.set(normal, reading.tree.placeOf(path))
    if (mapping.tls !== undefined && server.startsWith('http:')) {
      reading.refuse(path, 'tls-without-https', 'expected an `https://` origin beside `tls`')
    }
  }
  const rules = mapping.ejection ?? (origins.length > 1 ? defaultEjection : 'off')
  if (rules !== 'off' && rules.maxSeconds < rules.seconds) {
    reading.refuse(
      [...at, 'ejection', 'maxSeconds'],
      'wrong-value',
      `expected at least the ${rules.seconds} of \`seconds\``,
    )
  }
  const { check: asked } = mapping
  return {
    servers: origins,
    balance: mapping.balance ?? 'least-loaded',
    connectTimeoutMs: mapping.connectTimeoutMs,
    responseTimeoutMs: mapping.responseTimeoutMs,
    ejection: rules === 'off' ? undefined : rules,
    check: asked === undefined ? undefined : { ...asked, host: asked.host },
    tls: mapping.tls === undefined ? undefined : readTlsFiles(mapping.tls, [...at, 'tls'], reading),
  }
}

function readTlsFiles(raw: NonNullable<RawMapping['tls']>, at: TreePath, reading: Reading): UpstreamTlsFiles {
  const { ca, certificate, key: privateKey, serverName } = raw
  if ((certificate === undefined) !== (privateKey === undefined)) {
    const [missing, there] = certificate === undefined ? ['certificate', 'key'] : ['key', 'certificate']
    reading.refuse(at, 'missing-key', `missing key \`${missing}\`: \`${there}\` stands alone`)
  }
  return {
    place: reading.tree.placeOf(at),
    ca: ca?.map((file, index) => reading.placedPath([...at, 'ca', index], file)),
    credential:
      certificate === undefined || privateKey === undefined
        ? undefined
        : {
            certificate: reading.placedPath([...at, 'certificate'], certificate),
            key: reading.placedPath([...at, 'key'], privateKey),
          },
    serverName,
  }
}
