import { crc32, inflateRawSync } from 'node:zlib'
import type { Result } from '../core/result.js'
import { sheetProblem, type SheetProblem } from './sheet.js'

const largestArchive = 64 * 1024 * 1024
const largestPart = 128 * 1024 * 1024
const largestTotal = 256 * 1024 * 1024
const mostParts = 4096

const endSignature = 0x06054b50
const entrySignature = 0x02014b50
const localSignature = 0x04034b50
const endLength = 22
const longestComment = 0xffff
const stored = 0
const deflated = 8

interface Entry {
  readonly method: number
  readonly flags: number
  readonly checksum: number
  readonly packedSize: number
  readonly size: number
  readonly localOffset: number
}

/** Whether these bytes begin as a ZIP archive does. */
export function looksLikeZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4
}

/**
 * A ZIP archive, its parts unpacked when they are asked for.
 *
 * The directory at the end is believed alone, as office programs believe it. Refused: encryption,
 * several disks, ZIP64, two parts of one name, other packings than deflate. What a part unpacks to
 * is bounded by what the directory announces, and that by fixed sizes, part by part and in sum.
 *
 * @see APPNOTE.TXT sections 4.3.7, 4.3.12, 4.3.16
 */
export class ZipArchive {
  readonly #bytes: Buffer
  readonly #entries: ReadonlyMap<string, Entry>
  #unpacked = 0

  private constructor(bytes: Buffer, entries: ReadonlyMap<string, Entry>) {
    this.#bytes = bytes
    this.#entries = entries
  }

  static open(bytes: Uint8Array): Result<ZipArchive, SheetProblem> {
    if (bytes.length > largestArchive) {
      const message = `expected a file of at most ${largestArchive} bytes, found ${bytes.length}`
      return sheetProblem('sheet-too-large', message)
    }
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const entries = readDirectory(buffer)
    return entries.ok ? { ok: true, value: new ZipArchive(buffer, entries.value) } : entries
  }

  get names(): Iterable<string> {
    return this.#entries.keys()
  }

  has(name: string): boolean {
    return this.#entries.has(name)
  }

  /** The bytes of a part. */
  read(name: string): Result<Buffer, SheetProblem> {
    const entry = this.#entries.get(name)
    if (entry === undefined)
      return sheetProblem('sheet-malformed', `expected the part \`${name}\`, found none`)
    const { method, flags, checksum, size } = entry
    if ((flags & 1) !== 0) return sheetProblem('sheet-encrypted', 'the file is locked with a password')
    this.#unpacked += size
    if (size > largestPart || this.#unpacked > largestTotal) {
      return sheetProblem('sheet-too-large', `the part \`${name}\` unpacks to more than is read here`)
    }
    const packed = this.#packed(entry)
    if (packed === undefined) return broken(name)
    if (method === stored) return packed.length === size ? { ok: true, value: packed } : broken(name)
    if (method !== deflated) {
      return sheetProblem('sheet-malformed', `the part \`${name}\` is packed in a way not read here`)
    }
    try {
      // one byte more than announced ends the unpacking, whatever is behind it
      const part = inflateRawSync(packed, { maxOutputLength: Math.max(size, 1) })
      const isWhole = part.length === size && crc32(part) === checksum
      return isWhole ? { ok: true, value: part } : broken(name)
    } catch {
      return broken(name)
    }
  }

  #packed({ localOffset, packedSize }: Entry): Buffer | undefined {
    const bytes = this.#bytes
    if (localOffset + 30 > bytes.length || bytes.readUInt32LE(localOffset) !== localSignature)
      return undefined
    const start =
      localOffset + 30 + bytes.readUInt16LE(localOffset + 26) + bytes.readUInt16LE(localOffset + 28)
    return start + packedSize <= bytes.length ? bytes.subarray(start, start + packedSize) : undefined
  }
}

function readDirectory(bytes: Buffer): Result<ReadonlyMap<string, Entry>, SheetProblem> {
  const end = findEnd(bytes)
  if (end === undefined) return sheetProblem('sheet-malformed', 'the file is cut off, or no ZIP archive')
  const count = bytes.readUInt16LE(end + 10)
  const isOneDisk = bytes.readUInt32LE(end + 4) === 0 && bytes.readUInt16LE(end + 8) === count
  const size = bytes.readUInt32LE(end + 12)
  let at = bytes.readUInt32LE(end + 16)
  if (!isOneDisk || count > mostParts || at + size > end) {
    return sheetProblem('sheet-malformed', 'the directory of the archive is not one that is read here')
  }
  const entries = new Map<string, Entry>()
  for (let number = 0; number < count; number += 1) {
    if (at + 46 > end || bytes.readUInt32LE(at) !== entrySignature) {
      return sheetProblem('sheet-malformed', 'the directory of the archive is broken')
    }
    const nameEnd = at + 46 + bytes.readUInt16LE(at + 28)
    const name = bytes.toString('utf8', at + 46, nameEnd)
    if (entries.has(name)) {
      return sheetProblem('sheet-malformed', `the archive holds two parts named \`${name}\``)
    }
    entries.set(name, {
      flags: bytes.readUInt16LE(at + 8),
      method: bytes.readUInt16LE(at + 10),
      checksum: bytes.readUInt32LE(at + 16),
      packedSize: bytes.readUInt32LE(at + 20),
      size: bytes.readUInt32LE(at + 24),
      localOffset: bytes.readUInt32LE(at + 42),
    })
    at = nameEnd + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32)
  }
  return { ok: true, value: entries }
}

function findEnd(bytes: Buffer): number | undefined {
  const earliest = Math.max(0, bytes.length - endLength - longestComment)
  for (let at = bytes.length - endLength; at >= earliest; at -= 1) {
    if (bytes.readUInt32LE(at) !== endSignature) continue
    if (at + endLength + bytes.readUInt16LE(at + 20) === bytes.length) return at
  }
  return undefined
}

function broken(name: string): Extract<Result<never, SheetProblem>, { ok: false }> {
  return sheetProblem('sheet-malformed', `the part \`${name}\` is not what the archive announces`)
}
