import { z } from 'zod'
import { limitsSchema } from './limits-schema.js'
import { partnerLimitsSchema } from './partner-limits-schema.js'
import { flagKey, key, path, reading, someOf, sound, text, whole, wholeKey } from './schema-parts.js'
import { parseTemplate, troubleInOrigin, troubleInPath } from './url-parts.js'

const megabyte = 1024 * 1024

const hostName =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/
const host = z
  .string()
  .refine(
    (value) => hostName.test(value) || /^\[[0-9A-Fa-f:.]{2,45}\]$/.test(value),
    'expected a host name without scheme, port or path',
  )
const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'expected a name of letters, digits, `.`, `_` and `-`')

const parameterName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, 'expected a plain parameter name')
const resourceType = z.string().regex(/^[A-Z][A-Za-z]{1,63}$/, 'expected a resource type such as `Location`')
const fieldName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'expected a field name of letters, digits, `-` and `_`')
const template = reading((written) => {
  const value = parseTemplate(written)
  if (value !== undefined) return { ok: true, value }
  return {
    ok: false,
    problem: { message: 'expected a template such as `/Location` or `/Organization/{id}`' },
  }
})

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
  clientCa: key(
    'Trust anchors and intermediates for client certificates of this environment only: PEM or DER files.',
    someOf(path),
  ),
  crl: key('Certificate revocation lists: PEM or DER files.', z.array(path).default([])),
  crlPolicy: key(
    '`require`: without a fresh CRL of the issuer nobody enters (503); `if-fresh`: a stale or missing CRL is passed over; `off`: revocation is not looked at. `require` where `crl` lists files; must be written where it lists none.',
    z.enum(['require', 'if-fresh', 'off']).optional(),
  ),
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
})

/** Where a write names its establishments; which keys go together is checked by `gateway-writes`. */
const establishment = key(
  'Where the write names its establishments: `{ query, form }`, `{ body }` or `{ reference, resolve }`.',
  z.strictObject({
    query: key('Query parameter that holds the establishment.', parameterName).optional(),
    form: key(
      'How the parameter spells it: `1350054680/UNIT`, `1350054680` or `350054680`.',
      z.enum(['idnatstruct/unit', 'idnatstruct', 'finess']),
    ).optional(),
    body: key(
      'Shape of the body that holds it; `bundle`: each entry is judged by the other rules of the API.',
      z.enum(['organization-identifier', 'task-focus', 'bundle']),
    ).optional(),
    reference: key('Element or parameter that names a technical id only.', text).optional(),
    resolve: key('Who tells the establishment behind the id.', z.enum(['upstream'])).optional(),
  }),
)

const write = z.strictObject({
  method: key('HTTP method of the write.', z.enum(['POST', 'PUT', 'PATCH', 'DELETE'])),
  path: key(
    'Template below the path of the API: `/Location`, `/Organization/{id}`; `{…}` is one segment.',
    template,
  ),
  establishment,
  prefixes: key(
    'IdNatStruct prefixes that may be written: 0 ADELI, 1 FINESS, 2 SIREN, 3 SIRET, 4 RPPS.',
    someOf(z.enum(['0', '1', '2', '3', '4'])).default(['1']),
    {
      type: 'array',
      minItems: 1,
      items: { enum: ['0', '1', '2', '3', '4', 0, 1, 2, 3, 4] },
      default: ['1'],
    },
  ),
  parameters: key(
    'Query parameters allowed beside the one that is judged.',
    z.array(parameterName).default([]),
  ),
  maxBodyBytes: wholeKey('Largest body of this write, in bytes.', {
    min: 1,
    max: 256 * megabyte,
    default: megabyte,
  }),
  patch: key(
    'What a FHIRPath Patch may aim at, or `unread`. Where the establishment stands in the query or behind a reference: the resource type of `path` and everything below it.',
    z.union([
      z.enum(['unread']),
      z.strictObject({
        resource: key('Resource type that the patch must name.', resourceType),
        paths: key(
          'Paths it may begin with; the resource type alone allows all below it.',
          someOf(text),
        ).optional(),
      }),
    ]),
  ).optional(),
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
  upstream: key('Origin of the server behind: `http://127.0.0.1:9081`.', sound(troubleInOrigin)),
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
})

/** The shape of gateway.yaml. What no shape can say is checked by `gateway-file`. */
export const gatewaySchema = z.strictObject({
  environments: key(
    'Sandbox, production: each with its own address, anchors and whitelist.',
    someOf(environment),
  ),
  admin: key(
    'Where /metrics, /livez, /readyz and /status answer; nowhere where absent.',
    z.strictObject({ listen: key('Address, best a loopback one.', listen) }),
  ).optional(),
  audit: key(
    'The audit journal: one line a decision.',
    z
      .strictObject({
        file: key('File of the journal; standard output where absent.', path).optional(),
        onFailure: key(
          '`refuse`: while the journal cannot be written nobody enters (503); `continue`: go on, and count the loss.',
          z.enum(['refuse', 'continue']).default('refuse'),
        ),
      })
      .prefault({}),
  ),
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
})

export type RawGateway = z.output<typeof gatewaySchema>
export type RawEnvironment = RawGateway['environments'][number]
export type RawApi = RawEnvironment['apis'][number]
export type RawWrite = RawApi['writes'][number]
