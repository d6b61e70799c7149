import type { Api } from './api.js'
import { deny, type Denial } from './decision.js'
import type { Partner } from './partner.js'
import type { Operation } from './route.js'

/**
 * What the `Ror-*` fields sent come to: a field of a pinned name with another value is refused, and
 * so is every one of them on a write judged by its query (ROR.md section 2: they must be absent there).
 *
 * @param sent - name in lower case → value
 */
export function judgeRorHeaders(
  pinned: Partner['rorHeaders'],
  operation: Operation,
  sent: Readonly<Record<string, string>>,
): Denial | undefined {
  for (const [name, value] of Object.entries(sent)) {
    if (!takesRorHeaders(operation)) {
      return deny('ror-header-mismatch', { sent: { header: name, expected: 'absent on this write' } })
    }
    if (Object.hasOwn(pinned, name) && pinned[name] !== value) {
      return deny('ror-header-mismatch', { sent: { header: name, found: value } })
    }
  }
  return undefined
}

/** The `Ror-*` fields that the gateway itself sends for this partner, in place of the client's of these names. */
export function injectedRorHeaders(
  partner: Pick<Partner, 'rorHeaders' | 'rorHeadersMode'>,
  { api, operation }: { readonly api: Pick<Api, 'kind'>; readonly operation: Operation },
): readonly (readonly [name: string, value: string])[] {
  if (partner.rorHeadersMode !== 'inject' || api.kind !== 'fhir' || !takesRorHeaders(operation)) return none
  return Object.entries(partner.rorHeaders).map(([name, value]) => [spelled(name), value])
}

const none: readonly (readonly [name: string, value: string])[] = []

function takesRorHeaders(operation: Operation): boolean {
  return operation.kind !== 'write' || operation.rule.establishment.from !== 'query'
}

// `ror-role-metier-code` as the guide writes it: `Ror-Role-Metier-Code`
function spelled(name: string): string {
  return name.replace(/(?:^|-)[a-z]/g, (letter) => letter.toUpperCase())
}
