import type { WhitelistEntry } from '../core/whitelist.js'
import { clientFields, type ClientFields } from '../http/fields.js'
import type { Field } from '../http/forwarder.js'
import type { Peer } from '../tls/peer.js'
import type { Arrival } from './arrival.js'
import { ClientCache } from './client-cache.js'
import { identityFields } from './identity-fields.js'
import type { EnvironmentPolicy } from './policy.js'

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
// by environment, which goes with its policy: kept by certificate alone, what was made for a client that comes once
// a month held the whitelist of that day
const shared = new WeakMap<EnvironmentPolicy, ClientCache<Kept>>()

/**
 * The fields that tell the upstream of a client, made once for its certificate, its address and what is in force.
 *
 * INVARIANT: a reload makes another environment and another entry, so what was made before it is not
 * sent after it.
 */
export function clientFieldsOf(arrival: Arrival, { peer, entry, host, injected }: Asked): ClientFields {
  const { environment, identity, chain } = arrival
  const isCurrent = (known: Kept | undefined): known is Kept =>
    known?.environment === environment &&
    known.entry === entry &&
    known.chain === chain &&
    known.host === host
  const mayKeep = injected.length === 0
  if (mayKeep) {
    const own = kept.get(peer)
    if (isCurrent(own)) return own.made
    const others = sharedIn(environment).get(identity.certificate, peer.address)
    if (isCurrent(others)) {
      kept.set(peer, others)
      return others.made
    }
  }
  const made = clientFields({
    identity: [...identityFields(environment, { identity, entry, chain }), ...injected],
    identityNames: environment.config.identityHeaders.map(({ name }) => name),
    clientAddress: peer.address,
    host,
  })
  if (mayKeep) {
    const one = { environment, entry, chain, host, made }
    kept.set(peer, one)
    sharedIn(environment).set(identity.certificate, peer.address, one)
  }
  return made
}

function sharedIn(environment: EnvironmentPolicy): ClientCache<Kept> {
  let cache = shared.get(environment)
  if (cache === undefined) shared.set(environment, (cache = new ClientCache<Kept>()))
  return cache
}
