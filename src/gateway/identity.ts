import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { clientNames, type ClientNames } from '../core/admission.js'
import { deny, type Denial } from '../core/decision.js'
import type { Result } from '../core/result.js'
import type { Peer } from '../tls/peer.js'
import { parseCertificate, type Certificate } from '../x509/certificate.js'

/** A certificate as read; facts that never change, so they may be kept. */
export interface Identity {
  readonly certificate: Certificate
  readonly names: ClientNames
}

type Read = Result<Identity, Denial>

// an ordinary certificate as read takes some 10 KB; anybody may show one of 64 KB, trusted or not, or one of 2 KB
// whose names have 200 attributes, which takes 180
const usualBytes = 12_288
const leastBytes = 2_048
const attributeBytes = 800

/**
 * Certificates already read, by the SHA-256 of their DER.
 *
 * INVARIANT: never a decision. Whether an identity is trusted, listed or permitted is judged anew
 * for every request; only the reading of the same bytes is saved.
 */
export class IdentityCache {
  private readonly byDigest: LRUCache<string, Read>
  private readonly byPeer = new WeakMap<Peer, Read>()
  hits = 0
  misses = 0

  /** @param max - ordinary certificates kept, fewer where they are large; the least recently used goes first */
  constructor(max: number) {
    this.byDigest = new LRUCache({
      max,
      maxSize: max * usualBytes,
      sizeCalculation: (read) => (read.ok ? sizeOf(read.value.certificate) : leastBytes),
    })
  }

  /** Who the connection says it is, or the refusal: nobody, or a certificate that cannot be read. */
  identify(peer: Peer): Read {
    const known = this.byPeer.get(peer)
    if (known !== undefined) return known
    const read = this.read(peer)
    this.byPeer.set(peer, read)
    return read
  }

  private read(peer: Peer): Read {
    if (peer.certificate === undefined) return { ok: false, problem: deny('certificate-missing') }
    const digest = createHash('sha256').update(peer.certificate).digest('base64')
    const known = this.byDigest.get(digest)
    if (known !== undefined) {
      this.hits += 1
      return known
    }
    this.misses += 1
    const read = identityOf(peer.certificate)
    this.byDigest.set(digest, read)
    return read
  }
}

function sizeOf({ der, subject, issuer }: Certificate): number {
  const attributes = subject.flat().length + issuer.flat().length
  return leastBytes + der.length + attributes * attributeBytes
}

function identityOf(der: Uint8Array): Read {
  const parsed = parseCertificate(der)
  if (!parsed.ok) {
    const { message } = parsed.problem
    return {
      ok: false,
      problem: deny('certificate-untrusted', { detail: message, sent: { problem: message } }),
    }
  }
  const certificate = parsed.value
  return { ok: true, value: { certificate, names: clientNames(certificate.subject, certificate.spkiSha256) } }
}
