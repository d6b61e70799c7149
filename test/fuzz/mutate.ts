import type { Random } from './random.js'

const largest = 16_384
const telling = [
  0x00, 0x01, 0x0a, 0x20, 0x22, 0x25, 0x2c, 0x2f, 0x5c, 0x7f, 0x80, 0xbf, 0xc3, 0xed, 0xf4, 0xff,
]

export interface Material {
  readonly random: Random
  /** What else there is, to take pieces from. */
  readonly pool: readonly Uint8Array[]
  readonly dictionary: readonly Uint8Array[]
}

/** An input a few steps away from this one. */
export function mutate(input: Uint8Array, material: Material): Uint8Array {
  let bytes = input
  for (let steps = 1 + material.random.below(6); steps > 0; steps -= 1) bytes = mutateOnce(bytes, material)
  return bytes.length > largest ? bytes.subarray(0, largest) : bytes
}

function mutateOnce(bytes: Uint8Array, { random, pool, dictionary }: Material): Uint8Array {
  const at = random.below(bytes.length + 1)
  const until = Math.min(bytes.length, at + random.below(random.pick([2, 4, 32, 512]) ?? 2))
  const piece = bytes.subarray(at, until)
  switch (random.below(10)) {
    case 0:
      return spliced(bytes, [at, until], new Uint8Array(0))
    case 1:
      return spliced(bytes, [at, at], piece)
    case 2:
      return spliced(bytes, [at, until], random.pick(dictionary) ?? piece)
    case 3:
      return spliced(bytes, [at, at], random.pick(dictionary) ?? piece)
    case 4:
      return spliced(bytes, [at, Math.min(bytes.length, at + 1)], Uint8Array.of(random.below(256)))
    case 5:
      return spliced(bytes, [at, at + 1], Uint8Array.of(random.pick(telling) ?? 0))
    case 6: {
      const flipped = bytes.slice()
      if (at < bytes.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8))
      return flipped
    }
    case 7: {
      // a length or a digit a little off
      const nudged = bytes.slice()
      if (at < bytes.length) nudged[at] = (nudged[at] ?? 0) + random.below(7) - 3
      return nudged
    }
    case 8: {
      const other = random.pick(pool) ?? bytes
      const from = random.below(other.length + 1)
      return spliced(bytes, [at, until], other.subarray(from, from + random.below(256)))
    }
    default: {
      const times = random.pick([2, 8, 64]) ?? 2
      const repeated = new Uint8Array(piece.length * times)
      for (let turn = 0; turn < times; turn += 1) repeated.set(piece, turn * piece.length)
      return spliced(bytes, [at, until], repeated)
    }
  }
}

function spliced(
  bytes: Uint8Array,
  [from, to]: readonly [from: number, to: number],
  piece: Uint8Array,
): Uint8Array {
  const end = Math.max(from, Math.min(bytes.length, to))
  const result = new Uint8Array(from + piece.length + bytes.length - end)
  result.set(bytes.subarray(0, from))
  result.set(piece, from)
  result.set(bytes.subarray(end), from + piece.length)
  return result
}
