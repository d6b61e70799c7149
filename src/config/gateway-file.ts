import type { Diagnostic, Place } from '../core/diagnostic.js'
import type {
  EnvironmentConfig,
  GatewayConfig,
  IdentityHeader,
  Listen,
  ResolutionConfig,
  TlsConfig,
} from './gateway-config.js'
import { readAudit } from './audit-schema.js'
import { alternatives } from './spelling.js'
import { readApis } from './gateway-apis.js'
import { refuseSharedAddresses, sharesAddress } from './gateway-addresses.js'
import { gatewaySchema, type RawEnvironment, type RawGateway } from './gateway-schema.js'
import { readPartnerLimits } from './partner-limits-schema.js'
import { inOrder, Reading } from './reading.js'
import { readBySchema } from './schema-diagnostics.js'
import { readYaml, type TreePath } from './yaml-source.js'

/**
 * gateway.yaml as values, or everything that is wrong with it.
 *
 * `config` is there exactly when no diagnostic is an error. Paths are absolute where `file` is.
 */
export function parseGatewayConfig({ file, text }: { readonly file: string; readonly text: string }): {
  readonly config: GatewayConfig | undefined
  readonly diagnostics: readonly Diagnostic[]
} {
  const yaml = readYaml({ file, text })
  if (!yaml.ok) return { config: undefined, diagnostics: yaml.problem }
  const { value: raw, diagnostics } = readBySchema(gatewaySchema, yaml.value)
  if (raw === undefined) return { config: undefined, diagnostics: inOrder(diagnostics) }
  const reading = new Reading(yaml.value)
  const config = readGateway(raw, reading)
  const isRefused = reading.diagnostics.some(({ severity }) => severity === 'error')
  return { config: isRefused ? undefined : config, diagnostics: inOrder(reading.diagnostics) }
}

function readGateway(raw: RawGateway, reading: Reading): GatewayConfig {
  const environments = raw.environments.map((environment, index) =>
    readEnvironment(environment, { at: ['environments', index], all: raw.environments }, reading),
  )
  const names = new Map<string, TreePath>()
  for (const [index, { name }] of environments.entries()) {
    const at = ['environments', index, 'name']
    const first = names.get(name)
    if (first === undefined) {
      names.set(name, at)
      continue
    }
    const message = `two environments are named \`${name}\``
    reading.refusePair(at, { code: 'duplicate-environment', message }, reading.tree.placeOf(first))
  }
  const admin =
    raw.admin === undefined
      ? undefined
      : { listen: readListen(raw.admin.listen, ['admin', 'listen'], reading) }
  refuseSharedAddresses(environments, admin?.listen, reading)
  warnOfSharedAnchors(environments, reading)
  return {
    file: reading.tree.file,
    environments,
    admin,
    audit: readAudit(raw.audit, reading),
    log: raw.log,
    reload: raw.reload,
    workers: raw.workers,
    shutdown: raw.shutdown,
    limits: raw.limits,
    forwarding: raw.forwarding,
  }
}

// IGC-Santé has separate roots for TEST and PROD: one file for both opens one to the clients of the other
function warnOfSharedAnchors(environments: readonly EnvironmentConfig[], reading: Reading): void {
  const firsts = new Map<string, { readonly owner: string; readonly place: Place }>()
  for (const { name, tls } of environments) {
    for (const { path, place } of tls.clientCa) {
      const first = firsts.get(path)
      if (first === undefined) {
        firsts.set(path, { owner: name, place })
        continue
      }
      if (first.owner === name) continue
      const message = `the environments \`${first.owner}\` and \`${name}\` trust the same file \`${path}\``
      const related = [{ place: first.place, message: 'it stands here first' }]
      reading.diagnostics.push({ severity: 'warning', code: 'shared-anchor', place, message, related })
    }
  }
}

function readEnvironment(
  raw: RawEnvironment,
  { at, all }: { readonly at: TreePath; readonly all: readonly RawEnvironment[] },
  reading: Reading,
): EnvironmentConfig {
  const listen = readListen(raw.listen, [...at, 'listen'], reading)
  const addressHosts = sharesAddress(raw, all) ? [] : hostsOfAddress(listen.host)
  return {
    name: raw.name,
    place: reading.tree.placeOf([...at, 'name']),
    listen,
    tls: readTls(raw.tls, [...at, 'tls'], reading),
    whitelist: reading.placedPath([...at, 'whitelist'], raw.whitelist),
    apis: readApis(raw, { at, addressHosts }, reading),
    identityHeaders: readIdentityHeaders(raw.identityHeaders, [...at, 'identityHeaders'], reading),
    partnerLimits: readPartnerLimits(raw.partnerLimits),
    clientCertChain: raw.clientCertChain,
    resolution: readResolution(raw, [...at, 'resolution'], reading),
  }
}

function readResolution(raw: RawEnvironment, at: TreePath, reading: Reading): ResolutionConfig {
  const { api, path, authorizationFile, ...rest } = raw.resolution
  const found = raw.apis.find(({ name }) => name === api)
  if (api !== undefined && found?.kind !== 'fhir') {
    const names = raw.apis.flatMap(({ name, kind }) => (kind === 'fhir' ? [name] : []))
    reading.refuse(
      [...at, 'api'],
      'api-unknown',
      `expected a FHIR API of this environment (${alternatives(names)})`,
    )
  }
  const file =
    authorizationFile === undefined
      ? undefined
      : reading.placedPath([...at, 'authorizationFile'], authorizationFile)
  return { ...rest, api, path, authorizationFile: file }
}

function readListen(
  raw: { readonly host: string; readonly port: number },
  at: TreePath,
  reading: Reading,
): Listen {
  return { host: raw.host, port: raw.port, place: reading.tree.placeOf(at) }
}

// who connects by the address names it as host
function hostsOfAddress(host: string): readonly string[] {
  if (host === '0.0.0.0' || host === '::') return []
  if (host.startsWith('127.')) return [host, 'localhost']
  if (host === '::1') return ['[::1]', 'localhost']
  return [host.includes(':') ? `[${host.toLowerCase()}]` : host.toLowerCase()]
}

function readTls(raw: RawEnvironment['tls'], at: TreePath, reading: Reading): TlsConfig {
  if (raw.crlPolicy === undefined && raw.crl.length === 0) {
    const message = 'missing key `crl`: expected the CRLs of the client authorities, or `crlPolicy: off`'
    reading.refuse(at, 'missing-key', message)
  }
  if (raw.crlPolicy !== undefined && raw.crlPolicy !== 'off' && raw.crl.length === 0) {
    const message = `\`${raw.crlPolicy}\` needs at least one file in \`crl\``
    reading.refuse([...at, 'crlPolicy'], 'crl-missing', message)
  }
  return {
    certificate: reading.placedPath([...at, 'certificate'], raw.certificate),
    key: reading.placedPath([...at, 'key'], raw.key),
    certificates: raw.certificates.map(({ certificate, key }, index) => ({
      certificate: reading.placedPath([...at, 'certificates', index, 'certificate'], certificate),
      key: reading.placedPath([...at, 'certificates', index, 'key'], key),
    })),
    clientCa: raw.clientCa.map((written, index) => reading.placedPath([...at, 'clientCa', index], written)),
    crl: raw.crl.map((written, index) =>
      typeof written === 'string'
        ? { ...reading.placedPath([...at, 'crl', index], written), url: undefined }
        : { ...reading.placedPath([...at, 'crl', index, 'file'], written.file), url: written.url },
    ),
    crlPolicy: raw.crlPolicy ?? 'require',
    crlFetch: raw.crlFetch,
    crlWarnHours: raw.crlWarnHours,
    ocsp: { ...raw.ocsp, url: raw.ocsp.url },
    clockSkewSeconds: raw.clockSkewSeconds,
    handshake: raw.handshake,
    minVersion: raw.minVersion,
    ticketKeysFile:
      raw.ticketKeysFile === undefined
        ? undefined
        : reading.placedPath([...at, 'ticketKeysFile'], raw.ticketKeysFile),
    ticketKeysHours: raw.ticketKeysHours,
  }
}

// the gateway's own fields, framing, and hop-by-hop fields (RFC 9110 section 7.6.1)
const reservedFields = new Set(
  'host connection keep-alive proxy-connection transfer-encoding te trailer upgrade expect content-length content-type content-encoding authorization cookie accept client-cert client-cert-chain forwarded x-request-id x-forwarded-for x-forwarded-host x-forwarded-proto x-forwarded-port'.split(
    ' ',
  ),
)

function readIdentityHeaders(
  raw: readonly IdentityHeader[],
  at: TreePath,
  reading: Reading,
): readonly IdentityHeader[] {
  const firsts = new Map<string, TreePath>()
  for (const [index, { name }] of raw.entries()) {
    const path = [...at, index, 'name']
    // servers that read fields as variables fold `-` into `_`
    const folded = name.toLowerCase().replaceAll('_', '-')
    if (reservedFields.has(folded)) {
      reading.refuse(path, 'wrong-field', `the field \`${name}\` has a meaning of its own`)
    }
    const first = firsts.get(folded)
    if (first !== undefined) {
      const message = `two identity fields are named \`${name}\``
      reading.refusePair(path, { code: 'duplicate-field', message }, reading.tree.placeOf(first))
    }
    firsts.set(folded, path)
  }
  return raw
}
