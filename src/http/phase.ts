import type { ForwardTimeouts } from './forwarder.js'

/** Where an exchange with an upstream stands, and so what a silence means. */
export type Phase = 'connecting' | 'sending' | 'waiting' | 'receiving'

/** How long an exchange may stand there without a sign of life, in milliseconds. */
export function patienceIn(phase: Phase, { connectMs, responseMs, idleMs }: ForwardTimeouts): number {
  return phase === 'connecting' ? connectMs : phase === 'waiting' ? responseMs : idleMs
}
