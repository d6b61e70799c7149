// @see ROR.md section 3. Each prefix has a stretch of the integers of its own, all below 2^53
const firstOf1 = 2e15
const firstOf2 = 3e15
const firstOf3 = 4e15
const firstOf4 = 5e15
const sevenDigits = 1e7
const fifteenDigits = 1e15

/**
 * An IdNatStruct as one number, or nothing where the text is none.
 *
 * INVARIANT: injective, so that a list of establishments is an array of numbers, searched without
 * making or comparing a string. The lengths of prefixes 0 and 4 vary, so their digits are read with
 * a 1 before them, which keeps leading zeros.
 */
export function packEstablishment(text: string): number | undefined {
  const { length } = text
  switch (text.charCodeAt(0)) {
    case 0x31:
      return length === 10 ? packFiness(text) : undefined
    case 0x32:
      return length === 10 ? packDigits(text, firstOf2) : undefined
    case 0x33:
      return length === 15 ? packDigits(text, firstOf3) : undefined
    case 0x30:
    case 0x34: {
      if (length < 9 || length > 16) return undefined
      const base = text.charCodeAt(0) === 0x30 ? 0 : firstOf4
      return packDigits(text, base + 10 ** (length - 1))
    }
    default:
      return undefined
  }
}

/** The IdNatStruct of a number that `packEstablishment` gave. */
export function unpackEstablishment(packed: number): string {
  if (packed >= firstOf4) return `4${String(packed - firstOf4).slice(1)}`
  if (packed >= firstOf3) return `3${String(packed - firstOf3).padStart(14, '0')}`
  if (packed >= firstOf2) return `2${String(packed - firstOf2).padStart(9, '0')}`
  if (packed < firstOf1) return `0${String(packed).slice(1)}`
  const number = packed - firstOf1
  const department = Math.floor(number / sevenDigits)
  const [first, second] = [Math.floor(department / 36), department % 36]
  return `1${first}${second.toString(36).toUpperCase()}${String(number % sevenDigits).padStart(7, '0')}`
}

// behind the prefix: a digit, a digit or a letter, seven digits
function packFiness(text: string): number | undefined {
  const first = digitOf(text.charCodeAt(1))
  const second = alphanumericOf(text.charCodeAt(2))
  const rest = digitsFrom(text, 3)
  if (first < 0 || second < 0 || rest < 0) return undefined
  return firstOf1 + (first * 36 + second) * sevenDigits + rest
}

function packDigits(text: string, base: number): number | undefined {
  const number = digitsFrom(text, 1)
  return number < 0 || number >= fifteenDigits ? undefined : base + number
}

// the number that the digits from there on write, or -1
function digitsFrom(text: string, start: number): number {
  let number = 0
  for (let at = start; at < text.length; at += 1) {
    const digit = digitOf(text.charCodeAt(at))
    if (digit < 0) return -1
    number = number * 10 + digit
  }
  return number
}

function digitOf(code: number): number {
  return code >= 0x30 && code <= 0x39 ? code - 0x30 : -1
}

function alphanumericOf(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code - 0x41 + 10 : digitOf(code)
}
