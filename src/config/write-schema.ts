import { z } from 'zod'
import { flagKey, key, reading, someOf, text, wholeKey } from './schema-parts.js'
import { parseTemplate } from './url-parts.js'

const megabyte = 1024 * 1024

const parameterName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, 'expected a plain parameter name')
const resourceType = z.string().regex(/^[A-Z][A-Za-z]{1,63}$/, 'expected a resource type such as `Location`')
const template = reading((written) => {
  const value = parseTemplate(written)
  if (value !== undefined) return { ok: true, value }
  return {
    ok: false,
    problem: { message: 'expected a template such as `/Location` or `/Organization/{id}`' },
  }
})

/** Where a write names its establishments; which keys go together is checked by `gateway-writes`. */
const establishment = key(
  'Where the write names its establishments: `{ query, form }`, `{ body }` or `{ reference, resolve }`; `query` and one of the others where both must be permitted.',
  z.strictObject({
    query: key('Query parameter that holds the establishment.', parameterName).optional(),
    form: key(
      'How the parameter spells it: `1350054680/UNIT`, `1350054680` or `350054680`.',
      z.enum(['idnatstruct/unit', 'idnatstruct', 'finess']),
    ).optional(),
    body: key(
      'Shape of the body that holds it; `bundle`: each entry is judged by the other rules of the API.',
      z.enum(['organization-identifier', 'task-focus', 'bundle']),
    ).optional(),
    reference: key(
      'Element of the body that names a technical id only; `id`: the one in `path`.',
      z.string().regex(/^[a-z][A-Za-z]{0,63}$/, 'expected an element name such as `providedBy`, or `id`'),
    ).optional(),
    resolve: key(
      'Who tells the establishments behind technical and functional ids. Needed where `path` holds `{id}`: those of what stands there are judged too.',
      z.enum(['upstream']),
    ).optional(),
  }),
)

/** One write that is open. */
export const write = z.strictObject({
  method: key('HTTP method of the write.', z.enum(['POST', 'PUT', 'PATCH', 'DELETE'])),
  path: key(
    'Template below the path of the API: `/Location`, `/Organization/{id}`; `{…}` is one segment.',
    template,
  ),
  establishment,
  prefixes: key(
    'IdNatStruct prefixes that may be written: 0 ADELI, 1 FINESS, 2 SIREN, 3 SIRET, 4 RPPS.',
    someOf(z.enum(['0', '1', '2', '3', '4'])).default(['1']),
    {
      type: 'array',
      minItems: 1,
      items: { enum: ['0', '1', '2', '3', '4', 0, 1, 2, 3, 4] },
      default: ['1'],
    },
  ),
  parameters: key(
    'Query parameters allowed beside the one that is judged.',
    z.array(parameterName).default([]),
  ),
  maxBodyBytes: wholeKey('Largest body of this write, in bytes.', {
    min: 1,
    max: 256 * megabyte,
    default: megabyte,
  }),
  maxEntries: wholeKey('Most entries of a Bundle.', { min: 1, max: 10_000, default: 100 }),
  conditionalCreate: flagKey('Whether `If-None-Exist` may stand beside a POST.', false),
  unitCharacters: key(
    'Characters that unit codes may hold beside letters and digits.',
    z
      .string()
      .regex(
        /^[ !"'()*.:<>@[\]^_`{}~-]*$/,
        'expected characters that neither search, nor separate, nor escape: none of `,|$\\\\%+&=;#?/`',
      ),
    { type: 'string' },
  ).optional(),
  patch: key(
    'What a FHIRPath Patch may aim at, or `unread`. Where the establishment stands in the query or behind a reference: the resource type of `path` and everything below it, but what says whose the resource is.',
    z.union([
      z.enum(['unread']),
      z.strictObject({
        resource: key('Resource type that the patch must name.', resourceType),
        paths: key(
          'Paths it may begin with; the resource type alone allows all below it.',
          someOf(text),
        ).optional(),
      }),
    ]),
  ).optional(),
})
