import { LRUCache } from 'lru-cache'
import type { Certificate } from '../x509/certificate.js'

// certificates and addresses are the client's to choose; those that come again and again are few
const mostKept = 4_096

/**
 * What was made of a certificate and of the way its connection came, for the connections that come the same
 * way: held once, and not made again by each handshake. Bounded, whoever comes.
 *
 * INVARIANT: only what follows from both alone.
 */
export class ClientCache<Value extends object> {
  readonly #known = new LRUCache<string, Value>({ max: mostKept })

  get(certificate: Certificate, way: string): Value | undefined {
    return this.#known.get(`${certificate.sha256} ${way}`)
  }

  set(certificate: Certificate, way: string, value: Value): void {
    this.#known.set(`${certificate.sha256} ${way}`, value)
  }
}
