import { issuedName, type IssuedName } from '../src/x509/issue-name.js'

/** A partner of a list, with one certificate. */
export interface Partner {
  readonly id: string
  /** RFC 4514, as nginx, HAProxy and Caddy write it too: no character needs an escape. */
  readonly subject: string
  /** FINESS numbers. */
  readonly establishments: readonly string[]
}

/** What the listed client may write for, and what it may not. */
export const own = '350054680'
export const foreign = '290004324'

const establishmentsEach = 10

/** The subject of a client of this name, as its certificate holds it. */
export function partnerName(name: string): IssuedName {
  return issuedName(attributesOf(name))
}

/** So many partners: the listed client stands in their middle, the late one (where asked for) at the end. */
export function makePartners(count: number, withLate: boolean): readonly Partner[] {
  const middle = count >> 1
  return Array.from({ length: count }, (_, index) => {
    if (index === middle) return partner('listed', [own, ...numbersOf(index).slice(1)])
    if (withLate && index === count - 1) return partner('late', numbersOf(index))
    return partner(`client-${index}`, numbersOf(index))
  })
}

function partner(name: string, establishments: readonly string[]): Partner {
  const subject = attributesOf(name)
    .map(([type, value]) => `${type}=${value}`)
    .reverse()
    .join(',')
  return { id: name, subject, establishments }
}

function attributesOf(name: string): (readonly [type: string, value: string])[] {
  return [
    ['C', 'FR'],
    ['ST', 'Paris (75)'],
    ['O', `HOPITAL DE ${name}`],
    ['OU', '1750000000'],
    ['CN', name],
  ]
}

// FINESS numbers of departments that neither `own` nor `foreign` stands in
function numbersOf(index: number): string[] {
  return Array.from({ length: establishmentsEach }, (_, each) =>
    String(500_000_000 + index * establishmentsEach + each),
  )
}
