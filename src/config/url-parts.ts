const pathSegment = /^[A-Za-z0-9\-._~!$&'()*+,=:@]+$/
const literalSegment = /^[A-Za-z0-9$_-][A-Za-z0-9$._-]*$/
const templateSegment = /^\{[A-Za-z][A-Za-z0-9]*\}$/

/** What keeps a text from being the path of an API, or undefined. */
export function troubleInPath(path: string): string | undefined {
  if (path === '/') return undefined
  if (!path.startsWith('/')) return 'expected an absolute path such as `/ws-diffusion-fhir`'
  if (path.endsWith('/')) return 'expected a path without a trailing slash'
  for (const segment of path.slice(1).split('/')) {
    const trouble = troubleInSegment(segment)
    if (trouble !== undefined) return trouble
  }
  return undefined
}

function troubleInSegment(segment: string): string | undefined {
  if (segment === '.' || segment === '..') return 'expected a path without dot segments'
  if (segment.includes('?') || segment.includes('#')) return 'expected a path without query and fragment'
  if (segment.includes('%')) return 'expected a path without percent-escapes'
  if (segment === '') return 'expected a path without empty segments'
  return pathSegment.test(segment) ? undefined : 'expected a path of plain URL characters'
}

/** The segments of a write's path template (`/Organization/{id}`; none for `/`), or undefined. */
export function parseTemplate(template: string): readonly string[] | undefined {
  if (template === '/') return []
  if (!template.startsWith('/')) return undefined
  const segments = template.slice(1).split('/')
  const sound = segments.every((segment) => literalSegment.test(segment) || templateSegment.test(segment))
  return sound && !segments.includes('.') && !segments.includes('..') ? segments : undefined
}

/** What keeps a text from being the origin of an upstream, or undefined. */
export function troubleInOrigin(origin: string): string | undefined {
  const expected = 'expected an origin such as `http://127.0.0.1:9081`, without path and credentials'
  if (origin.includes('@')) return `credentials must not stand here: ${expected}`
  const found = /^https?:\/\/(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::([0-9]{1,5}))?$/i.exec(origin)
  if (found === null || !URL.canParse(origin)) return expected
  const port = found[1] === undefined ? 1 : Number(found[1])
  return port >= 1 && port <= 65_535 ? undefined : 'expected a port from 1 to 65535'
}
