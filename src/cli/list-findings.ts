import type { EstablishmentColumn, ListedEstablishment, RowFinding } from '../sheet/establishment-column.js'
import { isCheckDigitRight } from '../sheet/establishment-number.js'
import type { Finding, FindingFacts } from './desk-finding.js'

/** A list as findings name it. */
interface ListName {
  readonly about: string
  readonly isProduction: boolean
}

/** What there is to say of the numbers of a list as a whole. */
export function listFindings(
  { column, heading, establishments, isOfLegalEntities }: EstablishmentColumn,
  { about, isProduction }: ListName,
): readonly Finding[] {
  const { length: count } = establishments
  const found: Finding[] = [
    { severity: 'note', about, facts: { code: 'column-found', column, heading, count } },
  ]
  const warn = (facts: FindingFacts) => found.push({ severity: 'warning', about, facts })
  if (isOfLegalEntities) warn({ code: 'legal-entity-column', heading: heading ?? '' })
  const repeated = repeatedIn(establishments)
  if (repeated.length > 0) warn({ code: 'numbers-repeated', rows: repeated.map(rowOf) })
  const doubtful = establishments.filter(({ establishment }) => !isCheckDigitRight(establishment))
  if (isProduction && doubtful.length > 0) warn({ code: 'check-digits-wrong', rows: doubtful.map(rowOf) })
  return found
}

/** What there is to say of single rows, one finding for each kind; a malformed number is one by itself. */
export function rowFindings(rows: readonly RowFinding[], { about }: ListName): readonly Finding[] {
  const found: Finding[] = []
  const of = <Code extends RowFinding['code']>(code: Code) =>
    rows.filter((row): row is Extract<RowFinding, { code: Code }> => row.code === code)
  const warn = (facts: FindingFacts) => found.push({ severity: 'warning', about, facts })
  for (const { row, problem } of of('number-malformed')) {
    found.push({ severity: 'error', about, facts: { code: 'number-malformed', row, problem } })
  }
  const refuse = (facts: FindingFacts) => found.push({ severity: 'error', about, facts })
  const hidden = of('row-hidden')
  if (hidden.length > 0) refuse({ code: 'rows-hidden', rows: hidden.map(rowOf) })
  const leaving = of('row-to-remove')
  if (leaving.length > 0) refuse({ code: 'rows-to-remove', rows: leaving.map(rowOf) })
  const repairs = of('number-repaired').map(({ row, found: text, meant, repairs: how }) => {
    return { row, number: shortForm(meant), found: text, how }
  })
  if (repairs.length > 0) warn({ code: 'numbers-repaired', repairs })
  const legal = of('legal-entity-row')
  if (legal.length > 0) warn({ code: 'legal-entity-rows', rows: legal.map(rowOf) })
  const absent = of('number-absent').map(({ row }) => row)
  if (absent.length > 0) warn({ code: 'numbers-absent', rows: absent })
  const passed = of('row-passed-over').map(({ row, found: number }) => ({
    row,
    number: `\`${number.slice(0, 40)}\``,
  }))
  if (passed.length > 0) warn({ code: 'rows-passed-over', rows: passed })
  return found
}

/** A number as people write it: FINESS without its prefix. */
export function shortForm(establishment: string): string {
  return establishment.startsWith('1') ? establishment.slice(1) : establishment
}

function rowOf({ row, establishment }: ListedEstablishment) {
  return { row, number: shortForm(establishment) }
}

function repeatedIn(establishments: readonly ListedEstablishment[]): readonly ListedEstablishment[] {
  const seen = new Set<string>()
  return establishments.filter(({ establishment }) => {
    const isRepeated = seen.has(establishment)
    seen.add(establishment)
    return isRepeated
  })
}
