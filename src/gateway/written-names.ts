import { formatName } from '../core/name-text.js'
import type { Certificate } from '../x509/certificate.js'

/** The names of a certificate in their canonical spelling. */
interface WrittenNames {
  readonly issuer: string
  readonly subject: string
}

const known = new WeakMap<Certificate, WrittenNames>()

/** Issuer and subject as they stand in every audit line; written once for a certificate, as they never change. */
export function writtenNames(certificate: Certificate): WrittenNames {
  let names = known.get(certificate)
  if (names === undefined) {
    names = { issuer: formatName(certificate.issuer), subject: formatName(certificate.subject) }
    known.set(certificate, names)
  }
  return names
}
