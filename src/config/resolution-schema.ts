import { z } from 'zod'
import { key, path, sound, wholeKey } from './schema-parts.js'
import { troubleInPath } from './url-parts.js'

const fieldName = z
  .string()
  .regex(
    /^(?!(?:host|connection|authorization|accept|content-.*|transfer-encoding|expect|te|upgrade|trailer)$)[A-Za-z][A-Za-z0-9-]{0,63}$/i,
    'expected a field name that has no meaning of its own here',
  )
const fieldValue = z.string().regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/, 'expected printable ASCII')

/** How the establishments behind technical ids are looked up, by reads of the gateway's own. */
export const resolution = z.strictObject({
  api: key('API that is read, by its name; absent: the one that is written to.', z.string()).optional(),
  path: key('Path that is read below; absent: that of the API.', sound(troubleInPath)).optional(),
  authorizationFile: key(
    'File whose one line is the `Authorization` of these reads, such as `Bearer …`; read again when it changes.',
    path,
  ).optional(),
  fields: key(
    'Further fields of these reads, such as the `Ror-*` ones.',
    z.record(fieldName, fieldValue).default({}),
    { type: 'object', additionalProperties: { type: ['string', 'integer'] }, default: {} },
  ),
  timeoutMs: wholeKey('Time for all the reads of one request, in milliseconds.', {
    min: 100,
    max: 120_000,
    default: 10_000,
  }),
  maxSteps: wholeKey('Longest way from an id to its establishment, in steps.', {
    min: 1,
    max: 20,
    default: 5,
  }),
  maxReads: wholeKey('Most reads for one request.', { min: 1, max: 10_000, default: 100 }),
  cacheSeconds: wholeKey('Time that an answer is kept, in seconds; 0: none is.', {
    min: 0,
    max: 3600,
    default: 60,
  }),
})
