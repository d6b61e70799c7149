import type { Certificate } from './certificate.js'
import { encode, explicit, objectIdentifier, octetString, sequence } from './der-writer.js'
import { certIdElement, certIdOf, type CertIdHash } from './ocsp-cert-id.js'

/** A certificate and the authority above it, as they are asked about. */
export interface OcspSubject {
  readonly certificate: Certificate
  /** Verified to have issued it. */
  readonly issuer: Certificate
}

export const nonceExtension = '1.3.6.1.5.5.7.48.1.2'

/**
 * A question about one certificate, unsigned.
 *
 * @param nonce - 1 to 32 octets that the answer must repeat if it repeats any; none where absent
 * @see RFC 6960 section 4.1.1, RFC 9654
 */
export function buildOcspRequest({
  certificate,
  issuer,
  hash,
  nonce,
}: OcspSubject & { readonly hash: CertIdHash; readonly nonce: Uint8Array | undefined }): Uint8Array {
  const request = sequence(certIdElement(certIdOf(certificate, issuer, hash)))
  if (nonce === undefined) return encode(sequence(sequence(sequence(request))))
  const extension = sequence(objectIdentifier(nonceExtension), octetString(encode(octetString(nonce))))
  return encode(sequence(sequence(sequence(request), explicit(2, sequence(extension)))))
}
