import { isMap, isScalar, isSeq, type Pair, type YAMLMap, type YAMLSeq } from 'yaml'

/** A spelling that is not edited in place. */
export class Unedited extends Error {}

/** The pair of a mapping with this key. */
export function pairOf(mapping: YAMLMap, name: string): Pair | undefined {
  return mapping.items.find(({ key }) => isScalar(key) && key.value === name)
}

/** Where a value begins and ends, comments behind it left out. */
export function rangeOf(node: unknown): readonly [start: number, end: number] {
  if (isScalar(node) || isMap(node) || isSeq(node)) {
    if (node.range) return [node.range[0], node.range[1]]
  }
  throw new Unedited()
}

/** Behind the last character of a value; block collections end where their last value does. */
export function contentEnd(node: unknown): number {
  if (isSeq(node) && node.flow !== true) return contentEnd(node.items.at(-1))
  if (isMap(node) && node.flow !== true) {
    const last = node.items.at(-1)
    return contentEnd(last?.value ?? last?.key)
  }
  return rangeOf(node)[1]
}

/** Where the dash of an item of a block list stands. */
export function dashOf(list: YAMLSeq, index: number): number {
  const token = list.srcToken
  if (token?.type !== 'block-seq') throw new Unedited()
  const dash = token.items[index]?.start.find(({ type }) => type === 'seq-item-ind')
  if (dash === undefined) throw new Unedited()
  return dash.offset
}

/** Where the colon behind a key stands. */
export function colonOf(mapping: YAMLMap, pair: Pair): number {
  const token = mapping.srcToken
  if (token === undefined || !('items' in token)) throw new Unedited()
  const item = token.items[mapping.items.indexOf(pair)]
  const colon = item?.sep?.find(({ type }) => type === 'map-value-ind')
  if (colon === undefined) throw new Unedited()
  return colon.offset
}
