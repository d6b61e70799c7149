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
}

/** A refusal with its reason; `sent` and `detail` as in `Denial`. */
export function deny(
  reason: DenialReason,
  more: { detail?: string; sent?: Readonly<Record<string, string>> } = {},
): Denial {
  return { effect: 'deny', reason, ...more }
}
