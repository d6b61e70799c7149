import type { Place } from './diagnostic.js'
import type { DistinguishedName } from './distinguished-name.js'
import type { PartnerLimits } from './partner-limits.js'
import type { SpkiSha256 } from './spki.js'

export type Solution = 'regional-eai' | 'saas' | 'proprietary' | 'consumer'

/** `enforce`, or `report-only`: judge, count and log, but let pass. */
export type PartnerMode = 'enforce' | 'report-only'

/** `pin`: a `Ror-*` field sent otherwise is refused; `inject`: the gateway sends them itself, too. */
export type RorHeadersMode = 'pin' | 'inject'

/** What a whitelist entry says of a partner, beside its certificates and establishments. */
export interface Partner {
  readonly id: string
  readonly name: string
  readonly solution: Solution
  /** Names of the APIs granted. */
  readonly apis: readonly string[]
  /** Epoch milliseconds, inclusive; undefined: since ever. */
  readonly validFrom: number | undefined
  /** Epoch milliseconds, exclusive (the end of the day named); undefined: no end. */
  readonly validUntil: number | undefined
  /** Header name in lower case → the one value that may be sent. */
  readonly rorHeaders: Readonly<Record<string, string>>
  /** Absent: `pin`. */
  readonly rorHeadersMode?: RorHeadersMode
  /** The one OAuth2 client that may ask for a token with these certificates; absent: any. */
  readonly clientId?: string
  /** What stands here goes before the limits of the environment. */
  readonly limits?: PartnerLimits
  readonly mode: PartnerMode
}

/** One certificate a partner is known by. With both, both must hold. */
export interface CertificateIdentity {
  readonly subject: DistinguishedName | undefined
  readonly publicKey: SpkiSha256 | undefined
  /** Establishments (IdNatStruct) of this certificate alone; undefined: the partner's. */
  readonly establishments: readonly string[] | undefined
  /** Epoch milliseconds, exclusive: when this certificate stops being listed; absent: no end of its own. */
  readonly validUntil?: number
  readonly place: Place
}

/** A partner as read: everything resolved, nothing compiled yet. Establishments as IdNatStruct (`1350054680`). */
export interface PartnerDeclaration extends Partner {
  readonly certificates: readonly CertificateIdentity[]
  readonly establishments: readonly string[]
  readonly place: Place
}
