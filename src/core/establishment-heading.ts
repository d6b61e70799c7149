// what a heading says, the surest first; a legal entity (EJ) is not what writes name (ROR.md section 4)
const byCertainty: readonly RegExp[] = [
  /id.?nat.?struct/i,
  /finess.*(?:eg\b|et\b|g[ée]o)|(?:\beg|\bet|g[ée]o).*finess/i,
  /finess(?!.*(?:ej|jur))/i,
  /[ée]tab|establishment|structure|identifi/i,
]

// nine digits may be a SIREN just as well as a FINESS: the heading decides
const otherNumbers = /siren|siret|rpps|adeli|t[ée]l|phone|fax/i

const legalEntity = /\bEJ\b|jurid/i

/**
 * The one of several columns whose heading says most surely that it holds the establishments writes name.
 *
 * Undefined where no heading says so, or two say it as surely.
 *
 * @param headings - by column; undefined where a column has none
 */
export function surestColumn(
  columns: readonly number[],
  headings: readonly (string | undefined)[],
): number | undefined {
  for (const said of byCertainty) {
    const [found, ...more] = columns.filter((column) => said.test(headings[column] ?? ''))
    if (found !== undefined) return more.length === 0 ? found : undefined
  }
  return undefined
}

/** Whether the heading names numbers of another kind (SIREN, telephone). */
export function isHeadingOfOthers(heading: string): boolean {
  return otherNumbers.test(heading)
}

/** Whether the heading says that its numbers are those of legal entities (EJ). */
export function isHeadingOfLegalEntities(heading: string): boolean {
  return legalEntity.test(heading)
}
