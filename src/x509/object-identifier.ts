import { DerError, tags, type DerReader } from './der-reader.js'

// longer than any OID in use; a UUID arc (2.25) takes 20 octets
const longest = 64

/** An OBJECT IDENTIFIER in dotted form, which is the same text exactly when the bytes are the same. */
export function readObjectIdentifier(reader: DerReader, what: string): string {
  return decodeObjectIdentifier(reader.contentsOf(reader.take(tags.objectIdentifier, what)), what)
}

/** @see X.690 section 8.19 */
function decodeObjectIdentifier(octets: Uint8Array, what: string): string {
  const last = octets.at(-1)
  if (last === undefined || last >= 0x80 || octets.length > longest) {
    throw new DerError(`expected ${what} to be an object identifier`)
  }
  // joined at once: added up, it would be a tree of its arcs, at 40 bytes each
  const arcs: string[] = []
  let start = 0
  for (let index = 0; index < octets.length; index++) {
    if ((octets[index] ?? 0) >= 0x80) continue
    // a leading zero group would spell the same arc twice
    if (octets[start] === 0x80) throw new DerError(`expected ${what} in its shortest form`)
    const arc = readArc(octets, start, index)
    arcs.push(arcs.length === 0 ? firstArcs(arc) : String(arc))
    start = index + 1
  }
  return arcs.join('.')
}

function readArc(octets: Uint8Array, start: number, end: number): number | bigint {
  if (end - start < 7) {
    let arc = 0
    for (let index = start; index <= end; index++) arc = arc * 128 + ((octets[index] ?? 0) & 0x7f)
    return arc
  }
  let arc = 0n
  for (let index = start; index <= end; index++) arc = (arc << 7n) | BigInt((octets[index] ?? 0) & 0x7f)
  return arc
}

// the first octets hold two arcs. @see X.690 section 8.19.4
function firstArcs(arc: number | bigint): string {
  if (arc < 40) return `0.${arc}`
  if (arc < 80) return `1.${Number(arc) - 40}`
  return `2.${BigInt(arc) - 80n}`
}
