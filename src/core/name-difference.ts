import { nameKey, type DistinguishedName, type RelativeDistinguishedName } from './distinguished-name.js'
import { sentencesOf, type NameDifferenceFacts, type PlacedRdn } from './name-difference-text.js'
import { likeness, skeleton, type Fold } from './text-likeness.js'

/** One difference between two names, with a sentence for the operator in both languages. */
export interface NameDifference extends NameDifferenceFacts {
  readonly en: string
  readonly fr: string
}

/** A name that is not the one found, but near. */
export interface NearName {
  readonly name: DistinguishedName
  /** 1 for what the eye overlooks, 2 for an RDN more or fewer or of another type, 3 for another value. */
  readonly score: number
  readonly differences: readonly NameDifference[]
}

// names in certificates hold five to eight RDNs; what is longer is compared in its first ones
const longestCompared = 24
// one value and one RDN: beyond, it is simply another name
const farthestNear = 6
const mostCandidates = 250_000

/**
 * Why `found` is not `expected`, RDN by RDN in the certificate's order; empty where it is.
 *
 * For explanations alone: names match exactly or not at all.
 */
export function differencesBetween(
  expected: DistinguishedName,
  found: DistinguishedName,
): readonly NameDifference[] {
  return compare(expected, found).map((facts) => ({ ...facts, ...sentencesOf(facts) }))
}

/**
 * The nearest of many names, the nearest first, none that is merely of the same country.
 *
 * @param candidates - names as the whitelist has them; the first 250,000 are looked at
 */
export function nearestNames(
  found: DistinguishedName,
  candidates: Iterable<DistinguishedName>,
  most = 3,
): readonly NearName[] {
  const telling = new Set(
    found
      .flat()
      .filter(isTelling)
      .map(({ value }) => skeleton(value)),
  )
  const near: { name: DistinguishedName; score: number }[] = []
  let looked = 0
  for (const name of candidates) {
    looked += 1
    if (looked > mostCandidates) break
    if (!name.some((rdn) => rdn.some((each) => isTelling(each) && telling.has(skeleton(each.value)))))
      continue
    const score = scoreOf(compare(name, found))
    if (score > farthestNear || (near.length === most && score >= (near.at(-1)?.score ?? 0))) continue
    near.push({ name, score })
    near.sort((one, other) => one.score - other.score)
    near.length = Math.min(near.length, most)
  }
  return near.map(({ name, score }) => ({ name, score, differences: differencesBetween(name, found) }))
}

// the country and the region say nothing of who it is
function isTelling({ type }: { readonly type: string }): boolean {
  return type !== '2.5.4.6' && type !== '2.5.4.8'
}

function scoreOf(differences: readonly NameDifferenceFacts[]): number {
  let score = 0
  for (const { kind, likeness: folds } of differences) {
    if (kind === 'value') score += folds.length > 0 ? 1 : 3
    else score += kind === 'missing' || kind === 'added' || kind === 'type' ? 2 : 1
  }
  return score
}

function compare(expected: DistinguishedName, found: DistinguishedName): readonly NameDifferenceFacts[] {
  const key = nameKey(found)
  if (nameKey(expected) === key) return []
  const whole = { expected: placed(expected, 0), found: placed(found, 0), likeness: [] }
  if (nameKey(expected.toReversed()) === key) return [{ kind: 'order', ...whole }]
  if (nameKey([expected.flat()]) === nameKey([found.flat()]) && expected.length !== found.length) {
    return [{ kind: 'grouping', ...whole }]
  }
  const differences = withMoves(align(expected.slice(0, longestCompared), found.slice(0, longestCompared)))
  return differences.length > 0 ? differences : [firstDifference(expected, found)]
}

// of names whose first RDNs are all the same
function firstDifference(expected: DistinguishedName, found: DistinguishedName): NameDifferenceFacts {
  let index = longestCompared
  while (nameKey(expected.slice(0, index + 1)) === nameKey(found.slice(0, index + 1))) index += 1
  const [one, other] = [placed(expected, index), placed(found, index)]
  const kind = one === undefined ? 'added' : other === undefined ? 'missing' : 'value'
  return { kind, expected: one, found: other, likeness: [] }
}

function placed(name: DistinguishedName, index: number): PlacedRdn | undefined {
  const rdn = name[index]
  return rdn === undefined ? undefined : { rdn, place: index + 1 }
}

/** The cheapest way from one name to the other: keep, change, drop or add an RDN. */
function align(expected: DistinguishedName, found: DistinguishedName): NameDifferenceFacts[] {
  // costs[i][j]: of the first i expected and the first j found RDNs
  const costs: number[][] = []
  const changes = expected.map((one) => found.map((other) => changeOf(one, other)))
  const at = (row: number, column: number) => costs[row]?.[column] ?? Number.POSITIVE_INFINITY
  const change = (row: number, column: number) => changes[row - 1]?.[column - 1]
  const costOf = (row: number, column: number) =>
    at(row - 1, column - 1) + (change(row, column)?.cost ?? Number.POSITIVE_INFINITY)
  for (let row = 0; row <= expected.length; row += 1) {
    const line: number[] = []
    costs.push(line)
    for (let column = 0; column <= found.length; column += 1) {
      const nothing = row === 0 && column === 0 ? 0 : Number.POSITIVE_INFINITY
      line.push(Math.min(nothing, costOf(row, column), at(row - 1, column) + 2, at(row, column - 1) + 2))
    }
  }
  const differences: NameDifferenceFacts[] = []
  let [row, column] = [expected.length, found.length]
  while (row > 0 || column > 0) {
    const [one, other] = [placed(expected, row - 1), placed(found, column - 1)]
    const changed = change(row, column)
    if (changed !== undefined && costOf(row, column) === at(row, column)) {
      const { kind, likeness: folds } = changed
      if (kind !== 'same') differences.push({ kind, expected: one, found: other, likeness: folds })
      row -= 1
      column -= 1
    } else if (row > 0 && at(row - 1, column) + 2 === at(row, column)) {
      differences.push({ kind: 'missing', expected: one, found: undefined, likeness: [] })
      row -= 1
    } else {
      differences.push({ kind: 'added', expected: undefined, found: other, likeness: [] })
      column -= 1
    }
  }
  return differences.reverse()
}

interface Change {
  readonly kind: 'same' | 'type' | 'value'
  readonly cost: number
  readonly likeness: readonly Fold[]
}

// what makes one RDN of the other, where they have a type or a value in common
function changeOf(one: RelativeDistinguishedName, other: RelativeDistinguishedName): Change | undefined {
  if (nameKey([one]) === nameKey([other])) return { kind: 'same', cost: 0, likeness: [] }
  const [types, values] = [sorted(one, 'type'), sorted(one, 'value')]
  const [otherTypes, otherValues] = [sorted(other, 'type'), sorted(other, 'value')]
  if (types === otherTypes) {
    const folds = likenessOf(one, other)
    return folds === undefined
      ? { kind: 'value', cost: 3, likeness: [] }
      : { kind: 'value', cost: 1, likeness: folds }
  }
  return values === otherValues ? { kind: 'type', cost: 2, likeness: [] } : undefined
}

function sorted(rdn: RelativeDistinguishedName, part: 'type' | 'value'): string {
  return JSON.stringify(rdn.map((attribute) => attribute[part]).sort())
}

// of sets of the same types: the folds of all their values together
function likenessOf(
  one: RelativeDistinguishedName,
  other: RelativeDistinguishedName,
): readonly Fold[] | undefined {
  const byType = (rdn: RelativeDistinguishedName) =>
    rdn.toSorted((a, b) => (`${a.type}=${a.value}` < `${b.type}=${b.value}` ? -1 : 1))
  const others = byType(other)
  const folds = new Set<Fold>()
  for (const [index, { value }] of byType(one).entries()) {
    const found = likeness(value, others[index]?.value ?? '')
    if (found === undefined) return undefined
    for (const fold of found) folds.add(fold)
  }
  return [...folds]
}

// what is missing here and added there was moved
function withMoves(differences: readonly NameDifferenceFacts[]): readonly NameDifferenceFacts[] {
  const added = new Map<string, NameDifferenceFacts[]>()
  for (const difference of differences) {
    if (difference.kind !== 'added' || difference.found === undefined) continue
    const key = nameKey([difference.found.rdn])
    added.set(key, [...(added.get(key) ?? []), difference])
  }
  const moved = new Set<NameDifferenceFacts>()
  const result: NameDifferenceFacts[] = []
  for (const difference of differences) {
    const { kind, expected } = difference
    const pair =
      kind === 'missing' && expected !== undefined ? added.get(nameKey([expected.rdn]))?.shift() : undefined
    if (pair === undefined) result.push(difference)
    else {
      moved.add(pair)
      result.push({ kind: 'moved', expected, found: pair.found, likeness: [] })
    }
  }
  return result.filter((difference) => !moved.has(difference))
}
