import type { AuditConfig } from './audit-schema.js'
import type { Api } from '../core/api.js'
import type { Place } from '../core/diagnostic.js'
import type { PartnerLimits } from '../core/partner-limits.js'

/** A path of the file system, absolute where the configuration file's own is, and where it was written. */
export interface PlacedPath {
  readonly path: string
  readonly place: Place
}

/** An address to listen on; port 0 lets the system choose. */
export interface Listen {
  readonly host: string
  readonly port: number
  readonly place: Place
}

/** `require`: no fresh CRL, no entry; `if-fresh`: judged while fresh; `off`: revocation is not looked at. */
type CrlPolicy = 'require' | 'if-fresh' | 'off'

/** A file of CRLs; with a URL, the last good copy of what is fetched there. */
export interface CrlSource extends PlacedPath {
  readonly url: string | undefined
}

/** Whether and how responders are asked about client certificates. */
export interface OcspConfig {
  /** `soft`: without an answer the request passes; `hard`: it does not. */
  readonly mode: 'off' | 'soft' | 'hard'
  /** Undefined: the URL that the certificate names. */
  readonly url: string | undefined
  readonly timeoutMs: number
  /** Longest time an answer is kept. */
  readonly cacheSeconds: number
  readonly nonce: boolean
  readonly hash: 'sha1' | 'sha256'
}

/** The server's side of TLS, and what it trusts client certificates by. */
export interface TlsConfig {
  readonly certificate: PlacedPath
  readonly key: PlacedPath
  /** More of them, each of another kind of key. */
  readonly certificates: readonly { readonly certificate: PlacedPath; readonly key: PlacedPath }[]
  /** Trust anchors and intermediates of this environment only. */
  readonly clientCa: readonly PlacedPath[]
  readonly crl: readonly CrlSource[]
  readonly crlPolicy: CrlPolicy
  readonly crlFetch: {
    /** Minutes since midnight in Europe/Paris. */
    readonly after: number
    readonly timeoutMs: number
    readonly maxBytes: number
  }
  /** From when on before its end a CRL is warned of. */
  readonly crlWarnHours: number
  readonly ocsp: OcspConfig
  readonly clockSkewSeconds: number
  /** `report`: refuse at HTTP level, with the reason; `strict`: refuse in the handshake. */
  readonly handshake: 'report' | 'strict'
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** Base64 of a secret that processes share; undefined: each makes its own. */
  readonly ticketKeysFile: PlacedPath | undefined
  readonly ticketKeysHours: number
}

/** What an extra identity field tells the upstream. */
export type IdentityValue =
  | 'subject-rfc4514'
  | 'subject-openssl'
  | 'issuer-rfc4514'
  | 'issuer-openssl'
  | 'serial'
  | 'fingerprint-sha256'
  | 'spki-sha256'
  | 'pem-urlencoded'
  | 'pem-spaces'
  | 'der-base64'
  | 'verify'
  | 'partner-id'

/** A field beside RFC 9440 `Client-Cert`, for upstreams that read others. */
export interface IdentityHeader {
  readonly name: string
  readonly value: IdentityValue
}

/** Sandbox, or production: its own address, anchors, whitelist and APIs. */
export interface EnvironmentConfig {
  readonly name: string
  readonly place: Place
  readonly listen: Listen
  readonly tls: TlsConfig
  /** A file, or a folder of files. */
  readonly whitelist: PlacedPath
  readonly apis: readonly Api[]
  readonly identityHeaders: readonly IdentityHeader[]
  /** Of each partner whose own entry does not say otherwise. */
  readonly partnerLimits: PartnerLimits
  /** Whether `Client-Cert-Chain` goes upstream too. @see RFC 9440 section 2.3 */
  readonly clientCertChain: boolean
  readonly resolution: ResolutionConfig
}

/** How the establishments behind technical ids are looked up. */
export interface ResolutionConfig {
  /** Name of the API that is read; undefined: the one that is written to. */
  readonly api: string | undefined
  /** Undefined: the path of that API. */
  readonly path: string | undefined
  readonly authorizationFile: PlacedPath | undefined
  readonly fields: Readonly<Record<string, string>>
  /** For all the reads of one request. */
  readonly timeoutMs: number
  readonly maxSteps: number
  readonly maxReads: number
  readonly cacheSeconds: number
}

type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug'

/** Bounds on what one client, and all of them together, may take. */
interface LimitsConfig {
  /** Longest request target. */
  readonly uriBytes: number
  /** Request line and fields together. */
  readonly headerBytes: number
  readonly headerFields: number
  readonly headersTimeoutMs: number
  /** For a body that is held before it is passed on. */
  readonly bodyTimeoutMs: number
  readonly requestTimeoutMs: number
  /** An open connection without a request. */
  readonly idleTimeoutMs: number
  readonly handshakeTimeoutMs: number
  readonly maxConnections: number
  readonly connectionsPerAddress: number
  /** Under way at a time. */
  readonly handshakes: number
  readonly requestsPerConnection: number
  /** For which a client may take less than `answerBytesPerSecond` of what waits for it. */
  readonly answerTimeoutMs: number
  readonly answerBytesPerSecond: number
  /** Open connections to one upstream. */
  readonly upstreamConnections: number
  /** Requests that wait for one of them. */
  readonly upstreamQueue: number
  /** Longest silence of an upstream. */
  readonly upstreamTimeoutMs: number
  /** Slowest answer of an upstream, behind which it may lag for that time in all. */
  readonly upstreamBytesPerSecond: number
  readonly connectTimeoutMs: number
  /** Largest body that is passed on unjudged (token form, SOAP request). */
  readonly bodyBytes: number
  /** Judged bodies held in memory at once, all together. */
  readonly bodyBytesInFlight: number
}

/** How permitted requests are taken upstream. */
export interface ForwardingConfig {
  /** What speaks HTTP to the upstreams. */
  readonly engine: 'http-proxy' | 'direct'
}

/** How much of a whitelist a reload may drop without being confirmed. */
export interface ShrinkGuard {
  /** More than that share, and at least one of the numbers below: refused. */
  readonly shrinkPercent: number
  readonly shrinkPartners: number
  readonly shrinkEstablishments: number
}

/** gateway.yaml, every default filled in. */
export interface GatewayConfig {
  readonly file: string
  readonly environments: readonly EnvironmentConfig[]
  /** Processes that serve; `auto`: as many as the machine runs at once. */
  readonly workers: number | 'auto'
  readonly admin: { readonly listen: Listen } | undefined
  readonly audit: AuditConfig
  readonly log: { readonly level: LogLevel }
  readonly reload: {
    readonly pollSeconds: number
    readonly debounceMs: number
    readonly guard: ShrinkGuard
  }
  readonly shutdown: { readonly drainSeconds: number }
  readonly limits: LimitsConfig
  readonly forwarding: ForwardingConfig
}
