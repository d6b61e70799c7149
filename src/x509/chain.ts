import type { DenialReason } from '../core/reasons.js'
import type { Result } from '../core/result.js'
import { isAuthorityOver, judgeAuthority, judgeLeafStrength, judgePurpose } from './authority.js'
import type { Certificate } from './certificate.js'
import { commonNameOf } from './common-name.js'
import { isSignedBy, weaknessOfSignature } from './signature.js'

/** Why a certificate is not believed; `detail` is for the operator and names configured authorities. */
export interface ChainProblem {
  readonly reason: Extract<
    DenialReason,
    'certificate-untrusted' | 'certificate-purpose' | 'certificate-not-yet-valid' | 'certificate-expired'
  >
  readonly detail: string
}

/** What an environment trusts. */
export interface Trust {
  /** Where a path may end. */
  readonly anchors: readonly Certificate[]
  /** Where a path may pass, beside what the client presents. */
  readonly authorities: readonly Certificate[]
}

export interface PathQuestion extends Trust {
  readonly leaf: Certificate
  /** What came with the leaf, in any order; never trusted, only passed through. */
  readonly presented: readonly Certificate[]
  /** Whether a leaf without extKeyUsage is refused (IGC-Santé always has it); true unless given. */
  readonly requireClientAuth?: boolean
}

/** A path whose names, signatures and constraints hold; only time can still refuse it. */
export interface TrustedPath {
  /** Leaf first, anchor last. */
  readonly chain: readonly Certificate[]
  /** Epoch milliseconds: the latest notBefore and the earliest notAfter of the chain. */
  readonly notBefore: number
  readonly notAfter: number
}

/** The moment a path is judged at. */
export interface Moment {
  /** Epoch milliseconds. */
  readonly at: number
  /** How far the clocks of authority and gateway may be apart; it widens both ends. */
  readonly clockSkewMs: number
}

const mostCertificates = 8
const mostPresented = 8
// bounds on what one handshake can make us do; an honest one needs two signatures and three steps
const mostSteps = 256
const mostSignatures = 32
const mostPaths = 4

/**
 * Splits the configured authorities into anchors and the others.
 *
 * The configured list is the trust list: an authority that no other one of the list has issued is an
 * anchor, self-signed or not. So a list of one intermediate works alone (OpenSSL's partial chain), and once
 * its root is configured too, paths go on to the root, whose validity then counts.
 */
export function splitAuthorities(configured: readonly Certificate[]): Trust {
  const isBelowAnother = (certificate: Certificate) =>
    configured.some(
      (other) =>
        !isSame(other, certificate) && isAuthorityOver(other, certificate) && isSigned(certificate, other),
    )
  const isSelfSigned = (certificate: Certificate) =>
    isAuthorityOver(certificate, certificate) && isSigned(certificate, certificate)
  const anchors = configured.filter(
    (certificate) => isSelfSigned(certificate) || !isBelowAnother(certificate),
  )
  return { anchors, authorities: configured.filter((certificate) => !anchors.includes(certificate)) }
}

/**
 * Every path from the leaf to an anchor (at most four): the costly part, which time does not change.
 *
 * The answer may be kept per leaf digest and trust generation. Paths are laid by names first and verified
 * from the anchor down, so that no key is used before it is itself vouched for. Key identifiers only order
 * the tries.
 *
 * @returns at least one path, the preferred first; or `certificate-untrusted`, or `certificate-purpose`
 * @see RFC 5280 section 6.1
 */
export function buildPaths(question: PathQuestion): Result<readonly TrustedPath[], ChainProblem> {
  const { leaf, anchors, authorities } = question
  if ([...anchors, ...authorities].some((authority) => isSame(authority, leaf))) {
    return refuse('certificate-purpose', 'the certificate is that of a configured authority')
  }
  const weakness = judgeLeafStrength(leaf)
  if (weakness !== undefined) return refuse('certificate-untrusted', weakness)

  const search = new PathSearch(question)
  search.follow([leaf])
  if (search.paths.length === 0) return refuse('certificate-untrusted', search.detail())
  const misuse = judgePurpose(leaf, question.requireClientAuth ?? true)
  if (misuse !== undefined) return refuse('certificate-purpose', misuse)
  return { ok: true, value: search.paths }
}

/**
 * The first of the paths that is valid now: cheap, so asked for every request.
 *
 * The second of notAfter still counts as valid. @see RFC 5280 section 4.1.2.5
 */
export function judgeValidity(
  paths: readonly TrustedPath[],
  { at, clockSkewMs }: Moment,
): Result<TrustedPath, ChainProblem> {
  for (const path of paths) {
    if (at + clockSkewMs >= path.notBefore && at - clockSkewMs < path.notAfter + 1000) {
      return { ok: true, value: path }
    }
  }
  return explainValidity(paths, at + clockSkewMs)
}

/** Both parts at once, for callers that keep nothing. */
export function verifyChain(question: PathQuestion & Moment): Result<TrustedPath, ChainProblem> {
  const built = buildPaths(question)
  return built.ok ? judgeValidity(built.value, question) : built
}

class PathSearch {
  readonly paths: TrustedPath[] = []
  private readonly question: PathQuestion
  private readonly presented: readonly Certificate[]
  private readonly signatures = new Map<string, boolean>()
  private firstProblem: string | undefined
  private steps = 0

  constructor(question: PathQuestion) {
    this.question = question
    this.presented = question.presented.slice(0, mostPresented)
  }

  /** Goes on from the last certificate of a chain, depth first. */
  follow(chain: readonly Certificate[]): void {
    const top = chain.at(-1)
    if (top === undefined || chain.length >= mostCertificates) return
    for (const anchor of this.above(chain, this.question.anchors)) {
      if (this.isSpent()) return
      this.settle([...chain, anchor])
    }
    const passages = [...this.question.authorities, ...this.presented]
    for (const authority of this.above(chain, passages)) {
      if (this.isSpent()) return
      this.follow([...chain, authority])
    }
  }

  /** Why there is no path. */
  detail(): string {
    const { leaf } = this.question
    return (
      this.firstProblem ?? `no configured authority stands above the issuer \`${commonNameOf(leaf.issuer)}\``
    )
  }

  private isSpent(): boolean {
    this.steps += 1
    return this.steps > mostSteps || this.paths.length >= mostPaths || this.signatures.size >= mostSignatures
  }

  // those with the issuer's name, the hinted key first; none whose name and key the chain has already
  private above(chain: readonly Certificate[], candidates: readonly Certificate[]): readonly Certificate[] {
    const top = chain.at(-1)
    if (top === undefined) return []
    const named = candidates.filter(
      (candidate) =>
        isAuthorityOver(candidate, top) && !chain.some((link) => isSameKeyAndName(link, candidate)),
    )
    const hint = top.authorityKeyIdentifier
    const isHinted = ({ subjectKeyIdentifier }: Certificate) =>
      hint !== undefined && subjectKeyIdentifier === hint
    return [...named.filter(isHinted), ...named.filter((candidate) => !isHinted(candidate))]
  }

  private settle(chain: readonly Certificate[]): void {
    const problem = this.judge(chain)
    if (problem !== undefined) {
      this.firstProblem ??= problem
      return
    }
    const notBefore = Math.max(...chain.map((certificate) => certificate.notBefore))
    const notAfter = Math.min(...chain.map((certificate) => certificate.notAfter))
    this.paths.push({ chain, notBefore, notAfter })
  }

  // from the anchor down: a key is used only once everything above it holds
  private judge(chain: readonly Certificate[]): string | undefined {
    for (let depth = chain.length - 1; depth > 0; depth--) {
      const authority = chain[depth]
      const below = chain[depth - 1]
      if (authority === undefined || below === undefined) return 'the path is broken'
      const problem =
        judgeAuthority(authority, chain.slice(1, depth)) ?? weaknessOfSignature(below.signatureAlgorithm)
      if (problem !== undefined) return problem
      if (!this.isSigned(below, authority)) {
        return `the authority \`${commonNameOf(authority.subject)}\` did not sign what claims it as issuer`
      }
    }
    return undefined
  }

  private isSigned(below: Certificate, authority: Certificate): boolean {
    const key = `${below.sha256}${authority.spkiSha256}`
    const known = this.signatures.get(key)
    if (known !== undefined) return known
    if (this.signatures.size >= mostSignatures) return false
    const signed = isSigned(below, authority)
    this.signatures.set(key, signed)
    return signed
  }
}

// what is not valid yet is said before what has expired, about the path that was preferred
function explainValidity(paths: readonly TrustedPath[], latest: number): Result<never, ChainProblem> {
  const [path] = paths
  if (path === undefined) return refuse('certificate-untrusted', 'no path to a configured authority')
  const isEarly = latest < path.notBefore
  const culprit = path.chain.find(({ notBefore, notAfter }) =>
    isEarly ? notBefore === path.notBefore : notAfter === path.notAfter,
  )
  const who =
    culprit === undefined || culprit === path.chain[0]
      ? 'the certificate'
      : `the authority \`${commonNameOf(culprit.subject)}\``
  return isEarly
    ? refuse('certificate-not-yet-valid', `${who} is valid from ${new Date(path.notBefore).toISOString()}`)
    : refuse('certificate-expired', `${who} was valid until ${new Date(path.notAfter).toISOString()}`)
}

function refuse(reason: ChainProblem['reason'], detail: string): Result<never, ChainProblem> {
  return { ok: false, problem: { reason, detail } }
}

function isSigned(below: Certificate, authority: Certificate): boolean {
  return isSignedBy(below, authority.spki)
}

function isSame(one: Certificate, other: Certificate): boolean {
  return one.sha256 === other.sha256
}

function isSameKeyAndName(one: Certificate, other: Certificate): boolean {
  return one.spkiSha256 === other.spkiSha256 && one.subjectKey === other.subjectKey
}
