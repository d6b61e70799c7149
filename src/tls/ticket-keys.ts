import { createHash, hkdfSync } from 'node:crypto'

/** What the keys of session tickets are bound to: where one of these differs, no ticket is taken. */
export interface TicketScope {
  readonly environment: string
  /** Digest of what certificates are trusted by; a change of it ends every session. */
  readonly trust: string
  /** Epoch milliseconds. */
  readonly now: number
  readonly rotationMs: number
}

/** Bytes that OpenSSL's ticket keys are made of: name, HMAC key, AES key. */
const ticketKeyBytes = 48

/**
 * The ticket keys of an environment in this period: the same in each process that has the secret.
 *
 * Periods are counted from the epoch, so that processes replace their keys together without a word.
 *
 * @see RFC 5077 section 5.5, RFC 5869
 */
export function deriveTicketKeys(secret: Uint8Array, scope: TicketScope): Buffer {
  const { environment, trust, now, rotationMs } = scope
  const period = Math.floor(now / rotationMs)
  const purpose = JSON.stringify(['ror-gateway ticket keys', environment, trust, rotationMs, period])
  return Buffer.from(hkdfSync('sha256', secret, '', purpose, ticketKeyBytes))
}

/** The secret of a ticket keys file: base64, however its lines are broken; undefined where it is none, or short. */
export function readTicketSecret(text: string): Buffer | undefined {
  const packed = text.replace(/[\s\ufeff]+/g, '')
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(packed)) return undefined
  const secret = Buffer.from(packed, 'base64')
  return secret.length < ticketKeyBytes ? undefined : secret
}

/** What tells the sessions of one environment from those of another. @see CVE-2025-23419 */
export function sessionIdContextOf(environment: string): string {
  return createHash('sha256').update(`ror-gateway ${environment}`).digest('hex').slice(0, 32)
}
