import { formatName } from '../core/name-text.js'
import type { AuditClient } from '../observe/audit-event.js'
import type { Peer } from '../tls/peer.js'
import type { Certificate } from '../x509/certificate.js'
import { ClientCache } from './client-cache.js'

const known = new WeakMap<Peer, AuditClient>()
const shared = new ClientCache<AuditClient>()

/**
 * What every audit line of a connection says of it: the certificate presented, and how it came.
 *
 * One object for a connection, and for all that came the same way with the same certificate: none of it ever
 * changes.
 */
export function auditClient(peer: Peer, certificate: Certificate | undefined): AuditClient {
  if (certificate === undefined) return connectionOf(peer)
  let client = known.get(peer)
  if (client !== undefined) return client
  const { protocol, resumed, address } = peer
  const way = `${protocol} ${resumed} ${address}`
  client = shared.get(certificate, way)
  if (client === undefined) {
    client = {
      certificateSha256: certificate.sha256,
      serialNumber: certificate.serialNumber,
      issuer: formatName(certificate.issuer),
      subject: formatName(certificate.subject),
      publicKeySha256: certificate.spkiSha256,
      notAfter: certificate.notAfter,
      ...connectionOf(peer),
    }
    shared.set(certificate, way, client)
  }
  known.set(peer, client)
  return client
}

function connectionOf({ protocol, resumed, address }: Peer): AuditClient {
  return { tlsVersion: protocol, resumed, clientAddress: address }
}
