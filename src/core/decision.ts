import type { DenialReason } from './reasons.js'

/**
 * A refusal, as a value.
 *
 * `detail` is for the audit event and may speak of configuration; `sent` is what the client itself
 * sent or showed (its DN as read, the establishment and where it stood) and is all that the answer
 * repeats. Neither holds a body, a query string, a token or a key.
 */
export interface Denial {
  readonly effect: 'deny'
  readonly reason: DenialReason
  readonly detail?: string
  readonly sent?: Readonly<Record<string, string>>
}

/** An establishment that a write names, and where it stood (`query identifier`, `Task.focus.identifier`). */
export interface EstablishmentWritten {
  /** IdNatStruct: `1` + FINESS. */
  readonly idNatStruct: string
  readonly at: string
  /** The id that the client sent in its place (`Organization/4569`), where it was looked up: all a refusal repeats. */
  readonly behind?: string
}

/** What a write names by an id that tells no establishment, and so must be looked up. */
export interface IdWritten {
  /** A logical id, a functional id (`52/192675`), or the `fullUrl` of another entry of the Bundle. */
  readonly by: 'id' | 'identifier' | 'full-url'
  /** Resource type; empty for a `fullUrl`. */
  readonly type: string
  readonly id: string
  readonly at: string
  /** IdNatStruct prefixes that count, as the rule says. */
  readonly prefixes: readonly string[]
}

/** Everything that a write, or a part of it, names. */
export interface Named {
  readonly establishments: readonly EstablishmentWritten[]
  readonly ids: readonly IdWritten[]
}

/** Nothing named, yet. */
export const nothingNamed: Named = { establishments: [], ids: [] }

/** A refusal with its reason; `sent` and `detail` as in `Denial`. */
export function deny(
  reason: DenialReason,
  more: { detail?: string; sent?: Readonly<Record<string, string>> } = {},
): Denial {
  return { effect: 'deny', reason, ...more }
}
