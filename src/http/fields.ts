import { hostName } from '../core/route.js'
import { foldedName, hopByHop, NameTable, nominatedNames } from './field-names.js'
import type { Field } from './forwarder.js'

/** What tells the upstream of the client, and of the way its requests came. */
export interface ClientFieldsSource {
  /** The fields that say who the client is: `clientCertFields` and configured ones. */
  readonly identity: readonly Field[]
  /** Names that configuration gives identity fields, whether they are sent this time or not. */
  readonly identityNames?: readonly string[]
  readonly clientAddress: string
  /** Host as the client sent it, and as it is passed on. */
  readonly host: string
}

/** Fields that go upstream with every request of a client, and the names that are therefore nobody else's. */
export interface ClientFields {
  readonly host: string
  readonly fields: readonly Field[]
  /** Folded by `foldedName`. */
  readonly names: ReadonlySet<string>
}

// framing is the forwarder's; Expect is answered here; the request id is ours alone
const replaced: ReadonlySet<string> = new Set(['host', 'content-length', 'expect', 'x-request-id'])

// every way in which a server behind a proxy is told who the client is, or where it came from
const identityNames: ReadonlySet<string> = new Set([
  'forwarded',
  'x-forwarded',
  'x-real-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
  'x-remote-user',
  'remote-user',
  'x-arr-clientcert',
  'x-arr-ssl',
  'x-scheme',
  'x-url-scheme',
  'x-host',
  'front-end-https',
  'client-ip',
  'x-client',
  'x-ssl',
  'x-remote-addr',
  'x-remote-ip',
  'x-originating-ip',
  'x-authenticated-user',
  // to a CGI program it is the proxy of what it asks for itself (httpoxy, CVE-2016-5385)
  'proxy',
])
const identityPrefixes = [
  'client-cert',
  'x-client-',
  'x-ssl-',
  'ssl-',
  'x-tls-',
  'x-forwarded-',
  'x-original-',
  'x-rewrite-',
  'x-amzn-mtls-',
  'x-envoy-',
  // as Keycloak's look-ups behind haproxy and Apache read the certificates above the client's
  'cert-chain',
  'x-auth-request-',
  'x-goog-authenticated-user',
  'x-ms-client-principal',
] as const

/**
 * Where requests came from and who sent them, told anew.
 *
 * @see RFC 7239, RFC 9440 section 4
 */
export function clientFields(source: ClientFieldsSource): ClientFields {
  const { identity, identityNames = [], clientAddress, host } = source
  const address = plainAddress(clientAddress)
  return {
    host,
    fields: [
      ['X-Forwarded-For', address],
      ['X-Forwarded-Proto', 'https'],
      ['X-Forwarded-Host', host],
      ['X-Forwarded-Port', portOf(host)],
      ['Forwarded', `for=${node(address)};host=${quoted(host)};proto=https`],
      ...identity,
    ],
    names: new Set([...identity.map(([name]) => name), ...identityNames].map(foldedName)),
  }
}

/**
 * The fields that go upstream beside those of the client, framing excluded.
 *
 * Hop-by-hop fields and those that `Connection` nominates stop here, and so does every form in which
 * a client could claim an identity (any case, `_` or `-`). Host is kept.
 *
 * INVARIANT: of these and the client's fields, one of `names` is the only one of its name, in every reading
 * of that name.
 *
 * @param rawHeaders - as received from the client
 * @see RFC 9110 section 7.6
 */
export function upstreamFields(
  rawHeaders: readonly string[],
  { client, requestId }: { readonly client: ClientFields; readonly requestId: string },
): readonly Field[] {
  const nominated = nominatedNames(rawHeaders)
  const fields: Field[] = [['Host', client.host]]
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    const { folded, mayPass } = known.of(name)
    if (!mayPass || client.names.has(folded)) continue
    if (nominated.size > 0 && nominated.has(name.toLowerCase())) continue
    fields.push([name, rawHeaders[index + 1] ?? ''])
  }
  fields.push(['X-Request-Id', requestId])
  return fields
}

const known = new NameTable((name) => {
  const folded = foldedName(name)
  return { folded, mayPass: !hopByHop.has(folded) && !replaced.has(folded) && !isIdentityName(folded) }
})

/** Whether a name, folded by `foldedName`, is one in which identity is told. */
function isIdentityName(folded: string): boolean {
  return identityNames.has(folded) || identityPrefixes.some((prefix) => folded.startsWith(prefix))
}

/**
 * The client's certificate, and the chain above it, as fields.
 *
 * @param der - the certificate presented
 * @param chainDers - the authorities above it, nearest first, without the leaf; no field where empty
 * @see RFC 9440 sections 2.1 to 2.3, RFC 9651 section 3.3.5
 */
export function clientCertFields(der: Uint8Array, chainDers: readonly Uint8Array[]): readonly Field[] {
  const leaf: Field = ['Client-Cert', byteSequence(der)]
  if (chainDers.length === 0) return [leaf]
  return [leaf, ['Client-Cert-Chain', chainDers.map(byteSequence).join(', ')]]
}

function byteSequence(bytes: Uint8Array): string {
  let text = byteSequences.get(bytes)
  if (text === undefined) {
    text = `:${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}:`
    byteSequences.set(bytes, text)
  }
  return text
}

// of certificates, which are the same object for as long as they are remembered
const byteSequences = new WeakMap<Uint8Array, string>()

// an IPv4 client of a dual-stack listener is told as what it is; a zone means nothing elsewhere
function plainAddress(address: string): string {
  const bare = address.replace(/%.*$/, '')
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? bare
}

/** @see RFC 7239 section 6 */
function node(address: string): string {
  if (address === '') return 'unknown'
  return address.includes(':') ? `"[${address}]"` : address
}

/** A token as it is, anything else as a quoted-string. @see RFC 7239 section 4 */
function quoted(text: string): string {
  return /^[A-Za-z0-9._-]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`
}

// the port the client named, for servers that build absolute links
function portOf(host: string): string {
  const name = hostName(host)
  return name !== undefined && host.length > name.length + 1 ? host.slice(name.length + 1) : '443'
}
