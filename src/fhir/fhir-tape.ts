import { noChildren, unread, type FhirElement, type Wanted } from './fhir-element.js'
import { jsonToken, type JsonIndex } from './json-index.js'
import { decodeUtf8, KeyMemory } from './json-keys.js'
import { JsonString } from './json-string.js'
import { defaultJsonLimits } from './json-visitor.js'

type Children = Map<string, FhirElement[]>

const names = new KeyMemory()

/**
 * The wanted part of the FHIR body that the index has just read: the elements that the reader would build.
 * Undefined where an array stands directly in an array of something wanted; the reader says what is wrong.
 *
 * What is not wanted is stepped over; what is kept is copied out of the index.
 */
export function elementOnTape(index: JsonIndex, wanted: Wanted): FhirElement | undefined {
  const children = membersOf(index, 0, wanted)
  return children === undefined ? undefined : { kind: 'complex', value: undefined, children }
}

// recursive, by as many levels as are wanted
function membersOf(index: JsonIndex, object: number, wanted: Wanted): Children | undefined {
  const { text, tape } = index
  const children: Children = new Map()
  const end = endOf(tape, object)
  let token = object + 1
  while (token < end) {
    const name = names.textOf(text, offsetOf(tape, token), endOf(tape, token))
    const value = token + 1
    const below = Object.hasOwn(wanted, name) ? wanted[name] : undefined
    const found = elementsOf(index, value, below)
    if (found === undefined) return undefined
    children.set(name, found)
    token = behind(tape, value)
  }
  return children
}

/** What a member's value comes to: an array is several elements, and of what is not wanted one stands for all. */
function elementsOf(index: JsonIndex, value: number, wanted: Wanted | undefined): FhirElement[] | undefined {
  const { tape } = index
  switch (kindOf(tape, value)) {
    case jsonToken.arrayOfArray:
      return undefined
    case jsonToken.array:
      break
    default: {
      const element = wanted === undefined ? unread : elementOf(index, value, wanted)
      return element === undefined ? undefined : [element]
    }
  }
  const end = endOf(tape, value)
  if (wanted === undefined) return end === value + 1 ? [] : [unread]
  const elements: FhirElement[] = []
  for (let token = value + 1; token < end; token = behind(tape, token)) {
    const element = elementOf(index, token, wanted)
    if (element === undefined) return undefined
    elements.push(element)
  }
  return elements
}

function elementOf(index: JsonIndex, token: number, wanted: Wanted): FhirElement | undefined {
  const { text, tape } = index
  const start = offsetOf(tape, token)
  const end = endOf(tape, token)
  switch (kindOf(tape, token)) {
    case jsonToken.object: {
      const children = membersOf(index, token, wanted)
      return children === undefined ? undefined : { kind: 'complex', value: undefined, children }
    }
    case jsonToken.plain:
      return { kind: 'string', value: text.toString('latin1', start, end), children: noChildren }
    case jsonToken.utf8:
      return { kind: 'string', value: decodeUtf8(text, start, end), children: noChildren }
    case jsonToken.escaped:
      return { kind: 'string', value: unescaped(text, start), children: noChildren }
    case jsonToken.number:
      return { kind: 'number', value: text.toString('latin1', start, end), children: noChildren }
    case jsonToken.true:
      return { kind: 'boolean', value: 'true', children: noChildren }
    case jsonToken.false:
      return { kind: 'boolean', value: 'false', children: noChildren }
    case jsonToken.null:
      return { kind: 'null', value: 'null', children: noChildren }
    default:
      return undefined
  }
}

function unescaped(text: Uint8Array, start: number): string | undefined {
  const string = new JsonString(defaultJsonLimits.maxStringBytes)
  string.open(true)
  string.read(text, start)
  return string.closed ? string.text() : undefined
}

function kindOf(tape: Uint32Array, token: number): number {
  return (tape[2 * token] ?? 0) >>> 24
}

function offsetOf(tape: Uint32Array, token: number): number {
  return (tape[2 * token] ?? 0) & 0xffffff
}

function endOf(tape: Uint32Array, token: number): number {
  return tape[2 * token + 1] ?? 0
}

/** The token behind this value and all that is in it. */
function behind(tape: Uint32Array, token: number): number {
  const kind = kindOf(tape, token)
  return kind === jsonToken.object || kind === jsonToken.array || kind === jsonToken.arrayOfArray
    ? endOf(tape, token)
    : token + 1
}
