import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { Diagnostic } from '../core/diagnostic.js'
import type { Result } from '../core/result.js'
import type { PlacedPath, TlsConfig } from '../config/gateway-config.js'
import { readTicketSecret } from '../tls/ticket-keys.js'
import type { ServerMaterial } from './policy.js'

interface MaterialTexts {
  readonly tls: TlsConfig
  /** In the order of `tls` itself and its `certificates`; as many. */
  readonly certificates: ServerMaterial['certificates']
  readonly secretText: string | undefined
}

type CredentialPaths = Pick<TlsConfig, 'certificate' | 'key'>

/** The server certificates, keys and ticket secret of an environment, or all that is wrong with them. */
export function readServerMaterial(texts: MaterialTexts): Result<ServerMaterial, readonly Diagnostic[]> {
  const { tls, certificates, secretText } = texts
  const found: Diagnostic[] = []
  const kinds = new Map<string, PlacedPath>()
  for (const [index, paths] of [tls, ...tls.certificates].entries()) {
    const texts = certificates[index]
    const read = texts === undefined ? undefined : readCredential(texts, paths)
    if (read?.ok === false) found.push(read.problem)
    if (read?.ok !== true) continue
    const first = kinds.get(read.value)
    // of two certificates of one kind OpenSSL would show the last alone, without a word
    if (first !== undefined) {
      const message = `expected certificates of different kinds of key, found \`${paths.certificate.path}\` and \`${first.path}\` both of kind \`${read.value}\``
      found.push(problem(paths.certificate, 'server-certificate', message))
    }
    kinds.set(read.value, paths.certificate)
  }
  const ticketSecret = secretText === undefined ? undefined : readTicketSecret(secretText)
  if (tls.ticketKeysFile !== undefined && ticketSecret === undefined) {
    const message = `expected base64 of 48 bytes or more in \`${tls.ticketKeysFile.path}\` (\`openssl rand -base64 48\`)`
    found.push(problem(tls.ticketKeysFile, 'ticket-keys', message))
  }
  return found.length > 0
    ? { ok: false, problem: found }
    : { ok: true, value: { certificates, ticketSecret } }
}

/** The kind of the certificate's key, once certificate and key are found to belong together. */
export function readCredential(
  { certificate, key }: { certificate: string; key: string },
  paths: CredentialPaths,
  whose: 'server' | 'upstream' = 'server',
): Result<string, Diagnostic> {
  const refuse = (path: PlacedPath, what: string, message: string): Result<never, Diagnostic> => {
    return { ok: false, problem: problem(path, `${whose}-${what}`, message) }
  }
  let leaf: X509Certificate
  try {
    leaf = new X509Certificate(certificate)
  } catch {
    const message = `no PEM certificate in \`${paths.certificate.path}\``
    return refuse(paths.certificate, 'certificate', message)
  }
  try {
    if (!leaf.checkPrivateKey(createPrivateKey(key))) {
      const message = `the key \`${paths.key.path}\` does not belong to \`${paths.certificate.path}\``
      return refuse(paths.key, 'key', message)
    }
  } catch {
    return refuse(paths.key, 'key', `no readable PEM private key in \`${paths.key.path}\``)
  }
  try {
    createSecureContext({ cert: certificate, key })
  } catch (error) {
    const message = `OpenSSL does not take \`${paths.certificate.path}\`: ${error instanceof Error ? error.message : ''}`
    return refuse(paths.certificate, 'certificate', message)
  }
  return { ok: true, value: leaf.publicKey.asymmetricKeyType ?? 'unknown' }
}

function problem({ place }: PlacedPath, code: string, message: string): Diagnostic {
  return { severity: 'error', code, place, message }
}
