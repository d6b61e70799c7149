import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/**
 * What a connection showed of its client, taken once per connection.
 *
 * INVARIANT: facts only. A resumed session repeats a certificate that was presented earlier, and
 * nothing here says whether it is trusted: `TLSSocket.authorized` is read nowhere (Node #35317).
 */
export interface Peer {
  /** DER of the certificate presented; undefined where none was. */
  readonly certificate: Uint8Array | undefined
  /** DER of the other certificates presented, if the handshake brought them, and Node tells (24 does not). */
  readonly presented: readonly Uint8Array[]
  /** Server name of the handshake, in lower case; undefined where none was sent. */
  readonly serverName: string | undefined
  readonly protocol: string
  readonly resumed: boolean
  readonly address: string
}

const peers = new WeakMap<Socket, Peer>()

// clients open several connections with one certificate, below the same authority: its bytes are held once
const mostShared = 1_024
const mostSharedBytes = 4_096
const shared = new Map<string, Buffer>()

/** The peer of a connection; total: a socket that is gone, or that is none of TLS, yields a peer without a certificate. */
export function peerOf(socket: Socket): Peer {
  const known = peers.get(socket)
  if (known !== undefined) return known
  const peer = readPeer(socket)
  peers.set(socket, peer)
  return peer
}

function readPeer(socket: Socket): Peer {
  const address = socket.remoteAddress ?? ''
  if (!(socket instanceof TLSSocket)) {
    return {
      certificate: undefined,
      presented: [],
      serverName: undefined,
      protocol: '',
      resumed: false,
      address,
    }
  }
  // `getPeerX509Certificate` costs 2–5 µs where `getPeerCertificate` costs 31–120 and loses the order of RDNs
  const leaf = socket.getPeerX509Certificate()
  const presented: Uint8Array[] = []
  let above = leaf?.issuerCertificate
  // bounded: a client may present as many as OpenSSL lets it
  while (above !== undefined && presented.length < 8) {
    presented.push(bytesOf(above))
    above = above.issuerCertificate
  }
  const name: unknown = Reflect.get(socket, 'servername') // set by Node on server side; not in its types
  return {
    certificate: leaf === undefined ? undefined : bytesOf(leaf),
    presented,
    serverName: typeof name === 'string' && name !== '' ? name.toLowerCase() : undefined,
    protocol: socket.getProtocol() ?? '',
    resumed: socket.isSessionReused(),
    address,
  }
}

/** The same bytes, once; found by the serial number, which alone would say nothing. */
function bytesOf({ serialNumber, raw }: X509Certificate): Uint8Array {
  if (raw.length > mostSharedBytes) return raw
  const known = shared.get(serialNumber)
  if (known?.equals(raw) === true) return known
  if (shared.size >= mostShared) shared.clear()
  shared.set(serialNumber, raw)
  return raw
}
