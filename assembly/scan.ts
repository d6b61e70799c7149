// The pieces of a JSON text: white space, strings, numbers. An address in, an address out; 0 where it is not said.

/** Where the first byte stands that is no white space. */
export function afterSpace(from: u32): u32 {
  if (load<u8>(from) > 0x20) return from
  return afterMuchSpace(from)
}

function afterMuchSpace(from: u32): u32 {
  let p = from
  while (true) {
    const block = v128.load(p)
    const isSpace = v128.or(
      v128.or(i8x16.eq(block, i8x16.splat(0x20)), i8x16.eq(block, i8x16.splat(0x0a))),
      v128.or(i8x16.eq(block, i8x16.splat(0x0d)), i8x16.eq(block, i8x16.splat(0x09))),
    )
    const others = i8x16.bitmask(isSpace) ^ 0xffff
    if (others != 0) return p + ctz(others)
    p += 16
  }
}

/** One bit for each of the 16 bytes here at which the scan of a string stops: quotes, backslashes, controls, not ASCII. */
export function stopsIn(p: u32): u32 {
  const block = v128.load(p)
  // signed: below a space are the control characters, and every byte of what is more than ASCII
  return i8x16.bitmask(
    v128.or(
      i8x16.lt_s(block, i8x16.splat(0x20)),
      v128.or(i8x16.eq(block, i8x16.splat(0x22)), i8x16.eq(block, i8x16.splat(0x5c))),
    ),
  )
}

/**
 * Where the string ends that begins here, behind its opening quote: four times the address of the closing
 * one, plus 1 where it holds more than ASCII, or 2 where it holds an escape. 0 where it is not said.
 */
export function closingQuote(from: u32): u32 {
  let p = from
  let shape: u32 = 0
  while (true) {
    const stops = stopsIn(p)
    if (stops == 0) {
      p += 16
      continue
    }
    p += ctz(stops)
    let byte = load<u8>(p)
    if (byte == 0x22) return (p << 2) | shape
    if (byte >= 0x80) {
      if (shape == 0) shape = 1
      do {
        const size = utf8Size(p, byte)
        if (size == 0) return 0
        p += size
        byte = load<u8>(p)
      } while (byte >= 0x80)
    } else if (byte == 0x5c) {
      shape = 2
      const size = escapeSize(p)
      if (size == 0) return 0
      p += size
    } else {
      return 0
    }
  }
}

/** Bytes of the sequence that begins here, 0 where it is none. @see RFC 3629 section 4 */
function utf8Size(p: u32, lead: u32): u32 {
  const second: u32 = load<u8>(p + 1)
  if ((second & 0xc0) != 0x80) return 0
  if (lead < 0xc2) return 0
  if (lead < 0xe0) return 2
  if ((load<u8>(p + 2) & 0xc0) != 0x80) return 0
  if (lead < 0xf0) {
    // no overlong form, no surrogate
    if (lead == 0xe0 && second < 0xa0) return 0
    return lead == 0xed && second > 0x9f ? 0 : 3
  }
  if ((load<u8>(p + 3) & 0xc0) != 0x80) return 0
  // no overlong form, nothing past U+10FFFF
  if (lead == 0xf0 && second < 0x90) return 0
  if (lead == 0xf4 && second > 0x8f) return 0
  return lead > 0xf4 ? 0 : 4
}

/** Bytes of the escape that begins here; 0 where it is none, or half of a pair of surrogates. */
function escapeSize(p: u32): u32 {
  switch (load<u8>(p + 1)) {
    case 0x22:
    case 0x5c:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return 2
    case 0x75:
      break
    default:
      return 0
  }
  let unit: u32 = 0
  for (let i: u32 = 2; i < 6; i++) {
    const byte: u32 = load<u8>(p + i)
    const letter = byte | 0x20
    if (byte - 0x30 < 10) unit = (unit << 4) | (byte - 0x30)
    else if (letter - 0x61 < 6) unit = (unit << 4) | (letter - 0x57)
    else return 0
  }
  return (unit & 0xf800) == 0xd800 ? 0 : 6
}

/** Where the number ends that begins here, 0 where none does. @see RFC 8259 section 6 */
export function numberEnd(from: u32): u32 {
  let p = from
  if (load<u8>(p) == 0x2d) p++
  if (load<u8>(p) == 0x30) {
    p++
  } else {
    const digits = p
    p = afterDigits(p)
    if (p == digits) return 0
  }
  if (load<u8>(p) == 0x2e) {
    const digits = p + 1
    p = afterDigits(digits)
    if (p == digits) return 0
  }
  if ((load<u8>(p) | 0x20) == 0x65) {
    p++
    const sign = load<u8>(p)
    if (sign == 0x2b || sign == 0x2d) p++
    const digits = p
    p = afterDigits(p)
    if (p == digits) return 0
  }
  return p
}

function afterDigits(from: u32): u32 {
  let p = from
  while (<u32>load<u8>(p) - 0x30 < 10) p++
  return p
}
