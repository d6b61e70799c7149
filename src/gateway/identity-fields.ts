import { formatName, formatNameOpenssl } from '../core/name-text.js'
import type { WhitelistEntry } from '../core/whitelist.js'
import type { IdentityValue } from '../config/gateway-config.js'
import { clientCertFields } from '../http/fields.js'
import type { Field } from '../http/forwarder.js'
import type { Certificate } from '../x509/certificate.js'
import { toPem } from '../x509/pem.js'
import type { Identity } from './identity.js'
import type { EnvironmentPolicy } from './policy.js'

interface Admitted {
  readonly identity: Identity
  readonly entry: WhitelistEntry
  /** Leaf first, anchor last. */
  readonly chain: readonly Certificate[]
}

/**
 * The fields that tell the upstream who the client is: RFC 9440 `Client-Cert`, its chain where
 * configured, and the fields that configured servers read instead (Keycloak's nginx and apache
 * lookups, `SSL_CLIENT_S_DN`).
 */
export function identityFields(environment: EnvironmentPolicy, admitted: Admitted): readonly Field[] {
  const { config } = environment
  const { identity, chain } = admitted
  // the anchor is what the upstream must know by itself (RFC 9440 section 2.3)
  const above = config.clientCertChain ? chain.slice(1, -1).map(({ der }) => der) : []
  const fields = [...clientCertFields(identity.certificate.der, above)]
  for (const { name, value } of config.identityHeaders) fields.push([name, identityText(value, admitted)])
  return fields
}

function identityText(value: IdentityValue, { identity, entry }: Admitted): string {
  if (value === 'partner-id') return asciiText(entry.partner.id)
  const { certificate } = identity
  let texts = certificateTexts.get(certificate)
  if (texts === undefined) certificateTexts.set(certificate, (texts = new Map<CertificateValue, string>()))
  let text = texts.get(value)
  if (text === undefined) texts.set(value, (text = certificateText(value, certificate)))
  return text
}

// what a certificate says never changes; PEM and escapes are dear to write for every request
const certificateTexts = new WeakMap<Certificate, Map<CertificateValue, string>>()

type CertificateValue = Exclude<IdentityValue, 'partner-id'>

function certificateText(value: CertificateValue, certificate: Certificate): string {
  switch (value) {
    case 'subject-rfc4514':
      return asciiText(formatName(certificate.subject))
    case 'subject-openssl':
      return asciiText(formatNameOpenssl(certificate.subject))
    case 'issuer-rfc4514':
      return asciiText(formatName(certificate.issuer))
    case 'issuer-openssl':
      return asciiText(formatNameOpenssl(certificate.issuer))
    case 'serial':
      return certificate.serialNumber
    case 'fingerprint-sha256':
      return certificate.sha256
    case 'spki-sha256':
      return certificate.spkiSha256
    case 'pem-urlencoded':
      return encodeURIComponent(toPem('CERTIFICATE', certificate.der))
    case 'pem-spaces':
      return toPem('CERTIFICATE', certificate.der).trim().replaceAll('\n', ' ')
    case 'der-base64':
      return Buffer.from(certificate.der).toString('base64')
    case 'verify':
      return 'SUCCESS'
  }
}

// a field value is ASCII (RFC 9110 section 5.5): other bytes are escaped as RFC 4514 section 2.4 escapes them
function asciiText(text: string): string {
  return text.replace(/[^\u0020-\u007e]+/gu, (run) =>
    [...Buffer.from(run, 'utf8')]
      .map((byte) => `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  )
}
