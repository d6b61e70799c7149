// The json-index: goes once through a whole JSON text and writes down where everything stands in it.
//
// AssemblyScript: addresses are bytes of the module's own memory, nothing is allocated, nothing imported.
// INVARIANT: it is sound, not complete. It answers more than 0 only for a text that src/fhir/json-reader.ts takes
// without a problem; whatever is wrong, unusual or large it leaves to that reader, which knows how to say why.
//
// Behind the text stand zeros. No JSON holds a zero byte, so nothing here steps over one, and what reads
// ahead reads zeros at worst.

import { hash, isAmong } from './member-names'
import { afterSpace, closingQuote, numberEnd, stopsIn } from './scan'

// src/fhir/json-index.ts knows them by the same names
const objectToken: u32 = 1
const arrayToken: u32 = 2
// an array with an array directly in it, which FHIR does not have
const arrayOfArrayToken: u32 = 3
const nameToken: u32 = 4
// strings: ASCII, UTF-8 with more than ASCII, and with escapes
const plainToken: u32 = 5
const utf8Token: u32 = 6
const escapedToken: u32 = 7
const numberToken: u32 = 8
const trueToken: u32 = 9
const falseToken: u32 = 10
const nullToken: u32 = 11

// the bounds of src/fhir/json-visitor.ts
const maxDepth: u32 = 64
const maxNumberBytes: u32 = 128
// no more names in one object: each is compared with those before it
const maxNames: u32 = 64

// where things stand in the memory: 24 bytes an open object or array, 8 bytes a name of an open object, the
// tape with 8 bytes a token, the text
const frames: u32 = 0
const frameBytes: u32 = 24
const names: u32 = 2_048
const tape: u32 = 65_536
const tapeEnd: u32 = tape + 2_097_152
const text: u32 = tapeEnd
const maxTextBytes: u32 = 1_048_576

/** Where the text belongs that `index` reads. */
export function textAddress(): u32 {
  return text
}

/** Where `index` writes the tokens: two little-endian words each, `kind << 24 | offset` and its end. */
export function tapeAddress(): u32 {
  return tape
}

/** Bytes of the largest text. */
export function textCapacity(): u32 {
  return maxTextBytes
}

/**
 * Reads the text of so many bytes; answers how many tokens it is, and 0 where it does not say.
 *
 * Offsets count from the beginning of the text. The end of a string, name or number is the offset behind it
 * (without quotes), that of an object or array the number of the token behind it.
 */
export function index(length: u32): u32 {
  if (length > maxTextBytes) return 0
  const end = text + length
  for (let i: u32 = 0; i < 64; i += 16) v128.store(end + i, i64x2.splat(0))

  let p = afterSpace(text)
  if (load<u8>(p) != 0x7b) return 0
  p = afterSpace(p + 1)
  let token = tape
  write(token, objectToken, 0, 0)
  // of the object or array that is open: its token, its closing bracket, its names
  let opener = token
  let closer: u32 = 0x7d
  let firstName = names
  let topName = names
  // one bit a name: a name whose bit is not set has not been seen
  let seen: u64 = 0
  let depth: u32 = 1
  token += 8

  // an object without members is closed below, like any other
  let isEmpty = load<u8>(p) == 0x7d
  while (true) {
    if (!isEmpty) {
      if (token > tapeEnd - 16) return 0
      let byte = load<u8>(p)
      if (closer == 0x7d) {
        if (byte != 0x22) return 0
        p++
        // nearly every name ends within 16 bytes
        const stops = stopsIn(p)
        let nameEnd = p + ctz(stops)
        if (stops == 0 || load<u8>(nameEnd) != 0x22) {
          const quote = closingQuote(p)
          if (quote == 0 || (quote & 3) == 2) return 0
          nameEnd = quote >> 2
        }
        const size = nameEnd - p
        const bit: u64 = 1 << hash(p, size)
        if ((seen & bit) != 0 && isAmong(p, size, firstName, topName)) return 0
        if (topName - firstName == maxNames * 8) return 0
        seen |= bit
        store<u32>(topName, p)
        store<u32>(topName + 4, size)
        topName += 8
        write(token, nameToken, p - text, nameEnd - text)
        token += 8
        p = afterSpace(nameEnd + 1)
        if (load<u8>(p) != 0x3a) return 0
        p = afterSpace(p + 1)
        byte = load<u8>(p)
      }
      if (byte == 0x22) {
        p++
        const quote = closingQuote(p)
        if (quote == 0) return 0
        write(token, plainToken + (quote & 3), p - text, (quote >> 2) - text)
        p = (quote >> 2) + 1
        token += 8
      } else if (byte == 0x7b || byte == 0x5b) {
        if (depth == maxDepth) return 0
        if (byte == 0x5b && closer == 0x5d) {
          store<u8>(opener + 3, arrayOfArrayToken)
        }
        const frame = frames + depth * frameBytes
        store<u64>(frame, seen)
        store<u32>(frame + 8, opener)
        store<u32>(frame + 12, closer)
        store<u32>(frame + 16, firstName)
        depth++
        opener = token
        closer = byte + 2
        firstName = topName
        seen = 0
        write(token, byte == 0x7b ? objectToken : arrayToken, p - text, 0)
        token += 8
        p = afterSpace(p + 1)
        isEmpty = load<u8>(p) == closer
        continue
      } else if (byte == 0x74) {
        if (load<u32>(p) != 0x65757274) return 0
        write(token, trueToken, p - text, p + 4 - text)
        p += 4
        token += 8
      } else if (byte == 0x66) {
        if (load<u32>(p + 1) != 0x65736c61) return 0
        write(token, falseToken, p - text, p + 5 - text)
        p += 5
        token += 8
      } else if (byte == 0x6e) {
        if (load<u32>(p) != 0x6c6c756e) return 0
        write(token, nullToken, p - text, p + 4 - text)
        p += 4
        token += 8
      } else {
        const behind = numberEnd(p)
        if (behind == 0 || behind - p > maxNumberBytes) return 0
        write(token, numberToken, p - text, behind - text)
        p = behind
        token += 8
      }
    }
    isEmpty = false
    // behind a value: a comma, or the end of what is open
    while (true) {
      p = afterSpace(p)
      const byte = load<u8>(p)
      if (byte == 0x2c) {
        p = afterSpace(p + 1)
        break
      }
      if (byte != closer) return 0
      p++
      store<u32>(opener + 4, (token - tape) >> 3)
      depth--
      if (depth == 0) return afterSpace(p) == end ? (token - tape) >> 3 : 0
      topName = firstName
      const frame = frames + depth * frameBytes
      seen = load<u64>(frame)
      opener = load<u32>(frame + 8)
      closer = load<u32>(frame + 12)
      firstName = load<u32>(frame + 16)
    }
  }
}

function write(token: u32, kind: u32, offset: u32, behind: u32): void {
  store<u32>(token, (kind << 24) | offset)
  store<u32>(token + 4, behind)
}
