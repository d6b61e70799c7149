/** A way in which two texts differ that the eye takes for none. */
export type Fold = 'unicode-form' | 'accents' | 'case' | 'spaces' | 'invisible' | 'homoglyphs'

// applied in this order; the skeleton comes last so that it meets one case only where case is folded
const folds: readonly (readonly [Fold, (text: string) => string])[] = [
  ['unicode-form', (text) => text.normalize('NFKC')],
  ['invisible', (text) => text.replaceAll(/[\p{Cf}\p{Variation_Selector}]/gu, '')],
  [
    'accents',
    (text) =>
      text
        .normalize('NFD')
        .replaceAll(/\p{M}/gu, '')
        .replaceAll(/[œŒæÆ]/g, ligature),
  ],
  ['spaces', (text) => text.replaceAll(/\s/gu, '')],
  ['case', (text) => text.toLowerCase()],
  ['homoglyphs', (text) => text.replaceAll(/./gsu, lookAlike)],
]

const ligatures: Readonly<Record<string, string>> = { œ: 'oe', Œ: 'OE', æ: 'ae', Æ: 'AE' }

// Latin letters and ASCII signs, each with what looks like it in the fonts that people read names in
const alike: readonly string[] = [
  ...[
    'aаα',
    'bвβ',
    'cс',
    'eеε',
    'hнһη',
    'jј',
    'kкκ',
    'mмμ',
    'nν',
    'oоο0',
    'pрρ',
    'sѕ',
    'tтτ',
    'xхχ',
    'yуυ',
    'zζ',
  ],
  ...['liіι1|', "'’‘`´ʼ′", '"“”„«»', '-‐‑‒–—−_'],
]
const looksLike = new Map<string, string>()
for (const [first = '', ...others] of alike.map((each) => Array.from(each))) {
  for (const other of [first, ...others]) {
    looksLike.set(other, first)
    // a capital looks like a capital; `I` and `l` are one for the eye, and so are `0` and `O`
    const upper = other.toUpperCase()
    if (upper === other || looksLike.has(upper)) continue
    looksLike.set(upper, first === 'l' || first === 'o' ? first : first.toUpperCase())
  }
}
looksLike.set('L', 'L')

/**
 * How two different texts are alike: the fewest folds that make them one; nothing where none do.
 *
 * For explanations alone: a near miss is never accepted.
 */
export function likeness(one: string, other: string): readonly Fold[] | undefined {
  let needed = folds
  if (folded(one, needed) !== folded(other, needed)) return undefined
  // the boldest are tried first: what is alike without them is told without them
  for (const fold of ['homoglyphs', 'accents', 'invisible', 'unicode-form', 'spaces', 'case'] as const) {
    const fewer = needed.filter(([name]) => name !== fold)
    if (folded(one, fewer) === folded(other, fewer)) needed = fewer
  }
  return needed.map(([name]) => name)
}

/** What all texts that are alike have in common. */
export function skeleton(text: string): string {
  return folded(text, folds)
}

function folded(text: string, by: typeof folds): string {
  let result = text
  for (const [, fold] of by) result = fold(result)
  return result
}

function ligature(character: string): string {
  return ligatures[character] ?? character
}

function lookAlike(character: string): string {
  return looksLike.get(character) ?? character
}
