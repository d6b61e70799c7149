import type { WhitelistEntry } from '../core/whitelist.js'
import { clientFields, type ClientFields } from '../http/fields.js'
import type { Field } from '../http/forwarder.js'
import type { Peer } from '../tls/peer.js'
import type { Arrival } from './arrival.js'
import { identityFields } from './identity-fields.js'

interface Asked {
  readonly peer: Peer
  readonly entry: WhitelistEntry
  readonly host: string
  /** Of the partner's own: `injectedRorHeaders`. */
  readonly injected: readonly Field[]
}

/** What the fields were made of, and they themselves. */
interface Kept extends Pick<Arrival, 'environment' | 'chain'>, Pick<Asked, 'entry' | 'host'> {
  readonly made: ClientFields
}

const kept = new WeakMap<Peer, Kept>()

/**
 * The fields that tell the upstream of a client, made once for a connection and what is in force.
 *
 * INVARIANT: a reload makes another environment and another entry, so what was made before it is not
 * sent after it.
 */
export function clientFieldsOf(arrival: Arrival, { peer, entry, host, injected }: Asked): ClientFields {
  const { environment, identity, chain } = arrival
  const known = kept.get(peer)
  if (
    injected.length === 0 &&
    known?.environment === environment &&
    known.entry === entry &&
    known.chain === chain &&
    known.host === host
  )
    return known.made
  const made = clientFields({
    identity: [...identityFields(environment, { identity, entry, chain }), ...injected],
    identityNames: environment.config.identityHeaders.map(({ name }) => name),
    clientAddress: peer.address,
    host,
  })
  if (injected.length === 0) kept.set(peer, { environment, entry, chain, host, made })
  return made
}
