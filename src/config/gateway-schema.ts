import { z } from 'zod'
import { auditSchema } from './audit-schema.js'
import { limitsSchema } from './limits-schema.js'
import { partnerLimitsSchema } from './partner-limits-schema.js'
import { flagKey, hostName, key, path, reading, someOf, sound, whole, wholeKey } from './schema-parts.js'
import { resolution } from './resolution-schema.js'
import { crlFetch, crlSource, crlWarnHours, ocsp } from './revocation-schema.js'
import { upstreamSchema } from './upstream-schema.js'
import { troubleInPath } from './url-parts.js'
import { write } from './write-schema.js'

const host = z
  .string()
  .refine(
    (value) => hostName.test(value) || /^\[[0-9A-Fa-f:.]{2,45}\]$/.test(value),
    'expected a host name without scheme, port or path',
  )
const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'expected a name of letters, digits, `.`, `_` and `-`')

const fieldName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'expected a field name of letters, digits, `-` and `_`')
const listen = z.strictObject({
  host: key(
    'Address to listen on: an IP address or a host name. `0.0.0.0` or `::` for all.',
    z
      .string()
      .refine(
        (value) => hostName.test(value) || /^[0-9A-Fa-f:.]{2,45}$/.test(value),
        'expected an IP address or a host name',
      )
      .default('127.0.0.1'),
  ),
  port: key('TCP port; 0 lets the system choose.', whole({ min: 0, max: 65_535 }), {
    type: 'integer',
    minimum: 0,
    maximum: 65_535,
  }),
})

const tls = z.strictObject({
  certificate: key('Server certificate and its chain: a PEM file.', path),
  key: key('Private key of the server certificate: a PEM file.', path),
  certificates: key(
    'Further server certificates, each of another kind of key (RSA, EC): clients take the one they can check.',
    z
      .array(
        z.strictObject({
          certificate: key('Certificate and its chain: a PEM file.', path),
          key: key('Its private key: a PEM file.', path),
        }),
      )
      .default([]),
  ),
  clientCa: key(
    'Trust anchors and intermediates for client certificates of this environment only: PEM or DER files.',
    someOf(path),
  ),
  crl: key(
    'Certificate revocation lists: PEM or DER files, or `{ file, url }` for one that is fetched.',
    z.array(crlSource).default([]),
  ),
  crlPolicy: key(
    '`require`: without a fresh CRL of the issuer nobody enters (503); `if-fresh`: a stale or missing CRL is passed over; `off`: revocation is not looked at. `require` where `crl` lists files; must be written where it lists none.',
    z.enum(['require', 'if-fresh', 'off']).optional(),
  ),
  crlFetch,
  crlWarnHours,
  ocsp,
  clockSkewSeconds: wholeKey('Tolerance on the validity dates of certificates, in seconds.', {
    min: 0,
    max: 300,
    default: 0,
  }),
  handshake: key(
    '`report`: every handshake ends well and the refusal comes as an HTTP answer with its reason; `strict`: refuse in the handshake.',
    z.enum(['report', 'strict']).default('report'),
  ),
  minVersion: key('Oldest TLS version spoken.', z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2')),
  ticketKeysFile: key(
    'Secret that the keys of session tickets come from: 48 or more bytes in base64. The same file lets several processes resume each other’s sessions; absent, each process makes its own.',
    path,
  ).optional(),
  ticketKeysHours: wholeKey('Time after which the keys of session tickets are replaced, in hours.', {
    min: 1,
    max: 168,
    default: 12,
  }),
})

const api = z.strictObject({
  name: key('Name, unique in the environment; whitelists grant the API by it.', name),
  kind: key(
    'What the API speaks, and so how it is refused: RFC 6749, OperationOutcome or SOAP Fault.',
    z.enum(['oauth-token', 'fhir', 'csd']),
  ),
  hosts: key(
    'Host names it answers on. Where absent: the hosts of the other APIs of the environment, and the address it listens on.',
    someOf(host),
  ).optional(),
  path: key(
    'Absolute path: exact for a token endpoint, a prefix by segments otherwise.',
    sound(troubleInPath),
  ),
  match: key(
    'By what the certificate must stand in the whitelist.',
    z.enum(['subject', 'public-key', 'either']).default('either'),
  ),
  upstream: key(
    'The servers behind: an origin such as `http://127.0.0.1:9081`, a list of them, or a mapping.',
    upstreamSchema,
  ),
  writes: key('The writes that are open; what is not described is not writable.', z.array(write).default([])),
  searchByPost: flagKey('Whether `POST {type}/_search` is a read here.', false),
  tokenBinding: key(
    'Whether the Bearer token must be bound to the certificate of the connection (RFC 8705 section 3): `if-present` judges tokens that say so, `required` refuses the others, too.',
    z.enum(['off', 'if-present', 'required']).default('off'),
  ),
})

// `IdentityValue` of gateway-config, as values
const identityValues = [
  'subject-rfc4514',
  'subject-openssl',
  'issuer-rfc4514',
  'issuer-openssl',
  'serial',
  'fingerprint-sha256',
  'spki-sha256',
  'pem-urlencoded',
  'pem-spaces',
  'der-base64',
  'verify',
  'partner-id',
] as const

const identityHeader = z.strictObject({
  name: key('Name of the field; whatever a client sends by it is removed.', fieldName),
  value: key('What it tells of the client certificate.', z.enum(identityValues)),
})

const environment = z.strictObject({
  name: key('Name, unique: `sandbox`, `production`.', name),
  listen: key('Address of this environment.', listen),
  tls: key('TLS, and what client certificates are trusted by.', tls),
  whitelist: key('Whitelist: a file, or a folder of files, one per partner.', path),
  apis: key('The APIs behind this environment.', someOf(api)),
  identityHeaders: key(
    'Fields sent upstream beside RFC 9440 `Client-Cert`, for servers that read others.',
    z.array(identityHeader).default([]),
  ),
  partnerLimits: key(
    'What each partner may take, where its own entry does not say otherwise.',
    partnerLimitsSchema.default({}),
  ),
  clientCertChain: flagKey('Whether `Client-Cert-Chain` goes upstream too.', false),
  resolution: key('How ids that writes name are looked up.', resolution.prefault({})),
})

const mostWorkers = 64
const workers = reading<number | 'auto'>((text) => {
  if (text === 'auto') return { ok: true, value: text }
  const count = /^[1-9][0-9]?$/.test(text) ? Number(text) : Infinity
  if (count <= mostWorkers) return { ok: true, value: count }
  const message = `expected \`auto\` or a whole number from 1 to ${mostWorkers}`
  return { ok: false, problem: { message } }
})

/** The shape of gateway.yaml. What no shape can say is checked by `gateway-file`. */
export const gatewaySchema = z.strictObject({
  environments: key(
    'Sandbox, production: each with its own address, anchors and whitelist.',
    someOf(environment),
  ),
  workers: key(
    'Processes that serve: a number, or `auto` for as many as the machine runs at once.',
    workers.default(1),
    { anyOf: [{ const: 'auto' }, { type: 'integer', minimum: 1, maximum: mostWorkers }], default: 1 },
  ),
  admin: key(
    'Where /metrics, /livez, /readyz and /status answer; nowhere where absent.',
    z.strictObject({ listen: key('Address, best a loopback one.', listen) }),
  ).optional(),
  audit: key('The audit journal: one line a decision.', auditSchema.prefault({})),
  log: key(
    'The technical log.',
    z
      .strictObject({
        level: key(
          'Least severity that is written.',
          z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info'),
        ),
      })
      .prefault({}),
  ),
  reload: key(
    'How changed files are noticed.',
    z
      .strictObject({
        pollSeconds: wholeKey('Time between two looks at the files, in seconds.', {
          min: 1,
          max: 86_400,
          default: 30,
        }),
        debounceMs: wholeKey('Quiet time after a change before it is read, in milliseconds.', {
          min: 0,
          max: 60_000,
          default: 200,
        }),
        guard: key(
          'What a reload may drop without being confirmed: more than the share and at least the number is refused.',
          z
            .strictObject({
              shrinkPercent: wholeKey('Share of the partners, or of the establishments, in percent.', {
                min: 0,
                max: 100,
                default: 20,
              }),
              shrinkPartners: wholeKey('Number of partners.', { min: 1, max: 1_000_000, default: 3 }),
              shrinkEstablishments: wholeKey('Number of establishments.', {
                min: 1,
                max: 10_000_000,
                default: 50,
              }),
            })
            .prefault({}),
        ),
      })
      .prefault({}),
  ),
  shutdown: key(
    'How the gateway ends.',
    z
      .strictObject({
        drainSeconds: wholeKey('Time that requests in flight have to end, in seconds.', {
          min: 0,
          max: 3600,
          default: 30,
        }),
      })
      .prefault({}),
  ),
  limits: key('Bounds on what clients may take.', limitsSchema.prefault({})),
  forwarding: key(
    'How permitted requests are taken upstream.',
    z
      .strictObject({
        engine: key(
          'What speaks HTTP to the upstreams: `direct`, the gateway itself; `http-proxy`, the package of that name.',
          z.enum(['direct', 'http-proxy']).default('direct'),
        ),
      })
      .prefault({}),
  ),
})

export type RawGateway = z.output<typeof gatewaySchema>
export type RawEnvironment = RawGateway['environments'][number]
export type RawApi = RawEnvironment['apis'][number]
export type RawWrite = RawApi['writes'][number]
