import type { Upstream } from './upstream.js'

/** What an API speaks, and so how it is refused: RFC 6749, OperationOutcome, SOAP Fault. */
export type ApiKind = 'oauth-token' | 'fhir' | 'csd'

/** By what a certificate must stand in the whitelist for this API. */
export type MatchBy = 'subject' | 'public-key' | 'either'

/**
 * Whether the access token must be bound to the certificate of the connection: `if-present` judges
 * the tokens that say so, `required` refuses the others, too. @see RFC 8705 section 3
 */
export type TokenBinding = 'off' | 'if-present' | 'required'

export type WriteMethod = 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** How a query parameter spells the establishment. @see ROR.md section 3 */
export type QueryForm = 'idnatstruct/unit' | 'idnatstruct' | 'finess'

/** Where a write names its establishments. */
export type EstablishmentSource =
  | {
      readonly from: 'query'
      readonly parameter: string
      readonly form: QueryForm
      /** Functional ids (`52/192675`) are looked up; refused where absent. */
      readonly resolve?: 'upstream'
    }
  | { readonly from: 'body'; readonly shape: 'organization-identifier' | 'task-focus' | 'bundle' }
  /** An element of the body, or `id`: the one in the path. */
  | { readonly from: 'reference'; readonly reference: string; readonly resolve: 'upstream' }

/** A source in the body itself. */
export type BodySource = Extract<EstablishmentSource, { from: 'body' | 'reference' }>

/** What a FHIRPath Patch body may aim at: the resource type, and the paths below it. */
export interface PatchAim {
  readonly resource: string
  /** Allowed first steps, such as `Location.extension`; the resource type alone allows everything below it. */
  readonly paths: readonly string[]
  /** Elements that say whose the resource is: nothing may aim at them, nor at the resource as a whole. */
  readonly except?: readonly string[]
}

/**
 * A write that is open: what no rule describes is not writable.
 *
 * `path` is a template below the API's path, split at `/`; `{…}` stands for one whole segment.
 */
export interface WriteRule {
  readonly method: WriteMethod
  readonly path: readonly string[]
  readonly establishment: EstablishmentSource
  /** What is written names establishments too, beside the query that says where: judged as well. */
  readonly also: BodySource | undefined
  /**
   * Resource type of what `{…}` names by its id, where the template has one: the establishments of what
   * stands there are looked up and judged as well, since no body says whose it is now.
   */
  readonly storedType: string | undefined
  /** IdNatStruct prefixes that may be written; `1` (FINESS) unless configured. */
  readonly prefixes: readonly string[]
  /** Query parameters allowed beside the one that is judged; none unless configured. */
  readonly parameters: readonly string[]
  /** For a PATCH judged by its body too; undefined where the rule leaves the body unread. */
  readonly patch: PatchAim | undefined
  /** Largest body in bytes that is taken for this write. */
  readonly maxBodyBytes: number
  /** Most entries of a Bundle. */
  readonly maxEntries: number
  /** Whether `If-None-Exist` may stand beside a POST: whatever it finds, nothing that stands is changed. */
  readonly conditionalCreate: boolean
  /** Characters of unit codes beside letters and digits. */
  readonly unitCharacters: string
}

/** One national API behind the gateway. */
export interface Api {
  readonly name: string
  readonly kind: ApiKind
  /** Lower case, without port. */
  readonly hosts: readonly string[]
  /** Absolute path without a trailing slash, or `/`; exact for a token endpoint, a prefix by segments otherwise. */
  readonly path: string
  readonly match: MatchBy
  readonly upstream: Upstream
  readonly writes: readonly WriteRule[]
  /** Whether `POST {type}/_search` is a read here. */
  readonly searchByPost: boolean
  readonly tokenBinding: TokenBinding
}
