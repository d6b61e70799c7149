import { X509Certificate } from 'node:crypto'
import type { PolicyObservation } from '../observe/metrics.js'
import { commonNameOf } from '../x509/common-name.js'
import type { Policy } from './policy.js'

/** What of a policy that comes into force is measured. @param at - epoch milliseconds */
export function observationOf(policy: Policy, at: number): PolicyObservation {
  return {
    revision: policy.revision,
    at,
    environments: [...policy.environments.values()].map(
      ({ name, whitelist, crls, server, authorities, upstreamCertificates }) => ({
        name,
        partners: whitelist.partnerCount,
        certificates: whitelist.certificateCount,
        establishments: whitelist.establishmentCount,
        crls: crls.map(({ issuer, nextUpdate }) => ({ issuer: commonNameOf(issuer), nextUpdate })),
        serverCertificates: server.certificates.map(({ certificate }) => shownCertificate(certificate)),
        authorities: authorities.map(({ subject, notAfter }) => ({
          subject: commonNameOf(subject),
          notAfter,
        })),
        upstreamCertificates,
      }),
    ),
    isPartner: (environment, partner) =>
      policy.environments.get(environment)?.whitelist.hasPartner(partner) ?? false,
  }
}

/** A certificate that clients are shown, by its kind of key; the first of a chain is the gateway's own. */
export function shownCertificate(pem: string): { key: string; notAfter: number } {
  const certificate = new X509Certificate(pem)
  const key = certificate.publicKey.asymmetricKeyType ?? 'unknown'
  return { key, notAfter: Date.parse(certificate.validTo) }
}
