import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { certificateInSession } from './session-certificate.js'

/**
 * What a connection showed of its client, taken once per connection.
 *
 * INVARIANT: facts only. A resumed session repeats a certificate that was presented earlier, and
 * nothing here says whether it is trusted: `TLSSocket.authorized` is read nowhere (Node #35317).
 */
export interface Peer {
  /** DER of the certificate presented; undefined where none was. */
  readonly certificate: Uint8Array | undefined
  /**
   * DER of the other certificates presented, if the handshake brought them, and Node tells (24 does not). Read
   * when first asked for: of a connection that is gone by then, none.
   */
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
  const certificate = leafOf(socket)
  let presented: readonly Uint8Array[] | undefined
  const name: unknown = Reflect.get(socket, 'servername') // set by Node on server side; not in its types
  return {
    certificate,
    get presented() {
      presented ??= presentedOn(socket)
      return presented
    },
    serverName: typeof name === 'string' && name !== '' ? name.toLowerCase() : undefined,
    protocol: socket.getProtocol() ?? '',
    resumed: socket.isSessionReused(),
    address,
  }
}

/**
 * `getPeerX509Certificate` reads everything above the leaf anew, at 90 µs of a handshake of 1,900;
 * `getPeerCertificate` loses the order of RDNs besides. The session tells the leaf alone, for 10.
 */
function leafOf(socket: TLSSocket): Uint8Array | undefined {
  const session: Buffer | null | undefined = socket.getSession() // null where the socket is gone; not in its types
  const found = session instanceof Buffer ? certificateInSession(session) : undefined
  const certificate = found === undefined ? socket.getPeerX509Certificate()?.raw : Buffer.from(found)
  // it holds the secret that the session is resumed by
  session?.fill(0)
  return certificate === undefined ? undefined : heldOnce(certificate)
}

// once for a connection: Node takes them out of it
function presentedOn(socket: TLSSocket): readonly Uint8Array[] {
  const presented: Uint8Array[] = []
  let above = socket.getPeerX509Certificate()?.issuerCertificate
  // bounded: a client may present as many as OpenSSL lets it
  while (above !== undefined && presented.length < 8) {
    presented.push(heldOnce(above.raw))
    above = above.issuerCertificate
  }
  return presented
}

/** The same bytes, once; found by the end of their signature, which alone would say nothing. */
function heldOnce(bytes: Buffer): Uint8Array {
  if (bytes.length > mostSharedBytes) return bytes
  const key = bytes.toString('latin1', bytes.length - 24)
  const known = shared.get(key)
  if (known?.equals(bytes) === true) return known
  if (shared.size >= mostShared) shared.clear()
  shared.set(key, bytes)
  return bytes
}
