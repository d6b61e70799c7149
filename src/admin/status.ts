/** What the gateway says of itself at `/status`. Times are ISO 8601 in UTC. */
export interface Status {
  readonly version: string
  readonly startedAt: string
  readonly uptimeSeconds: number
  /** Of the configuration in force. */
  readonly revision: string
  readonly lastReload: {
    readonly result: 'reloaded' | 'refused' | 'unchanged'
    readonly at: string
    /** Errors and warnings found; the log names them. */
    readonly diagnostics: number
    /** Of what was refused: what `reload --confirm` names. */
    readonly refusedRevision?: string
  } | null
  /** The processes that serve, where several do. */
  readonly workers?: readonly WorkerStatus[]
  readonly environments: readonly EnvironmentStatus[]
  readonly audit: { readonly healthy: boolean; readonly lost: number }
}

export interface WorkerStatus {
  readonly pid: number
  /** `missing`: it does not answer. */
  readonly state: 'starting' | 'up' | 'missing'
  /** Of the configuration it judges by; null before it serves. */
  readonly revision: string | null
  readonly startedAt: string
}

export interface EnvironmentStatus {
  readonly name: string
  /** `host:port` as bound. */
  readonly listen: string
  readonly apis: readonly string[]
  readonly partners: number
  readonly certificates: number
  readonly establishments: number
  readonly crls: readonly {
    readonly issuer: string
    readonly nextUpdate: string
    readonly entries: number
  }[]
  /** The gateway's own certificates and the authorities it trusts, before clients and before upstreams; what ends first stands first. */
  readonly ends: readonly EndStatus[]
  /** The servers behind, by API. */
  readonly upstreams: readonly ServerStatus[]
  /** Partners that presented a certificate since the start. */
  readonly partnersSeen: readonly PartnerStatus[]
  /** Listed names that came with a new key, listed keys that came with a new name; the newest first. */
  readonly renewals: readonly RenewalStatus[]
}

export interface EndStatus {
  readonly what: 'server-certificate' | 'authority' | 'upstream-certificate' | 'upstream-authority'
  /** Kind of key of a server certificate, common name of an authority; before the latter, the API of an upstream. */
  readonly name: string
  readonly notAfter: string
  readonly daysLeft: number
}

export interface ServerStatus {
  readonly api: string
  /** Origin. */
  readonly server: string
  readonly state: 'healthy' | 'returning' | 'half-open' | 'ejected' | 'down'
  readonly requestsInFlight: number
  readonly failuresInARow: number
  readonly lastFailure: { readonly at: string; readonly code: string } | null
  /** Null where it was not checked yet, or is not checked. */
  readonly lastCheck: { readonly at: string; readonly passed: boolean; readonly detail: string } | null
}

export interface PartnerStatus {
  readonly id: string
  readonly mode: 'enforce' | 'report-only'
  readonly lastSeen: string
  /** End of validity of the certificate presented last. */
  readonly notAfter: string
  readonly daysLeft: number
}

export interface RenewalStatus {
  readonly kind: 'new-key' | 'new-name'
  readonly partner: string
  readonly outcome: 'listed' | 'refused'
  readonly at: string
  /** `file:line:column` of the entry. */
  readonly place: string
  /** Ready for the whitelist. */
  readonly line: string
  readonly subject: string
  readonly notAfter: string
  readonly certificateSha256: string
}

/** Whether requests are to be sent here, and why not. */
export interface Readiness {
  readonly ready: boolean
  /** Lower case, no full stop. */
  readonly reason?: string
}
