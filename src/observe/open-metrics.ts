/** What a scrape is answered. */
export interface Exposition {
  readonly contentType: string
  readonly text: string
}

// of the text that prom-client makes
const plainType = 'text/plain; version=0.0.4; charset=utf-8'
/** As registered with IANA. */
const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** The older text, or OpenMetrics where an `Accept` prefers it. @param exemplarOf - as of `openMetricsText` */
export function exposition(
  text: string,
  accept: string,
  exemplarOf: (series: string) => string | undefined,
): Exposition {
  return prefersOpenMetrics(accept)
    ? { contentType: openMetricsType, text: openMetricsText(text, exemplarOf) }
    : { contentType: plainType, text }
}

/** Whether an `Accept` asks for OpenMetrics at least as much as for the older text. @see RFC 9110 section 12.5.1 */
export function prefersOpenMetrics(accept: string): boolean {
  let open = 0
  let plain = 0
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const weight = Number(parameters.find((each) => each.startsWith('q='))?.slice(2) ?? 1)
    if (type === 'application/openmetrics-text') open = Math.max(open, weight)
    if (type === 'text/plain') plain = Math.max(plain, weight)
  }
  return open > 0 && open >= plain
}

/**
 * The older text as OpenMetrics: counters are families without `_total`, exemplars stand behind their
 * samples, and the end is marked.
 *
 * prom-client's own rendering renames its counters for good, so that the next scrape of the older text
 * would have lost their `_total`.
 *
 * @param exemplarOf - what stands behind the sample line of a series
 */
function openMetricsText(text: string, exemplarOf: (series: string) => string | undefined): string {
  const counters = new Set([...text.matchAll(/^# TYPE (\S+)_total counter$/gm)].map((match) => match[1]))
  const lines: string[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    if (!line.startsWith('#')) {
      lines.push(line + (exemplarOf(line.slice(0, line.lastIndexOf(' '))) ?? ''))
      continue
    }
    const [, keyword = '', name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    const family = name.replace(/_total$/, '')
    lines.push(`# ${keyword} ${counters.has(family) ? family : name} ${rest}`)
  }
  return `${lines.join('\n')}\n# EOF\n`
}
