import type { EstablishmentProblem } from '../core/establishment.js'
import { renderingOf, type DenialReason } from '../core/reasons.js'
import { suggestion } from '../config/spelling.js'
import type { Repair } from '../sheet/establishment-number.js'
import type { MaterialProblem } from '../x509/material.js'
import type { Speaker } from './desk-output.js'
import { findingTexts } from './desk-finding-texts.js'
import type { Language } from './language.js'
import { UsageError } from './verb.js'

/** A row of a list, and the number it is about. */
export interface RowOf {
  readonly row: number
  readonly number: string
}

/** What is to be told of something that was handed in. */
export type FindingFacts =
  | { readonly code: 'private-key-present'; readonly message: string }
  | {
      readonly code: 'material-refused'
      readonly problem: MaterialProblem['code']
      readonly message: string
      /** 1-based. */
      readonly line?: number | undefined
    }
  | { readonly code: 'authorities-left-out'; readonly names: readonly string[] }
  | { readonly code: 'refused'; readonly reason: DenialReason; readonly detail: string | undefined }
  | { readonly code: 'certificate-of-a-person'; readonly sign: string }
  | { readonly code: 'certificate-expiring'; readonly on: string; readonly days: number }
  | {
      readonly code: 'certificate-claimed'
      readonly by: 'subject' | 'publicKey'
      readonly partner: string
      readonly place: string
    }
  | { readonly code: 'certificate-listed'; readonly by: 'subject' | 'publicKey'; readonly place: string }
  | { readonly code: 'certificate-read'; readonly written: string; readonly until: string }
  | { readonly code: 'key-alone'; readonly pin: string }
  | { readonly code: 'not-judged' }
  | { readonly code: 'list-refused'; readonly message: string }
  | { readonly code: 'column-missing' }
  | { readonly code: 'numbers-scientific'; readonly column: string; readonly rows: readonly RowOf[] }
  | { readonly code: 'column-unknown'; readonly wanted: string; readonly candidates: readonly string[] }
  | { readonly code: 'column-ambiguous'; readonly candidates: readonly string[] }
  | {
      readonly code: 'column-found'
      readonly column: string
      readonly heading: string | undefined
      readonly count: number
    }
  | { readonly code: 'windows-1252' }
  | { readonly code: 'legal-entity-column'; readonly heading: string }
  | { readonly code: 'legal-entity-rows'; readonly rows: readonly RowOf[] }
  | {
      readonly code: 'numbers-repaired'
      readonly repairs: readonly (RowOf & { readonly found: string; readonly how: readonly Repair[] })[]
    }
  | { readonly code: 'number-malformed'; readonly row: number; readonly problem: EstablishmentProblem }
  | { readonly code: 'numbers-absent'; readonly rows: readonly number[] }
  | { readonly code: 'rows-passed-over'; readonly rows: readonly RowOf[] }
  | { readonly code: 'numbers-repeated'; readonly rows: readonly RowOf[] }
  | { readonly code: 'check-digits-wrong'; readonly rows: readonly RowOf[] }
  | { readonly code: 'numbers-kept'; readonly numbers: readonly string[] }
  | { readonly code: 'file-left'; readonly file: string }
  | { readonly code: 'last-certificate' }
  | { readonly code: 'renewal-needs-swap' }
  | { readonly code: 'renewal-other-name'; readonly old: string }
  | {
      readonly code: 'other-environment-changes'
      readonly environment: string
      readonly partners: readonly string[]
    }
  | { readonly code: 'rows-to-remove'; readonly rows: readonly RowOf[] }
  | { readonly code: 'rows-hidden'; readonly rows: readonly RowOf[] }
  | { readonly code: 'sheet-hidden' }
  | {
      readonly code: 'name-typography'
      readonly characters: readonly string[]
      readonly values: readonly string[]
    }

/** One of them, and how much it weighs: an error is in the way of every change until it is accepted. */
export interface Finding {
  readonly severity: 'error' | 'warning' | 'note'
  /** The file, sheet or text that it is about. */
  readonly about: string
  readonly facts: FindingFacts
}

/** The code that `--accept` takes: a refusal goes by its reason. */
function codeOf(facts: FindingFacts): string {
  return facts.code === 'refused' ? facts.reason : facts.code
}

/** What no one can accept: there is nothing that could be done all the same. */
const unacceptable: ReadonlySet<FindingFacts['code']> = new Set([
  'private-key-present',
  'material-refused',
  'key-alone',
  'list-refused',
  'column-missing',
  'numbers-scientific',
  'column-ambiguous',
  'column-unknown',
  'certificate-claimed',
  'last-certificate',
  'renewal-needs-swap',
])

/**
 * Findings with the errors that were accepted as warnings.
 *
 * @throws UsageError where a code is none of those that were found: a slip would else look like consent
 */
export function withAccepted(findings: readonly Finding[], accepted: readonly string[]): readonly Finding[] {
  const found = new Set(findings.map(({ facts }) => codeOf(facts)))
  const stray = accepted.find((code) => !found.has(code))
  if (stray !== undefined) {
    const codes = new Set(waysToAccept(findings).map((way) => way.slice('--accept '.length)))
    throw new UsageError(`--accept: nothing was found that is called \`${stray}\`${suggestion(stray, codes)}`)
  }
  return findings.map((finding) => {
    const { severity, facts } = finding
    const isAccepted =
      severity === 'error' && accepted.includes(codeOf(facts)) && !unacceptable.has(facts.code)
    return isAccepted ? { ...finding, severity: 'warning' } : finding
  })
}

/** The options that would take every error upon oneself; none where one of them cannot be accepted. */
export function waysToAccept(findings: readonly Finding[]): readonly string[] {
  const errors = findings.filter(({ severity }) => severity === 'error').map(({ facts }) => facts)
  if (errors.some(({ code }) => unacceptable.has(code))) return []
  return [...new Set(errors.map((facts) => `--accept ${codeOf(facts)}`))]
}

export function hasError(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity === 'error')
}

/** A finding as a sentence. */
function sentenceOf(facts: FindingFacts, language: Language): string {
  if (facts.code === 'refused') {
    const sentence = renderingOf(facts.reason)[language]
    return facts.detail === undefined ? sentence : `${sentence} (${facts.detail})`
  }
  // the table has one function for each code, which takes the facts of that code
  const texts = findingTexts[language] as Record<string, (facts: FindingFacts) => string> // see FindingTexts
  return texts[facts.code]?.(facts) ?? facts.code
}

/** Findings as lines: what weighs most first. */
export function tellFindings(findings: readonly Finding[], speaker: Speaker): void {
  const { language, paint } = speaker
  const marks = {
    error: paint.bad(language === 'fr' ? 'erreur' : 'error'),
    warning: paint.doubtful(language === 'fr' ? 'attention' : 'warning'),
    note: paint.faint('note'),
  }
  const order = ['error', 'warning', 'note'] as const
  for (const severity of order) {
    for (const { about, facts, ...finding } of findings) {
      if (finding.severity !== severity) continue
      const code = severity === 'note' ? '' : ` [${codeOf(facts)}]`
      speaker.note(`${marks[severity]}  ${about}: ${sentenceOf(facts, language)}${code}`)
    }
  }
}

/** Findings as JSON has them. */
export function findingsAsJson(findings: readonly Finding[]): readonly unknown[] {
  return findings.map(({ severity, about, facts }) => ({
    severity,
    ...facts,
    code: codeOf(facts),
    about,
    message: sentenceOf(facts, 'en'),
  }))
}
