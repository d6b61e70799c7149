import type { MetricsSnapshot } from '../../observe/metrics-snapshot.js'
import type { LogLevel } from '../../observe/log.js'
import type { Status } from '../../admin/status.js'
import type { InheritedSocket } from '../../tls/inherited-sockets.js'
import type { PartnerUse } from '../partner-limiter.js'
import type { BoundAddress } from '../serving.js'

/** What one worker counted and saw since its start. */
export interface WorkerSight {
  readonly metrics: MetricsSnapshot
  readonly status: Status
}

/** What the primary tells a worker; structured clones over the channel between them. */
export type ToWorker =
  | {
      readonly kind: 'start'
      readonly version: string
      /** The same for each worker, so that one resumes the sessions of another. */
      readonly ticketSecret: Uint8Array
      /** Descriptors of the primary. */
      readonly sockets: readonly InheritedSocket[]
      readonly logLevel: LogLevel
      readonly isAuditHealthy: boolean
    }
  /** The policy of this revision, which went through the pipe, comes into force. */
  | { readonly kind: 'commit'; readonly revision: string }
  | { readonly kind: 'log-level'; readonly level: LogLevel }
  | { readonly kind: 'look'; readonly id: number }
  /** So many audit lines more have been taken over. */
  | { readonly kind: 'taken'; readonly lines: number; readonly isHealthy: boolean }
  /** What partners took at another worker; the worker's number. */
  | { readonly kind: 'used'; readonly from: number; readonly uses: readonly PartnerUse[] }
  /** Another worker ended; what it did last it may not have told. */
  | { readonly kind: 'gone'; readonly from: number }
  /** A write through another worker may have changed whose something is. */
  | { readonly kind: 'moved'; readonly environment: string }
  | { readonly kind: 'stop' }

/** What a worker tells the primary. */
export type ToPrimary =
  /** It listens to what it is told. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'serving'; readonly addresses: readonly BoundAddress[] }
  /** It cannot serve; it ends. */
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'prepared'; readonly revision: string }
  /** The event loop turns; this revision is in force. */
  | { readonly kind: 'beat'; readonly revision: string; readonly requests: number }
  /** `id`: of the look it answers; undefined: the last one of all. */
  | { readonly kind: 'sight'; readonly id: number | undefined; readonly sight: WorkerSight }
  | { readonly kind: 'audit'; readonly lines: readonly string[]; readonly times: readonly number[] }
  | { readonly kind: 'used'; readonly uses: readonly PartnerUse[] }
  | { readonly kind: 'moved'; readonly environment: string }
  /** The last word. */
  | { readonly kind: 'ending' }
