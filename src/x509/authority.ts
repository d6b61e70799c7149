import type { Certificate } from './certificate.js'
import { commonNameOf } from './common-name.js'
import { weaknessOfKey } from './signature.js'

const clientAuth = '1.3.6.1.5.5.7.3.2'
const anyPurpose = '2.5.29.37.0'

/** Whether the names say that this authority issued that certificate: exactly the same name, nothing folded. */
export function isAuthorityOver(authority: Certificate, certificate: Certificate): boolean {
  return authority.subjectKey === certificate.issuerKey
}

/**
 * Why this certificate cannot vouch for those below it; undefined where it can.
 *
 * @param between - the authorities between it and the leaf
 * @see RFC 5280 section 6.1.4
 */
export function judgeAuthority(authority: Certificate, between: readonly Certificate[]): string | undefined {
  const { basicConstraints, keyUsage, extendedKeyUsage, unknownCriticalExtensions } = authority
  const name = `the authority \`${commonNameOf(authority.subject)}\``
  if (basicConstraints?.ca !== true) return `${name} is not a certificate authority (basicConstraints)`
  if (keyUsage !== undefined && !keyUsage.has('keyCertSign'))
    return `${name} may not sign certificates (keyUsage)`
  const [unknown] = unknownCriticalExtensions
  if (unknown !== undefined)
    return `${name} has the critical extension \`${unknown}\`, which is not judged here`
  if (
    extendedKeyUsage !== undefined &&
    !extendedKeyUsage.some((oid) => oid === clientAuth || oid === anyPurpose)
  ) {
    return `${name} may not vouch for clients (extKeyUsage)`
  }
  const { pathLength } = basicConstraints
  // an authority that renews its own key does not count
  const counted = between.filter(({ subjectKey, issuerKey }) => subjectKey !== issuerKey).length
  if (pathLength !== undefined && counted > pathLength) {
    return `${name} allows ${pathLength} authorities below it (pathLenConstraint), found ${counted}`
  }
  const weakness = weaknessOfKey(authority.keyAlgorithm)
  return weakness === undefined ? undefined : `${name}: ${weakness}`
}

/** Why a leaf proves nothing whoever signed it; undefined where it may be followed up. */
export function judgeLeafStrength(leaf: Certificate): string | undefined {
  const [unknown] = leaf.unknownCriticalExtensions
  if (unknown !== undefined) {
    return `the certificate has the critical extension \`${unknown}\`, which is not judged here`
  }
  return weaknessOfKey(leaf.keyAlgorithm)
}

/**
 * Why this certificate is not one a client proves itself with; undefined where it is.
 *
 * AUTH_CLI, SIGN and CONF certificates of one holder may share a name: only the first carries clientAuth.
 *
 * @see RFC 5280 sections 4.2.1.3 and 4.2.1.12
 */
export function judgePurpose(leaf: Certificate, requireClientAuth: boolean): string | undefined {
  const { basicConstraints, keyUsage, extendedKeyUsage } = leaf
  if (basicConstraints?.ca === true) return 'the certificate is that of an authority'
  if (extendedKeyUsage === undefined && requireClientAuth)
    return 'expected extKeyUsage clientAuth, found none'
  if (extendedKeyUsage !== undefined && !extendedKeyUsage.includes(clientAuth)) {
    return `expected extKeyUsage clientAuth, found ${extendedKeyUsage.map(purposeName).join(', ')}`
  }
  if (keyUsage !== undefined && !keyUsage.has('digitalSignature')) {
    return `expected keyUsage digitalSignature, found ${[...keyUsage].join(', ')}`
  }
  return undefined
}

const purposeNames: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.3': 'codeSigning',
  '1.3.6.1.5.5.7.3.4': 'emailProtection',
  '1.3.6.1.5.5.7.3.8': 'timeStamping',
  '1.3.6.1.5.5.7.3.9': 'OCSPSigning',
  '2.5.29.37.0': 'anyExtendedKeyUsage',
}

function purposeName(oid: string): string {
  return purposeNames[oid] ?? oid
}
