import { formatDiagnostic, type Diagnostic } from '../core/diagnostic.js'

/** How findings are written: for people, for programs, or as annotations of a GitHub workflow. */
export const diagnosticFormats = ['text', 'json', 'github'] as const

/**
 * A finding as a workflow command, which marks the line in the pull request.
 *
 * @see https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */
export function githubAnnotation(diagnostic: Diagnostic, shown: (path: string) => string): string {
  const { severity, code, place, message, related = [] } = diagnostic
  const also = related
    .map((each) => `\n${shown(each.place.file)}:${each.place.line} ${each.message}`)
    .join('')
  const properties = [
    `file=${escapedProperty(shown(place.file))}`,
    `line=${place.line}`,
    `col=${place.column}`,
    `title=${escapedProperty(code)}`,
  ]
  return `::${severity} ${properties.join(',')}::${escaped(message + also)}`
}

/** A finding as compilers print it, its paths as people have them before them. */
export function textLine(diagnostic: Diagnostic, shown: (path: string) => string): string {
  const { place, related } = diagnostic
  return formatDiagnostic({
    ...diagnostic,
    place: { ...place, file: shown(place.file) },
    ...(related !== undefined && {
      related: related.map((each) => ({ ...each, place: { ...each.place, file: shown(each.place.file) } })),
    }),
  })
}

function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function escapedProperty(text: string): string {
  return escaped(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
