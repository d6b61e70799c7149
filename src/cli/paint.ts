/** Marks for people; the text itself where nobody sees colours. */
export interface Paint {
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly doubtful: (text: string) => string
  readonly strong: (text: string) => string
  readonly faint: (text: string) => string
}

/** Colours on a terminal alone, and none where `NO_COLOR` is set. @see https://no-color.org */
export function paintFor(
  stream: NodeJS.WritableStream,
  variables: Readonly<Record<string, string | undefined>>,
): Paint {
  const isTerminal = 'isTTY' in stream && stream.isTTY === true
  const isOn = isTerminal && (variables['NO_COLOR'] ?? '') === '' && variables['TERM'] !== 'dumb'
  const mark =
    (code: number) =>
    (text: string): string =>
      isOn ? `\u001b[${code}m${text}\u001b[0m` : text
  return { good: mark(32), bad: mark(31), doubtful: mark(33), strong: mark(1), faint: mark(2) }
}
