import type { FailureCode } from '../core/failure.js'
import type { ForwardTimeouts } from './forwarder.js'

/** Where an exchange with an upstream stands, and so what a silence means. */
export type Phase = 'connecting' | 'sending' | 'waiting' | 'receiving'

/** How long an exchange may stand there without a sign of life, in milliseconds. */
export function patienceIn(phase: Phase, { connectMs, responseMs, idleMs }: ForwardTimeouts): number {
  return phase === 'connecting' ? connectMs : phase === 'waiting' ? responseMs : idleMs
}

/** An exchange that has stood in its phase for as long as `patienceIn` says. */
interface Silence {
  readonly phase: Phase
  readonly timeouts: ForwardTimeouts
  /** Whether there is a connection that is its own, be it still opened. */
  readonly hasConnection: boolean
  /** Whether bytes wait for the upstream to take them. */
  readonly isUpstreamFull: boolean
  /** Whether bytes wait for the client to take them. */
  readonly isClientBehind: boolean
}

/** What it comes to: a failure, or nothing. */
type SilenceVerdict = { readonly code: FailureCode; readonly message: string } | 'goes-on'

/** Whose silence it is, and what follows. */
export function judgeSilence(silence: Silence): SilenceVerdict {
  const { phase, timeouts, hasConnection, isUpstreamFull, isClientBehind } = silence
  const after = `in ${patienceIn(phase, timeouts)} ms`
  switch (phase) {
    case 'connecting':
      return hasConnection
        ? { code: 'upstream-connect-timeout', message: `no upstream connection ${after}` }
        : { code: 'overloaded', message: `no free upstream connection ${after}` }
    case 'waiting':
      return { code: 'upstream-timeout', message: `no answer ${after}` }
    case 'sending':
      // bytes that wait for the upstream are its silence; none waiting is the client's, which the listener
      // bounds, and answers with its reason
      if (!isUpstreamFull) return 'goes-on'
      return { code: 'upstream-timeout', message: `the upstream took nothing ${after}` }
    case 'receiving':
      // what waits for the client is the listener's to bound: see `tls/answer-pace.ts`
      if (isClientBehind) return 'goes-on'
      return { code: 'upstream-timeout', message: `the upstream sent nothing ${after}` }
  }
}
