import { hash } from 'node:crypto'
import { ecsNames } from './audit-ecs.js'
import type { AuditFormat } from './audit-event.js'

/** Where a chain of lines stands: the next line follows on from here. */
export interface ChainHead {
  /** Number of the last line; 0 before the first. */
  readonly sequence: number
  /** SHA-256 of the last line, hexadecimal. */
  readonly hash: string
}

/** Before the first line of all. */
export const genesis: ChainHead = { sequence: 0, hash: '0'.repeat(64) }

/** What ties a line to the one before it, as the line itself says. */
export interface Link {
  readonly sequence: number
  readonly prev: string
  /** Base64; of a seal. */
  readonly signature: string | undefined
}

/** SHA-256 of a line without its line feed, hexadecimal. */
export function lineHash(line: string | Uint8Array): string {
  return hash('sha256', line)
}

/** How the fields that tie lines together begin, in each form of line. */
const begins: Readonly<Record<AuditFormat, { sequence: string; prev: string; signature: string }>> = {
  native: { sequence: ',"sequence":', prev: ',"prev":"', signature: ',"signature":"' },
  ecs: {
    sequence: `,"${ecsNames.sequence}":`,
    prev: `,"${ecsNames.prev}":"`,
    signature: `,"${ecsNames.signature}":"`,
  },
}

/**
 * A line tied to the one before it, without line feed.
 *
 * @param open - one JSON object with a field at least, but for its last brace (`auditText`)
 * @param sign - of a seal: the signature, base64, of everything before itself
 */
export function linked(
  open: string,
  head: ChainHead,
  { format, sign }: { readonly format: AuditFormat; readonly sign?: (text: string) => string },
): string {
  const begin = begins[format]
  const tied = `${open}${begin.sequence}${head.sequence + 1}${begin.prev}${head.hash}"`
  return sign === undefined ? `${tied}}` : `${tied}${begin.signature}${sign(tied)}"}`
}

// anchored to the end: what clients send stands before, with its quotation marks escaped
const tail =
  /,"(?:event\.)?sequence":(\d{1,15}),"(?:ror_gateway\.)?prev":"([0-9a-f]{64})"(,"(?:ror_gateway\.)?signature":"([A-Za-z0-9+/]{86}==)")?\}$/
const longestTail = 300

/** What a line says of its place; undefined where it says nothing. */
export function linkOf(line: Buffer): Link | undefined {
  const found = tail.exec(line.toString('latin1', Math.max(0, line.length - longestTail)))
  if (found === null) return undefined
  return { sequence: Number(found[1]), prev: found[2] ?? '', signature: found[4] }
}

/** What a seal signs: its line up to the signature. */
export function signedPart(line: Buffer): Buffer {
  const end = line.toString('latin1', Math.max(0, line.length - longestTail))
  const signature = tail.exec(end)?.[3] ?? ''
  return line.subarray(0, line.length - signature.length - 1)
}

/** Where the chain of a file stands, by the bytes at its end. */
export interface ChainEnd {
  readonly head: ChainHead
  /** The last line has no line feed: it was cut by a crash or a full disk. */
  readonly isTorn: boolean
  /** Epoch milliseconds of the last line that says when it was; NaN where none does. */
  readonly time: number
}

/**
 * Reads the end of a file, so that what is written next follows on.
 *
 * A torn line is a line of the chain as it stands, without a number of its own.
 */
export function chainEnd(bytes: Buffer): ChainEnd {
  const isTorn = bytes.length > 0 && bytes[bytes.length - 1] !== 0x0a
  let end = isTorn ? bytes.length : bytes.length - 1
  if (end <= 0) return { head: genesis, isTorn: false, time: Number.NaN }
  let digest: string | undefined
  while (end > 0) {
    const start = bytes.lastIndexOf(0x0a, end - 1) + 1
    const line = bytes.subarray(start, end)
    digest ??= lineHash(line)
    const link = linkOf(line)
    if (link !== undefined) {
      return { head: { sequence: link.sequence, hash: digest }, isTorn, time: timeOf(line) }
    }
    end = start - 1
  }
  return { head: { sequence: 0, hash: digest ?? genesis.hash }, isTorn, time: Number.NaN }
}

/** When a line says that it happened, epoch milliseconds; NaN where it does not. */
export function timeOf(line: Buffer): number {
  const found = /"(?:time|@timestamp)":"([^"]{20,30})"/.exec(line.toString('latin1', 0, 200))
  return found === null ? Number.NaN : Date.parse(found[1] ?? '')
}
