import type { Certificate } from '../x509/certificate.js'

// addresses are the client's to choose: from one, or a few, it comes again and again
const mostWays = 64

/**
 * What was made of a certificate and of the way its connection came, for the connections that come the same
 * way: held once, and not made again by each handshake.
 *
 * INVARIANT: only what follows from both alone. Goes with the certificate as it was read.
 */
export class ClientCache<Value> {
  readonly #known = new WeakMap<Certificate, Map<string, Value>>()

  get(certificate: Certificate, way: string): Value | undefined {
    return this.#known.get(certificate)?.get(way)
  }

  set(certificate: Certificate, way: string, value: Value): void {
    let ways = this.#known.get(certificate)
    if (ways === undefined) {
      ways = new Map()
      this.#known.set(certificate, ways)
    }
    if (ways.size >= mostWays && !ways.has(way)) ways.clear()
    ways.set(way, value)
  }
}
