import { ecsNames } from './audit-ecs.js'
import { genesis, lineHash, linkOf, signedPart, timeOf, type Link } from './audit-chain.js'
import type { SealWitness } from './audit-seal.js'

/** What is wrong with a trail. */
export type AuditFindingKind =
  | 'changed'
  | 'missing'
  | 'reordered'
  | 'inserted'
  | 'unreadable'
  | 'begins-anew'
  | 'seal-wrong'
  | 'seal-by-another-key'
  | 'unsealed'

export interface AuditPlace {
  readonly file: string
  readonly line: number
}

export interface AuditFinding {
  readonly kind: AuditFindingKind
  readonly place: AuditPlace
  /** Lower case, no full stop. */
  readonly message: string
}

/** What came of looking at a trail from its first line to its last. */
export interface AuditVerdict {
  readonly ok: boolean
  readonly lines: number
  readonly files: number
  /** Number of the first line; above 1 where older files are not there. */
  readonly firstSequence: number | undefined
  readonly lastSequence: number | undefined
  readonly seals: number
  /** Seals whose signature was checked. */
  readonly sealsChecked: number
  /** The last seal that holds (or that nobody could check), and the lines behind it. */
  readonly sealed: { readonly place: AuditPlace; readonly time: string | undefined } | undefined
  readonly linesAfterSeal: number
  /** Lines cut by a crash, which the chain takes as they are. */
  readonly torn: readonly AuditPlace[]
  /** The first 1,000. */
  readonly findings: readonly AuditFinding[]
  readonly findingCount: number
}

interface Seen {
  readonly sequence: number
  readonly hash: string
  readonly place: AuditPlace
}

interface Gap {
  readonly from: number
  readonly to: number
  readonly place: AuditPlace
  found: number
}

const mostFindings = 1_000

/**
 * Reads a trail line by line, in order over its files, and tells every place where it was meddled with.
 *
 * Numbers say what is missing, out of place or there twice; hashes say what was changed; seals say that
 * nobody without the key made the whole anew.
 */
export class AuditVerifier {
  private readonly witnesses: ReadonlyMap<string, SealWitness>
  private readonly findings: AuditFinding[] = []
  private findingCount = 0
  private readonly gaps: Gap[] = []
  private readonly torn: AuditPlace[] = []
  private file = ''
  private files = 0
  private line = 0
  private lines = 0
  private firstSequence: number | undefined
  private last: Seen | undefined
  /** Another line with the number of the last: one of them was put in. */
  private rival: Seen | undefined
  /** A line that says nothing of its place, just before. */
  private loose: { readonly hash: string; readonly place: AuditPlace } | undefined
  private seals = 0
  private sealsChecked = 0
  private sealed: AuditVerdict['sealed']
  private linesAfterSeal = 0

  /** @param witnesses - none: seals are counted and not checked */
  constructor(witnesses: readonly SealWitness[]) {
    this.witnesses = new Map(witnesses.map((witness) => [witness.digest, witness]))
  }

  beginFile(name: string): void {
    this.file = name
    this.files += 1
    this.line = 0
  }

  /** The next line, without its line feed. */
  take(bytes: Buffer): void {
    this.line += 1
    this.lines += 1
    this.linesAfterSeal += 1
    const place = { file: this.file, line: this.line }
    const link = linkOf(bytes)
    if (link === undefined) {
      this.looseEnd()
      this.loose = { hash: lineHash(bytes), place }
      return
    }
    const seen = { sequence: link.sequence, hash: lineHash(bytes), place }
    const { last } = this
    if (last === undefined) this.takeFirst(seen, link)
    else if (link.sequence === last.sequence + 1) this.takeNext(seen, link, last)
    else if (link.sequence > last.sequence + 1) this.takeBeyond(seen, last)
    else this.takeBehind(seen, link, last)
    this.looseEnd()
    if (link.signature !== undefined) this.takeSeal(bytes, link.signature, place)
  }

  verdict(): AuditVerdict {
    this.looseEnd()
    for (const { from, to, place, found } of this.gaps) {
      const count = to - from + 1 - found
      if (count === 0) continue
      const which = from === to ? `number ${from}` : `numbers ${from} to ${to}`
      const message = `${count} ${count === 1 ? 'line is' : 'lines are'} missing before this one: ${which}`
      this.find('missing', place, message)
    }
    if (this.witnesses.size > 0 && this.sealed === undefined && this.lines > 0) {
      const message =
        'no seal of this key stands in the trail: whoever can write the files could have made it'
      this.find('unsealed', { file: this.file, line: this.line }, message)
    }
    return {
      ok: this.findingCount === 0,
      lines: this.lines,
      files: this.files,
      firstSequence: this.firstSequence,
      lastSequence: this.last?.sequence,
      seals: this.seals,
      sealsChecked: this.sealsChecked,
      sealed: this.sealed,
      linesAfterSeal: this.linesAfterSeal,
      torn: this.torn,
      findings: this.findings,
      findingCount: this.findingCount,
    }
  }

  private takeFirst(seen: Seen, link: Link): void {
    this.firstSequence = link.sequence
    this.last = seen
    if (link.sequence === 1 && link.prev !== genesis.hash) {
      this.find('changed', seen.place, 'the first line of all does not say that it is the first')
    }
    if (link.prev === this.loose?.hash) this.tornLine(this.loose.place)
  }

  private takeNext(seen: Seen, link: Link, last: Seen): void {
    this.last = seen
    const { rival, loose } = this
    this.rival = undefined
    if (link.prev === rival?.hash) {
      this.find('inserted', last.place, `the chain goes on from ${at(rival.place)}, of the same number`)
    } else if (rival !== undefined && link.prev === last.hash) {
      this.find('inserted', rival.place, `the chain goes on from ${at(last.place)}, of the same number`)
    } else if (link.prev === loose?.hash) {
      this.tornLine(loose.place)
    } else if (link.prev !== last.hash) {
      const message = `${at(last.place)} is not the line that ${at(seen.place)} was tied to`
      this.find('changed', last.place, message)
    }
  }

  private takeBeyond(seen: Seen, last: Seen): void {
    this.closeRival()
    this.gaps.push({ from: last.sequence + 1, to: seen.sequence - 1, place: seen.place, found: 0 })
    this.last = seen
  }

  private takeBehind(seen: Seen, link: Link, last: Seen): void {
    if (link.sequence === 1 && link.prev === genesis.hash) {
      const message = 'the chain begins anew: the lines before were not there when the gateway started'
      this.find('begins-anew', seen.place, message)
      this.closeRival()
      this.last = seen
      return
    }
    const gap = this.gaps.find(({ from, to }) => from <= seen.sequence && seen.sequence <= to)
    if (gap !== undefined && gap.found < gap.to - gap.from + 1) {
      gap.found += 1
      this.find('reordered', seen.place, `number ${seen.sequence} belongs before ${at(gap.place)}`)
    } else if (seen.sequence === last.sequence && this.rival === undefined && seen.hash !== last.hash) {
      // the next line tells which of the two is tied in
      this.rival = seen
    } else {
      this.find('inserted', seen.place, `number ${seen.sequence} stood before already`)
    }
  }

  private takeSeal(bytes: Buffer, signature: string, place: AuditPlace): void {
    this.seals += 1
    const digest = sealKeyOf(bytes)
    const witness = this.witnesses.get(digest ?? '')
    if (this.witnesses.size > 0) {
      if (witness === undefined) {
        this.find('seal-by-another-key', place, `sealed by the key \`${digest ?? 'unknown'}\``)
        return
      }
      this.sealsChecked += 1
      if (!witness.isSignatureOf(signedPart(bytes), signature)) {
        this.find('seal-wrong', place, 'the signature is not that of the key')
        return
      }
    }
    const time = timeOf(bytes)
    this.sealed = { place, time: Number.isNaN(time) ? undefined : new Date(time).toISOString() }
    this.linesAfterSeal = 0
  }

  private tornLine(place: AuditPlace): void {
    this.torn.push(place)
    this.loose = undefined
  }

  private looseEnd(): void {
    if (this.loose === undefined) return
    this.find('unreadable', this.loose.place, 'no line of the trail, and nothing is tied to it')
    this.loose = undefined
  }

  private closeRival(): void {
    if (this.rival !== undefined) {
      this.find('inserted', this.rival.place, `number ${this.rival.sequence} stood before already`)
    }
    this.rival = undefined
  }

  private find(kind: AuditFindingKind, place: AuditPlace, message: string): void {
    this.findingCount += 1
    if (this.findings.length < mostFindings) this.findings.push({ kind, place, message })
  }
}

function at({ file, line }: AuditPlace): string {
  return `${file}:${line}`
}

function sealKeyOf(line: Buffer): string | undefined {
  const found = new RegExp(`"(?:key|${ecsNames.key.replace('.', '\\.')})":"([0-9a-f]{64})"`).exec(
    line.toString('latin1', 0, 1_000),
  )
  return found?.[1]
}
