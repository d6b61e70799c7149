import { deny, type Denial } from '../core/decision.js'
import type { Certificate } from '../x509/certificate.js'
import type { Moment } from '../x509/chain.js'
import { commonNameOf } from '../x509/common-name.js'
import { covers, isRevoked, type VerifiedRevocationList } from '../x509/crl.js'
import type { EnvironmentPolicy } from './policy.js'

/** What revocation is judged by: the lists of an environment, and how strictly. */
type RevocationRules = Pick<EnvironmentPolicy, 'crls' | 'config'>

/**
 * Whether a certificate of the chain is revoked, or cannot be said not to be.
 *
 * A revoked serial counts even on a stale list: no later one gives it back. Under `require` the
 * client's certificate needs a fresh list of its issuer; authorities between it and the anchor are
 * the operator's own choice, so for them a list is judged where there is one. `if-fresh` lets a
 * missing or stale list pass, `off` looks at none.
 *
 * @see RFC 5280 section 6.3
 */
export function judgeRevocation(
  chain: readonly Certificate[],
  rules: RevocationRules,
  moment: Moment,
): Denial | undefined {
  const { crlPolicy } = rules.config.tls
  if (crlPolicy === 'off') return undefined
  for (let index = 0; index + 1 < chain.length; index += 1) {
    const certificate = chain[index]
    const issuer = chain[index + 1]
    if (certificate === undefined || issuer === undefined) continue
    let hasList = false
    let hasFreshList = false
    for (const crl of rules.crls) {
      if (crl.issuerSpkiSha256 !== issuer.spkiSha256 || !covers(crl, certificate)) continue
      if (isRevoked(crl, certificate.serialNumber)) {
        return deny('certificate-revoked', {
          detail: `serial ${certificate.serialNumber} is on the CRL of \`${commonNameOf(issuer.subject)}\``,
        })
      }
      hasList = true
      hasFreshList ||= isFresh(crl, moment)
    }
    if (crlPolicy === 'if-fresh' || hasFreshList) continue
    const name = commonNameOf(issuer.subject)
    if (hasList) return deny('revocation-unknown', { detail: `the CRL of \`${name}\` is not fresh` })
    if (index === 0) return deny('revocation-unknown', { detail: `there is no CRL of \`${name}\`` })
  }
  return undefined
}

/** Whether a list of the issuer revokes the certificate, fresh or not. */
export function isOnCrl(
  crls: readonly VerifiedRevocationList[],
  { certificate, issuer }: { readonly certificate: Certificate; readonly issuer: Certificate },
): boolean {
  return crls.some(
    (crl) =>
      crl.issuerSpkiSha256 === issuer.spkiSha256 &&
      covers(crl, certificate) &&
      isRevoked(crl, certificate.serialNumber),
  )
}

/** Whether a list may be relied on at this moment. */
function isFresh(crl: VerifiedRevocationList, { at, clockSkewMs }: Moment): boolean {
  return at + clockSkewMs >= crl.thisUpdate && at - clockSkewMs < crl.nextUpdate
}
