import type { Diagnostic } from '../core/diagnostic.js'
import { shownPath, shownPlace, type Speaker } from './desk-output.js'
import {
  findingsAsJson,
  hasError,
  tellFindings,
  waysToAccept,
  withAccepted,
  type Finding,
} from './desk-finding.js'
import { inLanguage } from './language.js'
import { unifiedDiff } from './unified-diff.js'
import { exit } from './verb.js'
import { writeChanges, type ChangedElsewhere, type WhitelistDesk } from './whitelist-desk.js'

/** A change that is shown, judged, and made where that was asked for. */
export interface Proposal {
  readonly partner: string
  readonly findings: readonly Finding[]
  /** Codes of errors that are not to be in the way. */
  readonly accepted: readonly string[]
  readonly isWritten: boolean
  readonly asJson: boolean
}

const sentences = {
  en: {
    nothing: 'nothing changes',
    blocked: (accept: string) =>
      `nothing was written: mend what is wrong${accept === '' ? '' : `, or take it upon you with ${accept}`}`,
    invalid: 'nothing was written: `serve` would refuse the result',
    shown: 'nothing was written; --write writes it',
    written: (files: string) => `written: ${files}`,
  },
  fr: {
    nothing: 'rien ne change',
    blocked: (accept: string) =>
      `rien n’a été écrit : corrigez ce qui est faux${accept === '' ? '' : `, ou assumez-le par ${accept}`}`,
    invalid: 'rien n’a été écrit : `serve` refuserait le résultat',
    shown: 'rien n’a été écrit ; --write l’écrit',
    written: (files: string) => `écrit : ${files}`,
  },
}

/** Shows a change as a diff, checks what it would come to, and writes it whole or not at all. */
export async function propose(
  desk: WhitelistDesk,
  { partner, findings: found, accepted, isWritten, asJson }: Proposal,
  speaker: Speaker,
): Promise<number> {
  const { changes } = desk
  const words = inLanguage(speaker.language, sentences)
  const known = new Set(desk.warnings.map(identityOf))
  const checked = changes.length === 0 ? undefined : await desk.check()
  const findings = withAccepted([...found, ...besides(checked?.elsewhere ?? [], partner)], accepted)
  const isBlocked = hasError(findings)
  const diagnostics = (checked?.diagnostics ?? []).filter(
    (each) => each.severity === 'error' || !known.has(identityOf(each)),
  )
  const isInvalid = diagnostics.some(({ severity }) => severity === 'error')
  const isMade = isWritten && !isBlocked && !isInvalid && changes.length > 0
  if (isMade) await writeChanges(changes)
  const diffs = changes.map(({ path, before, after }) => {
    return { file: shownPath(path), diff: unifiedDiff({ name: shownPath(path), before, after }) }
  })
  const code = isBlocked || isInvalid ? exit.invalid : exit.done
  if (asJson) {
    speaker.json({
      ok: code === exit.done,
      written: isMade,
      partner,
      environment: desk.within?.environment.name,
      findings: findingsAsJson(findings),
      changes: diffs.map(({ file, diff }) => ({ file, diff: diff.join('\n') })),
      diagnostics,
    })
    return code
  }
  tellFindings(findings, speaker)
  for (const { diff } of diffs) for (const line of diff) speaker.say(painted(line, speaker))
  for (const diagnostic of diagnostics) speaker.note(told(diagnostic))
  if (isBlocked) speaker.note(words.blocked(waysToAccept(findings).join(' ')))
  else if (isInvalid) speaker.note(words.invalid)
  else if (changes.length === 0) speaker.note(words.nothing)
  else speaker.note(isMade ? words.written(diffs.map(({ file }) => file).join(', ')) : words.shown)
  return code
}

function besides(elsewhere: readonly ChangedElsewhere[], about: string): readonly Finding[] {
  return elsewhere.map((changed) => {
    return { severity: 'error', about, facts: { code: 'other-environment-changes', ...changed } }
  })
}

// places move with the lines before them
function identityOf({ code, message }: Diagnostic): string {
  return `${code} ${message}`
}

function painted(line: string, { paint }: Speaker): string {
  if (line.startsWith('+')) return paint.good(line)
  return line.startsWith('-') ? paint.bad(line) : line
}

function told({ severity, place, message, related = [] }: Diagnostic): string {
  const also = related.map((each) => `\n  ${shownPlace(each.place)} ${each.message}`).join('')
  return `${shownPlace(place)} ${severity === 'warning' ? 'warning: ' : ''}${message}${also}`
}
