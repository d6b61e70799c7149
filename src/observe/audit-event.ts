import type { FailureCode } from '../core/failure.js'
import type { EstablishmentWritten } from '../core/decision.js'
import type { DenialReason } from '../core/reasons.js'

/**
 * What the audit trail says of one request, or of one change of the configuration.
 *
 * Flat and stable: a field is never renamed. A field that does not apply is absent.
 *
 * INVARIANT: a closed list. No body, query, header, token or key has a field to go to, and what is not
 * listed is not written, whatever a caller passes.
 */
export interface AuditEvent {
  /** Epoch milliseconds; written as ISO 8601 in UTC with milliseconds. */
  readonly time: number
  readonly event: 'request' | 'handshake' | 'reload' | 'start' | 'stop' | 'loss' | 'purge' | 'seal'
  readonly requestId?: string | undefined
  /** Of the client's `traceparent`. */
  readonly traceId?: string | undefined
  readonly environment?: string | undefined
  readonly api?: string | undefined
  readonly partner?: string | undefined
  /** Its fields stand in the line beside the others. */
  readonly client?: AuditClient | undefined
  readonly method?: string | undefined
  /** As received; cut before a query. */
  readonly path?: string | undefined
  /** The first 100; `establishmentCount` counts them all. */
  readonly establishments?: readonly EstablishmentWritten[] | undefined
  readonly decision?: 'permit' | 'deny' | 'fail' | undefined
  /** False where report-only let a denial pass. */
  readonly enforced?: boolean | undefined
  readonly reason?: DenialReason | FailureCode | undefined
  readonly detail?: string | undefined
  readonly status?: number | undefined
  /** Origin of the server that the request was sent to; the last of several. */
  readonly upstream?: string | undefined
  readonly upstreamStatus?: number | undefined
  readonly durationMs?: number | undefined
  readonly upstreamMs?: number | undefined
  readonly bytesIn?: number | undefined
  readonly bytesOut?: number | undefined
  readonly outcome?: 'answered' | FailureCode | undefined
  readonly policyRevision?: string | undefined
  /** Of a reload. */
  readonly result?: 'reloaded' | 'refused' | 'unchanged' | undefined
  readonly previousRevision?: string | undefined
  /** What made a reload or a stop: `file`, `signal`. */
  readonly trigger?: string | undefined
  /** How many errors and warnings a reload found. */
  readonly diagnostics?: number | undefined
  /** The first request to show a renewed certificate; `renewalOf`: whose entry it is about. */
  readonly renewal?: 'new-key' | 'new-name' | undefined
  readonly renewalOf?: string | undefined
  /** Of the program, at its start. */
  readonly version?: string | undefined
  /** Lines that could not be kept, of a loss. */
  readonly lost?: number | undefined
  /** SHA-256 of the public key of a seal, hexadecimal. */
  readonly key?: string | undefined
}

/**
 * What a line says of the connection that a request came by.
 *
 * One object for all requests of a connection: its text is made once, and kept for as long as it lives.
 */
export interface AuditClient {
  readonly certificateSha256?: string | undefined
  readonly serialNumber?: string | undefined
  readonly issuer?: string | undefined
  readonly subject?: string | undefined
  /** SHA-256 of the certificate's SubjectPublicKeyInfo, hexadecimal: what whitelists pin. */
  readonly publicKeySha256?: string | undefined
  /** End of the certificate's validity, epoch milliseconds. */
  readonly notAfter?: number | undefined
  readonly tlsVersion?: string | undefined
  readonly resumed?: boolean | undefined
  readonly clientAddress?: string | undefined
}

/** `native`: the names of this program; `ecs`: those of the Elastic Common Schema, flat. */
export type AuditFormat = 'native' | 'ecs'
