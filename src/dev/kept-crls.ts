import { createHash } from 'node:crypto'
import { issueCrl, type Authority } from '../x509/issue.js'
import { spkiDer } from '../x509/keys.js'
import { toPem } from '../x509/pem.js'
import { isObject, type Json } from './exchange.js'
import { renewalMargin, type KeptCertificate } from './kept-certificate.js'
import { readIfThere, writeWhole } from './private-files.js'

const day = 24 * 60 * 60 * 1000
const lifetime = 30 * day

/** What is remembered of a range's CRLs between two runs. */
export interface CrlState {
  readonly number: number
  /** Epoch milliseconds. */
  readonly nextUpdate: number
  /** Serial numbers. */
  readonly revoked: readonly string[]
  /** Digests of the keys that signed. */
  readonly signers: readonly string[]
}

/** The CRLs of the intermediate and of the root, in one PEM file. */
export interface CrlWish {
  readonly path: string
  readonly root: Authority
  readonly organisations: Authority
  readonly revoked: readonly string[]
  readonly known: CrlState | undefined
}

/** Keeps the CRLs while they are fresh for a week more and say what they should; makes them anew otherwise. */
export function keepCrls(
  wish: CrlWish,
  now: number,
): { readonly state: CrlState; readonly outcome: KeptCertificate['outcome'] } {
  const { path, root, organisations, revoked, known } = wish
  const signers = [organisations, root].map(digestOfKey)
  const isThere = readIfThere(path) !== undefined
  if (known !== undefined && isThere && isCurrent(known, { revoked, signers }, now)) {
    return { state: known, outcome: 'kept' }
  }
  const thisUpdate = now - day
  const state = { number: (known?.number ?? 0) + 1, nextUpdate: now + lifetime, revoked, signers }
  const window = { thisUpdate, nextUpdate: state.nextUpdate, crlNumber: state.number }
  const entries = revoked.map((serialNumber) => ({ serialNumber, at: thisUpdate, reason: keyCompromise }))
  const crls = [
    issueCrl({ ...window, issuer: organisations, revoked: entries }),
    issueCrl({ ...window, issuer: root, revoked: [] }),
  ]
  writeWhole(path, crls.map((der) => toPem('X509 CRL', der)).join(''), 'public')
  return { state, outcome: isThere ? 'renewed' : 'made' }
}

/** The state as it was written; undefined where it is none. */
export function readCrlState(value: Json | undefined): CrlState | undefined {
  if (!isObject(value)) return undefined
  const { number, nextUpdate, revoked, signers } = value
  if (typeof number !== 'number' || typeof nextUpdate !== 'number') return undefined
  if (!isTexts(revoked) || !isTexts(signers)) return undefined
  return { number, nextUpdate, revoked, signers }
}

const keyCompromise = 1

function isCurrent(known: CrlState, wanted: Pick<CrlState, 'revoked' | 'signers'>, now: number): boolean {
  return (
    known.nextUpdate > now + renewalMargin &&
    known.revoked.join() === wanted.revoked.join() &&
    known.signers.join() === wanted.signers.join()
  )
}

function digestOfKey({ keys }: Authority): string {
  return createHash('sha256').update(spkiDer(keys.publicKey)).digest('hex')
}

function isTexts(value: Json | undefined): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
