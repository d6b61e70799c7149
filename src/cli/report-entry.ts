import type { PartnerDeclaration } from '../core/partner.js'
import type { PartnerReport } from '../gateway/partner-report.js'
import type { DeskEnvironment } from './desk-source.js'

/** What an entry grants in one environment, and what of it was used. */
export interface ProvenEntry {
  readonly environment: string
  /** Whether the partner is listed there at all. */
  readonly listed: boolean
  readonly apis: readonly {
    readonly api: string
    readonly proven: 'called' | 'not-successful' | 'not-called'
  }[]
  /** Those the entry permits, and of them those that were written, and those that never were. */
  readonly establishments: number
  readonly written: number
  readonly notWritten: readonly string[]
}

/** A granted API is proven by one call that was permitted and answered with a status below 400. */
export function provenOf(
  { name }: DeskEnvironment,
  entry: PartnerDeclaration | undefined,
  { apis, establishments }: PartnerReport,
): ProvenEntry {
  const isHere = ({ environment }: { readonly environment: string }): boolean =>
    name === '' || environment === name
  const granted = new Set([
    ...(entry?.establishments ?? []),
    ...(entry?.certificates ?? []).flatMap((each) => each.establishments ?? []),
  ])
  const written = new Set(
    establishments.filter((each) => isHere(each) && each.written > 0).map((each) => each.idNatStruct),
  )
  const notWritten = [...granted].filter((each) => !written.has(each)).sort()
  return {
    environment: name,
    listed: entry !== undefined,
    apis: (entry?.apis ?? []).map((api) => {
      const called = apis.filter((each) => isHere(each) && each.api === api)
      const isProven = called.some(({ successful }) => successful > 0)
      return { api, proven: isProven ? 'called' : called.length > 0 ? 'not-successful' : 'not-called' }
    }),
    establishments: granted.size,
    written: granted.size - notWritten.length,
    notWritten,
  }
}
